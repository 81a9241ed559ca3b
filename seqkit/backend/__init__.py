"""Arrays on CPU or GPU: devices, memory, randomness and fused kernels.

The only package that names cupy or numba.
"""

from seqkit.backend.device import (
    Array,
    ArrayBackend,
    Device,
    array_module,
    copied,
    default_device,
    device,
    device_of,
    empty,
    make_current,
    module_of,
    register_backend,
    to_device,
    to_numpy,
    unregister_backend,
    zeros,
)
from seqkit.backend.paths import cache_dir, data_dir

__all__ = [
    "Array",
    "ArrayBackend",
    "Device",
    "array_module",
    "cache_dir",
    "copied",
    "data_dir",
    "default_device",
    "device",
    "device_of",
    "empty",
    "make_current",
    "module_of",
    "register_backend",
    "to_device",
    "to_numpy",
    "unregister_backend",
    "zeros",
]
