"""Answers about this machine, its data, and what can be trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from saddle.cli.answers.answer import Answer


class Finding(Answer):
    """One check of this machine."""

    check: str
    ok: bool
    found: str


class Page(Answer):
    """A page of MLflow; `study` is null for the page of all, `arms` if a study has no page of its arms."""

    study: str | None
    page: str
    arms: str | None


class Pages(Answer):
    """Where the pages of a storage are served, which continues after the answer."""

    storage: str
    address: str


class Hyperparameter(Answer):
    """A field of a configuration; `source` says whose default it is."""

    name: str
    type: str
    range: str | None
    unit: str | None
    default: Any
    source: str | None
    reference: str
    description: str


class Component(Answer):
    """A part of a method that an ablation can take away, with the settings of a trial that has or lacks it."""

    name: str
    description: str
    on: Mapping[str, Any]
    off: Mapping[str, Any]


class Trainable(Answer):
    """What can be trained; `metrics` with their better direction."""

    name: str
    about: str
    recipes: list[str]
    scales: list[str]
    metrics: Mapping[str, str]
    selection: str
    components: list[Component]
    hyperparameters: list[Hyperparameter]


class Dataset(Answer):
    """A known dataset, and how much of it is here."""

    name: str
    present: bool
    complete: bool
    classes: int
    train: int
    test: int
    train_here: int
    test_here: int
    shape: list[int]
    files: str
    problem: str


class FetchedDataset(Answer):
    """The present location of a dataset."""

    name: str
    root: str
    files: list[str]


class DatasetFacts(Answer):
    """What is in a dataset; of measures of distances between classes there are further fields."""

    name: str
    classes: int
    class_names: list[str]
    train: int
    test: int
    shape: list[int]
    fingerprint: str
    inter_class_variance: float | None


class Task(Answer):
    """A named auxiliary task: how many classes have each of its labels."""

    dataset: str
    task: str
    labels: Mapping[str, int]


class DatasetTasks(Answer):
    """The tasks of one dataset, with the label of each class."""

    dataset: str
    tasks: list[Task]
    classes: list[Mapping[str, Any]]


class CachedDataset(Answer):
    """Decoded images in this machine's cache."""

    name: str | None
    images: int | None
    shape: list[int] | None
    megabytes: float
    used: str
    in_use: bool


class Tool(Answer):
    """A tool of the MCP server."""

    name: str
    description: str


class Schema(Answer):
    """A JSON Schema."""

    schema_: str = Field(alias="$schema")
