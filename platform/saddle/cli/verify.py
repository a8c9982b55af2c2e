"""`saddle verify`: whether all that is stored of a study agrees with its ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from saddle.cli.options import AsJson, Storage, StudyName

if TYPE_CHECKING:
    from saddle.store.base import Store
    from saddle.trial.run_id import RunId
    from saddle.verify.verify_study import Verification

DIFFERENT = 1


def verify(
    study: StudyName,
    storage: Storage = None,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair", help="Rebuild from the ledger what follows from it: Optuna's study and the MLflow runs."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare a study's ledger with Optuna, MLflow and checkpoints, and list every difference.

    The exit code is 0 if there is none, else 1, also after --repair if a difference remains.

    Example: saddle verify quickstart-search --repair
    """
    from saddle.archive.study_url import open_named
    from saddle.cli.output.tables import print_json
    from saddle.verify.repair import repair_study
    from saddle.verify.verify_study import verify_study

    store, study = open_named(study, storage)
    verifications = [repair_study(store, run) if repair else verify_study(store, run) for run in runs(store, study)]
    if as_json:
        print_json([verification.facts() for verification in verifications])
    else:
        for verification in verifications:
            show(verification, store)
    if not all(verification.clean for verification in verifications):
        raise typer.Exit(DIFFERENT)


def runs(store: Store, study: str) -> list[RunId]:
    """The stored runs of this name; one whose file is damaged counts as long as its folder is there."""
    from saddle.archive.lookup import find_studies
    from saddle.store.open import study_folder
    from saddle.trial.run_id import STUDIES, RunId

    if study in set(store.names(STUDIES)) and list(store.names(study_folder(RunId.stored(study)))):
        return [RunId.stored(study)]
    return [stored.run for stored in find_studies(store, study)]


def show(verification: Verification, store: Store) -> None:
    """Print what was compared, what differs and what was repaired."""
    from saddle.cli.output.tables import say
    from saddle.cli.paths import command, storage_option

    count = len(verification.differences)
    trials = f"{len(verification.finished)} finished trials"
    if verification.clean:
        say(f"{verification.study}: {trials} compared, everything agrees")
    else:
        say(f"{verification.study}: {trials} compared, {count} difference{'s' * (count != 1)}")
    for difference in verification.repaired:
        say(f"mended  {difference}", indent=2)
    for difference in verification.differences:
        say(f"{'differs' if difference.repairable else 'lost   '} {difference}", indent=2)
    for note in verification.notes:
        say(f"note: {note}", indent=2)
    if (
        any(difference.repairable for difference in verification.differences)
        and not verification.repaired
        and verification.driver is None
    ):
        mending = command("verify", verification.study, "--repair", *storage_option(store.url))
        say(f"`{mending}` repairs what is marked differs", indent=2)
