"""Tables of subsampling and of negatives, the chunks of a text, and the vectors that training starts from."""

from collections.abc import Iterator

import numpy as np

from seqkit.backend.kernels.word2vec.reference import Sampling
from seqkit.backend.kernels.word2vec.settings import Word2VecSettings
from seqkit.backend.random import Generator
from seqkit.data.context_windows import alias_table
from seqkit.errors import UsageError

CHUNK = 10_000
"""Tokens of a chunk, on average: the learning rate moves in steps of it. Only longer sentences are cut."""
_BLOCK = 1 << 20

_TOP = 2**32 - 1


def keep_probabilities(counts: np.ndarray, sample: float) -> np.ndarray:
    """Return the chance of each word to be read, (V,) float64: (√(f/t) + 1)·t/f, at most 1.

    f is the word's frequency, t is ``sample``. That is the word2vec program's form of equation 5 in Mikolov
    et al. 2013; sample 0 keeps every word.
    """
    if sample < 0:
        raise UsageError(f"expected sample of at least 0, got {sample}")
    if sample == 0:
        return np.ones(len(counts))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = sample * counts.sum() / counts
        return np.where(counts > 0, np.minimum(1.0, np.sqrt(ratio) + ratio), 1.0)


def sampling_tables(counts: np.ndarray, *, sample: float, ns_exponent: float) -> Sampling:
    """Return the tables for (V,) counts; words of count 0 (the end of a line) are never drawn."""
    with np.errstate(divide="ignore"):
        weights = np.where(counts > 0, counts.astype(np.float64) ** ns_exponent, 0.0)
    keep = np.floor(keep_probabilities(counts.astype(np.float64), sample) * _TOP)
    return Sampling(keep.astype(np.uint32), *alias_table(weights))


def update_rates(counts: np.ndarray, settings: Word2VecSettings) -> np.ndarray:
    """Return how often each word's input and output vector is trained for a word of text: (2, V) float64.

    Args:
        counts: How often each word occurs, (V,).
        settings: Those of subsampling, of negatives and of windows.
    """
    read = counts / counts.sum() * keep_probabilities(counts, settings.sample)
    pairs = settings.window + 1 if settings.shrink_windows else 2 * settings.window
    with np.errstate(divide="ignore"):
        drawn = np.where(counts > 0, counts.astype(np.float64) ** settings.ns_exponent, 0.0)
    examples = read * pairs if settings.sg else read
    return np.stack([read * pairs, examples + examples.sum() * settings.negative * drawn / drawn.sum()])


def chunk_bounds(ids: np.ndarray, eos_id: int) -> tuple[np.ndarray, int]:
    """Return (C + 1,) places that cut the stream behind ends of sentences, about CHUNK tokens apart.

    Lines of more than CHUNK words are cut into sentences; the second number is that of the cuts.
    """
    bounds, cuts = [0], 0
    for ends, cuts_here in _sentence_ends(ids, eos_id):
        cuts += cuts_here
        while (place := int(np.searchsorted(ends, bounds[-1] + CHUNK))) < len(ends):
            bounds.append(int(ends[place]))
    if bounds[-1] != len(ids):
        bounds.append(len(ids))
    return np.array(bounds, np.int64), cuts


def _sentence_ends(ids: np.ndarray, eos_id: int) -> Iterator[tuple[np.ndarray, int]]:
    """Yield the places behind lines and, within long ones, behind each CHUNK words; and how many are within.

    The stream is read block by block: it may be memory-mapped and larger than memory.
    """
    line = 0
    for start in range(0, len(ids), _BLOCK):
        block = np.asarray(ids[start : start + _BLOCK])
        ends = start + 1 + np.flatnonzero(block == eos_id)
        begins = np.append(line, ends)
        words = np.append(ends - 1, len(ids) if start + len(block) == len(ids) else 0)
        long = np.flatnonzero(words - begins > CHUNK)
        within = [np.arange(begins[i] + CHUNK, words[i], CHUNK) for i in long]
        yield np.sort(np.concatenate([ends, *within])), sum(map(len, within))
        line = begins[-1]


def initial_vectors(V: int, E: int, seed: int) -> np.ndarray:
    """Return word2vec's first input vectors, (V, E) float32, uniform in ±1/2E. Its output vectors are 0."""
    return (Generator(seed, "vectors").uniform((V, E)) - np.float32(0.5)) / np.float32(E)
