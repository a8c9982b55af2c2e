"""Writing the pages of a nightly into its storage."""

from __future__ import annotations

import json

from saddle.nightly.pages.atom_feed import feed
from saddle.nightly.pages.index_page import index_page
from saddle.nightly.pages.night_facts import NightFacts, all_nights
from saddle.nightly.pages.night_page import night_page
from saddle.nightly.policy_of_study import policy_of, section
from saddle.nightly.storage import DIFF, NightlyStorage
from saddle.store.ownership.fence import StudyLock
from saddle.study.models import Study
from saddle.study.trainable.loading import load_trainable

INDEX, PLAIN, FEED, REPORT = "index.html", "index.json", "feed.xml", "report.html"


def publish(storage: NightlyStorage, study: Study, lock: StudyLock) -> str:
    """Write the index, its JSON and feed, and the pages of nights that are not final; returns the path of the index."""
    trainable, nights = load_trainable(study.source), all_nights(storage)
    for night in nights:
        if is_stale(storage, night):
            storage.write(page_of(storage, night).encode(), lock, "nights", night.date, REPORT)
    plain = {"study": study.study, "question": study.question, "nights": [night.as_plain() for night in nights]}
    page = index_page(study, trainable, policy_of(study, trainable), nights)
    atom = feed(study.study, storage.store.locate(storage.folder), section(study).timezone, nights)
    storage.write(json.dumps(plain, indent=1, ensure_ascii=False).encode(), lock, PLAIN)
    storage.write(atom, lock, FEED)
    storage.write(page.encode(), lock, INDEX)
    return storage.store.locate(storage.path(INDEX))


def page_of(storage: NightlyStorage, night: NightFacts) -> str:
    """The page of a night."""
    diff = storage.read("nights", night.date, DIFF) or b""
    return night_page(storage.study, night, diff.decode(errors="replace"))


def is_stale(storage: NightlyStorage, night: NightFacts) -> bool:
    """Whether the page of a night may say less than is known: of those that are over only the latest are written again.

    The commit of a change, and that it was accepted, may become known in the nights after.
    """
    latest = storage.dates()[-2:]
    changed = night.decision is not None and night.decision.change is not None
    path = storage.night_path(night.date, REPORT)
    return night.date in latest or changed or night.accepted is not None or not storage.store.exists(path)
