"""An Atom feed of nights that said something new (RFC 4287)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime, time
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

from saddle.nightly.pages.night_facts import NightFacts

ATOM = "http://www.w3.org/2005/Atom"
MOST_ENTRIES = 100


def feed(study: str, identity: str, timezone: str, nights: Sequence[NightFacts]) -> bytes:
    """The feed, the latest night first; `identity` distinguishes it from the same study's in another storage."""
    ElementTree.register_namespace("", ATOM)
    root = ElementTree.Element(f"{{{ATOM}}}feed")
    base = f"urn:saddle:{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
    entries = [night for night in reversed(nights) if is_entry(night)][:MOST_ENTRIES]
    _add(root, "title", f"{study}, every night")
    _add(root, "id", base)
    _add(root, "updated", moment(entries[0] if entries else None, timezone))
    author = ElementTree.SubElement(root, f"{{{ATOM}}}author")
    _add(author, "name", "saddle")
    for night in entries:
        entry = ElementTree.SubElement(root, f"{{{ATOM}}}entry")
        _add(entry, "title", f"{study}, {night.date}: {night.word}")
        _add(entry, "id", f"{base}:{night.date}:{night.word.replace(' ', '-')}")
        _add(entry, "updated", moment(night, timezone))
        ElementTree.SubElement(entry, f"{{{ATOM}}}link", href=f"nights/{night.date}/report.html")
        _add(entry, "summary", _without_controls(night.sentence))
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def is_entry(night: NightFacts) -> bool:
    """Whether somebody who follows the nightly wants to read of the night."""
    return night.trouble is not None or (night.decision is not None and night.decision.is_news)


def moment(night: NightFacts | None, timezone: str) -> str:
    """The time of a night in the feed's format."""
    if night is None:
        return "1970-01-01T00:00:00+00:00"
    return datetime.combine(date.fromisoformat(night.date), time(), ZoneInfo(timezone)).isoformat()


def _add(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, f"{{{ATOM}}}{name}").text = text


def _without_controls(text: str) -> str:
    """The text without signs that XML forbids."""
    return "".join(sign if sign.isprintable() else " " for sign in text)
