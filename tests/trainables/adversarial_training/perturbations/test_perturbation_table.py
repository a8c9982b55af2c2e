"""The table of perturbations: what it says of each, and that reading it imports no torch."""

from __future__ import annotations

import subprocess
import sys

from tests.support.waiting import PROCESS_SECONDS
from trainables.adversarial_training.perturbations.table import KINDS, RETIRED, described


def test_each_kind_is_listed_with_what_it_is() -> None:
    assert list(KINDS)[:3] == ["sta", "mta", "mp"]
    assert all(f"{name} {kind.says}" in described() for name, kind in KINDS.items())
    assert not {*KINDS} & {*RETIRED}


def test_of_s3s_only_the_single_task_attack_needs_no_tasks() -> None:
    mixing = {name: kind for name, kind in KINDS.items() if kind.by_s3}
    assert [name for name, kind in mixing.items() if not kind.needs_tasks] == ["sta"]
    assert {name: kind.attacks(2) for name, kind in mixing.items()} == {
        name: 1 if name in ("sta", "mta") else 3 for name in mixing
    }


def test_techniques_come_after_s3s_and_need_no_tasks() -> None:
    techniques = {name: kind for name, kind in KINDS.items() if not kind.by_s3}
    assert list(KINDS)[-len(techniques) :] == list(techniques)
    assert {*techniques} == {"none", "gaussian", "fgsm_rs", "n_fgsm", "kl"}
    assert not any(kind.needs_tasks or kind.each_task for kind in techniques.values())
    assert {name for name, kind in techniques.items() if not kind.within_epsilon} == {"gaussian", "n_fgsm"}


def test_reading_the_table_imports_no_torch() -> None:
    read = "import sys, trainables.adversarial_training.perturbations.table; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", read], check=True, timeout=PROCESS_SECONDS)
