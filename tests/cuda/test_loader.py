"""How sources are put together and handed to CuPy, with a stand-in for the package."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from seqkit.backend.kernels import cuda
from tests.cuda.emulator import KERNEL

SOURCES = sorted(Path(cuda.__file__).parent.glob("*/gpu.cu"))
FAMILIES = [path.parent.name for path in SOURCES]


class FakeArray:
    """A device array as far as a launch looks at it."""

    def __init__(self, device: Any) -> None:
        self.device = device


class FakeDevice:
    """Remembers whether it is the current one."""

    current = False

    def __enter__(self) -> None:
        self.current = True

    def __exit__(self, *error: object) -> None:
        self.current = False


@pytest.fixture
def fake_cupy(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """CuPy's RawModule; returns what it was asked to do."""
    asked: list[Any] = []

    class RawModule:
        def __init__(self, *, code: str, options: tuple[str, ...]) -> None:
            asked.append(("compile", code, options))

        def get_function(self, name: str) -> Any:
            def call(grid: Any, block: Any, args: Any) -> None:
                asked.append((name, grid, block, args, args[0].device.current))

            return call

    monkeypatch.setitem(sys.modules, "cupy", SimpleNamespace(RawModule=RawModule))
    cuda._function.cache_clear()
    yield asked
    cuda._function.cache_clear()


def test_compiled_once_and_launched_on_the_device_of_the_array(fake_cupy: list[Any]) -> None:
    device = FakeDevice()
    arguments = (FakeArray(device), np.int64(5), FakeArray(FakeDevice()))
    for _ in range(2):
        cuda.run_with_cupy("lstm", "step_forward", cuda.per_cell(3, 200), arguments)
    call = ("step_forward", (3, 2), (128,), arguments, True)
    assert fake_cupy == [("compile", cuda.source("lstm"), cuda.OPTIONS), call, call]
    assert not device.current


def test_fast_math_is_off() -> None:
    assert not any("fast" in option for option in cuda.OPTIONS)


@pytest.mark.parametrize(
    "geometry", [cuda.per_item(0), cuda.per_cell(0, 5), cuda.per_cell(5, 0), cuda.per_row(0, 5)]
)
def test_nothing_to_do_is_not_launched(monkeypatch: pytest.MonkeyPatch, geometry: cuda.Geometry) -> None:
    def run(*arguments: Any) -> None:
        raise AssertionError("launched")

    monkeypatch.setattr(cuda, "run", run)
    cuda.launch("lstm", "step_forward", geometry)
    with pytest.raises(AssertionError, match="launched"):
        cuda.launch("lstm", "step_forward", cuda.per_item(1))


@pytest.mark.parametrize("family", FAMILIES)
def test_sources_are_whole(family: str) -> None:
    """One text without includes: CuPy's cache is keyed by it, and NVRTC has no headers to look in."""
    source = cuda.source(family)
    assert source.isascii()
    assert "#include" not in source
    assert KERNEL.findall(source)


def test_the_shared_block_is_in_both_of_its_users() -> None:
    for family in ("philox", "dropout"):
        assert cuda.source(family).count("PhiloxWords philox_block(") == 1


def test_every_source_has_a_wrapper() -> None:
    wrappers = sorted(path.parent.name for path in Path(cuda.__file__).parent.glob("*/gpu.py"))
    assert wrappers == FAMILIES
