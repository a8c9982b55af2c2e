"""`saddle gc`: remove the checkpoints that studies do not keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from saddle.cli.options import AsJson, Storage

if TYPE_CHECKING:
    from saddle.archive.retention import Collected
    from saddle.store.base import Store


def gc(
    studies: Annotated[
        list[str] | None,
        typer.Argument(
            help="Stored studies, all by default; NAME@… removes a whole one that --fresh has set aside.",
            metavar="[STUDY]...",
            show_default=False,
        ),
    ] = None,
    storage: Storage = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be removed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove the checkpoints that a study's file does not keep (`checkpoints: {best: 3, gigabytes: 20}`).

    The same happens whenever a study ends. Checkpoints that its report cites or that unfinished trials need are always
    kept.

    Example: saddle gc --dry-run
    """
    from saddle.cli.output.tables import print_json
    from saddle.store.open import open_store

    store = open_store(storage, create=False)
    if studies:
        collected = [result for name in studies for result in collect_named(store, name, dry_run)]
    else:
        collected = collect_all(store, dry_run)
    if as_json:
        print_json([facts(result, dry_run) for result in collected])
    else:
        show(store, collected, dry_run)


def collect_named(store: Store, name: str, dry_run: bool) -> list[Collected]:
    """What is collected of the studies called `name`, or of the set-aside one."""
    from saddle.archive.lookup import find_studies
    from saddle.archive.retention import collect, collect_set_aside

    return [
        collect_set_aside(store, stored.run, dry_run=dry_run)
        if stored.run.is_set_aside
        else collect(store, stored, dry_run=dry_run)
        for stored in find_studies(store, name)
    ]


def collect_all(store: Store, dry_run: bool) -> list[Collected]:
    """What is collected of all studies; those that somebody runs, or that can't be read, are left alone."""
    from saddle.archive.retention import Collected, collect
    from saddle.archive.studies import read_study, study_names
    from saddle.errors import UserError

    removed = []
    for name in study_names(store):
        try:
            stored = read_study(store, name)
            removed += [collect(store, stored, dry_run=dry_run)] if stored is not None else []
        except UserError as error:
            removed.append(Collected(name, note=f"left alone: {str(error).splitlines()[0]}"))
    return removed


def facts(result: Collected, dry_run: bool) -> dict[str, Any]:
    """A study's part of the JSON."""
    from dataclasses import asdict

    return {
        "study": result.study,
        "dry_run": dry_run,
        "bytes": result.bytes,
        "kept_bytes": result.kept_bytes,
        "note": result.note,
        "removals": [asdict(removal) for removal in result.removals],
    }


def show(store: Store, collected: list[Collected], dry_run: bool) -> None:
    """Print what went, study by study, and the sum."""
    from saddle.cli.output.tables import print_table, say
    from saddle.cli.paths import short

    for result in collected:
        if result.removals:
            rows = [(r.trial or None, r.path.rpartition("/")[2], megabytes(r.bytes), r.why) for r in result.removals]
            print_table(("trial", "what", "MB", "why"), rows, title=result.study)
        if result.note:
            say(f"{result.study}: {result.note}")
    if not collected:
        say(f"no studies in {short(store.url)}")
        return
    total, count = sum(result.bytes for result in collected), sum(len(result.removals) for result in collected)
    verb = "would free" if dry_run else "freed"
    say(f"{verb} {megabytes(total):g} MB in {count} place{'s' * (count != 1)}" if count else "nothing to remove")


def megabytes(count: int) -> float:
    """Bytes as MB, precise enough to be distinguished."""
    return float(f"{count / 1e6:.3g}")
