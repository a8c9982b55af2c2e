"""The contract of everything that proposes trials. Subclass `TrialSourceContract` and give `open_source`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from saddle.trial.measurement import Measurement
from saddle.trial.outcome import Outcome
from saddle.trial.progress import TrialProgress
from saddle.trial.record import TrialRecord
from saddle.trial.source import TrialSource
from saddle.trial.spec import TrialSpec


def entry_of(spec: TrialSpec, outcome: Outcome = Outcome.COMPLETED, **metrics: float) -> TrialRecord:
    """The record of a trial that ended."""
    progress = TrialProgress(replace(spec, params=dict(spec.settings)), attempts=1)
    return TrialRecord(progress, str(outcome), Measurement(metrics))


class TrialSourceContract:
    """The checks; `metrics` is what a trial measures."""

    metrics: Mapping[str, float] = {"validation/score": 0.5}

    @pytest.fixture
    def open_source(self) -> Any:
        """A function from finished entries by key to proposals; called again, it opens the same study again."""
        raise NotImplementedError("give a fixture `open_source`")

    def drain(self, source: TrialSource, finished: dict[str, TrialRecord]) -> list[str]:
        keys = []
        while (proposal := source.next()) is not None:
            keys.append(proposal.key)
            source.report(proposal.key, 1, self.metrics)
            finished[proposal.key] = entry_of(proposal, **self.metrics)
            source.finish(finished[proposal.key])
        return keys

    def test_every_trial_is_proposed_once_and_as_many_as_promised(self, open_source: Any) -> None:
        source = open_source({})
        assert source.machine is None, "no study of these names kinds of machines"
        keys = self.drain(source, {})
        assert len(keys) == len(set(keys)) == source.total

    def test_a_finished_study_proposes_nothing_more(self, open_source: Any) -> None:
        finished: dict[str, TrialRecord] = {}
        self.drain(open_source({}), finished)
        assert open_source(finished).next() is None

    def test_a_trial_that_never_ended_is_proposed_again_first_and_the_same(self, open_source: Any) -> None:
        before = open_source({})
        first, second = before.next(), before.next()
        finished = {second.key: entry_of(second, **self.metrics)}
        before.finish(finished[second.key])
        again = open_source(finished)
        resumed = again.next()
        assert resumed == first
        rest = [resumed.key]
        finished[resumed.key] = entry_of(resumed, **self.metrics)
        again.finish(finished[resumed.key])
        rest += self.drain(again, finished)
        assert second.key not in rest
        assert len({*rest, second.key}) == again.total

    def test_hearing_of_an_end_twice_changes_nothing(self, open_source: Any) -> None:
        source = open_source({})
        proposal = source.next()
        for _ in range(2):
            source.finish(entry_of(proposal, **self.metrics))
        again = open_source({proposal.key: entry_of(proposal, **self.metrics)})
        assert again.next().key != proposal.key
