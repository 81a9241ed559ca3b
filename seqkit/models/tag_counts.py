"""Taggers of counts: the most frequent tag of each word, and a hidden Markov model of order 2.

The hidden Markov model is TnT (Brants 2000): probabilities of three tags in a row, interpolated with those of
two and one by deleted interpolation, and the tags of unknown words by their endings.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from seqkit.errors import UsageError

METHODS = ("frequent", "hmm")
LONGEST_ENDING = 10
"""Letters of the longest ending that counts."""
RARE = 10
"""Occurrences of a word at most whose endings count: frequent words are unlike unknown ones."""
BEAM = 1000.0
"""A state whose probability is below the best one's divided by this is dropped (Brants 2000, section 2.4)."""

Spelling = tuple[int, Sequence[int]]
"""The class of a word's capitalisation, and its letters."""


class CountTagger:
    """Tags by counts of words and tags.

    Args:
        method: "frequent" or "hmm".
        num_tags: K.
        emissions: (N, 3) word, tag and number of occurrences.
        ngrams: (M, 4) three tags and their number, with K before the first and behind the last tag; (0, 4)
            for "frequent".
        spelling: The capitalisation and letters of each word of the vocabulary, for the endings.

    Raises:
        UsageError: Another method, or ids out of range.
    """

    def __init__(
        self,
        method: str,
        num_tags: int,
        emissions: np.ndarray,
        ngrams: np.ndarray,
        spelling: Sequence[Spelling],
    ) -> None:
        if method not in METHODS:
            raise UsageError(f"expected method to be one of {', '.join(METHODS)}, got {method!r}")
        self.method, self.num_tags, self.emissions, self.ngrams = method, num_tags, emissions, ngrams
        self._check(len(spelling))
        self._by_word: dict[int, Counter[int]] = {}
        for word, tag, count in emissions.tolist():
            self._by_word.setdefault(word, Counter())[tag] += count
        totals = np.zeros(num_tags)
        np.add.at(totals, emissions[:, 1], emissions[:, 2])
        self._totals, self._priors = totals, totals / totals.sum()
        if method == "hmm":
            self._count_transitions()
            self._count_endings(spelling)

    def _check(self, words: int) -> None:
        e, n, K = self.emissions, self.ngrams, self.num_tags
        fits = e.ndim == n.ndim == 2 and e.shape[1] == 3 and n.shape[1] == 4 and len(e) > 0
        if not fits or e.min() < 0 or e[:, 0].max() >= words or e[:, 1].max() >= K or e[:, 2].min() < 1:
            raise UsageError(f"expected counts of {words} words and {K} tags, got {e.shape} and {n.shape}")
        if self.method == "hmm" and (not len(n) or n.min() < 0 or n[:, :3].max() > K or n[:, 3].min() < 1):
            raise UsageError(f"expected counts of three of {K} tags, got {n.shape}")

    @classmethod
    def fit(
        cls,
        method: str,
        num_tags: int,
        words: np.ndarray,
        tags: np.ndarray,
        bounds: np.ndarray,
        spelling: Sequence[Spelling],
    ) -> "CountTagger":
        """Return the tagger of sentences.

        Args:
            method: "frequent" or "hmm".
            num_tags: K.
            words: (tokens,) ids of words.
            tags: (tokens,) ids of tags.
            bounds: (S+1,) where sentences begin and end.
            spelling: The capitalisation and letters of each word of the vocabulary.
        """
        pairs = Counter(zip(words.tolist(), tags.tolist(), strict=True))
        emissions = np.array(sorted((*pair, count) for pair, count in pairs.items()), np.int64)
        triples: Counter[tuple[int, int, int]] = Counter()
        if method == "hmm":
            listed, K = tags.tolist(), num_tags
            for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
                row = [K, K, *listed[start:end], K]
                triples.update(zip(row, row[1:], row[2:], strict=False))
        ngrams = np.array(sorted((*key, count) for key, count in triples.items()), np.int64).reshape(-1, 4)
        return cls(method, num_tags, emissions, ngrams, spelling)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return the counts by name."""
        return {"emissions": self.emissions, "ngrams": self.ngrams}

    def parameter_count(self) -> int:
        """Return the number of counts."""
        return len(self.emissions) + len(self.ngrams)

    def _count_transitions(self) -> None:
        """Count one, two and three tags, and weigh them by deleted interpolation (Brants 2000, figure 1)."""
        K = self.num_tags
        threes = {(a, b, c): n for a, b, c, n in self.ngrams.tolist()}
        twos, ones = np.zeros((K + 1, K + 1)), np.zeros(K + 1)
        contexts: Counter[tuple[int, int]] = Counter()
        for (a, b, c), n in threes.items():
            twos[b, c] += n
            ones[c] += n
            contexts[a, b] += n
        before = twos.sum(axis=1)
        total, weights = ones.sum(), np.zeros(3)
        for (a, b, c), n in threes.items():
            fractions = [
                (ones[c] - 1) / max(total - 1, 1),
                (twos[b, c] - 1) / (before[b] - 1) if before[b] > 1 else 0.0,
                (n - 1) / (contexts[a, b] - 1) if contexts[a, b] > 1 else 0.0,
            ]
            weights[int(np.argmax(fractions))] += n
        weights /= weights.sum()
        self._lower = weights[0] * ones / total + weights[1] * twos / np.maximum(before, 1)[:, None]
        self._higher: dict[tuple[int, int], list[tuple[int, float]]] = {}
        for (a, b, c), n in threes.items():
            self._higher.setdefault((a, b), []).append((c, weights[2] * n / contexts[a, b]))
        self._rows: dict[tuple[int, int], np.ndarray] = {}

    def _after(self, a: int, b: int) -> np.ndarray:
        """Return log P(tag | the two before it), (K + 1,); the last one is the end."""
        row = self._rows.get((a, b))
        if row is None:
            row = self._lower[b].copy()
            for c, probability in self._higher.get((a, b), ()):
                row[c] += probability
            row = self._rows[a, b] = np.log(np.maximum(row, 1e-300))
        return row

    def _count_endings(self, spelling: Sequence[Spelling]) -> None:
        """Count the tags of each ending of rare words, capitalised ones apart."""
        self._endings: dict[tuple[int, tuple[int, ...]], np.ndarray] = {}
        for word, tags in self._by_word.items():
            if sum(tags.values()) > RARE:
                continue
            for ending in _endings(spelling[word]):
                row = self._endings.get(ending)
                if row is None:
                    row = self._endings[ending] = np.zeros(self.num_tags)
                for tag, count in tags.items():
                    row[tag] += count
        self._spread = float(self._priors.std(ddof=1)) if self.num_tags > 1 else 0.0

    def _of_unknown(self, spelling: Spelling) -> tuple[np.ndarray, np.ndarray]:
        """Return the tags of an unknown word and log P(word | tag), up to a constant.

        P(tag | ending) is smoothed by shorter endings with the weight θ, the standard deviation of P(tag)
        (Brants 2000, equations 7 to 9), and inverted by Bayes' rule.
        """
        posterior = self._priors
        for ending in _endings(spelling):
            row = self._endings.get(ending)
            if row is None:
                break
            posterior = (row / row.sum() + self._spread * posterior) / (1 + self._spread)
        tags = np.flatnonzero((posterior > 0) & (self._priors > 0))
        return tags, np.log(posterior[tags] / self._priors[tags])

    def _candidates(self, word: int | None, spelling: Spelling) -> tuple[np.ndarray, np.ndarray]:
        """Return the tags that a word may have, and log P(word | tag) up to a constant."""
        found = None if word is None else self._by_word.get(word)
        if not found:
            return self._of_unknown(spelling)
        tags = np.array(sorted(found))
        return tags, np.log(np.array([found[tag] for tag in tags.tolist()]) / self._totals[tags])

    def tag(self, words: Sequence[int | None], spelling: Sequence[Spelling]) -> list[int]:
        """Return the tags of a sentence.

        Args:
            words: The id of each word, None for an unknown one.
            spelling: The capitalisation and letters of each word.
        """
        if self.method == "frequent":
            usual = int(self._priors.argmax())
            rows = [self._by_word.get(-1 if word is None else word) for word in words]
            return [min(row, key=lambda tag: (-row[tag], tag)) if row else usual for row in rows]
        return self._viterbi([self._candidates(*each) for each in zip(words, spelling, strict=True)])

    def _viterbi(self, candidates: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[int]:
        K, limit = self.num_tags, np.log(BEAM)
        states: dict[tuple[int, int], float] = {(K, K): 0.0}
        origins: list[dict[tuple[int, int], int]] = []
        for tags, scores in candidates:
            new: dict[tuple[int, int], float] = {}
            origin: dict[tuple[int, int], int] = {}
            best = max(states.values())
            for (a, b), score in states.items():
                if score < best - limit:
                    continue
                row = (score + self._after(a, b)[tags] + scores).tolist()
                for tag, value in zip(tags.tolist(), row, strict=True):
                    if value > new.get((b, tag), -np.inf):
                        new[b, tag], origin[b, tag] = value, a
            states = new
            origins.append(origin)
        ends = {state: score + float(self._after(*state)[K]) for state, score in states.items()}
        state = max(ends, key=ends.__getitem__)
        path = []
        for origin in reversed(origins):
            path.append(state[1])
            state = (origin[state], state[0])
        return path[::-1]


def _endings(spelling: Spelling) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield the endings of a word, the empty one first, each with the class of its capitalisation."""
    shape, letters = spelling[0], tuple(spelling[1])
    for size in range(min(LONGEST_ENDING, len(letters)) + 1):
        yield shape, letters[len(letters) - size :]


def count_arrays(arrays: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the counts of a saved tagger. Raise UsageError if one is missing or no integers."""
    for name in ("emissions", "ngrams"):
        if name not in arrays or arrays[name].dtype.kind != "i":
            raise UsageError(f"expected whole numbers {name}, got {sorted(arrays)}")
    return arrays["emissions"], arrays["ngrams"]
