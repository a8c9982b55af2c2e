"""The items in their order, and a run of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch

from trainables.contract import CheckItem
from trainables.evaluation.checklist.evidence import Evidence
from trainables.evaluation.checklist.items.attacks import budget, heads, iterative, targeted, worst_case
from trainables.evaluation.checklist.items.gradients import gradients, unavailable_gradients
from trainables.evaluation.checklist.items.optimisation import incomplete_optimisation, silent_success
from trainables.evaluation.checklist.items.outputs import forward_pass
from trainables.evaluation.checklist.items.reach import constraint, epsilon_sweep, unconstrained_attack_failure
from trainables.evaluation.checklist.items.rejection import rejection
from trainables.evaluation.checklist.items.sanity import sanity
from trainables.evaluation.checklist.items.selection import selection
from trainables.evaluation.checklist.items.stability import unstable_predictions
from trainables.evaluation.checklist.items.without_gradients import black_box, transfer_failure
from trainables.evaluation.checklist.subject import Subject

Check = Callable[[Evidence], CheckItem]

CHECKS: Mapping[str, Check] = {
    "forward_pass": forward_pass,
    "constraint": constraint,
    "worst_case": worst_case,
    "budget": budget,
    "iterative": iterative,
    "epsilon_sweep": epsilon_sweep,
    "gradients": gradients,
    "black_box": black_box,
    "targeted": targeted,
    "heads": heads,
    "rejection": rejection,
    "selection": selection,
    "sanity": sanity,
    "unavailable_gradients": unavailable_gradients,
    "unstable_predictions": unstable_predictions,
    "silent_success": silent_success,
    "incomplete_optimisation": incomplete_optimisation,
    "transfer_failure": transfer_failure,
    "unconstrained_attack_failure": unconstrained_attack_failure,
}
"""The thirteen items of methods.md, section 5, then the six indicators of attack failure (Pintor et al., 2022)."""


def run_checklist(subject: Subject) -> list[CheckItem]:
    """Every item's verdict on a subject, in the order of `CHECKS`; the same for the same subject and seed.

    Raises `WrongOutput` if the forward pass gives no logits, and any error that it raises on clean images.
    """
    with torch.random.fork_rng(devices=[]):  # a stochastic model draws the same in every run of the checklist
        torch.manual_seed(subject.seed)
        evidence = Evidence(subject)
        return [check(evidence) for check in CHECKS.values()]
