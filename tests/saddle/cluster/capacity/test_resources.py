from __future__ import annotations

from typing import Any

import pytest

from saddle.cluster.capacity.resources import Nodes, count_slots, slots_for, trial_shape
from saddle.errors import DoesNotFit
from saddle.study.models import Resources, Study


def resources(**values: Any) -> Resources:
    return Resources.model_validate(values)


@pytest.mark.parametrize(
    ("wanted", "nodes", "slots"),
    [
        ({}, [{"CPU": 2}], 2),
        ({"cpus_per_worker": 0.5}, [{"CPU": 2}], 4),
        ({"cpus_per_worker": 3}, [{"CPU": 8}], 2),
        ({"cpus_per_worker": 0.1}, [{"CPU": 1}], 10),
        ({"concurrency": 3}, [{"CPU": 8}], 3),
        ({"workers": 2, "cpus_per_worker": 0.5}, [{"CPU": 2}], 2),
        ({"gpus_per_worker": 0.25}, [{"CPU": 16, "GPU": 1}], 4),
        ({"cpus_per_worker": 2}, [{"CPU": 3}, {"CPU": 3}], 2),  # a worker's CPUs are on one node
        ({"workers": 3}, [{"CPU": 2}, {"CPU": 4}], 2),  # the workers of a trial may be on several
        ({"workers": 2, "gpus_per_worker": 1}, [{"CPU": 8}, {"CPU": 8, "GPU": 4}], 2),
    ],
)
def test_as_many_trials_run_at_once_as_fit(wanted: dict[str, Any], nodes: Nodes, slots: int) -> None:
    assert count_slots(resources(**wanted), nodes) == slots


def test_a_shape_that_never_fits_is_refused_with_the_shortfall() -> None:
    with pytest.raises(DoesNotFit, match=r"wants 8 CPU, this machine has 2: 6 too few.*cpus_per_worker"):
        count_slots(resources(cpus_per_worker=8), [{"CPU": 2.0}])
    with pytest.raises(DoesNotFit, match=r"wants 1 GPU, this machine has 0"):
        count_slots(resources(gpus_per_worker=1), [{"CPU": 2.0}])
    with pytest.raises(DoesNotFit, match=r"wants 3 CPU, none of 2 nodes has more than 2: 1 too few"):
        count_slots(resources(cpus_per_worker=3), [{"CPU": 2.0}, {"CPU": 2.0}])
    with pytest.raises(DoesNotFit, match=r"needs 5 workers of 1 CPU, and there is room for 4: 1 too few"):
        count_slots(resources(workers=5), [{"CPU": 2.0}, {"CPU": 2.0}])
    with pytest.raises(DoesNotFit, match=r"1 CPU and 1 GPU, and no node has both"):
        count_slots(resources(gpus_per_worker=1), [{"CPU": 2.0}, {"GPU": 1.0}])


def search(startup: int, trials: int = 30) -> Study:
    return Study.model_validate(
        {
            "study": "s",
            "trainable": "parabola",
            "search": {"x": {"float": [0, 1]}},
            "objective": {"maximize": "validation/score"},
            "sampler": {"tpe": {"startup_trials": startup}},
            "budget": {"trials": trials},
        }
    )


def test_start_up_trials_must_cover_the_trials_that_run_at_once() -> None:
    assert slots_for(search(startup=4), [{"CPU": 4}]) == 4
    with pytest.raises(DoesNotFit, match=r"startup_trials is 3, but 4 trials run concurrently.*set it to 4"):
        slots_for(search(startup=3), [{"CPU": 4}])


def test_never_more_slots_than_trials() -> None:
    assert slots_for(search(startup=10, trials=2), [{"CPU": 8}]) == 2


def test_the_shape_in_words() -> None:
    assert str(trial_shape(resources(workers=2, gpus_per_worker=0.5))) == "2 CPU and 1 GPU"
