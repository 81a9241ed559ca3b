"""IBM model 1: probabilities by hand, and words it has not seen."""

from __future__ import annotations

import numpy as np
import pytest

from seqkit.models import WordTranslation, word_translation


def rows(*sentences: list[int]) -> tuple[np.ndarray, np.ndarray]:
    offsets = np.cumsum([0, *map(len, sentences)])
    return np.array([i for sentence in sentences for i in sentence], np.int32), offsets


def test_one_round_by_hand() -> None:
    """The house / das Haus, the book / das Buch: t(das | the) begins at 2/4, t(Haus | house) at 1/2."""
    source, target = rows([0, 1], [0, 2]), rows([0, 1], [0, 2])
    once = WordTranslation(source, target, 4, 3, rounds=1)
    assert once.probability(np.array(0), np.array([0, 1, 2])).tolist() == [1 / 2, 1 / 4, 1 / 4]
    assert once.probability(np.array([1, 2, 3]), np.array(0)).tolist() == [1 / 2, 1 / 2, 0]
    # the second round: das is shared by the (1/2) and house (1/2), Haus by the (1/4) and house (1/2)
    twice = WordTranslation(source, target, 4, 3, rounds=2)
    haus = (1 / 2) / (1 / 4 + 1 / 2)
    assert twice.probability(np.array(1), np.array(1)) == pytest.approx(haus / (haus + 1 / 2))
    many = WordTranslation(source, target, 4, 3, rounds=20)
    assert many.best.tolist() == [0, 1, 2, -1]
    assert many.translate(np.array([2, 3, 0])) == [2, 0]


def test_evenly_spaced_sentences_of_a_large_corpus(monkeypatch: pytest.MonkeyPatch) -> None:
    sentences = [[i % 7, 7] for i in range(700)]
    whole = WordTranslation(rows(*sentences), rows(*sentences), 8, 8)
    monkeypatch.setattr(word_translation, "MOST_LINKS", 700)
    part = WordTranslation(rows(*sentences), rows(*sentences), 8, 8)
    assert whole.best.tolist() == list(range(8))
    assert part.best[part.best >= 0].tolist() == np.flatnonzero(part.best >= 0).tolist()
    assert part.best[7] == 7
