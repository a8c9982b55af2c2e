"""The pages of nights that were made up: what they show, and that no commit's words become part of the page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from saddle.nightly.pages.night_facts import all_nights
from saddle.nightly.pages.publish import publish
from saddle.nightly.pages.trend import changes, values_over_nights
from saddle.nightly.storage import NightlyStorage
from saddle.nightly.trouble import note_trouble
from saddle.report.page import script_text
from saddle.store.local import LocalStore, prepare_folder
from saddle.store.ownership.fence import NO_LOCK
from saddle.study.models import Study
from saddle.studyfile.loader import load_studies
from tests.support.stored_nights import METRIC, store_night


@pytest.fixture
def study() -> Study:
    return load_studies("nightly", ["nightly.pool=18"])[0]


@pytest.fixture
def storage(tmp_path: Path, study: Study) -> NightlyStorage:
    store: LocalStore = prepare_folder(tmp_path / "runs")
    storage = NightlyStorage(store, study.study)
    nights: Sequence[tuple[str, float, int]] = [("a", 0, 0), ("b", 0, 0), ("c", 0, 0), ("d", 0, 1), ("e", 0, 1),
                                                ("f", -0.05, 1), ("f", -0.05, 1)]  # fmt: skip
    for day, (commit, shift, noise) in enumerate(nights, start=1):
        store_night(storage, study, f"2026-01-{day:02}", commit, shift, noise)
    pin = storage.pin("2026-01-07")
    assert pin is not None
    storage.write_pin(replace(pin, date="2026-01-08"), NO_LOCK)
    note_trouble(storage, "2026-01-08", "the disk is full\nand more", NO_LOCK)
    publish(storage, study, NO_LOCK)
    return storage


def page(storage: NightlyStorage, *parts: str) -> str:
    content = storage.read(*parts)
    assert content is not None
    return content.decode()


def test_every_night_is_in_the_index_with_what_it_came_to(storage: NightlyStorage) -> None:
    words = [night.word for night in all_nights(storage)]
    assert words == ["filling", "unchanged", "unchanged", "changed", "not settled", "worse", "worse", "could not run"]
    index = page(storage, "index.html")
    for night in all_nights(storage):
        assert f'id="night-{night.date}"' in index
    assert index.count('class="night bad"') == 2
    assert "the disk is full" in index
    assert json.loads(page(storage, "index.json"))["nights"][3]["commits"] == "d" * 10


def test_words_of_commits_are_text(storage: NightlyStorage) -> None:
    for name in (("index.html",), ("nights", "2026-01-04", "report.html")):
        content = page(storage, *name)
        assert content.count("<script") == content.count(f"<script>{script_text()}</script>") == 1
        assert "&lt;script&gt;" in content
    ElementTree.fromstring(page(storage, "feed.xml"))


def test_the_page_of_a_worse_night_has_effects_and_exact_differences(storage: NightlyStorage) -> None:
    content = page(storage, "nights", "2026-01-06", "report.html")
    assert 'id="effects"' in content
    assert 'id="change"' in content
    night = storage.night("2026-01-06")
    assert night is not None
    assert any(repr(each.metrics[METRIC]) in content for each in night.at_its_code.values())
    assert "superseded" in content


def test_the_trend_moves_by_changes_and_not_by_the_luck_of_tonights_seeds(storage: NightlyStorage) -> None:
    nights = all_nights(storage)
    series = values_over_nights(nights, ("sta", "mp"), METRIC)
    assert series["sta"][0] == series["sta"][1] == series["sta"][2]
    assert series["sta"][5] == pytest.approx(series["sta"][0] - 0.05, abs=0.01)
    assert list(changes(nights)) == [3, 5]


def test_the_feed_has_what_is_new_and_nothing_twice(storage: NightlyStorage) -> None:
    root = ElementTree.fromstring(page(storage, "feed.xml"))
    titles = [str(entry.findtext("{*}title")) for entry in root.findall("{*}entry")]
    assert [title.rpartition(": ")[2] for title in titles][:2] == ["could not run", "worse"]
    assert not any("2026-01-02" in title or "2026-01-05" in title for title in titles)
    identities = [entry.findtext("{*}id") for entry in root.findall("{*}entry")]
    assert len(set(identities)) == len(identities)
