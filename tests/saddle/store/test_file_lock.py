from __future__ import annotations

from pathlib import Path

from saddle.store.file_lock import try_lock


def test_one_holds_it_alone_or_many_share_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("w") as first, path.open() as second, path.open() as third:
        assert try_lock(first)
        assert not try_lock(second)
        assert not try_lock(second, shared=True)
        first.close()
        assert try_lock(second, shared=True)
        assert try_lock(third.fileno(), shared=True)
        assert not try_lock(third)
