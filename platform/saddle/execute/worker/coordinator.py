"""Between a slot and the ranks of its worker group: an actor that both call, so that no rank ever waits for another."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Literal

from saddle.trial.messages import EndMessage, dump_message
from saddle.trial.outcome import Outcome

GRACE_SECONDS = 5.0
"""How long a rank's failure waits for the other ranks to come out of their step before the group is given up."""

Decision = Literal["go", "next"]


class Coordinator:
    """Hands the slot's trials to the ranks and their joint messages to the slot.

    Before the first step of a trial, and after every step, the ranks meet at a barrier: each says what came of its
    step, and all get one decision back: `go` on, or on to the `next` trial. As the decision is one for all, an early
    stop or a collapse seen by one rank never leaves the others in a collective.

    A `generation` is one start of the group; trials are numbered through all generations, barriers within a trial.
    """

    def __init__(self, ranks: int) -> None:
        self.ranks = ranks
        self.generation = 0
        self.closed = False
        self.trial = self.last_of_earlier = 0
        self.start_message = ""
        self._changed = asyncio.Condition()
        self._forget_group()
        self._forget_trial()

    def _forget_group(self) -> None:
        self.joined: dict[int, dict[str, Any]] = {}
        self.ended: str | None = None

    def _forget_trial(self) -> None:
        self.arrived: dict[int, dict[int, str]] = {}
        self.steps_allowed = 0
        self.over = False
        self.joint_messages: list[dict[str, Any]] = []

    # the slot's side

    async def begin(self) -> int:
        """A new group is about to start; what an earlier one still says is not heard any more."""
        async with self._changed:
            self.generation += 1
            self.last_of_earlier = self.trial  # a trial handed to the group before is not this one's
            self._forget_group()
            self._changed.notify_all()
            return self.generation

    async def await_group(self, timeout: float) -> dict[int, dict[str, Any]]:
        """What the ranks said when they joined; raises `TimeoutError`, or `RuntimeError` if the group ended."""
        async with self._changed, asyncio.timeout(timeout):
            await self._changed.wait_for(lambda: len(self.joined) == self.ranks or self.ended is not None)
            if self.ended is not None:
                raise RuntimeError(self.ended)
            return self.joined

    async def start(self, start_message: str) -> None:
        """Hand the ranks their next trial."""
        async with self._changed:
            self.trial += 1
            self.start_message = start_message
            self._forget_trial()
            self._changed.notify_all()

    async def step(self, timeout: float | None) -> dict[str, Any] | None:
        """Let the group take a step; its message and whether the group is whole, `ended`, or None after `timeout`."""
        async with self._changed:
            self.steps_allowed += 1
            self._changed.notify_all()
            try:
                async with asyncio.timeout(timeout):
                    await self._changed.wait_for(lambda: self.joint_messages or self.ended is not None)
            except TimeoutError:
                return None
            return self.joint_messages.pop(0) if self.joint_messages else {"ended": self.ended}

    async def drop(self) -> None:
        """The running trial is over for the slot."""
        async with self._changed:
            self.over = True
            self._changed.notify_all()

    async def close(self) -> None:
        """No more trials: the ranks end."""
        async with self._changed:
            self.closed = self.over = True
            self._changed.notify_all()

    async def end_group(self, generation: int, why: str) -> None:
        """The group of this generation is gone."""
        async with self._changed:
            if generation == self.generation:
                self.ended = why
                self._changed.notify_all()

    # the ranks' side

    async def join(self, generation: int, rank: int, facts: dict[str, Any]) -> None:
        """A rank is up."""
        async with self._changed:
            if generation == self.generation:
                self.joined[rank] = facts
                self._changed.notify_all()

    async def take(self, generation: int, after: int) -> tuple[int, str] | None:
        """The trial that comes after number `after`, with its number; None if the group is to end."""
        async with self._changed:
            await self._changed.wait_for(
                lambda: self._is_past(generation) or self.trial > max(after, self.last_of_earlier)
            )
            return None if self._is_past(generation) else (self.trial, self.start_message)

    async def meet(self, generation: int, trial: int, barrier: int, rank: int, message: str) -> Decision:
        """What all ranks do after a barrier of a trial, once each has arrived there with what came of its step."""
        async with self._changed:
            messages = self.arrived.setdefault(barrier, {})
            if not self._is_past(generation) and trial == self.trial:
                messages[rank] = message
                if len(messages) == self.ranks:
                    whole = not any(map(lost_gpu, messages.values()))
                    self._conclude(join_messages([messages[r] for r in sorted(messages)]), whole=whole)
                elif is_end(message):
                    asyncio.get_running_loop().create_task(self._conclude_without_others(trial, barrier, rank))

            def is_over() -> bool:
                return self._is_past(generation) or trial != self.trial or self.over

            await self._changed.wait_for(
                lambda: is_over() or (len(messages) == self.ranks and self.steps_allowed > barrier)
            )
            return "next" if is_over() else "go"

    async def _conclude_without_others(self, trial: int, barrier: int, rank: int) -> None:
        """After the grace, conclude from one rank's message where the others still hang in their step."""
        await asyncio.sleep(GRACE_SECONDS)
        if not await self._all_alive():
            return  # a rank's death is what failed the others; the end of the group follows
        async with self._changed:
            messages = self.arrived.get(barrier, {})
            missing = len(messages) < self.ranks
            if trial == self.trial and not self.over and missing and is_failure(messages[rank]):
                self._conclude(messages[rank], whole=False)

    async def _all_alive(self) -> bool:
        """Whether every rank's process answers, or is only too busy to."""
        from ray.exceptions import RayActorError

        for facts in list(self.joined.values()):
            try:
                await asyncio.wait_for(facts["actor"].__ray_ready__.remote(), GRACE_SECONDS)
            except RayActorError:
                return False
            except TimeoutError:
                continue
        return True

    def _is_past(self, generation: int) -> bool:
        return self.closed or generation != self.generation or self.ended is not None

    def _conclude(self, joint: str, whole: bool) -> None:
        if json.loads(joint)["kind"] != "ready":
            self.joint_messages.append({"message": joint, "whole": whole})
            self.over = self.over or is_end(joint)
        self._changed.notify_all()


