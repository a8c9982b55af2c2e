"""The pages of a storage, whoever wrote it: what they show of trials in every state, and what they refuse."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from markupsafe import escape

from saddle.analyse.short_verdict import short_verdict
from saddle.archive.progress import Leader, Progress, RunningTrial, progress_path
from saddle.archive.studies import read_study
from saddle.design import Replicate
from saddle.errors import NotFound
from saddle.report.write import write_report
from saddle.serve.routes import WRITTEN_POLICY
from saddle.serve.watched.nights import read_page
from saddle.serve.watched.study import StudyReader
from saddle.serve.watched.trial import TrialReader
from saddle.store.base import Store
from saddle.store.checkpoint.checkpoints import Checkpoints
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.store.open import open_store
from saddle.store.ownership.lock import lock_study
from saddle.store.run_files.notes import read_notes
from saddle.store.run_files.trial_output import output_path, stamp_of
from saddle.trial.json_text import to_json
from saddle.trial.run_id import RunId
from tests.support.records import changed
from tests.support.s3 import S3
from tests.support.serving import Served, serving
from tests.support.stored import rewrite_entry, store_ablation

RUN = RunId("shifts")
STUDY = """\
study: shifts
question: Does <script>alert(1)</script> raise the score?
trainable: parabola
ablation:
  baseline: {shift: 0.0}
  factors: {shift: [0.0, 0.1, 0.2]}
  seeds: 4
  compare: {metric: test/score}
"""
EPOCHS = 70
"""More than a manifest holds itself."""
EVIL = "<img src=x onerror=alert(1)>"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)


def measure(one: Replicate) -> dict[str, float] | str:
    value = float(one.arm.settings["shift"]) + 0.01 * (one.seed * (3 + round(70 * one.arm.settings["shift"])) % 7)
    return (
        "failed"
        if one.seed == 3 and one.arm.settings["shift"] == 0.1
        else {"test/score": value, "validation/score": value}
    )


def fill(store: Store) -> dict[str, str]:
    """Store the study with a trial under way and one that is planned; their keys by their states."""
    store_ablation(store, STUDY, measure)
    ledger = Ledger(store, RUN)
    *_, planned, running = (record.key for record in ledger if record.arm == "shift=0.2")
    for key in (planned, running):
        ledger.remove(key)
    failed = next(record for record in ledger if record.outcome == "failed")
    rewrite_entry(store, changed(failed, why=f"Traceback\n{EVIL}"))
    checkpoints = Checkpoints.of_trial(store, RUN, running)
    for epoch in range(1, EPOCHS + 1):
        checkpoints.save(epoch, {"epoch": epoch}, {"validation/score": epoch / 100, "train/loss": 1 / epoch}, 1.0, True)
    store.write(f"studies/shifts/trials/{running}/images/epoch 00001, {EVIL.replace('/', '')}.png", PNG)
    store.write(f"studies/shifts/trials/{running}/images/no picture.png", b"<svg onload=alert(1)>")
    progress = Progress(
        "shifts", total=12, done=10, fresh=10, seconds=100.0, metric="validation/score", running={running: EPOCHS},
        outcomes={"completed": 9, "failed": 1}, best=0.2, best_trial="a", leaders=[Leader("a", "the first", 0.2)],
        details={running: RunningTrial("its name", 100, 0.7, begun=True)},
    )  # fmt: skip
    write_progress(store, progress)
    return {"running": running, "planned": planned, "failed": failed.key}


def write_progress(store: Store, progress: Progress) -> None:
    facts: dict[str, Any] = json.loads(to_json({**vars(progress), "details": {}, "leaders": []}))
    facts["details"] = {key: vars(trial) for key, trial in progress.details.items()}
    facts["leaders"] = [vars(leader) for leader in progress.leaders]
    store.write(progress_path(RUN), to_json(facts).encode())


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "kept")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A storage with the study, made once, and the keys of three of its trials."""
    folder = tmp_path_factory.mktemp("filled") / "kept"
    return folder, fill(LocalStore(folder))


@pytest.fixture
def keys(store: LocalStore, filled: tuple[Path, dict[str, str]]) -> Iterator[dict[str, str]]:
    """The study, copied, with a driver, which here is nothing but its lock."""
    folder, keys = filled
    shutil.copytree(folder, store.root)
    with lock_study(store, RUN):
        yield keys


@pytest.fixture
def pages(store: LocalStore, keys: dict[str, str]) -> Iterator[Served]:
    with serving(store) as served:
        yield served


def of_trial(key: str, *more: str) -> str:
    return "/".join((f"/studies/shifts/trials/{key}", *more))


