"""A slot: the Tune trainable that lives through many trials and keeps a warm worker behind it."""

from __future__ import annotations

import os
import signal
from typing import Any, NoReturn

from ray import tune

from saddle.execute.order import EndMessage, EpochMessage, Order, dump_message
from saddle.execute.worker import InProcessWorker
from saddle.store.checkpoints import Checkpoints
from saddle.store.opening import open_store, trial_folder

ORDER = "order"
MESSAGE = "message"


class Slot(tune.Trainable):
    """Each `step` is the next message of the trial it holds; `reset_config` hands it the next trial."""

    def setup(self, config: dict[str, Any]) -> None:
        # a Ctrl-C in the terminal is the driver's to handle; it reaches every process of the group
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.worker = InProcessWorker()
        self._take(config)

    def _take(self, config: dict[str, Any]) -> None:
        self.order = Order.parse(config[ORDER])
        self.worker.start(self.order)
        self.holding = True

    def step(self) -> dict[str, Any]:
        try:
            message = self.worker.step(timeout=self.order.time_limit)
        except TimeoutError as error:
            self._give_up(str(error))
        done = isinstance(message, EndMessage)
        if done and self.holding:
            self.worker.stop()
            self.holding = False
        epoch = message.epoch if isinstance(message, EpochMessage) else 0
        return {MESSAGE: dump_message(message), "done": done, "epoch": epoch}

    def _give_up(self, why: str) -> NoReturn:
        """Note why and end the process, for a thread can't be killed; Tune's next one for the trial only ends it."""
        store = open_store(self.order.storage, create=False)
        folder = trial_folder(self.order.study, self.order.key)
        Checkpoints.open(store, f"{folder}/checkpoints").update(hung=why)
        os._exit(1)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        if self.holding:
            self.worker.stop()
        self._take(new_config)
        return True

    def save_checkpoint(self, checkpoint_dir: str) -> dict[str, Any]:
        """Nothing: the worker stores checkpoints itself, before it reports an epoch."""
        return {}

    def load_checkpoint(self, checkpoint: dict[str, Any] | None) -> None:
        """Nothing, see `save_checkpoint`."""

    def cleanup(self) -> None:
        if self.holding:
            self.worker.stop()
        self.worker.close()
