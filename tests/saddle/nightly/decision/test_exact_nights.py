"""Nights on a deterministic machine: equal or changed, and a change compared until it is settled."""

from __future__ import annotations

from dataclasses import replace

import pytest

from saddle.errors import UserError
from saddle.nightly.decision.decision import FAILURES
from saddle.nightly.decision.exact_rule import exact_decision
from saddle.nightly.decision.history import History
from saddle.nightly.decision.judge import judge
from saddle.nightly.decision.night import Code, Environment, Measurement, Night, Replicate
from saddle.nightly.decision.plan import next_work
from saddle.nightly.decision.policy import Policy, Watched
from saddle.nightly.decision.work import Work
from tests.support.simulated_nights import (
    CLEAN,
    ONE,
    POLICY,
    ROBUST,
    Machine,
    Version,
    date_of,
    decided,
    environment_of,
    last,
    only,
    run_night,
    run_nights,
)

SAME = Version(0)
VERSIONS = {
    "first": SAME,
    "docs": SAME,
    "harmless": Version(1),
    "harmless-docs": Version(1),
    "second": Version(2),
    "weak": Version(3, shift=-0.06),
    "weak-mp": Version(4, shift=-0.06, arms=("mp",)),
}
SETTLING = ["changed", *["not settled"] * 5, "no worse"]


def machine_of(policy: Policy = POLICY) -> Machine:
    return Machine(policy, dict(VERSIONS))


def kinds(history: History) -> list[str]:
    return [kind for kind, _ in decided(history)]


def filled(machine: Machine) -> History:
    return run_nights(History(machine.policy), machine, ["first"])


def test_a_pool_is_filled_over_nights_and_one_seed_of_it_is_measured_again_on_each() -> None:
    machine, history = machine_of(), History(POLICY)
    for _ in range(3):
        history = run_night(history, machine, environment_of("first"), time_for=only(25))
    assert decided(history) == [("filling", 0)] * 3
    assert [decision.references for decision in history.decisions] == [25, 50, 60]
    repeated = [work.replicates for work in machine.asked if work.purpose == "rotation"]
    assert repeated == [POLICY.replicates((0,))] * 2
    trained = [each for work in machine.asked if work.purpose == "pool" for each in work.replicates]
    assert sorted(trained) == sorted(POLICY.pool), "nothing is trained twice"
    assert decided(run_nights(history, machine, ["docs"]))[-1] == ("unchanged", 0)


def test_nights_repeat_the_pool_in_rotation_and_equal_values_need_no_test() -> None:
    machine = machine_of()
    history = run_nights(filled(machine), machine, ["first", "docs"] * 6)
    assert decided(history)[1:] == [("unchanged", 0)] * 12
    repeated = [sorted({each.seed for each in work.replicates}) for work in machine.asked[1:]]
    assert repeated == [[3 * night % 30 + place for place in range(3)] for night in range(12)]
    assert not any(decision.is_news for decision in history.decisions)


def test_a_difference_in_the_last_digit_is_a_change_since_a_commit_and_names_what_to_bisect_with() -> None:
    machine = machine_of()
    history = run_nights(filled(machine), machine, ["docs"])
    environment = environment_of("harmless")
    repeated = next_work(history, Night(date_of(2), environment))
    assert repeated is not None
    values = {each: machine.measure(each, machine.asked[0]) for each in repeated.replicates}
    witness = Replicate("sta", 4)
    nudged = {**values[witness].metrics, CLEAN: values[witness].metrics[CLEAN] + 1e-12}
    measured = [
        Measurement(*each, nudged if each == witness else dict(value.metrics)) for each, value in values.items()
    ]
    night = Night(date_of(2), environment).with_measurements(measured)
    decision = judge(history, night)
    assert (decision.kind, decision.exit_code, decision.is_news) == ("changed", 4, True)
    assert decision.change is not None
    assert [(each.replicate, each.metric) for each in decision.change.differences] == [(witness, CLEAN)]
    assert decision.change.commits == (Code("docs"), Code("harmless"))
    assert decision.change.what == ("code",)
    assert decision.change.witness == witness
    assert decision.change.needs_bisection


