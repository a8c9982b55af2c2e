"""The commit that changed the numbers is found by halving, whatever commits can't be run."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saddle.nightly.bisect import Bisection, bisect
from saddle.nightly.decision.decision import ChangeRange, Difference
from saddle.nightly.decision.night import Code, Environment, Measurement, Replicate
from saddle.nightly.git import Commit, Repository
from tests.support.nightly_repository import ScratchRepository

SEED = Replicate("a", 3)


class Line(Repository):
    """A line of commits 1, 2, … after 0."""

    def between(self, before: str, after: str) -> list[Commit]:
        return [Commit(str(number), f"Commit {number}", "Ada") for number in range(int(before) + 1, int(after) + 1)]


def environment(code: Code) -> Environment:
    return Environment(code, "", "", "")


def change(before: Code, after: Code) -> ChangeRange:
    differences = (Difference(SEED, "score", 1.0, 2.0),)
    return ChangeRange("2026-01-02", environment(before), environment(after), ("code",), differences)


def search(last: int, culprit: int, broken: Collection[int] = ()) -> Bisection:
    def measure(code: Code, seed: int) -> list[Measurement] | None:
        assert seed == SEED.seed
        number = int(code.commit)
        value = 2.0 if number >= culprit else 1.0
        return None if number in broken else [Measurement(SEED.arm, seed, {"score": value, "other": float(number)})]

    return bisect(change(Code("0"), Code(str(last))), Line(Path()), measure)


@given(st.integers(1, 300).flatmap(lambda last: st.tuples(st.just(last), st.integers(1, last))))
def test_it_is_found_with_the_fewest_trials(case: tuple[int, int]) -> None:
    last, culprit = case
    found = search(last, culprit)
    assert [suspect.code.commit for suspect in found.suspects] == [str(culprit)]
    assert len(found.tried) <= (last - 1).bit_length()


@given(st.data())
def test_commits_that_cannot_be_run_widen_the_answer_and_never_hide_it(data: st.DataObject) -> None:
    last = data.draw(st.integers(2, 40))
    culprit = data.draw(st.integers(1, last))
    broken = data.draw(st.sets(st.integers(1, last - 1)))
    named = [int(suspect.code.commit) for suspect in search(last, culprit, broken).suspects]
    assert culprit in named
    assert all(number in broken for number in named if number < max(named))


def test_uncommitted_changes_may_be_to_blame(tmp_path: Path) -> None:
    scratch = ScratchRepository.make(tmp_path / "code")
    repository = Repository(scratch.root)
    before = repository.code
    scratch.commit("Notes")
    scratch.set_constants(strength=0.5)
    found = bisect(
        change(before, repository.code), repository, lambda code, seed: [Measurement("a", seed, {"score": 1.0})]
    )
    assert [suspect.subject for suspect in found.suspects] == ["uncommitted changes"]
    assert "uncommitted changes" in found.sentence


def test_without_a_line_of_commits_nothing_is_named(tmp_path: Path) -> None:
    scratch = ScratchRepository.make(tmp_path / "code")
    first = Code(scratch.git("rev-parse", "HEAD"))
    later = Code(scratch.commit("Later"))
    found = bisect(change(later, first), Repository(scratch.root), lambda code, seed: pytest.fail("nothing to try"))
    assert found.suspects == ()
    assert "is not an ancestor of" in found.sentence
    assert Bisection.from_json(found.to_json()) == found


def test_a_change_on_top_of_another_is_told_from_that() -> None:
    """Commit 3 of 5 is to blame; the code before it differs from the references, too."""

    def measure(code: Code, seed: int) -> list[Measurement]:
        return [Measurement(SEED.arm, seed, {"score": 2.0 if int(code.commit) >= 3 else 1.5})]

    found = bisect(change(Code("0"), Code("5")), Line(Path()), measure, from_references=False)
    assert [suspect.code.commit for suspect in found.suspects] == ["3"]