def test_a_running_study_is_known_from_its_storage_alone(store: LocalStore, keys: dict[str, str]) -> None:
    study = StudyReader(store, "shifts").read()
    by_key = {line.key: line for line in study.lines}
    running, planned, failed = (by_key[keys[state]] for state in ("running", "planned", "failed"))
    assert (running.state, running.epoch, running.epochs, running.value) == ("running", EPOCHS, 100, 0.7)
    assert running.curve == tuple(epoch / 100 for epoch in range(1, EPOCHS + 1))
    assert (planned.state, planned.curve) == ("planned", ())
    assert (failed.state, failed.why) == ("failed", EVIL)
    assert [(arm, len(lines)) for arm, lines in study.arms] == [("shift=0.0", 4), ("shift=0.1", 4), ("shift=0.2", 4)]
    assert len(study.ended) == 10
    assert study.summary is None
    assert study.state.running


def test_a_reader_sees_what_happens_between_two_looks(store: LocalStore, keys: dict[str, str]) -> None:
    reader = StudyReader(store, "shifts")
    before = reader.read()
    assert reader.read().results is before.results, "nothing is read again that is the same"
    Ledger(store, RUN).remove(keys["failed"])
    write_progress(store, Progress("shifts", total=12, done=9, metric="validation/score"))
    after = reader.read()
    assert (len(before.ended), len(after.ended)) == (10, 9)
    assert after.running == []


def test_the_study_page_shows_arms_curves_and_outcomes(pages: Served, keys: dict[str, str]) -> None:
    page = pages.ask("/studies/shifts")
    assert page.status == 200
    assert page.text.count('class="cell completed"') == 9
    assert page.text.count('class="cell running"') == page.text.count('class="cell planned"') == 1
    assert "epoch 70 of 100" in page.text
    assert "14 s left" in page.text
    assert page.text.count("<polyline") == 1, "the one trial with a curve"
    assert "the first" in page.text
    assert 'action="/studies/shifts/stop"' in page.text


def test_what_a_storage_holds_is_never_markup(pages: Served, keys: dict[str, str]) -> None:
    for path in (
        "/",
        "/studies/shifts",
        *(of_trial(keys[state]) for state in keys),
        f"/studies/{quote(EVIL, safe='')}",
    ):
        page = pages.ask(path).text
        assert "<script>" not in page
        assert "onerror=alert(1)>" not in page, path
    assert "&lt;script&gt;alert(1)" in pages.ask("/").text


def test_a_trials_page_has_its_curve_and_pictures(pages: Served, store: LocalStore, keys: dict[str, str]) -> None:
    page = pages.ask(of_trial(keys["running"])).text
    assert page.count("<svg") == 2, "a chart for each metric"
    assert "70 epochs of 100" in page
    trial = TrialReader(StudyReader(store, "shifts"), keys["running"]).read()
    assert len(trial.curve) == EPOCHS
    shown, other = sorted(trial.pictures)
    picture = pages.ask(of_trial(keys["running"], "pictures", quote(shown, safe="")))
    assert (picture.status, picture.headers["content-type"], picture.content) == (200, "image/png", PNG)
    assert pages.ask(of_trial(keys["running"], "pictures", quote(other, safe=""))).status == 404, "it is not a PNG"
    assert "Traceback" in pages.ask(of_trial(keys["failed"])).text
    assert "planned" in pages.ask(of_trial(keys["planned"])).text


@pytest.mark.parametrize(
    "path", ["/studies/nope", "/studies/..%2F..%2Fetc", "/studies/shifts/trials/nope", "/static/render.py",
             "/static/..%2Froutes.py", "/nightly/shifts/index.html", "/nightly/shifts/..%2F..%2Fstudy.yaml"],
)  # fmt: skip
def test_what_is_not_there_is_not_found(pages: Served, path: str) -> None:
    assert pages.ask(path).status == 404


def test_a_picture_is_one_of_the_trials_own(pages: Served, keys: dict[str, str]) -> None:
    for name in ("../../study.yaml", "/etc/passwd", "studies/shifts/study.yaml"):
        assert pages.ask(of_trial(keys["running"], "pictures", quote(name, safe=""))).status == 404


def test_a_report_is_made_of_what_there_is_and_may_do_nothing(pages: Served, store: LocalStore) -> None:
    answer = pages.ask("/studies/shifts/report")
    assert answer.text.startswith("<!DOCTYPE html>")
    assert answer.headers["content-security-policy"] == WRITTEN_POLICY
    assert not store.exists("studies/shifts/report.html"), "whoever looks writes nothing"


def test_a_finished_studys_written_report_is_shown(store: LocalStore) -> None:
    store_ablation(store, STUDY, measure)
    stored = read_study(store, "shifts")
    assert stored is not None
    results = stored.read_results(store)
    write_report(store, results)
    summary = json.loads(store.read("studies/shifts/summary.json"))
    store.write("studies/shifts/summary.json", to_json({**summary, "statistics": "p < 0.001"}).encode())
    write_progress(store, Progress("shifts", total=12, done=12, metric="validation/score", state="finished"))
    with serving(store) as pages:
        assert pages.ask("/studies/shifts/report").content == store.read("studies/shifts/report.html")
        page = pages.ask("/studies/shifts").text
        assert f">{short_verdict(results)}</p>" in pages.ask("/").text
        assert f'<p class="sentence">{escape(results.answer.plain)}</p>' in page
        assert '<p class="statistics">p &lt; 0.001</p>' in page
        assert 'action="/studies/shifts/stop"' not in page
        refused = pages.ask("/studies/shifts/stop", "POST", Origin=f"http://{pages.host}")
        assert (refused.status, "is not running" in refused.text) == (409, True)


