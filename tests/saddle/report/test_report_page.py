"""The page answers first, shows every figure whatever is missing, fetches nothing, and lets no text become markup."""

from __future__ import annotations

import base64
import hashlib
import io
import math
import re
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import matplotlib
import pytest
from PIL import Image

from saddle.analyse.text.formatting import plural
from saddle.report.html import render
from saddle.report.study_report import StudyReport
from saddle.report.study_sections import gallery
from saddle.study.models import Study
from tests.support.declared import declare

ABLATION_FIGURES = ["figure-effects", "figure-arms", "figure-curves", "figure-tradeoff", "figure-attainment"]
SEARCH_FIGURES = ["history", "importance", "slices", "parallel", "curves", "tradeoff"]
SEARCH_FIGURES = [f"figure-{name}" for name in SEARCH_FIGURES]
VOID = {"meta", "link", "img", "br", "path", "use", "rect"}


class Page(HTMLParser):
    """The elements of a page, and the text inside each."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[tuple[str, ...], str]] = []
        self._open: list[tuple[str, str]] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append((tag, dict(attrs).get("id") or ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if data.strip():
            path = tuple(part for pair in self._open for part in pair if part)
            self.texts.append((path, " ".join(data.split())))

    def text_in(self, *places: str) -> str:
        return " ".join(text for path, text in self.texts if all(place in path for place in places))

    @property
    def figures(self) -> list[str]:
        return [str(attributes["id"]) for tag, attributes in self.elements if tag == "figure" and "id" in attributes]


def page_of(made: Any, **options: Any) -> Page:
    return Page(render(StudyReport(made.results, read=made.read, **options)))


def check_sound(page: Page) -> None:
    """Nothing is fetched or run, ids are unique, and every reference inside the page leads somewhere."""
    ids = [attributes["id"] for _, attributes in page.elements if attributes.get("id")]
    assert [name for name, count in Counter(ids).items() if count > 1] == []
    [script] = re.findall(r"<script>(.*?)</script>", page.source, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page.source, "which no other script has"
    assert [tag for tag, _ in page.elements].count("script") == 1
    for tag, attributes in page.elements:
        assert tag not in {"iframe", "object", "embed", "form", "base"}
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "xlink:href", "data", "action"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:", "#")), (tag, name, value)
            if value and value.startswith("#"):
                assert value[1:] in ids
    for reference in re.findall(r"url\(#([^)]+)\)", page.source):
        assert reference in ids
    assert not re.search(r"url\((?!#)|@import", page.source)


def test_an_ablation_answers_first_and_has_every_figure(ablation: Callable[..., Any]) -> None:
    page = page_of(ablation(), command="saddle run controls.yaml --storage runs")
    check_sound(page)
    assert page.figures == ABLATION_FIGURES
    answer = page.text_in("section", "answer")
    assert "mp helps in test/robust_accuracy.worst_case, compared with sta: +" in answer
    assert "No difference shown between mta and sta" in answer
    assert page.source.index('id="answer"') < page.source.index('id="figures"')
    assert "saddle run controls.yaml --storage runs" in page.text_in("reproduce")
    assert "study: controls" in page.text_in("reproduce", "pre")
    assert page.text_in("question") == "Does MP beat STA?"


def test_a_search_answers_first_and_has_every_figure(search: Callable[..., Any]) -> None:
    page = page_of(search(30))
    check_sound(page)
    assert page.figures == SEARCH_FIGURES
    assert "The best of 30 trials is trial " in page.text_in("answer")
    assert "PED-ANOVA" in page.text_in("figure-importance", "figcaption")
    outcomes = page.text_in("outcomes")
    assert "RuntimeError: out of cheese" in outcomes
    assert 'File "x.py", line 3, in train' in page.text_in("outcomes", "details", "pre")


def test_words_in_figures_are_text_and_follow_the_pages_colours(ablation: Callable[..., Any]) -> None:
    page = page_of(ablation())
    drawn = page.text_in("figure-effects", "svg", "text")
    assert "no difference shown" in drawn
    assert "helps" in drawn
    assert "difference in test robust accuracy (worst case) (points); better to the right" in drawn
    assert "var(--ink, #1f2328)" in page.source
    labels = [a["aria-label"] for tag, a in page.elements if tag == "svg"]
    assert len(set(labels)) == 5
    assert len(labels) == 10, "each is drawn for wide screens and for phones"


@pytest.mark.parametrize("objectives", [2, 3])
def test_several_objectives_have_a_pareto_front(search: Callable[..., Any], objectives: int) -> None:
    listed = [{"maximize": "validation/robust_accuracy.worst_case"}, {"maximize": "validation/clean_accuracy"}]
    page = page_of(search(20, [*listed, {"minimize": "train/loss"}][:objectives]))
    check_sound(page)
    assert "figure-pareto" in page.figures
    assert "Pareto front" in page.text_in("answer")


def test_failures_of_the_method_and_further_tests_have_tables_of_their_own(ablation: Callable[..., Any]) -> None:
    made = ablation(6, compare={"equivalence": 0.02, "correction": "bh"})
    assert "failures" not in [attributes.get("id") for _, attributes in page_of(made).elements]
    made.change(1, outcome="collapsed", metrics={}, why="constant output")
    page = page_of(made)
    check_sound(page)
    failures = page.text_in("failures", "table")
    assert "mta 1 6 17 % 0.4 % to 64 % 1 / 0 1" in failures
    details = page.text_in("details", "table")
    for word in ("effect size d", "p (equivalence)", "p (Benjamini–Hochberg)", "p (sign flips)"):
        assert word in details
    assert "Benjamini–Hochberg’s procedure rejects" in page.text_in("results", "p")
    assert "settled after" not in details


def test_published_values_stand_beside_ours(ablation: Callable[..., Any]) -> None:
    made = ablation()
    row = {"arm": "mp", "metric": "test/clean_accuracy", "value": 0.75, "source": EVIL, "conditions": {"epsilon": EVIL}}
    published = {"file": "table4.csv", "values": [row]}
    made.study = Study.model_validate({**made.study.model_dump(exclude_unset=True), "published": published})
    page = page_of(made)
    check_sound(page)
    text = page.text_in("published", "table")
    ours = [e.metrics["test/clean_accuracy"] for e in made.entries if e.settings["perturbation"] == "mp"]
    mean, sd = 100 * statistics.fmean(ours), 100 * statistics.stdev(ours)
    assert f"mp test clean accuracy 75.0 % {mean:.1f} % ± {sd:.1f} (n = 5) −{75 - mean:.1f} points" in text
    assert "table4.csv" in page.text_in("published", "p")
    assert "(ours 0.1)" in page.text_in("published", "p")


EVIL = '"><script>alert(1)</script><img src=x onerror=alert(2)> $a_b^$ & \x00\u202e'


def test_no_text_of_the_user_becomes_markup(ablation: Callable[..., Any], search: Callable[..., Any]) -> None:
    made = ablation(3, ("$x_{$", EVIL, "{{ 7*7 }}"))
    made.study = made.study.model_copy(update={"question": EVIL})
    made.change(1, outcome="failed", metrics={}, why=f"Traceback\n{EVIL}")
    made.change(2, params={EVIL: EVIL}, sources={EVIL: EVIL}, fingerprints={EVIL: {EVIL: EVIL}}, images={EVIL: EVIL})
    page = page_of(made, command=EVIL, study_file=EVIL)
    check_sound(page)
    assert [a["src"][:5] for tag, a in page.elements if tag == "img"] == ["data:"] * 2  # type: ignore[index]
    assert "{{ 7*7 }}" in page.source
    assert "$x_{$" in page.text_in("figure-arms", "svg", "text")
    assert "alert(1)" in page.text_in("question")
    hunted = search(8)
    for index in range(8):
        hunted.change(index, settings={**hunted.entries[index].settings, "schedule": EVIL}, key=EVIL + str(index))
    check_sound(page_of(hunted))


@pytest.mark.parametrize("trials", [0, 1, 2])
def test_a_search_that_has_hardly_begun(search: Callable[..., Any], trials: int) -> None:
    page = page_of(search(trials))
    check_sound(page)
    assert page.figures[:4] == SEARCH_FIGURES[:4]
    assert f"{plural(trials, 'trial')} to compare; importance needs at least 5" in page.text_in("figure-importance")
    assert ("No trial has finished yet." in page.text_in("answer")) == (trials == 0)


@pytest.mark.parametrize("kept", [0, 1, 4])
def test_an_ablation_that_has_hardly_begun(ablation: Callable[..., Any], kept: int) -> None:
    made = ablation()
    made.entries = made.entries[:kept]
    page = page_of(made)
    check_sound(page)
    assert page.figures[:3] == ABLATION_FIGURES[:3]
    assert "Preliminary" in page.text_in("cautions")
    assert "helps" not in page.text_in("answer")


def test_nothing_completed(search: Callable[..., Any]) -> None:
    made = search(6)
    for index, outcome in enumerate(["failed", "diverged", "collapsed", "timed_out", "pruned", "failed"]):
        made.change(index, outcome=outcome, metrics={}, curve=(), why=outcome)
    page = page_of(made)
    check_sound(page)
    assert "None of 6 trials completed" in page.text_in("answer")


def test_missing_and_non_finite_numbers(search: Callable[..., Any], ablation: Callable[..., Any]) -> None:
    made = search(9)
    bad = {"validation/robust_accuracy.worst_case": math.nan, "validation/clean_accuracy": math.inf}
    made.change(0, metrics=bad, curve=[bad, {}, {"train/loss": math.nan}])
    made.change(1, metrics={}, curve=())
    made.change(2, params={}, settings={}, sources={}, fingerprints={})
    check_sound(page_of(made))
    compared = ablation()
    compared.change(0, metrics={"test/robust_accuracy.worst_case": math.nan})
    compared.change(4, metrics={}, curve=[{}, bad])
    page = page_of(compared)
    check_sound(page)
    assert "2 completed replicates without a finite value" in page.text_in("cautions")
    for made_with_nothing in (search(9), ablation()):
        for index in range(len(made_with_nothing.entries)):
            made_with_nothing.change(index, metrics={}, curve=())
        check_sound(page_of(made_with_nothing))


def test_a_metric_that_is_no_share_is_shown_as_it_is(ablation: Callable[..., Any]) -> None:
    made = ablation(compare={"metric": "test/fid"})
    made.declared = declare({**made.declared.metrics, "test/fid": "minimize"}, made.declared.selection)
    for index, entry in enumerate(made.entries):
        made.change(index, metrics={"test/fid": 1200 * entry.metrics["test/clean_accuracy"]})
    page = page_of(made)
    assert "mp hurts in test/fid" in page.text_in("answer")
    assert "points" not in page.text_in("answer")
    assert "better to the left" in page.text_in("figure-effects")


def test_five_hundred_trials_stay_a_page_that_opens(search: Callable[..., Any]) -> None:
    page = page_of(search(500))
    check_sound(page)
    assert len(page.source) < 3_000_000
    assert page.text_in("trials", "summary") == "400 of 500 trials"
    assert "saddle results alpha0 --csv has all of them" in page.text_in("trials", "p")


def test_images_are_inside_the_page_and_missing_ones_are_named(ablation: Callable[..., Any]) -> None:
    made = ablation()
    paths = [next(iter(entry.images.values())) for entry in made.entries[:3]]
    del made.blobs[paths[0]]
    made.blobs[paths[1]] = b"<svg onload=alert(1)>"
    page = page_of(made)
    check_sound(page)
    images = [attributes for tag, attributes in page.elements if tag == "img"]
    assert len(images) == 1
    assert str(images[0]["src"]).startswith("data:image/png;base64,iVBOR")
    assert images[0]["alt"] == "mp, seed 0: adversarial"
    assert "can't be read" in page.text_in("gallery")
    assert "is not a PNG" in page.text_in("gallery")


def test_small_images_show_their_pixels_and_wide_ones_get_room(ablation: Callable[..., Any]) -> None:
    made = ablation()
    looks = {"sta": (12, 8), "mta": (600, 300), "mp": (300, 600)}
    for entry in made.entries[:3]:
        size = looks[str(entry.arm).removeprefix("perturbation=")]
        buffer = io.BytesIO()
        Image.new("L", size).save(buffer, "PNG")
        made.blobs[next(iter(entry.images.values()))] = buffer.getvalue()
    shown = [a for tag, a in page_of(made).elements if tag == "img" or (tag == "figure" and "id" not in a)]
    classes = {str(img["alt"]).split(",")[0]: f.get("class") for f, img in zip(shown[::2], shown[1::2], strict=True)}
    assert classes == {"sta": "small", "mta": "wide", "mp": None}


def test_where_room_is_short_every_trial_shows_its_first_images(
    ablation: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = ablation()
    for index, entry in enumerate(made.entries):
        [[name, path]] = entry.images.items()
        made.change(index, images={name: path, "second": path, "third": path})

    def captions() -> list[str]:
        return [attributes["alt"] for tag, attributes in page_of(made).elements if tag == "img"]

    whole = captions()
    arms = len(whole) // 3
    assert [caption.split(": ")[1] for caption in whole] == ["adversarial", "second", "third"] * arms
    monkeypatch.setattr(gallery, "MOST_IMAGES", arms + 1)
    few = captions()
    assert [caption.split(": ")[1] for caption in few] == ["adversarial", "second", *["adversarial"] * (arms - 1)]
    bytes_of_one = len(next(str(a["src"]) for tag, a in page_of(made).elements if tag == "img"))
    monkeypatch.setattr(gallery, "MOST_BYTES_IN_ALL", 2 * bytes_of_one)
    assert captions() == few[:1] + few[2:3], "and no page grows past its bytes"


def test_what_was_shown_in_mid_training_is_left_to_the_tracker(ablation: Callable[..., Any]) -> None:
    made = ablation()
    [[name, path]] = made.entries[0].images.items()
    made.change(0, images={name: path, f"epoch 00001, {name}": path})
    captions = [attributes["alt"] for tag, attributes in page_of(made).elements if tag == "img"]
    assert captions, "the closing ones are there"
    assert not [caption for caption in captions if "epoch" in caption]


def test_what_was_assumed_stands_first_and_open(ablation: Callable[..., Any]) -> None:
    page = page_of(ablation())
    groups = [a for tag, a in page.elements if tag == "details" and a.get("class") == "source"]
    assert page.text_in("assumptions", "summary") == "assumed (1) paper (1) study file (1)"
    assert ["open" in group for group in groups] == [True, False, False]
    assert "lr 0.01235" in page.text_in("assumptions")


def test_fingerprints_that_differ_between_trials_are_pointed_out(ablation: Callable[..., Any]) -> None:
    made = ablation()
    assert "differs" not in page_of(made).text_in("fingerprints")
    made.change(3, fingerprints={"data": "sha256:9999", "environment": {"python": "3.11.7"}})
    text = page_of(made).text_in("fingerprints")
    assert text.count("differs between trials") == 1
    assert "sha256:1234 · sha256:9999" in text


def test_drawing_leaves_matplotlib_as_it_was(ablation: Callable[..., Any]) -> None:
    before = dict(matplotlib.rcParams)
    page_of(ablation())
    assert dict(matplotlib.rcParams) == before


def test_reports_are_written_without_pyplot_torch_or_ray() -> None:
    code = (
        "import sys, saddle.report.html, saddle.analyse.answer, saddle.analyse.searches.importance, saddle.design;"
        "print(sorted({'matplotlib.pyplot', 'torch', 'ray', 'mlflow', 'optuna'} & set(sys.modules)))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"
