"""Windows by hand, every centre once an epoch, and batches that depend on nothing but their place."""

from typing import Any

import numpy as np
import pytest

from seqkit.data import ContextWindows, NegativeSampler
from seqkit.errors import DataError, ShapeError, UsageError

TOY = np.array([0, 1, 2, 3, 4, 1, 5, 6])  # you say goodbye and i say hello .


def everything(windows: ContextWindows, epoch: int = 0) -> tuple[np.ndarray, np.ndarray]:
    contexts, centres = zip(*windows.epoch(epoch), strict=True)
    return np.concatenate(contexts), np.concatenate(centres)


def test_the_textbooks_example() -> None:
    """Chapter 3: the six windows of "you say goodbye and i say hello ." with one neighbour a side."""
    windows = ContextWindows(TOY, window=1, batch_size=6, shuffle=False)
    contexts, centres = windows.batch(0, 0)
    assert centres.tolist() == [1, 2, 3, 4, 1, 5]
    assert contexts.tolist() == [[0, 2], [1, 3], [2, 4], [3, 1], [4, 5], [1, 6]]
    assert contexts.dtype == centres.dtype == np.int32


def test_left_neighbours_come_first() -> None:
    contexts, centres = ContextWindows(np.arange(5), window=2, batch_size=9).batch(0, 0)
    assert centres.tolist() == [2]
    assert contexts.tolist() == [[0, 1, 3, 4]]


@pytest.mark.parametrize("keep_tail", [True, False])
@pytest.mark.parametrize("N", [7, 20, 23])
def test_every_centre_once_an_epoch(N: int, keep_tail: bool) -> None:
    batch_size = min(4, N - 6)
    windows = ContextWindows(np.arange(N), window=3, batch_size=batch_size, keep_tail=keep_tail)
    contexts, centres = everything(windows)
    kept = N - 6 if windows.keep_tail else (N - 6) // batch_size * batch_size
    assert len(centres) == kept
    assert len(set(centres.tolist())) == kept
    assert set(centres.tolist()) <= set(range(3, N - 3))
    np.testing.assert_array_equal(contexts - centres[:, None], np.tile([-3, -2, -1, 1, 2, 3], (kept, 1)))


def test_epochs_differ_and_each_batch_is_a_function_of_its_place() -> None:
    ids = np.arange(300)
    first = ContextWindows(ids, window=2, batch_size=16, seed=5)
    straight = [first.batch(epoch, index) for epoch in range(2) for index in range(len(first))]
    again = ContextWindows(ids, window=2, batch_size=16, seed=5)
    order = np.random.default_rng(0).permutation(len(straight))
    for place in order:  # as resumed runs would: in the middle, and going back
        for a, b in zip(straight[place], again.batch(*divmod(int(place), len(first))), strict=True):
            np.testing.assert_array_equal(a, b)
    assert not np.array_equal(everything(first, 0)[1], everything(first, 1)[1])
    other = ContextWindows(ids, window=2, batch_size=16, seed=6)
    assert not np.array_equal(other.batch(0, 0)[1], straight[0][1])
    assert not np.array_equal(np.sort(straight[0][1]), straight[0][1])


def test_shrunken_windows() -> None:
    """Reaches are uniform over 1 … window: each neighbour stays as often as its distance allows."""
    windows = ContextWindows(np.arange(5000), window=4, batch_size=128, shrink=True, seed=1)
    contexts, centres = everything(windows)
    offsets = np.array([-4, -3, -2, -1, 1, 2, 3, 4])
    kept = contexts >= 0
    np.testing.assert_array_equal(contexts[kept], (centres[:, None] + offsets)[kept])
    np.testing.assert_array_equal(kept, kept[:, ::-1])  # both sides reach equally far
    np.testing.assert_allclose(kept[:, :4].mean(axis=0), [1 / 4, 2 / 4, 3 / 4, 1], atol=0.035)  # 5 deviations
    same = windows.batch(0, 3)[0]
    np.testing.assert_array_equal(same, windows.batch(0, 3)[0])
    assert not np.array_equal(everything(windows, 1)[0] >= 0, kept)


