"""YAML text as plain values, with the line of every key; invalid text becomes problems, never a traceback."""

from __future__ import annotations

import copy
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
)

from saddle.study.yaml_scalars import ScalarError, plain
from saddle.studyfile.problem import Path, Place, Problem, dotted

LARGEST_FILE = 256 * 1024
MOST_VALUES = 20_000
DEEPEST = 24


@dataclass(frozen=True)
class Document:
    """One YAML document: its value, the place of every key, and the paths of values that were already refused.

    `written` gives, for what is written elsewhere in the file, the path where it is. `family`: the study's name as it
    is written, which studies of one `for` have in common.
    """

    value: Any
    places: dict[Path, Place]
    broken: frozenset[Path] = frozenset()
    written: Mapping[Path, Path] = field(default_factory=dict)
    family: str = ""

    def place(self, path: Path) -> Place:
        """The place of `path`, or of the nearest key around it."""
        while path not in self.places:
            path = path[:-1]
        return self.places[path]

    def problem(self, path: Path, what: str, right: str = "", nearest: str | None = None) -> Problem:
        """A problem at `path` of this document."""
        place = self.place(path)
        head = next((length for length in (1, 2) if path[:length] in self.written), 0)
        shown = (*self.written[path[:head]], *path[head:]) if head else path
        return Problem(place.file, place.line, dotted(shown), what, right, nearest)

    def is_broken(self, path: Path) -> bool:
        """Whether `path` is within a refused value, so that a further message would be misleading."""
        return any(path[: len(broken)] == broken for broken in self.broken)


def read_documents(data: bytes, file: str) -> tuple[list[Document], list[Problem]]:
    """The documents of a study file, and everything in it that is not YAML of the kind wanted."""
    if len(data) > LARGEST_FILE:
        return [], [Problem(file, 1, "", f"the file is larger than {LARGEST_FILE // 1024} KiB; no study is that long")]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return [], [Problem(file, line, "", "this is not UTF-8 text", "a study is a YAML file")]
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        return [], [Problem(file, line, "", "this is binary data, not text", "a study is a YAML file")]
    reader = _Reader(file, last_line=text.count("\n") + (not text.endswith("\n")))
    documents = reader.read(text)
    if not documents and not reader.problems:
        right = "a study starts with: study: NAME"
        reader.problems.append(Problem(file, 1, "", "the file is empty", right))
    return documents, reader.problems


NOTHING = object()
"""Marks a text that is not a single value."""


def read_value(text: str, label: str) -> tuple[Any, frozenset[Path], list[Problem]]:
    """The single value that a text is in a study file, if it is broken, and what is wrong with it.

    It is `NOTHING` if it is not a single value; `label` is what problems call it.
    """
    # a list around the value keeps `null` and the empty value apart from an empty file
    documents, problems = read_documents(f"[\n{text.strip() or '~'}\n]".encode("utf-8", "replace"), label)
    value = documents[0].value if len(documents) == 1 else None
    if not isinstance(value, list) or len(value) != 1:
        right = "put a text with special characters in quotes"
        return NOTHING, frozenset(), problems or [Problem(label, None, "", "this is not a single value", right)]
    return value[0], frozenset(path[1:] for path in documents[0].broken), problems


class _UnreadableError(Exception):
    """The rest of the file can't be read; the problem is already noted."""


@dataclass
class _Open:
    """A mapping or list under construction."""

    container: Any
    path: Path
    anchor: str | None
    values_before: int
    problems_before: int
    is_key: bool = False
    key: str | None = None
    wants_value: bool = False
    height: int = 1

    def next_path(self) -> Path:
        if isinstance(self.container, list):
            return (*self.path, len(self.container))
        return (*self.path, "?" if self.key is None else self.key)


@dataclass(frozen=True)
class _Anchored:
    value: Any
    size: int
    height: int
    sound: bool


