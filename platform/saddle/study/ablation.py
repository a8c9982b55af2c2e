"""What the `ablation` of a study file may say: design, factors, blocks, seeds, race, and how arms are compared."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from saddle.study.field_types import STUDY_NAME, Flag, OneOf, Positive, Section, Seed
from saddle.study.seeds import FIRST_LOOK, SEARCH_SEED, SeedCount, SeedLooks, doubling


class Compare(Section):
    """How an ablation's arms are compared."""

    metric: str | None = None
    """A test or validation metric."""
    alpha: Annotated[float, Field(strict=True, gt=0, lt=1)] = 0.05
    """The probability of claiming a difference if there is none."""
    correction: Literal["holm", "bh"] = "holm"
    """How `alpha` is shared among the arms: `holm` bounds the chance of any wrong claim, `bh` their expected share."""
    scale: Literal["linear", "log", "logit"] = "linear"
    """The scale of differences: `log` compares ratios, for example of distances; `logit` compares shares near 0 or 1.
    """
    equivalence: Positive | None = None
    """Margin within which a difference has no practical relevance, in the metric's unit (or in logarithms or logits on
    those scales).
    """
    not_worse: Annotated[dict[str, Positive], Field(max_length=8)] = Field(default_factory=dict)
    """Test or validation metrics that must not get worse, each with the loss that is still accepted."""
    mixed_model: Flag = False
    """Whether a crossed design's effects are also estimated with the noise of all arms pooled; it decides nothing."""
    also: Annotated[list[str], Field(max_length=40)] = Field(default_factory=list)
    """Further metrics that the report describes arm by arm, without a verdict; `*` matches any text."""
    ranks: Annotated[dict[str, Annotated[list[str], Field(min_length=1, max_length=40)]], Field(max_length=8)] = Field(
        default_factory=dict
    )
    """Groups of test or validation metrics that measure the same property in different ways: arms are ranked by each,
    and their mean ranks are compared, with a verdict for each group. `*` matches any text.
    """
    each: Annotated[list[str], Field(max_length=40)] = Field(default_factory=list)
    """Further test or validation metrics by which every arm gets a verdict, each metric as a separate question."""


class DesignChoice(OneOf):
    """The arms of the ablation."""

    model_config = ConfigDict(extra="allow")  # `saddle.design.registry` knows the designs and their options


class FixedSeeds(Section):
    """Every arm gets every seed."""


class Looks(Section):
    """Arms are looked at after every seed."""


class Race(OneOf):
    """Whether arms whose question is settled stop getting seeds, and how α is spent over the looks."""

    none: FixedSeeds | None = None
    obrien_fleming: Looks | None = None
    pocock: Looks | None = None

    @model_validator(mode="before")
    @classmethod
    def _accept_bool(cls, value: Any) -> Any:
        return {True: "obrien_fleming", False: "none"}[value] if isinstance(value, bool) else value

    @property
    def spending(self) -> Literal["obrien_fleming", "pocock"] | None:
        """The spending function; None where every arm gets every seed."""
        return None if self.name == "none" else "pocock" if self.name == "pocock" else "obrien_fleming"


class Component(Section):
    """A part that arms have or lack, in one or several hyperparameters."""

    on: dict[str, Any] = Field(default_factory=dict)
    """Settings of an arm with the component, unless the baseline sets them."""
    off: Annotated[dict[str, Any], Field(min_length=1)]
    """Settings of an arm without the component."""


SWITCH = ("on", "off")
"""The levels of a component."""


def with_levels(factors: Any) -> Any:
    """Factors given as a list of names, or by names without levels, as a mapping with the levels on and off."""
    if isinstance(factors, list) and all(isinstance(name, str) for name in factors):
        factors = dict.fromkeys(factors)
    if isinstance(factors, dict):
        return {name: list(SWITCH) if levels is None else levels for name, levels in factors.items()}
    return factors


