"""The server of the pages, in this process until it is interrupted."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass

import uvicorn

from saddle.errors import UserError
from saddle.serve.guard import Access, is_loopback
from saddle.serve.routes import make_app
from saddle.store.base import Store

BACKLOG = 128
GRACE = 3
"""Seconds that open pages have to notice the end; they hold a connection each."""


@dataclass(frozen=True)
class Listening:
    """A listening socket, and the guard of the pages."""

    socket: socket.socket
    access: Access
    host: str

    @property
    def address(self) -> str:
        """What to open in a browser, with the token if one is demanded."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::", "localhost") else self.host
        name = f"[{host}]" if ":" in host else host
        port = self.socket.getsockname()[1]
        return f"http://{name}:{port}/" + (f"?token={self.access.token}" if self.access.token else "")


def listen(host: str, port: int, token: str = "", names: tuple[str, ...] = ()) -> Listening:
    """Take a port, 0 for any; what isn't loopback demands a token, a new one if none is given.

    Raises `UserError` if the port or address is not available.
    """
    demanded = token or ("" if is_loopback(host) else secrets.token_urlsafe(32))
    try:
        [(family, _, _, _, address), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        bound = socket.socket(family, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        raise UserError(f"nothing can listen at {host}:{port}: {error.strerror or error}") from error
    return Listening(bound, Access.at(host, demanded, names), host)


def serve_pages(store: Store, listening: Listening, ready: Callable[[], None] = lambda: None) -> None:
    """Answer until Ctrl-C or SIGTERM; `ready` is called once connections are accepted."""
    listening.socket.listen(BACKLOG)
    ready()
    make_server(store, listening).run(sockets=[listening.socket])


def make_server(store: Store, listening: Listening) -> uvicorn.Server:
    """The server of a storage's pages, which `run` starts."""
    server: uvicorn.Server | None = None
    config = uvicorn.Config(
        make_app(store, listening.access, lambda: server is not None and server.should_exit),
        log_level="warning",
        access_log=False,  # addresses may hold the token
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE,
    )
    server = uvicorn.Server(config)
    return server