@dataclass
class _Reader:
    """Builds documents from YAML events, without recursion and with every alias counted at its full size."""

    file: str
    last_line: int
    problems: list[Problem] = field(default_factory=list)
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, _Anchored | None] = field(default_factory=dict)
    places: dict[Path, Place] = field(default_factory=dict)
    broken: set[Path] = field(default_factory=set)
    values: int = 0
    top: Any = None

    def read(self, text: str) -> list[Document]:
        documents: list[Document] = []
        try:
            for event in self._events(text):
                if isinstance(event, DocumentStartEvent):
                    self.anchors, self.places, self.broken, self.top = {}, {(): self._place(event)}, set(), None
                elif isinstance(event, DocumentEndEvent):
                    if self.top is not None:  # a trailing `---` is not a study
                        documents.append(Document(self.top, self.places, frozenset(self.broken)))
                elif isinstance(event, NodeEvent):
                    self._node(event)
                elif isinstance(event, CollectionEndEvent):
                    self._close()
        except _UnreadableError:
            pass
        return documents

    def _events(self, text: str) -> Iterator[Event]:
        line = 0
        try:
            for event in YAML(typ="safe", pure=True).parse(io.StringIO(text)):
                line = event.start_mark.line
                yield event
        except _UnreadableError:
            raise
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            what = " ".join(part for part in (error.context, error.problem) if part)
            self._stop(mark.line if mark else line, f"this is not YAML: {' '.join(what.split())}")
        except Exception as error:  # ruamel's scanner leaks ValueError, IndexError, AttributeError and more
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            self._stop(line, f"this is not YAML: {reason[:100]}")

    def _node(self, event: NodeEvent) -> None:
        self.values += 1
        if self.values > MOST_VALUES:
            self._stop(event.start_mark.line, f"more than {MOST_VALUES} values; no study is that long")
        parent = self.stack[-1] if self.stack else None
        is_key = parent is not None and isinstance(parent.container, dict) and not parent.wants_value
        if is_key and isinstance(event, ScalarEvent):
            self._key(event)
            return
        path = parent.next_path() if parent else ()
        if parent and isinstance(parent.container, list):
            self.places.setdefault(path, self._place(event))
        if isinstance(event, AliasEvent):
            value = None if is_key else self._alias(event, path)
            self._put(value, is_key, event)
            return
        if _tag(event):
            self._refuse(
                event, path, f"the tag {_tag(event)} is not allowed", "tags could run code; write a plain value"
            )
        if isinstance(event, ScalarEvent):
            value = self._scalar(event, path)
            if event.anchor:
                self.anchors[event.anchor] = _Anchored(value, 1, 0, path not in self.broken)
            self._put(value, False, event)
        elif isinstance(event, CollectionStartEvent):
            if len(self.stack) >= DEEPEST:
                self._stop(event.start_mark.line, f"nested deeper than {DEEPEST} levels; no study is that deep")
            container: Any = {} if isinstance(event, MappingStartEvent) else []
            if event.anchor:
                self.anchors[event.anchor] = None
            before = self.values - 1, len(self.problems)
            self.stack.append(_Open(container, path, event.anchor, *before, is_key=is_key))
            if is_key and not any(outer.is_key for outer in self.stack[:-1]):
                self._note(event, parent.path if parent else (), "a mapping or list can't be a key", "a key is a word")

    def _key(self, event: ScalarEvent) -> None:
        parent = self.stack[-1]
        parent.wants_value, parent.key = True, None
        name: str = event.value
        path = (*parent.path, name)
        if _tag(event):
            self._note(event, parent.path, f"the tag {_tag(event)} is not allowed", "tags could run code; write a word")
        elif event.style is None and name == "<<":
            self._note(event, parent.path, "<< is not a key of YAML 1.2", "write the keys out; documents inherit them")
        elif event.style is None and name in ("", "~", "null"):
            self._note(event, parent.path, "a key is missing before the colon", "a key is a word")
        elif not _encodable(name):
            self._note(event, parent.path, "the key contains half a character", "use whole characters")
        elif name in parent.container:
            first = self.places[path].line
            self._note(event, path, f"{name} is given twice, first in line {first}", "keep one of them")
        else:
            parent.key = name
            self.places[path] = self._place(event)
            if event.anchor:
                self.anchors[event.anchor] = _Anchored(name, 1, 0, True)

    def _scalar(self, event: ScalarEvent, path: Path) -> Any:
        if _tag(event):
            return None
        if not _encodable(event.value):
            self._refuse(event, path, "the text contains half a character", "use whole characters")
            return None
        if event.style is not None:
            return event.value
        try:
            return plain(event.value)
        except ScalarError as error:
            self._refuse(event, path, str(error))
            return None

    def _alias(self, event: AliasEvent, path: Path) -> Any:
        if event.anchor not in self.anchors:
            self._refuse(event, path, f"*{event.anchor} is undefined: there is no &{event.anchor} before it")
            return None
        anchored = self.anchors[event.anchor]
        if anchored is None:
            self._refuse(event, path, f"*{event.anchor} contains itself", "write the value out")
            return None
        self.values += anchored.size
        if self.values > MOST_VALUES or len(self.stack) + anchored.height > DEEPEST:
            self._stop(event.start_mark.line, f"with *{event.anchor} written out, the file is too large or too deep")
        if self.stack:
            self.stack[-1].height = max(self.stack[-1].height, anchored.height + 1)
        if not anchored.sound:
            self.broken.add(path)
        return copy.deepcopy(anchored.value)

    def _close(self) -> None:
        closed = self.stack.pop()
        if closed.anchor:
            size = self.values - closed.values_before
            sound = len(self.problems) == closed.problems_before
            self.anchors[closed.anchor] = _Anchored(closed.container, size, closed.height, sound)
        if self.stack:
            self.stack[-1].height = max(self.stack[-1].height, closed.height + 1)
        self._put(closed.container, closed.is_key, None)

    def _put(self, value: Any, is_key: bool, event: NodeEvent | None) -> None:
        if not self.stack:
            self.top = value
            return
        parent = self.stack[-1]
        if isinstance(parent.container, list):
            parent.container.append(value)
        elif is_key:
            parent.key, parent.wants_value = None, True
            if event is not None:
                self._note(event, parent.path, "an alias can't be a key", "write the key out")
        else:
            if parent.key is not None:
                parent.container[parent.key] = value
            parent.wants_value = False

    def _place(self, event: Event) -> Place:
        return Place(self.file, self._line(event.start_mark.line))

    def _line(self, zero_based: int) -> int:
        # The end of the text counts as a further line to the parser; to the reader it is the last one.
        return max(1, min(zero_based + 1, self.last_line))

    def _note(self, event: Event, path: Path, what: str, right: str = "") -> None:
        self.problems.append(Problem(self.file, self._line(event.start_mark.line), dotted(path), what, right))

    def _refuse(self, event: Event, path: Path, what: str, right: str = "") -> None:
        """Note a problem with the value at `path`, so that nothing more is said about that value."""
        self.broken.add(path)
        self._note(event, path, what, right)

    def _stop(self, zero_based: int, what: str) -> None:
        self.problems.append(Problem(self.file, self._line(zero_based), "", what))
        raise _UnreadableError


def _encodable(text: str) -> bool:
    """Whether UTF-8 can hold the text; an escaped lone surrogate it can't."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _tag(event: NodeEvent) -> str:
    """A node's explicit tag as a person writes it, or nothing."""
    tag = getattr(event, "tag", None)
    return "" if tag is None else str(tag).replace("tag:yaml.org,2002:", "!!")
