"""A relation of a real method on real images, run by Ray: two families of digits, and a dataset that is absent."""

from __future__ import annotations

import json

import pytest

from tests.support.commands import Command

pytestmark = pytest.mark.long

STUDY = """\
study: digits-gain
question: Does inter-class variance predict what MP gains over STA on digits?
trainable: adversarial_training
fixed: {tasks: [odd_even], epochs: 1, train_size: 200, test_size: 60, attacks: [pgd]}
relation:
  gain: {metric: test/robust_accuracy.pgd, arm: {perturbation: mp}, over: {perturbation: sta}}
  units:
    - {family: resized, vary: {image_size: [6, 8]}, fixed: {dataset: digits}}
    - {family: contrast, vary: {contrast: [0.5, 0.9]}, fixed: {dataset: digits}}
    - {dataset: [svhn]}
  predictor: inter_class_variance
  also: [per_sqrt_d, perturbation_angle]
  seeds: 2
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Command, str]:
    command = Command(tmp_path_factory.mktemp("digits"))
    (command.folder / "digits.yaml").write_text(STUDY)
    return command, command.run("run", "digits.yaml", "--data-root", str(command.folder))


def test_what_is_there_is_trained_and_what_is_absent_is_named(ran: tuple[Command, str]) -> None:
    command, said = ran
    rows = command.rows("digits-gain")
    assert [row["outcome"] for row in rows] == ["completed"] * (4 * 2 * 2)
    assert "Absent: dataset=svhn, whose data are not here" in " ".join(said.split())
    assert "described only" in said or "No relation shown" in said or "rises" in said or "falls" in said


def test_predictors_are_those_of_the_images_as_they_are_trained_on(ran: tuple[Command, str]) -> None:
    command, _ = ran
    folder = command.folder / "runs/studies/digits-gain/units"
    stored = [json.loads(path.read_text()) for path in folder.glob("[!.]*.json")]
    measures = {facts["unit"]: facts["measures"] for facts in stored}
    half, most = (measures[f"contrast={contrast}, dataset=digits"] for contrast in (0.5, 0.9))
    assert half["inter_class_variance"] / most["inter_class_variance"] == pytest.approx(5 / 9, rel=0.02)
    assert measures["dataset=digits, image_size=6"]["dimension"] == 36


def test_the_plan_knows_what_is_done_and_the_storage_agrees(ran: tuple[Command, str]) -> None:
    command, _ = ran
    [plan] = json.loads(command.run("plan", "digits.yaml", "--data-root", str(command.folder), "--json"))
    assert (plan["trials"], plan["done"]) == (16, 16)
    assert [unit["unit"] for unit in plan["relation"]["units"] if unit["absent"]] == ["dataset=svhn"]
    assert "4 units in this storage" in plan["relation"]["spread_source"]
    assert "everything agrees" in command.run("verify", "digits-gain")
