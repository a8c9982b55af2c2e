"""What a design consists of and what can be learnt from it, before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from saddle.design.arm import Arm
from saddle.design.blocks import block_list, shown_block
from saddle.design.components import is_component
from saddle.design.contrasts import Contrasts
from saddle.design.registry import design_of
from saddle.design.replicates import replicates_of
from saddle.study.ablation import Ablation
from saddle.study.grey_levels import with_grey_levels
from saddle.study.values import readable


@dataclass(frozen=True)
class DesignFacts:
    """The design table, the order of runs, and the effects that can be estimated."""

    name: str
    factors: Mapping[str, Sequence[Any]]
    components: Mapping[str, Mapping[str, Any]]
    arms: tuple[Mapping[str, Any], ...]
    """Each with `arm`, `baseline` and `levels`."""
    blocks: tuple[str, ...]
    order_seed: int
    first: tuple[tuple[int, str], ...]
    """The replicates of the first seed in the order in which they are run: each arm's place, and its block."""
    resolution: int | None
    """That of a fraction, at least the one asked for and before any exclusion; None of other designs."""
    contrasts: Contrasts | None
    """The effects of a crossed design; None if they are those of each arm against the baseline."""
    sentences: tuple[str, ...]
    """What the design itself says of its arms."""

    @property
    def effects(self) -> list[tuple[str, str]]:
        """Every effect with its kind."""
        if self.contrasts is not None:
            return [(contrast.name, contrast.kind) for contrast in self.contrasts.effects]
        return [(arm["arm"], "arm") for arm in self.arms if not arm["baseline"]]


def describe_design(ablation: Ablation, arms: Sequence[Arm]) -> DesignFacts:
    """The facts of an ablation's design."""
    design, factors = design_of(ablation), ablation.factors
    contrasts = design.contrasts(factors, arms)
    order = replicates_of(ablation, arms)
    return DesignFacts(
        name=ablation.design.name,
        factors=factors,
        components={
            name: {"on": component.on, "off": component.off}
            for name, component in ablation.components.items()
            if name in factors and is_component(ablation, name)
        },
        arms=tuple({"arm": arm.name, "baseline": arm.is_baseline, "levels": dict(arm.levels)} for arm in arms),
        blocks=tuple(shown_block(block) for block in block_list(ablation.blocks) if block),
        order_seed=ablation.order_seed,
        first=tuple((arms.index(each.arm), shown_block(each.block)) for each in order if each.seed == order[0].seed),
        resolution=design.reached_resolution(factors),
        contrasts=contrasts,
        sentences=tuple(design.sentences(factors, arms, contrasts)),
    )


def sentences(facts: DesignFacts) -> list[str]:
    """What can be estimated and what can't."""
    texts, kinds, contrasts = [*facts.sentences], [kind for _, kind in facts.effects], facts.contrasts
    if contrasts is None:
        arms = f"each of {len(kinds)} arms" if len(kinds) > 1 else "one arm"
        texts.append(f"estimated: {arms} against the baseline")
        if len(facts.factors) > 1:
            texts.append("not estimated: interactions of factors, which design: factorial or fractional would show")
        return texts
    parts = [f"{kinds.count(kind)} {kind}{'s' * (kinds.count(kind) != 1)}" for kind in dict.fromkeys(kinds)]
    texts.append(f"estimated: {' and '.join(parts)} of two factors" if len(parts) > 1 else f"estimated: {parts[0]}")
    if contrasts.left_out:
        why = (
            "the remaining arms can't distinguish them from others"
            if contrasts.adjusted
            else "exclude leaves no arms for them"
        )
        texts.append(f"not estimated, as {why}: {', '.join(contrasts.left_out)}")
    partial = [contrast.name for contrast in contrasts.effects if contrast.note]
    if partial:
        texts.append(f"averaged over some combinations of the other factors only: {', '.join(partial)}")
    return texts


def component_text(facts: DesignFacts, name: str) -> str:
    """`mixing: perturbation=mp when on, perturbation=sta when off`."""

    def settings(state: str) -> str:
        fields = facts.components[name][state]
        return (
            ", ".join(f"{field}={with_grey_levels(readable(value))}" for field, value in fields.items())
            or "the defaults"
        )

    return f"{name}: {settings('on')} when on, {settings('off')} when off"
