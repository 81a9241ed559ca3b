"""Devices: "cpu" (NumPy), "cuda", "cuda:1" (CuPy), and the only place where array libraries are imported.

An array's own type decides where work on it runs: ``xp = array_module(x)`` gives the module whose
functions accept it. There is no global switch. The tests register a third type, a strict stand-in for GPU
arrays, through the same :func:`register_backend`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqkit.backend import memory_pool
from seqkit.errors import DeviceError, Remedy
from seqkit.launcher import rank_here

Array = Any
"""An array of any backend: numpy.ndarray, cupy.ndarray, or one that was registered."""


@dataclass(frozen=True)
class Device:
    """A device: its kind, such as "cuda", and its index among those of that kind."""

    kind: str
    index: int = 0

    def __str__(self) -> str:
        return self.kind if self.kind == "cpu" or self.index == 0 else f"{self.kind}:{self.index}"


_CPU = Device("cpu")


@dataclass(frozen=True)
class ArrayBackend:
    """An array library: its array type, its module and the functions that differ between libraries."""

    kind: str
    array_type: type
    module: Any
    from_numpy: Callable[[np.ndarray, int], Array]
    to_numpy: Callable[[Array], np.ndarray]
    index_of: Callable[[Array], int]


_BACKENDS: dict[str, ArrayBackend] = {
    "cpu": ArrayBackend("cpu", np.ndarray, np, lambda x, _: x, lambda x: x, lambda _: 0),
}


def register_backend(backend: ArrayBackend) -> None:
    """Make ``backend.array_type`` known to :func:`array_module` and its kind to :func:`device`."""
    _BACKENDS[backend.kind] = backend


def unregister_backend(kind: str) -> None:
    """Remove a backend that :func:`register_backend` added."""
    if kind == "cpu":
        raise DeviceError("the CPU backend cannot be removed")
    _BACKENDS.pop(kind, None)


def _or_cpu(advice: str) -> Remedy:
    command = f"{advice}, or use --device cpu, or set SEQKIT_DEVICE=cpu"
    return Remedy(f'{advice}, or use device="cpu"', command=command)


def _cuda_backend() -> ArrayBackend:
    """Import CuPy on first use. Raises DeviceError naming the missing piece: package or driver."""
    if "cuda" in _BACKENDS:
        return _BACKENDS["cuda"]
    try:
        import cupy
    except ImportError as error:
        raise DeviceError(
            "no GPU array package: CuPy is not installed",
            remedy=_or_cpu("pip install 'seqkit[cuda12]' (or 'seqkit[cuda13]')"),
        ) from error
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise DeviceError(
            f"CuPy {cupy.__version__} is installed but finds no working NVIDIA driver ({error})",
            remedy=_or_cpu("install the driver"),
        ) from error
    if count == 0:
        raise DeviceError("CuPy finds no GPU", remedy=_or_cpu("look for one with nvidia-smi"))

    def from_numpy(x: np.ndarray, index: int) -> Array:
        with cupy.cuda.Device(index):
            return cupy.asarray(x)

    register_backend(
        ArrayBackend("cuda", cupy.ndarray, cupy, from_numpy, cupy.asnumpy, lambda x: int(x.device.id))
    )
    return _BACKENDS["cuda"]


def _backend_of(x: Array) -> ArrayBackend:
    for backend in _BACKENDS.values():
        if isinstance(x, backend.array_type):
            return backend
    if type(x).__module__.partition(".")[0] == "cupy":  # a CuPy array made by the user before any of ours
        return _cuda_backend()
    raise DeviceError(
        f"{type(x).__name__} is not an array of any known device",
        remedy="give NumPy or CuPy arrays (numpy.asarray(...) for lists)",
    )


def array_module(*arrays: Array) -> Any:
    """Return the module (numpy, cupy) that the arrays belong to; None entries are skipped.

    Raises:
        DeviceError: they are on two devices.

    """
    found: ArrayBackend | None = None
    for x in arrays:
        if x is None:
            continue
        backend = _BACKENDS["cpu"] if type(x) is np.ndarray else _backend_of(x)
        if found is None:
            found = backend
        elif found is not backend:
            raise DeviceError(
                f"arrays on two devices in one operation: {found.kind} and {backend.kind}",
                remedy="move one with seqkit.backend.to_device(x, device)",
            )
    if found is None:
        raise DeviceError("array_module needs at least one array")
    return found.module


def device(name: str | Device = "auto") -> Device:
    """Parse "auto", "cpu", "cuda" or "cuda:N" and make sure that the device exists.

    "auto" is the GPU where one works, else the CPU. "cuda" is the first GPU; of several processes that a
    launcher started on this host each gets the next one.

    Raises:
        DeviceError: there is no such device; it names the missing package or driver.

    """
    if isinstance(name, Device):
        return name
    if name == "auto":
        try:
            _cuda_backend()
        except DeviceError:
            return Device("cpu")
        name = "cuda"
    kind, _, index = name.partition(":")
    if kind == "cuda" and (index == "" or index.isdecimal()):
        module = _cuda_backend().module
        count = module.cuda.runtime.getDeviceCount()
        number = int(index or rank_here() % count)
        if number >= count:
            raise DeviceError(f"no device cuda:{number}: {count} GPU(s) here", remedy="use a smaller number")
        return Device("cuda", number)
    if kind in _BACKENDS and index == "":
        return Device(kind)
    raise DeviceError(f"unknown device {name!r}", remedy="use auto, cpu, cuda or cuda:N")


def default_device() -> Device:
    """Return the device that $SEQKIT_DEVICE names, else the CPU."""
    return device(os.environ.get("SEQKIT_DEVICE", "cpu"))


def device_of(x: Array) -> Device:
    """Return the device of an array."""
    if type(x) is np.ndarray:
        return _CPU
    backend = _backend_of(x)
    return Device(backend.kind, backend.index_of(x))


def module_of(where: Device) -> Any:
    """Return the array module (numpy, cupy) of a device."""
    return (_cuda_backend() if where.kind == "cuda" else _BACKENDS[where.kind]).module


def make_current(where: str | Device) -> Device:
    """Parse a device, make it the one on which CuPy creates new arrays, and return it.

    Work follows the arrays, but a kernel's scratch memory goes to CuPy's current device: a process that
    uses "cuda:1" calls this once, before it moves a model there.
    """
    where = device(where)
    if where.kind == "cuda":
        _cuda_backend().module.cuda.Device(where.index).use()
    return where


def to_numpy(x: Array) -> np.ndarray:
    """Return ``x`` as a NumPy array: itself on the CPU, a copy from a GPU (synchronises)."""
    return x if type(x) is np.ndarray else _backend_of(x).to_numpy(x)


def to_device(x: Array, where: str | Device) -> Array:
    """Return ``x`` on a device: itself if it is already there, else a copy."""
    where = device(where)
    if device_of(x) == where:
        return x
    target = _cuda_backend() if where.kind == "cuda" else _BACKENDS[where.kind]
    return target.from_numpy(to_numpy(x), where.index)


def empty(xp: Any, shape: tuple[int, ...] | int, dtype: Any) -> Array:
    """Return an uninitialised array for an op's result, on the CPU from recycled memory.

    Ops allocate their results here, so that a training step settles into reusing the same memory.
    CuPy keeps its own pool.
    """
    if xp is np:
        return memory_pool.empty(shape, dtype)
    return xp.empty(shape, dtype)


def zeros(xp: Any, shape: tuple[int, ...] | int, dtype: Any) -> Array:
    """Return an array like :func:`empty`, filled with zeros."""
    out = empty(xp, shape, dtype)
    out[...] = 0
    return out


def copied(xp: Any, x: Array) -> Array:
    """Return a C-contiguous copy in an array of :func:`empty`.

    The C library asks the system for the memory of a large ``x.copy()`` each time (measured: 3 ms of page
    faults for 13 MB).
    """
    out = empty(xp, x.shape, x.dtype)
    out[...] = x
    return out
