from __future__ import annotations

from saddle.backoff import pause_after


def test_pauses_double_up_to_the_longest() -> None:
    assert [pause_after(failures, 0.5, 3) for failures in range(1, 6)] == [0.5, 1, 2, 3, 3]
    assert pause_after(5, 1) == 16


def test_a_server_that_is_away_for_a_week_makes_no_number_too_large() -> None:
    assert pause_after(10**6, 0.1, 5) == 5
