"""Where the trials of a study come from that were trained elsewhere and imported from a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

IMPORTED = "imported"
"""The trainable of such a study, which can't be installed, and the source of its trials' settings."""


@dataclass(frozen=True)
class ImportedTable:
    """The table that a study was imported from: the name of its file, its SHA-256, and the command that imports it."""

    file: str
    sha256: str
    command: str

    @property
    def cautions(self) -> Iterator[str]:
        """What a reader has to know of results that saddle has only read."""
        yield (
            f"Imported from {self.file} (SHA-256 {self.sha256[:12]}…): these trials were trained and measured "
            "elsewhere; saddle checked none of it."
        )
        yield (
            "The comparison was declared after its results were known. Its p-values hold only if the results did not "
            "influence the choice of metric, baseline, arms and seeds."
        )
