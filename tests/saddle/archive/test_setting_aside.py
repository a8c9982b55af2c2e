"""Setting a run aside: twice in a second, killed on the way, and with another machine that knows nothing of it."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from saddle.archive import studies
from saddle.archive.local_part import claim_local
from saddle.archive.studies import read_study, run_names, set_aside_names
from saddle.cli.app import app
from saddle.store.base import Store
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.store.open import OWNER, local_owner, open_store
from saddle.store.ownership.lock import lock_study
from saddle.store.s3 import moving
from saddle.store.s3.store import S3Store
from saddle.trial.run_id import RunId
from tests.support.in_process import run_in_process
from tests.support.s3 import S3

STUDY = """\
study: hunt
question: Where is the top?
trainable: parabola
fixed: {{epochs: 1, shift: {shift}}}
search: {{x: {{float: [0, 1]}}}}
objective: {{maximize: validation/score}}
sampler: {{random: {{seed: 1}}}}
budget: {{trials: 3}}
"""
TRIALS = 3


def shifts(store: Store, name: str) -> set[float]:
    stored = read_study(store, name)
    assert stored is not None
    return {entry.params["shift"] for entry in Ledger(store, stored.run)}


def test_runs_set_aside_in_one_second_lie_beside_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studies, "time", SimpleNamespace(strftime=lambda form: "20260102T030405"))
    store = LocalStore(tmp_path / "runs")
    for shift in (1, 2, 3):
        run_in_process(store, STUDY.format(shift=shift), fresh=True, track=False)
        facts = {"instance": "abcd" + 8 * str(shift), "baseline": None}
        store.write("studies/hunt/instance.json", json.dumps(facts).encode())
    first, second = "hunt@20260102T030405-abcd", "hunt@20260102T030405-abcd22222222"
    assert set_aside_names(store) == [first, second]
    assert [shifts(store, name) for name in (first, second, "hunt")] == [{1.0}, {2.0}, {3.0}]
    said = CliRunner().invoke(app, ["results", "hunt@abcd", "--storage", str(store.root)])
    assert (said.exit_code, "'hunt@abcd' matches several runs" in said.stderr) == (2, True)


def test_a_study_whose_new_run_never_began_is_said_to_be_set_aside(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "runs")
    run_in_process(store, STUDY.format(shift=1), track=False)
    stored = read_study(store, "hunt")
    assert stored is not None
    aside = studies.set_aside(store, stored.run)  # killed here
    said = CliRunner().invoke(app, ["status", "hunt", "--storage", str(store.root)])
    assert (said.exit_code, f"set aside by --fresh are: {aside.name}" in said.stderr) == (2, True)
    run_in_process(store, STUDY.format(shift=2), track=False)
    assert (shifts(store, "hunt"), shifts(store, aside.name)) == ({2.0}, {1.0})


class Killed(BaseException):
    """What no clean-up of ours catches."""


@pytest.mark.fault("killed while a run is set aside")
@pytest.mark.parametrize(("share", "more"), [(0, 0), (0.5, 0), (1, -1), (1, 0), (1, 1), (1, 2)])
def test_a_move_killed_anywhere_shows_whole_runs_and_is_completed(
    s3: S3, monkeypatch: pytest.MonkeyPatch, share: float, more: int
) -> None:
    """Killed after a `share` of the copies; `more` steps delete the folder's own blobs, those deeper, and the note."""
    store = open_store(f"s3://{s3.bucket()}/runs")
    assert isinstance(store, S3Store)
    run_in_process(store, STUDY.format(shift=1), track=False)
    stored = read_study(store, "hunt")
    assert stored is not None
    left = [round(share * len(store.blobs("studies/hunt"))) + more]

    def counted(call: Any) -> Any:
        def maybe(*arguments: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return call(*arguments)

        return maybe

    with monkeypatch.context() as patch:
        patch.setattr(moving, "copy", counted(moving.copy))
        patch.setattr(S3Store, "delete_all", counted(S3Store.delete_all))
        with pytest.raises(Killed):
            studies.set_aside(store, stored.run)
    for name in run_names(store):
        entries = list(Ledger(store, RunId.stored(name)))
        assert (len(entries), shifts(store, name)) == (TRIALS, {1.0}), "half a run"
    with lock_study(store, RunId("hunt")):
        assert len(set_aside_names(store)) == 1
    assert read_study(store, "hunt") is None
    [aside] = run_names(store)
    assert shifts(store, aside) == {1.0}
    assert not [key for key in s3.keys(store.bucket) if ".moving-" in key or "/hunt/" in key]
    assert not (store.local / "studies/hunt").exists(), "its journal belongs to the run that was set aside"
    assert (store.local / RunId.stored(aside).folder / "optuna.journal").exists()


def test_what_this_machine_keeps_of_another_instance_is_not_used(
    s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"s3://{s3.bucket()}/runs"
    run_in_process(open_store(url), STUDY.format(shift=1), track=False)
    here = open_store(url)
    old = local_owner(here, RunId("hunt"))
    journal = here.local / "studies/hunt/optuna.journal"
    assert journal.exists()
    with monkeypatch.context() as patch:
        patch.setenv("SADDLE_HOME", str(tmp_path / "another-machine"))
        run_in_process(open_store(url), STUDY.format(shift=2), fresh=True, track=False)
    stored = read_study(here, "hunt")
    assert stored is not None
    assert local_owner(here, stored.run) == old != stored.instance
    run_in_process(here, STUDY.format(shift=2).replace("trials: 3", "trials: 4"), track=False)
    assert local_owner(here, stored.run) == stored.instance
    assert len(list(Ledger(here, stored.run))) == 4
    [aside] = set_aside_names(here)
    assert local_owner(here, RunId.stored(aside)) == old, "it goes where its run is"


def test_a_folder_that_is_nobody_s_is_removed(s3: S3) -> None:
    store = open_store(f"s3://{s3.bucket()}/runs")
    run = RunId("hunt", "0123456789ab")
    folder = store.local / run.folder
    folder.mkdir(parents=True)
    (folder / "optuna.journal").write_text("of a run that was deleted")
    claim_local(store, run)
    assert (folder / "optuna.journal").exists(), "an older saddle didn't say whose it is"
    (folder / OWNER).write_text("ffffffffffff")
    claim_local(store, run)
    assert not (folder / "optuna.journal").exists()
    assert local_owner(store, run) == run.instance
