"""A program in any language as a trainable: a command with the settings in it, and lines of JSON as its reports."""

from __future__ import annotations

import json
import math
import re
import shlex
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from trainables.contract import METRIC_NAME, Config, Direction, Metric, NotProvided, Part, Report, Run
from trainables.own_loop import supervisor
from trainables.own_loop.config import open_config
from trainables.own_loop.function import named_metrics
from trainables.own_loop.terms import StudyTerms

PLACEHOLDER = re.compile(r"\{(\w+)\}")
OF_A_TRIAL = ("seed", "device", "config", "output")
"""Placeholders that are not settings: the seed, `cpu` or `cuda:0`, all settings as JSON, a folder for the trial."""
KEPT_LINES = 100
LONGEST_LINE = 2_000
"""Lines of a program's output that are kept for the message if it fails."""
LARGEST_REPORT = 1 << 20
STOP_SECONDS = 30.0


@dataclass(frozen=True)
class ProgramTrainable:
    """The trainable of a command; its names are those of `trainables.contract.Trainable`."""

    command: str
    report: str
    """A file in `{output}` with the lines; empty if the program prints them."""
    folder: str
    Config: type[Config]
    METRICS: Mapping[str, Metric | Direction]
    SELECTION: str
    LACKS: tuple[Part, ...]
    OPEN_METRICS: bool = True

    def train(self, config: Any, run: Run) -> Iterator[Report]:
        """Run the program and yield its reports, a line per epoch; raises `ProgramFailed`."""
        with tempfile.TemporaryDirectory(prefix="own-loop-") as output:
            words = words_of(self.command, config, run, output)
            lines = Output(run_lines(words, self.folder))
            printed = (metrics for line in lines if not self.report and (metrics := metrics_in(line)))
            yield from reports_of(printed)
            if self.report:
                yield from reports_of(metrics_in_file(Path(output) / self.report))
            elif not lines.reported:
                raise ProgramFailed(f"the program printed no line of JSON with a metric; its output ends with\n{lines}")

    def load(self, config: Any, state: Mapping[str, Any]) -> NoReturn:
        """Raise `NotProvided`: a program keeps its model to itself."""
        raise NotProvided("a program keeps its model to itself")

    def evaluate(self, config: Any, state: Mapping[str, Any], run: Run) -> Report:
        """The test metrics that the program reported together with this epoch."""
        return Report(dict(state["test"]))


class ProgramFailed(Exception):
    """A program ended with a nonzero exit code, or reported nothing; with the end of its output."""


class Output:
    """The lines of a program as they come; their end is kept."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._kept: deque[str] = deque(maxlen=KEPT_LINES)
        self.reported = False

    def __iter__(self) -> Iterator[str]:
        try:
            for line in self._lines:
                self._kept.append(line[:LONGEST_LINE])
                self.reported = self.reported or bool(metrics_in(line))
                print(line)
                yield line
        except ExitCode as error:
            raise ProgramFailed(f"the program ended with exit code {error}; its output ends with\n{self}") from None

    def __str__(self) -> str:
        return "\n".join(self._kept)


class ExitCode(Exception):
    """A program's exit code, if it isn't 0."""


def program_trainable(command: str, report: str, folder: str, terms: StudyTerms) -> ProgramTrainable:
    """The trainable of a command; raises `ValueError` if its words and the study's settings don't match."""
    names = {name for word in split_words(command) for name in PLACEHOLDER.findall(word)}
    unknown = sorted(names - {*terms.settings, *OF_A_TRIAL})
    if unknown:
        raise ValueError(f"{{{unknown[0]}}} in the command is not a setting of the study")
    unused = [] if "config" in names else sorted({*terms.settings} - names)
    if unused:
        raise ValueError(
            f"{unused[0]} is not passed to the program: write {{{unused[0]}}} in the command, or {{config}}"
        )
    metrics = named_metrics(terms)
    tested = any(name.startswith("test/") for name in metrics)
    lacks: tuple[Part, ...] = ("state", "resume", "load") if tested else ("state", "resume", "load", "evaluate")
    return ProgramTrainable(command, report, folder, open_config(terms.settings), metrics, terms.selection, lacks)


def split_words(command: str) -> list[str]:
    """The words of a command as a shell splits them; raises `ValueError` for an open quote, and for none at all."""
    words = shlex.split(command)
    if not words:
        raise ValueError("the command is empty")
    return words


def words_of(command: str, config: Any, run: Run, output: str) -> list[str]:
    """The words of a trial's command; a value stays within its word, and no shell is involved."""
    settings = config.model_dump(mode="json")
    own = {"seed": run.seed, "device": run.device, "config": json.dumps(settings), "output": output}
    values = {**settings, **own}

    def text(match: re.Match[str]) -> str:
        value = values[match[1]]
        return json.dumps(value) if isinstance(value, bool | list | dict) or value is None else str(value)

    return [PLACEHOLDER.sub(text, word) for word in split_words(command)]


def run_lines(words: list[str], folder: str) -> Iterator[str]:
    """What a program prints, line by line; raises `ExitCode`. Closing the iterator ends it and all that it started."""
    command = [sys.executable, "-I", "-S", supervisor.__file__, *words]
    streams: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    process = subprocess.Popen(command, cwd=folder or None, text=True, errors="replace", **streams)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        for line in process.stdout:
            yield line.rstrip("\n")
        code = process.wait(STOP_SECONDS)
    finally:
        process.stdin.close()
        process.wait(STOP_SECONDS)
        process.stdout.close()
    if code:
        raise ExitCode(code)


def metrics_in(line: str) -> dict[str, float]:
    """The metrics in a line of JSON, numbers named `split/metric`; none in any other line."""
    if not line.lstrip().startswith("{"):
        return {}
    try:
        facts = json.loads(line)
    except ValueError:
        return {}
    numbers = (int, float)
    return {
        name: float(math.nan if value is None else value)
        for name, value in facts.items()
        if METRIC_NAME.fullmatch(name)
        and (value is None or (isinstance(value, numbers) and not isinstance(value, bool)))
    }


def metrics_in_file(path: Path) -> list[dict[str, float]]:
    """The metrics of a file's lines, or of the one object that it holds; raises `ProgramFailed` if it holds none."""
    if not path.is_file() or path.stat().st_size > LARGEST_REPORT:
        raise ProgramFailed(
            f"the program did not write {path.name} of at most {LARGEST_REPORT >> 20} MiB in {{output}}"
        )
    text = path.read_text(errors="replace")
    measured = [metrics for line in text.splitlines() if (metrics := metrics_in(line))] or [
        metrics_in(" ".join(text.split()))
    ]
    if not measured[0]:
        raise ProgramFailed(f'{path.name} has no JSON with a metric, such as {{"validation/accuracy": 0.9}}')
    return measured


def reports_of(metrics_of_epochs: Any) -> Iterator[Report]:
    """A report for each set of metrics; those of the test are kept until they are needed."""
    for epoch, metrics in enumerate(metrics_of_epochs, start=1):
        test = {name: value for name, value in metrics.items() if name.startswith("test/")}
        yield Report(
            {name: value for name, value in metrics.items() if name not in test}, {"epoch": epoch, "test": test}
        )