def is_end(message: str) -> bool:
    """Whether a rank takes no further step of the trial."""
    return json.loads(message)["kind"] in ("end", "fault", "gpu_fault")


def is_fault(message: str) -> bool:
    """Whether the machine of a rank, its disk or network failed."""
    return bool(json.loads(message)["kind"] == "fault")


def is_gpu_fault(message: str) -> bool:
    """Whether a GPU failed that the trial shares with others."""
    return bool(json.loads(message)["kind"] == "gpu_fault")


def lost_gpu(message: str) -> bool:
    """Whether a rank can use its GPU no more, and with it the group."""
    return is_gpu_fault(message) or bool(json.loads(message).get("gpu_lost"))


def is_failure(message: str) -> bool:
    """Whether a rank takes no further step without having come to the trial's end."""
    if is_fault(message) or is_gpu_fault(message):
        return True
    return is_end(message) and json.loads(message)["outcome"] != Outcome.COMPLETED


def join_messages(messages: list[str]) -> str:
    """The group's message: a fault or a failure of any rank, else the first rank's, all being of one kind.

    Faults come first, as other ranks' failures may only follow from them. Messages differ in kind, or in the epoch they
    start from, only where a trainable lets ranks go different ways.
    """
    for kind in (is_fault, is_gpu_fault, is_failure):
        failure = next(filter(kind, messages), None)
        if failure is not None:
            return failure
    first = json.loads(messages[0])
    for rank, message in enumerate(messages):
        other = json.loads(message)
        if (other["kind"], other.get("epoch")) != (first["kind"], first.get("epoch")):
            why = f"the ranks disagree: rank 0 reports {describe(first)}, rank {rank} {describe(other)}"
            return dump_message(EndMessage(first["key"], first["attempt"], str(Outcome.FAILED), why))
    return messages[0]


def describe(message: dict[str, Any]) -> str:
    """A message in words."""
    return str(message["kind"]) + (f" of epoch {message['epoch']}" if "epoch" in message else "")
