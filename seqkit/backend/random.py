"""Counter-based randomness: every draw is a function of (seed, stream, counter).

The same bits on every device and with every thread count. A generator's whole state is three integers, so
an exact resume stores nothing else; a dropout mask is named by its key and recomputed in the backward.
"""

from __future__ import annotations

import math
import operator
import secrets
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seqkit.backend.kernels import kernels
from seqkit.errors import UsageError

Key = tuple[int, int, int, int, int]
"""The name of a draw: seed low, seed high, stream, counter low, counter high; 32 bits each."""

_MASK = 0xFFFFFFFF
_AT_ONCE = 1 << 20
"""Numbers of 53 bits that are made at a time; they take up to 80 bytes each meanwhile."""
_WORDS = 34
"""The words of one key are 2**34: four for each block of a number of 32 bits."""


@dataclass(frozen=True)
class Rows:
    """Which rows of a batch this process has: ``count`` after the ``first`` of other processes.

    Draws for arrays with an axis of rows are then the part of these rows of the draw for the whole batch: a
    mask does not depend on the number of processes.

    Attributes:
        lengths: The lengths of the sequences before these rows, by those of the sequences in them. Packed
            sequences (without padding) take as many places.
    """

    first: int
    count: int
    lengths: Mapping[tuple[int, ...], tuple[int, ...]] = field(default_factory=dict)


def as_generator(generator: Generator | int | None, stream: int | str = "init") -> Generator:
    """Return the source of random numbers for an argument ``generator``.

    Args:
        generator: A :class:`Generator`, which is returned and continues from its state; a seed; or None for
            fresh entropy from the operating system, as of NumPy's ``default_rng``.
        stream: Stream of a seed; layers and models draw their weights from "init".

    Example:
        >>> as_generator(7)
        Generator(seed=7, stream=3329549428, counter=0)
    """
    if isinstance(generator, Generator):
        return generator
    return Generator(secrets.randbits(64) if generator is None else generator, stream)


