"""Word2vec over a stream of ids: chunks of text, a falling learning rate, threads without locks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from seqkit.backend.device import Device, make_current, module_of, to_device, to_numpy, zeros
from seqkit.backend.kernels import kernels
from seqkit.backend.kernels.word2vec.reference import GOLDEN, Sampling, splitmix64
from seqkit.backend.kernels.word2vec.settings import Word2VecSettings
from seqkit.backend.random import Generator
from seqkit.errors import RunError, UsageError
from seqkit.vectors.word2vec.sampling import chunk_bounds, initial_vectors, sampling_tables

CHUNKS_OF_A_DEVICE = 100
"""Chunks that a GPU is given at once, about a million tokens: work for all its processors. Each keeps the
draws and the learning rate that it has on the CPU."""

_LINE, _DEVICE_LINE = 16, 32  # float32 in a cache line


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


class Word2VecTrainer:
    """Trains input and output vectors (V, E) on (N,) ids.

    counts: (V,) how often each word occurs in the text; those of ``eos_id`` and ``unk_id``, which are no
    words, are taken as 0. initial: input and output vectors (V, E) to go on from.
    device: where the vectors are kept and trained. On a GPU one thread feeds it, whatever ``workers`` says.
    Each epoch reads the text's chunks in an order of its own, and each chunk from end to end.
    With one worker the result depends on seed and text alone; several, and a GPU, update the same vectors
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
        device: str | Device = "cpu",
    ) -> None:
        self.ids, self.settings, self.device = ids, settings, make_current(device)
        self.eos_id, self.unk_id = eos_id, -1 if unk_id is None else unk_id
        counts = np.array(counts, np.int64)
        counts[[i for i in (eos_id, unk_id) if i is not None]] = 0
        if np.count_nonzero(counts) < 2:
            raise UsageError("word vectors need two or more distinct words", remedy="lower min_count")
        self.corpus_words = int(counts.sum())
        self.sampling = sampling_tables(counts, sample=settings.sample, ns_exponent=settings.ns_exponent)
        self.bounds = chunk_bounds(ids, eos_id)
        self._ordered, self._chunks = -1, np.empty(0, np.int64)
        self.state = TrainingState()
        self.losses: list[float] = []
        """Mean loss of an example, one entry an epoch."""
        self._lock = threading.Lock()
        V, E = len(counts), settings.vector_size
        line = _LINE if self._on_cpu else _DEVICE_LINE
        padded = -(-E // line) * line  # whole cache lines; the padding stays 0
        hosts = [zeros(np, (V, padded), np.float32) for _ in range(2)]
        if initial is None:
            initial = initial_vectors(V, E, settings.seed), np.zeros((V, E), np.float32)
        hosts[0][:, :E], hosts[1][:, :E] = initial
        self._input, self._output = (to_device(x, self.device) for x in hosts)
        self._sampling = Sampling(*(to_device(x, self.device) for x in self.sampling))

    @property
    def _on_cpu(self) -> bool:
        return self.device.kind == "cpu"

    @property
    def input_vectors(self) -> np.ndarray:
        """(V, E) the word vectors: a view of the memory being trained, from a GPU a copy."""
        return to_numpy(self._input)[:, : self.settings.vector_size]

    @property
    def output_vectors(self) -> np.ndarray:
        """(V, E) the vectors that predict, likewise."""
        return to_numpy(self._output)[:, : self.settings.vector_size]

    @property
    def alpha(self) -> float:
        """The learning rate at the words read so far."""
        return self._alpha_at(self.state.words)

    def _alpha_at(self, words: int) -> float:
        settings = self.settings
        share = min(1.0, words / max(1, settings.epochs * self.corpus_words))
        return settings.alpha + (settings.min_alpha - settings.alpha) * share

    def checkpoint(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """The vectors ("input" and "output", (V, E) copies) and, as JSON can hold it, where training is.

        Call it from ``on_progress`` or ``on_epoch``, or after :meth:`run` was stopped. With one worker no
        chunk is under way there, and training restored from it gives the same bits. With several, the others
        are in the middle of a chunk each, which a restored training takes as done.
        """
        with self._lock:
            metadata = {
                "state": asdict(self.state),
                "losses": list(self.losses),
                "tokens": len(self.ids),
                "chunks": len(self.bounds) - 1,
            }
            return {"input": self.input_vectors.copy(), "output": self.output_vectors.copy()}, metadata

    def restore(self, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> None:
        """Go on from a :meth:`checkpoint` of a trainer of the same text and settings, on any device.

        RunError, and nothing changed, for one that does not fit: vectors of another shape, another text.
        """
        E = self.settings.vector_size
        shape = (len(self._input), E)
        for name in ("input", "output"):
            if name not in arrays:
                raise RunError(f"the checkpoint of word vectors has no {name!r}")
            x = arrays[name]
            if x.shape != shape or x.dtype != np.float32:
                raise RunError(
                    f"the checkpoint's {name!r} vectors are {x.dtype} {x.shape}, not float32 {shape}",
                    remedy="use the vocabulary and vector_size that it was made with",
                )
        try:
            state, losses = TrainingState(**metadata["state"]), [float(x) for x in metadata["losses"]]
            text = {name: int(metadata[name]) for name in ("tokens", "chunks")}
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(f"the checkpoint of word vectors is of another version ({error!r})") from error
        own = {"tokens": len(self.ids), "chunks": len(self.bounds) - 1}
        if text != own:
            raise RunError(f"the checkpoint is of another text: {text}, here {own}")
        if not 0 <= state.chunk <= own["chunks"] or state.epoch != len(losses):
            raise RunError(
                f"the checkpoint of word vectors contradicts itself: epoch {state.epoch} with "
                f"{len(losses)} losses, chunk {state.chunk} of {own['chunks']}"
            )
        self.state, self.losses = state, losses
        for vectors, name in ((self._input, "input"), (self._output, "output")):
            vectors[:, :E] = to_device(np.ascontiguousarray(arrays[name]), self.device)

    def run(
        self,
        *,
        on_progress: Callable[[TrainingState], Any] = lambda state: None,
        on_epoch: Callable[[TrainingState, float], Any] = lambda state, loss: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Train to the last epoch; False when ``should_stop`` said so before.

        Stopped between chunks, it goes on from there when called again. on_epoch gets the epoch's mean loss.
        A GPU is given many chunks at once, and callbacks come after all of them.
        """
        state, settings, lock = self.state, self.settings, self._lock
        workers, size = (settings.workers, 1) if self._on_cpu else (1, CHUNKS_OF_A_DEVICE)
        with ThreadPoolExecutor(workers) as pool:
            while state.epoch < settings.epochs:
                self._order(state.epoch)
                started, before = time.perf_counter(), state.seconds

                def work(started: float = started, before: float = before) -> None:
                    make_current(self.device)  # which holds for one thread
                    while not should_stop():
                        with lock:
                            if state.chunk + 1 >= len(self.bounds):
                                return
                            first, read = state.chunk, state.words
                            state.chunk = min(first + size, len(self.bounds) - 1)
                            last = state.chunk
                        words, examples, loss = self._train(first, last, read)
                        with lock:
                            state.words += words
                            state.epoch_loss += loss
                            state.epoch_examples += examples
                            state.seconds = before + time.perf_counter() - started
                        on_progress(state)

                for future in [pool.submit(work) for _ in range(workers)]:
                    future.result()
                if state.chunk + 1 < len(self.bounds):
                    return False
                loss = state.epoch_loss / max(1, state.epoch_examples)
                self.losses.append(loss)
                state.epoch, state.chunk = state.epoch + 1, 0
                state.epoch_loss, state.epoch_examples = 0.0, 0
                on_epoch(state, loss)
        return True

    def _order(self, epoch: int) -> np.ndarray:
        """(C,) the chunks in the order in which an epoch reads them.

        A text often changes on its way, as a shelf of novels does from author to author, and what was read
        last would weigh most: on such a shelf 31 % of the analogies came out right in the order of the text,
        32.7 % so.
        """
        if epoch != self._ordered:
            generator = Generator(self.settings.seed, "chunks")
            generator.counter = epoch << 32
            self._ordered, self._chunks = epoch, generator.permutation(len(self.bounds) - 1)
        return self._chunks

    def _train(self, first: int, last: int, read: int) -> tuple[int, int, float]:
        """Train on the chunks [first, last) of the epoch's order; read: the words before them.

        The CPU takes one at a time.
        """
        settings = self.settings
        chunks = self._order(self.state.epoch)[first:last].tolist()
        parts = [np.asarray(self.ids[self.bounds[c] : self.bounds[c + 1]], np.int32) for c in chunks]
        ids = np.concatenate(parts)
        epoch_key = splitmix64(settings.seed + GOLDEN * (self.state.epoch + 1))
        keys = [splitmix64(epoch_key + chunk) for chunk in chunks]
        marks, kernel = (self.eos_id, self.unk_id), kernels("word2vec", module_of(self.device))
        what = (self._sampling, settings, self._input, self._output)
        result: tuple[int, int, float]
        if self._on_cpu:
            with np.errstate(over="ignore", invalid="ignore"):  # who asks for the vectors looks for that
                result = kernel.train_chunk(ids, *marks, *what, self._alpha_at(read), keys[0])
            return result
        bounds = np.cumsum([0, *(len(part) for part in parts)])
        counted = np.cumsum((ids != self.eos_id) & (ids != self.unk_id))
        alphas = [self._alpha_at(read + (int(counted[place - 1]) if place else 0)) for place in bounds[:-1]]
        ids = to_device(ids, self.device)
        result = kernel.train_chunks(ids, bounds.tolist(), *marks, *what, alphas, keys)
        return result
