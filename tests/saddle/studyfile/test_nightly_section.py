"""The section `nightly`: what it may say, and mistakes that are told without what is secret in them."""

from __future__ import annotations

import pytest

from saddle.studyfile.loader import dump_study, parse_studies
from tests.saddle.studyfile.conftest import ABLATION, SEARCH, Load, Refuse

NIGHTLY = f"{ABLATION}nightly:\n"


def test_it_has_defaults_and_is_written_out_whole(load: Load, fakes: dict[str, object]) -> None:
    [study] = load(f"{ABLATION}nightly: {{}}\n")
    assert study.nightly is not None
    assert (study.nightly.pool, study.nightly.rotation, study.nightly.missed) == (30, 3, "skip")
    assert parse_studies(dump_study(study), "again.yaml", trainables=fakes) == [study]


def test_the_variable_of_a_webhook_is_read_from_its_name(load: Load) -> None:
    [study] = load(f"{NIGHTLY}  notify: [{{webhook: env:SLACK_URL}}, {{command: tee night.txt}}]\n")
    assert study.nightly is not None
    assert [channel.variable for channel in study.nightly.notify] == ["SLACK_URL", None]


@pytest.mark.parametrize(
    ("line", "where", "what"),
    [
        ("pool: 2", "nightly.pool", "not accepted"),
        ("rotation: 40", "nightly", "can't repeat 40 of 30"),
        ("missed: maybe", "nightly.missed", "'maybe' is not known"),
        ("timezone: Berlin", "nightly.timezone", "not a time zone"),
        ("notify: [{}]", "nightly.notify[0]", "exactly one"),
        ("notify: [{webhook: SLACK_URL}]", "nightly.notify[0].webhook", "env:NAME"),
        ("pol: 30", "nightly.pol", "unknown key"),
    ],
)
def test_mistakes_are_told(refuse: Refuse, line: str, where: str, what: str) -> None:
    [problem] = refuse(f"{NIGHTLY}  {line}\n")
    assert problem.where == where
    assert what in str(problem)


@pytest.mark.parametrize("line", ["webhook: http://127.0.0.1/T0/s3cr3t-path", "command: curl --token=s3cr3tx1y2z3"])
def test_what_is_secret_is_refused_and_not_repeated(refuse: Refuse, line: str) -> None:
    [problem] = refuse(f"{NIGHTLY}  notify: [{{{line}}}]\n")
    assert "must not contain secrets" in str(problem)
    assert "s3cr3t" not in str(problem)
    assert "x1y2z3" not in str(problem)


@pytest.mark.parametrize(
    ("ablation", "where"),
    [
        ("  seeds: 8\n  race: true\n", "ablation.race"),
        ("  blocks: {steps: [1, 2]}\n", "ablation.blocks"),
    ],
)
def test_arms_and_seeds_are_the_nightlys_own(refuse: Refuse, ablation: str, where: str) -> None:
    text = ABLATION.replace("  seeds: 3\n", ablation)
    assert [problem.where for problem in refuse(f"{text}nightly: {{}}\n")] == [where]


def test_a_search_has_no_nights(refuse: Refuse) -> None:
    assert "ablation" in str(refuse(f"{SEARCH}nightly: {{}}\n")[0])
