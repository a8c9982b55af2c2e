"""Keys that name a class: names, indices, and neither where both could be meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainables.adversarial_training.config import Config
from trainables.datasets.auxiliary_tasks.class_keys import class_index, readings_of
from trainables.datasets.auxiliary_tasks.tasks import resolve_task
from trainables.datasets.errors import DataError

SORTED_AS_TEXT = tuple(sorted(map(str, range(12))))  # 0, 1, 10, 11, 2, …: what a folder's classes are
FROM_ONE = ("1", "2", "3")
ODD_NAMES = [*map(str, range(13)), "A", "default", "name 2", "index 2"]


@pytest.mark.parametrize(
    ("key", "classes", "index"),
    [
        ("A", "BA", 1),
        ("0", "BA", 0),
        ("1", SORTED_AS_TEXT, 1),  # both readings are the same class
        ("11", SORTED_AS_TEXT[:5], 3),  # there is no twelfth class
        ("name 2", SORTED_AS_TEXT, 4),
        ("index 2", SORTED_AS_TEXT, 2),
        ("3", FROM_ONE, 2),
        ("name 1", FROM_ONE, 0),
        ("index 1", FROM_ONE, 1),
        ("index 2", ("index 2", "B"), 0),
        ("01", ("01", "1"), 0),
        ("1.0", ("1", "1.0"), 1),
        ("yes", ("no", "yes"), 1),
    ],
)
def test_a_key_means_one_class(key: str, classes: tuple[str, ...], index: int) -> None:
    assert class_index(key, tuple(classes), "task 'x'") == index


@pytest.mark.parametrize(
    ("key", "classes", "message"),
    [
        ("2", SORTED_AS_TEXT, r"class 2, .*'name 2' for class '2' \(index 4\) or 'index 2' for class '10'"),
        ("1", FROM_ONE, r"'name 1' for class '1' \(index 0\) or 'index 1' for class '2' \(index 1\)"),
        ("index 2", ("index 2", "B", "C"), "'name index 2' for class 'index 2'.*'index 2' for class 'C'"),
        ("01", "AB", "names class '01', which the dataset doesn't have"),
        ("1_0", SORTED_AS_TEXT, "names class '1_0'"),
        ("٣", "ABCDE", "names class '٣'"),
        ("1.0", "ABCDE", "names class '1.0'"),
        ("0o1", "ABCDE", "names class '0o1'"),
        ("index 9", "AB", "names class index 9, but the last one is 1"),
        ("9" * 5000, "AB", "names class '999"),
    ],
)  # fmt: skip
def test_what_could_be_two_classes_or_none_is_refused(key: str, classes: tuple[str, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        class_index(key, tuple(classes), "task 'x'")


@given(st.lists(st.sampled_from(ODD_NAMES), unique=True, min_size=2), st.data())
def test_every_class_can_be_named_in_both_ways(classes: list[str], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(classes) - 1))
    for key in (classes[index], str(index), f"name {classes[index]}", f"index {index}"):
        readings = readings_of(key, classes)
        assert index in readings.values()
        for spelled, meant in readings.items():
            assert meant in readings_of(spelled, classes).values()


def test_the_key_default_where_a_class_is_called_so() -> None:
    classes = ("A", "default", "B")
    with pytest.raises(DataError, match=r"says `default`, which is a class.*write 'name default' for the class"):
        resolve_task("x", {"A": 1, "default": 0}, classes)
    assert resolve_task("x", {"name default": 1, "default": 0}, classes).labels == (0, 1, 0)
    assert resolve_task("x", {"index 1": 1, "A": 1, "B": 0}, classes).labels == (1, 1, 0)


def test_keys_that_are_the_same_text_are_told() -> None:
    with pytest.raises(ValueError, match="task 'x' gives class 1 twice"):
        Config.model_validate({"tasks": {"x": {1: 0, "1": 1, "default": 0}}})
    with pytest.raises(ValueError, match="task '1' is given twice"):
        Config.model_validate({"tasks": [{1: {"A": 0}}, {"1": {"A": 1}}]})
