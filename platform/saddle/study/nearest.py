"""The name that a misspelt one most likely meant."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable

from saddle.study.yaml_scalars import is_text

MOST_COMPARED = 300
"""Comparing spellings takes 40 µs a name: for a thousand mistakes about a thousand levels that is a minute."""


def nearest(name: object, names: Iterable[object]) -> str | None:
    """The one of `names` that is spelled most like `name`, or None when none comes near; a number is like no other."""
    listed = list(itertools.islice(names, MOST_COMPARED + 1)) if is_text(str(name)) else []
    if len(listed) > MOST_COMPARED:
        return None
    known = {str(candidate).lower(): str(candidate) for candidate in listed}
    matches = difflib.get_close_matches(str(name).lower()[:200], known, n=1, cutoff=0.5)
    return known[matches[0]] if matches else None
