"""Word2vec over a stream of ids: chunks of text, a falling learning rate, threads without locks.

Several processes read different chunks, and their vectors are averaged after every ``sync_words`` words.
"""

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
from seqkit.distributed.group import ProcessGroup
from seqkit.errors import Remedy, RunError, ShapeError, UsageError
from seqkit.files import fill_json
from seqkit.vectors.word2vec.averaging import ModelAveraging
from seqkit.vectors.word2vec.sampling import chunk_bounds, initial_vectors, sampling_tables, update_rates

CHUNKS_OF_A_DEVICE = 100
"""Chunks that a GPU is given at once, about a million tokens: work for all its processors. Each keeps the
draws and the learning rate that it has on the CPU."""

SYNC_WORDS = 200_000
"""Words that each of several processes reads between two averagings, by default."""

_LINE, _DEVICE_LINE = 16, 32  # float32 in a cache line


@dataclass
class TrainingState:
    """The position in the training: with the vectors, all that has to be saved to continue."""

    epoch: int = 0
    chunk: int = 0
    """The next chunk of the epoch."""
    words: int = 0
    """Words read so far, before subsampling, over all epochs."""
    epoch_loss: float = 0.0
    epoch_examples: int = 0
    seconds: float = 0.0
    epochs_before: int = 0
    """Epochs of earlier trainings of the same vectors, whose random numbers are not drawn again."""