def test_memory_mapped_ids(tmp_path: Any) -> None:
    ids = np.arange(40, dtype=np.uint16)
    ids.tofile(tmp_path / "ids")
    mapped = np.memmap(tmp_path / "ids", np.uint16, "r")
    ours = ContextWindows(mapped, window=2, batch_size=8).batch(0, 1)
    for a, b in zip(ours, ContextWindows(ids, window=2, batch_size=8).batch(0, 1), strict=True):
        assert type(a) is np.ndarray
        assert a.dtype == np.int32
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("ids", "settings", "error", "text"),
    [
        (np.zeros(4, int), {}, DataError, "4 tokens hold 0 full windows of 2"),
        (np.zeros(7, int), {"keep_tail": False}, DataError, "7 tokens hold 3 full windows"),
        (np.zeros((9, 1), int), {}, ShapeError, r"integers of shape \(any\), got"),
        (np.zeros(9), {}, ShapeError, r"integers of shape \(any\), got"),
        (np.zeros(9, int), {"window": 0}, UsageError, r"window .*got 0"),
        (np.zeros(9, int), {"batch_size": 0}, UsageError, r"batch_size .*got .*0"),
    ],
)
def test_what_makes_no_windows(ids: Any, settings: dict[str, Any], error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        ContextWindows(ids, **{"window": 2, "batch_size": 4, **settings})


def test_batches_that_are_not_there() -> None:
    windows = ContextWindows(np.arange(9), window=2, batch_size=4)
    for index in (-1, 2):
        with pytest.raises(IndexError, match=f"batch {index} of 2"):
            windows.batch(0, index)
    with pytest.raises(UsageError, match=r"expected an epoch and a batch of 0 to .*, got -1 and 0"):
        windows.batch(-1, 0)


class TestNegativeSampler:
    COUNTS = np.array([0, 81, 16, 1, 0, 625])

    def test_frequencies(self) -> None:
        """Counts to the ¾: 27, 8, 1, 125."""
        drawn = NegativeSampler(self.COUNTS).draw((400, 5, 50), epoch=0, index=0)
        assert drawn.shape == (400, 5, 50)
        assert drawn.dtype == np.int32
        shares = np.bincount(drawn.ravel(), minlength=6) / drawn.size
        expected = np.array([0, 27, 8, 1, 0, 125]) / 161
        assert shares[0] == shares[4] == 0
        assert (np.abs(shares - expected) <= 5 * np.sqrt(expected / drawn.size)).all()

    def test_exponents(self) -> None:
        drawn = NegativeSampler(self.COUNTS, exponent=0).draw((10_000,), epoch=0, index=0)
        shares = np.bincount(drawn, minlength=6) / drawn.size
        np.testing.assert_allclose(shares, [0, 0.25, 0.25, 0.25, 0, 0.25], atol=0.025)

    def test_a_draw_is_a_function_of_seed_epoch_and_index(self) -> None:
        def draw(seed: int, epoch: int, index: int) -> bytes:
            return NegativeSampler(self.COUNTS, seed=seed).draw((64,), epoch=epoch, index=index).tobytes()

        assert draw(1, 2, 3) == draw(1, 2, 3)
        assert len({draw(1, 2, 3), draw(2, 2, 3), draw(1, 3, 3), draw(1, 2, 4), draw(1, 3, 2)}) == 5

    def test_errors(self) -> None:
        with pytest.raises(UsageError, match="expected a word with a positive weight"):
            NegativeSampler(np.zeros(3, int))
        with pytest.raises(UsageError, match=r"expected counts \(V,\) that are not negative"):
            NegativeSampler(np.array([1, -1]))
