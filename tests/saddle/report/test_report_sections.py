"""Sections and figures of reports are found in their folders, and those of the page that adds one of each, too."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from saddle.report import comparison_sections, figures, study_sections
from saddle.report.blocks import Block, Code, Fact, Facts, Folded, Heading, Lines, Listing, Source, Table, Text
from saddle.report.comparison import tables_of
from saddle.report.figure_registry import figures_of, study_figures
from saddle.report.html import render
from saddle.report.markdown import blocks_in_markdown, render_markdown
from saddle.report.page import render_page
from saddle.report.section import Part, Section, left_out, markdown_parts, page_parts, sections_of
from saddle.report.study_report import StudyReport
from tests.support.pages import ROOT, Piece, page_text, pieces, runs

PAGE = "docs/extending-report.md"
SECTION, FIGURE, THEIR_TEST = pieces("python", page=PAGE)
HEAD = "from saddle.report.section import Section\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ModuleType]:
    """Makes a package of files with these lines."""

    def make(**files: str) -> ModuleType:
        for name, line in files.items():
            (tmp_path / f"{name}.py").write_text(HEAD + line + "\n")
            monkeypatch.delitem(sys.modules, f"added_sections.{name}", raising=False)
        package = ModuleType("added_sections")
        package.__path__ = [str(tmp_path)]
        monkeypatch.setitem(sys.modules, "added_sections", package)
        return package

    return make


def test_sections_come_by_their_places_and_stand_within_others(folder: Callable[..., ModuleType]) -> None:
    sections = sections_of(
        folder(
            first='LAST = Section("last", "Last", 30, lambda subject: [subject])',
            second='INNER = Section("inner", "Inner", 40, lambda subject: ["inner"], within="outer")',
            third='OUTER = Section("outer", "Outer", 10, lambda subject: ["outer"], lambda subject: [])',
        )
    )
    assert [section.name for section in sections] == ["outer", "last", "inner"]
    assert page_parts(sections, "x") == [Part("outer", "Outer", ["outer", "inner"]), Part("last", "Last", ["x"])]
    assert markdown_parts(sections, "x") == [Part("last", "Last", ["x"]), Part("inner", "Inner", ["inner"])]


def test_a_section_that_does_not_apply_has_no_heading() -> None:
    sections = [Section("a", "A", 1, left_out), Section("b", "B", 2, lambda subject: [subject])]
    assert [part.name for part in page_parts(sections, Heading("x"))] == ["b"]
    assert [part.name for part in markdown_parts(sections, Heading("x"))] == ["b"]


@pytest.mark.parametrize(
    ("files", "mistake"),
    [
        ({"empty": ""}, "empty has no Section"),
        ({"a": 'A = Section("x", "", 1, list)', "b": 'B = Section("x", "", 2, list)'}, "b has a Section 'x', and so"),
        ({"a": 'A = Section("x", "", 1, list, within="y")'}, "'x' is within 'y', which is not a section"),
        (
            {"a": 'A = Section("x", "", 1, list, within="y")', "b": 'B = Section("y", "", 1, list, within="x")'},
            "'x' is within 'y', which is itself within 'x'",
        ),
    ],
)
def test_a_folder_with_a_mistake_is_refused(
    folder: Callable[..., ModuleType], files: dict[str, str], mistake: str
) -> None:
    with pytest.raises(TypeError, match=mistake):
        sections_of(folder(**files))


def test_every_block_is_shown_and_escaped_by_both() -> None:
    evil = "<b> `x` | [a](b)"
    table = Table(("first", "second"), ((evil, Lines(evil, ["<i>"])),), "<u>")
    inner: list[Block] = [
        Listing([evil]),
        Facts([Fact(evil, ["<s>", "2"], differs=True)]),
        Source("<pre>\n```", "yaml"),
    ]
    blocks = [Heading(evil), Text([evil, " is ", Code(evil), "."]), table, Folded(evil, inner, open=True)]
    page = render_page("comparison.html", title="", names=[], parts=[Part("one", "", blocks)])
    body = page.partition("<main>")[2]
    assert not re.findall(r"<(?:b|i|u|s)>", body)
    for shown in ("<h3>&lt;b&gt;", "<code>&lt;b&gt; `x`", "<li>&lt;i&gt;</li>", "<dd>&lt;s&gt; · 2 <strong>differs"):
        assert shown in body
    assert "<details open><summary>&lt;b&gt;" in body
    text = "\n".join(blocks_in_markdown(blocks))
    assert text.splitlines()[:3] == [
        r"#### &lt;b&gt; \`x\` \| \[a\](b)",
        "",
        r"&lt;b&gt; \`x\` \| \[a\](b) is `` <b> `x` | [a](b) ``.",
    ]
    assert "````yaml\n<pre>\n```\n````" in text
    assert r"- &lt;b&gt; \`x\` \| \[a\](b): &lt;s&gt; · 2" in text


def test_each_file_of_the_folders_has_its_part() -> None:
    for folder, entries in (
        (study_sections, sections_of(study_sections)),
        (comparison_sections, sections_of(comparison_sections)),
        (figures, study_figures().values()),
    ):
        files = {path.stem for path in Path(str(folder.__file__)).parent.glob("[a-z]*.py")}
        assert len(entries) >= len(files) > 2
        assert len({entry.place for entry in entries}) == len(entries), "which of two comes first is left open"


def test_the_page_has_the_sections_in_their_order(ablation: Callable[..., Any], search: Callable[..., Any]) -> None:
    for made in (ablation(), search()):
        report = StudyReport(made.results, read=made.read)
        ids = re.findall(r'<section id="([\w-]+)">', render(report))
        standing = [section.name for section in sections_of(study_sections) if not section.within]
        assert ids == [name for name in standing if name in ids]
        assert {"results", "figures", "outcomes", "assumptions", "reproduce"} <= set(ids)
        titles = re.findall(r"^### (.*)$", render_markdown(report), re.MULTILINE)
        known = [section.title for section in sections_of(study_sections)]
        assert titles == [title for title in known if title in titles]


def test_a_figure_is_of_its_kind_of_study_or_of_a_design(
    ablation: Callable[..., Any], search: Callable[..., Any]
) -> None:
    assert figures_of(search().results)[0].id == "figure-history"
    assert figures_of(ablation().results)[0].id == "figure-effects"
    for figure in study_figures().values():
        assert figure.of or figure.name in ("interactions", "levels"), "no study has it"


def with_added(tmp_path: Path, code: str) -> str:
    """What a process prints in which the page's section and figure are among those that there are."""
    added = {}
    for package, piece in (("study_sections", SECTION), ("figures", FIGURE)):
        [name] = re.findall(rf"`platform/saddle/report/{package}/(\w+)\.py`", page_text(PAGE))
        added[package] = tmp_path / package
        added[package].mkdir()
        (added[package] / f"{name}.py").write_text(piece.text)
    extend = "".join(
        f"import saddle.report.{package} as folder\nfolder.__path__.append({str(path)!r})\n"
        for package, path in added.items()
    )
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{extend}{code}"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@runs(SECTION, FIGURE, THEIR_TEST)
def test_the_pages_section_and_figure_pass_their_test(tmp_path: Path, page_pieces: list[Piece]) -> None:
    *_, their_test = page_pieces
    (tmp_path / "test_added_to_report.py").write_text(their_test.text)
    code = "import pytest; sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', 'test_added_to_report.py']))"
    assert "2 passed" in with_added(tmp_path, code)


def test_a_comparison_is_made_of_sections(monkeypatch: pytest.MonkeyPatch) -> None:
    titles = [section.title for section in sections_of(comparison_sections)]
    assert titles[-5:] == ["Studies", "Arms", "The same arm between studies", "Under each evaluation", "What differs"]
    table = Table(("a",), (("1",),))
    added = Section("added", "Added", 80, lambda comparison: [table, Text(["and words"])])
    monkeypatch.setattr("saddle.report.comparison.sections_of", lambda folder: [added])
    comparison: Any = None
    assert tables_of(comparison) == [("Added", table)], "saddle compare prints what the page has"