def test_a_study_is_stopped_by_the_wish_that_drivers_look_for(pages: Served, store: LocalStore) -> None:
    answer = pages.ask("/studies/shifts/stop", "POST", Origin=f"http://{pages.host}")
    assert (answer.status, answer.headers["location"]) == (303, "/studies/shifts")
    assert store.exists("studies/shifts/stop")
    page = pages.ask("/studies/shifts").text
    assert "stopping" in page
    assert 'action="/studies/shifts/stop"' not in page


def test_a_note_that_is_sent_is_kept_and_shown(pages: Served, store: LocalStore) -> None:
    form = {"text": f"looks right {EVIL} password=hunter2hunter2", "tags": "keep, , paper"}
    answer = pages.ask("/studies/shifts/notes", "POST", urlencode(form), Origin=f"http://{pages.host}")
    assert (answer.status, answer.headers["location"]) == (303, "/studies/shifts")
    [note] = read_notes(store, RUN)
    assert note.tags == ("keep", "paper")
    page = pages.ask("/studies/shifts").text
    assert "[keep] [paper] looks right &lt;img" in page
    assert "hunter2" not in page


@pytest.mark.parametrize(
    ("origin", "text", "status", "why"),
    [
        ("http://evil.example", "mine", 403, ""),
        ("", "", 409, "the note is empty"),
        ("", "x" * 10_001, 409, "at most 10,000 are kept"),
        ("", "x" * 70_000, 409, "a form of more than 65,536 bytes is not read"),
    ],
)
def test_a_note_from_elsewhere_or_of_no_use_is_refused(
    origin: str, text: str, status: int, why: str, pages: Served, store: LocalStore
) -> None:
    body = urlencode({"text": text, "tags": ""})
    answer = pages.ask("/studies/shifts/notes", "POST", body, Origin=origin or f"http://{pages.host}")
    assert (answer.status, why in answer.text) == (status, True), answer.text
    assert read_notes(store, RUN) == []


def test_a_trials_page_has_what_it_printed(pages: Served, store: LocalStore, keys: dict[str, str]) -> None:
    path = output_path(RUN, keys["failed"], stamp_of(1_700_000_000.0), 0)
    store.write(path, f"loading {EVIL}\n".encode())
    page = pages.ask(of_trial(keys["failed"])).text
    assert "2023-11-14 22:13:20 UTC" in page
    assert "loading &lt;img" in page


def test_a_study_that_cannot_be_read_says_why(store: LocalStore) -> None:
    store_ablation(store, STUDY, measure)
    store.write("studies/shifts/study.yaml", b"study: [")
    with serving(store) as pages:
        assert "can't be read" in pages.ask("/").text
        assert pages.ask("/studies/shifts").status == 409


def test_pages_that_a_nightly_has_written_are_shown_and_nothing_else(store: LocalStore) -> None:
    folder = "studies/shifts@nightly"
    store.write(f"{folder}/index.html", b"<p>all nights</p>")
    store.write(f"{folder}/nights/2026-11-29/report.html", b"<p>one night</p>")
    store.write(f"{folder}/nights/2026-11-29/pin.json", b"{}")
    with serving(store) as pages:
        assert "1 night, the latest 2026-11-29" in pages.ask("/").text
        answer = pages.ask("/nightly/shifts/index.html")
        assert (answer.text, answer.headers["content-security-policy"]) == ("<p>all nights</p>", WRITTEN_POLICY)
        assert pages.ask("/nightly/shifts/nights/2026-11-29/report.html").text == "<p>one night</p>"
    for path in ("nights/2026-11-29/pin.json", "nights/../index.html", "study-of-nights.yaml", "accepted/0001.json"):
        with pytest.raises(NotFound):
            read_page(store, "shifts", path)


def test_a_bucket_is_watched_as_a_folder_is(s3: S3) -> None:
    store = open_store(f"s3://{s3.bucket()}/kept")
    keys = fill(store)
    with lock_study(store, RUN), serving(store) as pages:
        page = pages.ask("/studies/shifts").text
        assert "epoch 70 of 100" in page
        assert page.count("<polyline") == 1
        assert "70 epochs of 100" in pages.ask(of_trial(keys["running"])).text
        assert pages.ask("/studies/shifts/stop", "POST", Origin=f"http://{pages.host}").status == 303
    assert store.exists("studies/shifts/stop")
