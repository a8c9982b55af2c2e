"""What every store must keep to. Subclass `StoreContract` in a test file of your own and give `store`."""

from __future__ import annotations

import pickle
import threading

import pytest

from saddle.store.base import Store
from saddle.store.opening import open_store


class StoreContract:
    """The checks; override the fixture `store` with an empty one."""

    @pytest.fixture
    def store(self) -> Store:
        """An empty store."""
        raise NotImplementedError("give a fixture `store`")

    def test_a_blob_comes_back_as_it_was(self, store: Store) -> None:
        store.write("a/b/c.bin", b"\x00\xff")
        assert store.read("a/b/c.bin") == b"\x00\xff"
        assert store.exists("a/b/c.bin")

    def test_a_missing_blob_is_a_file_not_found(self, store: Store) -> None:
        store.write("folder/blob", b"")
        assert not store.exists("nowhere")
        assert not store.exists("folder")
        with pytest.raises(FileNotFoundError):
            store.read("nowhere")

    def test_writing_again_replaces_the_whole_blob(self, store: Store) -> None:
        store.write("x", b"long content")
        store.write("x", b"short")
        assert store.read("x") == b"short"

    def test_names_are_sorted_and_only_those_directly_below(self, store: Store) -> None:
        for path in ("f/b", "f/a", "f/deep/c", "g"):
            store.write(path, b"")
        assert list(store.names("f")) == ["a", "b", "deep"]
        assert list(store.names("nowhere")) == []

    def test_a_stamp_is_another_one_once_the_content_is(self, store: Store) -> None:
        for path in ("f/b", "f/a", "f/deep/c", "f/.hidden"):
            store.write(path, b"1")
        before = store.stamps("f")
        assert list(before) == ["a", "b"]
        store.write("f/a", b"2")
        after = store.stamps("f")
        assert (after["a"] == before["a"], after["b"] == before["b"]) == (False, True)
        store.move("f", "g")
        assert dict(store.stamps("g")) == dict(after), "a study that is set aside keeps its index"
        assert dict(store.stamps("nowhere")) == {}

    def test_deleting_takes_blobs_and_folders_and_is_content_with_nothing(self, store: Store) -> None:
        store.write("f/a", b"")
        store.write("f/b", b"")
        store.delete("f/a")
        assert list(store.names("f")) == ["b"]
        store.delete("f")
        assert not store.exists("f/b")
        store.delete("f")

    def test_deleting_or_moving_a_folder_leaves_those_whose_names_begin_alike(self, store: Store) -> None:
        for path in ("f/a", "f2/a", "f.b"):
            store.write(path, b"")
        store.delete("f")
        assert list(store.names("")) == ["f.b", "f2"]
        store.write("f/a", b"")
        store.move("f", "g")
        assert list(store.names("")) == ["f.b", "f2", "g"]

    def test_names_that_need_quoting_are_names_like_others(self, store: Store) -> None:
        names = sorted(["a b", "a+b", "α₀=0.5,ε", "100%", "x=y&z", "quo'te"])
        for name in names:
            store.write(f"f/{name}", name.encode())
        assert list(store.names("f")) == names
        store.move("f", "g")
        assert [store.read(f"g/{name}").decode() for name in names] == names
        store.delete("g")
        assert list(store.names("g")) == []

    def test_what_is_hidden_is_no_name(self, store: Store) -> None:
        store.write("f/.note", b"1")
        assert list(store.names("f")) == []
        assert store.read("f/.note") == b"1"

    def test_a_store_travels_to_other_processes(self, store: Store) -> None:
        store.write("a", b"1")
        assert pickle.loads(pickle.dumps(store)).read("a") == b"1"
        assert open_store(store.url, create=False).read("a") == b"1"

    def test_moving_a_folder_moves_what_is_in_it(self, store: Store) -> None:
        store.write("old/a", b"1")
        store.move("old", "new")
        assert store.read("new/a") == b"1"
        assert not store.exists("old/a")

    def test_sizes_are_those_of_blobs_and_of_all_below_a_folder(self, store: Store) -> None:
        store.write("f/a", b"12")
        store.write("f/deep/b", b"345")
        assert (store.size("f/a"), store.size("f"), store.size("nowhere")) == (2, 5, 0)

    def test_a_blob_can_be_found_by_a_person_and_the_driver_has_a_folder_on_this_machine(self, store: Store) -> None:
        assert store.locate("f/a").startswith(store.url)
        assert store.locate("f/a").endswith("f/a")
        assert store.local.is_absolute()

    def test_a_reader_never_sees_half_a_blob(self, store: Store) -> None:
        contents = {bytes([i]) * 200_000 for i in range(8)}
        store.write("x", min(contents))
        seen = set()
        done = threading.Event()

        def read() -> None:
            while not done.is_set():
                seen.add(store.read("x"))

        reader = threading.Thread(target=read)
        reader.start()
        for content in sorted(contents) * 5:
            store.write("x", content)
        done.set()
        reader.join(timeout=30)
        assert seen <= contents
        assert list(store.names("")) == ["x"], "a write left something behind"
