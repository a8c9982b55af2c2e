"""Which run is meant, and where it lies."""

from __future__ import annotations

import pytest

from saddle.trial.run_id import RunId


def test_a_run_lies_in_the_folder_of_its_name() -> None:
    run = RunId("abl", "0123456789ab")
    assert (run.name, run.folder, run.is_set_aside, str(run)) == ("abl", "studies/abl", False, "abl")
    aside = run.set_aside("20260102T030405")
    assert (aside.study, aside.instance) == (run.study, run.instance)
    assert (aside.name, aside.folder) == ("abl@20260102T030405-0123", "studies/abl@20260102T030405-0123")
    assert aside.is_set_aside
    assert RunId.stored(aside.name) == RunId("abl", "", aside.name)
    assert RunId.stored("abl") == RunId("abl")


def test_a_folder_named_by_hand_is_neither_the_study_nor_set_aside() -> None:
    run = RunId("abl", "0123456789ab", "renamed")
    assert (run.folder, run.is_set_aside) == ("studies/renamed", False)


@pytest.mark.parametrize("name", ["a/b", "..", ".", "a\\b", "a\0b"])
def test_a_name_that_leaves_the_folder_is_none(name: str) -> None:
    with pytest.raises(ValueError, match="can't be the name of a folder"):
        RunId(name)
    with pytest.raises(ValueError, match="can't be the name of a folder"):
        RunId("abl", "", name)


@pytest.mark.parametrize(
    "written",
    [
        "trials/k/images/a.png",
        "studies/abl/trials/k/images/a.png",
        "studies/abl@20250101T000000-9999/trials/k/images/a.png",
    ],
)
def test_a_path_is_one_of_the_run_whatever_its_folder_was_called(written: str) -> None:
    aside = RunId("abl", "0123456789ab").set_aside("20260102T030405")
    assert aside.place(written) == f"{aside.folder}/trials/k/images/a.png"
    assert RunId("abl").place(written) == "studies/abl/trials/k/images/a.png"
    assert aside.place(aside.below(f"{aside.folder}/trials/k")) == f"{aside.folder}/trials/k"


@pytest.mark.parametrize("written", ["/etc/passwd", "studies/other/trials/k", "x"])
def test_no_path_is_one_of_another_run(written: str) -> None:
    assert RunId("abl").place(written).startswith("studies/abl/")
