"""Contributions of words, against the classification of the text without each."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqkit.errors import DataError
from seqkit.tasks.text_classification import TextClassificationSettings, TrainedTextClassifier, train
from seqkit.tasks.text_classification.contributions import log_odds, text_without
from tests.tasks.test_text_classification import QUICK, write_reviews


def classifier(tmp_path: Path, **changes: Any) -> TrainedTextClassifier:
    settings = {**QUICK, "epochs": 6, **changes}
    if settings.get("tokenizer") == "bpe":
        del settings["min_count"]
    corpus = str(write_reviews(tmp_path / "reviews.tsv"))
    return train(TextClassificationSettings(corpus=corpus, **settings), tmp_path / "run")


def test_a_word_left_out_equals_the_text_without_it(tmp_path: Path) -> None:
    run = classifier(tmp_path, model="bag")
    text = "the film is good, the plot is good"
    found = run.contributions(text)
    assert [each.word for each in found] == run.tokenizer.tokenize(text)
    assert [text[each.start : each.end] for each in found] == [each.word for each in found]
    [whole] = run.classify([text])
    for each in found:
        [without] = run.classify([text_without(text, each.start, each.end)])
        assert each.without is not None
        for label in run.labels:
            p, q = whole.probabilities[label], without.probabilities[label]
            assert each.without.probabilities[label] == pytest.approx(q, rel=1e-5)
            expected = math.log(p / (1 - p)) - math.log(q / (1 - q))
            assert each.log_odds[label] == pytest.approx(expected, rel=1e-3, abs=1e-5)
    assert max(found, key=lambda each: each.log_odds["pos"]).word == "good"


def test_subwords_are_left_out_with_their_word(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    run = classifier(tmp_path, model="bag", tokenizer="bpe", vocab_size=262, epochs=1)
    assert [each.word for each in run.contributions("the film, awful")] == ["the", "film,", "awful"]


def test_a_single_word_has_no_text_without_it(tmp_path: Path) -> None:
    run = classifier(tmp_path, model="bag", epochs=1)
    [only] = run.contributions(" good ")
    assert (only.word, only.without, set(only.log_odds.values())) == ("good", None, {0.0})
    with pytest.raises(DataError):
        run.contributions("")


def test_log_odds_of_certain_classes_are_finite() -> None:
    log_probs = np.log(np.array([[0.7, 0.2, 0.1]]))
    np.testing.assert_allclose(log_odds(log_probs), np.log([[0.7 / 0.3, 0.2 / 0.8, 0.1 / 0.9]]))
    certain = log_odds(np.array([[0.0, -100.0, -101.0]], np.float32))
    assert certain[0, 0] == pytest.approx(100 - np.log1p(np.exp(-1)), rel=1e-6)


def test_one_of_two_blanks_goes_with_a_word() -> None:
    assert text_without("a b c", 2, 3) == "a c"
    assert text_without("a b", 2, 3) == "a "
    assert text_without("今天天气", 0, 2) == "天气"
