"""Counted word vectors: the textbook's small text by hand, published formulas, and large matrices."""

import math

import numpy as np
import pytest

from seqkit.errors import DataError, ShapeError, UsageError
from seqkit.vectors import counting
from seqkit.vectors.counting import SparseMatrix, cooccurrence, count_vectors, ppmi, svd_vectors

TOY = np.array([0, 1, 2, 3, 4, 1, 5, 6])  # you say goodbye and i say hello .
TOY_COUNTS = np.array(
    [
        [0, 1, 0, 0, 0, 0, 0],
        [1, 0, 1, 0, 1, 1, 0],
        [0, 1, 0, 1, 0, 0, 0],
        [0, 0, 1, 0, 1, 0, 0],
        [0, 1, 0, 1, 0, 0, 0],
        [0, 1, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0, 1, 0],
    ]
)


def sparse(dense: np.ndarray) -> SparseMatrix:
    rows, columns = (part.astype(np.int32) for part in np.nonzero(dense))
    return SparseMatrix(rows, columns, dense[rows, columns], len(dense))


class TestCooccurrence:
    def test_neighbours_of_the_toy_text(self) -> None:
        counts = cooccurrence(TOY, 7, 1)
        np.testing.assert_array_equal(counts.to_dense(), TOY_COUNTS)
        assert counts.values.dtype == np.int64

    def test_a_word_beside_itself_is_seen_from_both_ends(self) -> None:
        assert cooccurrence(np.array([1, 1]), 2, 3).to_dense().tolist() == [[0, 0], [0, 2]]

    def test_lines(self) -> None:
        """Id 0 ends a line: 1 2 | 3 | | 2 3 1; pairs at distance 2 only within a line."""
        ids = np.array([1, 2, 0, 3, 0, 0, 2, 3, 1])
        expected = np.zeros((4, 4), int)
        for a, b in ((1, 2), (2, 3), (3, 1), (2, 1)):
            expected[a, b] += 1
            expected[b, a] += 1
        np.testing.assert_array_equal(cooccurrence(ids, 4, 2, eos_id=0).to_dense(), expected)
        assert cooccurrence(ids, 4, 2).to_dense()[0, 0] == 4  # two pairs, each from both ends

    @pytest.mark.parametrize("block", [1, 7, 64, 1000])
    @pytest.mark.parametrize("eos_id", [None, 0])
    def test_block_by_block_equals_one_pass(
        self, block: int, eos_id: int | None, monkeypatch: pytest.MonkeyPatch, random: np.random.Generator
    ) -> None:
        ids = random.integers(0, 13, 300).astype(np.uint16)
        expected = np.zeros((13, 13), int)
        for i in range(300):
            for j in range(i + 1, min(300, i + 5)):
                if eos_id is None or not (ids[i : j + 1] == eos_id).any():
                    expected[ids[i], ids[j]] += 1
                    expected[ids[j], ids[i]] += 1
        monkeypatch.setattr(counting, "_BLOCK", block)
        counts = cooccurrence(ids, 13, 4, eos_id=eos_id)
        np.testing.assert_array_equal(counts.to_dense(), expected)
        keys = counts.rows.astype(int) * 13 + counts.columns
        assert (np.diff(keys) > 0).all()
        assert (counts.values > 0).all()

    def test_errors(self) -> None:
        for ids in (np.array([0, 7]), np.array([-1, 0])):
            with pytest.raises(DataError, match=r"from 0 to 6, got .*, token 0 on"):
                cooccurrence(ids, 7, 1)
        with pytest.raises(ShapeError, match=r"integers of shape \(any\), got"):
            cooccurrence(np.zeros(5), 7, 1)
        with pytest.raises(UsageError, match=r"V and window of at least 1, got . and 0"):
            cooccurrence(TOY, 7, 0)

    def test_no_text_has_no_counts(self) -> None:
        for ids in (np.zeros(0, int), np.array([3])):
            counts = cooccurrence(ids, 7, 2)
            assert not counts.to_dense().any()
            with pytest.raises(DataError, match="expected words with others near them, got none"):
                ppmi(counts)


class TestPPMI:
    def test_the_toy_text(self) -> None:
        """14 pairs, of which "say" has 4, "you" and "." 1 and the others 2."""
        found = ppmi(sparse(TOY_COUNTS)).to_dense()
        assert found.dtype == np.float32
        totals = [1, 4, 2, 2, 2, 2, 1]
        for i in range(7):
            for j in range(7):
                expected = TOY_COUNTS[i, j] and max(0, math.log2(14 / (totals[i] * totals[j])))
                assert found[i, j] == pytest.approx(expected, rel=1e-6)
        assert found[0, 1] == pytest.approx(1.807355, rel=1e-6)  # log₂ 3.5: the textbook's 1.807

    def test_a_shift_is_subtracted(self) -> None:
        plain, shifted = (ppmi(sparse(TOY_COUNTS), shift=k).to_dense() for k in (1, 3))
        np.testing.assert_allclose(shifted, np.maximum(plain - math.log2(3), 0), rtol=1e-5, atol=1e-7)
        assert 0 < np.count_nonzero(shifted) < np.count_nonzero(plain)

    def test_smoothing(self) -> None:
        """With power ½ contexts of 1, 4 and 9 pairs weigh 1, 2 and 3 of 6."""
        counts = np.array([[1, 0, 0], [0, 4, 0], [0, 0, 9]])
        found = ppmi(sparse(counts), smoothing=0.5).to_dense()
        np.testing.assert_allclose(np.diag(found), np.log2([6, 3, 2]), rtol=1e-6)

    @pytest.mark.parametrize("settings", [{"shift": 0}, {"smoothing": 0}, {"shift": -1}])
    def test_errors(self, settings: dict[str, float]) -> None:
        with pytest.raises(UsageError, match="expected shift and smoothing above 0"):
            ppmi(sparse(TOY_COUNTS), **settings)