def test_a_harmless_change_is_compared_with_twelve_seeds_at_once_then_three_a_night_and_accepted_after_thirty() -> None:
    machine = machine_of()
    history = run_nights(filled(machine), machine, ["harmless"] * 7)
    assert kinds(history)[1:] == SETTLING
    assert [decision.seeds for decision in history.decisions[1:]] == list(range(12, 31, 3))
    settled = last(history)
    assert settled.accepted
    assert settled.is_news
    assert {(effect.arm, effect.metric) for effect in settled.effects} == {
        (arm, metric) for arm in POLICY.arms for metric in (ROBUST, CLEAN)
    }
    for effect in settled.effects:
        assert effect.interval is not None
        assert effect.interval[0] < effect.mean < effect.interval[1]
        assert effect.interval[0] < 0 < effect.interval[1]
    trained = [each for work in machine.asked for each in work.replicates if work.purpose == "comparison"]
    assert len(set(trained)) == len(trained)
    assert kinds(run_nights(history, machine, ["harmless-docs"] * 10))[-10:] == ["unchanged"] * 10


def test_while_a_change_is_compared_one_seed_that_showed_it_is_measured_again_first() -> None:
    machine = machine_of()
    run_nights(filled(machine), machine, ["harmless"] * 2)
    first, batch, again, more = machine.asked[1:]
    assert (first.purpose, len(first.replicates)) == ("rotation", 6)
    assert (batch.purpose, len(batch.replicates)) == ("comparison", 18)
    assert sorted(again.replicates) == sorted(POLICY.replicates((0,)))
    assert again.required
    assert (more.purpose, len(more.replicates)) == ("comparison", 6)


def test_a_weakening_is_worse_on_its_first_night_and_stays_so_without_being_news() -> None:
    machine = machine_of()
    history = run_nights(filled(machine), machine, ["weak-mp"] * 3)
    assert decided(history)[1:] == [("worse", 1)] * 3
    assert [decision.is_news for decision in history.decisions[1:]] == [True, False, False]
    worse = {(effect.arm, effect.metric) for effect in history.decisions[1].effects if effect.is_worse}
    assert worse <= {("mp", ROBUST), ("mp", CLEAN)}
    assert worse
    assert [work.purpose for work in machine.asked[3:]] == ["rotation"] * 2, "nothing more is compared"


@pytest.mark.parametrize(("shift", "kind"), [(-1e-14, "no worse"), (-1e-4, "worse")])
def test_equal_differences_are_judged_by_their_signs_unless_they_are_rounding(shift: float, kind: str) -> None:
    machine = machine_of(ONE)
    machine.versions["shifted"] = Version(0, shift=shift)
    history = run_nights(filled(machine), machine, ["shifted"] * 7)
    assert last(history).kind == kind
    assert last(history).effects[0].mean == pytest.approx(shift, rel=0.1)


def test_an_improvement_is_no_worse() -> None:
    machine = machine_of()
    machine.versions["strong"] = Version(5, shift=0.05)
    assert kinds(run_nights(filled(machine), machine, ["strong"] * 7))[1:] == SETTLING


def test_where_smaller_is_better_a_rise_is_worse() -> None:
    policy = replace(ONE, watched=(Watched("test/loss", "minimize"),))
    machine = Machine(policy, {"first": SAME, "up": Version(1, 0.06), "down": Version(2, -0.06)})
    assert decided(run_nights(filled(machine), machine, ["up"]))[-1] == ("worse", 1)
    assert decided(run_nights(filled(machine), machine, ["down"]))[-1] == ("changed", 4)


def test_a_second_change_supersedes_the_first_and_is_compared_with_the_accepted_references() -> None:
    machine = machine_of()
    history = run_nights(filled(machine), machine, ["harmless", "harmless", "second"])
    decision = last(history)
    assert (decision.kind, decision.exit_code, decision.seeds) == ("superseded", 4, 12)
    assert decision.superseded is not None
    assert decision.change is not None
    assert decision.superseded.commits == (Code("first"), Code("harmless"))
    assert decision.change.commits == (Code("harmless"), Code("second"))
    [track] = history.tracks.exact.values()
    assert track.environment.code == Code("first")
    assert kinds(run_nights(history, machine, ["second"] * 6))[-6:] == SETTLING[1:]


