"""A study of a function that a notebook or script holds: `saddle.run(train, search=…)` without any file."""

from __future__ import annotations

import base64
import hashlib
import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from saddle.errors import TrainableError
from saddle.study.models import Study
from saddle.study.trainable.own_sources import MOST_BYTES, mark_of
from saddle.studyfile.dump import dump_plain
from saddle.studyfile.loader import parse_studies
from trainables.datasets.cache.space import cache_root
from trainables.own_loop.function import parts_beside

RANDOM_SHARE = 3
"""Of the trials of a search that says no more of its sampler, one in so many is drawn at random, at most ten."""

WRITTEN = '''"""{name} as `saddle.run` was given it; its source is that of {name}.__saddle_source__."""

from base64 import b64decode

import cloudpickle

for name, part in cloudpickle.loads(b64decode("{pickled}")).items():
    globals()[name] = part
{name}.__saddle_source__ = {source!r}
__saddle_beside__ = {beside!r}
'''
"""A file for a function that no file can be imported for; workers and stored runs load it like any other."""


def study_of_function(
    function: Callable[..., Any], sections: Mapping[str, Any], siblings: Mapping[str, Any]
) -> list[Study]:
    """The study that `sections` describe as a study file would, of `function` and its `siblings`, such as `load`.

    `trials` is short for the budget's. Raises `StudyError` with every mistake, `TrainableError` for a function that
    can't be sent to a worker.
    """
    folder, name = file_of(function, siblings)
    text = dump_plain({"study": function.__name__, "trainable": name, **completed(sections)})
    return parse_studies(text, "saddle.run", folder=folder)


def completed(sections: Mapping[str, Any]) -> dict[str, Any]:
    """The sections of a study file, with a sampler for as few trials as a first look has."""
    plain = {name: value for name, value in sections.items() if name != "trials" and value is not None}
    trials = sections.get("trials")
    if trials is not None:
        plain["budget"] = {**plain.get("budget", {}), "trials": trials}
    if isinstance(trials, int) and "search" in plain and "sampler" not in plain:
        plain["sampler"] = {"tpe": {"startup_trials": max(1, min(10, trials // RANDOM_SHARE))}}
    return plain


def file_of(function: Callable[..., Any], siblings: Mapping[str, Any]) -> tuple[Path, str]:
    """The folder and the name of the file that holds a function: its own, or one written for it."""
    module = sys.modules.get(function.__module__)
    file = getattr(module, "__file__", None)
    if mark_of(module) is not None:
        right = 'write if __name__ == "__main__": above it, as workers import the file'
        raise TrainableError("saddle.run is called while its own file is imported", right)
    if file and file.endswith(".py") and not siblings and vars(module).get(function.__name__) is function:
        return Path(file).resolve().parent, f"./{Path(file).name}:{function.__name__}"
    return written_file(function, siblings)


def written_file(function: Callable[..., Any], siblings: Mapping[str, Any]) -> tuple[Path, str]:
    """A file in the user's cache that holds the function with all that it refers to in its notebook or script."""
    import cloudpickle

    name = function.__name__
    around = parts_beside(function, getattr(function, "__globals__", {}))
    if not name.isidentifier():
        raise TrainableError("a lambda has no name; write def train(config, run)")
    try:
        pickled = cloudpickle.dumps({name: function, **around, **siblings})
    except Exception as error:  # an object that can't be pickled may raise anything
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise TrainableError(
            f"{name} can't be sent to a worker: {reason}", "create inside it what it refers to"
        ) from error
    if len(pickled) > MOST_BYTES // 2:
        what = f"{name} refers to {len(pickled) >> 20} MiB of data, which every worker would be sent"
        raise TrainableError(what, "load the data inside it")
    content = WRITTEN.format(
        name=name, pickled=base64.b64encode(pickled).decode(), source=source_of(function), beside=sorted(siblings)
    )
    folder = cache_root().parent / "functions" / hashlib.sha256(content.encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}_function.py").write_text(content)
    return folder, f"./{name}_function.py:{name}"


def source_of(function: Callable[..., Any]) -> str:
    """The source of a function; empty if it is not available, as in a shell."""
    try:
        return inspect.getsource(function)
    except OSError:
        return ""
