"""Which paths a storage takes: relative ones, separated by `/`, that stay below its root however they are read."""

from __future__ import annotations

from saddle.errors import ForeignPath

SHOWN = 200
"""Characters of a refused path that a message repeats."""


def check_path(path: str, *, root: bool = False) -> str:
    """The path, unchanged; raises `ForeignPath` if it could name anything outside the root.

    With `root` an empty path, which is the storage itself, is fine.
    """
    if root and path == "":
        return path
    why = _why_refused(path)
    if why:
        raise ForeignPath(f"{str(path)[:SHOWN]!r} is not a path in a storage: {why}")
    return path


def check_name(name: str, what: str) -> str:
    """The name of one folder in a storage, unchanged; raises `ForeignPath` saying that it can't be `what`."""
    if not is_name(name):
        raise ForeignPath(f"{str(name)[:SHOWN]!r} can't be {what}: it is not a name of a folder in a storage")
    return name


def is_name(name: str) -> bool:
    """Whether this is the name of one blob or folder."""
    return not _why_refused(name) and "/" not in name and "\\" not in name


def _why_refused(path: str) -> str:
    if not isinstance(path, str):
        return "it is not text"
    if path in ("", "."):
        return "it is the storage itself"
    if "\0" in path:
        return "it holds a NUL character"
    # a backslash separates nothing here, but it does for some of what a storage is copied to
    parts = path.replace("\\", "/").split("/")
    if not parts[0]:
        return "it is absolute"
    if ".." in parts:
        return "it is outside of its folder"
    return "a part of it is empty" if "" in parts or "." in parts else ""
