from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from saddle.errors import StorageError
from saddle.store.base import Store
from saddle.store.checkpoint.checkpoints import Checkpoints, Superseded, decode_state, encode_state, load_state
from saddle.store.checkpoint.manifest import Manifest
from saddle.store.local import LocalStore
from saddle.store.s3.store import S3Store
from tests.support.faulty_proxy import FaultyProxy
from tests.support.s3 import S3


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


class AnyStore:
    """What must hold wherever checkpoints lie; give `store`."""

    @pytest.mark.parametrize("damage", [b"", b"{", b'{"saved": []}', b"[]", "a bit", "half"])
    def test_a_damaged_manifest_is_had_again_from_the_newest_whole_checkpoint(
        self, store: Store, damage: bytes | str, caplog: pytest.LogCaptureFixture
    ) -> None:
        checkpoints = Checkpoints(store, "t")
        checkpoints.update(attempts=3, started=12.5)
        save(checkpoints, [0.1, 0.9, 0.3, 0.2])
        spoil(store, "t/manifest.json", damage)
        again = Checkpoints.open(store, "t")
        assert again.manifest == checkpoints.manifest
        assert "manifest.json is damaged" in caplog.text
        assert again.resume()[0] == 4
        again.update(attempts=4)
        assert Checkpoints.open(store, "t").manifest.attempts == 4

    def test_what_a_damaged_manifest_and_a_damaged_checkpoint_leave_is_gone_on_from(self, store: Store) -> None:
        checkpoints = Checkpoints(store, "t")
        save(checkpoints, [0.9, 0.2, 0.3])
        spoil(store, "t/manifest.json", b"{")
        spoil(store, "t/epoch-00003.pt", "half")
        again = Checkpoints.open(store, "t")
        epoch, state = again.resume()
        assert state is not None
        assert (epoch, state["epoch"], len(again.manifest.curve), again.manifest.best_epoch) == (2, 2, 2, 1)

    def test_where_nothing_is_whole_the_trial_starts_again(
        self, store: Store, caplog: pytest.LogCaptureFixture
    ) -> None:
        save(Checkpoints(store, "t"), [0.1])
        spoil(store, "t/manifest.json", b"{")
        spoil(store, "t/epoch-00001.pt", b"rubbish")
        again = Checkpoints.open(store, "t")
        assert (again.resume(), again.manifest) == ((0, None), Manifest())
        assert "the trial starts again" in caplog.text

    @pytest.mark.parametrize("damage", [b"", "half", "a bit"])
    def test_a_damaged_checkpoint_is_passed_over(self, store: Store, damage: bytes | str) -> None:
        save(Checkpoints(store, "t"), [0.1, 0.2, 0.3])
        spoil(store, "t/epoch-00003.pt", damage)
        epoch, state = Checkpoints.open(store, "t").resume()
        assert state is not None
        assert (epoch, state["epoch"]) == (2, 2)

    def test_a_writer_whose_manifest_was_damaged_mends_it(self, store: Store) -> None:
        checkpoints = Checkpoints(store, "t")
        checkpoints.update(attempts=2)
        spoil(store, "t/manifest.json", b"{")
        save(checkpoints, [0.1])
        assert Checkpoints.open(store, "t").manifest == checkpoints.manifest
        with pytest.raises(Superseded):
            Checkpoints(store, "t", Manifest(attempts=1)).update(seconds=1.0)


def spoil(store: Store, path: str, damage: bytes | str) -> None:
    """Replace a blob as something that knows nothing of its checksum would."""
    content = store.read(path)
    if damage == "half":
        damage = content[: len(content) // 2]
    elif damage == "a bit":
        middle = len(content) // 2
        damage = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    assert isinstance(damage, bytes)
    if isinstance(store, S3Store):
        head = store.calls.client.head_object(Bucket=store.bucket, Key=store.key(path))
        store.calls.client.put_object(Bucket=store.bucket, Key=store.key(path), Body=damage, Metadata=head["Metadata"])
    else:
        store.write(path, damage)


class TestInAFolder(AnyStore):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return LocalStore(tmp_path)


class TestInABucket(AnyStore):
    @pytest.fixture
    def store(self, s3: S3) -> Store:
        return S3Store(s3.bucket(), "runs")


def test_a_store_that_cannot_be_reached_is_no_reason_to_start_again(s3: S3, s3_proxy: FaultyProxy) -> None:
    store = S3Store(s3.bucket(), "runs", patience=0.3)
    save(Checkpoints(store, "t"), [0.1, 0.2])
    checkpoints = Checkpoints.open(store, "t")
    s3_proxy.die()
    with pytest.raises(StorageError, match="can't be reached"):
        checkpoints.resume()
    with pytest.raises(StorageError, match="can't be reached"):
        Checkpoints.open(store, "t")


def test_a_record_of_the_trial_changes_no_state(store: LocalStore) -> None:
    state = {"w": torch.arange(5.0), "n": [1, {"a": 2}]}
    plain, recorded = decode_state(encode_state(state)), decode_state(encode_state(state, b"what is known"))
    assert torch.equal(plain.pop("w"), recorded.pop("w"))
    assert plain == recorded == {"n": [1, {"a": 2}]}
    assert encode_state(state, b"x") == encode_state(state, b"x")
