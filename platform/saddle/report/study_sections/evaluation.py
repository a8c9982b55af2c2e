"""The report on the evaluation itself: what found the failures, what a larger budget finds, and how metrics rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from saddle.analyse.answer_study import tested_metric
from saddle.analyse.evaluation.evaluations import ATTACKS, measured_again
from saddle.analyse.evaluation.found_by import FailuresFound, failures_found
from saddle.analyse.evaluation.ladder import Ladder, ladders
from saddle.analyse.evaluation.rank_agreement import RankAgreement, rank_agreements
from saddle.analyse.evaluation.validation_terms import validation_terms
from saddle.analyse.study_comparison import StudyView, view_of
from saddle.analyse.study_results import StudyResults
from saddle.analyse.text.formatting import DASH, Scale, label, listed, p_value, percent, setting, signed
from saddle.report.blocks import Block, Heading, Table, Text
from saddle.report.comparison_sections.tables import EVALUATION_COLUMNS, EVALUATION_NOTE, evaluation_rows
from saddle.report.section import Section, present
from saddle.report.study_report import StudyReport
from saddle.report.trial_name import trial_name
from saddle.study.selection import selection_of
from saddle.study.trainable.declarations import Declarations
from saddle.trial.record import TrialRecord
from trainables.contract import Metric

FOUND_NOTE = (
    "Shares of test images in %, means over trials. Attacks run in this order, each on the images that those before it"
    " left; an attack counts only what it was the first to break."
)
GONE_BY = "Checkpoints, searches and early stopping are decided by validation."
MEASURED_APART = (
    "Each trial is deliberately validated with its own settings: {terms}. So {cheap} is another measure in each trial,"
    " and no table ranks trials by it. Within a trial it is the same in every epoch; checkpoints were chosen by"
    " {chosen_by}."
)


def blocks(report: StudyReport) -> list[Block]:
    """What was measured again, and the tables that there are data for, from trials measured in the same way."""
    results, records, declared = report.results, report.records, report.results.declared
    groups = groups_of(results)
    final = declared.metric(tested_metric(results.study, results.answer.metric.name))
    cheap = "validation/" + final.name.partition("/")[2]
    again = measured_again(records)
    under_each = view_of(results) if again else None
    parts: tuple[tuple[str, Block | None], ...] = (
        ("Under each evaluation", evaluations_table(under_each) if under_each is not None else None),
        ("Failures by attack", found_table(failures_found(groups, report.read) if report.read else [])),
        ("Budget ladder", ladder_table(ladders(groups, declared), declared)),
        ranking(results, records, cheap, final),
    )
    tables: list[Block] = [part for title, block in parts if block is not None for part in (Heading(title), block)]
    sentences = [again, verdicts_now(under_each)] if under_each is not None else []
    return [*present(*(Text([sentence]) for sentence in sentences if sentence)), *tables]


def ranking(
    results: StudyResults, records: Sequence[TrialRecord], cheap: str, final: Metric
) -> tuple[str, Block | None]:
    """Title and table of how validation ranks trials, or what it measured instead of the test's metric."""
    chosen_by = selection_of(results.study, results.declared)
    terms = validation_terms(records, results.declared.evaluation_fields)
    if final.role != "robust" or not any(cheap in record.metrics for record in records):
        return "", None
    if not all(term.ranks_trials for term in terms):
        return "What validation measured", Text([MEASURED_APART.format(
            terms=listed(map(str, terms)), chosen_by=label(chosen_by.name), cheap=label(cheap))])  # fmt: skip
    agreements = rank_agreements(records, cheap, final.name, final.direction)
    remarks = [f"Deliberately different: {term}." for term in terms]
    if chosen_by.name != cheap:
        remarks.append(
            f"Checkpoints were chosen by {label(chosen_by.name)}; the metric that ranks trials here chose none."
        )
    return (
        "Does validation rank trials as the test does?",
        ranking_table(records, agreements, final, results.arm_names, remarks),
    )


def evaluations_table(view: StudyView) -> Table | None:
    """Each arm under each evaluation, with the verdict that it gives; None if there was only one."""
    rows = tuple(evaluation_rows(view)) if view.earlier else ()
    return Table(("", *EVALUATION_COLUMNS), rows, EVALUATION_NOTE) if rows else None


def verdicts_now(view: StudyView) -> str:
    """Which verdicts the present evaluation changes from the one before, as a sentence; empty if there is none."""
    if not view.earlier or not view.effects:
        return ""
    before = view.earlier[-1]
    changed = [
        f"{arm} is “{effect.verdict_text}” now, and was “{before.effects[arm].verdict_text}”"
        for arm, effect in view.effects.items()
        if arm in before.effects and before.effects[arm].verdict != effect.verdict
    ]
    lead = f"Now with {view.measured_with}, before with {before.measured_with}"
    return f"{lead}: {'; '.join(changed) or 'every verdict is the same'}."


