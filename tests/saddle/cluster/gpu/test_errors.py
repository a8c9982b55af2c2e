"""Which errors end a process's use of its GPU, in the words of CUDA as torch hands them on."""

from __future__ import annotations

import pytest

from saddle.cluster.gpu.errors import GpuError, fatal_gpu_error

ADVICE = "\nCUDA kernel errors might be asynchronously reported at some other API call, so the stacktrace is wrong."


@pytest.mark.parametrize(
    "said",
    [
        "CUDA error: an illegal memory access was encountered" + ADVICE,
        "CUDA error: device-side assert triggered" + ADVICE,
        "CUDA error: unspecified launch failure",
        "CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm(handle)`",
        "cuDNN error: CUDNN_STATUS_EXECUTION_FAILED",
    ],
)
def test_a_kernel_that_failed_ends_it(said: str) -> None:
    assert fatal_gpu_error(RuntimeError(said)) is GpuError.MAYBE_OWN


@pytest.mark.parametrize(
    "said",
    [
        "CUDA error: the remote procedural call between the MPS server and the MPS client failed",
        "CUDA error: the MPS server is not ready to accept new MPS client requests",
        "CUDA error: the MPS client has been terminated by the server",
        "CUDA_ERROR_MPS_CLIENT_TERMINATED",
    ],
)
def test_an_end_by_the_mps_server_is_nobodys_kernel(said: str) -> None:
    assert fatal_gpu_error(RuntimeError(said)) is GpuError.OF_SERVER


@pytest.mark.parametrize(
    "said",
    [
        "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 15.77 GiB",
        "CUDA error: out of memory",
        "CUDA error: invalid device ordinal",
        "Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!",
        "the MPS backend is out of memory",  # Apple's
    ],
)
def test_other_errors_leave_it_usable(said: str) -> None:
    assert fatal_gpu_error(RuntimeError(said)) is None


def test_what_a_library_raised_from_it_counts() -> None:
    error = ValueError("the forward pass failed")
    error.__cause__ = RuntimeError("CUDA error: misaligned address")
    assert fatal_gpu_error(error) is GpuError.MAYBE_OWN
