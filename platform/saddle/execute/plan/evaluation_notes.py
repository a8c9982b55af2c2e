"""What a person should know of how trials will be measured, before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from saddle.analyse.text.formatting import listed, setting
from saddle.study.values import canonical
from trainables.contract import Resolved


def evaluation_notes(fields: Sequence[str], blocks: int, resolved: Sequence[Resolved]) -> list[str]:
    """A note where trials that are compared would be measured with different values of evaluation fields.

    `fields`: the trainable's evaluation fields. `resolved`: the configurations of the arms, each in every one of
    `blocks`, or of a search those with its ranges' ends and choices, in one block.
    """
    unlike = {name: values for name in fields if len(values := _most_values(name, blocks, resolved)) > 1}
    if not unlike:
        return []
    which = listed(f"{name} ({listed(map(setting, values))})" for name, values in unlike.items())
    alike = ", ".join(f"{name}: {setting(values[-1])}" for name, values in unlike.items())
    note = (
        f"trials would be measured with different {which}, so a difference between them may be the evaluation's;"
        f" fixed: {{{alike}}} measures all of them alike"
    )
    return [note]


def _most_values(name: str, blocks: int, resolved: Sequence[Resolved]) -> list[Any]:
    """The different values of a field in the block that has most of them, numbers in their order."""
    measured = [getattr(complete.config, name, None) for complete in resolved]
    in_blocks = [
        {canonical(value): value for value in measured[block::blocks] if value is not None} for block in range(blocks)
    ]
    values = list(max(in_blocks, key=len, default={}).values())
    return sorted(values) if all(isinstance(value, int | float) for value in values) else values