def test_a_weakening_during_a_harmless_changes_comparison_is_worse_and_names_both() -> None:
    machine = machine_of()
    history = run_nights(filled(machine), machine, ["harmless", "harmless", "weak"])
    decision = last(history)
    assert (decision.kind, decision.exit_code) == ("worse", 1)
    assert decision.superseded is not None
    assert decision.superseded.commits == (Code("first"), Code("harmless"))


def test_a_change_after_a_weakening_is_compared_anew_and_supersedes_nothing() -> None:
    machine = machine_of()
    history = run_nights(filled(machine), machine, ["weak", "second"])
    decision = last(history)
    assert (decision.kind, decision.superseded, decision.is_news) == ("changed", None, True)
    machine.versions["still weak"] = Version(9, shift=-0.06)
    again = last(run_nights(history, machine, ["still weak"]))
    assert (again.kind, again.is_news) == ("worse", True)
    assert again.superseded == decision.change


@pytest.mark.parametrize("changed", ["harmless", "weak"])
def test_a_change_that_is_taken_back_is_unchanged_again(changed: str) -> None:
    machine = machine_of()
    history = run_nights(filled(machine), machine, [changed, changed, "first", "first"])
    assert kinds(history)[-2:] == ["unchanged"] * 2
    reverted = history.decisions[-2].reverted
    assert reverted is not None
    assert reverted.after.code == Code(changed)
    assert [decision.is_news for decision in history.decisions[-2:]] == [True, False]


def test_a_change_during_filling_is_noticed_and_judged_once_the_pool_is_whole() -> None:
    machine, history = machine_of(), History(POLICY)
    for commit in ("first", "harmless", "harmless"):
        history = run_night(history, machine, environment_of(commit), time_for=only(25))
    assert kinds(history) == ["filling", "changed", "not settled"]
    assert [decision.seeds for decision in history.decisions] == [0, 0, 12]
    assert history.decisions[1].references == 50
    pool = [work for work in machine.asked if work.purpose == "pool"]
    assert {work.code for work in pool} == {Code("first")}, "the pool belongs to one commit"
    assert kinds(run_nights(history, machine, ["harmless"] * 6))[-6:] == SETTLING[1:]


def test_a_pool_of_uncommitted_changes_or_of_data_that_are_gone_begins_again() -> None:
    machine, history = machine_of(), History(POLICY)
    dirty = Environment(Code("first", "123"), "data", "env", "cpu")
    history = run_night(history, machine, dirty, time_for=only(25))
    history = run_night(history, machine, environment_of("second"), time_for=only(25))
    decision = last(history)
    assert (decision.kind, decision.begun_again, decision.exit_code) == ("changed", True, 4)
    assert decision.references == 25 + 2
    machine.versions["elsewhere"] = Version(7)
    history = run_night(history, machine, environment_of("elsewhere", data="new"), time_for=only(25))
    assert last(history).begun_again
    assert last(history).change is not None
    assert last(history).change.what == ("code", "data")


def test_a_new_machine_or_environment_has_references_of_its_own_and_is_no_change() -> None:
    machine = machine_of()
    history = run_nights(filled(machine), machine, ["first"])
    machine.versions["elsewhere"] = Version(8)
    other = environment_of("elsewhere", machine="other")
    history = run_night(history, machine, other)
    history = run_night(history, machine, other)
    history = run_night(history, machine, environment_of("elsewhere", environment="newer torch"))
    history = run_nights(history, machine, ["docs"])
    assert kinds(history) == ["filling", "unchanged", "filling", "unchanged", "filling", "unchanged"]
    assert len(history.tracks.exact) == 3


def test_a_machine_that_gives_other_values_for_the_same_code_and_data_shows_that_no_fingerprint_changed() -> None:
    machine = Machine(ONE, dict(VERSIONS), reproducible=False)
    history = run_nights(filled(machine), machine, ["first"])
    change = last(history).change
    assert change is not None
    assert change.what == ()
    assert not change.needs_bisection