def random_sparse(random: np.random.Generator, V: int = 211) -> SparseMatrix:
    """Full rows, thin rows and empty ones."""
    chance = np.array([0.9, 0.01, 0.0, 0.2])[np.sort(random.integers(0, 4, V))][:, None]
    return sparse(np.where(random.random((V, V)) < chance, random.standard_normal((V, V)), 0))


class TestSVD:
    @pytest.mark.parametrize("scratch", [1, 300, 5000, 1 << 22])
    @pytest.mark.parametrize("dense", [0.0, 0.1, 2.0])
    def test_products(
        self, scratch: int, dense: float, monkeypatch: pytest.MonkeyPatch, random: np.random.Generator
    ) -> None:
        monkeypatch.setattr(counting, "_SCRATCH", scratch)
        monkeypatch.setattr(counting, "_DENSE", dense)
        matrix, x = random_sparse(random), random.standard_normal((211, 5))
        np.testing.assert_allclose(matrix @ x, matrix.to_dense() @ x, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(matrix.T @ x, matrix.to_dense().T @ x, rtol=1e-10, atol=1e-12)

    @pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
    def test_the_toy_text_spans_what_numpys_svd_spans(self, power: float) -> None:
        weights = ppmi(cooccurrence(TOY, 7, 1))
        vectors = svd_vectors(weights, 3, power=power)
        U, S, _ = np.linalg.svd(weights.to_dense().astype(np.float64))
        expected = U[:, :3] * S[:3] ** power  # up to signs; equal singular values leave more freedom
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=0), S[:3] ** power, rtol=1e-5)
        if S[2] - S[3] > 1e-3:
            np.testing.assert_allclose(vectors @ vectors.T, expected @ expected.T, atol=1e-5)

    @pytest.mark.parametrize("symmetric", [True, False])
    def test_the_randomised_one_finds_the_same(self, symmetric: bool, random: np.random.Generator) -> None:
        """A matrix of rank 6 with noise of a thousandth of it."""
        factors = random.standard_normal((2, 101, 6)) * [8, 7, 6, 5, 4, 3]
        dense = factors[0] @ factors[0 if symmetric else 1].T + 0.1 * random.standard_normal((101, 101))
        dense = dense + dense.T if symmetric else dense
        matrix = sparse(dense)
        exact, randomised = (svd_vectors(matrix, 6, exact=exact) for exact in (True, False))
        np.testing.assert_allclose(randomised, exact, rtol=1e-3, atol=1e-3)

    def test_the_same_bits_again_and_no_free_signs(self, random: np.random.Generator) -> None:
        matrix = random_sparse(random)
        first, second = (svd_vectors(matrix, 9, exact=False, seed=3) for _ in range(2))
        assert first.dtype == np.float32
        assert first.tobytes() == second.tobytes()
        assert (first[np.abs(first).argmax(axis=0), np.arange(9)] > 0).all()

    @pytest.mark.parametrize("E", [0, 8])
    def test_errors(self, E: int) -> None:
        with pytest.raises(UsageError, match=f"from 1 to the 7 words, got {E}"):
            svd_vectors(sparse(TOY_COUNTS), E)


@pytest.mark.parametrize("smoothing", [1.0, 0.75])
def test_words_of_a_topic_become_neighbours(smoothing: float, random: np.random.Generator) -> None:
    """Five words of each of two topics, never in one line; word 0 ends lines and 11 does not occur."""
    topics = [np.arange(1, 6), np.arange(6, 11)]
    ids = np.concatenate([[*random.choice(topics[i % 2], 8), 0] for i in range(200)])
    vectors = count_vectors(ids, 12, vector_size=4, window=3, eos_id=0, smoothing=smoothing)
    assert vectors.shape == (12, 4)
    assert vectors.dtype == np.float32
    assert np.abs(vectors[[0, 11]]).max() < 1e-6
    unit = vectors[1:11] / np.linalg.norm(vectors[1:11], axis=1, keepdims=True)
    cosines = unit @ unit.T
    within = cosines[:5, :5].mean() + cosines[5:, 5:].mean()
    assert np.abs(cosines[:5, 5:]).max() < 1e-5
    assert within > 1
