"""Auxiliary tasks: S3's own, mappings of one's own, and what is said about a wrong one."""

from __future__ import annotations

import pytest

from trainables.datasets import KNOWN, DataError
from trainables.datasets.tasks import resolve_task

DIGITS = KNOWN["mnist"].classes
FASHION = KNOWN["fashion_mnist"].classes


def test_the_named_tasks_are_those_of_the_official_code() -> None:
    odd_even = resolve_task("odd_even", {}, DIGITS)
    assert [digit for digit, label in enumerate(odd_even.labels) if label] == [0, 2, 4, 6, 8]
    prime = resolve_task("prime_composite", {}, DIGITS)
    assert [digit for digit, label in enumerate(prime.labels) if label] == [2, 3, 5, 7]
    assert odd_even.classes == prime.classes == 2


@pytest.mark.parametrize(
    ("mapping", "classes", "labels"),
    [
        ({"A": 1, "E": 1, "default": 0}, "ABCDE", (1, 0, 0, 0, 1)),
        ({"0": 1, "4": 1, "default": 0}, "ABCDE", (1, 0, 0, 0, 1)),
        ({"A": "vowel", "E": "vowel", "default": "consonant"}, "ABCDE", (1, 0, 0, 0, 1)),
        ({"A": 5, "B": 7, "C": 9}, "ABC", (0, 1, 2)),
        ({"2": 1, "1": 0}, "21", (1, 0)),  # a class of that name goes before the index
        ({"Ankle boot": 1, "Sneaker": 1, "Sandal": 1, "default": 0}, FASHION, (0, 0, 0, 0, 0, 1, 0, 1, 0, 1)),
    ],
)
def test_a_mapping_gives_every_class_its_label(
    mapping: dict[str, int | str], classes: tuple[str, ...], labels: tuple[int, ...]
) -> None:
    assert resolve_task("mine", mapping, tuple(classes)).labels == labels


@pytest.mark.parametrize(
    ("name", "mapping", "classes", "message"),
    [
        ("odd", {}, DIGITS, "'odd' is no named task; did you mean 'odd_even'?"),
        ("shoes", {}, FASHION, "'shoes' is no named task; choose from odd_even, prime_composite, circle_polygon"),
        ("odd_even", {}, FASHION, "is about digits, and this dataset's classes are T-shirt/top, Trouser"),
        ("shoes", {"Sneakers": 1, "default": 0}, FASHION, "names class 'Sneakers'.*did you mean 'Sneaker'?"),
        ("x", {"10": 1, "default": 0}, DIGITS, "names class index 10, but the last one is 9"),
        ("x", {"A": 1}, "ABC", "has no label for class 'B' and 1 more; add it, or `default: LABEL`"),
        ("x", {"A": 1, "0": 0, "default": 0}, "ABC", "gives class 'A' two labels"),
        ("x", {"A": 1, "default": "none"}, "ABC", "mixes numbers and text as labels: 1, 'none'"),
        ("x", {"default": 3}, "ABC", "gives every class the label 3"),
    ],
)
def test_a_wrong_task_is_explained(
    name: str, mapping: dict[str, int | str], classes: tuple[str, ...], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        resolve_task(name, mapping, tuple(classes))
