"""What a person should know of how trials will be measured, before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from saddle.analyse.text.formatting import listed, setting
from saddle.study.trainable.loading import LoadedTrainable
from saddle.study.values import canonical
from trainables.contract import Resolved


def evaluation_notes(trainable: LoadedTrainable, names: Sequence[str], resolved: Sequence[Resolved]) -> list[str]:
    """A note where trials that are compared would be measured with different values of the evaluation fields.

    `names` are of the arms, one for each configuration, and an arm has one configuration for each block; those of a
    search are empty, and all its trials are compared.
    """
    blocks = names.count(names[0]) if names and names[0] else 1
    most = {name: _most_values(name, blocks, resolved) for name in trainable.evaluation_fields}
    unlike = {name: values for name, values in most.items() if len(values) > 1}
    if not unlike:
        return []
    which = listed(f"{name} ({listed(map(setting, values))})" for name, values in unlike.items())
    alike = ", ".join(f"{name}: {setting(values[-1])}" for name, values in unlike.items())
    note = (
        f"trials would be measured with different {which}, so a difference between them may be the evaluation's;"
        f" fixed: {{{alike}}} measures all of them in the same way"
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
