"""An epoch whose checkpoint is written while the next one is trained."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from saddle.store.checkpoint.checkpoints import Superseded
from saddle.trial.messages import EpochMessage, LastMessage, Message


@dataclass
class PendingEpoch:
    """The message of an epoch, which is out once its checkpoint is in the store."""

    written: Future[EpochMessage]
    failed: Callable[[Exception], LastMessage]
    """The effect on the trial if the epoch can't be written."""

    def message(self) -> Message:
        """Wait for the checkpoint. Raises `Superseded`."""
        try:
            return self.written.result()
        except Superseded:
            raise
        except Exception as error:
            return self.failed(error)


def settled(message: Message | PendingEpoch) -> Message:
    """The message once what it says is stored. Raises `Superseded`."""
    return message.message() if isinstance(message, PendingEpoch) else message


class BackgroundWriter:
    """Writes one epoch at a time on a separate thread: each is done before the next begins."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="saddle-checkpoints")
        self._latest: Future[EpochMessage] | None = None

    def write(self, store: Callable[[], EpochMessage]) -> Future[EpochMessage]:
        """Begin to write; the one before must have been waited for."""
        self._latest = self._pool.submit(store)
        return self._latest

    def finish(self) -> None:
        """Wait until the latest epoch is in the store; raises what kept it from getting there."""
        if self._latest is not None:
            self._latest.result()

    def settle(self) -> None:
        """Wait until nothing is written any more, also where writing failed."""
        if self._latest is not None:
            wait([self._latest])

    def close(self) -> None:
        """End the thread."""
        self._pool.shutdown()
