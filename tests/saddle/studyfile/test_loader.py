"""Where studies come from, and what the documents of a file share."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from saddle.errors import StudyError
from saddle.study.space import Parameter
from saddle.studyfile.loader import dump_study, load_studies, parse_studies
from saddle.studyfile.packaged import packaged_studies
from trainables import adversarial_training
from trainables.attacks.table import SETS
from trainables.contract import resolve

DESIGN_EXAMPLE = """\
study: mp-alpha0-mnist
question: Does a larger lower bound of α₀ recover MP's loss on MNIST?   # S3, Figure 6
trainable: adversarial_training
recipe: official_code            # or paper: optimiser, schedule, batch; a trainable names its recipes
scale: quick                     # or full: sizes of data, network, epochs
fixed: {dataset: mnist, network: lenet, perturbation: mp, tasks: [odd_even]}
search:
  alpha0_min: {float: [0.5, 1.0]}
  lr:         {float: [1e-4, 1e-1], log: true}
  epsilon_warmup: {int: [0, 4], when: {schedule: cyclic}}                # conditional
objective:   {maximize: validation/robust_accuracy.worst_case}           # or a list of up to three
constraints: [validation/clean_accuracy >= 0.97]
sampler:     {tpe: {startup_trials: 10, seed: 0}}
early_stopping: {asha: {grace_epochs: 2, reduction_factor: 3}}
budget:      {trials: 64, hours: 6, gpu_hours: 40}
resources:   {workers: 1, gpus_per_worker: 0.25, cpus_per_worker: 2}
evaluate:    {attacks: [pgd, pgd_targeted, cw_linf]}
---
study: mp-controls-mnist
question: Does MP beat STA once its size is matched?
ablation:
  baseline: {perturbation: sta}                      # or best_of: mp-alpha0-mnist
  design: one_factor                                 # leave_one_out | one_factor | factorial | fractional
  factors: {perturbation: [sta, mta, mp, sta_shrunk, mp_random_labels]}
  seeds: 8
  compare: {metric: test/robust_accuracy.worst_case, alpha: 0.05, correction: holm, equivalence: 0.005}
