"""The result of a study in a few words, stored next to its report: a list of studies need not compute every answer.

It is derived from the ledger and never trusted over it: it states what it was made of, and counts only while the files
of the ledger, the later measurements and the checklists are the same in number and name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from saddle.analyse.short_verdict import short_verdict
from saddle.analyse.study_results import StudyResults
from saddle.errors import Damaged, ForeignPath
from saddle.report.tone import tone
from saddle.store.base import Store
from saddle.store.checkpoint.measurements import measurements_folder
from saddle.store.ledger.ledger import Ledger
from saddle.store.open import study_folder
from saddle.store.run_files.checks import checks_folder
from saddle.trial.json_text import to_json
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId

VERSION = 1


@dataclass(frozen=True)
class MadeOf:
    """What a summary was made of: a digest of the keys of its trials, and how often they were measured and checked."""

    keys: str
    measurements: int
    checks: int


@dataclass(frozen=True)
class Summary:
    """`verdict` in a few words (see `short_verdict`), and the `tone` that the answer is shown in.

    The answer itself is `plain` words and the `statistics` that these rest on.
    """

    verdict: str
    plain: str
    statistics: str
    tone: str


def summarise(results: StudyResults) -> Summary:
    """The summary of a run's results."""
    answer = results.answer
    return Summary(short_verdict(results), answer.plain, answer.statistics, tone(answer))


def write_summary(store: Store, results: StudyResults) -> None:
    """Store the summary for `read_summary`."""
    content = {"version": VERSION, "of": asdict(made_of(results.records)), **asdict(summarise(results))}
    store.write(summary_path(results.run), to_json(content).encode())


def read_summary(store: Store, run: RunId) -> Summary | None:
    """The stored summary; None if there is none, or trials, measurements or checks have changed since."""
    try:
        raw = json.loads(store.read(summary_path(run)))
        if raw["version"] != VERSION or MadeOf(**raw["of"]) != stored_now(store, run):
            return None
        return Summary(raw["verdict"], raw["plain"], raw["statistics"], raw["tone"])
    except (FileNotFoundError, ForeignPath, Damaged, ValueError, KeyError, TypeError):
        return None  # it can be made again


def made_of(records: Sequence[TrialRecord]) -> MadeOf:
    """What a summary of these records is made of."""
    measurements = sum(len(record.earlier) for record in records)
    return MadeOf(_digest(record.key for record in records), measurements, sum(bool(r.checks) for r in records))


def stored_now(store: Store, run: RunId) -> MadeOf:
    """What a summary would be made of now, by the names of the files alone."""
    measurements, checks = (sum(1 for _ in store.names(f(run))) for f in (measurements_folder, checks_folder))
    return MadeOf(_digest(Ledger(store, run).keys()), measurements, checks)


def summary_path(run: RunId) -> str:
    """The path of a run's summary."""
    return f"{study_folder(run)}/summary.json"


def _digest(keys: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()[:32]
