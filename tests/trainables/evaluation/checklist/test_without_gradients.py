"""What an attack without gradients fools is not a sign of masking where gradients, given the time, fool it as well."""

from __future__ import annotations

from dataclasses import replace

import torch

from tests.support.cheats import quantised
from tests.support.honest import honest_subject
from trainables.evaluation.checklist import Subject
from trainables.evaluation.checklist.evidence import Evidence
from trainables.evaluation.checklist.strongest import LONG_IMAGES, without_gradients_alone


def masked(subject: Subject) -> Subject:
    """The same network behind a rounded input, through which no gradient comes."""
    return replace(subject, forward=lambda images: subject.forward(quantised(images)))


def within_reach(evidence: Evidence, most: int) -> torch.Tensor:
    """The first images that gradients fool, as if something else had, (N,) bool."""
    which = (evidence.right & ~evidence.standing).nonzero().squeeze(1)[:most]
    assert len(which) == most
    fooled = torch.zeros(evidence.n, dtype=torch.bool)
    fooled[which] = True
    return fooled


def test_what_gradients_find_at_length_does_not_count() -> None:
    evidence = Evidence(honest_subject())
    assert not without_gradients_alone(evidence, within_reach(evidence, 8)).any()


def test_where_no_gradient_comes_through_it_counts() -> None:
    subject = honest_subject()
    evidence = Evidence(masked(subject))
    fooled = within_reach(Evidence(subject), LONG_IMAGES) & evidence.standing
    assert fooled.sum() >= 10
    by_chance = fooled & ~without_gradients_alone(evidence, fooled)
    assert by_chance.sum() <= 1, "nine starts lie at random within ε, and one may fool"


def test_what_is_beyond_the_images_that_are_tried_counts_as_it_is() -> None:
    evidence = Evidence(honest_subject())
    fooled = within_reach(evidence, LONG_IMAGES + 5)
    alone = without_gradients_alone(evidence, fooled)
    which = fooled.nonzero().squeeze(1)
    assert alone[which[LONG_IMAGES:]].all()
    assert alone[which[:LONG_IMAGES]].sum() <= 2, "most of what gradients fool is found again"
