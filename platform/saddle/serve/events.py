"""Server-sent events: the regions of an open page that have changed, each as HTML."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import StreamingResponse

NOTICED = 0.25
"""Seconds after which an open page notices that the server ends."""

Regions = Callable[[], Awaitable[Mapping[str, str]]]
"""The current regions of a page: HTML by the id of its element."""

BEAT = 15.0
"""Seconds without a change after which a comment is sent, so that proxies keep the connection."""


@dataclass
class Watching:
    """How often open pages are looked after, in seconds, until the server is `ending`: each holds a connection."""

    pause: float
    ending: Callable[[], bool] = lambda: False

    async def wait(self, times: float = 1) -> bool:
        """Wait for the next look; whether there is to be one."""
        until = time.monotonic() + times * self.pause
        while not self.ending() and (seconds := until - time.monotonic()) > 0:
            await asyncio.sleep(min(seconds, NOTICED))
        return not self.ending()


def event_stream(request: Request, regions: Regions, watching: Watching) -> StreamingResponse:
    """An answer that sends changed regions until the reader has gone."""
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(changes(request, regions, watching), media_type="text/event-stream", headers=headers)


async def changes(request: Request, regions: Regions, watching: Watching) -> AsyncIterator[str]:
    """The events: first all regions, as the page may be older than they are, then those that are not as sent."""
    sent: Mapping[str, str] = {}
    beaten = time.monotonic()
    yield "retry: 3000\n\n"
    wait = 0.0
    while await watching.wait(wait) and not await request.is_disconnected():
        wait = 1.0
        try:
            now = await regions()
        except Exception as error:  # the storage is away for a moment; what is shown stays
            yield f"event: trouble\ndata: {json.dumps(type(error).__name__)}\n\n"
            wait = 5.0
            continue
        changed = {name: html for name, html in now.items() if sent.get(name) != html}
        if changed:
            yield f"data: {json.dumps(changed)}\n\n"
            sent, beaten = dict(now), time.monotonic()
        elif time.monotonic() - beaten > BEAT:
            yield ": still here\n\n"
            beaten = time.monotonic()
