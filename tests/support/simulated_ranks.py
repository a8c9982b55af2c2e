"""A slot, its coordinator and the ranks of its groups, without Ray and in virtual time.

Slot and ranks call the coordinator as `GroupWorker` and `serve_rank` do. Processes, which may die or
hang, and Ray Train, which ends a group a little after the death of a rank, are simulated.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from ray.exceptions import RayActorError

from saddle.execute.worker.coordinator import GRACE_SECONDS, Coordinator
from saddle.trial.messages import EndMessage, EpochMessage, ReadyMessage, dump_message
from saddle.trial.restart_policy import RESTARTS
from tests.support.rank_scenarios import Plan, Scenario

NOTICED_SECONDS = 0.5
"""Seconds that Ray Train takes to notice a death, see `group.TRAIN_SETTINGS`."""

PATIENCE = 60.0
"""Seconds that a slot waits for a step with a limit: longer than it takes to conclude a failure."""


@dataclass
class Actor:
    """A rank's process, as far as the coordinator uses it."""

    alive: bool = True

    @property
    def __ray_ready__(self) -> Actor:
        return self

    async def remote(self) -> None:
        if not self.alive:
            raise RayActorError


@dataclass
class Attempt:
    """The messages that the slot got of one attempt at a trial, and how it ended for the slot."""

    trial: int
    plan: Plan
    number: int
    reached: int
    group: Group
    epochs: list[int] = field(default_factory=list)
    ending: str = ""
    whole: bool = True
    why: str = ""


