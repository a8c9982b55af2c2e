"""From a study file to its studies, or to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from saddle.errors import StudyError, TrainableError
from saddle.study.models import Study
from saddle.study.nearest import nearest
from saddle.study.trainable.loading import LoadedTrainable
from saddle.studyfile.checks import check
from saddle.studyfile.draft import read_sections
from saddle.studyfile.dump import differences, dump_study, is_extension, plain_study, refused_differences
from saddle.studyfile.expansion import expand
from saddle.studyfile.numbers import with_numbers
from saddle.studyfile.overrides import override
from saddle.studyfile.packaged import find_study, split_choice
from saddle.studyfile.problem import Problem, show
from saddle.studyfile.published_tables import read_published
from saddle.studyfile.trainable_loader import Loader, loader_for
from saddle.studyfile.unit_tables import published_points, read_unit_tables, settings_of_units
from saddle.studyfile.yaml_reader import Document, read_documents

__all__ = [
    "differences",
    "dump_study",
    "is_extension",
    "load_studies",
    "parse_studies",
    "plain_study",
    "refused_differences",
]


def load_studies(
    path_or_name: str | Path,
    overrides: Sequence[str] = (),
    *,
    trainables: Mapping[str, Any] | None = None,
    stored: bool = False,
) -> list[Study]:
    """The studies of a file, or of a packaged study such as `quickstart` or `mixed_perturbation/alpha0`.

    `FILE:STUDY` is that one study of a file, or all those that a `for` makes of it. Later documents of a file inherit
    from the first (see `inheritance`), and one with `for` is a study for each value (see `expansion`). `overrides` are
    `path=value` texts (see `overrides`). `trainables` replaces the installed ones, by name; nothing is held against
    them where only what is `stored` of the studies is wanted. Raises `StudyError` with every mistake.
    """
    wanted, chosen = split_choice(path_or_name)
    file, data = find_study(wanted)
    studies = _parse(data, file, overrides, trainables=trainables, stored=stored)
    return [study for _, study in studies] if chosen is None else _chosen(studies, chosen, file)


def _chosen(studies: Sequence[tuple[str, Study]], name: str, file: str) -> list[Study]:
    """The study of this name, else those whose family has it (see `Document`)."""
    chosen = [study for _, study in studies if study.study == name] or [
        study for family, study in studies if family == name
    ]
    if chosen:
        return chosen
    names = list(dict.fromkeys(each for family, study in studies for each in (family, study.study)))
    right = f"it contains: {', '.join(names)}"
    raise StudyError([Problem(file, None, "", f"the file has no study {show(name)}", right, nearest(name, names))])


def parse_studies(
    data: bytes | str,
    file: str,
    overrides: Sequence[str] = (),
    *,
    trainables: Mapping[str, Any] | None = None,
    stored: bool = False,
    folder: Path | None = None,
) -> list[Study]:
    """The studies written in `data`; `file` is the name that problems give. Raises `StudyError` with every mistake.

    Paths of trainables are relative to `folder`, or to that of `file`.
    What is `stored` was accepted once, and its trainable need not be installed any more.
    """
    studies = _parse(data, file, overrides, trainables=trainables, stored=stored, folder=folder)
    return [study for _, study in studies]


def _parse(
    data: bytes | str,
    file: str,
    overrides: Sequence[str],
    *,
    trainables: Mapping[str, Any] | None,
    stored: bool,
    folder: Path | None = None,
) -> list[tuple[str, Study]]:
    """The family and the study of each document (see `parse_studies`)."""
    documents, problems = read_documents(data if isinstance(data, bytes) else _encode(data, file), file)
    documents, misread = expand(documents)
    documents, refused = override(documents, overrides)
    documents, unread = read_tables(documents, file)
    load = loader_for(documents, Path(file).parent if folder is None else folder, trainables)
    documents, wrong = (documents, []) if stored else write_numbers(documents, load)
    drafts = [read_sections(document) for document in documents]
    check(drafts, load, stored=stored)
    studies = [(draft.document.family, draft.study()) for draft in drafts]
    problems = [
        *problems,
        *misread,
        *refused,
        *unread,
        *wrong,
        *(problem for draft in drafts for problem in draft.problems),
    ]
    if problems:
        raise StudyError(problems)
    return [(family, study) for family, study in studies if study is not None]


def write_numbers(documents: Sequence[Document], load: Loader) -> tuple[list[Document], list[Problem]]:
    """The documents with numbers for fractions such as `8/255`, and what is wrong with those."""
    pairs = [with_numbers(document, lambda name: _config_of(load(name))) for document in documents]
    return [document for document, _ in pairs], [problem for _, problems in pairs for problem in problems]


def _config_of(trainable: LoadedTrainable | TrainableError) -> Any:
    """The configuration of a trainable; None if it can't be loaded, which is reported later."""
    return None if isinstance(trainable, TrainableError) else trainable.Config


def read_tables(documents: Sequence[Document], file: str) -> tuple[list[Document], list[Problem]]:
    """The documents with what `published: FILE.csv` holds in its place, and what is wrong with the tables."""
    read: list[Document] = []
    problems: list[Problem] = []
    for document in documents:
        document, unusable = read_unit_tables(document, file)
        problems += unusable
        table_name = document.value.get("published") if isinstance(document.value, dict) else None
        if isinstance(table_name, str):
            table, wrong = None, [document.problem(("published",), "this is not a file", "write published: TABLE.csv")]
            if table_name.strip():
                try:
                    table, wrong = _read_published(document, table_name, file)
                except StudyError as error:
                    first = error.problems[0]
                    wrong = [document.problem(("published",), first.what, first.right, first.nearest)]
            problems += wrong
            broken = document.broken | ({("published",)} if wrong else set())
            document = replace(document, value={**document.value, "published": table}, broken=frozenset(broken))
        read.append(document)
    return read, problems


def _read_published(document: Document, name: str, file: str) -> tuple[dict[str, Any] | None, list[Problem]]:
    """The content of a table: of a relation points with their gains, else values of arms; raises `StudyError`."""
    relation = document.value.get("relation")
    if relation is None:
        return read_published(name, file)
    points, why = published_points(name, file, settings_of_units(relation))
    return points, [document.problem(("published",), why)] if why else []


def _encode(text: str, file: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        line = text[: error.start].count("\n") + 1
        what = "the text contains half a character"
        raise StudyError([Problem(file, line, "", what, "use whole characters")]) from error
