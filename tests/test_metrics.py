"""Metrics on examples small enough to count by hand."""

import math
import sys

import numpy as np
import pytest

from seqkit.errors import MissingDependencyError, ShapeError, UsageError
from seqkit.metrics import (
    SpanCounts,
    accuracy,
    bits_per_character,
    bleu,
    bleu_tokenizer,
    chrf,
    confusion_matrix,
    exact_match,
    perplexity,
    precision_recall_f1,
    span_counts,
    token_accuracy,
    total_counts,
    translation,
)

# Class 0: three examples, predicted 0 0 1. Class 1: two, predicted 1 0. Class 2: one, predicted 1.
# Class 3: no examples, never predicted.
TARGET = np.array([0, 0, 0, 1, 1, 2])
PREDICTED = np.array([0, 0, 1, 1, 0, 1])


def test_perplexity_of_a_fair_die():
    assert perplexity(10 * math.log(6), 10) == pytest.approx(6, rel=1e-14)


def test_perplexity_overflows_to_infinity():
    assert perplexity(1e6, 1) == math.inf
    assert perplexity(math.inf, 3) == math.inf


def test_perplexity_of_nan_is_nan():
    assert math.isnan(perplexity(math.nan, 3))


def test_bits_per_character():
    # 3 tokens of probability 1/16 over 8 characters: 3 · 4 bits / 8
    assert bits_per_character(3 * math.log(16), 8) == pytest.approx(1.5, rel=1e-14)


@pytest.mark.parametrize("n", [0, -1])
def test_nothing_predicted(n):
    with pytest.raises(UsageError, match=f"expected the number of predictions to be at least 1, got {n}"):
        perplexity(1.0, n)
    with pytest.raises(UsageError, match=f"expected the number of characters to be at least 1, got {n}"):
        bits_per_character(1.0, n)


def test_accuracy():
    assert accuracy(PREDICTED, TARGET) == 3 / 6
    assert accuracy(["a", "b", "c"], ["a", "x", "c"]) == pytest.approx(2 / 3)


def test_token_accuracy_leaves_the_ignored_target_out():
    predicted = np.array([[1, 2, 3], [4, 0, 0]])
    target = np.array([[1, 2, 9], [4, 5, 0]])
    assert token_accuracy(predicted, target) == 4 / 6
    assert token_accuracy(predicted, target, ignore_index=0) == 3 / 5
    assert token_accuracy(predicted, target, ignore_index=9) == 4 / 5


def test_token_accuracy_with_nothing_to_count():
    with pytest.raises(UsageError, match="every target is the ignored id 0"):
        token_accuracy([1, 2], [0, 0], ignore_index=0)


def test_exact_match():
    assert exact_match([[1, 2], [1], [], (3, 4)], [[1, 2], [1, 2], [], [3, 4]]) == 3 / 4
    assert exact_match(["62", "7"], ["62", "17"]) == 1 / 2
    assert exact_match([np.array([1, 2])], [[1, 2]]) == 1


def test_exact_match_tells_a_string_from_its_characters():
    assert exact_match(["ab"], [["a", "b"]]) == 0


def test_exact_match_misuse():
    with pytest.raises(ShapeError, match="expected one target a prediction, got 1 targets for 2"):
        exact_match([[1], [2]], [[1]])
    with pytest.raises(UsageError, match="at least one"):
        exact_match([], [])


def test_every_token_counts_once_so_a_long_sequence_weighs_more():
    # a row of 1 right id, a row of 3 of which 2 are right: 3/4 of the tokens, not the mean of 1 and 2/3
    assert token_accuracy([[1, 0, 0], [1, 2, 3]], [[1, 0, 0], [1, 2, 9]], ignore_index=0) == 3 / 4


def test_exact_match_compares_padding_and_case_too():
    assert exact_match([[1, 2, 0], [1, 2]], [[1, 2], [1, 2]]) == 1 / 2
    assert exact_match(["Two", "two"], ["two", "two"]) == 1 / 2


