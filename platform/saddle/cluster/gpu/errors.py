"""Errors after which a process can use its GPU no more, and what they say about whose they are.

CUDA keeps such an error: every later call of the process fails with it, so that a warm worker would fail each trial
that came to it afterwards. With MPS all clients on the GPU get it, and CUDA does not say whose it is (NVIDIA,
Multi-Process Service, "Memory Protection and Error Containment"). Running out of memory is none of them.
"""

from __future__ import annotations

import re
from enum import Enum

from saddle.store.infrastructure_errors import chain_of

OWN = re.compile(
    r"CUDA error: (an illegal memory access was encountered|device-side assert triggered|unspecified launch failure"
    r"|an illegal instruction was encountered|misaligned address|invalid program counter|hardware stack error"
    r"|operation not supported on global/shared address space|the launch timed out and was terminated)"
    r"|C(UBLAS|UDNN)_STATUS_EXECUTION_FAILED"
)
"""What a kernel did, in the words of `cudaGetErrorString`: of one client of MPS, and reported to all of them."""

OF_SERVER = re.compile(r"CUDA error: .*\bMPS\b|CUDA_ERROR_MPS_\w+")
"""What MPS itself says to clients whose server went away under them, which no kernel of theirs did."""


class GpuError(Enum):
    """Whose an error is that ended a process's use of its GPU."""

    MAYBE_OWN = "maybe own"
    """A kernel failed: its own without MPS, with it that of any client on the GPU."""
    OF_SERVER = "of the server"
    """MPS ended the client: the cause is another one."""


def fatal_gpu_error(error: BaseException) -> GpuError | None:
    """Whether `error`, or one it was raised from, ended this process's use of its GPU; None if not."""
    texts = [str(cause) for cause in chain_of(error)]
    if any(OF_SERVER.search(text) for text in texts):
        return GpuError.OF_SERVER
    return GpuError.MAYBE_OWN if any(OWN.search(text) for text in texts) else None
