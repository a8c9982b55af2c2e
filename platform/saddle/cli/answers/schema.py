"""The JSON Schema of what each command prints with `--json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from saddle.cli.answers import models, running, stored, surroundings

VERSION = 1
"""Raised where a field that was promised goes or means something else; further fields may come without that."""

ANSWERS: Mapping[str, Any] = {
    "init": running.NewFiles,
    "run": list[running.EndedStudy],
    "plan": list[running.Plan],
    "results": list[stored.ResultRow] | list[stored.SampleRow] | list[stored.LatexTable],
    "verdict": stored.Verdicts,
    "report": list[stored.WrittenReport],
    "compare": stored.Comparison,
    "status": list[stored.State],
    "stop": list[running.Stopping],
    "submit": running.SubmittedJob,
    "logs": list[stored.TrialLog] | running.JobLog,
    "note": list[stored.Note],
    "studies": list[stored.StudyRow],
    "export": models.Export,
    "evaluate": models.MeasuredTrial | list[models.MeasuredStudy],
    "check": list[models.CheckedItem],
    "verify": list[stored.Verification],
    "gc": list[stored.Collected],
    "import": running.ImportedStudy,
    "trainables": list[surroundings.Trainable],
    "schema": surroundings.Schema,
    "ui": list[surroundings.Page],
    "serve": surroundings.Pages,
    "doctor": list[surroundings.Finding],
    "mcp": list[surroundings.Tool],
    "data list": list[surroundings.Dataset],
    "data fetch": surroundings.FetchedDataset,
    "data tasks": list[surroundings.Task] | surroundings.DatasetTasks,
    "data stats": surroundings.DatasetFacts,
    "data cache": list[surroundings.CachedDataset],
    "nightly run": running.NightOfNow,
    "nightly init": running.NightOfNow,
    "nightly accept": running.AcceptedNight,
    "nightly history": list[running.Night],
    "nightly bisect": running.Bisection,
    "nightly install": running.SchedulerFiles,
}
"""What each command prints, by its words after `saddle`."""


def answers_schema() -> dict[str, Any]:
    """One schema for all: `$defs` has the answer of each command under its name, and the objects that answers share."""
    commands: dict[str, Any] = {}
    shared: dict[str, Any] = {}
    for name, kind in ANSWERS.items():
        schema = TypeAdapter(kind).json_schema(by_alias=True)
        shared |= schema.pop("$defs", {})
        commands[name] = schema
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"saddle:answers:{VERSION}",
        "title": "What saddle's commands print with --json",
        "version": VERSION,
        "anyOf": [{"$ref": f"#/$defs/{name.replace(' ', '%20')}"} for name in ANSWERS],
        "$defs": {**shared, **commands},
    }
