"""Word2vec over a stream of ids: chunks of text, a falling learning rate, threads without locks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqkit.backend.device import zeros
from seqkit.backend.kernels import kernels
from seqkit.backend.kernels.word2vec.reference import GOLDEN, Plan, splitmix64
from seqkit.backend.random import Generator
from seqkit.errors import UsageError
from seqkit.vectors.training.sampling import make_sampling

CHUNK = 10_000
"""Tokens of a chunk, on average: the learning rate moves in steps of it. A sentence is never cut."""

_LINE = 16  # float32 in a cache line


@dataclass(frozen=True)
class Word2VecSettings:
    """The training of word vectors, with gensim's names and defaults.

    sg: skip-gram, else CBOW. negative: words drawn per example; ns_exponent: the power of their counts.
    sample: threshold of subsampling, 0 for none. alpha falls linearly to min_alpha over all epochs.
    cbow_mean: the context is a mean, else a sum. shrink_windows: each window's size is drawn from 1 to
    ``window``. true_gradient: divide CBOW's update by the number of context words, as the loss's gradient
    does and word2vec does not; it wants an alpha about twice as large.
    """

    vector_size: int = 100
    alpha: float = 0.025
    window: int = 5
    sample: float = 1e-3
    seed: int = 1
    workers: int = 3
    min_alpha: float = 1e-4
    sg: bool = False
    negative: int = 5
    ns_exponent: float = 0.75
    cbow_mean: bool = True
    epochs: int = 5
    shrink_windows: bool = True
    true_gradient: bool = False

    def __post_init__(self) -> None:
        """UsageError for values that no training can have."""
        for name in ("vector_size", "window", "workers", "negative", "epochs", "alpha"):
            if not getattr(self, name) > 0:
                raise UsageError(f"{name} must be above 0, got {getattr(self, name)}")
        for name in ("sample", "min_alpha", "seed"):
            if getattr(self, name) < 0:
                raise UsageError(f"{name} must not be negative, got {getattr(self, name)}")


@dataclass
class TrainingState:
    """Where training is: what has to be saved, with the vectors, to go on."""

    epoch: int = 0
    chunk: int = 0
    """The next chunk of the epoch."""
    words: int = 0
    """Words read so far, before subsampling, over all epochs."""
    epoch_loss: float = 0.0
    epoch_examples: int = 0
    seconds: float = 0.0


def chunk_bounds(ids: np.ndarray, eos_id: int) -> np.ndarray:
    """(C + 1,) places that cut the stream behind ends of lines, about CHUNK tokens apart.

    Reads the stream block by block: it may be memory-mapped and larger than memory.
    """
    bounds, block, due = [0], 1 << 20, CHUNK
    for start in range(0, len(ids), block):
        ends = start + 1 + np.flatnonzero(np.asarray(ids[start : start + block]) == eos_id)
        while (place := int(np.searchsorted(ends, due))) < len(ends):
            bounds.append(int(ends[place]))
            due = bounds[-1] + CHUNK
    if bounds[-1] != len(ids):
        bounds.append(len(ids))
    return np.array(bounds, np.int64)


def initial_vectors(V: int, E: int, seed: int) -> np.ndarray:
    """(V, E) float32, uniform within ±1/2E: where word2vec starts. Its output vectors start at 0."""
    return (Generator(seed, "vectors").uniform((V, E)) - np.float32(0.5)) / np.float32(E)


class Word2VecTrainer:
    """Trains input and output vectors (V, E) on (N,) ids.

    counts: (V,) how often each word occurs in the text; those of ``eos_id`` and ``unk_id``, which are no
    words, are taken as 0. initial: input and output vectors (V, E) to go on from.
    With one worker the result depends on seed and text alone; several update the same vectors
    asynchronously, and their result varies from run to run.
    """

    def __init__(
        self,
        ids: np.ndarray,
        counts: np.ndarray,
        settings: Word2VecSettings,
        *,
        eos_id: int,
        unk_id: int | None = None,
        initial: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> None:
        self.ids, self.settings = ids, settings
        self.eos_id, self.unk_id = eos_id, -1 if unk_id is None else unk_id
        counts = np.array(counts, np.int64)
        counts[[i for i in (eos_id, unk_id) if i is not None]] = 0
        if np.count_nonzero(counts) < 2:
            raise UsageError("word vectors need two or more distinct words", remedy="lower min_count")
        self.corpus_words = int(counts.sum())
        self.sampling = make_sampling(counts, sample=settings.sample, ns_exponent=settings.ns_exponent)
        self.bounds = chunk_bounds(ids, eos_id)
        self.state = TrainingState()
        self.losses: list[float] = []
        """Mean loss of an example, one entry an epoch."""
        V, E = len(counts), settings.vector_size
        padded = -(-E // _LINE) * _LINE  # whole cache lines; the padding stays 0
        self._input, self._output = (zeros(np, (V, padded), np.float32) for _ in range(2))
        if initial is None:
            initial = initial_vectors(V, E, settings.seed), np.zeros((V, E), np.float32)
        self._input[:, :E], self._output[:, :E] = initial

    @property
    def input_vectors(self) -> np.ndarray:
        """(V, E) the word vectors, a view of the memory being trained."""
        return self._input[:, : self.settings.vector_size]

    @property
    def output_vectors(self) -> np.ndarray:
        """(V, E) the vectors that predict, a view."""
        return self._output[:, : self.settings.vector_size]

    @property
    def alpha(self) -> float:
        """The learning rate at the words read so far."""
        settings = self.settings
        share = min(1.0, self.state.words / max(1, settings.epochs * self.corpus_words))
        return settings.alpha + (settings.min_alpha - settings.alpha) * share

    def run(
        self,
        *,
        on_progress: Callable[[TrainingState], Any] = lambda state: None,
        on_epoch: Callable[[TrainingState, float], Any] = lambda state, loss: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Train to the last epoch; False when ``should_stop`` said so before.

        Stopped between chunks, it goes on from there when called again. on_epoch gets the epoch's mean loss.
        """
        state, settings = self.state, self.settings
        with ThreadPoolExecutor(settings.workers) as pool:
            while state.epoch < settings.epochs:
                started, before = time.perf_counter(), state.seconds
                lock = threading.Lock()

                def work(
                    lock: threading.Lock = lock, started: float = started, before: float = before
                ) -> None:
                    while not should_stop():
                        with lock:
                            if state.chunk + 1 >= len(self.bounds):
                                return
                            chunk, alpha = state.chunk, self.alpha
                            state.chunk += 1
                        words, examples, loss = self._train(chunk, alpha)
                        with lock:
                            state.words += words
                            state.epoch_loss += loss
                            state.epoch_examples += examples
                            state.seconds = before + time.perf_counter() - started
                        on_progress(state)

                for future in [pool.submit(work) for _ in range(settings.workers)]:
                    future.result()
                if state.chunk + 1 < len(self.bounds):
                    return False
                loss = state.epoch_loss / max(1, state.epoch_examples)
                self.losses.append(loss)
                state.epoch, state.chunk = state.epoch + 1, 0
                state.epoch_loss, state.epoch_examples = 0.0, 0
                on_epoch(state, loss)
        return True

    def _train(self, chunk: int, alpha: float) -> tuple[int, int, float]:
        settings = self.settings
        ids = np.asarray(self.ids[self.bounds[chunk] : self.bounds[chunk + 1]])
        plan = Plan(
            settings.sg,
            settings.window,
            settings.shrink_windows,
            settings.negative,
            settings.cbow_mean,
            settings.true_gradient,
        )
        key = splitmix64(splitmix64(settings.seed + GOLDEN * (self.state.epoch + 1)) + chunk)
        result: tuple[int, int, float] = kernels("word2vec", np).train_chunk(
            ids, self.eos_id, self.unk_id, self.sampling, plan, self._input, self._output, alpha, key
        )
        return result