@dataclass
class Group:
    """The ranks of one generation, and Ray Train's reactions."""

    scenario: Scenario
    coordinator: Coordinator
    generation: int
    actors: list[Actor]
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    over: bool = False
    """Whether Train has ended it; the slot notices that at its next trial."""
    broken_off: bool = False
    """Whether it ended, or the slot gave it up, in the middle of a trial."""

    def lose(self, rank: int) -> asyncio.Task[None]:
        """A rank's process dies; Train notices it a little later, and ends the group."""
        self.actors[rank].alive = False
        self._reach(rank)
        return asyncio.create_task(self._end(f"rank {rank} died", NOTICED_SECONDS))

    def retire(self, seconds: float) -> asyncio.Task[None]:
        """The slot ends the group; the coordinator learns of it `seconds` later, when there may be another group."""
        self.broken_off = True
        self._kill()
        return asyncio.create_task(self._end("retired", seconds))

    async def _end(self, why: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._kill()
        await self.coordinator.end_group(self.generation, why)

    def _kill(self) -> None:
        self.over = True
        for rank in range(len(self.tasks)):
            self._reach(rank)

    def _reach(self, rank: int) -> None:
        """Kill a rank, except an orphan, which can't be reached."""
        if not self.scenario.orphans:
            self.tasks[rank].cancel()


@dataclass
class Simulation:
    """One slot, its coordinator and its groups, with all messages."""

    scenario: Scenario
    coordinator: Coordinator = field(init=False)
    groups: list[Group] = field(default_factory=list)
    ends: list[asyncio.Task[None]] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    asked: int = 0
    """Steps of the current trial that the slot has requested."""
    decisions: dict[tuple[int, int, int], set[str]] = field(default_factory=lambda: defaultdict(set))
    """The decisions sent to ranks after each barrier, by generation, number of the trial and barrier."""
    hanging: set[Any] = field(default_factory=set)
    """Ranks that hang in their step."""
    paused: int = 0

    def __post_init__(self) -> None:
        self.coordinator = Coordinator(self.scenario.ranks)

    async def pause(self) -> None:
        await asyncio.sleep(self.next_pause())

    def next_pause(self) -> float:
        self.paused += 1
        return self.scenario.pauses[self.paused % len(self.scenario.pauses)]

    @property
    def group(self) -> Group:
        return self.groups[-1]

    # the slot's side, see `GroupWorker`

    async def launch(self) -> None:
        generation = await self.coordinator.begin()
        group = Group(self.scenario, self.coordinator, generation, [Actor() for _ in range(self.scenario.ranks)])
        self.groups.append(group)
        group.tasks = [asyncio.create_task(self.serve(group, rank)) for rank in range(self.scenario.ranks)]
        joined = await self.coordinator.await_group(PATIENCE)
        assert sorted(joined) == list(range(self.scenario.ranks))
        assert all(facts["actor"] in group.actors for facts in joined.values()), "a rank of another group joined"

    async def train(self, number: int, plan: Plan) -> None:
        """Train one trial to its end."""
        reached, deaths = 0, 0
        if plan.dies_idle and self.groups and not self.group.over:
            self.ends.append(self.group.lose(0))
            await self.pause()
        while deaths <= RESTARTS:
            if not self.groups or self.group.over:
                await self.launch()
            attempt = Attempt(number, plan, deaths + 1, reached, self.group)
            self.attempts.append(attempt)
            await self.listen(attempt)
            if attempt.ending in ("ended", "timed out") or not attempt.whole:
                self.ends.append(self.group.retire(self.next_pause()))
            if attempt.ending != "ended":
                return
            reached = attempt.epochs[-1] if attempt.epochs else reached
            deaths += 1

    async def listen(self, attempt: Attempt) -> None:
        """Request one step after the other until the attempt has ended for the slot."""
        self.asked = 0
        start = {"trial": attempt.trial, "attempt": attempt.number, "reached": attempt.reached}
        await self.coordinator.start(json.dumps(start))
        while not attempt.ending:
            self.asked += 1
            answer = await self.coordinator.step(PATIENCE)
            if answer is None or "ended" in answer:
                attempt.ending = "ended" if answer else "timed out"
                return
            message, attempt.whole = json.loads(answer["message"]), answer["whole"]
            stamp = [attempt.group.generation, attempt.trial, attempt.number]
            assert message.get("stamp", stamp) == stamp, "a message of another trial, attempt or group was passed on"
            assert message["key"] == f"trial-{attempt.trial}"
            if message["kind"] == "epoch":
                attempt.epochs.append(message["epoch"])
                if message["epoch"] == attempt.plan.dropped_after:
                    attempt.ending = "dropped"
                    await self.pause()
                    await self.coordinator.drop()
            else:
                attempt.ending = message.get("outcome", message["kind"])
                attempt.why = message["why"]
            await self.pause()

    # the ranks' side, see `serve_rank`

    async def serve(self, group: Group, rank: int) -> None:
        await self.pause()
        await self.coordinator.join(group.generation, rank, {"actor": group.actors[rank], "group": None})
        trial = 0
        while (spec := await self.coordinator.take(group.generation, trial)) is not None:
            before, (trial, text) = trial, spec
            assert trial > before, "a rank takes a trial twice"
            start = json.loads(text)
            barrier, message = 0, await self.step(group, rank, start, 0)
            while (answer := await self.coordinator.meet(group.generation, trial, barrier, rank, message)) == "go":
                self.decisions[group.generation, trial, barrier].add(answer)
                barrier += 1
                assert barrier <= self.asked or group is not self.group, "a rank takes a step that was not requested"
                message = await self.step(group, rank, start, barrier)
            self.decisions[group.generation, trial, barrier].add(answer)

    async def step(self, group: Group, rank: int, start: dict[str, Any], barrier: int) -> str:
        """A rank's message after a step, with a stamp of group, trial and attempt; it may hang in the step."""
        await self.pause()
        key, number = f"trial-{start['trial']}", start["attempt"]
        plan, epoch = self.scenario.trials[start["trial"]], start["reached"] + barrier
        completed, message = EndMessage(key, number, "completed"), None
        trouble = plan.trouble(number)
        if trouble is not None and trouble.barrier == barrier:
            if rank == trouble.rank and trouble.kind == "die":
                self.ends.append(group.lose(rank))
            if trouble.hangs(rank):
                self.hanging.add(asyncio.current_task())
                await asyncio.get_running_loop().create_future()
            message = trouble.message(rank, key, number)
        if message is None:
            last = completed if epoch > plan.epochs else EpochMessage(key, number, epoch, {}, 0.0, 0.0)
            message = last if barrier else ReadyMessage(key, number, start["reached"])
        stamp = [group.generation, start["trial"], number]
        return json.dumps({**json.loads(dump_message(message)), "stamp": stamp})


async def simulate(scenario: Scenario) -> Simulation:
    """Train every trial of a scenario, and check that no rank is left waiting for the coordinator."""
    simulation = Simulation(scenario)
    for number, plan in enumerate(scenario.trials):
        await simulation.train(number, plan)
    await simulation.coordinator.close()
    await asyncio.sleep(100 * GRACE_SECONDS)
    tasks = [task for group in simulation.groups for task in group.tasks]
    assert not [task for task in tasks if not task.done() and task not in simulation.hanging], "a rank waits for ever"
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert not [error for error in results if isinstance(error, Exception)], results
    await asyncio.gather(*simulation.ends)
    return simulation