def test_bleu_by_hand():
    pytest.importorskip("sacrebleu")
    # the cat sat on a mat | the cat sat on the mat. Matches: 5 of 6 words, 3 of 5 pairs, 2 of 4 triples,
    # 1 of 3 quadruples; equal lengths.
    result = bleu(["the cat sat on a mat"], ["the cat sat on the mat"])
    assert result.score == pytest.approx(100 * (5 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** 0.25, rel=1e-12)
    assert result.signature.startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:")


def test_bleu_pools_the_counts_of_the_corpus_and_punishes_brevity():
    pytest.importorskip("sacrebleu")
    # a b c d e | a b c d e f g: all right. v w x y z | v w x y q: 4/5 3/4 2/3 1/2. Together 9/10 7/8 5/6 3/4;
    # 10 words for 12.
    result = bleu(["a b c d e", "v w x y z"], ["a b c d e f g", "v w x y q"])
    shares = (9 / 10) * (7 / 8) * (5 / 6) * (3 / 4)
    assert result.score == pytest.approx(100 * shares**0.25 * math.exp(1 - 12 / 10), rel=1e-12)


def test_bleu_with_references_of_different_number():
    pytest.importorskip("sacrebleu")
    predicted = ["the cat sat on a mat", "a b c d e"]
    result = bleu(predicted, [["a dog lay there", "the cat sat on a mat"], "a b c d e"])
    assert result.score == pytest.approx(100, rel=1e-12)
    assert result.signature.startswith("nrefs:var|")


def test_bleu_settings_reach_the_signature():
    pytest.importorskip("sacrebleu")
    predicted, target = ["The end , at last ."], ["the end, at last."]
    assert bleu(predicted, target, lowercase=True).score == pytest.approx(100, rel=1e-12)
    result = bleu(predicted, target, tokenize="none")
    assert result.score < 100
    assert "case:mixed" in result.signature
    assert "tok:none" in result.signature


@pytest.mark.parametrize(
    ("predicted", "target", "settings", "error", "match"),
    [
        (["a", "b"], ["a"], {}, ShapeError, "expected one target a prediction, got 1 targets for 2"),
        ([], [], {}, UsageError, "at least one prediction"),
        ("a b", ["a b"], {}, UsageError, "lists of sentences, got one string"),
        (["a b", ["c"]], ["a b", "c"], {}, UsageError, r"expected sentence 1 to be a string .* got \['c'\]"),
        (["a b"], [[]], {}, UsageError, r"sentence 0 .* at least one reference, .* with \[\]"),
        (
            ["a b"],
            ["a b"],
            {"tokenize": "words"},
            UsageError,
            "expected tokenize to be one of 13a, .* got 'words'",
        ),
    ],
)
def test_bleu_misuse(predicted, target, settings, error, match):
    pytest.importorskip("sacrebleu")
    with pytest.raises(error, match=match):
        bleu(predicted, target, **settings)


SENTENCES = [
    ("the cat sat on a mat .", "The cat sat on the mat."),
    ("&quot;Hi&quot; <skipped> 10-20, a.b", '"Hi" 10-20, a.b.'),
    ("今天天气很好，我们去公园。A-1 100.5元", "今天天气不错，我们去公园吧。A-1 100元"),
    ("", "an empty prediction"),
    ("x", "y"),
]


@pytest.mark.parametrize("tokenize", ["13a", "zh", "char", "none"])
@pytest.mark.parametrize("lowercase", [False, True])
@pytest.mark.parametrize("chosen", [slice(None), slice(1), slice(2, 3), slice(3, 4), slice(4, 5)])
def test_bleu_and_chrf_of_our_own_equal_sacrebleu(tokenize, lowercase, chosen):
    pytest.importorskip("sacrebleu")
    predicted, target = map(list, zip(*SENTENCES[chosen], strict=True))
    several = [[one, "the cat sat there"] for one in target]
    for references in (target, several):
        checked = translation._references(predicted, references)
        expected = bleu(predicted, references, lowercase=lowercase, tokenize=tokenize)
        own = translation._own_bleu(predicted, checked, lowercase, tokenize)
        assert own.score == pytest.approx(expected.score, abs=1e-9)
        assert own.signature.rpartition("|")[0] == expected.signature.rpartition("|")[0]
        expected = chrf(predicted, references, lowercase=lowercase)
        own = translation._own_chrf(predicted, checked, lowercase)
        assert own.score == pytest.approx(expected.score, abs=1e-9)
        assert own.signature.rpartition("|")[0] == expected.signature.rpartition("|")[0]


def test_the_tokenizer_of_bleu_follows_the_script():
    assert bleu_tokenizer(["Die Größe ist 3,5 m.", "Привет"]) == "13a"
    assert bleu_tokenizer(["我们去公园。A-1", "100元"]) == "zh"
    assert bleu_tokenizer(["今日はいい天気です。"]) in ("char", "ja-mecab")
    assert bleu_tokenizer(["วันนี้อากาศดี"]) == "char"
    assert bleu_tokenizer(["", "12"]) == "13a"
    chinese, other = ["我们去公园"], ["我们去学校"]
    assert bleu(chinese, other).score < 1  # one token of 13a, which is wrong
    assert bleu(chinese, other, tokenize="zh").score > 20


def test_without_sacrebleu_only_its_segmenters_are_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics", None)
    assert bleu(["a b c d"], ["a b c d"]).score == pytest.approx(100)
    assert chrf(["a b c d"], ["a b c d"]).score == pytest.approx(100)
    with pytest.raises(MissingDependencyError, match=r"pip install 'seqkit\[bleu\]'"):
        bleu(["a"], ["a"], tokenize="flores200")


def test_confusion_matrix():
    expected = [[2, 1, 0], [1, 1, 0], [0, 1, 0]]  # rows are targets
    np.testing.assert_array_equal(confusion_matrix(PREDICTED, TARGET), expected)
    wider = confusion_matrix(PREDICTED, TARGET, num_classes=4)
    np.testing.assert_array_equal(wider, np.pad(expected, (0, 1)))
    assert wider.dtype == np.int64


def test_confusion_matrix_counts_in_int64_whatever_the_ids_are():
    # 20 · 20 classes: entry 19 · 20 + 19 = 399 would wrap around in uint8
    matrix = confusion_matrix(np.array([19, 3], np.uint8), np.array([19, 0], np.uint8))
    assert (matrix[19, 19], matrix[0, 3], matrix.sum()) == (1, 1, 2)


def test_precision_recall_f1_by_class():
    scores = precision_recall_f1(PREDICTED, TARGET, num_classes=4)
    # predicted 3 3 0 0 times, right 2 1 0 0, examples 3 2 1 0
    np.testing.assert_allclose(scores.precision, [2 / 3, 1 / 3, 0, 0], rtol=1e-14)
    np.testing.assert_allclose(scores.recall, [2 / 3, 1 / 2, 0, 0], rtol=1e-14)
    np.testing.assert_allclose(scores.f1, [4 / 6, 2 / 5, 0, 0], rtol=1e-14)
    np.testing.assert_array_equal(scores.support, [3, 2, 1, 0])


def test_macro_is_the_mean_over_the_classes_that_occur():
    macro = precision_recall_f1(PREDICTED, TARGET, num_classes=4).macro  # class 3 does not occur
    assert macro.precision == pytest.approx((2 / 3 + 1 / 3 + 0) / 3, rel=1e-14)
    assert macro.recall == pytest.approx((2 / 3 + 1 / 2 + 0) / 3, rel=1e-14)
    assert macro.f1 == pytest.approx((2 / 3 + 2 / 5 + 0) / 3, rel=1e-14)


def test_micro_is_the_accuracy():
    micro = precision_recall_f1(PREDICTED, TARGET).micro
    assert (micro.precision, micro.recall, micro.f1) == (0.5, 0.5, 0.5)


def test_weighted_is_the_mean_by_examples():
    weighted = precision_recall_f1(PREDICTED, TARGET, num_classes=4).weighted  # supports 3 2 1 0
    assert weighted.precision == pytest.approx((3 * 2 / 3 + 2 * 1 / 3) / 6, rel=1e-14)
    assert weighted.recall == pytest.approx(3 / 6, rel=1e-14)
    assert weighted.f1 == pytest.approx((3 * 4 / 6 + 2 * 2 / 5) / 6, rel=1e-14)


@pytest.mark.parametrize("average", ["macro", "micro", "weighted", None])
def test_scores_against_scikit_learn(random, average):
    sklearn = pytest.importorskip("sklearn.metrics")
    target, predicted = random.integers(0, 7, (2, 53))
    predicted[target == 3] = 1  # class 3 is never right
    target[target == 5] = 6  # and class 5 has no examples
    expected = sklearn.precision_recall_fscore_support(target, predicted, average=average, zero_division=0)
    scores = precision_recall_f1(predicted, target)
    found = scores if average is None else getattr(scores, average)
    for ours, theirs in zip((found.precision, found.recall, found.f1), expected, strict=False):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    np.testing.assert_array_equal(
        confusion_matrix(predicted, target), sklearn.confusion_matrix(target, predicted)
    )


def test_a_class_predicted_without_examples_occurs():
    scores = precision_recall_f1([1, 1], [0, 1])
    # class 0: never predicted, precision 0/0 = 0; class 1: precision 1/2, recall 1, F1 2/3
    np.testing.assert_allclose(scores.precision, [0, 1 / 2], rtol=1e-14)
    assert scores.macro.f1 == pytest.approx((0 + 2 / 3) / 2, rel=1e-14)
    assert precision_recall_f1([1, 1], [1, 1]).macro.f1 == 1  # class 0 occurs nowhere


@pytest.mark.parametrize(
    ("predicted", "target", "settings", "error", "match"),
    [
        ([0, 1], [0], {}, ShapeError, r"one shape, got \(2,\) and \(1,\)"),
        ([], [], {}, UsageError, "at least one prediction"),
        ([0, 3], [0, 1], {"num_classes": 3}, UsageError, "expected classes between 0 and 2, got 3"),
        ([0, -1], [0, 1], {}, UsageError, "expected classes between 0 and 1, got -1"),
        (
            [[0]],
            [[0]],
            {},
            ShapeError,
            r"expected predictions to be a 1-D array of integers, got int64 \(1, 1\)",
        ),
        ([0, 1], [0.0, 1.0], {}, ShapeError, r"expected targets to be a 1-D array of integers, got float64"),
    ],
)
def test_classes_that_are_none(predicted, target, settings, error, match):
    with pytest.raises(error, match=match):
        confusion_matrix(predicted, target, **settings)
    with pytest.raises(error, match=match):
        precision_recall_f1(predicted, target, **settings)


# Spans


def test_spans_by_hand():
    """Two of three NP are found, one VP got the wrong type; a span counts in its own sentence only."""
    gold = [[(0, 2, "NP"), (2, 3, "VP")], [(0, 1, "NP"), (1, 4, "NP")], []]
    guess = [[(0, 2, "NP"), (2, 3, "NP")], [(0, 1, "NP"), (1, 3, "NP")], [(0, 1, "PP")]]
    counts = span_counts(guess, gold)
    assert counts == {"NP": SpanCounts(3, 4, 2), "PP": SpanCounts(0, 1, 0), "VP": SpanCounts(1, 0, 0)}
    assert (counts["NP"].precision, counts["NP"].recall) == (2 / 4, 2 / 3)
    assert counts["NP"].f1 == pytest.approx(2 * (1 / 2) * (2 / 3) / (1 / 2 + 2 / 3))
    assert (counts["VP"].precision, counts["VP"].recall, counts["VP"].f1) == (0, 0, 0)
    total = total_counts(counts.values())
    assert total == SpanCounts(4, 5, 2)
    assert (total.precision, total.recall, total.f1) == (2 / 5, 2 / 4, 4 / 9)
    assert total_counts([]) == SpanCounts(0, 0, 0)


def test_spans_of_other_numbers_of_sentences():
    with pytest.raises(ShapeError, match="expected one target a prediction"):
        span_counts([[]], [[], []])
