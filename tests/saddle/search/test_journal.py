"""A damaged journal of Optuna's is set aside and made again from the ledger, whatever the damage."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from optuna.storages import BaseStorage
from optuna.trial import TrialState

from saddle.search.journal import open_whole
from saddle.search.optuna_search import OptunaSearch
from saddle.search.rebuild import rebuild
from saddle.trial.progress import TrialProgress
from tests.saddle.search.test_rebuild import RUN, Searching, facts, make_study

Damage = Callable[[list[bytes], bytes], bytes]


def line_of(lines: list[bytes], op_code: int, occurrence: int = 0) -> int:
    """The place of a record of a kind; Optuna's operation 4 makes a trial."""
    found = [place for place, line in enumerate(lines) if b'"op_code":%d,' % op_code in line]
    return found[occurrence]


def without(lines: list[bytes], place: int) -> bytes:
    return b"".join(lines[:place] + lines[place + 1 :])


def doubled(lines: list[bytes], place: int) -> bytes:
    return b"".join(lines[: place + 1] + lines[place:])


DAMAGES: dict[str, Damage] = {
    "garbage in the middle": lambda lines, _: b"".join([*lines[:9], b"%&/(\x00\xff\n", *lines[9:]]),
    "half a line with a line end at the tail": lambda lines, _: b"".join(lines) + lines[-1][:20] + b"\n",
    "JSON that is not a record": lambda lines, _: b"".join([*lines[:9], b'["op_code", 4]\n', *lines[9:]]),
    "a record without what its kind needs": lambda lines, _: b"".join([*lines[:9], b'{"op_code": 6}\n', *lines[9:]]),
    "a record of an unknown kind": lambda lines, _: b"".join(
        [*lines[:9], b'{"op_code": 99, "worker_id": "w"}\n', *lines[9:]]
    ),
    "zeros in the middle": lambda lines, _: b"".join([*lines[:9], b"\0" * 100 + b"\n", *lines[9:]]),
    "zeros at the tail": lambda lines, _: b"".join(lines) + b"\0" * 4096 + b"\n",
    "undecodable bytes in a text": lambda lines, _: b"".join(lines).replace(b'"settings"', b'"sett\xff\xfengs"', 1),
    "an empty file": lambda lines, _: b"",
    "only zeros": lambda lines, _: b"\0" * 512,
    "a trial is missing": lambda lines, _: without(lines, line_of(lines, 4, 1)),
    "out of order": lambda lines, _: b"".join(lines[::-1]),
    "another study's": lambda _, other: other,
    "another study's after it": lambda lines, other: b"".join(lines) + other,
}

Begun = dict[int, TrialProgress | None]
Search = tuple[Searching, Begun]

HARMLESS: dict[str, Damage] = {
    "a record of a trial that isn't": lambda lines, _: (
        b"".join(lines) + b'{"op_code": 6, "worker_id": "w", "trial_id": 999, "state": 1, "values": [0.5]}\n'
    ),
    "a trial is there twice": lambda lines, _: doubled(lines, line_of(lines, 4, 1)),
    "the study is missing": lambda lines, _: without(lines, line_of(lines, 0)),
    "the beginning is lost": lambda lines, _: b"".join(lines[len(lines) // 2 :]),
}
"""What Optuna's replay passes over (every opening records the study once more): what is lost is added, nothing said."""


@pytest.fixture
def search(tmp_path: Path) -> Search:
    found = Searching(make_study(), tmp_path)
    return found, found.run(8, unfinished=1)


def others_journal(folder: Path) -> bytes:
    folder.mkdir()
    other = Searching(make_study(study="other"), folder)
    other.run(4)
    return (folder / "live").read_bytes()


@pytest.mark.fault("a damaged journal")
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_every_damage_is_mended_and_said_in_a_line(
    search: Search, tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: Damage
) -> None:
    searching, begun = search
    journal = tmp_path / "live"
    whole = [facts(trial) for trial in searching.opened("live").optuna.trials]
    content = damage(journal.read_bytes().splitlines(keepends=True), others_journal(tmp_path / "beside"))
    journal.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        storage = open_whole(journal, searching.study, "s", searching.entries.values(), begun)
    [said] = [record.getMessage() for record in caplog.records]
    [aside] = tmp_path.glob("live.damaged-*")
    assert said.startswith("Optuna's journal of s was damaged (")
    assert "made again from the ledger, no trial and no epoch is lost" in said
    assert said.endswith(f"kept as {aside}")
    assert "\n" not in said
    assert aside.read_bytes().rstrip(b"\0") in (content, content.rstrip(b"\0"), b"")
    goes_on(searching, begun, storage, whole)


@pytest.mark.parametrize("damage", HARMLESS.values(), ids=HARMLESS)
def test_what_changes_no_trial_is_taken_as_it_is(
    search: Search, tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: Damage
) -> None:
    searching, begun = search
    journal = tmp_path / "live"
    whole = [facts(trial) for trial in searching.opened("live").optuna.trials]
    journal.write_bytes(damage(journal.read_bytes().splitlines(keepends=True), b""))
    storage = open_whole(journal, searching.study, "s", searching.entries.values(), begun)
    assert caplog.records == []
    goes_on(searching, begun, storage, whole)


def goes_on(searching: Searching, begun: Begun, storage: BaseStorage, whole: list[object]) -> None:
    """Every trial is as it was, the one under way is proposed first, then new ones."""
    rebuild(searching.study, storage, "s", searching.entries.values(), begun)
    source = OptunaSearch(searching.study, RUN, storage, searching.entries, known=searching.study.settings)
    assert [facts(trial) for trial in source.optuna.trials][: len(whole)] == whole
    again = source.next()
    assert again is not None
    assert again.number == min(begun)
    assert source.next() is not None


def test_a_whole_one_is_taken_as_it_is(search: Search, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    searching, begun = search
    before = (tmp_path / "live").read_bytes()
    for tail in (b"", b'{"op_code": 5, "wor', b"\0\0\0"):  # written in part when its driver was killed
        (tmp_path / "live").write_bytes(before + tail)
        open_whole(tmp_path / "live", searching.study, "s", searching.entries.values(), begun)
        assert (tmp_path / "live").read_bytes() == before
    assert caplog.records == []


def test_a_search_that_has_not_begun_and_one_whose_journal_is_elsewhere_are_no_damage(
    search: Search, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    searching, _ = search
    for name, entries in (("new", {}), ("gone", searching.entries)):
        open_whole(tmp_path / name, searching.study, "s", entries.values(), {})
    (tmp_path / "empty").touch()
    open_whole(tmp_path / "empty", searching.study, "s", [], {})
    assert caplog.records == []


def test_a_trial_that_ended_in_optuna_alone_is_run_again(search: Search, tmp_path: Path) -> None:
    searching, begun = search
    lost = searching.entries.pop("trial-00002")
    begun = {2: TrialProgress(lost.spec), **begun}
    storage = open_whole(tmp_path / "live", searching.study, "s", searching.entries.values(), begun)
    rebuild(searching.study, storage, "s", searching.entries.values(), begun)
    source = OptunaSearch(searching.study, RUN, storage, searching.entries, known=searching.study.settings)
    assert source.optuna.trials[2].state == TrialState.RUNNING
    first = source.next()
    assert first is not None
    assert (first.number, first.settings) == (2, lost.settings)
