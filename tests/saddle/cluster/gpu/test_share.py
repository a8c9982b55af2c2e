"""How many trials a GPU is given, by measured memory, caps and what else limits them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from saddle.cluster.capacity.resources import count_slots
from saddle.cluster.gpu.share import HEADROOM, TrialMemory, memory_limit, share_of, trials_on_gpu
from saddle.study.models import Resources

GB = 10**9


def resources(**values: Any) -> Resources:
    return Resources.model_validate({"gpus_per_worker": 1, "trials_per_gpu": 8, **values})


def memory(used: int, *, gpu: int = 80 * GB) -> TrialMemory:
    return TrialMemory(used, GB, gpu, "a GPU", 3)


def test_a_gpu_has_room_for_what_was_measured_and_more() -> None:
    measured = memory(10 * GB)
    assert measured.needed == round(10 * GB * HEADROOM) + GB
    assert measured.fitting() == 6
    assert measured.fitting(24 * GB) == 1
    assert memory(70 * GB).fitting() == 0


@pytest.mark.parametrize(
    ("given", "fitting", "nodes", "total", "trials"),
    [
        ({"sharing": "pack"}, 5, [{"CPU": 64, "GPU": 1}], None, 5),  # as many as fit
        ({"sharing": "pack"}, 20, [{"CPU": 64, "GPU": 1}], None, 8),  # the cap
        ({"trials_per_gpu": 1}, 20, [{"CPU": 64, "GPU": 1}], None, 1),
        ({}, 5, [{"CPU": 64, "GPU": 1}], None, 5),
        ({"concurrency": 4}, 8, [{"CPU": 64, "GPU": 4}], None, 1),  # each has a GPU to itself
        ({"concurrency": 4, "sharing": "pack"}, 8, [{"CPU": 64, "GPU": 4}], None, 8),  # three stay free
        ({"concurrency": 6}, 8, [{"CPU": 64, "GPU": 4}], None, 2),
        ({}, 8, [{"CPU": 16, "GPU": 8}], None, 2),  # the CPUs let 16 run
        ({"cpus_per_worker": 2}, 8, [{"CPU": 16, "GPU": 8}], None, 1),
        ({}, 8, [{"CPU": 64, "GPU": 2}], 6, 3),  # there are no more trials
        ({}, 8, [{"CPU": 8, "GPU": 1}, {"CPU": 8, "GPU": 1}, {"CPU": 64}], None, 8),  # CPUs beside a GPU
        ({"slots": 4}, 8, [{"CPU": 64, "GPU": 4}], None, 8),  # how many GPUs will come isn't known
        ({}, 0, [{"CPU": 64, "GPU": 4}], None, 1),
    ],
)
def test_so_many_trials_are_put_on_a_gpu(
    given: dict[str, Any], fitting: int, nodes: list[dict[str, float]], total: int | None, trials: int
) -> None:
    assert trials_on_gpu(resources(**given), fitting, nodes, total) == trials


@given(trials=st.integers(1, 48), gpus=st.integers(1, 8))
def test_ray_gives_a_share_to_so_many_trials_and_no_more(trials: int, gpus: int) -> None:
    share = share_of(trials)
    assert round(share * 10_000) == pytest.approx(share * 10_000), "finer than Ray counts"
    at_once = count_slots(resources(gpus_per_worker=share), [{"CPU": 1000, "GPU": float(gpus)}])
    assert at_once // gpus == trials or trials > 40  # of ever smaller shares one more may fit
    assert at_once >= gpus * trials


@given(trials=st.integers(2, 48), gpu=st.integers(8, 200))
def test_limits_of_all_on_a_gpu_leave_room_for_their_contexts(trials: int, gpu: int) -> None:
    limit = memory_limit(share_of(trials), gpu * GB)
    assert 0 < limit * trials <= 1
    if gpu / trials > 2:
        assert (1 - limit * trials) * gpu * GB >= trials * 2**29 * 0.99


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"workers": 2}, "of one worker"),
        ({"gpus_per_worker": 0.0}, "gpus_per_worker: 1"),
        ({"gpus_per_worker": 2.0}, "gpus_per_worker: 1"),
        ({"trials_per_gpu": None, "sharing": "pack"}, "lets them share"),
        ({"trials_per_gpu": 0}, "greater than or equal to 1"),
    ],
)
def test_sharing_is_for_trials_that_can_share(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        resources(**given)