published: table4.csv
"""


def problems_of(path: object, overrides: tuple[str, ...] = ()) -> list[str]:
    with pytest.raises(StudyError) as caught:
        load_studies(path, overrides)
    return [str(problem) for problem in caught.value.problems]


def test_the_designs_example_loads_but_for_its_table() -> None:
    with pytest.raises(StudyError) as caught:
        parse_studies(DESIGN_EXAMPLE, "example.yaml")
    [table] = caught.value.problems
    assert (table.line, table.where, table.what) == (27, "published", "no such file: 'table4.csv'")
    search, ablation = parse_studies(DESIGN_EXAMPLE.replace("published: table4.csv\n", ""), "example.yaml")
    assert search.search["lr"].float_range == (1e-4, 1e-1)
    assert search.search["epsilon_warmup"].active({"schedule": "cyclic"})
    assert search.sampler.options.startup_trials == 10
    assert search.early_stopping.name == "asha"
    assert search.objective[0].metric == "validation/robust_accuracy.worst_case"
    assert search.constraints[0].violation(0.96) == pytest.approx(0.01)
    assert ablation.trainable == "adversarial_training"
    assert ablation.settings["dataset"] == "mnist"
    assert ablation.ablation.seed_list == list(range(8))


@pytest.mark.parametrize("name", packaged_studies())
def test_every_packaged_study_loads_and_asks_something(name: str) -> None:
    for study in load_studies(name):
        assert study.question.endswith("?")
        assert parse_studies(dump_study(study), "again.yaml") == [study]


@pytest.mark.parametrize("name", packaged_studies())
def test_every_packaged_robust_accuracy_is_measured_by_a_set_of_attacks(name: str) -> None:
    for study in load_studies(name):
        if study.trainable == "adversarial_training":
            config = resolve(
                adversarial_training, {"perturbation": "sta", **study.settings}, study.recipe, study.scale
            ).config
            assert SETS.keys() & {*config.attacks}, study.study
            assert (config.test_size or 300) >= 300


def test_the_quickstart_is_a_search_and_an_ablation_around_its_best() -> None:
    search, ablation = load_studies("quickstart")
    assert (search.study, ablation.study) == ("quickstart-search", "quickstart-ablation")
    assert set(search.search) == {"alpha0_min", "lr", "epsilon_warmup"}
    assert search.budget.trials == 10
    assert ablation.ablation.best_of == "quickstart-search"
    assert ablation.ablation.factors == {"perturbation": ["sta", "mta", "mp"]}
    assert len(ablation.ablation.seed_list) == 3


def test_loading_imports_neither_torch_nor_ray_nor_mlflow() -> None:
    code = (
        "import sys; from saddle.studyfile.loader import load_studies; load_studies('quickstart');"
        "print([name for name in ('torch', 'ray', 'mlflow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_packaged_studies_are_found_by_path_by_name_and_with_suffix() -> None:
    names = [load_studies(name)[0].study for name in ("mixed_perturbation/alpha0", "alpha0", "alpha0.yaml")]
    assert names == ["mp-alpha0-mnist"] * 3


def test_one_study_of_a_file_is_wanted_by_its_name(tmp_path: Path) -> None:
    [one] = load_studies("mixed_perturbation/table6:table6-gtsrb")
    assert one == next(study for study in load_studies("table6") if study.study == "table6-gtsrb")
    assert one.trainable == "adversarial_training"  # inherited from the first
    [message] = problems_of("table6:table6-gtsbr")
    assert "has no study 'table6-gtsbr'; it contains: table6, table6-mnist, " in message
    assert message.endswith("did you mean table6-gtsrb?")
    colon = tmp_path / "a:b"
    colon.write_text("study: x\n")
    assert "table6" not in problems_of(colon)[0]


def test_the_name_that_a_for_is_written_under_is_all_of_its_studies() -> None:
    chosen = load_studies("robustness_generalization/front:front-search-digits")
    assert [study.study for study in chosen] == [f"front-search-digits-{seed}" for seed in range(5)]
    [message] = problems_of("robustness_generalization/front:front-serch-digits")
    assert message.endswith("did you mean front-search-digits?")


def test_the_name_of_a_study_in_a_packaged_file_leads_to_the_file() -> None:
    [message] = problems_of("dose-mnist")
    assert message.endswith("did you mean robustness_interpretability/dose:dose-mnist?")


def test_a_file_goes_before_a_packaged_study(tmp_path: Path, search_text, fakes) -> None:
    Path("quickstart").write_text(search_text)
    assert load_studies("quickstart", trainables=fakes)[0].study == "one"


def test_unknown_names_come_with_the_nearest(tmp_path: Path) -> None:
    [told] = problems_of("quikstart")
    assert told.startswith("quikstart: no such file; packaged studies are: ")
    assert told.endswith("did you mean quickstart?")
    assert problems_of("mixed_perturbation/alpha")[0].endswith("did you mean mixed_perturbation/alpha0?")


@pytest.mark.parametrize("name", ["", "\0", "a" * 10_000, "\n", "../../etc", "*", "mixed_perturbation"])
def test_no_name_breaks_the_loader(name: str) -> None:
    [told] = problems_of(name)
    assert len(told) < 1000


def test_folders_and_devices_are_no_files(tmp_path: Path) -> None:
    assert "this is not a file" in problems_of(tmp_path)[0]
    assert "this is not a file" in problems_of("/dev/zero")[0]


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "secret.yaml"
    path.write_text("study: one\n")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    assert "the file can't be read: Permission denied" in problems_of(path)[0]


def test_a_file_that_breaks_while_it_is_read() -> None:
    assert "/proc/self/mem: the file can't be read: " in problems_of("/proc/self/mem")[0]


def test_a_huge_file_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    path.write_bytes(b"a: [1, 2, 3]\n" * 4_000_000)
    assert "larger than 256 KiB" in problems_of(path)[0]


class TestInheritance:
    """What later documents take over from the first."""

    FIRST = "study: one\ntrainable: fake\nrecipe: code\nscale: quick\nresources: {cpus_per_worker: 2, concurrency: 1}\n"
    FIRST += (
        "fixed: {dataset: digits, high: 0.5}\nevaluate: {attacks: [pgd]}\nablation: {factors: {steps: [1, 2]}}\n---\n"
    )
    SECOND = "study: two\nablation: {factors: {steps: [1, 3]}}\n"

    def test_everything_that_it_leaves_open(self, load) -> None:
        one, two = load(self.FIRST + self.SECOND)
        for section in ("trainable", "recipe", "scale", "resources", "fixed", "evaluate"):
            assert getattr(one, section) == getattr(two, section)
        assert two.question == ""

    def test_mappings_key_by_key(self, load) -> None:
        own = "fixed: {high: 0.7, low: 0.1}\nresources: {concurrency: 3}\nrecipe: paper\n"
        _, two = load(self.FIRST + self.SECOND + own)
        assert two.fixed == {"dataset": "digits", "high": 0.7, "low": 0.1}
        assert (two.resources.cpus_per_worker, two.resources.concurrency) == (2, 3)
        assert two.recipe == "paper"

    def test_from_the_first_only(self, load) -> None:
        third = "---\nstudy: three\nablation: {factors: {steps: [4, 5]}}\n"
        *_, three = load(self.FIRST + self.SECOND + "fixed: {high: 0.9}\n" + third)
        assert three.fixed == {"dataset": "digits", "high": 0.5}

    def test_another_trainable_takes_over_resources_only(self, load) -> None:
        _, two = load(self.FIRST + self.SECOND + "trainable: other\n")
        assert (two.fixed, two.recipe, two.resources.concurrency) == ({}, None, 1)

    def test_a_mistake_in_an_inherited_value_has_its_line(self, refuse) -> None:
        [problem] = refuse(self.FIRST + self.SECOND + "fixed: {low: 0.6}\n")
        assert "low 0.6 is above high 0.5" in problem.what
        assert problem.line == 12


def test_a_condition_tells_true_from_1() -> None:
    parameter = Parameter.model_validate({"float": [0.1, 1.0], "when": {"a": 1, "b": [True, 2]}})
    assert parameter.active({"a": 1.0, "b": True})
    assert not parameter.active({"a": True, "b": True})
    assert not parameter.active({"a": 1, "b": 1})
