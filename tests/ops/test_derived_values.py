"""Values of each op that a human can derive, and the errors for shapes that cannot be."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from seqkit import ops
from seqkit.autograd import Tensor
from seqkit.backend.random import Generator
from seqkit.errors import ShapeError, UsageError


def array(*values: Any) -> np.ndarray:
    return np.array(values, np.float64)


def sigma(x: float) -> float:
    return 1 / (1 + math.exp(-x))


class TestActivations:
    def test_sigmoid(self) -> None:
        y = ops.sigmoid(array(0, math.log(3), -math.log(3), 1e4, -1e4)).numpy()
        np.testing.assert_allclose(y, [0.5, 0.75, 0.25, 1, 0], atol=1e-16)

    def test_tanh(self) -> None:
        """tanh(ln 2) = (2 - ½) / (2 + ½)."""
        np.testing.assert_allclose(ops.tanh(array(0, math.log(2))).numpy(), [0, 0.6], rtol=1e-15)

    def test_relu(self) -> None:
        x = Tensor(array(-2, 0, 3), requires_grad=True)
        y = ops.relu(x)
        assert y.numpy().tolist() == [0, 0, 3]
        y.sum().backward()
        assert x.grad.tolist() == [0, 0, 1]

    def test_relu_shows_nan(self) -> None:
        assert np.isnan(ops.relu(array(np.nan)).numpy()).all()

    def test_gelu(self) -> None:
        """x·Φ(x), Φ by the error function; the form with tanh is within 5e-4 of it."""
        x = np.linspace(-4, 4, 81)
        exact = [v * 0.5 * (1 + math.erf(v / math.sqrt(2))) for v in x]
        np.testing.assert_allclose(ops.gelu(x).numpy(), exact, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(ops.gelu_tanh(x).numpy(), exact, atol=5e-4)
        assert ops.gelu(array(0.0)).numpy().tolist() == [0]


class TestSoftmax:
    def test_equal_scores(self) -> None:
        np.testing.assert_allclose(ops.softmax(np.full((2, 5), 1e4)).numpy(), 0.2)
        np.testing.assert_allclose(ops.log_softmax(np.full((2, 5), -1e4)).numpy(), -math.log(5))

    def test_logarithms_of_probabilities(self) -> None:
        p = array(0.1, 0.2, 0.7)
        np.testing.assert_allclose(ops.softmax(np.log(p) + 3).numpy(), p)
        np.testing.assert_allclose(ops.log_softmax(np.log(p) - 3).numpy(), np.log(p))


class TestCrossEntropy:
    V = 11

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_uniform_logits(self, dtype: Any) -> None:
        loss = ops.softmax_cross_entropy(np.full((3, 5, self.V), 7, dtype), np.ones((3, 5), int))
        assert loss.dtype == np.float64
        assert loss.item() == pytest.approx(math.log(self.V), rel=1e-6)

    def test_known_probabilities(self) -> None:
        """The mean of -log ¼ and -log ½ is 1.5 log 2."""
        logits = Tensor(np.log(array([0.25, 0.5, 0.25], [0.25, 0.5, 0.25])), requires_grad=True)
        loss = ops.softmax_cross_entropy(logits, np.array([0, 1]))
        assert loss.item() == pytest.approx(1.5 * math.log(2))
        loss.backward()
        np.testing.assert_allclose(logits.grad, array([-0.75, 0.5, 0.25], [0.25, -0.5, 0.25]) / 2)

    def test_reductions(self) -> None:
        logits, targets = np.log(array([0.25, 0.75], [0.5, 0.5], [0.5, 0.5])), np.array([0, 1, -1])
        each = ops.softmax_cross_entropy(logits, targets, reduction="none").numpy()
        np.testing.assert_allclose(each, [math.log(4), math.log(2), 0])
        total = ops.softmax_cross_entropy(logits, targets, reduction="sum").item()
        assert total == pytest.approx(3 * math.log(2))
        assert ops.softmax_cross_entropy(logits, targets).item() == pytest.approx(total / 2)
        with pytest.raises(UsageError, match="expected reduction to be mean, sum or none, got 'max'"):
            ops.softmax_cross_entropy(logits, targets, reduction="max")

    def test_label_smoothing(self) -> None:
        """(1 - s)·(-log p of the target) + s·(mean of -log p)."""
        p = array(0.5, 0.25, 0.25)
        loss = ops.softmax_cross_entropy(np.log(p)[None], np.array([0]), label_smoothing=0.3).item()
        assert loss == pytest.approx(0.7 * math.log(2) + 0.3 * (math.log(2) + 2 * math.log(4)) / 3)

    def test_smoothed_gradient_is_zero_at_the_smoothed_target(self) -> None:
        s, V = 0.3, 3
        target = array(1 - s + s / V, s / V, s / V)
        logits = Tensor(np.log(target)[None], requires_grad=True)
        ops.softmax_cross_entropy(logits, np.array([0]), label_smoothing=s).backward()
        np.testing.assert_allclose(logits.grad, 0, atol=1e-15)

    def test_ignored_targets_do_not_count(self, random: np.random.Generator) -> None:
        logits = random.standard_normal((5, self.V))
        targets = np.array([3, -1, 4, -1, -1])
        kept = ops.softmax_cross_entropy(logits[[0, 2]], targets[[0, 2]]).item()
        x = Tensor(logits, requires_grad=True)
        loss = ops.softmax_cross_entropy(x, targets)
        assert loss.item() == pytest.approx(kept, rel=1e-14)
        loss.backward()
        assert not x.grad[[1, 3, 4]].any()
        assert x.grad[[0, 2]].any()

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_all_ignored(self, dtype: Any) -> None:
        x = Tensor(np.ones((3, self.V), dtype), requires_grad=True)
        loss = ops.softmax_cross_entropy(x, np.full(3, 7), ignore_index=7)
        assert loss.item() == 0
        loss.backward()
        assert not x.grad.any()

    @pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
    def test_of_a_linear_map(self, reduction: str, random: np.random.Generator) -> None:
        """The fused op is the two ops one after the other, also in its gradients."""
        shapes = ((3, 5, 7), (self.V, 7), (self.V,))
        arrays = [random.standard_normal(shape) for shape in shapes]
        targets = random.integers(-1, self.V, (3, 5))
        results = []
        for fused in (True, False):
            x, W, b = (Tensor(a, requires_grad=True) for a in arrays)
            settings = {"label_smoothing": 0.1, "reduction": reduction}
            if fused:
                loss = ops.linear_cross_entropy(x, W, b, targets, **settings)
            else:
                loss = ops.softmax_cross_entropy(ops.linear(x, W, b), targets, **settings)
            (loss * 3.0).sum().backward()
            results.append([loss.numpy(), x.grad, W.grad, b.grad])
        for ours, expected in zip(*results, strict=True):
            np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-14)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("target", [-2, 11, 2**40])
    def test_targets_that_are_no_ids(self, target: int, dtype: Any) -> None:
        """Never read or written out of bounds, whichever kernel runs."""
        with pytest.raises(UsageError, match=f"target {target} is neither an id below V = 11 nor ignored"):
            ops.softmax_cross_entropy(np.zeros((2, self.V), dtype), np.array([3, target]))
        with pytest.raises(UsageError, match=f"target {target} is neither"):
            ops.linear_cross_entropy(
                np.zeros((2, 3), dtype), np.zeros((self.V, 3), dtype), None, np.array([3, target])
            )


class TestDropout:
    def test_survivors_are_scaled(self) -> None:
        y = ops.dropout(np.ones((100, 100)), rate=0.2, generator=Generator(1)).numpy()
        np.testing.assert_allclose(np.unique(y), [0, 1.25])
        # 10⁴ draws: 5 standard deviations are 0.02
        assert abs((y == 0).mean() - 0.2) < 0.02

    def test_the_backward_uses_the_same_mask(self) -> None:
        x = Tensor(np.ones((13, 7)), requires_grad=True)
        y = ops.dropout(x, rate=0.5, generator=Generator(1))
        y.sum().backward()
        np.testing.assert_array_equal(x.grad, y.numpy())

    def test_each_call_takes_one_draw(self) -> None:
        generator = Generator(1)
        first = ops.dropout(np.ones(100), rate=0.5, generator=generator).numpy()
        second = ops.dropout(np.ones(100), rate=0.5, generator=generator).numpy()
        assert generator.counter == 2
        assert (first != second).any()

    def test_locked_dropout_has_one_mask_for_all_steps(self) -> None:
        y = ops.locked_dropout(np.ones((3, 5, 101)), rate=0.5, generator=Generator(1)).numpy()
        assert (y == y[:, :1]).all()
        assert (y[0, 0] != y[1, 0]).any()
        np.testing.assert_allclose(np.unique(y), [0, 2])

    @pytest.mark.parametrize("op", [ops.dropout, ops.locked_dropout])
    def test_the_mask_does_not_depend_on_the_dtype(self, op: Callable[..., Any]) -> None:
        x = np.ones((3, 5, 7))
        masks = [
            op(x.astype(d), rate=0.4, generator=Generator(1)).numpy() > 0 for d in (np.float32, np.float64)
        ]
        np.testing.assert_array_equal(*masks)

    @pytest.mark.parametrize("op", [ops.dropout, ops.locked_dropout])
    def test_errors(self, op: Callable[..., Any]) -> None:
        with pytest.raises(UsageError, match=r"dropout needs a generator; pass seqkit\.Generator"):
            op(np.ones((2, 3, 5)), rate=0.5, generator=None)
        for rate in (-0.1, 1.0, float("nan")):
            with pytest.raises(UsageError, match=f"to be at least 0 and below 1, got {rate}"):
                op(np.ones((2, 3, 5)), rate=rate, generator=Generator(1))


class TestEmbeddingAndLinear:
    def test_rows(self) -> None:
        W = array([0, 1], [2, 3], [4, 5])
        y = ops.embedding(W, np.array([[2, 0], [1, 2]])).numpy()
        assert y.tolist() == [[[4, 5], [0, 1]], [[2, 3], [4, 5]]]

    @pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint16])
    def test_any_integer_type(self, dtype: Any) -> None:
        W = Tensor(array([0, 1], [2, 3]), requires_grad=True)
        ops.embedding(W, np.array([1, 1], dtype)).sum().backward()
        assert W.grad.to_dense().tolist() == [[0, 0], [2, 2]]

    @pytest.mark.parametrize("ids", [[-1, 0], [0, 3]])
    def test_ids_outside_the_matrix(self, ids: list[int]) -> None:
        with pytest.raises(UsageError, match=f"expected ids between 0 and 2, got {ids[0]} to {ids[1]}"):
            ops.embedding(np.ones((3, 2)), np.array(ids))

    def test_ids_that_are_not_integers(self) -> None:
        with pytest.raises(ShapeError, match="embedding: expected integer ids, got float64"):
            ops.embedding(np.ones((3, 2)), np.ones(2))

    def test_linear(self) -> None:
        W, b = array([1, 10], [100, 1000], [0, 0]), array(1, 2, 3)
        assert ops.linear(array(2, 3), W, b).numpy().tolist() == [33, 3202, 3]


class TestLayerNorm:
    def test_two_values(self) -> None:
        """Mean 3, variance 4: (1 - 3)/2 = -1 and (5 - 3)/2 = 1."""
        y = ops.layer_norm(array([1, 5]), array(10, 100), array(0.5, 0.5), epsilon=0.0).numpy()
        np.testing.assert_allclose(y, [[-9.5, 100.5]])

    def test_moments(self, random: np.random.Generator) -> None:
        y = ops.layer_norm(7 + 3 * random.standard_normal((5, 101)), np.ones(101), np.zeros(101)).numpy()
        np.testing.assert_allclose(y.mean(axis=-1), 0, atol=1e-12)
        np.testing.assert_allclose(y.var(axis=-1), 1, atol=1e-4)

    def test_a_constant_row(self) -> None:
        np.testing.assert_allclose(
            ops.layer_norm(np.full((1, 3), 9.0), np.ones(3), np.full(3, 2.0)).numpy(), 2
        )


class TestOneStepByHand:
    """Scalar weights, one step, written out with the equations of the papers."""

    x, h, c = 0.5, -0.3, 0.8

    def test_lstm(self) -> None:
        wi, wf, wg, wo = 0.1, -0.2, 0.3, 0.4
        ui, uf, ug, uo = 0.5, 0.6, -0.7, 0.8
        bi, bf, bg, bo = 0.01, 0.02, 0.03, 0.04
        i, f = sigma(wi * self.x + ui * self.h + bi), sigma(wf * self.x + uf * self.h + bf)
        g, o = math.tanh(wg * self.x + ug * self.h + bg), sigma(wo * self.x + uo * self.h + bo)
        c = f * self.c + i * g
        y, h_last, c_last = ops.lstm(
            array([[self.x]]),
            array([self.h]),
            array([self.c]),
            array([wi], [wf], [wg], [wo]),
            array([ui], [uf], [ug], [uo]),
            array(bi, bf, bg, bo),
        )
        assert c_last.item() == pytest.approx(c, rel=1e-14)
        assert h_last.item() == y.item() == pytest.approx(o * math.tanh(c), rel=1e-14)

    def test_gru(self) -> None:
        wr, wz, wn, ur, uz, un = 0.1, -0.2, 0.3, 0.5, 0.6, -0.7
        br, bz, bn, vr, vz, vn = 0.01, 0.02, 0.03, 0.04, 0.05, 0.06
        r = sigma(wr * self.x + br + ur * self.h + vr)
        z = sigma(wz * self.x + bz + uz * self.h + vz)
        n = math.tanh(wn * self.x + bn + r * (un * self.h + vn))
        y, h_last = ops.gru(
            array([[self.x]]),
            array([self.h]),
            array([wr], [wz], [wn]),
            array([ur], [uz], [un]),
            array(br, bz, bn),
            array(vr, vz, vn),
        )
        assert h_last.item() == y.item() == pytest.approx((1 - z) * n + z * self.h, rel=1e-14)

    @pytest.mark.parametrize(("name", "phi"), [("tanh", math.tanh), ("relu", lambda v: max(v, 0))])
    def test_rnn(self, name: str, phi: Callable[[float], float]) -> None:
        y, h_last = ops.rnn(
            array([[self.x], [-self.x]]),
            array([self.h]),
            array([0.9]),
            array([0.5]),
            array(0.1),
            nonlinearity=name,
        )
        first = phi(0.9 * self.x + 0.5 * self.h + 0.1)
        second = phi(-0.9 * self.x + 0.5 * first + 0.1)
        np.testing.assert_allclose(y.numpy()[0, :, 0], [first, second])
        assert h_last.item() == pytest.approx(second)


LINEAR_ERRORS: list[tuple[Callable[[], Any], str]] = [
    (
        lambda: ops.linear(np.ones((3, 5)), np.ones((2, 7))),
        r"expected x \(…, I\), W \(O, I\), got \(3, 5\), \(2, 7\)",
    ),
    (
        lambda: ops.softmax_cross_entropy(np.ones((3, 5)), np.ones((3, 1), int)),
        r"expected logits \(…, V\), targets \(…\), got \(3, 5\), \(3, 1\)",
    ),
    (
        lambda: ops.softmax_cross_entropy(np.ones((3, 5)), np.ones(3)),
        "expected integer targets, got float64",
    ),
    (
        lambda: ops.linear_cross_entropy(np.ones((3, 5)), np.ones((2, 7)), None, np.ones(3, int)),
        r"linear_cross_entropy: expected x \(…, E\), W \(V, E\), .*, got \(3, 5\), \(2, 7\)",
    ),
]


@pytest.mark.parametrize(("wrong", "text"), LINEAR_ERRORS)
def test_shape_errors_name_both_shapes(wrong: Callable[[], Any], text: str) -> None:
    with pytest.raises(ShapeError, match=text):
        wrong()


@pytest.mark.parametrize("smoothing", [-0.1, 1.0])
def test_label_smoothing_out_of_range(smoothing: float) -> None:
    with pytest.raises(
        UsageError, match=f"expected label smoothing to be at least 0 and below 1, got {smoothing}"
    ):
        ops.softmax_cross_entropy(np.ones((3, 5)), np.ones(3, int), label_smoothing=smoothing)
