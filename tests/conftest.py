"""Fixtures of the whole suite.

With tests/without_numba on PYTHONPATH, tests and their subprocesses run as if Numba were not installed.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from seqkit.backend import Device, cache_dir, device, register_backend, unregister_backend
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


@pytest.fixture(scope="session")
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of the session's own, but with the user's kernels and embedded corpus, which take long."""
    folder = tmp_path_factory.mktemp("cache")
    with contextlib.suppress(OSError):
        for name in ("kernels", "pydocs"):
            kept = cache_dir() / name
            kept.mkdir(parents=True, exist_ok=True)
            (folder / name).symlink_to(kept.resolve(), target_is_directory=True)
    return folder


@pytest.fixture(autouse=True)
def own_cache(cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep files that a test derives out of the user's cache."""
    monkeypatch.setenv("SEQKIT_CACHE", str(cache_folder))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the files with slow tests first: one at the end would leave all cores but its own idle."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
