"""Ray's token authentication: on for the Ray that saddle starts, asked of every cluster beyond this machine."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import json
import os
import secrets
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from enum import Enum
from urllib.parse import urlsplit

from saddle.cluster import ray_internals
from saddle.errors import ClusterError

MODE, TOKEN = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN"
PROBE_SECONDS = 10.0


class AuthState(Enum):
    """What a cluster answers to somebody without a token, or with ours."""

    OPEN = "open"
    LOCKED = "locked"


@contextlib.contextmanager
def own_token() -> Iterator[None]:
    """Let a Ray that is started meanwhile demand a new token, which only this process and its children know.

    Not the user's own, which is for their clusters: with it `ray.init("auto")` of any other program of theirs, finding
    no cluster, would join this Ray and run on it.
    """
    before = {name: os.environ.get(name) for name in (MODE, TOKEN)}
    os.environ[MODE] = "token"
    try:
        os.environ[TOKEN] = secrets.token_hex(32)
        ray_internals.reread_authentication()
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        ray_internals.reread_authentication()


def has_token() -> bool:
    """Whether Ray finds a token: in RAY_AUTH_TOKEN, in the file RAY_AUTH_TOKEN_PATH names, or in ~/.ray/auth_token."""
    ray_internals.reread_authentication()
    return bool(ray_internals.token_loader().has_token(ignore_auth_mode=True))


def require_authentication(address: str, *, insecure: bool = False) -> None:
    """Raise `ClusterError` unless the cluster at `address` lets us in and, beyond this machine, no one without a token.

    `address` is that of a dashboard (`http://…`), of Ray Client (`ray://…`) or of the cluster itself (`HOST:PORT`).
    With a token that fits, this process uses token authentication from now on.
    """
    if os.environ.get("RAY_USE_TLS", "").lower() in ("1", "true"):
        return  # certificates on both sides say who may connect
    if probe(address, None) is AuthState.OPEN:
        if not insecure and not is_loopback(split(address)[0]):
            raise ClusterError(
                f"the cluster at {address} demands no token, so anyone who can reach it can run code there: start it "
                f"with {MODE}=token and a token on every node (`ray get-auth-token --generate` makes one), or say "
                "--insecure if its network is closed to others"
            )
        return
    if not has_token():
        raise ClusterError(
            f"the cluster at {address} demands a token: set {TOKEN} to that of its nodes "
            "(`ray get-auth-token` prints it on the head; with KubeRay it is a secret of the cluster's name)"
        )
    os.environ[MODE] = "token"
    ray_internals.reread_authentication()
    if probe(address, our_token()) is AuthState.LOCKED:
        raise ClusterError(
            f"the token set here differs from that of the cluster at {address}; set {TOKEN} to the one its nodes have"
        )


def our_token() -> str:
    """The token as Ray sends it: `Bearer …`."""
    [header] = ray_internals.token_loader().get_token_for_http_header().values()
    return str(header)


def probe(address: str, authorization: str | None) -> AuthState:
    """Whether the cluster answers a harmless question; raises `ClusterError` if it doesn't."""
    if address.startswith(("http://", "https://")):
        return _probe_dashboard(address, authorization)
    return _knock_at_port(address, authorization)


def _probe_dashboard(address: str, authorization: str | None) -> AuthState:
    headers = {"Authorization": authorization} if authorization else {}
    request = urllib.request.Request(f"{address.rstrip('/')}/api/jobs/", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=PROBE_SECONDS):
            return AuthState.OPEN
    except urllib.error.HTTPError as error:
        with error:
            if error.code in (401, 403):
                return AuthState.LOCKED
        raise no_answer(address, str(error)) from error
    except (OSError, http.client.HTTPException) as error:
        raise no_answer(address, str(getattr(error, "reason", error))) from error


def _knock_at_port(address: str, authorization: str | None) -> AuthState:
    """Ask the cluster's own server (GCS), or that of Ray Client, whether it is there."""
    import grpc  # type: ignore[import-untyped]

    metadata = [("client_id", "saddle"), *([("authorization", authorization)] if authorization else [])]
    host, port = split(address)
    with grpc.insecure_channel(f"{host}:{port}") as channel:
        ask, question = ray_internals.ask_alive(channel, of_client=address.startswith("ray://"))
        try:
            ask(question, timeout=PROBE_SECONDS, metadata=metadata)
        except grpc.RpcError as error:
            if error.code() in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
                return AuthState.LOCKED
            raise no_answer(address, error.code().name.lower()) from error
    return AuthState.OPEN


def is_from_ray_init(address: str) -> bool:
    """Whether the cluster at HOST:PORT says of itself that one program's `ray.init` started it, not `ray start`.

    Asked after `require_authentication`; one that doesn't say is taken for a cluster.
    """
    import grpc

    host, port = split(address)
    metadata = [("authorization", our_token())] if has_token() else []
    with grpc.insecure_channel(f"{host}:{port}") as channel:
        ask, question = ray_internals.ask_metadata(channel)
        with contextlib.suppress(grpc.RpcError, ValueError, AttributeError):
            note = json.loads(ask(question, timeout=PROBE_SECONDS, metadata=metadata).value)
            return bool(note.get("ray_init_cluster", False))
    return False


def no_answer(address: str, reason: str) -> ClusterError:
    """What to say where no cluster answers."""
    right = {"http": "http://HEAD:8265, its dashboard", "ray": "ray://HEAD:10001"}.get(
        address.partition("://")[0].rstrip("s") if "://" in address else "", "HEAD:6379, or auto on a node of it"
    )
    return ClusterError(f"no Ray cluster answers at {address} ({reason}); the address is usually {right}")


def split(address: str) -> tuple[str, int | None]:
    """Host and port of an address; raises `ClusterError` if it has none."""
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or (port is None and not address.startswith("http")):
        raise ClusterError(f"{address!r} is not an address: write auto, HOST:PORT, ray://HOST:PORT or http://HOST:PORT")
    return host, port


def is_loopback(host: str) -> bool:
    """Whether every address of the name belongs to this machine."""
    try:
        addresses = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return bool(addresses) and all(
        ipaddress.ip_address(str(address).partition("%")[0]).is_loopback for address in addresses
    )
