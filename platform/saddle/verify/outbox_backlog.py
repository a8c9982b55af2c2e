"""What waits in a study's outbox, read while its driver may be writing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from saddle.track.outbox import parse


def waiting(folder: Path) -> Counter[str]:
    """How many messages wait for MLflow, by the key of the run they are about."""
    try:
        content = (folder / "operations.jsonl").read_bytes()
    except FileNotFoundError:
        return Counter()
    try:
        delivered = int((folder / "delivered").read_text())
    except (FileNotFoundError, ValueError):
        delivered = 0
    if delivered > len(content):  # emptied since, the offset not yet
        delivered = 0
    lines = content[delivered : content.rfind(b"\n") + 1].splitlines()
    return Counter(str(parse(line).get("key", "")) for line in lines)
