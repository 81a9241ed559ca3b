"""A mistake in a kernel must not pass the comparisons: each of these is planted in a copy of its source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from seqkit.backend.kernels import cuda
from tests.cuda.cases import CASES
from tests.cuda.emulator import ORDERS, EmulationError, Emulator, RefusedError
from tests.exhaustive import some

pytestmark = pytest.mark.slow

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
    "Philox: one word too many": ("philox", "random_words", "i < count", "i <= count"),
    "row sums: the last id is cut short": ("row_sums", "sum_segments", ": N", ": N - 1"),
    "row sums: rows unsorted": ("row_sums", "sum_segments", "values[order[n] * E", "values[n * E"),
    "word2vec: unknown words are drawn for": ("word2vec", "walk(", " && id != unk", ""),
    "word2vec: lanes draw the same number": ("word2vec", "walk(", " + __popc(reads & before)", ""),
    "word2vec: keeps the word that equals the threshold": ("word2vec", "walk(", "< keep", "<= keep"),
    "word2vec: sentences overlap": ("word2vec", "walk(", "begin = end;", "begin = end - 1;"),
    "word2vec: a sentence of one word stays": ("word2vec", "walk(", "length < 2", "length < 1"),
    "word2vec: a word after the end of a line is passed over": (
        "word2vec",
        "walk(",
        "size + !open",
        "size + 2 * !open",
    ),
    "word2vec: window one word too wide": ("word2vec", "walk(", "i + reach + 1", "i + reach + 2"),
    "word2vec: windows leave the sentence": (
        "word2vec",
        "walk(",
        "max(begin, i - reach)",
        "max(0, i - reach)",
    ),
    "word2vec: negatives from the next word's draws": ("word2vec", "walk(", "(1 + negative)", "negative"),
    "word2vec: a chunk takes the next one's key": ("word2vec", "one_share(", "keys[chunk]", "keys[0]"),
    "word2vec: all chunks at one rate": ("word2vec", "one_share(", "alphas[chunk]", "alphas[0]"),
    "word2vec: every other word twice": (
        "word2vec",
        "one_share(",
        "m - starts[chunk]",
        "(m - starts[chunk]) / 2 * 2",
    ),
    "word2vec: a share ends too soon": (
        "word2vec",
        "one_share(",
        "(warp + 1) / warps",
        "(warp + 1) / warps - 1",
    ),
    "word2vec: shares overlap": (
        "word2vec",
        "one_share(",
        "total * warp / warps",
        "total * warp / warps / 2",
    ),
    "word2vec: half a warp sums": ("word2vec", "warp_sum", "distance = 16", "distance = 8"),
    "word2vec: the 33rd draw is the first": ("word2vec", "update(", "number + k + lane", "number + lane"),
    "word2vec: negatives that are the centre": ("word2vec", "update(", "word == centre", "false"),
    "word2vec: the alias is never taken": ("word2vec", "drawn(", ": model.alias[word]", ": word"),
    "word2vec: scores are not cut": ("word2vec", "update(", "score > 8.0f ? 8.0f : score", "score"),
    "word2vec: the row after its update": (
        "word2vec",
        "update(",
        "step * row[r]",
        "step * (row[r] + step * h[r])",
    ),
    "word2vec: one column too few": ("word2vec", "update(", "if (j < model.E)", "if (j < model.E - 1)"),
    "word2vec: the centre is its own context": ("word2vec", "one_share(+3", "p == i", "false"),
    "word2vec: skip-gram pairs share negatives": ("word2vec", "one_share(", "number += model.negative;", ""),
    "word2vec: the mean over one word too many": ("word2vec", "one_share(", "to - from - 1", "to - from"),
    "word2vec: a write in place of an addition": (
        "word2vec",
        "update(",
        "atomicAdd(o + j, step * h[r])",
        "o[j] = row[r] - step * h[r]",
    ),
    "word2vec: some lanes leave before an exchange": (
        "word2vec",
        "update(",
        "score = warp_sum(score);",
        "if (lane < model.E) score = warp_sum(score);",
    ),
}


def planted(family: str, where: str, text: str, instead: str) -> str:
    """The source with the first ``text`` after ``where`` replaced; "+n" after ``where``: the n-th."""
    source = cuda.source(family)
    where, _, nth = where.partition("+")
    at = source.rindex(where) if where in ("step_forward", "step_backward") else source.index(where)
    for _ in range(int(nth or 1)):
        at = source.index(text, at + 1)
    return source[:at] + instead + source[at + len(text) :]


@pytest.mark.parametrize("mistake", some(list(MISTAKES), 28))
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


def test_an_exchange_that_some_lanes_never_reach_is_named(emulator: Emulator) -> None:
    mistake = MISTAKES["word2vec: some lanes leave before an exchange"]
    emulator.mutants["word2vec"] = planted(*mistake)
    with pytest.raises(EmulationError, match="an exchange that only a part of the warp's lanes reached"):
        CASES["word2vec/CBOW, 31 columns"](np)
