"""`saddle results --samples`: the networks of an ablation on single test images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from saddle.cli.output.terminal import echo
from saddle.errors import NothingPaired

if TYPE_CHECKING:
    from saddle.archive.studies import StoredStudy
    from saddle.store.base import Store


def print_samples(store: Store, studies: Iterable[StoredStudy], as_json: bool, as_csv: bool) -> None:
    """Print each arm against the baseline, or a row for each pair of networks; raises `NothingPaired`."""
    from saddle.analyse.evaluation.sample_pairs import study_on_samples
    from saddle.cli.output.tables import print_csv, print_json, print_table, say
    from saddle.report.study_sections.samples import sample_rows, samples_section

    studies = list(studies)
    ablations = [stored for stored in studies if stored.study.ablation is not None]
    if not ablations:
        raise NothingPaired(
            f"--samples compares the arms of an ablation, and this is a {studies[0].study.kind}; leave it out"
        )
    rows: list[dict[str, Any]] = []
    for stored in ablations:
        on_samples = study_on_samples(stored.read_results(store), store)
        section = samples_section(stored.run.name, on_samples)
        if section is None:
            raise NothingPaired(f"{stored.run.name} has no seed yet that both an arm and the baseline completed")
        rows += sample_rows(stored.run.name, on_samples)
        if section.table is None:
            echo(f"{stored.run.name}: {section.lead}", err=True)
        elif not (as_json or as_csv):
            print_table(section.table.columns, section.table.rows, title=f"{stored.run.name}: sample by sample")
            say(section.lead)
            say(f"note: {section.table.note}", indent=2)
    if as_json:
        print_json(rows)
    elif as_csv:
        print_csv([flat(row) for row in rows])


def flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with a column for each factor of its block, as CSV wants it."""
    blocks = {f"block.{name}": level for name, level in row["block"].items()}
    return {name: value for name, value in row.items() if name != "block"} | blocks
