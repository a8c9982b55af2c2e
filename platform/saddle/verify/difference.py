"""A difference from the ledger, and what can be done about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Repair(StrEnum):
    """What `--repair` does about a difference."""

    NONE = "nothing"
    SET_ASIDE = "set the file aside; the trial is run again"
    REBUILD_OPTUNA = "rebuild Optuna's study from the ledger"
    DELIVER = "deliver the messages in the outbox"
    RESEND = "send it to MLflow again"
    REMAKE = "rebuild the MLflow run"
    REMOVE_RUN = "remove the MLflow run"
    END = "end runs without a driver"
    REMOVE = "remove the folder"
    RECOVER = "rebuild the manifest from a checkpoint"
    REINDEX = "write the index again"
    RELOCATE = "let MLflow look for files at the storage's new location"


@dataclass(frozen=True)
class Difference:
    """`where` is ledger, optuna, mlflow, checkpoints or study; `trial` is None for what concerns the whole study."""

    where: str
    trial: str | None
    what: str
    repair: Repair = Repair.NONE
    subjects: Sequence[str] = ()
    """The paths or MLflow run ids that the repair is about."""

    @property
    def repairable(self) -> bool:
        return self.repair is not Repair.NONE

    def facts(self) -> dict[str, Any]:
        """The difference as plain data for JSON."""
        return {"where": self.where, "trial": self.trial, "what": self.what, "repairable": self.repairable}

    def __str__(self) -> str:
        return f"{self.where}: {self.trial}: {self.what}" if self.trial else f"{self.where}: {self.what}"


def first_few(names: Sequence[object], most: int = 4) -> str:
    """A few names in words: `1, 2, 3, 4 and 6 more`."""
    shown = ", ".join(str(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