def test_replicates_that_begin_to_fail_are_counted_at_the_worst_and_never_dropped() -> None:
    machine = machine_of(ONE)
    failing = {Replicate("mp", seed): "collapsed" for seed in range(0, 30, 2)}
    machine.versions["failing"] = Version(1, shift=0.004, failing=failing)
    history = run_nights(filled(machine), machine, ["failing"] * 7)
    failures, metric = last(history).effects
    assert (failures.metric, metric.metric) == (FAILURES, ROBUST)
    assert metric.failed == failures.failed == (0, metric.seeds // 2)
    assert metric.mean < 0, "with failures left out it would rise"
    assert failures.is_worse
    assert last(history).kind == "worse"


def test_an_arm_of_which_all_replicates_begin_to_fail_is_worse_on_the_first_night() -> None:
    machine = machine_of()
    machine.versions["broken"] = Version(1, failing={Replicate("mp", seed): "diverged" for seed in range(30)})
    history = run_nights(filled(machine), machine, ["broken"])
    assert decided(history)[-1] == ("worse", 1)
    assert {effect.arm for effect in last(history).effects if effect.is_worse} == {"mp"}


def test_failures_that_stay_the_same_are_unchanged() -> None:
    machine = machine_of(ONE)
    failing = {Replicate("mp", seed): "collapsed" for seed in range(3)}
    machine.versions["first"] = machine.versions["docs"] = Version(0, failing=failing)
    assert decided(run_nights(filled(machine), machine, ["docs"]))[-1] == ("unchanged", 0)


def test_a_watched_metric_that_is_no_longer_reported_counts_as_a_failure() -> None:
    machine = machine_of(ONE)
    history = filled(machine)
    night = Night(date_of(1), environment_of("docs")).with_measurements(
        Measurement("mp", seed, {"test/other": 1.0}) for seed in range(12)
    )
    decision = judge(history, night)
    assert decision.kind == "worse"
    assert [effect.failed for effect in decision.effects] == [(0, 12)] * 2
    assert decision.change is not None
    assert decision.change.differences[0].tonight is None


def test_a_night_without_what_it_must_measure_is_unfinished_and_no_part_of_a_history() -> None:
    machine = machine_of()
    history = filled(machine)
    night = Night(date_of(1), environment_of("first"))
    decision = judge(history, night)
    assert (decision.kind, decision.exit_code) == ("unfinished", 3)
    with pytest.raises(ValueError, match="is not finished"):
        history.with_night(night)


def test_a_night_that_repeated_no_reference_is_not_called_unchanged() -> None:
    """As where an earlier policy had another pool: nothing of the night can be compared, so nothing is said of it."""
    [first] = filled(machine_of()).nights
    track, _ = exact_decision(POLICY, None, first)
    night = Night(date_of(1), environment_of("first"))
    after, decision = exact_decision(POLICY, track, night)
    assert (decision.kind, decision.exit_code) == ("unfinished", 3)
    assert after is track, "it moves nothing either"


def test_a_batch_that_time_cuts_short_goes_on_the_next_night() -> None:
    machine = machine_of()
    history = filled(machine)

    def half(work: Work) -> Work:
        return replace(work, replicates=work.replicates[:8]) if work.purpose == "comparison" else work

    for _ in range(3):
        history = run_night(history, machine, environment_of("harmless"), time_for=half)
    assert kinds(history)[1:] == ["changed", "not settled", "not settled"]
    assert [decision.seeds for decision in history.decisions[1:]] == [0, 0, 12]


def test_a_person_moves_the_references_to_a_change_that_is_worse() -> None:
    machine = machine_of()
    history = run_nights(filled(machine), machine, ["weak", "weak"])
    history = history.accept(history.nights[-1].date, "the loss is intended", by="me")
    history = run_nights(history, machine, ["weak", "weak"])
    assert kinds(history)[-2:] == ["filling", "unchanged"]
    assert [last(history).references, last(history).pool] == [60, 60]
    assert history.accepted[0].why == "the loss is intended"
    for date, message in (("1999-01-01", "no night of"), (date_of(4), "equals its references")):
        with pytest.raises(UserError, match=message):
            history.accept(date, "why not")
    changed = run_nights(history, machine, ["second"])
    with pytest.raises(UserError, match="is before the pending change"):
        changed.accept(date_of(2), "an old one")


def test_a_metric_that_only_tonight_reports_is_no_difference() -> None:
    machine = machine_of(ONE)
    history = filled(machine)
    night = Night(date_of(1), environment_of("docs"))
    work = next_work(history, night)
    assert work is not None
    measured = [Measurement(each.arm, each.seed, {**each.metrics, "test/new": 1.0}) for each in machine.train(work)]
    assert judge(history, night.with_measurements(measured)).kind == "unchanged"
