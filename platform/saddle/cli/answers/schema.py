"""The JSON Schema of what each command prints with `--json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from saddle.cli.answers import models, runs, stored_studies, surroundings

VERSION = 1
"""Raised where a promised field is removed or changes its meaning; fields may be added without raising it."""

ANSWERS: Mapping[str, Any] = {
    "init": runs.NewFiles,
    "run": list[runs.EndedStudy],
    "plan": list[runs.Plan],
    "results": list[stored_studies.ResultRow] | list[stored_studies.SampleRow] | list[stored_studies.LatexTable],
    "verdict": stored_studies.Verdicts,
    "report": list[stored_studies.WrittenReport],
    "compare": stored_studies.Comparison,
    "status": list[stored_studies.State],
    "stop": list[runs.Stopping],
    "submit": runs.SubmittedJob,
    "logs": list[stored_studies.TrialLog] | runs.JobLog,
    "note": list[stored_studies.Note],
    "studies": list[stored_studies.StudyRow],
    "export": models.Export,
    "evaluate": models.MeasuredTrial | list[models.MeasuredStudy],
    "check": list[models.CheckedItem],
    "verify": list[stored_studies.Verification],
    "gc": list[stored_studies.Collected],
    "import": runs.ImportedStudy,
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
    "nightly run": runs.NightOfNow,
    "nightly init": runs.NightOfNow,
    "nightly accept": runs.AcceptedNight,
    "nightly history": list[runs.Night],
    "nightly bisect": runs.Bisection,
    "nightly install": runs.SchedulerFiles,
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
