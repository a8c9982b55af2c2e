"""The table of attacks: every entry runs, sets name entries only, and nothing imports torch to read it."""

from __future__ import annotations

import inspect
import subprocess
import sys
from dataclasses import replace

import pytest

from tests.support.waiting import PROCESS_SECONDS
from trainables.attacks.attack import Attack, Budget
from trainables.attacks.table import ATTACKS, NAMES, SETS, attack_of


@pytest.mark.parametrize("entry", ATTACKS.values(), ids=list(ATTACKS))
def test_every_entry_has_a_function_and_says_what_it_is(entry: Attack) -> None:
    assert inspect.isfunction(entry.run)
    assert entry.says
    assert bool(entry.budget.targets) == (entry.aims is not None)
    assert set(entry.adjustable) <= set(Budget.__dataclass_fields__)


def test_sets_are_made_of_entries_within_epsilon() -> None:
    for one in SETS.values():
        assert one.budgets
        assert all(attack_of(name).within_epsilon for name in one.budgets)
    assert len(set(NAMES)) == len(NAMES) == len(ATTACKS) + len(SETS)


def test_standard_is_autoattack() -> None:
    assert dict(SETS["standard"].budgets) == {
        "apgd_ce": Budget(100),
        "apgd_t": Budget(100, targets=9),
        "fab_t": Budget(100, targets=9),
        "square": Budget(5_000),
    }


def test_an_unknown_attack_gets_the_nearest_name() -> None:
    with pytest.raises(ValueError, match="'apgd_tt' is not an attack; did you mean 'apgd_t'"):
        attack_of("apgd_tt")


def test_costs_are_steps_of_every_start_and_target_that_there_is() -> None:
    targeted = ATTACKS["apgd_t"]
    assert targeted.cost(targeted.budget, classes=10) == 900
    assert targeted.cost(targeted.budget, classes=3) == 200, "two wrong classes"
    assert targeted.cost(replace(targeted.budget, restarts=2), classes=3) == 400
    assert ATTACKS["fgsm"].cost(ATTACKS["fgsm"].budget, 10) == 1
    assert ATTACKS["cw_l2"].cost(Budget(100, searches=9), 10) == 900
    assert ATTACKS["square"].cost(Budget(5_000), 10) == 2_500, "a query takes no gradient"


def test_reading_the_table_imports_no_torch() -> None:
    read = "import sys, trainables.attacks.table, trainables.adversarial_training; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", read], check=True, timeout=PROCESS_SECONDS)
