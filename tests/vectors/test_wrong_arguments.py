"""Strings in place of lists, bytes, NaN: refused, since their letters or numbers would give an answer."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from seqkit.errors import ShapeError, UsageError
from seqkit.vectors import KeyedVectors, Word2Vec

TEXT = [["red", "green", "blue"], ["cat", "dog", "cow"]] * 20


def table() -> KeyedVectors:
    vectors = KeyedVectors(3)
    vectors.add_vectors(["a", "b", "c"], np.eye(3))
    return vectors


@pytest.mark.parametrize(
    "call",
    [
        lambda v: v.n_similarity("a", ["b"]),
        lambda v: v.n_similarity(["a"], "b"),
        lambda v: v.get_mean_vector("ab"),
        lambda v: v.vectors_for_all("ab"),
        lambda v: v.doesnt_match("abc"),
        lambda v: v.distances("a", "bc"),
        lambda v: v.most_similar_to_given("a", "bc"),
        lambda v: v.most_similar_batch("ab"),
    ],
)
def test_a_string_is_no_list_of_keys(call: Callable[[KeyedVectors], Any]) -> None:
    with pytest.raises(UsageError, match="expected a list of keys, got the string"):
        call(table())


@pytest.mark.parametrize(
    "call",
    [
        lambda v: v.add_vectors("d", [1, np.nan, 0]),
        lambda v: v.add_vectors(["d"], [[1, np.inf, 0]]),
        lambda v: v.add_vectors("d", [1e300, 0, 0]),
        lambda v: v.add_vectors("d", [1j, 0, 0]),
        lambda v: v.add_vectors("d", ["x", "y", "z"]),
        lambda v: v.similar_by_vector(np.full(3, np.nan)),
        lambda v: v.most_similar([("a", np.nan)]),
        lambda v: v.most_similar_cosmul([np.full(3, np.inf)]),
        lambda v: v.most_similar_batch(np.full((1, 3), np.nan)),
    ],
)
def test_numbers_are_finite(call: Callable[[KeyedVectors], Any]) -> None:
    with pytest.raises(UsageError, match="finite numbers"):
        call(table())


def test_vectors_that_are_assigned_are_compared_and_fit_the_keys() -> None:
    vectors = table()
    assert vectors.similar_by_key("a", topn=1) == [("b", 0.0)]
    vectors.vectors = 7 * np.array([[1, 0, 0], [0, 1, 0], [1, 0, 0]], np.float32)
    assert vectors.similar_by_key("a", topn=1) == [("c", 1.0)]
    vectors.vectors = np.ones((2, 3), np.float32)
    with pytest.raises(ShapeError, match=r"expected vectors of shape \(3, 3\), got \(2, 3\)"):
        vectors.most_similar("a")
    vectors.vectors = np.full((3, 3), np.nan, np.float32)
    with pytest.raises(UsageError, match="the vector of 'a' is not finite"):
        vectors.most_similar("a")


def test_long_vectors_of_16_bits_keep_their_cosines() -> None:
    vectors = KeyedVectors(2, dtype=np.float16)
    vectors.add_vectors(["a", "b"], [[300, 0], [300, 300]])
    assert vectors.most_similar("a")[0][1] == pytest.approx(0.5**0.5, rel=1e-3)


def test_tables_have_whole_sizes_and_floating_point_numbers() -> None:
    for arguments in ((2.5,), ("a",), (-1,), (3, -1)):
        with pytest.raises(UsageError, match="whole numbers"):
            KeyedVectors(*arguments)
    with pytest.raises(UsageError, match="floating-point"):
        KeyedVectors(3, dtype=np.int32)
    with pytest.raises(ShapeError, match="expected 2 values of 'count'"):
        table().add_vectors(["d", "e"], np.eye(3)[:2], extras={"count": np.ones(3)})


@pytest.mark.parametrize(
    "sentences", [[b"ab", b"cd"], [["a", None]], [[b"a", b"b"]], [None], [["a", 1.5]], 5, b"a b"]
)
def test_sentences_are_lists_of_strings(sentences: Any) -> None:
    with pytest.raises(UsageError, match=r"expected (words|a sentence|sentences)"):
        Word2Vec(sentences, vector_size=4, min_count=1)


def test_an_array_of_words_is_a_sentence() -> None:
    model = Word2Vec([np.array(row) for row in TEXT], vector_size=4, min_count=1, epochs=1, workers=1)
    expected = Word2Vec(TEXT, vector_size=4, min_count=1, epochs=1, workers=1)
    np.testing.assert_array_equal(model.wv.vectors, expected.wv.vectors)


@pytest.mark.parametrize(
    "setting", [{"sg": 2}, {"sg": "no"}, {"cbow_mean": 3}, {"shrink_windows": "no"}, {"min_count": "a"},
                {"max_vocab_size": 0}, {"max_final_vocab": 1.5}]
)  # fmt: skip
def test_switches_and_counts_are_checked(setting: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(setting))):
        Word2Vec(TEXT, vector_size=4, **setting)
