"""What code a night runs with: commits, uncommitted changes, and worktrees that leave the checkout as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from saddle.errors import CodeIsGone
from saddle.nightly.decision.night import Code
from saddle.nightly.git import Repository, find_repository
from saddle.nightly.worktree import Worktrees, python_path
from tests.support.nightly_repository import PACKAGE, ScratchRepository


@pytest.fixture
def scratch(tmp_path: Path) -> ScratchRepository:
    return ScratchRepository.make(tmp_path / "code")


@pytest.fixture
def worktrees(scratch: ScratchRepository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Worktrees:
    monkeypatch.setenv("SADDLE_CACHE", str(tmp_path / "cache"))
    return Worktrees.of(Repository(scratch.root), "a nightly")


def constants(folder: Path) -> str:
    return (folder / PACKAGE / "constants.py").read_text()


def test_a_clean_checkout_is_its_commit(scratch: ScratchRepository) -> None:
    assert Repository(scratch.root).code == Code(scratch.git("rev-parse", "HEAD"))


def test_uncommitted_changes_are_part_of_the_code(scratch: ScratchRepository, worktrees: Worktrees) -> None:
    repository, clean = Repository(scratch.root), Repository(scratch.root).code
    scratch.set_constants(strength=0.8)
    before = scratch.git("status", "--porcelain")
    changed = repository.code
    assert changed.commit == clean.commit
    assert changed.dirty
    assert "STRENGTH = 0.8" in repository.difference(changed)
    with worktrees.checkout(changed) as place:
        assert "STRENGTH = 0.8" in constants(place)
    with worktrees.checkout(clean) as place:
        assert "STRENGTH = 0.9" in constants(place)
    assert scratch.git("status", "--porcelain") == before
    assert scratch.git("branch", "--list", "--all") == "* main"
    scratch.set_constants()
    assert repository.code == clean


def test_files_that_git_does_not_know_are_no_part_of_it(scratch: ScratchRepository) -> None:
    (scratch.root / "runs").mkdir()
    (scratch.root / "runs/huge.bin").write_text("x")
    assert not Repository(scratch.root).code.dirty


def test_a_worktree_goes_and_one_that_was_left_half_made_is_made_anew(
    scratch: ScratchRepository, worktrees: Worktrees
) -> None:
    code = Repository(scratch.root).code
    with worktrees.checkout(code) as place:
        pass
    assert not place.exists()
    (place / PACKAGE).mkdir(parents=True)
    (place / PACKAGE / "constants.py").write_text("STRENGTH = 0.1\n")
    with worktrees.checkout(code) as place:
        assert "STRENGTH = 0.9" in constants(place)
    assert scratch.git("worktree", "list").count("\n") == 0


def test_code_that_is_gone_is_said_to_be(worktrees: Worktrees) -> None:
    with pytest.raises(CodeIsGone, match="can't be checked out"), worktrees.checkout(Code("0" * 40)):
        pass


def test_commits_between_are_those_of_the_line_that_leads_there(scratch: ScratchRepository) -> None:
    repository = Repository(scratch.root)
    first = scratch.git("rev-parse", "HEAD")
    scratch.commit("One")
    last = scratch.commit("Two")
    assert [commit.subject for commit in repository.between(first, last)] == ["One", "Two"]
    assert repository.between(last, first) == []
    scratch.git("checkout", "--quiet", "-b", "other", first)
    assert repository.between(last, scratch.commit("Elsewhere")) == []


def test_the_code_of_a_date_that_has_passed(scratch: ScratchRepository) -> None:
    dated = scratch.commit("Then", date="2020-01-02T12:00:00+0000")
    repository = Repository(scratch.root)
    assert repository.code_before("2020-01-03T00:00:00+00:00") == Code(dated)


def test_only_what_git_tracks_is_in_a_repository(scratch: ScratchRepository) -> None:
    (scratch.root / "build").mkdir()
    (scratch.root / "build/copy.py").write_text("")
    assert find_repository([scratch.root / "build/copy.py"]) is None
    found = find_repository([scratch.root / PACKAGE / "__init__.py"])
    assert found is not None
    assert found.root == scratch.root


def test_processes_import_from_the_worktree(scratch: ScratchRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{scratch.root}:/elsewhere")
    monkeypatch.syspath_prepend(str(scratch.root))
    path = python_path(Repository(scratch.root), Path("/cache/tree"), [PACKAGE, "json"])
    assert path == "/cache/tree:/elsewhere"
