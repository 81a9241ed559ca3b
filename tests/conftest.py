"""Fixtures of the whole suite.

With tests/without_numba on PYTHONPATH, tests and their subprocesses run as if Numba were not installed.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from seqkit.backend import Device, device, register_backend, unregister_backend
from seqkit.errors import DeviceError
from tests import strict_array


@pytest.fixture
def strict() -> Iterator[str]:
    """The device name of the strict stand-in array, registered while the test runs."""
    register_backend(strict_array.BACKEND)
    strict_array.counts.clear()
    try:
        yield "strict"
    finally:
        unregister_backend("strict")


def _has_gpu() -> bool:
    try:
        return device("cuda") == Device("cuda")
    except DeviceError:
        return False


@pytest.fixture(params=["strict", *(["cuda"] if _has_gpu() else [])])
def gpu(request: pytest.FixtureRequest) -> str:
    """A device that is not the CPU: the stand-in, and CuPy where a GPU is at hand."""
    return request.getfixturevalue("strict") if request.param == "strict" else request.param


@pytest.fixture
def random() -> np.random.Generator:
    """Test inputs; the same in every run and order."""
    return np.random.default_rng(20240229)
