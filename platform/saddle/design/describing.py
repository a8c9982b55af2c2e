"""What a design consists of and what can be learnt from it, before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from saddle.design.arm import Arm
from saddle.design.blocks import block_list, block_name
from saddle.design.components import ONE_CHANGE, is_component
from saddle.design.contrasts import Contrast, contrasts
from saddle.design.fractional import fraction as planned_fraction
from saddle.design.fractional import resolution_of
from saddle.design.replicates import replicates_of
from saddle.study.ablation import Ablation
from saddle.study.values import readable

ROMAN = ("0", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
MIXED_UP = {
    3: "main effects are mixed up with interactions of two factors",
    4: "main effects are clear of interactions of two factors, which are mixed up with each other",
}
MOST_MIXED = 8
"""Of how many effects the plan says in words what else is in them."""
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
    """That of a fraction, at least the one asked for and before any exclusion; None of other designs."""
    whole: int | None
    """How many arms a fraction has without exclusions."""
    contrasts: tuple[Contrast, ...] | None
    """The effects of a factorial or fractional design; None where they are those of each arm against the baseline."""
    left_out: tuple[str, ...]
    """Effects that exclusions left no arms for."""
    correlation: tuple[str, str, float] | None
    """The two effects whose columns correlate most in a fraction that exclusions unbalanced."""

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
    planned = planned_fraction(len(ablation.factors), ablation.design.options.resolution) if fraction else None
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
        resolution=None if planned is None else resolution_of(planned),
        whole=None if planned is None else len(planned),
        contrasts=None if found is None else found.found,
        left_out=() if found is None else found.left_out,
        correlation=None if found is None else found.correlation,
    )


def sentences(facts: DesignFacts, wanted: int | None) -> list[str]:
    """What can be estimated and what can't; `wanted` is the resolution asked for."""
    said = []
    if facts.resolution is not None:
        whole = 2 ** len(facts.factors)
        more = f" ({ROMAN[wanted]} was asked for)" if wanted not in (None, facts.resolution) else ""
        of = f"of {whole} combinations, a fraction of resolution {ROMAN[facts.resolution]}{more}"
        if len(facts.arms) == facts.whole:
            said.append(f"{facts.whole} {of}: {MIXED_UP.get(facts.resolution, CLEAR)}")
        else:
            said += [f"{facts.whole} {of}, of which exclude leaves {len(facts.arms)}", *_unbalanced(facts)]
    kinds = [kind for _, kind in facts.effects]
    if facts.contrasts is None:
        said.append(f"estimated: each of {len(kinds)} arms against the baseline")
        if len(facts.factors) > 1:
            said.append("not estimated: interactions of factors, which design: factorial or fractional would show")
    else:
        parts = [f"{kinds.count(kind)} {kind}{'s' * (kinds.count(kind) != 1)}" for kind in dict.fromkeys(kinds)]
        said.append(f"estimated: {' and '.join(parts)} of two factors" if len(parts) > 1 else f"estimated: {parts[0]}")
    if facts.left_out:
        why = "exclude leaves no arms for them" if facts.whole is None else "the arms left can't tell them from others"
        said.append(f"not estimated, as {why}: {', '.join(facts.left_out)}")
    partial = [contrast.name for contrast in facts.contrasts or () if contrast.note]
    if partial:
        said.append(f"averaged over some combinations of the other factors only: {', '.join(partial)}")
    return said


def _unbalanced(facts: DesignFacts) -> Iterator[str]:
    """What exclusions do to a fraction."""
    if facts.correlation is not None:
        one, other, size = facts.correlation
        yield (
            "effects are estimated by least squares, as these arms are not balanced: their columns correlate by up to"
            f" {abs(size):.2g} ({one} and {other})"
        )
    mixed = [contrast for contrast in facts.contrasts or () if contrast.shares]
    if mixed:
        more = f"; and {len(mixed) - MOST_MIXED} more (--json has them all)" if len(mixed) > MOST_MIXED else ""
        listed = "; ".join(f"{contrast.term} holds {contrast.shares_text}" for contrast in mixed[:MOST_MIXED])
        yield f"not told apart by these arms: {listed}{more}"
    elif facts.correlation is not None:
        yield "all effects below are told apart by these arms, but for their aliases"


def component_text(facts: DesignFacts, name: str) -> str:
    """`mixing: perturbation=mp when on, perturbation=sta when off`."""

    def settings(state: str) -> str:
        given = facts.components[name][state]
        return ", ".join(f"{field}={readable(value)}" for field, value in given.items()) or "the defaults"

    return f"{name}: {settings('on')} when on, {settings('off')} when off"
