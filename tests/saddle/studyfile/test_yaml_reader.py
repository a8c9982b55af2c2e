"""YAML in, values and lines out; rubbish becomes a problem with its line."""

from __future__ import annotations

import pytest

from saddle.studyfile.yaml_reader import LARGEST_FILE, read_documents


def values(text: str) -> object:
    [document], problems = read_documents(text.encode(), "f")
    assert problems == []
    return document.value


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1e-4", 1e-4),
        ("1E3", 1000.0),
        ("-.5", -0.5),
        ("1_000", 1000),
        ("017", 17),
        ("0o17", 15),
        ("0x1F", 31),
        ("off", "off"),
        ("yes", "yes"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("", None),
        ('"1"', "1"),
        ("'true'", "true"),
        ("1:30", "1:30"),
        ("validation/clean_accuracy >= 0.97", "validation/clean_accuracy >= 0.97"),
        ("[1, {a: b}]", [1, {"a": "b"}]),
    ],
)
def test_scalars_mean_what_yaml_1_2_says(written: str, meant: object) -> None:
    value = values(f"key: {written}\n")
    assert value == {"key": meant}
    assert type(value["key"]) is type(meant)


def test_every_key_and_item_has_its_line() -> None:
    [first, second], problems = read_documents(b"a: 1\nb:\n  c: [x,\n    y]\n---\nd: 2\n", "f")
    assert problems == []
    assert first.place(("b", "c", 1)).line == 4
    assert first.place(("b", "c", "not there")).line == 3
    assert second.place(("d",)).line == 6


def test_aliases_are_copies() -> None:
    value = values("a: &x {b: [1]}\nc: *x\n")
    assert value == {"a": {"b": [1]}, "c": {"b": [1]}}
    assert value["a"] is not value["c"]


def test_keys_are_texts_as_written() -> None:
    assert values("tasks: {0: 1, true: 2, 1.0: 3}") == {"tasks": {"0": 1, "true": 2, "1.0": 3}}


@pytest.mark.parametrize(
    ("data", "line", "what"),
    [
        (b"", 1, "the file is empty"),
        (b"# a comment\n\n# another\n", 1, "the file is empty"),
        (b"---\n---\n", 1, "the file is empty"),
        (b"study: one\n\xff\xfe\x00", 2, "not UTF-8 text"),
        (b"study: \0", 1, "binary data"),
        (b"\x7fELF\x02\x01\x01", 1, "not YAML"),
        (b"a: 1\nb: [1,\n", 2, "not YAML"),
        (b"a: 1\n b: 2\n", 2, "not YAML"),
        (b"a: 1\n\tb: 2\n", 2, "not YAML"),
        (b'a: "\\U00110000"\n', 1, "not YAML"),
        (b"%YAML 9\n---\n@", 1, "not YAML"),
        (
            b"a: 1\nb: !!python/object/apply:os.system [ls]\n",
            2,
            "the tag !!python/object/apply:os.system is not allowed",
        ),
        (b"a: !!str 1\n", 1, "the tag !!str is not allowed"),
        (b"!new a: 1\n", 1, "the tag !new is not allowed"),
        (b"a: 1\nb: 2\na: 3\n", 3, "a is given twice, first in line 1"),
        (b"? [a]\n: 1\n", 1, "a mapping or list can't be a key"),
        (b"{{ name }}: 1\n", 1, "a mapping or list can't be a key"),
        (b"a: &x 1\n*x : 2\n", 2, "an alias can't be a key"),
        (b"a: 1\n: 2\n", 2, "a key is missing"),
        (b"a: &x {b: 1}\nc:\n  <<: *x\n", 3, "<< is not a key"),
        (b"a: *x\n", 1, "*x is undefined"),
        (b"a: 1\nb: &x [1, *x]\n", 2, "*x contains itself"),
        (b"a: 2024-02-01\n", 1, "is a date"),
        (b"a: 2024-02-01 10:00:00\n", 1, "is a date"),
        (b"a: .inf\n", 1, "is not a finite number"),
        (b"a: -.INF\n", 1, "is not a finite number"),
        (b"a: .nan\n", 1, "is not a finite number"),
        (b"a: 1e999\n", 1, "too large for a float"),
        (b"a: 99999999999999999999\n", 1, "too large for an integer"),
        (b"a: " + b"9" * 5000 + b"\n", 1, "too large for an integer"),
        (b'a: "\\ud800"\n', 1, "half a character"),
        (b"[" * 5000, 1, "nested deeper"),
        (b"{a: " * 5000, 1, "nested deeper"),
        (b"a: [" + b"1," * 30_000 + b"1]", 1, "more than 20000 values"),
        (b"x" * (LARGEST_FILE + 1), 1, "larger than 256 KiB"),
    ],
)
def test_rubbish_is_refused_with_its_line(data: bytes, line: int, what: str) -> None:
    _, problems = read_documents(data, "f")
    assert [problem.line for problem in problems] == [line]
    assert what in str(problems[0])


def test_an_alias_bomb_is_refused_before_it_goes_off() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    _, [problem] = read_documents("\n".join(lines).encode(), "f")
    assert "too large or too deep" in problem.what


def test_a_chain_of_aliases_is_as_deep_as_what_it_stands_for() -> None:
    lines = ["a0: &a0 [[[[[[[[x]]]]]]]]"] + [f"a{i}: &a{i} [[[[[*a{i - 1}]]]]]" for i in range(1, 500)]
    _, [problem] = read_documents("\n".join(lines).encode(), "f")
    assert "too large or too deep" in problem.what


def test_all_mistakes_of_a_file_are_told() -> None:
    _, problems = read_documents(b"a: !x 1\nb: .inf\nb: 2\nc: *d\n", "f")
    assert [problem.line for problem in problems] == [1, 2, 3, 4]


def test_a_trailing_separator_is_no_document() -> None:
    documents, problems = read_documents(b"a: 1\n---\n", "f")
    assert (len(documents), problems) == (1, [])


def test_documents_before_a_syntax_error_are_kept() -> None:
    documents, problems = read_documents(b"a: 1\n---\nb: [\n", "f")
    assert ([document.value for document in documents], len(problems)) == ([{"a": 1}], 1)
