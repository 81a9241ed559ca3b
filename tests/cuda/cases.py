"""The inputs on which every family is compared: ragged sizes, edges of blocks, masks, thresholds, NaN.

``CASES`` maps a name to a function of the array module that raises AssertionError on a difference.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from seqkit.backend.kernels.philox import reference as philox_reference
from seqkit.backend.kernels.word2vec.settings import Word2VecSettings
from tests.cuda import comparisons as c

KEYS = {
    "zero": (0, 0, 0, 0, 0),
    "ones": (0xFFFFFFFF,) * 5,
    "digits": (0xA4093822, 0x299F31D0, 0x85A308D3, 0x13198A2E, 0x03707344),
}
KEY = KEYS["digits"]

CASES: dict[str, Callable[[Any], None]] = {}
"""family/case."""


def add(name: str, compare: Callable[..., None], *arguments: Any, **settings: Any) -> None:
    assert name not in CASES
    CASES[name] = lambda xp: partial(compare, xp)(*arguments, **settings)


for count in (0, 1, 2, 3, 4, 5, 1023, 1024, 1025, 2051):
    add(f"philox/{count} words", c.compare_philox, count, KEY)
for name, key in KEYS.items():
    add(f"philox/key of {name}", c.compare_philox, 13, key)

for first in (1, 2, 7, 1024, 2**34 - 2):
    add(f"philox/from word {first} on", c.compare_philox, 1027, KEY, first)
    add(f"dropout/from word {first} on", c.compare_dropout, c.normal(1, 1027), KEY, 1 << 31, False, first)

_word = int(philox_reference.random_words(np, 1, KEY)[0])
THRESHOLDS = {
    "0": 0,
    "1": 1,
    "half": 2**31,
    "first word": _word,  # drops the first element by a hair
    "first word + 1": _word + 1,  # keeps it by one
    "2^32 - 1": 2**32 - 1,
    "2^32": 2**32,
}
for name, threshold in THRESHOLDS.items():
    add(f"dropout/threshold {name}", c.compare_dropout, c.normal(1, 7, 11), KEY, threshold, False)
for size in (0, 1, 3, 4, 1021, 1024, 1027):
    add(f"dropout/{size} elements", c.compare_dropout, c.normal(1, size), KEY, 3 * 2**30, False)
    add(f"dropout/{size} elements in place", c.compare_dropout, c.normal(1, size), KEY, 3 * 2**30, True)
add(
    "dropout/NaN and infinity",
    c.compare_dropout,
    np.array([np.nan, np.inf, -np.inf, -1, 0] * 5, np.float32),
    KEY,
    2**31,
    False,
)

for family, compare in (("lstm", c.compare_lstm), ("gru", c.compare_gru)):
    for B, H in ((1, 1), (2, 3), (5, 127), (3, 128), (2, 129), (7, 263)):
        add(f"{family}/{B}x{H}", compare, B, H, "all")
        add(f"{family}/{B}x{H} some rows masked", compare, B, H, "some")
    add(f"{family}/all rows masked", compare, 5, 7, "none")
    add(f"{family}/no rows", compare, 0, 7, "all")
    add(f"{family}/saturated", compare, 5, 7, "some", scale=100.0)
    add(f"{family}/a row of NaN", compare, 3, 7, "all", poison=np.nan)
    add(f"{family}/a row of infinity", compare, 3, 7, "all", poison=np.inf)


def _softmax(name: str, N: int, V: int, dtype: Any = np.int64, ignore: int = -1, **settings: Any) -> None:
    logits, targets = c.softmax_case(N, V, dtype, ignore)
    add(f"softmax/{name}", c.compare_softmax, logits, targets, ignore_index=ignore, **settings)


for N, V in ((1, 1), (4, 2), (5, 31), (3, 128), (3, 131), (4, 521), (3, 2053)):
    for smoothing in (0.0, 0.1):
        for gradient in ("none", "separate", "in place"):
            name = f"{N}x{V} smoothing {smoothing} gradient {gradient}"
            _softmax(name, N, V, smoothing=smoothing, gradient=gradient)
for dtype in (np.int32, np.int64, np.int16, np.uint8):
    _softmax(f"{np.dtype(dtype).name} targets", 7, 13, dtype, 0 if dtype == np.uint8 else -1)
    _softmax(f"{np.dtype(dtype).name} targets, ignored id 3", 7, 13, dtype, ignore=3, smoothing=0.2)
_softmax("no rows", 0, 5)
add("softmax/all rows ignored", c.compare_softmax, c.normal(1, 3, 5), np.full(3, -1))
_peaks = np.zeros((7, 521), np.float32)  # a maximum that misses the peak overflows
_peaks[range(7), [0, 1, 127, 128, 200, 511, 520]] = 500
add("softmax/peaks", c.compare_softmax, _peaks, np.arange(7) * 70, smoothing=0.1)
_wild = np.repeat(c.normal(2, 1, 37), 6, axis=0)
_wild[0, 5], _wild[1, 5], _wild[2, 5] = np.nan, np.inf, -np.inf
_wild[3], _wild[4, :18], _wild[5] = -np.inf, 1e30, 3.0
for smoothing in (0.0, 0.1):
    for target in (4, 5, 30):
        name = f"softmax/wild rows, target {target}, smoothing {smoothing}"
        add(name, c.compare_softmax, _wild, np.full(6, target), smoothing=smoothing, gradient="in place")

for N, V, E in ((0, 3, 5), (1, 1, 1), (7, 3, 127), (11, 5, 128), (61, 13, 131)):
    for dtype in (np.int32, np.int64):
        ids = np.random.default_rng(N).integers(0, V, N).astype(dtype)
        add(f"row_sums/{N}x{E} of {V} {np.dtype(dtype).name}", c.compare_row_sums, ids, c.normal(3, N, E))

CBOW, SKIP_GRAM = (Word2VecSettings(sg=sg, window=3, negative=4) for sg in (False, True))
_LENGTHS = (0, 9, 1, 2, 31, 0, 32, 1, 33, 3, 65)
_TEXT = c.word2vec_text(1, _LENGTHS)  # sentences that end within 32 tokens, with them, and beyond
_SHORT = c.word2vec_text(2, (7, 2, 13))
_ENDS = list(itertools.accumulate(length + 1 for length in _LENGTHS))
_CUTS = [_ENDS[k] for k in (0, 3, 3, 6, 7)]  # into chunks, of which three are without examples
for flags in itertools.product((False, True), repeat=4):
    names = dict(zip(("sg", "shrink_windows", "cbow_mean", "true_gradient"), flags, strict=True))
    add(f"word2vec/{flags}", c.compare_word2vec, _SHORT, Word2VecSettings(window=3, negative=4, **names))


def _word2vec(name: str, ids: np.ndarray, *arguments: Any, change: Any = None, **settings: Any) -> None:
    for model in (CBOW, SKIP_GRAM):
        word2vec = dataclasses.replace(model, **(change or {}))
        label = "skip-gram" if model.sg else "CBOW"
        add(f"word2vec/{label}, {name}", c.compare_word2vec, ids, word2vec, *arguments, **settings)


_word2vec("sentences of all lengths", _TEXT, 5)
_word2vec("most words left out", _TEXT, 5, sampling=c.word2vec_sampling(keep=0.1))
_word2vec("words left out by a hair", np.arange(2, 50), 5, sampling=c.word2vec_edges(np.arange(2, 50)))
_word2vec("chunks", _TEXT, 5, _CUTS)
_word2vec("no text", _TEXT[:0])
_word2vec("no words", np.zeros(40, np.int32), 5, [3, 35])
_word2vec("scores beyond the cut", _SHORT, scale=3.0)
for E in (1, 31, 32, 33, 127, 128, 129, 320, 321, 1024):
    _word2vec(f"{E} columns", _SHORT[:8], E)
for negative in (1, 31, 32, 33, 70):
    _word2vec(f"{negative} negatives", _SHORT, 5, change={"negative": negative})
for window in (1, 2, 50):
    _word2vec(f"window {window}", _TEXT[:60], 5, change={"window": window})
for workers in (2, 4, 8, 400):
    _word2vec(f"{workers} workers", _TEXT, 5, _CUTS, alpha=1e-4, workers=workers)
