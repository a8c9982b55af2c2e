"""The card of an exported model: what it was trained on, measured by, checked by, and what to be careful about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from saddle.analyse.evaluation.badge import reasons_against
from saddle.analyse.study_results import StudyResults
from saddle.analyse.text.formatting import Scale, duration, label, listed, setting
from saddle.archive.export.model_input import ModelInput
from saddle.archive.rows import headline_metrics
from saddle.report.trial_name import trial_name
from saddle.study.selection import selection_of
from saddle.trial.record import TrialRecord

LOAD = """```python
from load import load_model, preprocess, CLASSES

output = load_model()(preprocess(image))
```"""
NEEDS = (
    "It needs torch alone; `load.py` and `code` are all that is needed. Loading runs that code, so load only what you"
    " trust."
)
MOST_METRICS = 12


def card_of(results: StudyResults, entry: TrialRecord, model_input: ModelInput) -> str:
    """The card as Markdown."""
    name = f"{results.run.name}/{entry.key}"
    sections = [
        f"# {name}\n\n{_what(results, entry)}",
        f"## How to load it\n\n{LOAD}\n\n{NEEDS}",
        f"## Input and output\n\n{_input(model_input)}",
        f"## Trained on\n\n{_trained_on(results, entry)}",
        f"## Measured by\n\n{_measured_by(results, entry)}",
        f"## Checked by\n\n{_checked_by(entry)}",
        f"## Be careful\n\n{_listing(_cautions(results, entry, model_input))}",
        f"## Settings\n\n{_table(('setting', 'value'), [(n, setting(v)) for n, v in entry.params.items()])}",
    ]
    return "\n\n".join(sections) + "\n"


def _what(results: StudyResults, entry: TrialRecord) -> str:
    study = results.study
    question = f" The study asks: {study.question}" if study.question else ""
    return (
        f"{trial_name(entry).capitalize()} of the {study.kind} `{results.run.name}`, by `{study.trainable}`.{question}"
    )


def _input(model_input: ModelInput) -> str:
    if not model_input.shape:
        return "Its trainable doesn't declare its input; see `load` in the sources in `code`."
    channels, height, width = model_input.shape
    images = f"Images as float tensors (N, {channels}, {height}, {width}) with pixels in [0, 1] and nothing subtracted"
    lines = [f"{images}; `preprocess` converts images: resized, and made grey or of three channels, if they differ."]
    if model_input.classes:
        lines.append(f"Classes, in the order of the logits: {', '.join(model_input.classes)}.")
    return "\n\n".join(lines)


def _trained_on(results: StudyResults, entry: TrialRecord) -> str:
    prints = entry.fingerprints
    facts = [
        ("dataset", setting(entry.params["dataset"]) if "dataset" in entry.params else ""),
        ("checksum of the data", str(prints.get("data", ""))),
        ("seed", str(entry.seed)),
        ("epochs", f"{entry.epochs}; the state is that of epoch {entry.selected_epoch}"),
        ("chosen by", label(selection_of(results.study, results.declared).name)),
        ("training time", duration(entry.seconds)),
        ("checksum of the sources", str(prints.get("sources", ""))),
        ("environment", _environment(prints.get("environment"))),
    ]
    return _table(("", ""), [(name, value) for name, value in facts if value])


def _environment(facts: object) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items()) if isinstance(facts, dict) else ""


def _measured_by(results: StudyResults, entry: TrialRecord) -> str:
    names = headline_metrics([{"metrics": entry.metrics}], results.declared)
    tested = [name for name in dict.fromkeys([*names, *sorted(entry.metrics)]) if name.startswith("test/")]
    rows = [
        (label(name), Scale.of(results.declared.metric(name)).value(entry.metrics[name]))
        for name in tested[:MOST_METRICS]
        if name in entry.metrics
    ]
    fields = results.declared.evaluation_fields
    evaluation = {name: value for name, value in entry.measured_params.items() if name in fields}
    with_what = "; ".join(f"{name} {setting(value)}" for name, value in evaluation.items())
    more = f"\n\nMeasured once on the test split, with {with_what}." if with_what else ""
    return (_table(("metric", "value"), rows) if rows else "Nothing was measured on a test split.") + more


def _checked_by(entry: TrialRecord) -> str:
    if not entry.checks:
        return "The robustness checklist was not run on it (`saddle check`)."
    counts = Counter(check.verdict for check in entry.checks)
    verdicts = listed(f"{count} {verdict}" for verdict, count in counts.items())
    rows = [
        (check.item.replace("_", " "), check.verdict, check.says) for check in entry.checks if check.verdict != "pass"
    ]
    lead = f"saddle's robustness checklist: {verdicts}."
    return f"{lead}\n\n{_table(('item', 'verdict', 'what was found'), rows)}" if rows else lead


def _cautions(results: StudyResults, entry: TrialRecord, model_input: ModelInput) -> Iterable[str]:
    for reason in reasons_against(entry, results.declared):
        yield f"This model is flagged, as it {reason}."
    if model_input.unnamed:
        yield f"The names of its classes are not known: {model_input.unnamed}."
    if results.answer.badge.holders and entry.key not in results.answer.badge.holders:
        yield "The best trial of its study is another one."
    yield "It was trained once, with one seed; the study's answer is about many seeds."
    yield from results.answer.warnings
    if results.answer.conditional:
        yield results.answer.conditional


def _listing(items: Iterable[str]) -> str:
    return "\n".join(f"- {' '.join(item.split())}" for item in items)


def _table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    cells = [" | ".join(_cell(cell) for cell in row) for row in [columns, *rows]]
    return "\n".join([f"| {cells[0]} |", f"|{'---|' * len(columns)}", *(f"| {row} |" for row in cells[1:])])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
