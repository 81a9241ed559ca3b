"""Counter-based randomness: every draw is a function of (seed, stream, counter).

The same bits on every device and with every thread count. A generator's whole state is three integers, so
an exact resume stores nothing else; a dropout mask is named by its key and recomputed in the backward.
"""

from __future__ import annotations

import math
import operator
import secrets
import zlib
from typing import Any

import numpy as np

from seqkit.backend.kernels import kernels
from seqkit.errors import UsageError

Key = tuple[int, int, int, int, int]
"""The name of a draw: seed low, seed high, stream, counter low, counter high; 32 bits each."""

_MASK = 0xFFFFFFFF


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

    def words(self, count: int, xp: Any = np) -> Any:
        """Return (count,) random uint32."""
        if count > 4 * _MASK:
            raise UsageError(f"expected at most {4 * _MASK} words a draw, got {count}")
        return kernels("philox", xp).random_words(xp, count, self.next_key())

    def uniform(self, shape: tuple[int, ...] | int, xp: Any = np, dtype: Any = np.float32) -> Any:
        """Return numbers uniform in [0, 1): 24 random bits in float32, 53 in float64."""
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        count = math.prod(shape)
        if np.dtype(dtype) == np.float32:
            return ((self.words(count, xp) >> np.uint32(8)).astype(np.float32) * np.float32(2**-24)).reshape(
                shape
            )
        words = self.words(2 * count, xp).astype(np.uint64).reshape(count, 2)
        bits = (words[:, 0] << np.uint64(21)) ^ (words[:, 1] >> np.uint64(11))
        return (bits.astype(np.float64) * 2.0**-53).reshape(shape)

    def normal(self, shape: tuple[int, ...] | int, xp: Any = np, dtype: Any = np.float32) -> Any:
        """Return standard normal numbers, by Box and Muller (1958) in float64, rounded to ``dtype``."""
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        u = self.uniform((2, math.prod(shape)), xp, np.float64)
        radius = xp.sqrt(-2.0 * xp.log1p(-u[0]))  # 1 - u is never 0
        return (radius * xp.cos(2.0 * math.pi * u[1])).reshape(shape).astype(dtype)

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
