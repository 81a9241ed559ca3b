"""Numba as the kernels use it: cached in a private folder, never parallel, no NaN assumptions.

Numba's own cache looks only at the file of the compiled function, not at helpers that it inlines from other
files; so the folder's name is a hash of every kernel source. Numba's own threads stay unused: beside another
pool they cost about 6 ms a hand-over on two cores (measured); team.py has those of ours.

The rule for sums: a loop that adds up must not store. Beside a store the compiler asks at run time whether
the arrays overlap, by bounds that reach beyond them; where the heap happens to place one behind the other it
takes the scalar loop, which adds in another order, and two equal runs differ in the last bit (seen: once in
3,000; tests/backend/test_kernel_sums.py holds the rule). Sums in the vectors of simd.py are free of it:
they have one order.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numba
from numba.core import config, types
from numba.extending import intrinsic

from seqkit.backend.paths import cache_dir

_config: Any = config  # its settings are made at run time
_log = logging.getLogger("seqkit")

SAFE_MATH = {"contract", "reassoc", "arcp", "nsz", "afn"}
"""Fast-math without nnan and ninf: a diverging run must still show its NaN."""

ORDERED_MATH = SAFE_MATH - {"reassoc"}
"""For helpers: reassociation would join the two parts of ln 2 in exp32 (measured: 4.5 ulp against 0.9)."""


def sources_digest(root: Path) -> str:
    """16 hex digits that change with Numba's version and with any Python file below ``root``."""
    digest = hashlib.sha256(numba.__version__.encode())
    for source in sorted(root.rglob("*.py")):
        digest.update(source.relative_to(root).as_posix().encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


@functools.cache
def cache_folder() -> Path | None:
    """The folder of compiled kernels of exactly these sources, or None where it cannot be written."""
    folder = cache_dir() / "kernels" / sources_digest(Path(__file__).parent)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _log.warning("kernels are compiled anew in each process: %s cannot be made (%s)", folder, error)
        return None
    return folder if os.access(folder, os.W_OK) else None


@functools.cache
def _announce() -> None:
    folder = cache_folder()
    if folder is not None and not any(folder.rglob("*.nbi")):
        _log.warning("compiling kernels for this processor, once (half a minute at most; kept in %s)", folder)


@contextlib.contextmanager
def _caching() -> Iterator[bool]:
    """Whether what is decorated meanwhile is kept on disk: Numba reads the folder while a decorator runs."""
    _announce()
    folder, before = cache_folder(), _config.CACHE_DIR
    if folder is not None:
        _config.CACHE_DIR = str(folder)
    try:
        yield folder is not None
    finally:
        _config.CACHE_DIR = before


def jit(function: Callable[..., Any]) -> Callable[..., Any]:
    """``numba.njit`` with the settings above; compiles at the first call, or loads from the cache."""
    with _caching() as cache:
        return numba.njit(cache=cache, fastmath=SAFE_MATH, error_model="numpy", nogil=True)(function)


def task(function: Callable[..., None]) -> Any:
    """A function of (numbers, part, parts), all integers, that a team runs: see team.py."""
    signature = types.void(types.intp, types.intp, types.intp)
    with _caching() as cache:
        return numba.cfunc(signature, cache=cache, error_model="numpy")(function)


def inline(function: Callable[..., Any]) -> Callable[..., Any]:
    """A helper that kernels inline; compiled only inside them."""
    return numba.njit(fastmath=ORDERED_MATH, error_model="numpy", inline="never")(function)


def merged(function: Callable[..., Any]) -> Callable[..., Any]:
    """A helper that becomes part of each kernel that uses it, with the kernel's rules for arithmetic.

    A call of ``inline`` passes every field of every array on the stack and may count references: 7 % of the
    time of a kernel that makes millions of small calls (measured in word2vec).
    """
    return numba.njit(error_model="numpy", inline="always")(function)


@intrinsic
def bits_of_float(typing_context: Any, value: Any) -> Any:
    """The bit pattern of a float32 as int32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.int32))

    return types.int32(types.float32), generate


@intrinsic
def float_of_bits(typing_context: Any, bits: Any) -> Any:
    """The float32 whose bit pattern is the given int32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.float32))

    return types.float32(types.int32), generate


@intrinsic
def wide_vectors(typing_context: Any) -> Any:
    """Let the function that says so have the widest vectors there are.

    By itself the compiler takes half of AVX-512's, for the sake of short loops and of the clock. Exponentials
    gain a third by the whole (measured: 0.31 ns each against 0.46); short loops lose, as in convolutions.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        attributes = builder.function.attributes
        if isinstance(attributes, set):  # llvmlite's own add knows LLVM's attributes, not those of targets
            attributes.add("noinline")  # who inlines it would compile it by rules of his own
            set.add(attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.void(), generate
