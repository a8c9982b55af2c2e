"""Section by section from YAML to models, so that a broken section doesn't hide the mistakes of another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from pydantic import BaseModel

from saddle.design.registry import choice_model, chosen
from saddle.study.ablation import SWITCH, Ablation, Component
from saddle.study.models import Constraint, Objective, Study, with_asks
from saddle.study.nearest import nearest
from saddle.study.space import Parameter
from saddle.study.trainable.loading import LoadedTrainable
from saddle.studyfile.expansion import FILE_KEYS
from saddle.studyfile.problem import Path, Problem, show
from saddle.studyfile.validation_messages import Mistake, keys_of, mistakes_in
from saddle.studyfile.yaml_reader import Document
from saddle.trial.run_id import MARK

NAME_RULE = "use letters, digits, . _ and -, first a letter or digit, at most 100 in all"
MOST_OBJECTIVES = 3


@dataclass
class Draft:
    """A document on its way to a `Study`: its valid parts, and the problems found so far."""

    document: Document
    sections: dict[str, Any] = field(default_factory=dict)
    """Valid sections with a model of their own (and plain values), by name."""
    search: dict[str, Parameter] = field(default_factory=dict)
    """The valid parameters of the search."""
    objectives: dict[Path, Objective] = field(default_factory=dict)
    constraints: dict[Path, Constraint] = field(default_factory=dict)
    ablation: dict[str, Any] = field(default_factory=dict)
    """The valid parts of the ablation; its `baseline` comes without `best_of`, its `factors` with their levels."""
    factor_paths: dict[str, Path] = field(default_factory=dict)
    """Where each valid factor is named."""
    switches: set[str] = field(default_factory=set)
    """The factors without levels of their own: components and boolean hyperparameters."""
    components: dict[str, Component] = field(default_factory=dict)
    """What the components among the factors set."""
    problems: list[Problem] = field(default_factory=list)
    misspelt: set[str] = field(default_factory=set)
    """Keys that unknown ones seem to have meant; that they are missing needs no second message."""
    trainable: LoadedTrainable | None = None
    """The trainable, where the document names one that can be loaded."""

    @property
    def loaded(self) -> LoadedTrainable:
        """The trainable, for checks that run only if it can be loaded."""
        assert self.trainable is not None
        return self.trainable

    @property
    def raw(self) -> dict[str, Any]:
        """What the document says; top-level keys without a value count as absent."""
        value = self.document.value
        return value if isinstance(value, dict) else {}

    @property
    def name(self) -> str:
        """The study's name, or its line where the name is wrong."""
        return str(self.sections.get("study", f"line {self.document.place(()).line}"))

    def refuse(self, path: Path, what: str, right: str = "", nearest: str | None = None) -> None:
        """Note a problem, unless something at `path` was refused before."""
        if not self.document.is_broken(path):
            self.problems.append(self.document.problem(path, what, right, nearest))

    def section(self, name: str) -> Any:
        """A valid section, the default of an absent one, or None if it is broken."""
        if name in self.sections or name in self.raw:
            return self.sections.get(name)
        return Study.model_fields[name].get_default(call_default_factory=True)

    def mapping(self, name: str) -> dict[str, Any]:
        """A section of free names, such as `fixed`; empty if it is absent or broken."""
        value = self.raw.get(name)
        return value if isinstance(value, dict) else {}

    @property
    def is_search(self) -> bool:
        return "search" in self.raw or "search" in self.misspelt

    @property
    def is_ablation(self) -> bool:
        return "ablation" in self.raw or "ablation" in self.misspelt

    @property
    def is_relation(self) -> bool:
        return "relation" in self.raw or "relation" in self.misspelt

    @property
    def kinds(self) -> list[str]:
        """What the document makes its study: one of search, ablation and relation in a correct document."""
        kinds = {"search": self.is_search, "ablation": self.is_ablation, "relation": self.is_relation}
        return [kind for kind, is_one in kinds.items() if is_one]

    def study(self) -> Study | None:
        """The study, once nothing is wrong with it."""
        if self.problems:
            return None
        study, mistakes = mistakes_in(Study, self.raw)
        self._note((), mistakes)
        if not isinstance(study, Study):
            return None
        if self.trainable is not None and self.trainable.source.is_own:
            source = self.trainable.source
            study = study.with_source(source)
            if not source.command:
                study = study.model_copy(update={"trainable": source.name})
        if study.ablation is None:
            return study
        # a stored study says itself what its components and its design's options are, in spite of later declarations
        stated: dict[str, Any] = {"components": dict(self.components)} if self.components else {}
        stated |= {"design": self.ablation["design"]} if "design" in self.ablation else {}
        return study.model_copy(update={"ablation": study.ablation.model_copy(update=stated)})

    def _note(self, prefix: Path, mistakes: list[Mistake]) -> None:
        for mistake in mistakes:
            self.refuse((*prefix, *mistake.path), mistake.what, mistake.right, mistake.nearest)

    def take(self, kind: Any, path: Path, value: Any) -> Iterator[Any]:
        """The value validated as `kind`, or nothing and a problem for each mistake in it."""
        valid, mistakes = mistakes_in(kind, value)
        self._note(path, mistakes)
        if not mistakes and not self.document.is_broken(path):
            yield valid


