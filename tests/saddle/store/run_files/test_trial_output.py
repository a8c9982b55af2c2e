"""What is kept of what a trial printed: head and tail, without secrets, with a count of what is left out."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from saddle.store.run_files.trial_output import LEFT_OUT, lines_after, shown_text


def kept_of(content: bytes, head: int, tail: int, *, ended: bool = True) -> str:
    """What is kept of an output whose first and last bytes are kept."""
    if len(content) <= head + tail:
        return shown_text(content, b"", len(content), ended=ended)
    return shown_text(content[:head], content[-tail:], len(content), ended=ended)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text("abc ", max_size=30), min_size=1, max_size=60))
def test_head_tail_and_the_count_of_what_is_left_out_make_the_whole(lines: list[str]) -> None:
    content = ("\n".join(lines) + "\n").encode()
    kept = kept_of(content, 100, 200)
    marks = LEFT_OUT.findall(kept)
    if not marks:
        assert kept.encode() == content
        return
    head, tail = kept.split(marks[0] + "\n")
    left_out = int(re.sub(r"\D", "", marks[0]))
    assert content.startswith(head.rstrip("\n").encode())
    assert content.endswith(tail.encode())
    # the head's last line may have lost blank lines that end it
    assert len(content) - 40 <= len(head) + len(tail) + left_out <= len(content) + 1


def test_a_line_that_was_written_over_keeps_its_last_state() -> None:
    assert kept_of(b"epoch 1\r\n10 %\r50 %\r100 %\ndone\n", 99, 99) == "epoch 1\n100 %\ndone\n"


def test_a_line_that_is_still_written_waits() -> None:
    content = b"whole\npassword=hal"
    assert kept_of(content, 99, 99, ended=False) == "whole\n"
    assert kept_of(content, 99, 99) == "whole\npassword=***"


def test_a_secret_is_hidden_also_where_its_beginning_is_left_out() -> None:
    key = b"-----BEGIN RSA PRIVATE KEY-----\n" + b"MIIEowIBAAKCAQEA7\n" * 20 + b"-----END RSA PRIVATE KEY-----\n"
    assert "MIIE" not in kept_of(b"x\n" * 50 + key + b"after\n", 40, 120)
    assert kept_of(b"x\n" * 50 + key + b"after\n", 40, 120).endswith("\nafter\n")
    assert "hunter2hunter2" not in kept_of(b"password=hunter2hunter2\n" * 100, 100, 100)


def test_only_new_lines_follow_also_where_the_middle_was_left_out_meanwhile() -> None:
    assert lines_after(["a", "b"], ["a", "b", "c"]) == ["c"]
    assert lines_after([], ["a"]) == ["a"]
    lines = [f"line {number}" for number in range(100)]
    now = [*lines[:10], "[saddle: 99 bytes are left out here]", *lines[70:]]
    assert lines_after(lines[:90], now) == lines[90:]
    assert lines_after(lines[:20], now) == now, "nothing is known to connect them"
