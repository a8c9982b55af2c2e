"""The guard of the server: Host header, token if one is demanded, and no requests for changes by other sites."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE = ("GET", "HEAD")
HOST = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+))(?::\d{1,5})?", re.ASCII)
"""A Host header: an address of IPv6 in brackets, or a name or other address; then perhaps a port."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""What our own pages may load: nothing from elsewhere, and nothing inline."""
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # without any, a form's Origin would be null
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


@dataclass(frozen=True)
class Access:
    """Which requests a server accepts: `names` are the names of its machine; without a `token` it accepts anyone."""

    token: str = ""
    names: frozenset[str] = field(default_factory=frozenset)
    loopback_only: bool = True

    @classmethod
    def at(cls, host: str, token: str, names: Iterable[str] = ()) -> Access:
        """The access of a server that listens at `host` and is called by `names`, too."""
        own = {"localhost", *names}
        if not is_loopback(host):
            own |= {socket.gethostname(), socket.getfqdn()} | ({host} if not _is_address(host) else set())
        return cls(token, frozenset(name.lower() for name in own), is_loopback(host))

    @property
    def cookie(self) -> str:
        """The name of the cookie that holds the token: ports share cookies, so each token has a different name."""
        return f"saddle-{hashlib.sha256(self.token.encode()).hexdigest()[:12]}"

    def knows(self, host: str) -> bool:
        """Whether a Host header names this server.

        A page of another site whose name was pointed at this machine (DNS rebinding) sends that name; an address can't
        be pointed anywhere.
        """
        name = host_name(host)
        if not _is_address(name):
            return name in self.names
        return is_loopback(name) or not self.loopback_only

    def holds(self, token: str | None) -> bool:
        """Whether a given token is the right one."""
        return token is not None and hmac.compare_digest(token.encode(), self.token.encode())


@dataclass
class Guard:
    """ASGI middleware around the pages."""

    app: ASGIApp
    access: Access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what is refused, hand on everything else, and add the headers that every answer has."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def guarded_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = self._refusal(scope) or self._entrance(scope) or self.app
        await answer(scope, receive, guarded_send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self.access.knows(host):
            names = ", ".join(sorted(self.access.names))
            return PlainTextResponse(
                f"this server is not called {host[:200]!r}; it knows {names} and addresses"
                " (saddle serve --name adds a name)\n",
                421,
            )
        if scope["method"] not in SAFE and not is_same_origin(headers.get("origin"), host):
            return PlainTextResponse("only a page of this server may request that\n", 403)
        return None

    def _entrance(self, scope: Scope) -> Response | None:
        """The answer to a request without a valid cookie; None if it is let in."""
        if not self.access.token:
            return None
        headers, query = (
            Headers(scope=scope),
            parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True),
        )
        token = dict(query).get("token")
        if self.access.holds(token) and scope["method"] in SAFE:
            rest = urlencode([(name, value) for name, value in query if name != "token"])
            here = "/" + scope["path"].lstrip("/")  # of two slashes a browser would make another server
            answer = RedirectResponse(here + (f"?{rest}" if rest else ""), 303)
            answer.set_cookie(self.access.cookie, str(token), httponly=True, samesite="strict", path="/")
            return answer
        if self.access.holds(_cookie(headers, self.access.cookie)) or self.access.holds(_bearer(headers)):
            return None
        return PlainTextResponse("open the address that saddle serve has printed, which ends in its token\n", 401)


def is_same_origin(origin: str | None, host: str) -> bool:
    """Whether a request that changes something comes from a page of the server called `host`."""
    return origin is not None and urlsplit(origin).netloc.lower() == host.lower()


def host_name(host: str) -> str:
    """The name or address in a Host header, without its port; empty if it is none."""
    match = HOST.fullmatch(host)
    return (match[1] or match[2]).rstrip(".").lower() if match else ""


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens at `host`."""
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _cookie(headers: Headers, name: str) -> str | None:
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return None
    return cookies[name].value if name in cookies else None


def _bearer(headers: Headers) -> str | None:
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None
