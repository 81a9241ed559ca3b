"""Output layers and embeddings by clusters: by hand, against the full softmax, and their gradients."""

from __future__ import annotations

import numpy as np
import pytest

from seqkit import nn, ops
from seqkit.autograd import Tensor, gradient_check
from seqkit.errors import UsageError
from tests.models.gradients import assert_slope

H, V = 8, 13
CUTOFFS = [3, 7]


def layer(tied: nn.AdaptiveEmbedding | None = None) -> nn.AdaptiveSoftmax:
    return nn.AdaptiveSoftmax(H, V, CUTOFFS, tied=tied, generator=0).astype(np.float64)


def inputs(B: int = 3, T: int = 5) -> tuple[Tensor, np.ndarray]:
    random = np.random.default_rng(1)
    targets = random.integers(0, V, (B, T))
    targets[0, :2] = -1
    return Tensor(random.normal(size=(B, T, H)), requires_grad=True), targets


def test_probabilities_are_products_that_sum_to_one() -> None:
    softmax, (x, _) = layer(), inputs()
    p = np.exp(softmax.log_probs(x))
    np.testing.assert_allclose(p.sum(axis=-1), 1, rtol=1e-12)

    def softmax_of(scores: np.ndarray) -> np.ndarray:
        e = np.exp(scores)
        return e / e.sum()

    h = x.data[1, 2]
    head = softmax_of(
        np.concatenate(
            (
                softmax.head.weight.data @ h + softmax.head.bias.data,
                softmax.clusters.weight.data @ h + softmax.clusters.bias.data,
            )
        )
    )
    narrow = softmax.projections[1].weight.data @ h
    within = softmax_of(softmax.tails[1].weight.data @ narrow + softmax.tails[1].bias.data)
    np.testing.assert_allclose(p[1, 2, :3], head[:3], rtol=1e-12)
    np.testing.assert_allclose(p[1, 2, 7:], head[4] * within, rtol=1e-12)
    assert [tail.weight.shape for tail in softmax.tails] == [(4, 2), (6, 1)]


def test_losses_are_those_of_the_whole_distribution() -> None:
    softmax, (x, targets) = layer(), inputs()
    whole = -np.take_along_axis(softmax.log_probs(x), np.maximum(targets, 0)[..., None], -1)[..., 0]
    whole[targets < 0] = 0
    np.testing.assert_allclose(softmax.losses(x, targets), whole, rtol=1e-12)
    mean = whole.sum() / (targets >= 0).sum()
    np.testing.assert_allclose(softmax.loss(x, targets).item(), mean, rtol=1e-12)
    assert softmax.loss(x, np.full_like(targets, -1)).item() == 0
    only_rare = np.full_like(targets, 12)
    assert softmax.loss(x, only_rare).item() == pytest.approx(softmax.losses(x, only_rare).mean())


@pytest.mark.parametrize("tied", [False, True])
def test_gradients(tied: bool) -> None:
    table = nn.AdaptiveEmbedding(V, H, CUTOFFS, generator=2).astype(np.float64) if tied else None
    softmax, (x, targets) = layer(table), inputs()
    gradient_check(lambda x: softmax.loss(x, targets), x.data)
    assert_slope(softmax, lambda: (Tensor(x.data), targets), rel=1e-6)


def test_gradients_of_embeddings() -> None:
    table = nn.AdaptiveEmbedding(V, H, CUTOFFS, generator=2).astype(np.float64)
    ids = np.random.default_rng(3).integers(0, V, (3, 5))
    weights = np.random.default_rng(4).normal(size=(3, 5, H))
    table.loss = lambda ids: (table(ids) * weights).sum()  # type: ignore[attr-defined]
    assert_slope(table, lambda: (ids,), rel=1e-6)


def test_embeddings_by_hand() -> None:
    table = nn.AdaptiveEmbedding(V, H, CUTOFFS, generator=2)
    y = table(np.array([[1, 12, 5]])).data[0]
    np.testing.assert_array_equal(y[0], table.tables[0].weight.data[1])
    np.testing.assert_allclose(
        y[1], table.projections[1].weight.data @ table.tables[2].weight.data[5], rtol=1e-6
    )
    np.testing.assert_allclose(
        y[2], table.projections[0].weight.data @ table.tables[1].weight.data[2], rtol=1e-6
    )
    assert table(np.zeros((2, 0), np.int64)).shape == (2, 0, H)


def test_tied_weights_are_one_parameter() -> None:
    table = nn.AdaptiveEmbedding(V, H, CUTOFFS, generator=2)
    softmax = nn.AdaptiveSoftmax(H, V, CUTOFFS, tied=table, generator=0)
    assert softmax.head.weight is table.tables[0].weight
    assert [tail.weight for tail in softmax.tails] == [each.weight for each in table.tables[1:]]
    for other in (
        nn.AdaptiveEmbedding(V, H, [3, 8], generator=2),
        nn.AdaptiveEmbedding(V, 16, CUTOFFS, generator=2),
        nn.AdaptiveEmbedding(V, H, CUTOFFS, div=2, generator=2),
    ):
        with pytest.raises(UsageError, match="the same cutoffs and width"):
            nn.AdaptiveSoftmax(H, V, CUTOFFS, tied=other, generator=0)


@pytest.mark.parametrize("cutoffs", [[], [0], [5, 5], [7, 3], [13], [3, 14], [-1]])
def test_cutoffs_out_of_range(cutoffs: list[int]) -> None:
    with pytest.raises(UsageError, match="expected increasing cutoffs between 0 and 13"):
        nn.AdaptiveSoftmax(H, V, cutoffs)
    with pytest.raises(UsageError, match="expected increasing cutoffs between 0 and 13"):
        nn.AdaptiveEmbedding(V, H, cutoffs)


def test_the_full_softmax_has_the_same_methods() -> None:
    softmax, (x, targets) = nn.Softmax(H, V, generator=0).astype(np.float64), inputs()
    log_probs = ops.log_softmax(softmax(x)).data
    np.testing.assert_array_equal(softmax.log_probs(x), log_probs)
    losses = -np.take_along_axis(log_probs, np.maximum(targets, 0)[..., None], -1)[..., 0]
    losses[targets < 0] = 0
    np.testing.assert_allclose(softmax.losses(x, targets), losses, rtol=1e-12)
    np.testing.assert_allclose(softmax.loss(x, targets).item(), losses.sum() / 13, rtol=1e-12)
