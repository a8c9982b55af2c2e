"""Nights of a scratch repository: filled, unchanged, changed and bisected, superseded by a worse one, accepted."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

import pytest

from tests.support.nightlies import NightlyProcess, Webhook, listening
from tests.support.nightly_repository import STUDY, ScratchRepository

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]  # ten starts of Ray in one fixture

SECRET = "T0Ck3t-of-the-webhook"
NIGHTS = "nightly: {pool: 15, rotation: 2, notify: [{webhook: env:NIGHT_URL}, {command: cat >> told.txt}]}"


@dataclass
class Story:
    """What was said of every night, and what lies there at the end."""

    process: NightlyProcess
    webhook: Webhook
    said: dict[str, str]
    commits: dict[str, str]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("nights")
    (folder / "scratch.yaml").write_text(STUDY.replace("nightly: {pool: 12, rotation: 2}", NIGHTS))
    scratch = ScratchRepository.make(folder / "code")
    with listening(SECRET) as webhook:
        process = NightlyProcess(folder, scratch, {"NIGHT_URL": webhook.address})
        webhook.answers = [503]
        yield tell(Story(process, webhook, {}, {}))


def tell(story: Story) -> Story:
    process, scratch, said, commits = story.process, story.process.scratch, story.said, story.commits
    said["filling"] = process.run("run", "--date", "2026-01-01")
    said["again"] = process.run("run", "--date", "2026-01-01")
    commits["notes"] = scratch.commit("Notes")
    said["unchanged"] = process.run("run", "--date", "2026-01-02")
    scratch.commit("More notes")
    scratch.set_constants(noise=12.99)
    commits["harmless"] = scratch.commit("Draw otherwise")
    scratch.commit("Even more notes")
    said["changed"] = process.run("run", "--date", "2026-01-03", code=4)
    scratch.set_constants(noise=12.99, strength=0.87)
    commits["weaker"] = scratch.commit("Take less")
    said["worse"] = process.run("run", "--date", "2026-01-04", code=1)
    said["accepted"] = process.run("accept", "2026-01-04", "--why", "less is wanted")
    said["after"] = process.run("run", "--date", "2026-01-05")
    said["history"] = process.run("history")
    return story


def test_the_first_night_fills_the_pool(story: Story) -> None:
    assert "2026-01-01: Filling: 30 of 30 references are trained." in story.said["filling"]


def test_a_night_that_is_over_is_said_again_and_not_run(story: Story) -> None:
    assert "Filling: 30 of 30" in story.said["again"]
    assert "trials with" not in story.said["again"]


def test_a_commit_that_changes_no_number_leaves_the_night_unchanged(story: Story) -> None:
    assert "2026-01-02: Unchanged" in story.said["unchanged"]


def test_a_harmless_change_is_named_and_not_called_worse(story: Story) -> None:
    said = story.said["changed"]
    assert f"The change came with {story.commits['harmless'][:10]}: Draw otherwise (Ada)" in said
    assert "Worse" not in said


def test_a_weakening_supersedes_it_and_is_worse(story: Story) -> None:
    said = story.said["worse"]
    assert "Worse: " in said
    assert "The change of 2026-01-03 is superseded" in said
    assert f"The change came with {story.commits['weaker'][:10]}: Take less (Ada)" in said


def test_what_was_accepted_is_the_reference_afterwards(story: Story) -> None:
    assert "less is wanted" in (story.process.pages / "accepted/0001.json").read_text()
    assert [night["result"] for night in story.process.index()][-1] in ("unchanged", "filling")


def test_every_night_is_a_run_of_the_study_of_its_own(story: Story) -> None:
    runs = [run for night in story.process.index() for run in night["runs"]]
    assert len(set(runs)) == len(runs) >= 6
    stored = story.process.folder / "runs/studies"
    folders = [path.name for path in stored.iterdir() if (path / "study.yaml").exists()]
    assert "scratch" in folders
    assert all(name.startswith("scratch") for name in folders)


def test_the_checkout_and_its_worktrees_are_as_they_were(story: Story) -> None:
    scratch = story.process.scratch
    assert scratch.git("status", "--porcelain") == ""
    assert scratch.git("worktree", "list").count("\n") == 0
    assert scratch.git("branch", "--list", "--all") == "* main"


def test_pages_json_and_feed_tell_the_same(story: Story) -> None:
    nights = story.process.index()
    page = (story.process.pages / "index.html").read_text()
    for night in nights:
        assert f"nights/{night['date']}/report.html" in page
        assert night["date"] in (story.process.pages / f"nights/{night['date']}/report.html").read_text()
        assert night["date"] in story.said["history"]
    assert [night["result"] for night in nights][:4] == ["filling", "unchanged", "changed", "worse"]
    assert "<svg" in page
    feed = ElementTree.parse(story.process.pages / "feed.xml").getroot()
    titles = [entry.findtext("{*}title") for entry in feed.findall("{*}entry")]
    assert any("2026-01-04: worse" in str(title) for title in titles)
    assert not any("2026-01-02" in str(title) for title in titles)


def test_mlflow_says_what_the_night_of_a_run_came_to(story: Story) -> None:
    with sqlite3.connect(story.process.folder / "runs/mlflow/mlflow.db") as database:
        rows = database.execute("select value from tags where key = 'saddle.nightly.result'").fetchall()
        named = database.execute("select value from tags where key = 'saddle.nightly.changed_by'").fetchall()
    assert {value for (value,) in rows} >= {"filling", "unchanged", "changed", "worse"}
    assert any(story.commits["weaker"][:10] in value for (value,) in named)


def test_who_is_told_hears_of_changes_once_and_of_nothing_else(story: Story) -> None:
    dates = [re.search(r"2026-01-\d\d", text)[0] for text in story.webhook.texts]  # type: ignore[index]
    assert dates.count("2026-01-03") == dates.count("2026-01-04") == 1
    assert "2026-01-02" not in dates
    assert (story.process.folder / "told.txt").read_text().count("Worse: ") == 1


def test_the_address_is_nowhere(story: Story) -> None:
    assert story.webhook.texts
    assert not any(SECRET in said for said in story.said.values())
    files = [path for path in story.process.folder.rglob("*") if path.is_file()]
    holding = [path for path in files if SECRET.encode() in path.read_bytes()]
    assert holding == []


def test_nights_are_run_in_their_order(story: Story) -> None:
    said = story.process.run("run", "--date", "2025-12-31", code=2)
    assert "an earlier one can't be added" in said


def test_arms_that_are_others_by_now_are_refused(story: Story) -> None:
    said = story.process.run("run", "--date", "2026-01-06", "--set", "ablation.factors.x=[0.4,0.7]", code=2)
    assert "ablation.factors.x" in said
    assert json.loads((story.process.pages / "index.json").read_text())["nights"][-1]["date"] == "2026-01-05"
