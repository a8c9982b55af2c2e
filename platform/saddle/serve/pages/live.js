// Puts what has changed into the page. Everything is rendered and escaped by the server.
"use strict";

const address = document.body.dataset.events;
const connection = document.getElementById("connection");
let source = null;

function show(text) {
  connection.textContent = text;
}

function replace(regions) {
  for (const [id, html] of Object.entries(regions)) {
    const region = document.getElementById(id);
    if (region === null) continue;
    const open = [...region.querySelectorAll("details")].map((details) => details.open);
    region.innerHTML = html;
    region.querySelectorAll("details").forEach((details, place) => { details.open = open[place] ?? details.open; });
  }
}

function watch() {
  if (source !== null || !address) return;
  source = new EventSource(address);
  source.onopen = () => show("live");
  source.onmessage = (event) => { show("live"); replace(JSON.parse(event.data)); };
  source.addEventListener("trouble", () => show("the storage does not answer"));
  source.onerror = () => show("not connected");
}

function rest() {
  if (source === null) return;
  source.close();  // a browser has six connections to a server, and hidden tabs would hold them
  source = null;
}

document.addEventListener("visibilitychange", () => (document.hidden ? rest() : watch()));
window.addEventListener("pagehide", rest);
window.addEventListener("pageshow", watch);
watch();
