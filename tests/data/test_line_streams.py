"""Streams that begin at line starts: every id is a target once, from a state that the model knows."""

from __future__ import annotations

import numpy as np
import pytest

from seqkit.data import LineStreams
from seqkit.errors import DataError

EOS = 0


def text(lines: int, seed: int = 0) -> np.ndarray:
    """Lines of 1 to 30 ids, each with its end."""
    random = np.random.default_rng(seed)
    return np.concatenate(
        [[*random.integers(1, 9, random.integers(1, 30)), EOS] for _ in range(lines)]
    ).astype(np.int32)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 7, 10])
@pytest.mark.parametrize("length", [1, 5, 1000])
def test_every_id_is_a_target_once_and_follows_its_input(batch_size: int, length: int) -> None:
    ids = text(lines=53)
    streams = LineStreams(ids, batch_size=batch_size, length=length, end_id=EOS)
    windows = list(streams)
    inputs = np.concatenate([window for window, _ in windows], axis=1)
    targets = np.concatenate([window for _, window in windows], axis=1)
    rows = [row[row >= 0] for row in targets]
    np.testing.assert_array_equal(np.concatenate(rows), ids)
    for row_inputs, row in zip(inputs, rows, strict=True):
        assert row_inputs[0] == EOS
        np.testing.assert_array_equal(row_inputs[1 : len(row)], row[:-1])
    assert (targets[:, :].max(axis=1) >= 0).all(), "a stream without tokens"


@pytest.mark.parametrize("batch_size", [2, 5, 10])
def test_streams_begin_at_line_starts_and_have_like_lengths(batch_size: int) -> None:
    ids = text(lines=400)
    streams = LineStreams(ids, batch_size=batch_size, length=9, end_id=EOS)
    assert streams.batch_size == batch_size
    assert all(start == 0 or ids[start - 1] == EOS for start in streams.starts)
    lengths = np.diff([*streams.starts, len(ids)])
    assert lengths.max() - lengths.min() <= 2 * 30


def test_a_text_without_line_ends_is_cut_where_it_must() -> None:
    streams = LineStreams(np.arange(1, 21), batch_size=4, length=50, end_id=EOS)
    assert streams.starts == [0, 5, 10, 15]
    inputs, _ = streams.batch(0)
    assert inputs[:, 0].tolist() == [EOS] * 4


def test_more_streams_than_tokens_or_lines() -> None:
    assert LineStreams(np.array([1, EOS, 2, EOS]), batch_size=9, length=5, end_id=EOS).batch_size <= 4
    with pytest.raises(DataError, match="no tokens"):
        LineStreams(np.empty(0, np.int32), batch_size=1, length=1, end_id=EOS)
