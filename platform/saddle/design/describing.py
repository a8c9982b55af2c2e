"""What a design consists of and what can be learnt from it, before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from saddle.design.arm import Arm
from saddle.design.blocks import block_list, block_name
from saddle.design.components import ONE_CHANGE, is_component
from saddle.design.contrasts import Contrast, contrasts
from saddle.design.fractional import resolution_of
from saddle.design.replicates import replicates_of
from saddle.design.values import readable, same
from saddle.study.ablation import Ablation

ROMAN = ("0", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
MIXED_UP = {
    3: "main effects are mixed up with interactions of two factors",
    4: "main effects are clear of interactions of two factors, which are mixed up with each other",
}
CLEAR = "main effects and interactions of two factors are clear of each other"


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
    """That of a fraction, at least the one asked for; None of other designs."""
    contrasts: tuple[Contrast, ...] | None
    """The effects of a factorial or fractional design; None where they are those of each arm against the baseline."""
    left_out: tuple[str, ...]
    """Effects that exclusions left no arms for."""

    @property
    def effects(self) -> list[tuple[str, str]]:
        """Every effect with its kind."""
        if self.contrasts is not None:
            return [(contrast.name, contrast.kind) for contrast in self.contrasts]
        return [(arm["arm"], "arm") for arm in self.arms if not arm["baseline"]]


def describe_design(ablation: Ablation, arms: Sequence[Arm]) -> DesignFacts:
    """The facts of an ablation's design."""
    crossed = ablation.design.name not in ONE_CHANGE
    fraction = ablation.design.name == "fractional"
    found = contrasts(ablation.factors, arms, fraction=fraction) if crossed else None
    order = replicates_of(ablation, arms)
    return DesignFacts(
        name=ablation.design.name,
        factors=ablation.factors,
        components={
            name: {"on": component.on, "off": component.off}
            for name, component in ablation.components.items()
            if name in ablation.factors and is_component(ablation, name)
        },
        arms=tuple({"arm": arm.name, "baseline": arm.is_baseline, "levels": dict(arm.levels)} for arm in arms),
        blocks=tuple(block_name(block) for block in block_list(ablation.blocks) if block),
        order_seed=ablation.order_seed,
        first=tuple((arms.index(one.arm), block_name(one.block)) for one in order if one.seed == order[0].seed),
        resolution=resolution_of(_moves(arms)) if fraction else None,
        contrasts=None if found is None else found.found,
        left_out=() if found is None else found.left_out,
    )


def sentences(facts: DesignFacts, wanted: int | None) -> list[str]:
    """What can be estimated and what can't; `wanted` is the resolution asked for."""
    said = []
    if facts.resolution is not None:
        whole = 2 ** len(facts.factors)
        more = f" ({ROMAN[wanted]} was asked for)" if wanted not in (None, facts.resolution) else ""
        said.append(
            f"{len(facts.arms)} of {whole} combinations, a fraction of resolution {ROMAN[facts.resolution]}{more}:"
            f" {MIXED_UP.get(facts.resolution, CLEAR)}"
        )
    kinds = [kind for _, kind in facts.effects]
    if facts.contrasts is None:
        said.append(f"estimated: each of {len(kinds)} arms against the baseline")
        if len(facts.factors) > 1:
            said.append("not estimated: interactions of factors, which design: factorial or fractional would show")
    else:
        parts = [f"{kinds.count(kind)} {kind}{'s' * (kinds.count(kind) != 1)}" for kind in dict.fromkeys(kinds)]
        said.append(f"estimated: {' and '.join(parts)} of two factors" if len(parts) > 1 else f"estimated: {parts[0]}")
    if facts.left_out:
        said.append(f"not estimated, as exclude leaves no arms for them: {', '.join(facts.left_out)}")
    partial = [contrast.name for contrast in facts.contrasts or () if contrast.note]
    if partial:
        said.append(f"averaged over some combinations of the other factors only: {', '.join(partial)}")
    return said


def component_text(facts: DesignFacts, name: str) -> str:
    """`mixing: perturbation=mp when on, perturbation=sta when off`."""

    def settings(state: str) -> str:
        given = facts.components[name][state]
        return ", ".join(f"{field}={readable(value)}" for field, value in given.items()) or "the defaults"

    return f"{name}: {settings('on')} when on, {settings('off')} when off"


def _moves(arms: Sequence[Arm]) -> tuple[tuple[bool, ...], ...]:
    baseline = next(arm for arm in arms if arm.is_baseline).levels
    return tuple(tuple(not same(level, baseline[factor]) for factor, level in arm.levels.items()) for arm in arms)