def read_sections(document: Document) -> Draft:
    """A draft with every valid section of the document, and a problem for everything that can't be read."""
    draft = Draft(document)
    if not isinstance(document.value, dict):
        sort = "list" if isinstance(document.value, list) else "single value"
        draft.refuse((), f"a study is a mapping, not a {sort}", "start with study: NAME")
        return draft
    present = with_asks({k: v for k, v in document.value.items() if v is not None or document.is_broken((k,))})
    draft = Draft(replace(document, value=present))
    _refuse_unknown_keys(draft, Study, draft.raw, ())
    for name in ("study", "trainable"):
        if name not in draft.raw and name not in draft.misspelt:
            draft.refuse((name,), "this is missing", f"write {name}: NAME")
    readers = {"study": _read_name, "search": _read_search, "ablation": _read_ablation, "objective": _read_objective}
    for name, value in draft.raw.items():
        if name in readers:
            readers[name](draft, value)
        elif name == "constraints":
            _read_constraints(draft, value)
        elif name in Study.model_fields:
            for valid in draft.take(_kind_of(Study, name), (name,), value):
                draft.sections[name] = valid
    return draft


def _kind_of(model: type[BaseModel], name: str) -> Any:
    info = model.model_fields[name]
    return Annotated[info.annotation, info]


def _refuse_unknown_keys(draft: Draft, model: type[BaseModel], value: dict[str, Any], path: Path) -> None:
    keys = [*keys_of(model), *(FILE_KEYS if not path else ())]
    for name in value:
        if name in keys:
            continue
        near = nearest(name, keys)
        known = "" if near else f"known are: {', '.join(keys)}"
        draft.refuse((*path, name), f"unknown key {show(name)}", known, near)
        draft.misspelt |= {near} if near and not path else set()


def _read_name(draft: Draft, value: Any) -> None:
    if isinstance(value, dict | list):
        draft.refuse(("study",), "a study's name is a word", NAME_RULE)
        return
    valid, mistakes = mistakes_in(_kind_of(Study, "study"), str(value) if isinstance(value, int | float) else value)
    if mistakes:
        draft.refuse(("study",), f"{show(value)} can't be a study's name: it becomes a folder", NAME_RULE)
    elif not isinstance(value, str):
        draft.refuse(("study",), f"{show(value)} is a number, and a name is a text", f'write "{value}" with quotes')
    else:
        draft.sections["study"] = valid


def _read_search(draft: Draft, value: Any) -> None:
    if not isinstance(value, dict) or not value:
        right = "write search: {lr: {float: [1e-4, 1e-1], log: true}}"
        draft.refuse(("search",), f"{show(value)} has no parameter to search", right)
        return
    for name, spec in value.items():
        if not isinstance(spec, dict):
            right = f"write {name}: {{float: [LOW, HIGH]}}, {{int: [LOW, HIGH]}} or {{choice: [A, B]}}"
            draft.refuse(("search", name), f"{show(spec)} is not a range", f"{right}; a single value belongs to fixed")
            continue
        for parameter in draft.take(Parameter, ("search", name), spec):
            draft.search[name] = parameter


