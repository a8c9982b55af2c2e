"""The calibration of the set `quick`: how far it is from `standard` on reference networks, and what it saves.

Every attack is run once on each network, on all its clean-right images: what an attack does to an image doesn't depend
on the others, so any sequence's worst case is the union of what its members fool. The table is written next to this
file. Networks and verdicts are kept in the folder that `SADDLE_REFERENCES` names, and not computed again.
"""

from __future__ import annotations

import csv
import os
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
import torch

from tests.support.reference_networks import ARMS, TASKS, Reference, reference
from trainables.adversarial_training.attacks.attack_plan import PlannedAttack
from trainables.adversarial_training.attacks.attacking import attack_samples, predict
from trainables.attacks.attack import Budget
from trainables.attacks.frozen import frozen
from trainables.attacks.table import SETS, Escalation, attack_of
from trainables.datasets.errors import DataError

TABLE = Path(__file__).parent / "quick_attacks.csv"
TOLERANCE = 0.005
"""How much the worst case over `quick` may exceed that over `standard`."""

Member = tuple[str, Budget]
Members = Sequence[Member]
NONE: Mapping[str, Escalation] = {}

CANDIDATES: Mapping[str, Sequence[Budget | None]] = {
    "apgd_margin": [Budget(20), Budget(50), Budget(100)],
    "apgd_t": [None, *(Budget(steps, targets=targets) for targets, steps in product((3, 5, 7, 9), (10, 20, 30, 50)))],
    "square": [None, *(Budget(queries, rescaled=True) for queries in (200, 500, 1_000, 2_000))],
}
"""Candidate budgets of a quick sequence; None leaves the attack out."""


@dataclass(frozen=True, eq=False)
class Verdicts:
    """Which of the N test images an attack fooled, (N,) bool, and its seconds on those that were right."""

    fooled: np.ndarray
    seconds: float


class Calibration:
    """A reference network, and the results of attacks so far."""

    def __init__(self, network: Reference, folder: Path) -> None:
        self.network, self.folder = network, folder
        with frozen(network.network):
            self.clean = predict(network.network, network.samples)
        self.labels = network.samples.labels[:, 0]
        self.right = self.clean[0].argmax(1) == self.labels

    def verdicts(self, member: Member) -> Verdicts:
        """The results of one attack with its budget, from the folder if it was run before."""
        name, budget = member
        facts = "-".join(str(value) for value in (name, *budget.as_facts().values()))
        path = self.folder / f"{self.network.dataset}-{self.network.arm}-{facts}.npz"
        if not path.is_file():
            planned = PlannedAttack(
                attack_of(name), budget, "main_head", self.network.config.attack_epsilon, of_set="calibration"
            )
            since = perf_counter()
            with frozen(self.network.network):
                attacked = attack_samples(planned, self.network.network, self.network.samples, self.clean, self.right)
            fooled = (attacked.predictions != self.labels) & self.right
            np.savez(path, fooled=fooled.numpy(), seconds=perf_counter() - since)
        with np.load(path) as stored:
            return Verdicts(stored["fooled"], float(stored["seconds"]))

    def escalated(self, members: Members, escalations: Mapping[str, Escalation]) -> list[Member]:
        """The attacks that run at the end: those of `members`, and their escalations."""
        robust, run = self.right.numpy().copy(), []
        waiting = deque((member, escalations.get(member[0])) for member in members)
        while waiting:
            member, escalation = waiting.popleft()
            if member in run:
                continue
            run.append(member)
            newly_fooled = robust & self.verdicts(member).fooled
            robust &= ~newly_fooled
            if escalation is not None and newly_fooled.sum() > max(1, escalation.above * len(robust)):
                waiting += [(longer, escalation.escalations.get(longer[0])) for longer in escalation.budgets.items()]
        return run

    def accuracy(self, members: Members, escalations: Mapping[str, Escalation] = NONE) -> float:
        """The worst case over a sequence of attacks."""
        robust = self.right.numpy().copy()
        for member in self.escalated(members, escalations):
            robust &= ~self.verdicts(member).fooled
        return float(robust.mean())

    def steps(self, members: Members, escalations: Mapping[str, Escalation] = NONE) -> float:
        """The cost of a sequence in steps on an image, each attack on the survivors of those before it."""
        robust, cost = self.right.numpy().copy(), 0.0
        for name, budget in self.escalated(members, escalations):
            fooled = self.verdicts((name, budget)).fooled
            # attacks skip an image once it is fooled: half of the way on average
            whole = attack_of(name).cost(budget, self.clean[0].shape[1])
            cost += whole * float(robust.mean() - 0.5 * (robust & fooled).mean())
            robust &= ~fooled
        return cost


