"""Who is let in: the Host that a browser sends, the token, and whose requests may change something."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from saddle.serve.guard import Access, is_loopback, is_same_origin
from saddle.serve.server import listen
from saddle.store.local import LocalStore
from tests.support.serving import Served, serving

TOKEN = "a token that was given"


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Served]:
    with serving(LocalStore(tmp_path)) as served:
        yield served


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Served]:
    with serving(LocalStore(tmp_path), token=TOKEN) as served:
        yield served


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:1", "127.0.0.1:8800", "127.0.0.9", "[::1]:8800", "LOCALHOST."]
)
def test_loopback_is_called_by_its_names(host: str) -> None:
    assert Access.at("127.0.0.1", "").knows(host)


@pytest.mark.parametrize(
    "host", ["", "evil.example", "evil.example:8800", "localhost.evil.example", "127.0.0.1.evil.example", "192.0.2.7",
             "evil.example@127.0.0.1:x", "[::1", "127.1", socket.gethostname() + ".evil.example"],
)  # fmt: skip
def test_a_name_that_was_pointed_at_this_machine_is_none_of_its_names(host: str) -> None:
    assert not Access.at("127.0.0.1", "").knows(host)


def test_elsewhere_addresses_and_the_machines_own_names_are_known() -> None:
    access = Access.at("0.0.0.0", TOKEN, ["cluster.example"])
    for host in ("192.0.2.7:8800", "cluster.example", f"{socket.gethostname()}:8800", "localhost"):
        assert access.knows(host), host
    assert not access.knows("evil.example")


def test_what_is_not_loopback_demands_a_token_of_its_own() -> None:
    first, second = listen("0.0.0.0", 0), listen("0.0.0.0", 0)
    try:
        assert len(first.access.token) > 30
        assert first.access.token != second.access.token
        assert first.address.endswith(f"/?token={first.access.token}")
    finally:
        first.socket.close()
        second.socket.close()
    loopback = listen("localhost", 0)
    loopback.socket.close()
    assert loopback.access.token == ""


def test_a_foreign_host_is_refused_before_anything_is_read(pages: Served) -> None:
    answer = pages.ask("/", Host="evil.example")
    assert answer.status == 421
    assert "saddle serve --name" in answer.text
    assert pages.ask("/").status == 200


@pytest.mark.parametrize("path", ["/", "/static/live.js", "/studies/x", "/nowhere"])
def test_every_answer_forbids_what_the_pages_do_not_need(pages: Served, path: str) -> None:
    headers = pages.ask(path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://localhost:1"])
def test_another_sites_post_is_refused(pages: Served, origin: str | None) -> None:
    named = {} if origin is None else {"Origin": origin}
    assert pages.ask("/studies/x/stop", "POST", **named).status == 403


def test_a_page_of_its_own_may_post(pages: Served) -> None:
    assert pages.ask("/studies/x/stop", "POST", Origin=f"http://{pages.host}").status == 404, "there is no study x"
    assert is_same_origin("http://Cluster:8800", "cluster:8800")
    assert not is_same_origin("http://cluster:8801", "cluster:8800")


def test_without_the_token_nothing_is_shown(locked: Served) -> None:
    for path in ("/", "/studies/x", "/static/live.js", "/events", "/?token=wrong", "/?token="):
        answer = locked.ask(path)
        assert answer.status == 401, path
        assert "Studies" not in answer.text
    assert locked.ask("/", Cookie="saddle-x=y; broken").status == 401
    assert (
        locked.ask("/studies/x/stop?token=" + TOKEN.replace(" ", "+"), "POST", Origin=f"http://{locked.host}").status
        == 401
    )


def test_the_token_is_taken_out_of_the_address_and_kept_in_a_cookie(locked: Served) -> None:
    answer = locked.ask("/studies/x?token=a+token+that+was+given&a=b")
    assert answer.status == 303
    assert answer.headers["location"] == "/studies/x?a=b"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert locked.ask("/", Cookie=cookie.partition(";")[0]).status == 200
    assert locked.ask("/", Authorization=f"Bearer {TOKEN}").status == 200


def test_the_way_in_leads_to_no_other_server(locked: Served) -> None:
    answer = locked.ask("//evil.example/?token=a+token+that+was+given")
    assert answer.headers["location"].startswith("/evil.example")


def test_an_address_that_cannot_be_had_is_explained(pages: Served) -> None:
    from saddle.errors import UserError

    port = int(pages.host.rpartition(":")[2])
    with pytest.raises(UserError, match=f"nothing can listen at 127.0.0.1:{port}"):
        listen("127.0.0.1", port)
    with pytest.raises(UserError, match=r"nothing can listen at no\.such\.host\.invalid"):
        listen("no.such.host.invalid", 0)


def test_loopback_is_told_from_everything_else() -> None:
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "::", "cluster")] == [
        True, True, True, False, False, False,
    ]  # fmt: skip