def _read_objective(draft: Draft, value: Any) -> None:
    single = not isinstance(value, list)
    entries = [value] if single else value
    if not 1 <= len(entries) <= MOST_OBJECTIVES:
        what = f"{len(entries)} objectives" if entries else "no objective"
        draft.refuse(("objective",), what, f"one to {MOST_OBJECTIVES} are possible")
    for index, entry in enumerate(entries):
        path: Path = ("objective",) if single else ("objective", index)
        if not isinstance(entry, dict):
            draft.refuse(path, f"{show(entry)} is not an objective", "write {maximize: METRIC} or {minimize: METRIC}")
            continue
        for objective in draft.take(Objective, path, entry):
            draft.objectives[path] = objective


def _read_constraints(draft: Draft, value: Any) -> None:
    if not isinstance(value, list):
        draft.refuse(("constraints",), f"{show(value)} is not a list", 'write ["validation/METRIC >= 0.97"]')
        return
    for index, entry in enumerate(value):
        for constraint in draft.take(Constraint, ("constraints", index), entry):
            draft.constraints["constraints", index] = constraint


def _read_ablation(draft: Draft, value: Any) -> None:
    if not isinstance(value, dict):
        draft.refuse(("ablation",), f"{show(value)} is not an ablation", "write ablation: {factors: {NAME: [A, B]}}")
        return
    baseline = value.get("baseline")
    if isinstance(baseline, dict) and "best_of" in baseline:
        if "best_of" in value:
            draft.refuse(("ablation", "best_of"), "best_of is given twice, here and in baseline", "keep one of them")
        rest = {name: setting for name, setting in baseline.items() if name != "best_of"}
        value = {**value, "baseline": rest, "best_of": baseline["best_of"]}
    _refuse_unknown_keys(draft, Ablation, value, ("ablation",))
    if "factors" not in value:
        draft.refuse(("ablation", "factors"), "this is missing", "write factors: {NAME: [A, B]}")
    for part, item in value.items():
        if part not in Ablation.model_fields or item is None:
            continue
        if part == "factors":
            _read_factors(draft, item)
        else:
            path: Path = ("ablation", part)
            if part == "best_of" and ("ablation", "baseline", "best_of") in draft.document.places:
                path = ("ablation", "baseline", "best_of")
            if part == "best_of" and isinstance(item, str) and MARK in item:
                right = "name the search, or write the settings of the trial you choose into baseline"
                draft.refuse(path, f"{show(item)} names a run that --fresh has set aside", right)
                continue
            kind = choice_model() if part == "design" else _kind_of(Ablation, part)
            for valid in draft.take(kind, path, item):
                draft.ablation[part] = chosen(valid) if part == "design" else valid


def _read_factors(draft: Draft, value: Any) -> None:
    path: Path = ("ablation", "factors")
    if not isinstance(value, dict | list) or not value:
        draft.refuse(path, f"{show(value)} has no factor", "write factors: {NAME: [A, B]}")
        return
    draft.ablation["factors"] = {}
    if isinstance(value, dict):
        for name, levels in value.items():
            _read_factor(draft, (*path, name), name, levels)
        return
    for index, name in enumerate(value):
        if not isinstance(name, str):
            what = f"{show(name)} is not a name of a component or switch"
            draft.refuse((*path, index), what, "write factors: [NAME, NAME], or {NAME: [A, B]} for levels")
        elif name in draft.factor_paths:
            draft.refuse((*path, index), f"{name} is listed twice", "list every factor once")
        else:
            _read_factor(draft, (*path, index), name, None)


def _read_factor(draft: Draft, path: Path, name: str, levels: Any) -> None:
    if draft.document.is_broken(path):
        return
    if levels is None:
        draft.switches.add(name)
        levels = list(SWITCH)
    if not isinstance(levels, list) or not levels:
        draft.refuse(path, f"{show(levels)} is not a list of levels", f"write {name}: [A, B]")
        return
    draft.ablation["factors"][name] = levels
    draft.factor_paths[name] = path