def sequences() -> list[list[Member]]:
    """Every sequence of the candidates, each in the order of the table."""
    return [
        [(name, budget) for name, budget in zip(CANDIDATES, budgets, strict=True) if budget is not None]
        for budgets in product(*CANDIDATES.values())
    ]


def calibrations(folder: Path, data_root: str | None) -> list[Calibration]:
    """Every reference network whose data is available."""
    calibrated = []
    for dataset, arm in product(TASKS, ARMS):
        try:
            calibrated.append(Calibration(reference(dataset, arm, folder, data_root), folder))
        except DataError as error:
            print(f"\n{dataset} is left out: {error}")
    return calibrated


def ordered(members: Mapping[str, Budget]) -> list[Member]:
    """The members of a set in the order in which they run: the cheapest first, Square last."""
    return sorted(members.items(), key=lambda member: (member[0] == "square", attack_of(member[0]).cost(member[1], 10)))


def write_table(calibrated: Sequence[Calibration]) -> list[dict[str, object]]:
    """A row for each network: accuracies clean, over `quick` and over `standard`, and the cost of both."""
    quick, standard = ordered(SETS["quick"].budgets), ordered(SETS["standard"].budgets)
    rows: list[dict[str, object]] = []
    for calibration in calibrated:
        worst, reference_worst = calibration.accuracy(quick, SETS["quick"].escalations), calibration.accuracy(standard)
        rows.append(
            {
                "dataset": calibration.network.dataset,
                "arm": calibration.network.arm,
                "images": len(calibration.right),
                "clean": round(float(calibration.right.double().mean()), 4),
                "quick": round(worst, 4),
                "standard": round(reference_worst, 4),
                "above": round(worst - reference_worst, 4),
                "quick_steps": round(calibration.steps(quick, SETS["quick"].escalations)),
                "standard_steps": round(calibration.steps(standard)),
            }
        )
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return rows


def cheapest(calibrated: Sequence[Calibration]) -> list[tuple[float, float, list[Member]]]:
    """The candidates within the tolerance on every network: mean steps on an image, largest excess, and members."""
    standard, escalations = ordered(SETS["standard"].budgets), SETS["quick"].escalations
    within = []
    for members in sequences():
        excess = max(
            calibration.accuracy(members, escalations) - calibration.accuracy(standard) for calibration in calibrated
        )
        if excess <= TOLERANCE:
            within.append(
                (
                    float(np.mean([calibration.steps(members, escalations) for calibration in calibrated])),
                    excess,
                    members,
                )
            )
    return sorted(within, key=lambda candidate: candidate[0])


@pytest.mark.timeout(7_200)
def test_quick_stays_near_standard(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.set_num_threads(1)
    folder = Path(os.environ.get("SADDLE_REFERENCES") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    calibrated = calibrations(folder, os.environ.get("SADDLE_BENCH_DATA"))
    with capsys.disabled():
        for row in write_table(calibrated):
            print(", ".join(f"{name} {value}" for name, value in row.items()))
            assert float(str(row["above"])) <= TOLERANCE, row
        for cost, excess, members in cheapest(calibrated)[:5]:
            print(f"{cost:.0f} steps, at most {excess:+.2%}: " + "; ".join(f"{n} {b.as_facts()}" for n, b in members))
