"""What a worker says of a trial under which its GPU failed: its own failure, or one to be told apart among several."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from saddle.execute.worker.coordinator import join_messages, lost_gpu
from saddle.execute.worker.run_context import DataCache
from saddle.execute.worker.trial_runner import Training
from saddle.trial.messages import EndMessage, EpochMessage, FaultMessage, GpuFaultMessage, dump_message, parse_message

OF_KERNEL = "CUDA error: an illegal memory access was encountered"
OF_SERVER = "CUDA error: the MPS client has been terminated by the server"
FULL = "CUDA out of memory. Tried to allocate 2.00 GiB"


@pytest.fixture
def last(make_start: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The last message of a trial that fails with these words on a share of a GPU."""
    monkeypatch.setattr("saddle.execute.worker.trial_runner.own_gpu", lambda: "node/0")
    monkeypatch.setenv("CUDA_MPS_PIPE_DIRECTORY", str(tmp_path / "mps"))

    def fail(said: str, *, share: float, mps: bool = False) -> Any:
        if mps:
            (tmp_path / "mps").mkdir()
            (tmp_path / "mps/nvidia-cuda-mps-control.pid").write_text(str(os.getpid()))
        marker = tmp_path / "said"
        marker.write_text(said)
        start = make_start(trouble="raise", marker=str(marker))
        start = replace(start, placement=replace(start.placement, gpus_per_worker=share))
        *epochs, message = Training(start, DataCache(None)).messages()
        assert all(isinstance(epoch, EpochMessage) for epoch in epochs)
        return message

    return fail


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_without_mps_it_is_the_trials_own_and_the_worker_is_not_used_again(last: Any, share: float) -> None:
    message = last(OF_KERNEL, share=share)
    assert isinstance(message, EndMessage)
    assert (message.outcome, message.gpu_lost) == ("failed", True)
    assert lost_gpu(dump_message(message))


def test_a_whole_gpu_is_shared_with_nobody(last: Any) -> None:
    assert isinstance(last(OF_KERNEL, share=1.0, mps=True), EndMessage)


@pytest.mark.parametrize(("said", "maybe_own"), [(OF_KERNEL, True), (OF_SERVER, False)])
def test_with_mps_it_may_be_anothers(last: Any, said: str, maybe_own: bool) -> None:
    message = last(said, share=0.5, mps=True)
    assert isinstance(message, GpuFaultMessage)
    assert (message.gpu, message.maybe_own) == ("node/0", maybe_own)
    assert said in message.why
    assert lost_gpu(dump_message(message))
    assert parse_message(dump_message(message)) == message


def test_memory_is_the_trials_own_and_the_worker_goes_on(last: Any) -> None:
    message = last(FULL, share=0.5, mps=True)
    assert isinstance(message, EndMessage)
    assert (message.outcome, message.gpu_lost) == ("failed", False)


def test_without_a_gpu_words_are_only_words(last: Any) -> None:
    message = last(OF_KERNEL, share=0.0)
    assert isinstance(message, EndMessage)
    assert not message.gpu_lost


def test_of_the_ranks_messages_faults_come_first() -> None:
    failed = dump_message(EndMessage("t", 1, "failed", "Connection closed by peer"))
    gpu = dump_message(GpuFaultMessage("t", 1, OF_KERNEL, "node/0", maybe_own=True))
    disk = dump_message(FaultMessage("t", 1, "the disk is gone"))
    assert join_messages([failed, gpu]) == gpu
    assert join_messages([failed, gpu, disk]) == disk
