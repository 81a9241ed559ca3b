"""Negative sampling and the mean of a context: values by hand, what is passed over, and errors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from seqkit import ops
from seqkit.autograd import RowGradient, Tensor
from seqkit.errors import ShapeError, UsageError

LOG3 = math.log(3)  # σ(log 3) = ¾


def words(*values: float) -> Tensor:
    """A matrix of one number a word."""
    return Tensor(np.array(values, np.float64)[:, None], requires_grad=True)


class TestNegativeSampling:
    def test_one_example_by_hand(self) -> None:
        """The true word has probability ¾, the two drawn ones are believed with ¾ and ½."""
        h, W = words(1.0), words(LOG3, 7.0, LOG3, 0.0)
        loss = ops.negative_sampling(h, W, np.array([0]), np.array([[2, 3]]))
        assert loss.dtype == np.float64
        assert loss.item() == pytest.approx(math.log(4 / 3) + math.log(4) + math.log(2))
        loss.backward()
        assert h.grad.item() == pytest.approx(-0.25 * LOG3 + 0.75 * LOG3 + 0.5 * 0)
        assert isinstance(W.grad, RowGradient)
        assert W.grad.rows.tolist() == [0, 2, 3]
        np.testing.assert_allclose(W.grad.values[:, 0], [-0.25, 0.75, 0.5])

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_untrained_scores_cost_log_2_each(self, dtype: Any) -> None:
        loss = ops.negative_sampling(
            np.ones((3, 5), dtype), np.zeros((7, 5), dtype), np.zeros(3, int), np.ones((3, 4), int)
        )
        assert loss.item() == pytest.approx(5 * math.log(2))

    def test_a_word_drawn_twice_counts_twice(self) -> None:
        h, W = words(1.0), words(0.0, LOG3)
        loss = ops.negative_sampling(h, W, np.array([0]), np.array([[1, 1]]))
        assert loss.item() == pytest.approx(math.log(2) + 2 * math.log(4))
        loss.backward()
        np.testing.assert_allclose(W.grad.to_dense()[:, 0], [-0.5, 1.5])

    def test_the_true_word_among_the_drawn_ones(self) -> None:
        targets, negatives = np.array([0, 1]), np.array([[0, 1], [1, 1]])
        h, W = words(1.0, 1.0), words(LOG3, 0.0)
        passed = ops.negative_sampling(h, W, targets, negatives, reduction="none")
        np.testing.assert_allclose(passed.numpy(), [math.log(4 / 3) + math.log(2), math.log(2)])
        passed.backward(np.array([1.0, 1.0]))
        np.testing.assert_allclose(W.grad.to_dense()[:, 0], [-0.25, 0.5 - 0.5])
        kept = ops.negative_sampling(h, W, targets, negatives, reduction="none", keep_collisions=True)
        np.testing.assert_allclose(kept.numpy(), passed.numpy() + np.log([4, 4]))

    def test_reductions(self, random: np.random.Generator) -> None:
        arrays = random.standard_normal((3, 5)), random.standard_normal((7, 5))
        ids = random.integers(0, 7, 3), random.integers(0, 7, (3, 2))
        each = ops.negative_sampling(*arrays, *ids, reduction="none").numpy()
        assert each.shape == (3,)
        assert ops.negative_sampling(*arrays, *ids, reduction="sum").item() == pytest.approx(each.sum())
        assert ops.negative_sampling(*arrays, *ids).item() == pytest.approx(each.mean())
        with pytest.raises(UsageError, match="expected reduction to be mean, sum or none, got 'max'"):
            ops.negative_sampling(*arrays, *ids, reduction="max")

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_wild_scores_stay_finite(self, dtype: Any) -> None:
        """A score of -10⁶ costs 10⁶ and not infinity, and its gradient is 1 and not NaN."""
        h = Tensor(np.full((1, 1), 1e3, dtype), requires_grad=True)
        W = Tensor(np.array([[-1e3], [1e3]], dtype), requires_grad=True)
        loss = ops.negative_sampling(h, W, np.array([0]), np.array([[1]]))
        assert loss.item() == pytest.approx(2e6)
        loss.backward()
        np.testing.assert_allclose(W.grad.to_dense(), [[-1e3], [1e3]])
        assert h.grad.item() == pytest.approx(2e3)

    def test_no_negatives(self) -> None:
        loss = ops.negative_sampling(words(1.0), words(LOG3), np.array([0]), np.zeros((1, 0), int))
        assert loss.item() == pytest.approx(math.log(4 / 3))

    @pytest.mark.parametrize(("target", "negative"), [(7, 0), (0, 7), (-1, 0), (0, -1)])
    def test_ids_outside_the_matrix(self, target: int, negative: int) -> None:
        with pytest.raises(
            UsageError, match=r"negative_sampling: expected ids between 0 and 6, got -?\d to \d"
        ):
            ops.negative_sampling(
                np.ones((1, 5)), np.ones((7, 5)), np.array([target]), np.array([[negative]])
            )

    @pytest.mark.parametrize(
        ("h", "targets", "negatives", "text"),
        [
            (
                (3, 2),
                np.zeros(3, int),
                np.zeros((3, 2), int),
                r"expected h \(B, E\), W \(V, E\), .*, got \(3, 2\), \(7, 5\)",
            ),
            (
                (3, 5),
                np.zeros(2, int),
                np.zeros((3, 2), int),
                r"targets \(B,\), negatives \(B, K\), got \(3, 5\), .*, \(2,\), \(3, 2\)",
            ),
            (
                (3, 5),
                np.zeros(3, int),
                np.zeros(3, int),
                r"targets \(B,\), negatives \(B, K\), got \(3, 5\), .*, \(3,\), \(3,\)",
            ),
            ((3, 5), np.zeros(3), np.zeros((3, 2), int), "expected integer targets, got float64"),
            ((3, 5), np.zeros(3, int), np.zeros((3, 2)), "expected integer negatives, got float64"),
        ],
    )
    def test_shapes_that_do_not_fit(self, h: Any, targets: Any, negatives: Any, text: str) -> None:
        with pytest.raises(ShapeError, match=text):
            ops.negative_sampling(np.ones(h), np.ones((7, 5)), targets, negatives)

    def test_against_torch(self, random: np.random.Generator) -> None:
        torch = pytest.importorskip("torch", reason="PyTorch is not installed: no comparison with it")
        arrays = random.standard_normal((3, 5)), random.standard_normal((7, 5))
        targets, negatives = random.integers(0, 3, 3), random.integers(3, 7, (3, 4))
        h, W = (Tensor(x, requires_grad=True) for x in arrays)
        peer_h, peer_W = (torch.tensor(x, requires_grad=True) for x in arrays)
        loss = ops.negative_sampling(h, W, targets, negatives)
        scores = (peer_W[np.concatenate((targets[:, None], negatives), axis=1)] * peer_h[:, None]).sum(-1)
        labels = torch.zeros_like(scores)
        labels[:, 0] = 1
        peer = torch.nn.functional.binary_cross_entropy_with_logits(scores, labels, reduction="sum") / 3
        assert loss.item() == pytest.approx(peer.item(), rel=1e-12)
        loss.backward()
        peer.backward()
        np.testing.assert_allclose(h.grad, peer_h.grad.numpy(), rtol=1e-10)
        np.testing.assert_allclose(W.grad.to_dense(), peer_W.grad.numpy(), rtol=1e-10)


class TestEmbeddingBag:
    W = np.array([[0.0, 1], [2, 3], [4, 9]])

    def test_means_and_sums(self) -> None:
        ids = np.array([[0, 2], [1, 1]])
        assert ops.embedding_bag(self.W, ids).numpy().tolist() == [[2, 5], [2, 3]]
        assert ops.embedding_bag(self.W, ids, mean=False).numpy().tolist() == [[4, 10], [4, 6]]

    def test_padding_counts_for_nothing(self) -> None:
        ids = np.array([[-1, 2, 1, -1], [-1, -1, -1, -1], [0, -1, -1, 0]])
        assert ops.embedding_bag(self.W, ids).numpy().tolist() == [[3, 6], [0, 0], [0, 1]]
        assert ops.embedding_bag(self.W, ids, mean=False).numpy().tolist() == [[6, 12], [0, 0], [0, 2]]

    @pytest.mark.parametrize("mean", [True, False])
    def test_the_gradient_goes_to_the_rows_that_were_read(self, mean: bool) -> None:
        W = Tensor(np.zeros((5, 2)), requires_grad=True)
        y = ops.embedding_bag(W, np.array([[4, 1, 4], [1, -1, -1]]), mean=mean)
        y.backward(np.array([[3.0, 6], [100, 200]]))
        assert isinstance(W.grad, RowGradient)
        assert W.grad.rows.tolist() == [1, 4]  # and not row 0, where padding might have gone
        share = 3 if mean else 1
        np.testing.assert_allclose(
            W.grad.values, [[3 / share + 100, 6 / share + 200], [6 / share, 12 / share]]
        )

    @pytest.mark.parametrize("mean", [True, False])
    def test_it_is_the_mean_of_an_embedding(self, mean: bool, random: np.random.Generator) -> None:
        W, ids = random.standard_normal((11, 7)), random.integers(0, 11, (3, 5))
        single, whole = (Tensor(W, requires_grad=True) for _ in range(2))
        rows = ops.embedding(single, ids)
        expected = rows.mean(axis=1) if mean else rows.sum(axis=1)
        y = ops.embedding_bag(whole, ids, mean=mean)
        np.testing.assert_allclose(y.numpy(), expected.numpy(), rtol=1e-12)
        dy = random.standard_normal((3, 7))
        y.backward(dy)
        expected.backward(dy)
        np.testing.assert_allclose(whole.grad.to_dense(), single.grad.to_dense(), rtol=1e-12, atol=1e-15)

    @pytest.mark.parametrize("wrong", [3, -2])
    def test_ids_outside_the_matrix(self, wrong: int) -> None:
        with pytest.raises(UsageError, match=r"embedding_bag: expected ids between -1 and 2, got"):
            ops.embedding_bag(self.W, np.array([[0, wrong]]))

    @pytest.mark.parametrize("ids", [np.zeros(3, int), np.zeros((3, 2))], ids=["one axis", "floats"])
    def test_ids_of_another_kind(self, ids: np.ndarray) -> None:
        with pytest.raises(
            ShapeError, match=r"embedding_bag: expected (W \(V, E\), ids \(B, C\)|integer ids), got"
        ):
            ops.embedding_bag(self.W, ids)
