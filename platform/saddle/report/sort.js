// Lets a click on the head of a table's column sort its rows; without this script tables are as they were written.
"use strict";
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0], heads = [...table.querySelectorAll("thead th")];
  if (!body || body.rows.length < 2) continue;
  table.classList.add("sortable");
  if (body.rows.length > 5) table.classList.add("long");
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    if (!button.textContent.trim()) return;
    head.append(button);
    button.addEventListener("click", () => sort(body, heads, column));
  });
}

function sort(body, heads, column) {
  const down = heads[column].getAttribute("aria-sort") === "ascending";
  heads.forEach(head => head.removeAttribute("aria-sort"));
  heads[column].setAttribute("aria-sort", down ? "descending" : "ascending");
  const keyed = [...body.rows].map(row => [row, key(row.cells[column])]);
  keyed.sort((one, other) => compare(one[1], other[1], down ? -1 : 1));
  body.append(...keyed.map(pair => pair[0]));
}

// A duration in seconds, a leading number, null for a dash, else the text.
function key(cell) {
  const text = (cell ? cell.textContent : "").trim().replaceAll("\u2212", "-").replaceAll(",", "");
  if (text === "" || text === "\u2013") return null;
  const time = text.match(/^(?:(\d+) h )?(?:(\d+) min ?)?(?:([\d.]+) s)?$/);
  if (time && (time[1] || time[2] || time[3])) return 3600 * (time[1] || 0) + 60 * (time[2] || 0) + Number(time[3] || 0);
  const number = text.match(/^[<+\u00b1 ]*(-?[\d.]+(?:e[+-]?\d+)?)(?![\w.])/i);
  return number && !Number.isNaN(Number(number[1])) ? Number(number[1]) : text;
}

// Dashes last, whichever way; numbers before texts.
function compare(one, other, sign) {
  if (one === null || other === null) return (one === null) - (other === null);
  if (typeof one === "number" && typeof other === "number") return sign * (one - other);
  if (typeof one !== typeof other) return sign * (typeof one === "number" ? -1 : 1);
  return sign * one.localeCompare(other, "en", {numeric: true});
}
