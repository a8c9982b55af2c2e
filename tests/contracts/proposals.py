"""What everything that proposes trials must keep to. Subclass `ProposalsContract` and give `open_proposals`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from saddle.trial.outcome import Outcome
from saddle.trial.record import Entry
from saddle.trial.source import Proposal, Proposals


def entry_of(proposal: Proposal, outcome: Outcome = Outcome.COMPLETED, **metrics: float) -> Entry:
    """The entry of a proposal that ended."""
    return Entry(
        key=proposal.key, study="s", seed=proposal.seed, outcome=str(outcome), params=dict(proposal.settings),
        settings=dict(proposal.settings), metrics=metrics, arm=proposal.arm, number=proposal.number,
    )  # fmt: skip


class ProposalsContract:
    """The checks; `metrics` is what a trial measures."""

    metrics: Mapping[str, float] = {"validation/score": 0.5}

    @pytest.fixture
    def open_proposals(self) -> Any:
        """A function from finished entries by key to proposals; called again, it opens the same study again."""
        raise NotImplementedError("give a fixture `open_proposals`")

    def drain(self, proposals: Proposals, finished: dict[str, Entry]) -> list[str]:
        keys = []
        while (proposal := proposals.next()) is not None:
            keys.append(proposal.key)
            proposals.report(proposal.key, 1, self.metrics)
            finished[proposal.key] = entry_of(proposal, **self.metrics)
            proposals.finish(finished[proposal.key])
        return keys

    def test_every_trial_is_proposed_once_and_as_many_as_promised(self, open_proposals: Any) -> None:
        proposals = open_proposals({})
        keys = self.drain(proposals, {})
        assert len(keys) == len(set(keys)) == proposals.total

    def test_a_finished_study_proposes_nothing_more(self, open_proposals: Any) -> None:
        finished: dict[str, Entry] = {}
        self.drain(open_proposals({}), finished)
        assert open_proposals(finished).next() is None

    def test_a_trial_that_never_ended_is_proposed_again_first_and_the_same(self, open_proposals: Any) -> None:
        before = open_proposals({})
        first, second = before.next(), before.next()
        finished = {second.key: entry_of(second, **self.metrics)}
        before.finish(finished[second.key])
        again = open_proposals(finished)
        resumed = again.next()
        assert resumed == first
        rest = [resumed.key]
        finished[resumed.key] = entry_of(resumed, **self.metrics)
        again.finish(finished[resumed.key])
        rest += self.drain(again, finished)
        assert second.key not in rest
        assert len({*rest, second.key}) == again.total

    def test_hearing_of_an_end_twice_changes_nothing(self, open_proposals: Any) -> None:
        proposals = open_proposals({})
        proposal = proposals.next()
        for _ in range(2):
            proposals.finish(entry_of(proposal, **self.metrics))
        again = open_proposals({proposal.key: entry_of(proposal, **self.metrics)})
        assert again.next().key != proposal.key
