"""Numba as the kernels use it: the decorators, their rules of arithmetic, and the rule for sums.

Numba's own threads and its own file cache stay unused: beside another pool its threads cost about 6 ms a
hand-over on two cores (measured; ``thread_pool.py`` has ours), and what its cache loads is not always what it
has just compiled (``object_code.py``).

The rule for sums: a loop that adds up must not store. Beside a store the compiler asks at run time whether
the arrays overlap, by bounds that reach beyond them; where the heap happens to place one behind the other it
takes the scalar loop, which adds in another order, and two equal runs differ in the last bit (seen: once in
3,000; tests/backend/test_kernel_sums.py holds the rule). Sums in the vectors of simd.py are free of it:
they have one order.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numba
from numba.core import types
from numba.extending import intrinsic

DEBUG = os.environ.get("SEQKIT_KERNELS_DEBUG", "") not in ("", "0")
"""Whether compiled code checks the bounds of every array; tasks then run chunk by chunk in one thread."""

SAFE_MATH = {"contract", "reassoc", "arcp", "nsz", "afn"}
"""Fast-math without nnan and ninf: a diverging run must still show its NaN."""

ORDERED_MATH = SAFE_MATH - {"reassoc"}
"""For helpers: reassociation would join the two parts of ln 2 in exp32 (measured: 4.5 ulp against 0.9)."""


def jit(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function that tasks call, with fast math; only inside tasks, never called from Python."""
    return numba.njit(fastmath=SAFE_MATH, error_model="numpy", boundscheck=DEBUG)(function)


def inline(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a small helper, with math that keeps the order of its sums."""
    return numba.njit(fastmath=ORDERED_MATH, error_model="numpy", inline="never", boundscheck=DEBUG)(function)


def merged(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a helper part of each function that uses it, with that function's rules of arithmetic.

    A call of ``inline`` passes every field of every array on the stack and may count references: 7 % of the
    time of a kernel that makes millions of small calls (measured in word2vec).
    """
    return numba.njit(error_model="numpy", inline="always", boundscheck=DEBUG)(function)


@intrinsic
def wide_vectors(typing_context):
    """Let the calling function use the widest vectors there are.

    By itself the compiler takes half of AVX-512's, for the sake of short loops and of the clock. Exponentials
    gain a third by the whole (measured: 0.31 ns each against 0.46); short loops lose, as in convolutions.
    """

    def generate(context, builder, signature, arguments):
        attributes = builder.function.attributes
        if isinstance(attributes, set):  # llvmlite's own add knows LLVM's attributes, not those of targets
            attributes.add("noinline")  # a caller that inlined it would compile it by its own rules
            set.add(attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.void(), generate
