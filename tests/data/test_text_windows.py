import numpy as np
import pytest

from seqkit.backend.ids import IGNORE_INDEX
from seqkit.data import TextWindows
from seqkit.errors import DataError, UsageError

EOS = 99


def made(n: int, batch_size: int = 2, length: int = 3, **settings) -> TextWindows:  # type: ignore[no-untyped-def]
    return TextWindows(np.arange(n), batch_size=batch_size, length=length, start_id=EOS, **settings)


def test_evaluation_by_hand() -> None:
    windows = made(7, shuffle=False)
    assert len(windows) == 2
    x, y = windows.batch(0, 0)
    assert (x.tolist(), y.tolist()) == ([[EOS, 0, 1], [2, 3, 4]], [[0, 1, 2], [3, 4, 5]])
    x, y = windows.batch(5, 1)  # the same in every epoch
    assert (x[0, 0], y.tolist()) == (5, [[6, IGNORE_INDEX, IGNORE_INDEX]])
    assert x.dtype == y.dtype == np.int32


@pytest.mark.parametrize("n", [1, 2, 5, 6, 7, 29])
@pytest.mark.parametrize("length", [1, 3, 50])
def test_an_epoch_holds_almost_every_id_once(n: int, length: int) -> None:
    windows = made(n, length=length)
    for epoch in range(3):
        seen = []
        for index in range(len(windows)):
            x, y = windows.batch(epoch, index)
            assert x.shape == y.shape
            seen += y.ravel().tolist()
            np.testing.assert_array_equal(x.ravel(), np.where(y == 0, EOS, y - 1).ravel())
        assert len(set(seen)) == len(seen)
        assert 0 <= n - len(seen) < 2 * min(length, n)


def test_order_and_cuts_hang_on_seed_and_epoch_alone() -> None:
    windows = made(200)
    first = windows.batch(0, 0)[1].tolist()
    later = windows.batch(4, 1)[1].tolist()
    again = made(200)
    assert again.batch(4, 1)[1].tolist() == later
    assert again.batch(0, 0)[1].tolist() == first
    assert made(200, seed=1).batch(0, 0)[1].tolist() != first
    phases = {int(windows.batch(epoch, 0)[1][0, 0]) % 3 for epoch in range(20)}
    assert phases == {0, 1, 2}


def test_refusals() -> None:
    with pytest.raises(DataError, match="no tokens"):
        made(0)
    with pytest.raises(UsageError, match="length 0"):
        made(5, length=0)
    with pytest.raises(IndexError, match="batch 9"):
        made(5).batch(0, 9)
