"""What the design announces and this version doesn't have yet: refused by name, together with what there is."""

from __future__ import annotations

from saddle.study.models import Resources
from saddle.study.problems import Path

DESIGNS = "one_factor, leave_one_out, factorial"


def announced_keys(name: str) -> str | None:
    """Why a top-level key of the design can't be used yet, or None where nothing of that name is announced."""
    if name == "published":
        return "comparing with published values is not there yet; leave this line out"
    return None


def announced_design(name: object) -> str | None:
    """Why a design of ablations can't be used yet, or None."""
    if name == "fractional":
        return f"fractional designs are not there yet; there are: {DESIGNS}"
    return None


def announced_resources(resources: Resources) -> list[tuple[Path, str]]:
    """Which resources of a trial can't be had yet: they need warm worker groups, which come later."""
    found: list[tuple[Path, str]] = []
    if resources.workers > 1:
        found.append((("workers",), f"{resources.workers} workers for a trial are not there yet; there is: workers: 1"))
    if resources.gpus_per_worker > 0:
        what = "training on GPUs is not there yet; there is: gpus_per_worker: 0, with cpus_per_worker"
        found.append((("gpus_per_worker",), what))
    return found