class Generator:
    """A source of random numbers; each draw takes the next counter of its stream.

    Threads may not share it: give each one of its own.

    Args:
        seed: 0 to 2**64 - 1.
        stream: Streams of one seed are independent: name them ("dropout", "init", "shuffle") or number them.

    Example:
        >>> Generator(0).integers(0, 10, 4).tolist() == Generator(0).integers(0, 10, 4).tolist()
        True
    """

    unset = False
    """Whether weights are left to be read from a file."""
    rows: Rows | None = None
    """The rows of a batch that the arrays of :meth:`draw` have; None: all."""

    def __init__(self, seed: int, stream: int | str = 0) -> None:
        try:
            self.seed = operator.index(seed)
        except TypeError:
            message = f"expected a seqkit.Generator or a whole number as its seed, got {seed!r}"
            raise UsageError(message) from None
        if not 0 <= seed < 2**64:
            raise UsageError(f"expected seed between 0 and 2**64 - 1, got {seed}")
        self.stream = zlib.crc32(stream.encode()) if isinstance(stream, str) else stream & _MASK
        self.counter = 0

    def __repr__(self) -> str:
        return f"Generator(seed={self.seed}, stream={self.stream}, counter={self.counter})"

    def spawn(self, stream: int | str) -> Generator:
        """Return a generator of the same seed on another stream, from its start."""
        return Generator(self.seed, stream)

    def state(self) -> dict[str, int]:
        """Return the state as JSON: seed, stream and counter."""
        return {"seed": self.seed, "stream": self.stream, "counter": self.counter}

    def load_state(self, state: dict[str, int]) -> None:
        """Restore a result of :meth:`state`."""
        self.seed, self.stream, self.counter = state["seed"], state["stream"], state["counter"]

    def next_key(self) -> Key:
        """Return the key of the next draw."""
        counter = self.counter
        self.counter += 1
        return (
            self.seed & _MASK,
            self.seed >> 32,
            self.stream,
            counter & _MASK,
            counter >> 32,
        )

    def draw(self, shape: Sequence[int]) -> tuple[Key, int]:
        """Return the key of the next draw, and which of its words is the first, for an array of rows.

        Args:
            shape: The array's; its first axis, or several that were joined, has the rows.
        """
        rows, size = self.rows, math.prod(shape)
        return self._place(0 if rows is None else rows.first * (size // rows.count))

    def draw_scores(self, heads: int, lengths: Sequence[int], key_lengths: Sequence[int]) -> tuple[Key, int]:
        """As :meth:`draw`, for attention scores: ``heads`` · queries · keys of each sequence.

        Args:
            heads: Heads of each sequence.
            lengths: Queries of each sequence; the sequences are the rows.
            key_lengths: Keys of each sequence.
        """
        if self.rows is None:
            return self._place(0)
        return self._place(self.rows.first * heads * lengths[0] * key_lengths[0])

    def of_tokens(self, lengths: Sequence[int]) -> Generator:
        """Return this generator for arrays of tokens, whose rows have ``lengths`` and no padding."""
        return self if self.rows is None else _TokenDraws(self, self.rows, lengths)

    def _place(self, first: int) -> tuple[Key, int]:
        low, high, stream, counter_low, counter_high = self.next_key()
        counter_high = (counter_high + (first >> _WORDS)) & _MASK
        return (low, high, stream, counter_low, counter_high), first & ((1 << _WORDS) - 1)

    def words(self, count: int, xp: Any = np) -> Any:
        """Return (count,) random uint32."""
        return self._words(xp, count, self.next_key(), 0)

    def _words(self, xp: Any, count: int, key: Key, first: int) -> Any:
        if count > 4 * _MASK:
            raise UsageError(f"expected at most {4 * _MASK} words a draw, got {count}")
        return kernels("philox", xp).random_words(xp, count, key, first)

    def uniform_rows(self, shape: Sequence[int], xp: Any = np) -> Any:
        """Return float32 numbers uniform in [0, 1) for an array of rows, as :meth:`draw` says."""
        return _to_float32(self._words(xp, math.prod(shape), *self.draw(shape))).reshape(shape)

    def uniform(self, shape: tuple[int, ...] | int, xp: Any = np, dtype: Any = np.float32) -> Any:
        """Return numbers uniform in [0, 1): 24 random bits in float32, 53 in float64."""
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        count = math.prod(shape)
        if np.dtype(dtype) == np.float32:
            return _to_float32(self.words(count, xp)).reshape(shape)
        key, result = self.next_key(), xp.empty(count, np.float64)
        for start in range(0, count, _AT_ONCE):
            size = min(_AT_ONCE, count - start)
            result[start : start + size] = _to_float64(self._words(xp, 2 * size, key, 2 * start))
        return result.reshape(shape)

    def normal(self, shape: tuple[int, ...] | int, xp: Any = np, dtype: Any = np.float32) -> Any:
        """Return standard normal numbers, by Box and Muller (1958) in float64, rounded to ``dtype``."""
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        count, key = math.prod(shape), self.next_key()
        result = xp.empty(count, dtype)
        for start in range(0, count, _AT_ONCE):
            size = min(_AT_ONCE, count - start)
            u, v = (_to_float64(self._words(xp, 2 * size, key, 2 * (first + start))) for first in (0, count))
            radius = xp.sqrt(-2.0 * xp.log1p(-u))  # 1 - u is never 0
            result[start : start + size] = radius * xp.cos(2.0 * math.pi * v)
        return result.reshape(shape)

    def integers(self, low: int, high: int, shape: tuple[int, ...] | int, xp: Any = np) -> Any:
        """Return int64 in [low, high), biased by less than (high - low) / 2**53."""
        if not low < high:
            raise UsageError(f"integers: expected low < high, got [{low}, {high})")
        u = self.uniform(shape, xp, np.float64)
        return (u * (high - low)).astype(np.int64) + low

    def permutation(self, n: int) -> np.ndarray:
        """Return a random order (n,) of 0 … n-1, on the host."""
        words = self.words(2 * n).astype(np.uint64)
        return np.argsort((words[:n] << np.uint64(32)) | words[n:], kind="stable")


def _to_float32(words: Any) -> Any:
    """Return numbers in [0, 1) of 24 bits of each of the words, which are overwritten."""
    words >>= np.uint32(8)
    numbers = words.astype(np.float32)
    numbers *= np.float32(2**-24)
    return numbers


def _to_float64(words: Any) -> Any:
    """Return numbers in [0, 1) of 53 bits of each two words."""
    pairs = words.astype(np.uint64).reshape(-1, 2)
    bits = (pairs[:, 0] << np.uint64(21)) ^ (pairs[:, 1] >> np.uint64(11))
    return bits.astype(np.float64) * 2.0**-53


class _TokenDraws(Generator):
    """The draws of a generator for the tokens of the rows of this process."""

    def __init__(self, source: Generator, rows: Rows, lengths: Sequence[int]) -> None:
        self.source, self.all_rows = source, rows
        self.rows = Rows(sum(self._before(lengths)), max(1, sum(lengths)), rows.lengths)

    def _before(self, lengths: Sequence[int]) -> tuple[int, ...]:
        return self.all_rows.lengths[tuple(lengths)]

    def next_key(self) -> Key:
        """Return the key of the source's next draw."""
        return self.source.next_key()

    def of_tokens(self, lengths: Sequence[int]) -> Generator:
        """Return the generator for the tokens of other sequences of the rows."""
        return self.source.of_tokens(lengths)

    def draw_scores(self, heads: int, lengths: Sequence[int], key_lengths: Sequence[int]) -> tuple[Key, int]:
        """As of :class:`Generator`, after the scores of the sequences before the rows."""
        before = zip(self._before(lengths), self._before(key_lengths), strict=True)
        return self._place(heads * sum(queries * keys for queries, keys in before))


class Unset(Generator):
    """A generator for models whose weights are then read from a file: weights are zeros, not drawn.

    Their memory is not touched before it is written, so that a file of other shapes is refused at once.
    """

    unset = True

    def __init__(self) -> None:
        super().__init__(0)

    def uniform(self, shape: tuple[int, ...] | int, xp: Any = np, dtype: Any = np.float32) -> Any:
        """Return zeros."""
        return xp.zeros(shape, dtype)

    normal = uniform
