"""Auxiliary tasks: S3's own, mappings of one's own, and what is said about a wrong one."""

from __future__ import annotations

import pytest

from trainables.datasets import KNOWN, DataError
from trainables.datasets.auxiliary_tasks.class_tables import ClassTable, class_table
from trainables.datasets.auxiliary_tasks.tasks import example_task, resolve_task, table_of, tables

DIGITS = KNOWN["mnist"].facts.classes
FASHION = KNOWN["fashion_mnist"].facts.classes


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
        ("odd", {}, DIGITS, "'odd' is not a named task; did you mean 'odd_even'?"),
        ("shoes", {}, FASHION, "'shoes' is not a named task; choose from odd_even, prime_composite, animal_vehicle"),
        ("circle", {}, KNOWN["gtsrb"].facts.classes, "'circle' is not a named task; did you mean 'circle_polygon'?"),
        (
            "odd_even",
            {},
            KNOWN["cifar10"].facts.classes,
            "is about digits.*its tasks are animal_vehicle, land_sky_water",
        ),
        ("animal_vehicle", {}, DIGITS, "is about CIFAR-10's classes.*its tasks are odd_even, prime_composite"),
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


def members(dataset: str, task: str, label: str) -> set[str]:
    """The classes that a task of a known dataset gives a label, by what it stands for."""
    table = KNOWN[dataset].tasks
    assert table is not None
    labels = resolve_task(task, {}, table.classes).labels
    return {name for name, number in zip(table.classes, labels, strict=True) if table.meanings[task][number] == label}


def test_the_tasks_of_s3_tell_classes_apart_by_meaning() -> None:
    assert members("cifar10", "animal_vehicle", "vehicle") == {"airplane", "automobile", "ship", "truck"}
    assert members("cifar10", "land_sky_water", "sky") == {"airplane", "bird"}
    assert members("cifar10", "land_sky_water", "water") == {"frog", "ship"}
    characters = members("gtsrb", "character_symbol", "character")
    assert len(characters) == 10
    assert characters == {"Stop"} | {name for name in KNOWN["gtsrb"].facts.classes if "km/h" in name}
    polygons = members("gtsrb", "circle_polygon", "polygon")
    assert {"Stop", "Yield", "Priority road", "Road work"} < polygons
    assert not polygons & {"No entry", "Roundabout mandatory", "Keep left", "No passing"}
    animals = members("tiny_imagenet", "animal_machine_other", "animal")
    assert animals < members("tiny_imagenet", "natural_artefact", "natural")
    assert members("tiny_imagenet", "animal_machine_other", "machine") < members(
        "tiny_imagenet", "natural_artefact", "artefact"
    )
    assert "goldfish" in animals
    assert not animals & {"teddy", "spider web", "lemon"}
    assert members("svhn", "prime_composite", "prime") == set("2357")


@pytest.mark.parametrize("table", tables(), ids=lambda table: table.name)
def test_a_table_is_whole(table: ClassTable) -> None:
    name = table.name
    classes = len(table.classes)
    assert classes == {"digits": 10, "gtsrb": 43, "cifar10": 10, "tiny_imagenet": 200, "synthetic_shapes": 8}[name]
    assert len(set(table.classes)) == len(set(table.keys)) == classes
    assert len(table.tasks) == 2, "S3, Table 2"
    for task, labels in table.tasks.items():
        assert set(labels) == set(range(len(table.meanings[task])))
    owners = [task for other in tables() for task in other.tasks]
    assert len(owners) == len(set(owners)), "a name belongs to one table"
    if name != "digits":
        assert list(table.keys) == (sorted(table.keys) if name == "tiny_imagenet" else list(map(str, range(classes))))


def test_ones_own_copy_of_a_dataset_has_its_tasks() -> None:
    table = KNOWN["tiny_imagenet"].tasks
    assert table is not None
    copy = [f"{key} {name}" for key, name in zip(table.keys, table.classes, strict=True)]
    for classes in (table.keys, table.classes, copy):
        assert resolve_task("natural_artefact", {}, classes).labels == table.tasks["natural_artefact"]
    assert table_of(table.classes[:-1]) is None, "a part of the classes may be anything"
    assert table_of([str(label) for label in range(43)]) is None, "bare numbers may be anything"


def test_an_example_is_one_that_would_do() -> None:
    for dataset, known in KNOWN.items():
        example = example_task(dataset)
        if known.tasks is not None:
            assert resolve_task(example, {}, known.facts.classes).classes > 1
        else:
            assert example == f"{{my_task: {{{known.facts.classes[-1]}: 1, default: 0}}}}"
    assert example_task("fashion_mnist") == "{my_task: {Ankle boot: 1, default: 0}}"
    assert example_task({"known": "gtsrb", "size": 48}) == "circle_polygon"
    assert example_task({"folder": "x"}) == "{my_task: {CLASS: 1, default: 0}}"


def test_a_table_may_be_said_in_words() -> None:
    table = class_table("letters", "letters", "abc", {"vowel_consonant": {"vowel": "a", "consonant": "bc"}})
    assert (table.tasks, table.meanings) == (
        {"vowel_consonant": (0, 1, 1)},
        {"vowel_consonant": ("vowel", "consonant")},
    )
    for labelled in ({"vowel": "a", "consonant": "b"}, {"vowel": "ab", "consonant": "bc"}, {"vowel": "abcd"}):
        with pytest.raises(ValueError, match="must give each of the 3 classes one label"):
            class_table("letters", "letters", "abc", {"vowel_consonant": labelled})
