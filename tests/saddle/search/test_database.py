"""A search in a real PostgreSQL: one that others share, that is restarted, and whose answers get lost."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import TrialState

from saddle.errors import SharedDatabaseError, StorageLost
from saddle.redaction import redact
from saddle.search.database import open_shared
from saddle.search.fault_tolerant import FaultTolerantSource
from saddle.search.optuna_search import SETTINGS, OptunaSearch
from saddle.search.retrying_storage import PatientStorage
from saddle.search.storage import name_in_storage, open_storage
from saddle.study.models import Study
from saddle.trial.outcome import Outcome
from saddle.trial.run_id import RunId
from saddle_contracts.trial_source import TrialSourceContract, entry_of
from tests.support.lossy_link import LossyLink
from tests.support.postgres import Postgres
from tests.support.waiting import PROCESS_SECONDS, join_all

STUDY = Study.model_validate(
    {
        "study": "s",
        "trainable": "parabola",
        "search": {"x": {"float": [0.0, 1.0]}, "mode": {"choice": ["plain", "curved"]}},
        "objective": {"maximize": "validation/score"},
        "early_stopping": {"asha": {"grace_epochs": 1, "reduction_factor": 2}},
        "sampler": {"tpe": {"startup_trials": 2, "seed": 5}},
        "budget": {"trials": 2},
    }
)


def opened(url: str, finished: Any = None, name: str = "s@1", study: Study = STUDY) -> OptunaSearch:
    return OptunaSearch(study, RunId("s"), open_shared(url), finished or {}, known=study.settings, name=name)


def search(source: OptunaSearch) -> list[dict[str, Any]]:
    """Run the whole study, retry its first trial, and say what Optuna has of it."""
    finished = []
    while (proposal := source.next()) is not None:
        for epoch in (1, 2):
            source.report(proposal.key, epoch, {"validation/score": proposal.settings["x"] + epoch})
        outcome = Outcome.FAILED if proposal.number == 0 else Outcome.COMPLETED
        finished.append(entry_of(proposal, outcome, **{"validation/score": proposal.settings["x"]}))
        source.finish(finished[-1])
        if len(finished) == 1:
            source.retry(finished)
    return essence(source)


def essence(source: OptunaSearch) -> list[dict[str, Any]]:
    return [
        {"number": t.number, "state": t.state, "params": t.params, "values": t.values, "settings": t.user_attrs,
         "epochs": t.intermediate_values, "constraints": t.constraints}
        for t in source.optuna.get_trials()
    ]  # fmt: skip


def refuse_to_wait(*arguments: Any) -> None:
    pytest.fail("nothing is to be waited for")


@pytest.fixture(scope="module")
def database(postgres_server: Postgres) -> str:
    return postgres_server.new_database()


@pytest.fixture
def url(postgres: Postgres, database: str, request: pytest.FixtureRequest) -> str:
    return database


class TestSharedProposals(TrialSourceContract):
    @pytest.fixture
    def open_source(self, url: str, tmp_path: Path) -> Any:
        return lambda finished: opened(url, finished, name=f"contract@{tmp_path}")


@pytest.mark.fault("a search's PostgreSQL restarted, gone, or losing answers")
def test_a_search_whose_answers_get_lost_is_the_search_undisturbed(postgres: Postgres, url: str) -> None:
    """Each commit in turn is done without the driver hearing of it, from the first ask to the last tell."""
    with LossyLink(postgres.port, b"COMMIT\0", after=(b"INSERT", b"UPDATE")) as link:
        linked = url.replace(f":{postgres.port}/", f":{link.port}/")
        undisturbed = opened(linked, name="undisturbed")
        link.lose(None)
        expected = search(undisturbed)
        commits = link.seen
        assert [trial["state"] for trial in expected] == [TrialState.FAIL, *2 * [TrialState.COMPLETE]]
        assert expected[1]["params"] == expected[0]["params"], "the second is the first's retry"
        assert commits > 25
        for nth in range(1, commits + 1):
            source = opened(linked, name=f"lossy-{nth}")
            link.lose(nth)
            assert search(source) == expected, f"after the loss of answer {nth}"
            assert link.lost == 1
            source.storage.close()
        undisturbed.storage.close()


@pytest.mark.fault("a search's PostgreSQL restarted, gone, or losing answers")
def test_a_search_over_a_restarted_server_is_the_search_undisturbed(
    postgres: Postgres, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, wait = threading.Event(), PatientStorage._wait
    monkeypatch.setattr(PatientStorage, "_wait", lambda storage, seconds: (waits.set(), wait(storage, seconds)))
    expected = search(opened(url, name="before-restarts"))
    for mode in ("fast", "immediate"):
        source = opened(url, name=f"restarted-{mode}")
        first = source.next()
        assert first is not None
        waits.clear()
        postgres.stop(mode)
        back = threading.Thread(target=lambda: waits.wait(PROCESS_SECONDS) and postgres.start())
        back.start()
        source.report(first.key, 1, {"validation/score": first.settings["x"] + 1})
        assert waits.is_set(), "it waited for the server"
        join_all(back)
        source.report(first.key, 2, {"validation/score": first.settings["x"] + 2})
        entry = entry_of(first, Outcome.FAILED, **{"validation/score": first.settings["x"]})
        source.finish(entry)
        source.retry([entry])
        while (proposal := source.next()) is not None:
            for epoch in (1, 2):
                source.report(proposal.key, epoch, {"validation/score": proposal.settings["x"] + epoch})
            source.finish(entry_of(proposal, **{"validation/score": proposal.settings["x"]}))
        assert essence(source) == expected


@pytest.fixture
def stopped(postgres: Postgres) -> Iterator[None]:
    yield
    if not postgres.running:
        postgres.start()


@pytest.mark.fault("a search's PostgreSQL restarted, gone, or losing answers")
def test_a_server_that_stays_away_ends_the_search_in_good_order(
    postgres: Postgres, url: str, stopped: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SADDLE_OPTUNA_PATIENCE", "1.5")
    search = opened(url, name="left")
    source = FaultTolerantSource(search)
    first = source.next()
    assert first is not None
    assert source.trouble is None
    postgres.stop()
    since = time.monotonic()
    assert source.report(first.key, 1, {"validation/score": 1.0}) is False
    assert time.monotonic() - since > 1.4
    assert "trying again for 1.5 s" in caplog.text
    assert isinstance(source.trouble, StorageLost)
    assert "has not answered for" in str(source.trouble)
    assert postgres.password not in str(source.trouble)
    entry = entry_of(first, **{"validation/score": 0.5})
    with monkeypatch.context() as once_lost:
        once_lost.setattr(PatientStorage, "_patiently", refuse_to_wait)
        source.finish(entry)
        assert source.next() is None
        assert source.total == 2
    postgres.start()
    again = opened(url, {first.key: entry}, name="left")
    assert again.optuna.get_trials()[0].values == [0.5], "told when the search is opened again"


def test_who_wants_the_run_to_end_does_not_wait(
    postgres: Postgres, url: str, stopped: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SADDLE_OPTUNA_PATIENCE", "3600")
    source = FaultTolerantSource(opened(url, name="hurried"))
    postgres.stop()
    threading.Timer(0.5, source.cancel_waits).start()
    since = time.monotonic()
    assert source.next() is None
    assert time.monotonic() - since < 120
    assert source.trouble is not None


def test_another_study_of_the_same_name_is_another_study(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SADDLE_OPTUNA_URL", url)
    names = [name_in_storage(RunId("s", instance)) for instance in ("mine", "theirs")]
    for name in names:
        source = OptunaSearch(STUDY, RunId("s"), open_storage(tmp_path / "none"), {}, known={}, name=name)
        first = source.next()
        assert first is not None
        assert first.number == 0
    assert not (tmp_path / "none").exists()
    monkeypatch.delenv("SADDLE_OPTUNA_URL")
    assert name_in_storage(RunId("s", "mine")) == "s"


def test_a_new_database_may_be_opened_by_several_drivers_at_once(postgres: Postgres) -> None:
    url = postgres.new_database()
    opening = "open_shared(os.environ['U']).get_all_studies()"
    code = f"import os; from saddle.search.database import open_shared; print(len({opening}))"
    several = [
        subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "U": url}, stdout=-1, stderr=-1, text=True)
        for _ in range(4)
    ]
    for process in several:
        out, error = process.communicate(timeout=PROCESS_SECONDS)
        assert (process.returncode, out) == (0, "0\n"), error


PROBLEMS = {
    "mysql+pymysql://u:hush@127.0.0.1/d": "driver is not installed",
    "postgres://u:hush@127.0.0.1/d": "did you mean postgresql?",
    "oracular://u:hush@127.0.0.1/d": "'oracular', a kind of database",
    "postgresql://u:hush@127.0.0.1:port/d": "can't be read",
    "postgresql://u:hush@127.0.0.1:1/d": "refused",
    "hush": "can't be read",
}


@pytest.mark.parametrize("address", PROBLEMS)
def test_a_wrong_address_is_explained_without_its_password(address: str) -> None:
    with pytest.raises(SharedDatabaseError, match="SADDLE_OPTUNA_URL") as raised:
        open_shared(address)
    assert PROBLEMS[address] in str(raised.value)
    assert "hush" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_a_wrong_password_or_database_is_told_at_once(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("saddle.search.database.time.sleep", refuse_to_wait)
    wrong = postgres.url().replace(postgres.password, "hush")
    for address, problem in ((wrong, "password authentication failed"), (postgres.url("none"), "does not exist")):
        with pytest.raises(SharedDatabaseError, match=problem) as raised:
            open_shared(address)
        assert "hush" not in str(raised.value)
        assert postgres.password not in str(raised.value)


@pytest.mark.parametrize("given", ["soon", "-1", "nan"])
def test_a_wrong_patience_is_refused(url: str, given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SADDLE_OPTUNA_PATIENCE", given)
    with pytest.raises(SharedDatabaseError, match=r"number of seconds, such as 120"):
        open_shared(url)


@pytest.mark.parametrize(
    "secret",
    [
        "postgresql://u:p@ss/w:rd@h/d",
        "postgresql://h/d?user=u&password=p@ss/w:rd",
        "postgresql://u:p@ss/w:rd@h:5/d?x=1",
    ],
)
def test_passwords_are_masked_however_they_are_written(secret: str) -> None:
    assert "ss" not in redact(f"at {secret} it failed").replace("password", "")
    assert redact(secret).endswith(("/d", "x=1", "=***"))


def test_what_the_database_refuses_is_not_tried_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = open_shared(url)
    assert isinstance(storage, PatientStorage)
    monkeypatch.setattr(PatientStorage, "_wait", refuse_to_wait)
    with pytest.raises(KeyError):
        storage.get_study_id_from_name("nobody's")
    source = opened(url, name="refused")
    source.next()
    source.finish(entry_of(proposals_first(source), **{"validation/score": 0.5}))
    assert SETTINGS in source.optuna.get_trials()[0].user_attrs
    with pytest.raises(Exception, match="has already finished"):
        storage.set_trial_state_values(source.optuna.get_trials()[0]._trial_id, TrialState.FAIL)


def proposals_first(source: OptunaSearch) -> Any:
    from saddle.trial.spec import TrialSpec

    frozen = source.optuna.get_trials()[0]
    return TrialSpec("trial-00000", RunId("s"), frozen.user_attrs[SETTINGS], 0, number=0)