class Ablation(Section):
    """Arms around a baseline, each trained with the same seeds."""

    baseline: dict[str, Any] = Field(default_factory=dict)
    """Settings of the baseline; `best_of: STUDY` among them starts from a search's best trial, which they override."""
    best_of: Annotated[str, Field(pattern=STUDY_NAME)] | None = None
    """The search whose best trial the baseline starts from."""
    design: DesignChoice = DesignChoice.model_validate("one_factor")
    """The arms of the ablation."""
    factors: Annotated[dict[str, list[Any]], Field(min_length=1)]
    """The levels of every factor: hyperparameters, or components with the levels `on` and `off`.

    A list of names gives components and boolean hyperparameters, each on or off; so does a name without levels.
    """
    components: dict[str, Component] = Field(default_factory=dict)
    """What the components among the factors set; those that the trainable declares need not be repeated."""
    exclude: list[Annotated[dict[str, Any], Field(min_length=1)]] = Field(default_factory=list)
    """Combinations that no arm may have: factors with a level, or with a list of levels."""
    blocks: Annotated[dict[str, Annotated[list[Any], Field(min_length=2)]], Field(max_length=3)] = Field(
        default_factory=dict
    )
    """Hyperparameters (or `machine`) that every arm meets at each of the given levels, such as `dataset`."""
    order_seed: Seed = 0
    """Seed of the random order in which the arms of each seed are run."""
    seeds: SeedCount | Annotated[list[Seed], Field(min_length=1)] | SeedLooks = 3
    """The number of seeds of every arm, or a list of seeds; `{start: 5, at_most: 20}` has interim looks and stops
    settled arms.
    """
    race: Race = Race(none=FixedSeeds())
    """Whether a settled arm gets no more seeds; `true` spends α as O'Brien and Fleming do."""
    selected_by: str | None = None
    """The validation metric that chooses every trial's checkpoint, instead of the trainable's own."""
    compare: Compare = Compare()
    """How the arms are compared."""

    @model_validator(mode="before")
    @classmethod
    def _lift_best_of(cls, value: Any) -> Any:
        baseline = value.get("baseline") if isinstance(value, dict) else None
        if not isinstance(baseline, dict) or "best_of" not in baseline:
            return value
        if "best_of" in value:
            raise ValueError("best_of is given twice, next to baseline and in it")
        rest = {name: setting for name, setting in baseline.items() if name != "best_of"}
        return {**value, "baseline": rest, "best_of": baseline["best_of"]}

    @field_validator("factors", mode="before")
    @classmethod
    def _accept_names(cls, value: Any) -> Any:
        return with_levels(value)

    @property
    def seed_list(self) -> list[int]:
        """The seeds that every arm is trained with at most.

        A count begins at 0; around the best of a search after the seed of its trials, whose luck chose that best one.
        """
        if isinstance(self.seeds, list):
            return list(self.seeds)
        first = 0 if self.best_of is None else SEARCH_SEED + 1
        return list(range(first, first + (self.seeds.at_most if isinstance(self.seeds, SeedLooks) else self.seeds)))

    @property
    def looks(self) -> tuple[int, ...]:
        """After how many seeds the arms are looked at, as declared beforehand; the last look is all of them."""
        return self.looks_with(len(self.seed_list))

    def looks_with(self, most: int) -> tuple[int, ...]:
        """The looks if there were at most so many seeds."""
        if self.spending is None:
            return (most,)
        first = min(most, self.seeds.start if isinstance(self.seeds, SeedLooks) else FIRST_LOOK)
        return doubling(first, most) if self.race.spending is None else tuple(range(first, most + 1))

    @property
    def spending(self) -> Literal["obrien_fleming", "pocock"] | None:
        """How α is spent over the looks; None if there is one look, at the end.

        Looks that are declared without a race double, so that each of them matters: α is spent about evenly over them.
        """
        return self.race.spending or ("pocock" if isinstance(self.seeds, SeedLooks) else None)
