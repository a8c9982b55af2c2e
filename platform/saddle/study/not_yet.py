"""What the design announces and this version doesn't have yet: refused by name, together with what there is."""

from __future__ import annotations

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
