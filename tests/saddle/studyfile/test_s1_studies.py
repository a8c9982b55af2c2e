"""What the packaged studies of S1 share, and where they leave it."""

from __future__ import annotations

from saddle.studyfile.loader import load_studies
from saddle.studyfile.packaged import packaged_studies
from trainables import counterfactual_gan as method
from trainables.contract import resolve


def test_diversity_is_off_wherever_s1_is_reproduced_and_on_in_its_recipe() -> None:
    packaged = [
        study for name in packaged_studies() if name.startswith("counterfactual_gan/") for study in load_studies(name)
    ]
    of_the_method = [study for study in packaged if study.trainable == "counterfactual_gan"]
    reproducing = [study for study in of_the_method if study.study.startswith(("table", "figure"))]
    assert len(reproducing) > 10
    for study in reproducing:
        resolved = resolve(method, study.fixed, recipe=study.recipe, scale=study.scale).config
        assert resolved.lambda_diversity == 0, study.study  # type: ignore[attr-defined]
        assert study.ablation is not None
        assert "lambda_diversity" not in study.ablation.factors
        assert "diversity" not in study.ablation.factors
    galleries = [study for study in of_the_method if study.study.startswith("gallery")]
    assert {study.recipe for study in galleries} == {"diverse"}
    assert resolve(method, {}, recipe="diverse").config.lambda_diversity == 3  # type: ignore[attr-defined]
    assert resolve(method, {}, recipe="diverse").config.lambda3 == 2  # type: ignore[attr-defined]
