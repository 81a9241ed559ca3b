"""Device names, what is missing, and one operation on two devices."""

from __future__ import annotations

import builtins
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from seqkit import backend
from seqkit.backend import Device, array_module, device, device_of, to_device, to_numpy
from seqkit.errors import DeviceError
from tests.strict_array import StrictArray


@pytest.fixture
def no_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine where CuPy was never imported, whatever this one has."""
    registered = sys.modules["seqkit.backend.device"]._BACKENDS
    monkeypatch.setattr(sys.modules["seqkit.backend.device"], "_BACKENDS", {"cpu": registered["cpu"]})


@pytest.fixture
def no_cupy(no_cuda: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)


def _fake_cupy(count: Any) -> SimpleNamespace:
    """CuPy as far as the search for a GPU looks at it."""

    class CUDARuntimeError(RuntimeError):
        pass

    def get_device_count() -> int:
        if isinstance(count, str):
            raise CUDARuntimeError(count)
        return count

    runtime = SimpleNamespace(getDeviceCount=get_device_count, CUDARuntimeError=CUDARuntimeError)
    return SimpleNamespace(
        __version__="14.2.0",
        ndarray=StrictArray,
        asnumpy=lambda x: x,
        cuda=SimpleNamespace(runtime=runtime, Device=lambda index: None),
    )


def test_the_cpu() -> None:
    assert device("cpu") == Device("cpu")
    assert str(device("cpu")) == "cpu"
    assert device(Device("cpu")) == Device("cpu")
    assert device_of(np.ones(3)) == Device("cpu")
    assert array_module(np.ones(3), None) is np


def test_cuda_without_cupy(no_cupy: None) -> None:
    with pytest.raises(DeviceError, match=r"CuPy is not installed; pip install 'seqkit\[cuda12\]'.*cpu"):
        device("cuda")
    assert device("auto") == Device("cpu")


def test_cuda_without_a_driver(no_cuda: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", _fake_cupy("cudaErrorInsufficientDriver"))
    with pytest.raises(DeviceError, match=r"finds no working NVIDIA driver \(cudaErrorInsufficientDriver\)"):
        device("cuda:0")
    assert device("auto") == Device("cpu")


def test_cuda_without_a_gpu(no_cuda: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", _fake_cupy(0))
    with pytest.raises(DeviceError, match="CuPy finds no GPU"):
        device("cuda")


def test_the_number_of_a_gpu(no_cuda: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", _fake_cupy(2))
    assert device("cuda") == Device("cuda", 0)
    assert device("cuda:1") == Device("cuda", 1)
    assert str(device("cuda:1")) == "cuda:1"
    assert device("auto") == Device("cuda", 0)
    with pytest.raises(DeviceError, match=r"no device cuda:2: 2 GPU\(s\) here"):
        device("cuda:2")


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "cuda:-1", "cpu:0", "", "CPU"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(DeviceError, match=f"unknown device '{name}'; use auto, cpu, cuda or cuda:N"):
        device(name)


def test_seqkit_device(monkeypatch: pytest.MonkeyPatch, no_cupy: None) -> None:
    monkeypatch.delenv("SEQKIT_DEVICE", raising=False)
    assert backend.default_device() == Device("cpu")
    monkeypatch.setenv("SEQKIT_DEVICE", "cuda")
    with pytest.raises(DeviceError, match="CuPy is not installed"):
        backend.default_device()


def test_two_devices_in_one_operation(strict: str) -> None:
    there = to_device(np.ones(3), strict)
    with pytest.raises(DeviceError, match="arrays on two devices in one operation: cpu and strict; move"):
        array_module(np.ones(3), there)
    assert array_module(there, None).__name__ == "strict"


def test_there_and_back(gpu: str) -> None:
    x = np.arange(6.0).reshape(2, 3)
    there = to_device(x, gpu)
    assert str(device_of(there)) == gpu
    assert to_device(there, gpu) is there
    back = to_numpy(there)
    assert type(back) is np.ndarray
    np.testing.assert_array_equal(back, x)
    there += 1
    np.testing.assert_array_equal(x, np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(back, x)
    assert to_device(x, "cpu") is x


def test_no_array(strict: str) -> None:
    with pytest.raises(DeviceError, match="list is not an array of any known device"):
        array_module([1, 2])
    with pytest.raises(DeviceError, match="needs at least one array"):
        array_module(None)


def test_empty_and_zeros(gpu: str) -> None:
    xp = array_module(to_device(np.ones(1), gpu))
    for xp_ in (np, xp):
        assert backend.empty(xp_, (3, 5), np.float32).shape == (3, 5)
        zeros = backend.zeros(xp_, (300, 500), np.float32)
        assert zeros.dtype == np.float32
        assert not to_numpy(zeros).any()


def test_the_cpu_stays() -> None:
    with pytest.raises(DeviceError, match="cannot be removed"):
        backend.unregister_backend("cpu")


def test_nothing_asks_for_cupy_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = builtins.__import__

    def watched(name: str, *arguments: Any, **settings: Any) -> Any:
        assert name.partition(".")[0] != "cupy"
        return plain(name, *arguments, **settings)

    monkeypatch.setattr(builtins, "__import__", watched)
    to_device(np.ones(3), "cpu")
    array_module(np.ones(3))
    with pytest.raises(DeviceError):
        array_module("text")
