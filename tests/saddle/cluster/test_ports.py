"""A Ray of our own listens on loopback only, and answers nobody without its token; others are distinguished from it."""

from __future__ import annotations

import threading
import time
from http.server import HTTPServer, SimpleHTTPRequestHandler
from typing import Any

from saddle.cluster.ports import answers_without_token, describe_ports, own_ports
from tests.support.waiting import join_all

LATE_SECONDS = 6.0
"""Ray's monitor and dashboard open their ports some seconds after the first worker is up."""


def test_all_ports_of_our_own_ray_are_on_loopback_and_demand_its_token(ray_session: Any) -> None:
    import ray

    ray.get(ray.remote(num_cpus=0)(lambda: 1).remote())
    time.sleep(LATE_SECONDS)
    ports = own_ports()
    assert {"gcs_server", "raylet", "driver"} <= {port.process for port in ports}
    assert [port for port in ports if not port.is_local] == []
    assert [port for port in ports if port.open is not False] == []
    assert describe_ports(ports) == f"{len(ports)} ports, all on loopback; none answers without a token"


def test_a_port_that_answers_everybody_is_told() -> None:
    server = HTTPServer(("0.0.0.0", 0), SimpleHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        number = server.server_address[1]
        assert answers_without_token("0.0.0.0", number) is True
        [port] = [port for port in own_ports() if port.number == number]
        assert not port.is_local
        said = describe_ports([port])
    finally:
        server.shutdown()
        server.server_close()
        join_all(thread)
    assert said == (
        f"1 ports, reached from other machines: driver {number}; answering without a token: driver {number}"
    )
