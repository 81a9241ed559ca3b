"""Taggers of counts: probabilities by hand, unknown words by their endings, the best path."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest

from seqkit.errors import UsageError
from seqkit.models import CountTagger
from seqkit.models.tag_counts import Spelling, count_arrays

WORDS = ["the", "can", "walked", "talked", "walks", "dog"]
D, N, V = 0, 1, 2
SENTENCES = [[(0, D), (5, N), (2, V)], [(0, D), (1, N), (4, V)], [(5, N), (1, V), (3, V)], [(0, D), (5, N)]]


def spelled(words: Sequence[str]) -> list[Spelling]:
    return [(0, [ord(letter) for letter in word]) for word in words]


def fitted(method: str) -> CountTagger:
    words = np.array([word for row in SENTENCES for word, _ in row])
    tags = np.array([tag for row in SENTENCES for _, tag in row])
    bounds = np.concatenate(([0], np.cumsum([len(row) for row in SENTENCES])))
    return CountTagger.fit(method, 3, words, tags, bounds, spelled(WORDS))


def test_the_most_frequent_tag() -> None:
    """The word "can" is a noun as often as a verb: the lower tag. Unknown words have the usual one."""
    model = fitted("frequent")
    assert model.tag([0, 1, 5, None], spelled(["the", "can", "dog", "new"])) == [D, N, N, N]
    assert len(model.ngrams) == 0


def test_the_context_decides() -> None:
    model = fitted("hmm")
    assert model.tag([0, 1, 2], spelled(["the", "can", "walked"])) == [D, N, V]
    assert model.tag([5, 1, 3], spelled(["dog", "can", "talked"])) == [N, V, V]


def test_unknown_words_by_their_endings() -> None:
    model = fitted("hmm")
    tags, scores = model._of_unknown(spelled(["balked"])[0])
    assert tags[scores.argmax()] == V
    assert model.tag([0, None, None], spelled(["the", "zzz", "balked"])) == [D, N, V]
    capital = (1, [ord(letter) for letter in "Walked"])  # another class: no ending is known
    tags, scores = model._of_unknown(capital)
    np.testing.assert_allclose(scores, 0, atol=1e-12)


def test_interpolation_by_hand() -> None:
    """Distributions over the next tag and the end sum to 1, for contexts that occur."""
    model = fitted("hmm")
    for a, b in ((D, N), (3, 3), (3, D)):
        assert np.exp(model._after(a, b)).sum() == pytest.approx(1)
    lower = model._lower  # weights of one and two tags; 15 of 15 events
    ones = np.array([3, 4, 4, 4]) / 15
    assert lower.shape == (4, 4)
    twos = np.array([[0, 3, 0, 0], [0, 0, 3, 1], [0, 0, 1, 3], [3, 1, 0, 0]])
    shares = twos / twos.sum(axis=1, keepdims=True)
    known = np.linalg.lstsq(
        np.stack([np.tile(ones, (4, 1)).ravel(), shares.ravel()], axis=1), lower.ravel(), rcond=None
    )
    np.testing.assert_allclose(known[1], 0, atol=1e-20)
    assert 0 <= known[0].min() <= known[0].sum() <= 1 + 1e-12


def test_the_path_is_the_best_of_all() -> None:
    model = fitted("hmm")
    for ids in itertools.product([0, 1, 5, None], repeat=3):
        spelling = spelled(["zzz" if n is None else WORDS[n] for n in ids])
        candidates = [model._candidates(*each) for each in zip(ids, spelling, strict=True)]
        scores = {}
        for path in itertools.product(*(tags.tolist() for tags, _ in candidates)):
            row = [3, 3, *path, 3]
            total = sum(model._after(a, b)[c] for a, b, c in zip(row, row[1:], row[2:], strict=False))
            for (tags, values), tag in zip(candidates, path, strict=True):
                total += values[tags.tolist().index(tag)]
            scores[path] = total
        found = tuple(model.tag(ids, spelling))
        assert scores[found] == pytest.approx(max(scores.values()))


def test_saved_counts_and_mistakes() -> None:
    model = fitted("hmm")
    arrays = model.state_dict()
    again = CountTagger("hmm", 3, *count_arrays(arrays), spelled(WORDS))
    sentence = [0, 1, None], spelled(["the", "can", "x"])
    assert again.tag(*sentence) == model.tag(*sentence)
    assert model.parameter_count() == len(arrays["emissions"]) + len(arrays["ngrams"])
    with pytest.raises(UsageError, match="expected counts of 6 words and 2 tags"):
        CountTagger("hmm", 2, *count_arrays(arrays), spelled(WORDS))
    with pytest.raises(UsageError, match="expected whole numbers ngrams"):
        count_arrays({"emissions": arrays["emissions"]})
    with pytest.raises(UsageError, match="expected method to be one of frequent, hmm, got 'svm'"):
        CountTagger("svm", 3, *count_arrays(arrays), spelled(WORDS))
