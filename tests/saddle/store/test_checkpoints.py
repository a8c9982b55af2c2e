from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from saddle.store.base import StorageError
from saddle.store.checkpoints import Checkpoints, decode_state, load_state
from saddle.store.local import LocalStore


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path)


def save(checkpoints: Checkpoints, scores: list[float]) -> None:
    for epoch, score in enumerate(scores, start=1):
        best = score == max(scores[:epoch]) and score not in scores[: epoch - 1]
        checkpoints.save(
            epoch, {"epoch": epoch, "w": torch.full((2,), score)}, {"validation/a": score}, epoch * 1.0, best
        )


def files(store: LocalStore) -> list[str]:
    return [name for name in store.names("t") if name.endswith(".pt")]


def test_the_best_the_last_and_the_one_before_stay(store: LocalStore) -> None:
    checkpoints = Checkpoints(store, "t")
    save(checkpoints, [0.1, 0.9, 0.3, 0.2, 0.4])
    assert files(store) == ["epoch-00002.pt", "epoch-00004.pt", "epoch-00005.pt"]
    assert checkpoints.manifest.best_epoch == 2
    assert [epoch["validation/a"] for epoch in checkpoints.manifest.curve] == [0.1, 0.9, 0.3, 0.2, 0.4]


def test_what_was_saved_is_found_again(store: LocalStore) -> None:
    save(Checkpoints(store, "t"), [0.1, 0.2])
    again = Checkpoints.open(store, "t")
    epoch, state = again.resume()
    assert epoch == 2
    assert state is not None
    assert torch.equal(state["w"], torch.full((2,), 0.2))


@pytest.mark.parametrize("damage", [b"", b"rubbish", None])
def test_a_damaged_checkpoint_falls_back_to_the_one_before(store: LocalStore, damage: bytes | None) -> None:
    save(Checkpoints(store, "t"), [0.1, 0.2, 0.3])
    if damage is None:
        store.delete("t/epoch-00003.pt")
    else:
        store.write("t/epoch-00003.pt", damage)
    epoch, state = Checkpoints.open(store, "t").resume()
    assert epoch == 2
    assert state is not None
    assert state["epoch"] == 2


def test_a_damaged_checkpoint_is_never_loaded_as_a_result(store: LocalStore) -> None:
    checkpoints = Checkpoints(store, "t")
    save(checkpoints, [0.1])
    assert checkpoints.manifest.best is not None
    store.write("t/epoch-00001.pt", b"x" + store.read("t/epoch-00001.pt"))
    with pytest.raises(StorageError, match="damaged: expected sha256"):
        load_state(store, checkpoints.manifest.best)


def test_a_state_can_run_no_code() -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (print, ("boom",))

    import io

    buffer = io.BytesIO()
    torch.save({"bomb": Bomb()}, buffer)
    with pytest.raises(pickle.UnpicklingError):
        decode_state(buffer.getvalue())
