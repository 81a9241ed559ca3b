"""A mistake in a kernel must not pass the comparisons: each of these is planted in a copy of its source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from seqkit.backend.kernels import cuda
from tests.cuda.cases import CASES
from tests.cuda.emulator import ORDERS, EmulationError, Emulator, RefusedError

SUM = "static __device__ double block_sum"
MAX = "static __device__ float block_max"
KERNEL = "static __device__ __forceinline__ void one_row"
BARRIER = "__syncthreads();"

MISTAKES: dict[str, tuple[str, str, str, str]] = {
    # name: family, where the search begins, what stands there, what is planted
    "no barrier before a sum is halved": ("softmax_cross_entropy", SUM, BARRIER, ""),
    "no barrier between two halvings": ("softmax_cross_entropy", SUM + "+2", BARRIER, ""),
    "no barrier after a sum is read": ("softmax_cross_entropy", SUM + "+3", BARRIER, ""),
    "no barrier before a maximum is halved": ("softmax_cross_entropy", MAX, BARRIER, ""),
    "no barrier after a maximum is read": ("softmax_cross_entropy", MAX + "+3", BARRIER, ""),
    "the gradient overwrites x[target] before it is read": ("softmax_cross_entropy", KERNEL, BARRIER, ""),
    "some threads leave before a barrier": (
        "softmax_cross_entropy",
        KERNEL,
        "float top = x[0];",
        "if (first >= V) return; float top = x[0];",
    ),
    "the last column is left out of the sum": (
        "softmax_cross_entropy",
        "double sum = 0.0",
        "j < V",
        "j < V - 1",
    ),
    "the maximum sees the first stride only": ("softmax_cross_entropy", KERNEL, "fmaxf(top, x[j])", "top"),
    "one column too many": ("softmax_cross_entropy", "float scale =", "j < V", "j <= V"),
    "smoothing spread over one id too few": (
        "softmax_cross_entropy",
        KERNEL,
        "smoothing / V)",
        "smoothing / (V - 1))",
    ),
    "LSTM: one cell too many": ("lstm", "step_forward", "j >= H", "j > H"),
    "LSTM: one cell too few": ("lstm", "step_backward", "j >= H", "j >= H - 1"),
    "LSTM: masks ignored": ("lstm", "step_forward", "!keep[row]", "false"),
    "LSTM: gates f and g change places": ("lstm", "step_forward", "gates[H] = f", "gates[H] = g"),
    "LSTM: dc as it came, not the total": ("lstm", "step_backward", "dc_total * f;", "dc[cell] * f;"),
    "GRU: one cell too many": ("gru", "step_backward", "j >= H", "j > H"),
    "GRU: the reset gate is left out": ("gru", "step_forward", "r * products", "products"),
    "GRU: hidden gradient without the reset gate": ("gru", "step_backward", "dn * r;", "dn;"),
    "dropout: keeps the word that equals the threshold": (
        "dropout",
        "masked_scale",
        "< threshold",
        "<= threshold",
    ),
    "dropout: one element too many": ("dropout", "masked_scale", "i < count", "i <= count"),
    "dropout: zero instead of a product": (
        "dropout",
        "masked_scale",
        "x[i] * (drawn.word[k] < threshold ? scale : 0.0f)",
        "drawn.word[k] < threshold ? x[i] * scale : 0.0f",
    ),
    "Philox: nine rounds": ("philox", "philox_block", "round < 10", "round < 9"),
    "Philox: stream and counter change places": (
        "philox",
        "random_words",
        "stream, low, high, seed0",
        "low, stream, high, seed0",
    ),
    "Philox: one word too many": ("philox", "random_words", "+ k < count", "+ k <= count"),
    "row sums: the last id is cut short": ("row_sums", "sum_segments", ": N", ": N - 1"),
    "row sums: rows unsorted": ("row_sums", "sum_segments", "values[order[n] * E", "values[n * E"),
}


def planted(family: str, where: str, text: str, instead: str) -> str:
    """The source with the first ``text`` after ``where`` replaced; "+n" after ``where``: the n-th."""
    source = cuda.source(family)
    where, _, nth = where.partition("+")
    at = source.rindex(where) if where in ("step_forward", "step_backward") else source.index(where)
    for _ in range(int(nth or 1)):
        at = source.index(text, at + 1)
    return source[:at] + instead + source[at + len(text) :]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_is_caught(emulator: Emulator, mistake: str) -> None:
    family, where, text, instead = MISTAKES[mistake]
    emulator.mutants[family] = planted(family, where, text, instead)
    cases = [case for name, case in CASES.items() if name.partition("/")[0] == family.partition("_cross")[0]]
    assert cases
    assert any(_fails(case, emulator, order) for order in ORDERS for case in cases)


def _fails(case: Callable[[Any], None], emulator: Emulator, order: str) -> bool:
    emulator.order = order
    try:
        case(np)
    except RefusedError:  # the result must give the mistake away, not the compiler
        raise
    except (AssertionError, EmulationError):
        return True
    return False


def test_a_barrier_that_some_threads_never_reach_is_named(emulator: Emulator) -> None:
    emulator.mutants["softmax_cross_entropy"] = planted(*MISTAKES["some threads leave before a barrier"])
    with pytest.raises(EmulationError, match="a barrier that only a part of the block's threads reached"):
        CASES["softmax/4x2 smoothing 0.0 gradient none"](np)
