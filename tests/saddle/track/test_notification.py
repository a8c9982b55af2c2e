"""Who is told of a night is told once, again where it didn't answer, and its address is said nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from saddle.study.channel import Channel
from saddle.track.notification import ATTEMPTS, notify
from tests.support.nightlies import listening

SECRET = "T0k3n-in-the-path"
HOOK = Channel(webhook="env:NIGHT_URL")


def test_a_webhook_gets_the_text() -> None:
    with listening(SECRET) as webhook:
        assert notify([HOOK], "worse: α", {"NIGHT_URL": webhook.address}) == (["webhook env:NIGHT_URL"], [])
    assert webhook.bodies == [{"text": "worse: α"}]


def test_one_that_does_not_answer_is_asked_again_with_growing_pauses() -> None:
    pauses: list[float] = []
    with listening(SECRET) as webhook:
        webhook.answers = [503, 429, 500]
        told, problems = notify([HOOK], "text", {"NIGHT_URL": webhook.address}, pauses.append)
    assert (told, problems) == (["webhook env:NIGHT_URL"], [])
    assert pauses == [1, 2, 4]
    assert webhook.texts == ["text"]


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("", "the variable NIGHT_URL is not set"),
        (f"http://127.0.0.1:9/{SECRET}", "it can't be reached"),
        (f"no address {SECRET}", "its address can't be used"),
        (f"http://[broken/{SECRET}", "its address can't be used"),
        (f"http://127.0.0.1:9/{SECRET}\nx", "can't be"),
    ],
)
def test_what_goes_wrong_is_said_without_the_address(address: str, why: str) -> None:
    told, [problem] = notify([HOOK], "text", {"NIGHT_URL": address}, lambda pause: None)
    assert told == []
    assert why in problem
    assert SECRET not in problem


def test_a_refusal_is_final() -> None:
    with listening(SECRET) as webhook:
        webhook.answers = [403] * ATTEMPTS
        told, [problem] = notify([HOOK], "text", {"NIGHT_URL": webhook.address}, pytest.fail)
    assert told == []
    assert "it answered 403" in problem


def test_a_command_gets_the_text_and_its_failure_keeps_nobody_else_from_it(tmp_path: Path) -> None:
    channels = [Channel(command="exit 3"), Channel(command=f"cat > '{tmp_path}/told.txt'")]
    told, [problem] = notify(channels, "the text", {"PATH": "/usr/bin:/bin"}, lambda pause: None)
    assert (tmp_path / "told.txt").read_text() == "the text"
    assert told == [channels[1].name]
    assert "exit code 3" in problem
