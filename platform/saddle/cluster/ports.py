"""Where the processes of a Ray on this machine listen, and whether they answer somebody without its token."""

from __future__ import annotations

import contextlib
import http.client
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from saddle.cluster import ray_internals

PROBE_SECONDS = 3.0

LOOPBACK = ("127.", "::1", "::ffff:127.")

METRICS = {"AUTOSCALER_METRIC_PORT": "-1", "DASHBOARD_METRIC_PORT": "-1"}
"""Ports where Ray's monitor and dashboard serve metrics without a token; they take -1 for a port that can't
be had, note that in their logs, and do without."""


@dataclass(frozen=True)
class Port:
    """A port that a process of Ray listens on; `open` if it answers without a token, None if that isn't known."""

    process: str
    address: str
    number: int
    open: bool | None

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        return self.address.startswith(LOOPBACK)


@contextlib.contextmanager
def on_loopback() -> Iterator[None]:
    """Let a Ray that is started meanwhile listen on loopback only, and nowhere for its metrics.

    Ray binds all its ports to the address it takes for its node's, and to every interface where that isn't loopback.
    """
    unset = {name: value for name, value in METRICS.items() if name not in os.environ}
    os.environ.update(unset)
    try:
        with ray_internals.taken_for_alone():
            yield
    finally:
        for name in unset:
            del os.environ[name]


def own_ports() -> list[Port]:
    """The ports of the Ray that this process has started and is connected to, each of them tried."""
    import psutil

    ports: dict[tuple[str, int], Port] = {}
    for process in [psutil.Process(), *rays_processes()]:
        with contextlib.suppress(psutil.Error):
            for connection in process.net_connections("tcp"):
                if connection.status == psutil.CONN_LISTEN:
                    address, number = connection.laddr[:2]
                    name = _name_of(process)
                    ports[address, number] = Port(name, address, number, answers_without_token(address, number))
    return sorted(ports.values(), key=lambda port: (port.process, port.number))


def rays_processes() -> Iterator[Any]:
    """The processes of the Ray that this process has started, as psutil's; other children of it are left out."""
    import psutil

    node = ray_internals.own_node()
    for started in node.all_processes.values() if node is not None and node.head else ():
        for info in started:
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(info.process.pid)
                yield from (process, *process.children(recursive=True))


def _name_of(process: Any) -> str:
    """What a process of Ray is called: `gcs_server`, `dashboard`, `ray::Slot`."""
    name: str = process.name()
    script = next((part for part in process.cmdline()[1:] if part.endswith(".py")), "")
    if process.pid == os.getpid():
        return "driver"
    return os.path.basename(script).removesuffix(".py") if name.startswith("python") and script else name


def answers_without_token(address: str, number: int) -> bool | None:
    """Whether a port answers a question that comes without a token; None if it understands none."""
    host = "127.0.0.1" if address in ("0.0.0.0", "::") or address.startswith("::ffff:") else address
    answer = _ask_http(host, number)
    return answer if answer is not None else _ask_grpc(host, number)


def _ask_http(host: str, number: int) -> bool | None:
    connection = http.client.HTTPConnection(host, number, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().status not in (401, 403)
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _ask_grpc(host: str, number: int) -> bool | None:
    import grpc  # type: ignore[import-untyped]

    understood = None
    with grpc.insecure_channel(f"{host}:{number}") as channel:
        for question in ray_internals.HARMLESS_QUESTIONS:
            ask = channel.unary_unary(question, request_serializer=None, response_deserializer=None)
            try:
                ask(b"", timeout=PROBE_SECONDS)
                return True
            except grpc.RpcError as error:
                if error.code() in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
                    understood = False
                elif error.code() != grpc.StatusCode.UNIMPLEMENTED:
                    return understood
    return understood


def describe_ports(ports: Sequence[Port]) -> str:
    """Where they listen, in a line: `14 ports, all on loopback; 2 answer without a token: monitor 44217, …`."""
    outside = [port for port in ports if not port.is_local]
    free = [port for port in ports if port.open]
    unknown = [port for port in ports if port.open is None]
    where = "all on loopback" if not outside else f"reached from other machines: {_listed(outside)}"
    facts = [f"{len(ports)} ports, {where}"]
    facts += [f"answering without a token: {_listed(free)}" if free else "none answers without a token"]
    facts += [f"not known: {_listed(unknown)}"] if unknown else []
    return "; ".join(facts)


def _listed(ports: Sequence[Port]) -> str:
    return ", ".join(f"{port.process} {port.number}" for port in ports)
