"""`saddle report`: write a study's report again from its ledger."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from saddle.cli.options import AsJson, Storage, StudyName
from saddle.cli.output.terminal import echo

if TYPE_CHECKING:
    from saddle.archive.studies import StoredStudy
    from saddle.store.base import Store

Kind = Literal["html", "md"]


def report(
    study: StudyName,
    storage: Storage = None,
    kind: Annotated[
        Kind, typer.Option("--format", help="Format: a page with figures, or Markdown for papers and pull requests.")
    ] = "html",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="File to write.",
            metavar="FILE",
            show_default="next to the study; Markdown: here",
        ),
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the report of a study, which may still be running, and print its path.

    Example: saddle report quickstart-ablation --open
    """
    from saddle.archive.lookup import find_studies
    from saddle.archive.study_url import open_named
    from saddle.cli.output.tables import print_json
    from saddle.cli.paths import short
    from saddle.errors import UserError

    store, study = open_named(study, storage)
    studies = find_studies(store, study)
    if kind == "md" and open_it:
        raise UserError("--open shows a page, and --format md makes none; leave one of them out")
    if kind == "html" and output is not None and len(studies) > 1:
        names = " or ".join(stored.run.name for stored in studies)
        raise UserError(f"{study} holds several studies, and --output is one page; name {names} instead")
    if kind == "md":
        show_markdown([(stored.run.name, markdown(store, stored)) for stored in studies], output, as_json=as_json)
        return
    pages = [page(store, stored, output) for stored in studies]
    if as_json:
        print_json([as_plain(stored.run.name, path=path) for stored, path in zip(studies, pages, strict=True)])
    for path in pages:
        if not as_json:
            echo(short(path))
        if open_it:
            typer.launch(path if "://" in path else Path(path).absolute().as_uri())


def as_plain(study: str, path: str | None = None, text: str | None = None) -> dict[str, str | None]:
    """A report as JSON has it: a page's path, or Markdown and the file that it is in."""
    return {"study": study, "format": "html" if text is None else "md", "path": path, "text": text}


def show_markdown(texts: Sequence[tuple[str, str]], output: Path | None, *, as_json: bool) -> None:
    """Print the Markdown of studies, or write it to a file and print where it is."""
    from saddle.cli.output.tables import print_json
    from saddle.cli.paths import short

    whole = "\n".join(text for _, text in texts)
    path = None if output is None else short(str(output))
    if output is not None:
        output.write_text(whole, encoding="utf-8")
    if as_json:
        print_json([as_plain(name, path, text) for name, text in texts])
    else:
        echo(whole if path is None else path, nl=path is not None)


def page(store: Store, stored: StoredStudy, output: Path | None) -> str:
    """Write the HTML report, into the store without `output`; returns where it is."""
    from saddle.report.write import page_of, write_report

    results = stored.read_results(store)
    if output is None:
        return write_report(store, results)
    output.write_text(page_of(store, results), encoding="utf-8")
    return str(output)


def markdown(store: Store, stored: StoredStudy) -> str:
    """The report as Markdown."""
    from saddle.report.write import markdown_of

    return markdown_of(store, stored.read_results(store))
