"""Nights in a storage, with invented measurements."""

from __future__ import annotations

import random

from saddle.nightly.bisect import Bisection, Suspect
from saddle.nightly.decision.judge import judge
from saddle.nightly.decision.night import Code, Environment, Measurement, Night, Purpose
from saddle.nightly.decision.plan import next_work
from saddle.nightly.policy_of_study import policy_of
from saddle.nightly.run_night import read_bisection, write_bisection
from saddle.nightly.storage import NightlyStorage, Part, Pin
from saddle.store.ownership.fence import NO_LOCK
from saddle.study.models import Study
from saddle.study.trainable.loading import load_trainable

METRIC = "test/robust_accuracy.worst_case"
HOSTILE = "<script>alert(1)</script> & ]]> \x1b[2J"


def score(arm: str, seed: int, shift: float, noise: int) -> float:
    """A share of right answers: the seed's luck, which `noise` draws again, and a shift."""
    drawn = random.Random(f"{arm} {seed} {noise}").gauss(0, 0.01)
    return 0.4 + (0.03 if arm == "mp" else 0.0) + 0.02 * random.Random(seed).gauss(0, 1) + 0.3 * drawn + shift


def store_night(storage: NightlyStorage, study: Study, date: str, commit: str, shift: float, noise: int) -> None:
    """A night as it would have measured, decided and stored."""
    policy = policy_of(study, load_trainable(study.trainable))
    environment = Environment(Code(commit * 40), "digits/abc", "0123", "A processor")
    storage.write_pin(Pin(date, environment, 0.0), NO_LOCK)
    history, night, number = storage.history(policy, before=date), Night(date, environment), 0
    while (work := next_work(history, night)) is not None:
        purpose: Purpose = work.purpose
        measured = tuple(
            Measurement(arm, seed, {METRIC: score(arm, seed, shift, noise)}, purpose=purpose)
            for arm, seed in work.replicates
        )
        number += 1
        seeds = tuple(dict.fromkeys(seed for _, seed in work.replicates))
        part = Part(number, purpose, work.code.commit, seeds, None, f"{commit}{number:03d}", measured, "digits/abc")
        storage.write_part(date, part, NO_LOCK)
        night = night.with_measurements(measured)
    decision = judge(history, night)
    storage.write_night(night, NO_LOCK)
    storage.write_decision(decision, NO_LOCK)
    if decision.change is not None and read_bisection(storage, decision.change) is None:
        suspect = Suspect(environment.code, HOSTILE, "Ada")
        write_bisection(storage, decision.change, Bisection((suspect,), (environment.code,)), NO_LOCK)
