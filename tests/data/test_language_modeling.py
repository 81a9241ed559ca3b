import numpy as np
import pytest

from seqkit.backend.ids import IGNORE_INDEX
from seqkit.data import BPTTBatches, LineStreams, TextWindows, textbook_batches
from seqkit.data.language_modeling import VariableBPTTBatches
from seqkit.errors import DataError, ShapeError, UsageError

EOS = 99


def test_two_streams_of_windows_by_hand() -> None:
    batches = BPTTBatches(np.arange(11), batch_size=2, bptt=3, start_id=EOS)
    windows = [(x.tolist(), y.tolist()) for x, y in batches]
    assert windows == [  # 11 ids, two rows of 5, the last id is dropped
        ([[EOS, 0, 1], [4, 5, 6]], [[0, 1, 2], [5, 6, 7]]),
        ([[2, 3], [7, 8]], [[3, 4], [8, 9]]),
    ]
    assert len(batches) == 2
    assert batches.predictions == 10


def test_evaluation_pads_by_hand() -> None:
    batches = BPTTBatches(np.arange(5), batch_size=3, bptt=4, start_id=EOS, drop_remainder=False)
    x, y = batches.batch(0)
    assert y.tolist() == [[0, 1], [2, 3], [4, IGNORE_INDEX]]
    assert x.tolist() == [[EOS, 0], [1, 2], [3, 4]]
    assert x.dtype == y.dtype == np.int32


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.int64])
def test_evaluation_covers_every_target_once_for_any_batch_size(dtype) -> None:
    for N in (1, 2, 3, 7, 13, 30):
        ids = np.arange(N).astype(dtype)
        for B in (1, 2, 3, 5, 11, 31):
            for T in (1, 2, 5, 40):
                batches = BPTTBatches(ids, batch_size=B, bptt=T, start_id=EOS, drop_remainder=False)
                pairs = {}
                for x, y in batches:
                    assert x.shape == y.shape
                    assert x.shape[0] == B
                    kept = y != IGNORE_INDEX
                    for a, b in zip(x[kept].tolist(), y[kept].tolist(), strict=True):
                        assert b not in pairs
                        pairs[b] = a
                assert pairs == {i: i - 1 if i else EOS for i in range(N)}
                assert batches.predictions == N


def test_training_windows_join_to_the_streams() -> None:
    for N in (7, 12, 29):
        for B in (1, 2, 3, 7):
            for T in (1, 2, 4, 50):
                for keep_tail in (True, False):
                    n = N // B
                    if not keep_tail and n < T:
                        continue
                    made = BPTTBatches(np.arange(N), batch_size=B, bptt=T, start_id=EOS, keep_tail=keep_tail)
                    y = np.concatenate([y for _, y in made], axis=1)
                    x = np.concatenate([x for x, _ in made], axis=1)
                    kept = n if keep_tail else n // T * T
                    assert y.tolist() == [list(range(b * n, b * n + kept)) for b in range(B)]
                    assert np.array_equal(x[:, 1:], y[:, :-1])
                    assert x[:, 0].tolist() == [EOS, *(b * n - 1 for b in range(1, B))]
                    assert made.predictions == y.size


def test_evaluation_without_a_tail_counts_its_predictions() -> None:
    for N in (5, 9, 12):
        made = BPTTBatches(
            np.arange(N), batch_size=2, bptt=2, start_id=EOS, keep_tail=False, drop_remainder=False
        )
        assert made.predictions == sum(int((y != IGNORE_INDEX).sum()) for _, y in made)


def test_textbook_protocol() -> None:
    """As in chapter 6: jump (N-1)//B, inputs ids[:-1], targets ids[1:], whole windows only."""
    ids = np.arange(100, 100 + 7 * 10 * 2 + 26)
    made = list(textbook_batches(ids, batch_size=10, bptt=7))
    jump = (len(ids) - 1) // 10
    assert len(made) == (len(ids) - 1) // 70
    for i, (x, y) in enumerate(made):
        offsets = [i * 7 + b * jump for b in range(10)]
        assert x.tolist() == [[int(ids[o + t]) for t in range(7)] for o in offsets]
        assert y.tolist() == [[int(ids[o + t + 1]) for t in range(7)] for o in offsets]


