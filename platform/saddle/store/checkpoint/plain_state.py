"""Whether a trainable's state can be loaded again: tensors and plain values can, what runs code on loading can't.

torch decides that (`weights_only=True`). A state is loaded back when its types are new, the first one of a trial for
sure; one whose types were seen before costs a walk through it (0.1 ms for a hundred tensors).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from saddle.store.checkpoint.state_bytes import decode_state, encode_state

CONTAINERS = (Mapping, list, tuple, set, frozenset)
PLAIN_CONTAINERS = {dict, list, tuple, set}

INSTEAD = {
    "numpy.random._generator.Generator": "its .bit_generator.state",
    "numpy.random.mtrand.RandomState": "its .get_state()[1].tolist() and the other parts of it",
    "numpy.ndarray": "torch.from_numpy of it, or its .tolist()",
    "numpy.dtype": "its name",
    "random.Random": "its .getstate()",
    "torch._C.Generator": "its .get_state()",
    "builtins.frozenset": "a set",
    "builtins.range": "its start, stop and step",
    "builtins.function": "its name",
    "collections.defaultdict": "a dict",
    "collections.deque": "a list",
}
"""What to store instead of some types, by their names."""


class NotPlain(Exception):
    """A state holds what couldn't be loaded again; the message names it, and what to store instead."""


@dataclass
class StateChecker:
    """Turns states into bytes that can be loaded again."""

    proven: set[Any] = field(default_factory=set)
    """Types that came back when they were loaded."""

    def encode(self, state: Mapping[str, Any], record: bytes | None = None) -> bytes:
        """The bytes of a `.pt` file (see `encode_state`); raises `NotPlain`."""
        if not isinstance(state, Mapping):
            raise NotPlain(f"the state is a {type_name(type(state))}; report a dictionary of tensors and plain values")
        kinds = set(kinds_in(state))
        try:
            content = encode_state(state, record)
            if not kinds <= self.proven:
                decode_state(content)
        except Exception as error:  # an object's own way of being stored may raise anything
            culprit = find_culprit(state)
            if culprit is None:
                raise
            raise NotPlain(explain(*culprit)) from error
        self.proven |= kinds
        return content


def kinds_in(state: Any) -> Iterator[Any]:
    """The types of all values, keys and containers in a state; of tensors the layout too."""
    for _, value in walk(state, ""):
        layout = getattr(value, "layout", None)
        yield type(value) if layout is None else (type(value), layout)


def walk(value: Any, place: str, visited: set[int] | None = None) -> Iterator[tuple[str, Any]]:
    """Every value in a state with its place; elements come before their container."""
    visited = set() if visited is None else visited
    if id(value) in visited:
        return
    if isinstance(value, CONTAINERS):
        visited.add(id(value))
        for where, part in parts(value, place):
            yield from walk(part, where, visited)
    elif getattr(value, "__dict__", None) and hasattr(value, "layout"):  # what was hung on a tensor is stored with it
        for name, part in vars(value).items():
            yield from walk(part, f"{place}.{name}", visited)
    yield place, value


def parts(container: Any, place: str) -> Iterator[tuple[str, Any]]:
    """What is directly in a container; of plain values of one type in a list only the first."""
    if isinstance(container, Mapping):
        for key, value in container.items():
            yield f"the key {key!r:.40} of {place or 'the state'}", key
            yield f"{place}[{key!r:.40}]", value
        return
    kinds = {kind for kind in set(map(type, container)) if not issubclass(kind, CONTAINERS) and is_atom(kind)}
    pending = set(kinds)
    for number, value in enumerate(container):
        if type(value) in kinds:
            if type(value) not in pending:
                continue
            pending.discard(type(value))
        yield f"{place}[{number}]", value


def is_atom(kind: type) -> bool:
    """Whether checking one value of the type is enough: a data order of 60,000 numbers needs no walk through each."""
    return kind in (int, float, bool, str, bytes, complex, type(None))


def find_culprit(state: Mapping[str, Any]) -> tuple[str, Any] | None:
    """The first value that can't be stored and loaded by itself, with its place; None where each can."""
    passed: set[Any] = set(PLAIN_CONTAINERS)
    for place, value in walk(state, "state"):
        if type(value) in passed:
            continue
        if not comes_back(value):
            return place, value
        passed.add(type(value))
    return None


def comes_back(value: Any) -> bool:
    """Whether the value alone can be stored and loaded."""
    try:
        decode_state(encode_state({"value": value}))
    except Exception:  # as in `encode`
        return False
    return True


def explain(place: str, value: Any) -> str:
    """What is wrong with a value, and what to store instead."""
    kind = type_name(type(value))
    return (
        f"the state can't be stored: {place} is a {kind.removeprefix('builtins.')}, and a state holds tensors and "
        f"plain values only, so that loading it runs no code; store {instead_of(value, kind)} instead"
    )


def instead_of(value: Any, kind: str) -> str:
    """What of the value can be stored."""
    if kind in INSTEAD:
        return INSTEAD[kind]
    if kind.startswith("numpy.random."):
        return "its .state"
    if kind.startswith("numpy.") and hasattr(value, "item"):
        return "its .item()"
    if hasattr(value, "__dataclass_fields__"):
        return "dataclasses.asdict of it"
    if hasattr(value, "state_dict"):
        return "its .state_dict()"
    if hasattr(type(value), "__members__"):
        return "its .value"
    if isinstance(value, tuple):
        return "a plain tuple"
    if hasattr(value, "__fspath__") or kind.startswith(("datetime.", "uuid.", "decimal.", "fractions.")):
        return "str of it"
    return "its numbers, strings and tensors"


def type_name(kind: type) -> str:
    """The full name of a type."""
    return f"{kind.__module__}.{kind.__qualname__}"
