"""The memory that statistics of a set as large as CIFAR-10 take."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

SCRIPT = """
import json, resource, time
import torch
from trainables.datasets import Split
from trainables.datasets.stats import measure_separation

generator = torch.Generator().manual_seed(0)
images = torch.empty((50_000, 3, 32, 32), dtype=torch.uint8)
for start in range(0, 50_000, 1_000):  # smooth, as photographs are
    coarse = torch.rand((1_000, 3, 4, 4), generator=generator)
    images[start : start + 1_000] = (torch.nn.functional.interpolate(coarse, (32, 32), mode="bilinear") * 255).byte()
started = time.monotonic()
found = measure_separation(Split(images, torch.arange(50_000) % 10), per_class=None)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({
    "images": found.images, "inter": found.inter, "peak": peak, "seconds": time.monotonic() - started
}))
"""


@pytest.mark.slow
@pytest.mark.timeout(1800)  # minutes, and longer beside other work
def test_all_of_cifar10_fits_into_two_gibibytes() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=1750)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["images"] == 50_000
    assert 5 < found["inter"] < (3072 * 2 / 12) ** 0.5, "below that of pixels that are uniform on [0, 1]"
    assert found["peak"] < 2 << 30
