"""The settings that the checkpoints of a study are measured with, if they are not those that it was trained with.

Training continues with the settings of the study's file, including validation and the choice of checkpoints; the test
metrics of every trial are measured again with these settings.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from saddle.analyse.text.formatting import listed
from saddle.errors import StorageError, UserError
from saddle.store.base import Store
from saddle.store.open import open_store, study_folder
from saddle.store.ownership.fence import StudyLock, write_fenced
from saddle.study.nearest import nearest
from saddle.study.trainable.declarations import Declarations
from saddle.study.values import canonical, readable, same
from saddle.trial.json_text import to_json
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId


@dataclass(frozen=True)
class Evaluation:
    """Settings of the trainable that replace those of every trial, as plain values.

    What was measured before `since` (Unix seconds) is measured again even with these settings.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    since: float = 0.0

    def is_that_of(self, entry: TrialRecord) -> bool:
        """Whether a trial's test metrics rest on it."""
        return same(dict(entry.evaluation), dict(self.settings)) and entry.settled >= self.since

    def pending(self, entries: Iterable[TrialRecord]) -> list[TrialRecord]:
        """The completed trials that are still to be measured with it."""
        return [entry for entry in entries if entry.outcome == Outcome.COMPLETED and not self.is_that_of(entry)]


AS_TRAINED = Evaluation()


def evaluation_path(run: RunId) -> str:
    """The path of a run's evaluation."""
    return f"{study_folder(run)}/evaluation.json"


def read_evaluation(store: Store, run: RunId) -> Evaluation:
    """The evaluation that counts for a run; raises `StorageError` if its file is damaged."""
    path = evaluation_path(run)
    try:
        facts = json.loads(store.read(path))
        return Evaluation(dict(facts["settings"]), float(facts["since"]))
    except FileNotFoundError:
        return AS_TRAINED
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"{store.locate(path)} is damaged ({error}); delete it and run saddle evaluate {run.name} --all with the "
            "settings that you want"
        ) from error


def write_evaluation(store: Store, run: RunId, evaluation: Evaluation, lock: StudyLock) -> None:
    """Let an evaluation count for a run from now on; raises `TakenOver`."""
    content = {"settings": dict(evaluation.settings), "since": evaluation.since, "token": lock.token}
    write_fenced(store, evaluation_path(run), to_json(content).encode(), lock)


def split_change(change: str, fields: Collection[str]) -> tuple[str, str]:
    """Field and value of a `field=value` text; raises `UserError` if it isn't one, or the field isn't in `fields`."""
    name, equals, text = change.partition("=")
    if not equals or name not in fields:
        hint = nearest(name, fields)
        raise UserError(
            f"--set {change}: write FIELD=VALUE with a field of the trainable"
            + (f"; did you mean {hint}?" if hint else "")
        )
    return name, text


def refuse_fields(changes: Iterable[str], declared: Declarations, entries: Sequence[TrialRecord]) -> None:
    """Raise `UserError` for a field that training reads, and for one in which trials have different values."""
    for change in changes if declared.fields else ():
        name, _ = split_change(change, declared.fields)
        if name not in declared.evaluation_fields:
            settable = (
                ", ".join(declared.evaluation_fields) or f"none, as {declared.name} declares no EVALUATION_FIELDS"
            )
            raise UserError(
                f"--set {name}: it changes how networks are trained, so it can't be set for stored ones; fields that "
                f"can be set with --all: {settable}"
            )
        values = {canonical(entry.settings.get(name)): entry.settings.get(name) for entry in entries}
        if len(values) > 1:
            raise UserError(
                f"--set {name}: the study's own trials differ in {name} ({listed(map(readable, values.values()))}), so "
                "one value for all would undo what it compares"
            )


def set_option(name: str, value: Any) -> list[str]:
    """The option of the command line that gives a field this value."""
    alone = value[0] if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str) else value
    text = alone if isinstance(alone, str) else json.dumps(value)
    return ["--set", f"{name}={text}"]


def evaluate_command(store: Store, run: RunId, settings: Mapping[str, Any]) -> str:
    """The command that measures a study's checkpoints with these settings."""
    options = [part for name, value in settings.items() for part in set_option(name, value)]
    where = [] if store.url == open_store(None, create=False).url else ["--storage", store.url]
    return shlex.join(["saddle", "evaluate", run.name, "--all", *options, *where])
