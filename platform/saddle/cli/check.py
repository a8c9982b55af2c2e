"""`saddle check`: whether a model is as robust as it seems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from saddle.cli.options import AsJson, DataRoot, Storage

if TYPE_CHECKING:
    from saddle.archive.lookup import FoundTrial
    from saddle.store.base import Store
    from trainables.contract import CheckItem

FAILS = 1


def check(
    trial: Annotated[
        str | None, typer.Argument(help="STUDY/TRIAL, or STUDY for its best trial.", metavar="[STUDY[/TRIAL]]")
    ] = None,
    storage: Storage = None,
    data_root: DataRoot = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Instead of a trial: a function that returns a torch.nn.Module that maps pixels (N, C, H, W) in "
            "[0, 1] to logits.",
            metavar="FILE.py:FUNCTION",
        ),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="With --model: the dataset whose test images are used.", metavar="NAME")
    ] = None,
    image_size: Annotated[
        int | None,
        typer.Option("--image-size", help="With --model: resize images to N × N pixels.", min=4, metavar="N"),
    ] = None,
    epsilon: Annotated[
        str | None, typer.Option(help="With --model: the L∞ budget on pixels in [0, 1], such as 8/255.", metavar="E")
    ] = None,
    images: Annotated[
        int, typer.Option("--images", help="With --model: number of test images.", min=50, max=10_000)
    ] = 500,
    as_json: AsJson = False,
) -> None:
    """Run a checklist for overestimated robustness: nineteen items, each with the result pass, warn, fail or not run.

    The exit code is 0 if no item fails, else 1. The checklist of a trial is stored with it and shown in the report and
    MLflow. Takes a few minutes on two cores for a network of MNIST.

    Example: saddle check quickstart-search
    """
    from saddle.errors import UserError

    options = {"--dataset": dataset, "--epsilon": epsilon, "--image-size": image_size}
    if (trial is None) == (model is None):
        raise UserError("name either a trial, as STUDY/TRIAL, or --model FILE.py:FUNCTION with --dataset and --epsilon")
    if model is None:
        assert trial is not None
        if extra := [name for name, value in options.items() if value is not None]:
            raise UserError(f"{' and '.join(extra)} go with --model; a trial has its own")
        items = check_stored(trial, storage, data_root, quiet=as_json)
    else:
        if dataset is None or epsilon is None:
            missing = " and ".join(name for name in ("--dataset", "--epsilon") if options[name] is None)
            raise UserError(f"--model needs {missing} as well")
        items = check_own(model, dataset, epsilon, image_size, images, data_root)
    show(trial or str(model), items, as_json)
    if any(item.verdict == "fail" for item in items):
        raise typer.Exit(FAILS)


def check_stored(name: str, storage: str | None, data_root: object, *, quiet: bool = False) -> Sequence[CheckItem]:
    """Check a trial, and store and track what was found; `quiet` leaves out whether it is called the best."""
    from saddle.archive.lookup import find_trial
    from saddle.archive.model.trial_checks import check_trial
    from saddle.archive.study_url import open_named
    from saddle.cli.output.display import note_doubt
    from saddle.store.ledger.ledger import Ledger

    store, name = open_named(name, storage)
    trial = find_trial(store, name)
    if not quiet:
        note_doubt(trial)
    entries = Ledger(store, trial.stored.run).entries()
    items = check_trial(store, trial, entries, None if data_root is None else str(data_root))
    keep(store, trial, items)
    return items


def keep(store: Store, trial: FoundTrial, items: Sequence[CheckItem]) -> None:
    """Store and track a trial's checklist, unless a driver has the study at this moment."""
    from saddle.archive.study_end import tell_study_end
    from saddle.cli.output.terminal import echo
    from saddle.errors import StorageError
    from saddle.report.write import write_report
    from saddle.store.ledger.ledger import Ledger
    from saddle.store.ownership.lock import lock_study
    from saddle.store.run_files.checks import write_checks
    from saddle.track.opening import open_tracker, was_tracked

    stored, run = trial.stored, trial.stored.run
    try:
        with lock_study(store, run) as lock:
            write_checks(store, run, trial.entry, items, lock)
            results = stored.read_results(store)
            write_report(store, results)
            tracker = open_tracker(
                store,
                run,
                enabled=was_tracked(store, run),
                declared=stored.declared,
                by_unit=stored.study.relation is not None,
            )
            tracker.note_checks(Ledger(store, run).get(trial.entry.key))
            tell_study_end(store, results, tracker)
            undelivered = tracker.close(20.0)
    except StorageError as error:
        echo(f"saddle: not stored with the trial: {error}", err=True)
        return
    if undelivered:
        echo(f"saddle: {undelivered}", err=True)


def check_own(
    model: str, dataset: str, epsilon: str, image_size: int | None, images: int, data_root: object
) -> Sequence[CheckItem]:
    """Check a model of the user's."""
    from saddle.archive.model.check_model import check_model

    spec = dataset if image_size is None else {"known": dataset, "size": image_size}
    root = None if data_root is None else str(data_root)
    return check_model(model, spec, budget(epsilon), images, root)


def budget(text: str) -> float:
    """ε from `0.3` or `8/255`; raises `UserError` for other texts."""
    from saddle.errors import UserError

    number, slash, divisor = text.partition("/")
    try:
        epsilon = float(number) / float(divisor) if slash else float(number)
    except (ValueError, ZeroDivisionError):
        raise UserError(f"--epsilon {text}: write a number such as 0.3 or 8/255") from None
    if not 0 < epsilon <= 1:
        raise UserError(f"--epsilon {text}: pixels are in [0, 1], so ε is above 0 and at most 1; 8/255 is customary")
    return epsilon


def show(name: str, items: Sequence[CheckItem], as_json: bool) -> None:
    """Print the items as JSON or as a table, and how many there are of each verdict."""
    from dataclasses import asdict

    from saddle.analyse.text.formatting import listed
    from saddle.cli.output.tables import print_json, print_table, say

    if as_json:
        print_json([asdict(item) for item in items])
        return
    print_table(("item", "verdict", "what was found"), [(i.item, i.verdict, i.says) for i in items], title=name)
    counts = Counter(item.verdict for item in items)
    words = {"pass": "pass", "warn": "warn", "fail": "fail", "not run": "were not run"}
    say(listed(f"{counts[verdict]} {word}" for verdict, word in words.items() if counts[verdict]))  # type: ignore[index]
    failed = [item.item for item in items if item.verdict == "fail"]
    if failed:
        say(f"fails: {listed(failed)}")
