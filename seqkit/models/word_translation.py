"""IBM model 1: the probability that a word of the source is translated by a word of the target."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

MOST_LINKS = 10_000_000
"""Pairs of a source and a target word that are counted; of more, evenly spaced sentences (half a GB)."""
Rows = tuple[np.ndarray, np.ndarray]
"""Ids of all sentences in a row, and the offsets (N + 1,) of each."""


class WordTranslation:
    """Word-by-word translation by IBM model 1 without the null word (Brown et al. 1993, section 4.2).

    It reads no context, so a model of sentences that scores below it has not learned to read its source.

    Attributes:
        links: (L,) source id * V + target id of the words that occur together, ascending.
        probabilities: (L,) P(target word | source word).
        best: (S,) the most probable target id of each source id; -1 for one that was not seen.

    Example:
        >>> ids = np.array([0, 1, 1]), np.array([0, 2, 3])  # sentences "a b" and "b"
        >>> WordTranslation(ids, ids, 2, 2).best.tolist()
        [0, 1]
    """

    def __init__(self, source: Rows, target: Rows, source_size: int, V: int, *, rounds: int = 5) -> None:
        """Estimate the probabilities by rounds of expectation maximisation.

        Args:
            source: The sources.
            target: The targets, one for each source.
            source_size: S, the number of source ids.
            V: The number of target ids.
            rounds: Rounds, from equal probabilities on.
        """
        self.V = V
        s, t, place = _occurrences(source, target)
        self.links, link = np.unique(s * V + t, return_inverse=True)
        of_source = self.links // V
        p = np.ones(len(self.links))
        for _ in range(rounds):
            expected = p[link]
            expected /= np.bincount(place, expected)[place]
            counts = np.bincount(link, expected, minlength=len(p))
            p = counts / np.bincount(of_source, counts, minlength=source_size)[of_source]
        self.probabilities = p
        self.best = np.full(source_size, -1, np.int64)
        order = np.argsort(p, kind="stable")  # the most probable is written last
        self.best[of_source[order]] = self.links[order] % V

    def translate(self, source: np.ndarray) -> list[int]:
        """Return the most probable word for each word of a source (T,); unseen words are left out."""
        best = self.best[source]
        return best[best >= 0].tolist()

    def probability(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return P(target word | source word) of two arrays of ids that broadcast together."""
        wanted = source.astype(np.int64) * self.V + target
        at = np.minimum(np.searchsorted(self.links, wanted), len(self.links) - 1)
        return np.where(self.links[at] == wanted, self.probabilities[at], 0.0)


def _occurrences(source: Rows, target: Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return source and target id of all words that occur together, and the target's place in the text.

    Words that occur twice in a sentence count once.
    """
    N = len(source[1]) - 1
    links = int((np.diff(source[1]) * np.diff(target[1])).sum())
    sentences = np.arange(0, N, -(-links // MOST_LINKS))
    of_source, of_target, places, words = [], [], [], 0
    for row in sentences.tolist():
        a, b = (np.unique(ids[offsets[row] : offsets[row + 1]]) for ids, offsets in (source, target))
        of_source.append(np.repeat(a, len(b)))
        of_target.append(np.tile(b, len(a)))
        places.append(np.tile(np.arange(words, words + len(b)), len(a)))
        words += len(b)
    return _joined(of_source), _joined(of_target), _joined(places)


def _joined(arrays: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate(arrays).astype(np.int64)
