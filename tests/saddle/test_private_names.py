"""What libraries keep for themselves is used in one file for each, so that an upgrade is mended in one place."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2] / "platform" / "saddle"

ADAPTERS = {
    "ray": "cluster/ray_internals.py",
    "optuna": "search/optuna_internals.py",
    "mlflow": "track/mlflow_internals.py",
}

PRIVATE_MODULES = re.compile(
    r"ray\.(.*\.)?(_\w+|core\.generated|tune\.execution|tune\.trainable\.metadata|air)\b"
    r"|optuna\.(.*\.)?_\w+|mlflow\.(.*\.)?_\w+|mlflow\.(store|utils)\b"
)

PRIVATE_WORDS = re.compile(
    r"node:__internal|_ray_internal|/ray\.rpc\.|/ajax-api/|mlflow\.(sharedView|experimentKind|parentRun)"
)

OWN_OBJECTS = {"self", "cls", "os", "storage", "study"}
"""What an attribute with an underscore may be asked of: ourselves, `os._exit`, and our own storage and study."""

NAMED_TUPLES = {"_asdict", "_replace"}


def private_uses(path: Path) -> Iterator[str]:
    """Each use of a name that its library keeps for itself, with its line."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            yield from (f"{node.lineno}: {name}" for name in names if PRIVATE_MODULES.match(name))
        elif isinstance(node, ast.Import):
            yield from (f"{node.lineno}: {one.name}" for one in node.names if PRIVATE_MODULES.match(one.name))
        elif isinstance(node, ast.Attribute) and re.match("_[a-z]", node.attr) and node.attr not in NAMED_TUPLES:
            if not (isinstance(node.value, ast.Name) and node.value.id in OWN_OBJECTS):
                yield f"{node.lineno}: {ast.unparse(node)}"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and PRIVATE_WORDS.match(node.value):
            yield f"{node.lineno}: {node.value!r}"


def test_no_other_file_uses_them() -> None:
    files = {path.relative_to(SOURCES).as_posix(): path for path in sorted(SOURCES.rglob("*.py"))}
    used = {name: list(private_uses(path)) for name, path in files.items() if name not in ADAPTERS.values()}
    assert {name: uses for name, uses in used.items() if uses} == {}


@pytest.mark.parametrize("library", ADAPTERS)
def test_an_adapter_is_of_one_library_and_its_uses_are_seen(library: str) -> None:
    path = SOURCES / ADAPTERS[library]
    uses = list(private_uses(path))
    assert uses, "the search above would find them"
    others = [name for name in ADAPTERS if name != library]
    assert not re.search(rf"^\s*(from|import) ({'|'.join(others)})\b", path.read_text(), re.M)
