"""A list that stays JSON text, because ten thousand learning curves as Python objects fill the memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, overload

import orjson

T = TypeVar("T")


class JsonList(Sequence[T]):
    """The list in a JSON text, parsed whenever it is looked at and not kept; equal to a list or tuple of its items."""

    __slots__ = ("text",)
    __hash__ = None  # type: ignore[assignment]  # like a list

    def __init__(self, text: str) -> None:
        self.text = text

    def parsed(self) -> list[T]:
        """The items, as new objects."""
        items: list[T] = orjson.loads(self.text)
        return items

    def __len__(self) -> int:
        return 0 if self.text == "[]" else len(self.parsed())

    def __bool__(self) -> bool:
        return self.text != "[]"

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        return self.parsed()[index]

    def __iter__(self) -> Iterator[T]:
        return iter(self.parsed())

    def __reversed__(self) -> Iterator[T]:
        return reversed(self.parsed())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, JsonList):
            return self.text == other.text or self.parsed() == other.parsed()
        return self.parsed() == list(other) if isinstance(other, list | tuple) else NotImplemented

    def __repr__(self) -> str:
        return repr(self.parsed())

    def __deepcopy__(self, memo: Any) -> list[T]:
        """A plain list, so that `dataclasses.asdict` gives what JSON and YAML can write."""
        return self.parsed()
