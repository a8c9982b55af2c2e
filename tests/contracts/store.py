"""The contract of every store. Subclass `StoreContract` in your own test file and give `store`."""

from __future__ import annotations

import contextlib
import itertools
import pickle
import threading
from collections.abc import Callable

import pytest

from saddle.errors import ForeignPath
from saddle.store.base import Conflict, Store
from saddle.store.open import open_store

LEAVING = [
    "..", "../x", "f/../../x", "f/..", "/etc/hostname", "//x", "", ".", "./x", "f/./a", "f//a", "f/", "..\\x",
    "f\\..\\..\\x", "\\x", "f\0a",
]  # fmt: skip
"""Paths that name something outside a store, or that another reader would take for such."""

OPERATIONS: dict[str, Callable[[Store, str], object]] = {
    "read": lambda store, path: store.read(path),
    "fetch": lambda store, path: store.fetch(path),
    "write": lambda store, path: store.write(path, b"x"),
    "write_if": lambda store, path: store.write_if(path, b"x", None),
    "exists": lambda store, path: store.exists(path),
    "etag": lambda store, path: store.etag(path),
    "names": lambda store, path: list(store.names(path)),
    "etags": lambda store, path: store.etags(path),
    "size": lambda store, path: store.size(path),
    "locate": lambda store, path: store.locate(path),
    "delete": lambda store, path: store.delete(path),
    "delete_if": lambda store, path: store.delete_if(path, "etag"),
    "move from": lambda store, path: store.move(path, "moved"),
    "move to": lambda store, path: store.move("f", path),
}
OF_THE_ROOT = ("names", "etags", "size", "locate")
"""Operations that accept the whole store."""


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

    def test_no_operation_takes_a_path_that_leaves_the_store(self, store: Store) -> None:
        store.write("f/a", b"1")
        for operation, path in itertools.product(OPERATIONS, LEAVING):
            if path == "" and operation in OF_THE_ROOT:
                OPERATIONS[operation](store, path)
                continue
            with pytest.raises(ForeignPath) as refusal:
                OPERATIONS[operation](store, path)
            assert repr(path) in str(refusal.value), operation
        assert (list(store.names("")), store.read("f/a")) == (["f"], b"1")

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
        before = store.etags("f")
        assert list(before) == ["a", "b"]
        store.write("f/a", b"2")
        after = store.etags("f")
        assert (after["a"] == before["a"], after["b"] == before["b"]) == (False, True)
        store.move("f", "g")
        assert dict(store.etags("g")) == dict(after), "a study that is set aside keeps its index"
        assert dict(store.etags("nowhere")) == {}

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

    def test_a_blob_is_written_once_where_that_is_the_condition(self, store: Store) -> None:
        etag = store.write_if("f/a", b"first", None)
        assert store.fetch("f/a") == (b"first", etag)
        assert store.write_if("f/a", b"first", None) == etag, "the same once more is a resend"
        with pytest.raises(Conflict):
            store.write_if("f/a", b"second", None)
        assert store.read("f/a") == b"first"
        assert list(store.names("f")) == ["a"]

    def test_a_blob_is_replaced_only_by_who_knows_its_etag(self, store: Store) -> None:
        first = store.write_if("a", b"1", None)
        second = store.write_if("a", b"2", first)
        assert second != first
        with pytest.raises(Conflict):
            store.write_if("a", b"3", first)
        assert store.write_if("a", b"2", first) == second, "the answer to the second write was lost"
        assert store.write_if("a", b"3", second) == store.etag("a")
        assert store.read("a") == b"3"
        store.write("a", b"4")
        with pytest.raises(Conflict):
            store.write_if("a", b"5", second)

    def test_what_is_gone_is_replaced_by_nobody(self, store: Store) -> None:
        etag = store.write_if("a", b"1", None)
        store.delete("a")
        assert store.etag("a") is None
        with pytest.raises(Conflict):
            store.write_if("a", b"2", etag)
        with pytest.raises(FileNotFoundError):
            store.fetch("a")

    def test_a_blob_is_deleted_only_by_who_knows_its_etag(self, store: Store) -> None:
        first = store.write_if("a", b"1", None)
        second = store.write_if("a", b"2", first)
        with pytest.raises(Conflict):
            store.delete_if("a", first)
        assert store.read("a") == b"2"
        store.delete_if("a", second)
        assert not store.exists("a")
        store.delete_if("a", second)

    @pytest.mark.parametrize("there", [False, True])
    def test_of_many_conditional_writers_one_succeeds(self, store: Store, there: bool) -> None:
        etag = store.write_if("a", b"before", None) if there else None
        store.etag("a")
        ready = threading.Barrier(8)
        won: list[bytes] = []

        def write(content: bytes) -> None:
            ready.wait(timeout=120)
            with contextlib.suppress(Conflict):
                store.write_if("a", content, etag)
                won.append(content)

        threads = [threading.Thread(target=write, args=(b"%d" % number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=120)
        assert not any(thread.is_alive() for thread in threads), "a write does not end"
        assert won == [store.read("a")]

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
        contents_read = set()
        finished = threading.Event()

        def read() -> None:
            while not finished.is_set():
                contents_read.add(store.read("x"))

        reader = threading.Thread(target=read)
        reader.start()
        for content in sorted(contents) * 5:
            store.write("x", content)
        finished.set()
        reader.join(timeout=120)
        assert not reader.is_alive(), "a read does not end"
        assert contents_read <= contents
        assert list(store.names("")) == ["x"], "a write left something behind"
