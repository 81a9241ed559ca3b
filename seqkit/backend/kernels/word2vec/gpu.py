"""Word2vec on the GPU: a launch that draws and one that trains, for as many chunks as are given at once.

A chunk's draws are the CPU's, so one worker gives the reference's vectors. Many workers update the same rows
without locks; each works on rows that the others are changing, which costs accuracy where there are few rows
to go round. So their number is also bounded by the vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from seqkit.backend.device import array_module, device_of, empty, to_device, to_numpy
from seqkit.backend.kernels import cuda
from seqkit.backend.kernels.word2vec.reference import Sampling
from seqkit.backend.kernels.word2vec.settings import Word2VecSettings
from seqkit.errors import ShapeError

WIDTHS = (128, 320, 1024)
"""Columns that a ``train`` kernel holds in registers."""

MOST_WORKERS = 1024
ROWS_OF_A_WORKER, TOKENS_OF_A_WORKER = 16, 64
_WARPS = 4  # in a block


def worker_count(V: int, tokens: int) -> int:
    """How many warps train at once: a function of the shapes alone.

    The limits are estimates, not measured. 1,024 examples in flight, at some 10,000 cycles each, ask for more
    rows than memory gives. All examples in flight that hold a word move its row by what they saw before the
    others did, as one large step; without subsampling a third of them hold the most frequent word.
    """
    return max(1, min(MOST_WORKERS, V // ROWS_OF_A_WORKER, tokens // TOKENS_OF_A_WORKER))


def _geometry(workers: int) -> cuda.Geometry:
    warps = min(workers, _WARPS)
    return cuda.Geometry((workers // warps, 1), 32 * warps)


def train_chunks(
    ids: Any,
    bounds: Sequence[int],
    eos_id: int,
    unk_id: int,
    sampling: Sampling,
    settings: Word2VecSettings,
    input_vectors: Any,
    output_vectors: Any,
    alphas: Sequence[float],
    keys: Sequence[int],
    *,
    workers: int | None = None,
) -> tuple[int, int, float]:
    """See the reference. Examples of all chunks are trained at once; waits for the device at the end.

    workers: warps that train at once, by default :func:`worker_count`; with one, in the reference's order.
    """
    xp = array_module(ids, *sampling, input_vectors, output_vectors)
    (N,), (V, E), C = ids.shape, input_vectors.shape, len(keys)
    if max(WIDTHS) < E:
        raise ShapeError(f"the word2vec kernel takes vectors of up to {max(WIDTHS)} numbers, got {E}")
    ids = xp.ascontiguousarray(ids.astype(np.int32, copy=False))
    cuda.require("word2vec", np.float32, input_vectors=input_vectors, output_vectors=output_vectors)
    cuda.require("word2vec", np.uint32, keep=sampling.keep, threshold=sampling.threshold)
    cuda.require("word2vec", np.int32, alias=sampling.alias)
    cuda.require_shapes(
        "word2vec",
        output_vectors=(output_vectors, (V, E)),
        keep=(sampling.keep, (V,)),
        threshold=(sampling.threshold, (V,)),
        alias=(sampling.alias, (V,)),
    )
    host = np.asarray(bounds, np.int64), np.asarray(keys, np.uint64), np.asarray(alphas, np.float32)
    cuda.require_shapes("word2vec", bounds=(host[0], (C + 1,)), alphas=(host[2], (C,)))
    if C == 0 or host[0][0] < 0 or host[0][-1] > N or np.any(np.diff(host[0]) < 0):
        raise ShapeError(f"the word2vec kernel needs ascending bounds within {N} ids, got {list(bounds)}")
    places, key_array, alpha_array = (to_device(x, device_of(input_vectors)) for x in host)

    kept, first, last = (empty(xp, N, np.int32) for _ in range(3))
    draws = empty(xp, N, np.uint64)
    kept_counts, words, examples = (empty(xp, C, np.int64) for _ in range(3))
    cuda.launch(
        "word2vec",
        "walk",
        cuda.Geometry((C, 1), 32),
        ids,
        places,
        np.int32(eos_id),
        np.int32(unk_id),
        sampling.keep,
        key_array,
        np.int32(settings.window),
        np.bool_(settings.shrink_windows),
        np.int32(settings.negative),
        np.bool_(settings.sg),
        kept,
        first,
        last,
        draws,
        kept_counts,
        words,
        examples,
    )
    starts = empty(xp, C + 1, np.int64)
    starts[0] = 0
    starts[1:] = xp.cumsum(kept_counts)
    geometry = _geometry(worker_count(V, N) if workers is None else workers)
    losses = empty(xp, geometry.grid[0] * geometry.block // 32, np.float64)
    cuda.launch(
        "word2vec",
        f"train_{next(width for width in WIDTHS if width >= E)}",
        geometry,
        input_vectors,
        output_vectors,
        sampling.threshold,
        sampling.alias,
        np.int32(V),
        np.int32(E),
        np.int32(settings.negative),
        places,
        starts,
        np.int32(C),
        key_array,
        alpha_array,
        kept,
        first,
        last,
        draws,
        np.bool_(settings.sg),
        np.bool_(settings.cbow_mean),
        np.bool_(settings.true_gradient),
        losses,
    )
    return int(to_numpy(words).sum()), int(to_numpy(examples).sum()), float(to_numpy(losses).sum())


def train_chunk(
    ids: Any,
    eos_id: int,
    unk_id: int,
    sampling: Sampling,
    settings: Word2VecSettings,
    input_vectors: Any,
    output_vectors: Any,
    alpha: float,
    key: int,
    *,
    workers: int | None = None,
) -> tuple[int, int, float]:
    """See the reference and :func:`train_chunks`."""
    return train_chunks(
        ids,
        [0, len(ids)],
        eos_id,
        unk_id,
        sampling,
        settings,
        input_vectors,
        output_vectors,
        [alpha],
        [key],
        workers=workers,
    )