class Word2VecTrainer:
    """Train input and output vectors, (V, E) each, on a stream of ids.

    Each epoch reads the text's chunks in an order of its own, and each chunk from end to end. With one worker
    the result depends on seed and text alone; several, and a GPU, update the same vectors asynchronously, and
    their result varies from run to run.

    Args:
        ids: The text, (N,); it may be memory-mapped.
        counts: How often each word occurs in the text, (V,); those of ``eos_id`` and ``unk_id``, which are
            no words, are taken as 0.
        settings: The settings of the training.
        eos_id: The id behind each line. Lines of more than 10,000 tokens are cut into sentences of that
            length; ``cuts`` counts the cuts.
        unk_id: The id of unknown words, if there are any.
        initial: Input and output vectors (V, E) to continue from.
        epochs_before: The epochs that these were trained for before.
        lock_factors: Factors of the updates of each word's input vector, (V,); 0 keeps it fixed.
        device: Where the vectors are kept and trained. On a GPU one thread feeds it; ``workers`` is ignored.
        group: The processes that train together; all have the same arguments.
        sync_words: Words that each of several processes reads between two averagings.

    Raises:
        UsageError: For fewer than two distinct words, and for lock factors on a GPU.
        ShapeError: For lock factors of another shape.
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
        epochs_before: int = 0,
        lock_factors: np.ndarray | None = None,
        device: str | Device = "cpu",
        group: ProcessGroup | None = None,
        sync_words: int = SYNC_WORDS,
    ) -> None:
        self.group, self.sync_words = group or ProcessGroup(), sync_words
        self.ids, self.settings, self.device = ids, settings, make_current(device)
        self.eos_id, self.unk_id = eos_id, -1 if unk_id is None else unk_id
        counts = np.array(counts, np.int64)
        counts[[i for i in (eos_id, unk_id) if i is not None]] = 0
        if np.count_nonzero(counts) < 2:
            raise UsageError(
                "expected two or more distinct words",
                remedy=Remedy("lower min_count", command="lower --min-count"),
            )
        self.corpus_words = int(counts.sum())
        self._updates = update_rates(counts, settings)
        self.sampling = sampling_tables(counts, sample=settings.sample, ns_exponent=settings.ns_exponent)
        self.bounds, self.cuts = chunk_bounds(ids, eos_id)
        self._ordered, self._chunks = -1, np.empty(0, np.int64)
        self.state = TrainingState(epochs_before=epochs_before)
        self.losses: list[float] = []
        """Mean loss of an example, one entry an epoch."""
        self._lock = threading.Lock()
        self.averaging: ModelAveraging | None = None
        """Averages the vectors of several processes, from when they begin to train."""
        V, E = len(counts), settings.vector_size
        self._lock_factors = self._checked(lock_factors, V)
        line = _LINE if self._on_cpu else _DEVICE_LINE
        padded = -(-E // line) * line  # whole cache lines; the padding stays 0
        hosts = [zeros(np, (V, padded), np.float32) for _ in range(2)]
        if initial is None:
            initial = initial_vectors(V, E, settings.seed), np.zeros((V, E), np.float32)
        hosts[0][:, :E], hosts[1][:, :E] = initial
        self._input, self._output = (to_device(x, self.device) for x in hosts)
        self._sampling = Sampling(*(to_device(x, self.device) for x in self.sampling))

    def _checked(self, lock_factors: np.ndarray | None, V: int) -> np.ndarray | None:
        """The lock factors as the kernels take them; None where all are 1."""
        if lock_factors is None or (lock_factors == 1).all():
            return None
        if lock_factors.shape != (V,) or not np.isfinite(lock_factors).all():
            raise ShapeError(f"expected ({V},) finite lock factors, got {lock_factors.shape}")
        if not self._on_cpu:
            raise UsageError("vectors cannot be locked on a GPU", remedy='use device="cpu"')
        return np.ascontiguousarray(lock_factors, np.float32)

    @property
    def _on_cpu(self) -> bool:
        return self.device.kind == "cpu"

    @property
    def input_vectors(self) -> np.ndarray:
        """The word vectors, (V, E): a view of the memory being trained, from a GPU a copy."""
        return to_numpy(self._input)[:, : self.settings.vector_size]

    @property
    def output_vectors(self) -> np.ndarray:
        """The vectors that predict, (V, E), likewise."""
        return to_numpy(self._output)[:, : self.settings.vector_size]

    @property
    def alpha(self) -> float:
        """The learning rate at the words read so far."""
        return self._alpha_at(self.state.words)

    @property
    def epochs_trained(self) -> int:
        """The epochs that the vectors have been trained for, those of earlier trainings included."""
        return self.state.epochs_before + self.state.epoch

    def _alpha_at(self, words: int) -> float:
        settings = self.settings
        progress = min(1.0, words / max(1, settings.epochs * self.corpus_words))
        return settings.alpha + (settings.min_alpha - settings.alpha) * progress

    def checkpoint(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the vectors ("input" and "output", (V, E) copies) and the position, as JSON can hold it.

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
        """Continue from a :meth:`checkpoint` of a trainer of the same text and settings, on any device.

        Raises:
            RunError: The checkpoint does not fit: vectors of another shape, another text. Nothing is changed.
        """
        E = self.settings.vector_size
        shape = (len(self._input), E)
        for name in ("input", "output"):
            if name not in arrays:
                raise RunError(f"the checkpoint of word vectors has no {name!r}")
            x = arrays[name]
            if x.shape != shape or x.dtype != np.float32:
                raise RunError(
                    f"the checkpoint does not fit: expected {name!r} vectors of float32 {shape}, "
                    f"got {x.dtype} {x.shape}",
                    remedy="use the vocabulary and the size of vectors that it was made with",
                )

        def fail(what: str) -> RunError:
            return RunError(f"the checkpoint of word vectors is of another version ({what})")

        try:
            state = fill_json(TrainingState, metadata["state"], fail, strict=True)
            losses = [float(x) for x in metadata["losses"]]
            text = {name: int(metadata[name]) for name in ("tokens", "chunks")}
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(f"the checkpoint of word vectors is of another version ({error!r})") from error
        own = {"tokens": len(self.ids), "chunks": len(self.bounds) - 1}
        if text != own:
            raise RunError(f"the checkpoint is of another text: expected {own}, got {text}")
        if not 0 <= state.chunk <= own["chunks"] or state.epoch != len(losses):
            raise RunError(
                f"the checkpoint of word vectors contradicts itself: epoch {state.epoch} with "
                f"{len(losses)} losses, chunk {state.chunk} of {own['chunks']}"
            )
        self.state, self.losses, self.averaging = state, losses, None
        for vectors, name in ((self._input, "input"), (self._output, "output")):
            vectors[:, :E] = to_device(np.ascontiguousarray(arrays[name]), self.device)

    def run(
        self,
        *,
        on_progress: Callable[[TrainingState], object] = lambda state: None,
        on_epoch: Callable[[TrainingState, float], object] = lambda state, loss: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Train to the last epoch, or until ``should_stop`` returns True between chunks.

        Args:
            on_progress: Called after each chunk; on a GPU, which is given many at once, after all of them.
                With several processes the words are an estimate between two averagings.
            on_epoch: Called after each epoch with its mean loss.
            should_stop: Asked before each chunk; with several processes when all vectors were averaged, and
                all stop where one does.

        Returns:
            Whether the last epoch is done. If not, another call continues from there.
        """
        state, settings, group = self.state, self.settings, self.group
        alone = group.size == 1
        if not alone and self.averaging is None:
            vectors, updates = (self._input, self._output), [*self._updates * self.sync_words]
            self.averaging = ModelAveraging(vectors, updates, settings.alpha, settings.vector_size, group)
        with ThreadPoolExecutor(settings.workers if self._on_cpu else 1) as pool:
            while state.epoch < settings.epochs:
                self._order()
                chunks = len(self.bounds) - 1
                while state.chunk < chunks:
                    if alone:
                        self._read(pool, state.chunk, chunks, on_progress, should_stop)
                        if state.chunk < chunks:
                            return False
                    else:
                        self._read_together(pool, on_progress)
                        assert self.averaging is not None
                        if self.averaging.all_are_equal and group.sum(np.array([int(should_stop())]))[0]:
                            break
                if state.chunk < chunks:
                    return False
                loss = state.epoch_loss / max(1, state.epoch_examples)
                self.losses.append(loss)
                state.epoch, state.chunk = state.epoch + 1, 0
                state.epoch_loss, state.epoch_examples = 0.0, 0
                on_epoch(state, loss)
        return True

    def _read(
        self,
        pool: ThreadPoolExecutor,
        begin: int,
        end: int,
        on_progress: Callable[[TrainingState], object],
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        """Train on the chunks [begin, end) of the epoch's order by all workers; set the state's chunk."""
        state, lock, size = self.state, self._lock, 1 if self._on_cpu else CHUNKS_OF_A_DEVICE
        started, before = time.perf_counter(), state.seconds
        state.chunk = begin

        def work() -> None:
            make_current(self.device)  # which holds for one thread
            while not should_stop():
                with lock:
                    if state.chunk >= end:
                        return
                    first, read = state.chunk, state.words
                    state.chunk = min(first + size, end)
                    last = state.chunk
                words, examples, loss = self._train(first, last, read)
                with lock:
                    state.words += words * self.group.size  # those of the others, nearly
                    state.epoch_loss += loss
                    state.epoch_examples += examples
                    state.seconds = before + time.perf_counter() - started
                on_progress(state)

        for future in [pool.submit(work) for _ in range(self.settings.workers if self._on_cpu else 1)]:
            future.result()

    def _read_together(
        self, pool: ThreadPoolExecutor, on_progress: Callable[[TrainingState], object]
    ) -> None:
        """Train on this process's chunks of a round, of ``sync_words`` words; average with the others."""
        state, group, chunks = self.state, self.group, len(self.bounds) - 1
        assert self.averaging is not None
        each = max(1, round(self.sync_words * chunks / self.corpus_words))
        begin, size = state.chunk, min(each * group.size, chunks - state.chunk)
        own_begin, own_end = (begin + size * rank // group.size for rank in (group.rank, group.rank + 1))
        started, seconds = time.perf_counter(), state.seconds
        words, loss, examples = state.words, state.epoch_loss, state.epoch_examples
        self._read(pool, own_begin, own_end, on_progress)
        last = begin + size == chunks
        self.averaging.average(self._alpha_at(words), last=last)  # the same everywhere
        read = [(state.words - words) // group.size, state.epoch_loss - loss, state.epoch_examples - examples]
        total = group.sum(np.array(read, np.float64))
        state.words, state.epoch_examples = words + int(total[0]), examples + int(total[2])
        state.epoch_loss = loss + float(total[1])
        state.chunk = begin + size
        state.seconds = seconds + group.of_first(time.perf_counter() - started)

    def _order(self) -> np.ndarray:
        """The chunks in the order in which the present epoch reads them, (C,).

        A text often changes along its way, as a shelf of novels does from author to author, and what was read
        last would weigh most: on such a shelf 31 % of the analogies came out right in the order of the text,
        32.7 % in this one.
        """
        epoch = self.epochs_trained
        if epoch != self._ordered:
            generator = Generator(self.settings.seed, "chunks")
            generator.counter = epoch << 32
            self._ordered, self._chunks = epoch, generator.permutation(len(self.bounds) - 1)
        return self._chunks

    def _train(self, first: int, last: int, read: int) -> tuple[int, int, float]:
        """Train on the chunks [first, last) of the epoch's order, on the CPU one; ``read``: words before."""
        chunks = self._order()[first:last].tolist()
        pieces = [np.asarray(self.ids[self.bounds[c] : self.bounds[c + 1]], np.int32) for c in chunks]
        ids = np.concatenate(pieces)
        epoch_key = splitmix64(self.settings.seed + GOLDEN * (self.epochs_trained + 1))
        keys = [splitmix64(epoch_key + chunk) for chunk in chunks]
        special, kernel = (self.eos_id, self.unk_id), kernels("word2vec", module_of(self.device))
        model = (self._sampling, self.settings, self._input, self._output)
        result: tuple[int, int, float]
        if self._on_cpu:
            with np.errstate(over="ignore", invalid="ignore"):  # who reads the vectors checks them
                result = kernel.train_chunk(
                    ids, *special, *model, self._alpha_at(read), keys[0], self._lock_factors
                )
            return result
        bounds = np.cumsum([0, *(len(piece) for piece in pieces)])
        counted = np.cumsum((ids != self.eos_id) & (ids != self.unk_id))
        alphas = [self._alpha_at(read + (int(counted[place - 1]) if place else 0)) for place in bounds[:-1]]
        ids = to_device(ids, self.device)
        result = kernel.train_chunks(ids, bounds.tolist(), *special, *model, alphas, keys)
        return result
