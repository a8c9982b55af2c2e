"""Every error that saddle raises for what its user can mend, as one tree, and the exit code each ends a command with.

Mistakes in data are `trainables.datasets.DataError`, as trainables know nothing of saddle.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Protocol


class UserError(Exception):
    """Something a person asked for can't be done; the message says why and what would work."""

    exit_code: ClassVar[int] = 2


class InfrastructureError(UserError):
    """The machine, disk or network failed; nothing that finished is lost, and the same command continues later."""

    exit_code: ClassVar[int] = 3


class Mistake(Protocol):
    """One mistake of a study file: its place, the problem, the correction, and the nearest valid name."""

    @property
    def file(self) -> str: ...

    @property
    def line(self) -> int | None: ...

    @property
    def what(self) -> str: ...

    @property
    def right(self) -> str: ...

    @property
    def nearest(self) -> str | None: ...


class StudyError(UserError):
    """A study file can't be used; `problems` names every mistake in it."""

    def __init__(self, problems: Iterable[Mistake]) -> None:
        # An inherited section is checked in every document that inherits it, and its mistake is still one.
        unique = dict.fromkeys(problems)
        self.problems = tuple(sorted(unique, key=lambda problem: (problem.file, problem.line or 0)))
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class DesignError(UserError, ValueError):
    """An ablation that can't be planned as written; the message says what would be right."""


class ExclusionError(DesignError):
    """An exclusion that can't be kept."""


class TrainableError(UserError):
    """A trainable doesn't exist, or can't be used; `right` and `nearest` say what would work."""

    def __init__(self, what: str, right: str = "", nearest: str | None = None) -> None:
        hint = f"did you mean {nearest}?" if nearest else ""
        super().__init__("; ".join(part for part in (what, right, hint) if part))
        self.what = what
        self.right = right
        self.nearest = nearest


class OwnSourcesError(TrainableError):
    """The file of a trainable can't be imported, or its sources are among too many other files, or have changed."""


class FailedAlike(UserError):
    """The first trials of a study all failed with the same exception at the same line, so that it was stopped."""

    exit_code: ClassVar[int] = 1


class NotFound(UserError):
    """No study or trial of this name is stored."""


class StudyChanged(UserError):
    """The stored study of this name asks something else."""

    def __init__(self, study: str, changes: Sequence[str]) -> None:
        listed = "\n".join(f"  {change}" for change in changes)
        super().__init__(
            f"{study} was run before with different settings:\n{listed}\n"
            "Run it under another name, or with --fresh to start a new one and keep the old."
        )
        self.changes = tuple(changes)


class CodeChanged(UserError):
    """Trials to come of a stored study would be trained with other code, defaults, data or versions than its own."""

    def __init__(self, study: str, changes: Sequence[str]) -> None:
        listed = "\n".join(f"  {change}" for change in changes)
        super().__init__(
            f"{study} has trials that were trained differently from the trials to come:\n{listed}\n"
            "Comparing them would be misleading. Restore what they were trained with, start a new run with --fresh, or"
            " mix them with --accept-changes, which every later answer mentions."
        )


class EvaluationChanged(UserError):
    """The stored study of this name is the same but for how its trials are measured; `command` measures them so."""

    def __init__(self, study: str, changes: Sequence[str], command: str) -> None:
        listed = "\n".join(f"  {change}" for change in changes)
        super().__init__(
            f"{study} was run before with a different evaluation:\n{listed}\n"
            "Nothing needs to be trained again: measure its stored checkpoints in this way with\n"
            f"  {command}\n"
            "Then run the same command again; new trials are measured in the same way."
        )


class TableError(UserError):
    """A table of results can't be imported; each of `problems` says what is wrong in it."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class TableChanged(UserError):
    """The stored study was imported from a table that said something else of trials that this one has, too."""

    def __init__(self, study: str, changes: Sequence[str]) -> None:
        listed = "\n".join(f"  {change}" for change in changes)
        super().__init__(
            f"{study} was imported from a table with different values:\n{listed}\n"
            "Import it under another name, or with --fresh to start a new one and keep the old."
        )


class NothingToBuildOn(UserError):
    """An ablation names the best of a search that has no finished trial; `reason` is its text without any advice."""

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(f"{reason}; {advice}" if advice else reason)
        self.reason = reason


class StorageError(UserError):
    """The storage can't be used, for a reason a person can act on."""


class Damaged(StorageError):
    """What is stored is not what was written, however often it is read."""


class ForeignPath(StorageError):
    """A path, or a link on it, leads out of the storage."""


class TakenOver(InfrastructureError):
    """Another driver runs the study now; nothing that this one had finished is lost."""


class Unloadable(Damaged):
    """A stored state holds what is not plain data, so that loading it could run code; an older saddle stored it."""


class LaterVersion(StorageError):
    """A newer saddle wrote the entry."""


class LaterFormat(StorageError):
    """A newer saddle wrote the manifest."""


class NoConditions(StorageError):
    """The endpoint doesn't do what a lease rests on."""


class SharedDatabaseError(UserError):
    """The database that SADDLE_OPTUNA_URL names can't be used."""


class StorageLost(UserError):
    """The database did not come back in time; what was trained is in the ledger."""


class ClusterError(UserError):
    """A cluster can't be used, for a reason a person can act on."""


class ClusterNotReady(InfrastructureError):
    """A cluster takes no jobs yet: its head answers some seconds before its agents do."""


class DoesNotFit(UserError):
    """A trial of this shape could never start; says by how much it is too large."""


class NotForACluster(UserError):
    """A study or storage that only makes sense on this machine."""


class SecretError(UserError):
    """Something secret would be shown on the cluster's dashboard."""


class WheelError(UserError):
    """A package can't be made into a wheel, or isn't one."""


class NoServer(UserError):
    """MLflow's server did not come up, or doesn't know the study."""


class HostRefused(UserError):
    """An MLflow server refuses the host name that it is asked by."""


class NoPredictions(UserError):
    """A trial has stored no predictions of single samples, or not those that are asked for."""


class OtherSamples(UserError):
    """Two trials were not tested on the same samples."""


class OtherAttacks(UserError):
    """The worst case of two trials is not over the same attacks."""


class NothingPaired(UserError):
    """A study has no two networks to compare."""


class NothingToDraw(UserError):
    """A figure has been asked for whose data are not there yet."""


class NoFigure(UserError):
    """A study of this kind has no such figure."""


class NoFrame(UserError):
    """There is no frame of this name."""


class TooMany(UserError):
    """More rows than a notebook could hold."""


class CouldNotRun(InfrastructureError):
    """A night could not be trained to its end; the same command continues with it."""


class NightsOverlap(CouldNotRun):
    """Another night of the study runs at this moment, and its file says to leave this one out."""


class GitError(InfrastructureError):
    """Git refused, in its own words."""


class CodeIsGone(GitError):
    """A night's code is not available any more."""
