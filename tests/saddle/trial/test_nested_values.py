from __future__ import annotations

from saddle.trial.nested_values import flatten


def test_every_value_stands_under_its_path_and_an_empty_mapping_has_none() -> None:
    nested = {"a": 1, "b": {"c": [2], "d": {"e": None, "f": {}}}, "g": {}}
    assert flatten(nested) == {"a": 1, "b.c": [2], "b.d.e": None}
    assert list(flatten(nested, "/")) == ["a", "b/c", "b/d/e"]