def groups_of(results: StudyResults) -> Mapping[str, list[TrialRecord]]:
    """The trials of each arm by its displayed name; of a search its best trial, or its Pareto front."""
    if results.arms:
        return results.groups
    answer = results.answer
    best = [answer.best] if answer.best is not None else answer.front
    return {trial_name(entry): [entry] for entry in best}


def found_table(failures: Sequence[FailuresFound]) -> Table | None:
    """Clean errors, then what each attack found, and what stayed robust."""
    if not failures:
        return None
    attacks = list(dict.fromkeys(attack for group in failures for attack in group.attacks))
    rows = tuple(
        (
            group.name,
            str(group.trials),
            f"{group.samples:,}",
            bare(group.clean_errors),
            *(bare(group.attacks[attack]) if attack in group.attacks else DASH for attack in attacks),
            bare(group.robust),
        )
        for group in failures
    )
    return Table(("", "trials", "images", "wrong when clean", *attacks, "robust"), rows, FOUND_NOTE)


def bare(share: float) -> str:
    return percent(share).removesuffix(" %")


def ladder_table(measured_ladders: Sequence[Ladder], declared: Declarations) -> Table | None:
    """The worst case as it was measured, and after each rung."""
    if not measured_ladders:
        return None
    rungs = declared.in_role(
        "ladder rung", dict.fromkeys(rung.name for ladder in measured_ladders for rung in ladder.rungs)
    )
    scale = Scale.of(measured_ladders[0].metric, [ladder.moved for ladder in measured_ladders])
    rows = tuple(
        (
            ladder.name,
            str(ladder.trials),
            scale.bare(ladder.start),
            *(scale.bare(ladder.rungs[rung]) if rung in ladder.rungs else DASH for rung in rungs),
            scale.change(-ladder.moved),
        )
        for ladder in measured_ladders
    )
    note = (
        "Worst case in %, means over trials: as it was measured, then as each larger budget in turn leaves it. An"
        " evaluation that this moves by more than 0.5 points is too weak for verdicts."
    )
    return Table(
        ("", "trials", "as measured", *(rung.label or rung.name for rung in rungs), "moved (points)"), rows, note
    )


def ranking_table(
    entries: Sequence[TrialRecord],
    agreements: Sequence[RankAgreement],
    final: Metric,
    names: Mapping[str, str] = MappingProxyType({}),
    remarks: Sequence[str] = (),
) -> Table | None:
    """How validation ranks trials, compared with their test; `remarks`: what it measured and what chose checkpoints.

    Without those, the metric that ranks trials here decides about checkpoints, searches and early stopping.
    """
    if not agreements:
        return None
    scale = Scale.of(final)
    columns = ("ranked by", "compared with", "n", "Kendall’s τ", "p", "Spearman’s ρ", "best there", "its rank in test",
               "lost by choosing it")  # fmt: skip
    rows = tuple(
        (
            label(agreement.cheap) + (f" ({agreement.block})" if agreement.block else ""),
            label(agreement.final),
            str(agreement.n),
            DASH if agreement.ranks.kendall is None else signed(f"{agreement.ranks.kendall:.2f}"),
            p_value(agreement.ranks.p),
            DASH if agreement.ranks.spearman is None else signed(f"{agreement.ranks.spearman:.2f}"),
            trial_name(agreement.chosen, names),
            f"{agreement.ranks.rank} of {agreement.n}",
            scale.bare(agreement.ranks.loss) + scale.difference_suffix,
        )
        for agreement in agreements
    )
    attacks = [
        f"{split} {setting(values)}"
        for split, values in (("validation", _only(entries, trained=True)), ("test", _only(entries, trained=False)))
        if values is not None
    ]
    note = (
        f"{' '.join(remarks) or GONE_BY} τ and ρ are 1 where both rank the trials the same way, 0 if one says nothing"
        " about the other; n counts completed trials." + (f" Attacks: {'; '.join(attacks)}." if attacks else "")
    )
    return Table(columns, rows, note)


def _only(entries: Sequence[TrialRecord], *, trained: bool) -> object:
    """The attacks in the settings of all trials; None if they don't agree or say nothing."""
    values = [(entry.params if trained else entry.measured_params).get(ATTACKS) for entry in entries]
    if not values or any(value != values[0] for value in values):
        return None
    return _validated(entries[0], values[0]) if trained else values[0]


def _validated(entry: TrialRecord, attacks: object) -> object:
    """Those of the attacks that validation uses (the field `validation_attacks`)."""
    first = entry.params.get("validation_attacks") == "first"
    return attacks[:1] if first and isinstance(attacks, list | tuple) else attacks


EVALUATION = Section("evaluation", "The evaluation", 60, blocks)
