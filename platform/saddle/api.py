"""What a script or notebook calls: `saddle.run`, `saddle.results`, `saddle.load`, `saddle.load_model`."""

from __future__ import annotations

import logging
import os
import pathlib
from collections.abc import Callable, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from saddle.execute.driver import EndedStudy
    from saddle.notebook.study import LoadedStudy
    from saddle.study.models import Study
    from trainables.contract import Config

Path = str | PathLike[str]

log = logging.getLogger(__name__)


def run(
    study: Path | Callable[..., Any],
    /,
    overrides: Sequence[str] = (),
    *,
    storage: Path | None = None,
    data_root: Path | None = None,
    **options: Any,
) -> list[EndedStudy]:
    """Run every study of a file (or packaged name), or continue with it; one result per study.

    Instead of a file, a function `train(config, run)`: then `options` also hold the sections of a study file, such as
    `search`, `objective` or `ablation`, `trials` for the budget's, `study` for a name that isn't the function's, and
    `load` and `evaluate` of the same trainable.
    `overrides` are `path=value` texts; `options` those of `saddle.execute.driver.Options`.
    Raises `saddle.errors.UserError` for everything the caller can mend, before anything starts.
    """
    from saddle.execute.driver import Options, run_studies
    from saddle.execute.plan.changed_code import refuse_other_code
    from saddle.execute.plan.checking_run import CheckingRun
    from saddle.execute.plan.preflight import check_data, check_studies
    from saddle.execute.printed_progress import PrintedProgress, print_answer
    from saddle.store.open import open_store
    from saddle.studyfile.loader import load_studies

    if callable(study):
        studies, options = function_study(study, options)
        options = {"listener": lambda study: PrintedProgress(), "settled": print_answer, **options}
    else:
        studies = load_studies(os.fspath(study), overrides)
    store = open_store(storage)
    # whole, because workers may have another working directory
    root = None if data_root is None else str(pathlib.Path(data_root).expanduser().absolute())
    elsewhere = options.get("address") or os.environ.get("RAY_ADDRESS")
    fresh = options.get("fresh", False)
    check_studies(studies, store, fresh=fresh, here=elsewhere in (None, "", "local"))
    for remark in check_data(studies, root):
        log.warning(remark)
    if not fresh and not options.get("accept_changes", False):
        again = options.get("again", ())
        refuse_other_code(studies, store, CheckingRun(data_root=root), options.get("retry", ()), again)
    return run_studies(studies, store, Options(data_root=root, **options))


def function_study(function: Callable[..., Any], options: dict[str, Any]) -> tuple[list[Study], dict[str, Any]]:
    """The study of a function that sections among `options` describe, and the other options."""
    from saddle.study.models import Study
    from saddle.studyfile.function_study import study_of_function

    names = {*Study.model_fields, "trials"}
    sections = {name: value for name, value in options.items() if name in names}
    siblings = {name: options[name] for name in ("load", "evaluate") if callable(options.get(name))}
    sections = {name: value for name, value in sections.items() if name not in siblings}
    rest = {name: value for name, value in options.items() if name not in sections and name not in siblings}
    return study_of_function(function, sections, siblings), rest


def from_argparse(parser: ArgumentParser) -> type[Config]:
    """The options of a script's parser as the `Config` of its training function (`Config = from_argparse(…)`)."""
    from trainables.own_loop.argparse_config import config_from_parser

    return config_from_parser(parser)


def results(study: str, *, storage: Path | None = None) -> list[dict[str, Any]]:
    """The finished trials of a stored study as plain rows, a search's by number, an ablation's as they were run.

    Raises `saddle.archive.lookup.NotFound`.
    """
    from saddle.archive.lookup import find_studies
    from saddle.archive.rows import study_rows
    from saddle.archive.study_url import open_named

    store, study = open_named(study, storage)
    return [row for stored in find_studies(store, study) for row in study_rows(store, stored)]


def load(study: str, *, storage: Path | None = None) -> LoadedStudy:
    """A stored study as data frames, figures and models, by its name, the file it came from, or its URL in a bucket.

    Raises `saddle.archive.lookup.NotFound`.
    """
    from saddle.notebook.study import load_study

    return load_study(study, storage)


def load_model(trial: str, *, storage: Path | None = None) -> Any:
    """The trained model of `STUDY/TRIAL`, or of a study's best trial, on the CPU and in eval mode."""
    from saddle.archive.lookup import find_trial
    from saddle.archive.model import models
    from saddle.archive.study_url import open_named

    store, trial = open_named(trial, storage)
    return models.load_model(store, find_trial(store, trial))
