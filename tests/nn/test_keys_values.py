"""Keys and values that grow in place give what copies of them give."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from seqkit import Tensor
from seqkit.nn import KeysValues

B, N, D = 2, 3, 4


def tokens(count: int, seed: int = 0, batch: int = B, dtype: type = np.float32) -> KeysValues:
    random = np.random.default_rng(seed)
    return KeysValues(*(Tensor(random.normal(size=(batch, N, count, D)).astype(dtype)) for _ in range(2)))


def assert_holds(found: KeysValues, *parts: KeysValues) -> None:
    for place, x in enumerate(found):
        np.testing.assert_array_equal(x.data, np.concatenate([[*part][place].data for part in parts], axis=2))


@pytest.mark.parametrize("sizes", [(3, 2), (1,) * 40, (5, 1, 1, 17, 1, 0, 2)])
def test_pieces_stand_one_behind_the_other(sizes: tuple[int, ...]) -> None:
    parts = [tokens(size, seed) for seed, size in enumerate(sizes)]
    stages = [parts[0]]
    for part in parts[1:]:
        stages.append(stages[-1].extended(part))
    for count, stage in enumerate(stages, start=1):  # those before as well, after all were written
        assert_holds(stage, *parts[:count])
        assert len(stage) == sum(sizes[:count])


def test_a_state_may_go_on_in_several_ways() -> None:
    first, one, two = tokens(4), tokens(1, 1), tokens(1, 2)
    for _ in range(3):  # with and without room left
        left, right = first.extended(one), first.extended(two)
        assert_holds(left, first, one)
        assert_holds(right, first, two)
        longer = right.extended(one)
        assert_holds(right.extended(two), right, two)
        assert_holds(longer, right, one)
        first = longer


def test_rows_are_copies() -> None:
    first = tokens(4).extended(tokens(1, 1))
    chosen = first.of_rows(np.array([1, 1]))
    longer = chosen.extended(tokens(2, 3))
    np.testing.assert_array_equal(longer.keys.data[0, :, :5], first.keys.data[1])
    assert_holds(first.extended(tokens(2, 4)), first, tokens(2, 4))


def test_threads_that_go_on_from_one_state() -> None:
    first = tokens(2)
    for step in range(30):
        first = first.extended(tokens(1, step))
    parts = [tokens(1, 100 + i) for i in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for part, found in zip(parts, pool.map(first.extended, parts), strict=True):
            assert_holds(found, first, part)


def test_what_does_not_fit_is_refused_or_promoted() -> None:
    first = tokens(2).extended(tokens(1, 1)).extended(tokens(1, 2))
    with pytest.raises(ValueError, match="must match"):
        first.extended(tokens(1, batch=1))
    assert first.extended(tokens(1, dtype=np.float64)).keys.data.dtype == np.float64
    graph = KeysValues(*(Tensor(x.data, requires_grad=True) for x in tokens(1)))
    first.extended(graph).keys.sum().backward()
    np.testing.assert_array_equal(graph.keys.grad, 1)
