"""How much longer attacks lower the worst case: more steps first, then more starts.

A worst case that the ladder moves by half a point or more was measured by attacks that gave up too early (Carlini et
al., 2019). Each rung attacks what all before it left standing, the declared attacks included. Rungs attack the margin,
which is zero exactly where the network is fooled, so that further steps aren't spent on images that are fooled
already; the step size follows the loss, because one that suits 20 steps suits 1,000 badly.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from trainables.adversarial_training.analysis import MOST_ANALYSED, NETWORK, TestedBatch
from trainables.adversarial_training.attacks.costs import FORWARD_AND_INPUT, STANDING
from trainables.attacks.attack import Budget
from trainables.attacks.table import attack_of
from trainables.contract import Metric
from trainables.evaluation.analysis import Analysis, Findings

if TYPE_CHECKING:
    from torch import Tensor

ATTACK = "apgd_margin"
STEPS = (20, 100, 1_000)
RESTARTS = 5
DECLARED = "declared"
"""The rung before the first: what the declared attacks left."""


def rungs(config: Any) -> dict[str, Budget]:
    """The rungs by their names: as many steps as `ladder_steps` allows, then more starts of them."""
    steps = [count for count in STEPS if count <= config.ladder_steps]
    budgets = {f"steps_{count}": Budget(count) for count in steps}
    return budgets | {f"restarts_{RESTARTS}": Budget(steps[-1], restarts=RESTARTS)}


def measure(batch: TestedBatch) -> Findings:
    """Which images stand after each rung, (B,) bool."""
    standing = batch.survived
    by_rung = {DECLARED: standing}
    for rung, budget in rungs(batch.config).items():
        standing = batch.withstood(ATTACK, budget, standing)
        by_rung[rung] = standing
    return Findings(arrays={**by_rung})


def summarise(config: Any, rungs: Mapping[str, Tensor]) -> Findings:
    """The worst case as declared and after each rung, shares of all images, and how much it moved."""
    shares = {rung: int(standing.sum()) / len(standing) for rung, standing in rungs.items()}
    moved = shares[DECLARED] - list(shares.values())[-1]
    return Findings({f"budget_ladder.{rung}": share for rung, share in shares.items()} | {"budget_ladder_move": moved})


def cost(config: Any, tested: int) -> Mapping[str, float]:
    """The steps of all rungs on the images that are left standing."""
    steps = sum(attack_of(ATTACK).cost(budget, classes=2) for budget in rungs(config).values())
    return {NETWORK: FORWARD_AND_INPUT * min(tested, MOST_ANALYSED) * STANDING * steps}


def declared() -> dict[str, Metric]:
    """All metrics, the rungs from the first to the last."""
    rung = partial(Metric, "maximize", unit="fraction", role="ladder rung")
    return {
        f"budget_ladder.{DECLARED}": Metric("maximize", unit="fraction", role="ladder start"),
        **{f"budget_ladder.steps_{count}": rung(label=f"{count:,} steps") for count in STEPS},
        f"budget_ladder.restarts_{RESTARTS}": rung(label=f"{RESTARTS} restarts"),
        "budget_ladder_move": Metric("minimize", unit="fraction"),
    }


BUDGET_LADDER = Analysis(
    name="budget_ladder",
    says="how much longer attacks lower the worst case",
    metrics=declared(),
    measure=measure,
    summarise=summarise,
    cost=cost,
)
