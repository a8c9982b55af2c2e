"""Parsers of scripts as configurations."""

from __future__ import annotations

import argparse
from typing import Any

import pytest
from pydantic import ValidationError

from trainables.contract import InProcessRun
from trainables.own_loop.argparse_config import config_from_parser
from trainables.own_loop.function import adapt_function
from trainables.own_loop.terms import StudyTerms


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", nargs="?", default="here")
    parser.add_argument("--lr", type=float, default=0.1, help="step size")
    parser.add_argument("--widths", type=int, nargs="+", default=[8])
    parser.add_argument("--optimizer", choices=["sgd", "adam"], default="sgd")
    parser.add_argument("--amp", action="store_true")
    parser.add_argument("--note")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--version", action="version", version="1")
    return parser


def test_every_option_is_a_field_with_its_default() -> None:
    config = config_from_parser(make_parser())
    assert config().model_dump() == vars(make_parser().parse_args([]))
    assert config.model_fields["lr"].description == "step size"


@pytest.mark.parametrize("wrong", [{"lr": "fast"}, {"optimizer": "lion"}, {"widths": ["a"]}, {"rate": 1}])
def test_what_the_parser_would_refuse_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        config_from_parser(make_parser())(**wrong)


def test_a_seed_among_the_options_is_the_trials() -> None:
    seen: list[int] = []

    def train(args: Any, run: Any) -> None:
        seen.append(args.seed)

    trainable = adapt_function(train, {"Config": config_from_parser(make_parser())}, StudyTerms())
    list(trainable.train(trainable.Config(), InProcessRun(seed=7)))
    assert seen == [7]
