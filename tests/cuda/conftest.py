"""The emulator in place of the GPU."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from seqkit.backend.kernels import cuda
from tests.cuda.emulator import ORDERS, Emulator, compiler_missing
from tests.exhaustive import some


@pytest.fixture(scope="session")
def compiled_folder(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Kept from one run of the tests to the next: g++ takes a second or two for each mutant."""
    cache = getattr(pytestconfig, "cache", None)  # absent with -p no:cacheprovider
    return tmp_path_factory.mktemp("emulated") if cache is None else cache.mkdir("emulated")


@functools.cache
def _emulator(folder: Path) -> Emulator:
    return Emulator(folder)


@pytest.fixture
def emulator(compiled_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """Runs what the wrappers launch, on NumPy arrays."""
    if (missing := compiler_missing()) is not None:
        pytest.skip(missing)
    emulator = _emulator(compiled_folder)
    emulator.order, emulator.mutants, emulator.launched = "ascending", {}, []
    monkeypatch.setattr(cuda, "run", emulator.run)
    return emulator


@pytest.fixture(params=some(tuple(ORDERS), 2))
def either_order(emulator: Emulator, request: pytest.FixtureRequest) -> Emulator:
    """The emulator with the threads of a block in one order, then in the other."""
    emulator.order = request.param
    return emulator
