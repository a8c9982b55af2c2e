"""Names in other systems: reversible, without collisions, in the signs and lengths that the system takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.utils.validation import path_not_unique, validate_param_and_metric_name

from saddle.external_names import (
    FILE_SIGN,
    KEY_SIGN,
    LONGEST_FILE_NAME,
    LONGEST_KEY,
    LONGEST_MLFLOW_NAME,
    escape,
    file_name,
    mlflow_name,
    run_key,
    unescape,
)

ODD = st.text(st.sampled_from("_x5BF[]./ -:ä<&$\u0308\n'\"`\\#?%h"), min_size=1, max_size=30)
ANY = st.one_of(ODD, st.text(min_size=1, max_size=60))
BORDERS = [(mlflow_name, LONGEST_MLFLOW_NAME), (run_key, LONGEST_KEY), (file_name, LONGEST_FILE_NAME)]


@given(ANY)
def test_what_is_escaped_can_be_read_again(text: str) -> None:
    for border, longest in BORDERS:
        escaped = border(text)
        assert len(escaped) <= longest
        if len(escaped) < longest:
            assert unescape(escaped) == text


@given(ANY, ANY)
def test_no_two_texts_have_one_name(one: str, other: str) -> None:
    for border, _ in BORDERS:
        assert (border(one) == border(other)) == (one == other)


@given(st.integers(0, 300), st.text(min_size=1, max_size=3), st.text(min_size=1, max_size=3))
def test_long_texts_that_begin_alike_have_names_of_their_own(length: int, one: str, other: str) -> None:
    for border, _ in BORDERS:
        assert (border("[" * length + one) == border("[" * length + other)) == (one == other)


@given(st.text(max_size=300))
def test_names_are_what_their_systems_take(text: str) -> None:
    name = mlflow_name(text)
    assert validate_param_and_metric_name(name)
    assert "\n" not in name
    assert not path_not_unique(name)
    assert all(map(KEY_SIGN.fullmatch, run_key(text)))
    file = file_name(text)
    assert all(map(FILE_SIGN.fullmatch, file))
    assert not file.startswith(".")
    assert 0 < len(file.encode()) <= LONGEST_FILE_NAME


@pytest.mark.parametrize(
    "name",
    ["lr", "tasks.vowel.A", "test/accuracy.worst_case", "saddle.main: lr: 0.1 x steps: 2", "head_x5", "ä", "a b"],
)
def test_plain_names_stay_as_they_are(name: str) -> None:
    assert mlflow_name(name) == name
    assert run_key(name) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a[b]", "a_x5B_b_x5D_"),
        ("50% #1?", "50_x25_ _x23_1_x3F_"),
        ("_x5B_", "_x5F_x5B_"),
        ("_x5[", "_x5F_x5_x5B_"),
        ("../up", "_x2E_./up"),
        ("/a//b/", "_x2F_a/_x2F_b_x2F_"),
        ("a/./b", "a/_x2E_/b"),
    ],
)
def test_names_that_mlflow_refuses(text: str, name: str) -> None:
    assert mlflow_name(text) == name
    assert unescape(name) == text


def test_file_names() -> None:
    assert file_name("test/confusion") == "test_x2F_confusion"
    assert file_name(".hidden") == "_x2E_hidden"
    assert file_name("epoch 00001, a+b") == "epoch 00001, a+b"
    assert escape("", FILE_SIGN, 20) == escape("", KEY_SIGN, 20) != ""
