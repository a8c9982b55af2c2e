"""When training counts as collapsed, and when not."""

from __future__ import annotations

from typing import Any

import pytest

from trainables import counterfactual_gan as method
from trainables.contract import resolve
from trainables.counterfactual_gan.training.stability import Watch, alarm

HEALTHY = {
    "validation/p_fake.generated": 0.5,
    "validation/validity.worst_direction": 0.7,
    "validation/saturation": 0.0,
    "validation/diversity": 0.9,
    "validation/change": 0.03,
}
SEEN_THROUGH = {**HEALTHY, "validation/p_fake.generated": 0.99}


def config(**given: Any) -> Any:
    return resolve(method, {"epochs": 10, **given}).config


@pytest.mark.parametrize(
    ("sign", "said"),
    [
        ({"validation/validity.worst_direction": 0.02}, "2% of the counterfactuals of one class pass for the other"),
        ({"validation/saturation": 0.3}, "30% of their pixels were driven to black or white"),
        ({"validation/diversity": 0.4}, "their spread is 0.40 of that of the images"),
        ({"validation/change": 1e-5}, "G changes a pixel by 1e-05"),
    ],
)
def test_the_alarm_needs_a_sure_discriminator_and_a_sign(sign: dict[str, float], said: str) -> None:
    assert alarm(config(), {**HEALTHY, **sign}) is None
    assert alarm(config(), SEEN_THROUGH) is None
    why = alarm(config(), {**SEEN_THROUGH, **sign})
    assert why is not None
    assert "mean p_fake of G(x) is 0.990" in why
    assert said in why


def test_it_counts_only_after_the_grace_and_if_it_lasts() -> None:
    collapsed = {**SEEN_THROUGH, "validation/validity.worst_direction": 0.0}
    watch = Watch(config(collapse_grace=0.6, collapse_epochs=2))
    verdicts = [watch.verdict(collapsed, epoch) for epoch in range(1, 6)]
    assert verdicts == [None] * 5, "a slow starter recovers as late as that"
    assert watch.verdict(HEALTHY, 6) is None
    assert watch.verdict(collapsed, 7) is None, "once is not lasting"
    assert "for 2 epochs" in str(watch.verdict(collapsed, 8))


def test_what_lasted_before_an_interruption_counts() -> None:
    collapsed = {**SEEN_THROUGH, "validation/validity.worst_direction": 0.0}
    before = Watch(config())
    before.verdict(collapsed, 8)
    assert Watch(config(), before.lasted).verdict(collapsed, 9) is not None
