"""States that can't be loaded again are refused when they are saved, each with what to store instead."""

from __future__ import annotations

import collections
import enum
import io
import pathlib
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from saddle.errors import Unloadable
from saddle.store.checkpoint.checkpoints import Checkpoints, load_state
from saddle.store.checkpoint.manifest import Saved
from saddle.store.checkpoint.plain_state import NotPlain, StateChecker, walk
from saddle.store.checkpoint.state_bytes import decode_state
from saddle.store.digest import checksum
from saddle.store.local import LocalStore


class Own:
    """A trainable's own class."""


class Colour(enum.Enum):
    RED = 1


@dataclass
class Facts:
    mean: float = 0.0


class Unpicklable:
    def __reduce__(self) -> Any:
        raise RuntimeError("not me")


Pair = collections.namedtuple("Pair", "a b")  # as people have them

WEIGHTS = {"w": torch.zeros(2)}


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (np.random.default_rng(0), r"is a numpy\.random\._generator\.Generator.*store its \.bit_generator\.state"),
        (np.random.RandomState(0), r"is a numpy.*RandomState.*\.tolist\(\)"),
        (np.float64(1), r"is a numpy\.float64.*store its \.item\(\)"),
        (np.zeros(3), r"is a numpy\.ndarray.*torch\.from_numpy"),
        (random.Random(0), r"is a random\.Random.*\.getstate\(\)"),
        (torch.Generator(), r"is a torch\._C\.Generator.*\.get_state\(\)"),
        (torch.nn.Linear(1, 1), r"is a torch\.nn\.modules\.linear\.Linear.*\.state_dict\(\)"),
        (Own(), r"is a .*Own"),
        (Facts(), r"is a .*Facts.*dataclasses\.asdict"),
        (Colour.RED, r"is a .*Colour.*\.value"),
        (lambda: 1, r"is a function.*its name"),
        (Unpicklable(), r"is a .*Unpicklable"),
        (frozenset({1}), r"is a frozenset.*a set"),
        (pathlib.PurePosixPath("a"), r"is a pathlib\.PurePosixPath.*str of it"),
        (Pair(1, 2), r"is a .*Pair.*a plain tuple"),
        (collections.defaultdict(list, a=[1]), r"is a collections\.defaultdict.*a dict"),
        (range(3), r"is a range"),
    ],
)
def test_what_would_not_come_back_is_refused_with_its_place_and_what_to_store(value: Any, named: str) -> None:
    place = r"^the state can't be stored: state\['deep'\]\[1\]\['rng'\] "
    with pytest.raises(NotPlain, match=f"(?s){place}{named}") as caught:
        StateChecker().encode({**WEIGHTS, "deep": [1, {"rng": value}]})
    assert "\n" not in str(caught.value)
    assert "weights_only" not in str(caught.value)


def test_what_comes_back_is_taken_whatever_it_is() -> None:
    state = {
        **WEIGHTS,
        "rng": np.random.default_rng(0).bit_generator.state,
        "python": random.getstate(),
        "torch": torch.get_rng_state(),
        "optimizer": torch.optim.Adam([torch.nn.Parameter(torch.zeros(2))]).state_dict(),
        "order": list(range(100)),
        "seen": {1, 2},
        "counts": collections.Counter("ab"),
        "sizes": (torch.Size([1]), torch.float32, torch.device("cpu")),
        "nothing": None,
        (1, 2): b"bytes",
    }
    again = decode_state(StateChecker().encode(state))
    assert again.keys() == state.keys()
    assert again["rng"] == state["rng"]
    rng = np.random.default_rng(1)
    rng.bit_generator.state = again["rng"]
    assert rng.integers(2**40) == np.random.default_rng(0).integers(2**40)


def test_a_key_a_tensor_s_attribute_and_a_later_entry_of_a_list_are_seen_too() -> None:
    tensor = torch.zeros(2)
    tensor.owner = Own()  # type: ignore[attr-defined]
    for state, place in (
        ({np.int64(3): 1}, r"the key .*3.* of (the )?state"),
        ({"t": tensor}, r"state\['t'\]\.owner"),
        ({"mixed": [1, 2, 3.0, np.float32(1)]}, r"state\['mixed'\]\[3\]"),
    ):
        with pytest.raises(NotPlain, match=place):
            StateChecker().encode(state)


def test_a_state_is_a_mapping() -> None:
    with pytest.raises(NotPlain, match=r"the state is a builtins\.list"):
        StateChecker().encode([1])  # type: ignore[arg-type]


@pytest.mark.fault("a state that does not load again")
def test_a_state_that_changes_its_types_later_is_looked_at_again(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    checkpoints = Checkpoints.open(store, "t")
    checkpoints.claim(1.0)
    for epoch in (1, 2):
        checkpoints.save(epoch, {**WEIGHTS, "epoch": epoch}, {"validation/a": 0.1}, 1.0, epoch == 1)
    before = list(store.names("t"))
    with pytest.raises(NotPlain, match=r"state\['best'\] is a numpy\.float64"):
        checkpoints.save(3, {**WEIGHTS, "epoch": 3, "best": np.float64(1)}, {"validation/a": 0.1}, 1.0, False)
    assert list(store.names("t")) == before
    assert checkpoints.resume()[0] == 2


def test_a_state_of_known_types_is_not_loaded_back_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    checker = StateChecker()
    loads: list[int] = []
    original = decode_state
    monkeypatch.setattr(
        "saddle.store.checkpoint.plain_state.decode_state", lambda content: (loads.append(1), original(content))[1]
    )
    for epoch in range(5):
        checker.encode({**WEIGHTS, "epoch": epoch})
    assert len(loads) == 1


def test_a_walk_through_a_large_state_visits_few_of_its_values() -> None:
    layers, order = 300, list(range(60_000))
    state: dict[str, Any] = {f"layer{n}": torch.zeros(64) for n in range(layers)} | {"order": order}
    visited = len(list(walk(state, "")))
    assert visited == 2 * (layers + 1) + 2, "keys and values, one number of the order, and the state"
    assert len(list(walk(state | {"order": [*order, "a", "b"]}, ""))) == visited + 1


@pytest.mark.fault("a state that does not load again")
def test_an_old_state_that_holds_code_is_named_in_one_line(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    buffer = io.BytesIO()
    torch.save({"rng": np.random.default_rng(0)}, buffer)
    store.write("t/epoch-00001.pt", buffer.getvalue())
    saved = Saved(1, "t/epoch-00001.pt", checksum(buffer.getvalue()))
    with pytest.raises(Unloadable) as caught:
        load_state(store, saved)
    said = str(caught.value)
    assert said.startswith("the checkpoint t/epoch-00001.pt can't be loaded: it holds numpy.random")
    assert "\n" not in said
    assert "weights_only" not in said