def test_a_huge_memory_map_is_not_read(tmp_path) -> None:
    path = tmp_path / "sparse.ids"
    N = 3_000_000_000  # 6 GB, of which the disk holds next to nothing
    with path.open("wb") as file:
        file.truncate(2 * N)
    ids = np.memmap(path, np.uint16, mode="r")
    batches = BPTTBatches(ids, batch_size=20, bptt=35, start_id=1)
    assert np.shares_memory(batches.ids[:10], ids[:10])
    assert len(batches) == -(-N // 20 // 35)
    x, y = batches.batch(len(batches) - 1)
    assert x.shape == y.shape
    assert not y.any()


def test_a_strided_array_is_accepted() -> None:
    ids = np.arange(20)[::2]
    assert (
        BPTTBatches(ids, batch_size=2, bptt=5, start_id=1).batch(0)[1].tolist() == ids.reshape(2, 5).tolist()
    )


def test_what_cannot_be_batched_is_refused() -> None:
    with pytest.raises(DataError, match="3 tokens do not fill a batch of 4 streams; use a batch size of 3"):
        BPTTBatches(np.arange(3), batch_size=4, bptt=2, start_id=0)
    with pytest.raises(DataError, match="no tokens"):
        BPTTBatches(np.arange(0), batch_size=1, bptt=2, start_id=0, drop_remainder=False)
    with pytest.raises(DataError, match="do not fill one window of 35"):
        textbook_batches(np.arange(300))
    with pytest.raises(ShapeError, match=r"got int64 \(2, 3\)"):
        BPTTBatches(np.zeros((2, 3), int), batch_size=1, bptt=2, start_id=0)
    with pytest.raises(ShapeError, match="float64"):
        BPTTBatches(np.zeros(3), batch_size=1, bptt=2, start_id=0)
    with pytest.raises(UsageError, match=r"bptt .*got 1 and 0"):
        BPTTBatches(np.arange(3), batch_size=1, bptt=0, start_id=0)
    with pytest.raises(IndexError, match="window 2 of 2"):
        BPTTBatches(np.arange(4), batch_size=1, bptt=2, start_id=0).batch(2)


# Separate windows


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
    with pytest.raises(UsageError, match="length of 1 or more, got 2 and 0"):
        made(5, length=0)
    with pytest.raises(IndexError, match="batch 9"):
        made(5).batch(0, 9)


END = 0


def text(lines: int, seed: int = 0) -> np.ndarray:
    """Lines of 1 to 30 ids, each with its end."""
    random = np.random.default_rng(seed)
    return np.concatenate(
        [[*random.integers(1, 9, random.integers(1, 30)), END] for _ in range(lines)]
    ).astype(np.int32)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 7, 10])
@pytest.mark.parametrize("length", [1, 5, 1000])
def test_every_id_is_a_target_once_and_follows_its_input(batch_size: int, length: int) -> None:
    ids = text(lines=53)
    streams = LineStreams(ids, batch_size=batch_size, length=length, end_id=END)
    windows = list(streams)
    inputs = np.concatenate([window for window, _ in windows], axis=1)
    targets = np.concatenate([window for _, window in windows], axis=1)
    rows = [row[row >= 0] for row in targets]
    np.testing.assert_array_equal(np.concatenate(rows), ids)
    for row_inputs, row in zip(inputs, rows, strict=True):
        assert row_inputs[0] == END
        np.testing.assert_array_equal(row_inputs[1 : len(row)], row[:-1])
    assert (targets[:, :].max(axis=1) >= 0).all(), "a stream without tokens"


@pytest.mark.parametrize("batch_size", [2, 5, 10])
def test_streams_begin_at_line_starts_and_have_like_lengths(batch_size: int) -> None:
    ids = text(lines=400)
    streams = LineStreams(ids, batch_size=batch_size, length=9, end_id=END)
    assert streams.batch_size == batch_size
    assert all(start == 0 or ids[start - 1] == END for start in streams.starts)
    lengths = np.diff([*streams.starts, len(ids)])
    assert lengths.max() - lengths.min() <= 2 * 30


def test_a_text_without_line_ends_is_cut_where_it_must() -> None:
    streams = LineStreams(np.arange(1, 21), batch_size=4, length=50, end_id=END)
    assert streams.starts == [0, 5, 10, 15]
    inputs, _ = streams.batch(0)
    assert inputs[:, 0].tolist() == [END] * 4


def test_more_streams_than_tokens_or_lines() -> None:
    assert LineStreams(np.array([1, END, 2, END]), batch_size=9, length=5, end_id=END).batch_size <= 4
    with pytest.raises(DataError, match="no tokens"):
        LineStreams(np.empty(0, np.int32), batch_size=1, length=1, end_id=END)


def test_variable_windows_join_to_the_streams() -> None:
    """In every epoch each id is a target once, in as many windows, cut at other places."""
    for N, B, T in ((4000, 3, 40), (900, 2, 12), (37, 3, 70), (6, 3, 1), (50, 1, 3), (90, 1, 1)):
        plain = BPTTBatches(np.arange(N), batch_size=B, bptt=10**6, start_id=EOS).batch(0)
        made, cuts = VariableBPTTBatches(np.arange(N), batch_size=B, bptt=T, start_id=EOS, seed=5), set()
        for epoch in range(4):
            windows = [made.batch_of(epoch, index) for index in range(len(made))]
            for whole, parts in zip(plain, zip(*windows, strict=True), strict=True):
                np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)
            assert min(x.shape[1] for x, _ in windows) >= 1
            cuts.add(tuple(made.cuts(epoch)))
        assert N < 100 or len(cuts) == 4
        np.testing.assert_array_equal(made.batch(0)[0], next(iter(made))[0])


def test_lengths_of_variable_windows() -> None:
    """Around T with a deviation of 5, and one of twenty around T/2 (Merity et al. 2018, section 4.1)."""
    made = VariableBPTTBatches(np.zeros(600_000, np.int32), batch_size=1, bptt=70, start_id=0)
    lengths = np.concatenate([np.diff(made.cuts(epoch)) for epoch in range(3)])
    short = lengths < 52
    assert 0.03 < short.mean() < 0.07
    assert lengths[~short].mean() == pytest.approx(70, abs=0.7)
    assert lengths[~short].std() == pytest.approx(5, abs=0.5)
    assert lengths[short].mean() == pytest.approx(35, abs=2)
    with pytest.raises(IndexError, match="window 9999 of"):
        made.batch_of(0, 9999)
