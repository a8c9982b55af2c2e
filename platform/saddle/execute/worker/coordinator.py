"""Between a slot and the ranks of its worker group: an actor that both call, so that no rank ever waits for another."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Literal

from saddle.trial.messages import EndMessage, dump_message
from saddle.trial.outcome import Outcome

GRACE_SECONDS = 5.0
"""How long a rank's failure waits for the other ranks to come out of their step before the group is given up."""

Word = Literal["go", "next"]


class Exchange:
    """Hands the slot's orders to the ranks and their joint messages to the slot.

    After every step all ranks say what came of it, and get one word back: `go` on, or on to the `next` trial. As the
    word is one for all, an early stop or a collapse seen by one rank never leaves the others in a collective.
    """

    def __init__(self, ranks: int) -> None:
        self.ranks = ranks
        self.generation = 0
        self.closed = False
        self.serial = self.taken = 0
        self.order = ""
        self._changed = asyncio.Condition()
        self._forget_group()
        self._forget_trial()

    def _forget_group(self) -> None:
        self.joined: dict[int, dict[str, Any]] = {}
        self.ended: str | None = None

    def _forget_trial(self) -> None:
        self.said: dict[int, dict[int, str]] = {}
        self.permits = 0
        self.over = False
        self.news: list[dict[str, Any]] = []

    # the slot's side

    async def begin(self) -> int:
        """A new group is about to start; what an earlier one still says is not heard any more."""
        async with self._changed:
            self.generation += 1
            self.taken = self.serial  # a trial handed to the group before is not this one's
            self._forget_group()
            self._changed.notify_all()
            return self.generation

    async def await_group(self, timeout: float) -> dict[int, dict[str, Any]]:
        """What the ranks said when they joined; raises `TimeoutError`, or `RuntimeError` where the group ended."""
        async with self._changed, asyncio.timeout(timeout):
            await self._changed.wait_for(lambda: len(self.joined) == self.ranks or self.ended is not None)
            if self.ended is not None:
                raise RuntimeError(self.ended)
            return self.joined

    async def start(self, order: str) -> None:
        """Hand the ranks their next trial."""
        async with self._changed:
            self.serial += 1
            self.order = order
            self._forget_trial()
            self._changed.notify_all()

    async def step(self, timeout: float | None) -> dict[str, Any] | None:
        """Let the group take a step; its message and whether the group is whole, `ended`, or None after `timeout`."""
        async with self._changed:
            self.permits += 1
            self._changed.notify_all()
            try:
                async with asyncio.timeout(timeout):
                    await self._changed.wait_for(lambda: self.news or self.ended is not None)
            except TimeoutError:
                return None
            return self.news.pop(0) if self.news else {"ended": self.ended}

    async def drop(self) -> None:
        """The trial under way is over for the slot."""
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
        """The trial that comes after number `after`, with its number; None where the group is to end."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._is_past(generation) or self.serial > max(after, self.taken))
            return None if self._is_past(generation) else (self.serial, self.order)

    async def agree(self, generation: int, serial: int, turn: int, rank: int, word: str) -> Word:
        """What all ranks do after step `turn` of a trial, once each has said what came of it."""
        async with self._changed:
            said = self.said.setdefault(turn, {})
            if not self._is_past(generation) and serial == self.serial:
                said[rank] = word
                if len(said) == self.ranks:
                    self._conclude(join_words([said[r] for r in sorted(said)]), whole=True)
                elif is_end(word):
                    asyncio.get_running_loop().create_task(self._give_up(serial, turn, rank))

            def is_over() -> bool:
                return self._is_past(generation) or serial != self.serial or self.over

            await self._changed.wait_for(lambda: is_over() or (len(said) == self.ranks and self.permits > turn))
            return "next" if is_over() else "go"

    async def _give_up(self, serial: int, turn: int, rank: int) -> None:
        """After the grace, conclude from what one rank said where the others still hang in their step."""
        await asyncio.sleep(GRACE_SECONDS)
        if not await self._all_alive():
            return  # a rank's death is what failed the others; the end of the group follows
        async with self._changed:
            said = self.said.get(turn, {})
            if serial == self.serial and not self.over and len(said) < self.ranks and is_failure(said[rank]):
                self._conclude(said[rank], whole=False)

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
            self.news.append({"message": joint, "whole": whole})
            self.over = self.over or is_end(joint)
        self._changed.notify_all()


def is_end(word: str) -> bool:
    """Whether a rank said that it takes no further step of the trial."""
    return json.loads(word)["kind"] in ("end", "fault")


def is_fault(word: str) -> bool:
    """Whether a rank said that the machine, its disk or network failed."""
    return bool(json.loads(word)["kind"] == "fault")


def is_failure(word: str) -> bool:
    """Whether a rank said that it takes no further step without having come to the trial's end."""
    return is_fault(word) or (is_end(word) and json.loads(word)["outcome"] != Outcome.COMPLETED)


def join_words(words: list[str]) -> str:
    """What the group says: a fault or a failure of any rank, else the first rank's word, all being of one kind.

    A fault comes first, as other ranks' failures may only follow from it. Words differ in kind, or in the epoch they
    start from, only where a trainable lets ranks go different ways.
    """
    failure = next(filter(is_fault, words), None) or next(filter(is_failure, words), None)
    if failure is not None:
        return failure
    first = json.loads(words[0])
    for rank, word in enumerate(words):
        other = json.loads(word)
        if (other["kind"], other.get("epoch")) != (first["kind"], first.get("epoch")):
            why = f"the ranks went different ways: rank 0 reports {describe(first)}, rank {rank} {describe(other)}"
            return dump_message(EndMessage(first["key"], first["attempt"], str(Outcome.FAILED), why))
    return words[0]


def describe(word: dict[str, Any]) -> str:
    """A word in words."""
    return str(word["kind"]) + (f" of epoch {word['epoch']}" if "epoch" in word else "")
