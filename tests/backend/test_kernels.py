"""Every fast kernel equals its reference in float32, also at its edges."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba", reason="Numba is not installed: the compiled kernels do not run")

from seqkit.backend.kernels.activation import cpu as activation_cpu
from seqkit.backend.kernels.activation import reference as activation_reference
from seqkit.backend.kernels.attention import cpu as attention_cpu
from seqkit.backend.kernels.attention import reference as attention_reference
from seqkit.backend.kernels.dropout import cpu as dropout_cpu
from seqkit.backend.kernels.dropout import reference as dropout_reference
from seqkit.backend.kernels.gru import cpu as gru_cpu
from seqkit.backend.kernels.gru import reference as gru_reference
from seqkit.backend.kernels.largest import cpu as largest_cpu
from seqkit.backend.kernels.largest import reference as largest_reference
from seqkit.backend.kernels.layer_norm import cpu as layer_norm_cpu
from seqkit.backend.kernels.layer_norm import reference as layer_norm_reference
from seqkit.backend.kernels.log_softmax import cpu as log_softmax_cpu
from seqkit.backend.kernels.log_softmax import reference as log_softmax_reference
from seqkit.backend.kernels.lstm import cpu as lstm_cpu
from seqkit.backend.kernels.lstm import reference as lstm_reference
from seqkit.backend.kernels.ngrams import cpu as ngrams_cpu
from seqkit.backend.kernels.ngrams import reference as ngrams_reference
from seqkit.backend.kernels.packed_attention import cpu as packed_cpu
from seqkit.backend.kernels.packed_attention import reference as packed_reference
from seqkit.backend.kernels.philox import cpu as philox_cpu
from seqkit.backend.kernels.philox import reference as philox_reference
from seqkit.backend.kernels.row_sums import cpu as row_sums_cpu
from seqkit.backend.kernels.row_sums import reference as row_sums_reference
from seqkit.backend.kernels.softmax_cross_entropy import cpu as cross_entropy_cpu
from seqkit.backend.kernels.softmax_cross_entropy import reference as cross_entropy_reference
from seqkit.backend.kernels.word_ids import cpu as word_ids_cpu
from seqkit.backend.kernels.word_ids import reference as word_ids_reference
from seqkit.ops.attention_blocks import packed_groups

KEYS = [(0, 0, 0, 0, 0), (2**32 - 1, 2**32 - 1, 2**32 - 1, 2**32 - 1, 2**32 - 1), (7, 1, 99, 5, 0)]


def normal(random: np.random.Generator, *shape: int, scale: float = 1.0) -> np.ndarray:
    return (scale * random.standard_normal(shape)).astype(np.float32)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 1021])
def test_philox_bit_for_bit(key: Any, count: int) -> None:
    ours = philox_cpu.random_words(np, count, key)
    assert ours.dtype == np.uint32
    np.testing.assert_array_equal(ours, philox_reference.random_words(np, count, key))


@pytest.mark.parametrize("family", [philox_cpu, philox_reference])
@pytest.mark.parametrize("first", [1, 4, 258, 2**34 - 6])
def test_philox_of_a_part(family: Any, first: int) -> None:
    whole = philox_reference.random_words(np, 600, KEYS[2])
    np.testing.assert_array_equal(family.random_words(np, 300, KEYS[2], 258), whole[258:558])
    words = family.random_words(np, 13, KEYS[2], first)
    np.testing.assert_array_equal(words, philox_reference.random_words(np, 13, KEYS[2], first))
    if first > 600:  # the number of a block has 32 bits
        np.testing.assert_array_equal(words[6:], whole[:7])


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 6, 7, 1021])
@pytest.mark.parametrize("rate", [0.0, 0.5, 0.3, 1 - 2**-33])
def test_dropout_bit_for_bit(key: Any, size: int, rate: float, random: np.random.Generator) -> None:
    x = normal(random, size)
    x[:1] = np.nan
    threshold = round((1 - rate) * 2**32)
    expected, ours = np.full_like(x, 9), np.full_like(x, 9)
    dropout_reference.masked_scale(x, key, threshold, 1 / (1 - rate), expected)
    dropout_cpu.masked_scale(x, key, threshold, 1 / (1 - rate), ours)
    if threshold:  # else everything is dropped, where the reference keeps a NaN
        np.testing.assert_array_equal(ours, expected)
    else:
        assert not ours.any()
    dropout_cpu.masked_scale(x, key, threshold, 1 / (1 - rate), x)  # in place
    np.testing.assert_array_equal(x, ours)


@pytest.mark.parametrize("family", [dropout_cpu, dropout_reference])
@pytest.mark.parametrize("first", [0, 1, 3, 255, 256, 700, 2**33 + 5])
@pytest.mark.parametrize("size", [1, 2, 255, 257, 1021])
def test_dropout_of_a_part(family: Any, first: int, size: int, random: np.random.Generator) -> None:
    x = normal(random, size)
    words = philox_reference.random_words(np, size, KEYS[2], first)
    out = np.full_like(x, 9)
    family.masked_scale(x, KEYS[2], 1 << 31, 2.0, out, first)
    np.testing.assert_array_equal(out, np.where(words < 1 << 31, 2 * x, 0 * x))


def _masks(B: int) -> list[np.ndarray]:
    return [np.ones(B, bool), np.zeros(B, bool), np.arange(B) % 2 == 0]


SIZES = [(1, 1), (3, 5), (2, 67)]


@pytest.mark.parametrize(("B", "H"), SIZES)
@pytest.mark.parametrize("mask", range(3))
@pytest.mark.parametrize("scale", [1.0, 60.0])
def test_lstm_step(B: int, H: int, mask: int, scale: float, random: np.random.Generator) -> None:
    """Also where gates saturate: nothing overflows."""
    keep = _masks(B)[mask]
    z, recurrent = normal(random, B, 4 * H, scale=scale), normal(random, B, 4 * H, scale=scale)
    h_before, c_before = normal(random, B, H), normal(random, B, H)
    results = []
    for family in (lstm_reference, lstm_cpu):
        gates, h, c = z.copy(), np.full((B, H), 9, np.float32), np.full((B, H), 9, np.float32)
        family.step_forward(gates, recurrent, keep, h_before, c_before, h, c)
        results.append((gates[keep], h, c))
    for ours, expected in zip(results[1], results[0], strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=5e-7)

    gates = z.copy()
    h, c = np.empty((B, H), np.float32), np.empty((B, H), np.float32)
    lstm_reference.step_forward(gates, recurrent, keep, h_before, c_before, h, c)
    dh, dc = normal(random, B, H), normal(random, B, H)
    results = []
    for family in (lstm_reference, lstm_cpu):
        dc_, dz, dh_ = dc.copy(), np.full((B, 4 * H), 9, np.float32), dh.copy()
        family.step_backward(gates, keep, c_before, c, dh_, dc_, dz)
        np.testing.assert_array_equal(dh_, dh)
        results.append((dc_, dz))
    for ours, expected in zip(results[1], results[0], strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize(("B", "H"), SIZES)
@pytest.mark.parametrize("mask", range(3))
@pytest.mark.parametrize("scale", [1.0, 60.0])
def test_gru_step(B: int, H: int, mask: int, scale: float, random: np.random.Generator) -> None:
    keep = _masks(B)[mask]
    a, recurrent = normal(random, B, 3 * H, scale=scale), normal(random, B, 3 * H, scale=scale)
    h_before = normal(random, B, H)
    results = []
    for family in (gru_reference, gru_cpu):
        gates, h = a.copy(), np.full((B, H), 9, np.float32)
        family.step_forward(gates, recurrent, keep, h_before, h)
        results.append((gates[keep], h))
    for ours, expected in zip(results[1], results[0], strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=2e-6)

    gates, h = a.copy(), np.empty((B, H), np.float32)
    gru_reference.step_forward(gates, recurrent, keep, h_before, h)
    dh = normal(random, B, H)
    results = []
    for family in (gru_reference, gru_cpu):
        dh_, da, du = dh.copy(), np.full((B, 3 * H), 9, np.float32), np.full((B, 3 * H), 9, np.float32)
        family.step_backward(gates, recurrent, keep, h_before, dh_, da, du)
        results.append((dh_, da, du))
    for ours, expected in zip(results[1], results[0], strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("family", ["lstm", "gru"])
def test_nan_reaches_the_state(family: str) -> None:
    H = 5
    for module in (lstm_reference, lstm_cpu) if family == "lstm" else (gru_reference, gru_cpu):
        h, c = np.zeros((1, H), np.float32), np.zeros((1, H), np.float32)
        keep, gates = np.ones(1, bool), np.zeros((1, (4 if family == "lstm" else 3) * H), np.float32)
        gates[0, 2] = np.nan
        if family == "lstm":
            module.step_forward(gates, np.zeros_like(gates), keep, h.copy(), c.copy(), h, c)
        else:
            module.step_forward(gates, np.zeros_like(gates), keep, h.copy(), h)
        np.testing.assert_array_equal(np.isnan(h[0]), np.arange(H) == 2)


LOGITS: dict[str, Callable[[np.random.Generator, int, int], np.ndarray]] = {
    "normal": lambda random, N, V: normal(random, N, V, scale=3),
    "far": lambda random, N, V: normal(random, N, V, scale=1e4),
    "equal": lambda random, N, V: np.zeros((N, V), np.float32),
    "huge": lambda random, N, V: np.full((N, V), 3e38, np.float32),
}


@pytest.mark.parametrize("V", [1, 2, 63, 64, 65, 191])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("kind", LOGITS)
def test_softmax_cross_entropy(kind: str, V: int, smoothing: float, random: np.random.Generator) -> None:
    N = 7
    logits = LOGITS[kind](random, N, V)
    targets = random.integers(0, V, N)
    targets[3] = -1
    expected_gradient = np.empty_like(logits)
    with np.errstate(over="ignore"):  # sums of "huge" differences
        expected = cross_entropy_reference.loss_and_gradient(
            logits, targets, -1, smoothing, expected_gradient
        )
    gradient = np.full_like(logits, 9)
    before = logits.copy()
    losses = cross_entropy_cpu.loss_and_gradient(logits, targets, -1, smoothing, gradient)
    assert losses.dtype == np.float64
    np.testing.assert_array_equal(logits, before)
    np.testing.assert_allclose(losses, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-5, atol=1e-6)
    assert losses[3] == 0
    assert not gradient[3].any()

    without = cross_entropy_cpu.loss_and_gradient(logits, targets, -1, smoothing, None)
    np.testing.assert_array_equal(without, losses)
    np.testing.assert_array_equal(logits, before)

    in_place = logits.copy()
    losses_in_place = cross_entropy_cpu.loss_and_gradient(in_place, targets, -1, smoothing, in_place)
    np.testing.assert_array_equal(losses_in_place, losses)
    np.testing.assert_array_equal(in_place, gradient)


@pytest.mark.parametrize("family", [cross_entropy_reference, cross_entropy_cpu], ids=["reference", "cpu"])
@pytest.mark.parametrize("place", [0, 1, 63, 64, 100, 128, 130])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.filterwarnings("ignore:invalid value encountered")
def test_nan_and_infinity_show_in_the_loss(family: Any, place: int, smoothing: float) -> None:
    """Wherever they stand in the row, and in no other row."""
    for value in (np.nan, np.inf):
        logits = np.zeros((3, 131), np.float32)
        logits[1, place] = value
        gradient = np.empty_like(logits)
        losses = family.loss_and_gradient(logits, np.array([5, 5, 5]), -1, smoothing, gradient)
        np.testing.assert_array_equal(np.isnan(losses), [False, True, False])
        assert np.isnan(gradient[1]).any()
        assert np.isfinite(gradient[[0, 2]]).all()


@pytest.mark.parametrize("family", [cross_entropy_reference, cross_entropy_cpu], ids=["reference", "cpu"])
def test_minus_infinity_is_probability_zero(family: Any) -> None:
    logits = np.zeros((2, 70), np.float32)
    logits[:, 1:] = -np.inf
    gradient = np.empty_like(logits)
    losses = family.loss_and_gradient(logits, np.array([0, 1]), -1, 0.0, gradient)
    np.testing.assert_allclose(losses, [0, np.inf], atol=1e-30)
    np.testing.assert_allclose(gradient[0], 0, atol=1e-30)


@pytest.mark.parametrize("scale", [1.0, 40.0])
@pytest.mark.parametrize(("N", "V"), [(0, 3), (1, 1), (5, 7), (3, 1031), (90, 600)])
def test_log_softmax(N: int, V: int, scale: float, random: np.random.Generator) -> None:
    x = normal(random, N, V, scale=scale) + 1000
    before, expected = x.copy(), log_softmax_reference.log_softmax(x.astype(np.float64))
    y = log_softmax_cpu.log_softmax(x)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-5)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(log_softmax_cpu.log_softmax(np.asfortranarray(x)), y)


@pytest.mark.parametrize("family", [log_softmax_reference, log_softmax_cpu], ids=["reference", "cpu"])
def test_log_softmax_at_its_edges(family: Any) -> None:
    x = np.zeros((3, 70), np.float32)
    x[0, 1:], x[1] = -np.inf, 3e38
    x[2, 5] = np.nan
    y = family.log_softmax(x)
    np.testing.assert_array_equal(y[0], [0, *[-np.inf] * 69])
    np.testing.assert_allclose(y[1], -math.log(70), rtol=1e-6)
    assert np.isnan(y[2]).all()


@pytest.mark.parametrize("kind", ["numbers", "ties", "rising", "with nan", "few finite"])
@pytest.mark.parametrize(
    ("N", "V", "k"), [(0, 5, 2), (1, 1, 1), (3, 5, 5), (4, 256, 3), (5, 1031, 7), (70, 600, 5)]
)
def test_largest(N: int, V: int, k: int, kind: str, random: np.random.Generator) -> None:
    x, excluded = normal(random, N, V), random.random(V) < 0.2
    if kind == "ties":
        x = np.round(x)
    if kind == "rising":
        x = np.sort(x, axis=1)
    if kind == "with nan":
        x[random.random((N, V)) < 0.01] = np.nan
    if kind == "few finite":
        x[:, max(1, k // 2) :] = -np.inf
    before = x.copy()
    found, expected = largest_cpu.largest(x, excluded, k), largest_reference.largest(x, excluded, k)
    assert found.dtype == expected.dtype == np.float64
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(found[0], expected[0])
    some = ~np.isneginf(expected[0])
    np.testing.assert_array_equal(found[1][some], expected[1][some])
    if kind == "ties" and N:  # the reference against a sort
        left = np.where(excluded, -np.inf, x)
        order = np.argsort(-left, axis=1, kind="stable")[:, :k].T
        np.testing.assert_array_equal(expected[0], np.take_along_axis(left.T, order, axis=0))
        np.testing.assert_array_equal(expected[1][some], order[some])


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(("N", "E", "high"), [(0, 5, 3), (1, 1, 1), (13, 5, 4), (101, 67, 1000)])
def test_row_sums(N: int, E: int, high: int, order: Any, random: np.random.Generator) -> None:
    ids = random.integers(0, high, N)
    values = np.asarray(normal(random, N, E), order=order)
    rows, sums = row_sums_cpu.sum_by_id(ids, values)
    expected_rows, expected = row_sums_reference.sum_by_id(ids, values)
    np.testing.assert_array_equal(rows, expected_rows)
    assert (np.diff(rows) > 0).all()
    assert sums.dtype == np.float32
    np.testing.assert_allclose(sums, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("family", [ngrams_reference, ngrams_cpu], ids=["reference", "cpu"])
def test_ngrams_by_hand(family: Any) -> None:
    # Context 0 continues with 2 and 5, context 1 with nothing, context 2 with 0, 5 and 9.
    words, first = np.array([2, 5, 0, 5, 9], np.int32), np.array([0, 2, 2, 5], np.int32)
    contexts = np.array([0, 0, 0, 0, 1, 2, 2, 2, 2, -1], np.int32)
    wanted = np.array([2, 5, 0, 9, 2, 0, 5, 9, 2, 2], np.int32)
    found = np.empty(10, np.int32)
    family.find(words, first, contexts, wanted, found)
    assert found.tolist() == [0, 1, -1, -1, -1, 2, 3, 4, -1, -1]
    nothing = np.empty(0, np.int32)
    family.find(nothing, np.zeros(4, np.int32), contexts, wanted, found)
    assert set(found.tolist()) == {-1}
    family.find(words, first, nothing, nothing, nothing)
    counts = np.ones(3, np.int32)
    family.count(np.array([2, 0, 2], np.int32), counts)
    assert counts.tolist() == [2, 1, 3]


@pytest.mark.parametrize("family", [word_ids_reference, word_ids_cpu], ids=["reference", "cpu"])
def test_word_ids_by_hand(family: Any) -> None:
    table = family.table([b"a", b"ab", b"", "\u00e9".encode(), b"b"])
    text = b"a ab\tabc\r\n\n  b\x1cb\x1f\x0b\x0c\nb"
    assert family.word_ids(table, text, 9).tolist() == [0, 1, -1, 9, 9, 4, 4, 9, 4]
    assert family.word_ids(table, b"", 9).tolist() == []
    assert family.word_ids(table, b"\x00 \x7f \x08", 9).tolist() == [-1, -1, -1]
    assert family.word_ids(family.table([]), b"a\n", 9).tolist() == [-1, 9]


def test_word_ids_are_those_of_split(random: np.random.Generator) -> None:
    """Of all characters of ASCII; the table is so full of alike words that many share a slot."""
    letters = np.frombuffer(bytes(range(128)), np.uint8)
    words = sorted({bytes(random.choice(letters[97:101], random.integers(1, 6))) for _ in range(900)})
    ids = {word.decode(): n for n, word in enumerate(words)}
    for share in (0.0, 0.3):
        plain = random.choice(letters[[97, 98, 99, 100, 32, 10]], 20_000)
        text = bytes(np.where(random.random(20_000) < share, random.choice(letters, 20_000), plain))
        expected: list[int] = []
        for place, line in enumerate(text.decode().split("\n")):
            expected += [len(words)] * (place > 0) + [ids.get(word, -1) for word in line.split()]
        for family in (word_ids_cpu, word_ids_reference):
            assert family.word_ids(family.table(words), text, len(words)).tolist() == expected


def _biases(shape: tuple[int, ...], random: np.random.Generator) -> list[np.ndarray | None]:
    """None, one of keys, one of queries and keys with a row that sees nothing, one of every score."""
    B, N, T, S = shape
    biases: list[np.ndarray | None] = [None]
    for axes in ((B, 1, 1, S), (1, 1, T, S), (B, N, T, S)):
        hidden = random.random(axes) < 0.4
        hidden[0, 0, 0] = True
        biases.append(np.where(hidden, np.float32(-np.inf), np.float32(0)))
    return biases


@pytest.mark.parametrize("bias", range(4))
@pytest.mark.parametrize("offset", [None, 0, 3])
@pytest.mark.parametrize(("T", "S"), [(1, 1), (5, 26), (7, 32), (3, 131)])
@pytest.mark.parametrize("scale", [0.3, 50.0])
def test_attention(T: int, S: int, offset: Any, bias: int, scale: float, random: np.random.Generator) -> None:
    shape = (2, 3, T, S)
    scores, hidden = normal(random, *shape, scale=3), _biases(shape, random)[bias]
    expected, ours, again, quiet = (scores.copy() for _ in range(4))
    expected_rows = attention_reference.softmax(expected, scale, hidden, offset)
    rows = attention_cpu.softmax(ours, scale, hidden, offset)
    np.testing.assert_allclose(ours, expected, rtol=2e-5, atol=1e-7)
    np.testing.assert_allclose(rows, expected_rows, rtol=1e-5)
    assert attention_cpu.softmax(quiet, scale, hidden, offset, False) is None
    np.testing.assert_array_equal(quiet, ours)
    attention_cpu.weights_again(again, scale, hidden, offset, rows)
    np.testing.assert_array_equal(again, ours)
    attention_reference.weights_again(scores, scale, hidden, offset, expected_rows)
    np.testing.assert_array_equal(scores, expected)
    nowhere = np.zeros(shape, bool) if hidden is None else np.broadcast_to(np.isneginf(hidden), shape)
    if offset is not None:
        nowhere = nowhere | ~np.tri(T, S, offset, dtype=bool)
    np.testing.assert_allclose(ours.sum(axis=-1), ~nowhere.all(axis=-1), rtol=1e-5)
    assert not ours[nowhere].any()
    gradient = normal(random, *shape)
    expected_gradient = gradient.copy()
    attention_reference.score_gradient(expected, expected_gradient, scale)
    attention_cpu.score_gradient(expected, gradient, scale)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-4, atol=1e-5 * max(1, scale))


def _heads(random: np.random.Generator, B: int, T: int, widths: tuple[int, ...]) -> list[np.ndarray]:
    """Arrays (B, 3, T, width) side by side in memory, as a linear layer leaves them."""
    together = normal(random, B, T, 3, sum(widths))
    return [x.swapaxes(1, 2) for x in np.split(together, np.cumsum(widths)[:-1], axis=-1)]


@pytest.mark.parametrize("chunks", [1, 2, 3])
@pytest.mark.parametrize("bias", range(4))
@pytest.mark.parametrize("offset", [None, 0, 3])
@pytest.mark.parametrize(("T", "S"), [(1, 1), (5, 26), (7, 32), (40, 40), (3, 131)])
def test_attention_in_one_pass(
    T: int,
    S: int,
    offset: Any,
    bias: int,
    chunks: int,
    random: np.random.Generator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is written beside the contexts."""
    monkeypatch.setattr(attention_cpu, "chunks_for", lambda *_: chunks)
    (q,), (k, v) = _heads(random, 2, T, (8,)), _heads(random, 2, S, (8, 5))
    hidden = _biases((2, 3, T, S), random)[bias]
    expected, room = np.empty((2, 3, T, 5), np.float32), np.full((2, T, 3, 9), 9, np.float32)
    attention_reference.attend(q, k, v, 0.3, hidden, offset, expected)
    attention_cpu.attend(q, k, v, 0.3, hidden, offset, room[..., 2:7].swapaxes(1, 2))
    np.testing.assert_allclose(room[..., 2:7].swapaxes(1, 2), expected, rtol=2e-5, atol=2e-6)
    room[..., 2:7] = 9
    assert (room == 9).all()


@pytest.mark.parametrize("chunks", [1, 2, 3])
@pytest.mark.parametrize("causal", [False, True])
def test_attention_of_packed_sequences(
    causal: bool, chunks: int, random: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention_cpu, "chunks_for", lambda *_: chunks)
    lengths, key_lengths = [3, 1, 17, 40, 2], [4, 1, 33, 40, 9]
    (q,), (k, v) = _heads(random, 1, 63, (8,)), _heads(random, 1, 87, (8, 5))
    expected, ours = np.full((2, 3, 63, 5), 9, np.float32)
    settings = lengths, key_lengths, 0.3, causal
    attention_reference.attend_packed(q[0], k[0], v[0], *settings, expected)
    attention_cpu.attend_packed(q[0], k[0], v[0], *settings, ours)
    np.testing.assert_allclose(ours, expected, rtol=2e-5, atol=2e-6)
    wide = [x[0].astype(np.float64) for x in (q, k, v)]
    double = np.empty_like(ours, dtype=np.float64)
    attention_cpu.attend_packed(*wide, *settings, double)
    np.testing.assert_allclose(ours, double, rtol=2e-5, atol=2e-6)
    attention_cpu.attend_packed(q[0, :, :0], k[0, :, :0], v[0, :, :0], [], [], 0.3, causal, ours[:, :0])


@pytest.mark.parametrize("chunks", [1, 2, 3])
@pytest.mark.parametrize("causal", [False, True])
def test_packed_sequences_together(
    causal: bool, chunks: int, random: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each function of the family, on views; some sequences have less than a vector of keys, some more."""
    monkeypatch.setattr(packed_cpu, "chunks_for", lambda *_: chunks)
    lengths, key_lengths = [3, 1, 17, 40, 2], [4, 1, 33, 40, 9]
    (table,) = packed_groups(3, lengths, key_lengths)
    (q,), (k, v) = _heads(random, 1, 63, (8,)), _heads(random, 1, 87, (8, 5))
    d_context = _heads(random, 1, 63, (5,))[0][0]
    found = []
    for family, dtype in ((packed_reference, np.float64), (packed_cpu, np.float32), (packed_cpu, np.float64)):
        queries, keys, values, d = (x.astype(dtype, copy=False) for x in (q[0], k[0], v[0], d_context))
        weights, d_scores = np.empty((2, 3 * int((table[:, 1] * table[:, 3]).sum())), dtype)
        outs = [np.empty((2, len(x), 3, width), dtype)[1].swapaxes(0, 1) for x, width in
                ((queries[0], 5), (queries[0], 8), (keys[0], 8), (keys[0], 5))]  # fmt: skip
        family.scores(queries, keys, table, weights)
        family.softmax(weights, table, 3, 0.3, causal)
        family.by_query(weights, values, table, outs[0])
        family.scores(d, values, table, d_scores)
        family.score_gradient(weights, d_scores, table, 3, 0.3)
        family.by_query(d_scores, keys, table, outs[1])
        family.by_key(d_scores, queries, table, outs[2])
        family.by_key(weights, d, table, outs[3])
        found.append([weights, d_scores, *outs])
    for others in found[1:]:
        for ours, expected in zip(others, found[0], strict=True):
            np.testing.assert_allclose(ours, expected, rtol=2e-5, atol=5e-6)


def test_the_bits_of_contexts_do_not_depend_on_the_threads(
    random: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    q, k, v = _heads(random, 3, 37, (8, 8, 5))
    found = []
    for chunks in (1, 2, 3):
        monkeypatch.setattr(attention_cpu, "chunks_for", lambda *_, chunks=chunks: chunks)
        found.append(np.empty((3, 3, 37, 5), np.float32))
        attention_cpu.attend(q, k, v, 0.3, None, 0, found[-1])
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_nan_shows_in_its_row_of_contexts(random: np.random.Generator) -> None:
    q, k, v = _heads(random, 2, 37, (8, 8, 5))
    q[1, 2, 7, 3] = np.nan
    out = np.empty((2, 3, 37, 5), np.float32)
    attention_cpu.attend(q, k, v, 0.3, None, None, out)
    assert np.isnan(out[1, 2, 7]).all()
    out[1, 2, 7] = 0
    assert np.isfinite(out).all()


def test_contexts_in_places_that_compiled_code_cannot_write(random: np.random.Generator) -> None:
    """Columns that are not side by side, rows in the other direction, and half of a bias."""
    q, k, v = _heads(random, 2, 37, (8, 8, 5))
    hidden = np.where(random.random((2, 3, 37, 74)) < 0.4, np.float32(-np.inf), np.float32(0))[..., ::2]
    expected = np.empty((2, 3, 37, 5), np.float32)
    attention_reference.attend(q, k[:, :, ::-1], v, 0.3, hidden, None, expected)
    apart = np.empty((2, 3, 37, 10), np.float32)[..., ::2]
    attention_cpu.attend(q, k[:, :, ::-1], v, 0.3, hidden, None, apart)
    np.testing.assert_allclose(apart, expected, rtol=2e-5, atol=2e-6)


def test_many_scores_are_not_kept_in_the_cache(
    random: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is another dtype read by compiled code."""
    q, k, v = _heads(random, 2, 40, (8, 8, 5))
    in_cache, by_products = np.empty((2, 2, 3, 40, 5), np.float32)
    double = np.empty((2, 3, 40, 5), np.float64)
    attention_cpu.attend(q, k, v, 0.3, None, 0, in_cache)
    attention_cpu.attend(*(x.astype(np.float64) for x in (q, k, v)), 0.3, None, 0, double)
    monkeypatch.setattr(attention_cpu, "IN_CACHE", 1599)
    attention_cpu.attend(q, k, v, 0.3, None, 0, by_products)
    np.testing.assert_allclose(in_cache, double, rtol=2e-5, atol=2e-6)
    np.testing.assert_allclose(by_products, double, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("family", [attention_reference, attention_cpu], ids=["reference", "cpu"])
@pytest.mark.parametrize("place", [0, 7, 31, 40])
@pytest.mark.filterwarnings("ignore:invalid value encountered")
def test_nan_shows_in_its_row_of_attention(family: Any, place: int) -> None:
    scores = np.zeros((1, 1, 3, 41), np.float32)
    scores[0, 0, 1, place] = np.nan
    family.softmax(scores, 1.0, None, None)
    assert np.isnan(scores[0, 0, 1]).all()
    assert np.isfinite(scores[0, 0, [0, 2]]).all()


@pytest.mark.parametrize("kind", ["relu", "gelu", "gelu-tanh"])
@pytest.mark.parametrize("biased", [False, True])
def test_activation(kind: str, biased: bool, random: np.random.Generator) -> None:
    x, bias, dy = normal(random, 5, 203, scale=4), normal(random, 203), normal(random, 5, 203)
    x[:, :6] = [0, -0.0, 30, -30, 1e30, -1e30]
    b = bias if biased else None
    y, expected, dx, expected_dx = (np.full_like(x, 9) for _ in range(4))
    with np.errstate(over="ignore", invalid="ignore"):  # of cubes of 1e30 in the form with tanh
        activation_reference.forward(x, b, kind, expected)
        activation_reference.backward(x, b, kind, dy, expected_dx)
    activation_cpu.forward(x, b, kind, y)
    activation_cpu.backward(x, b, kind, dy, dx)
    finite = np.isfinite(expected_dx)
    assert finite[:, 6:].all()
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=2e-6)
    np.testing.assert_allclose(dx[finite], expected_dx[finite], rtol=1e-5, atol=1e-5)
    activation_cpu.backward(x, b, kind, dy, dy)
    np.testing.assert_array_equal(dy, dx)


def test_the_quotient_for_gelu_is_fitted_well() -> None:
    """In float64, where nothing else is off."""
    v = np.linspace(-5.5, 5.5, 10_001)
    p = np.polynomial.Polynomial([getattr(activation_cpu, f"_P{i}") for i in range(6)])
    q = np.polynomial.Polynomial([1, *(getattr(activation_cpu, f"_Q{i}") for i in range(1, 6))])
    cdf = np.array([0.5 * math.erfc(-x * math.sqrt(0.5)) for x in v])
    assert np.abs(0.5 + v * p(v * v) / q(v * v) - cdf).max() < 3e-8


def test_gelu_is_right_to_a_few_units_of_one() -> None:
    """Forward and backward: beside what is exact, a few units in the last place of max(1, |x|)."""
    x = np.linspace(-12, 12, 240_001).astype(np.float32)[None]
    wide = x[0].astype(np.float64)
    cdf = np.array([0.5 * math.erfc(-v * math.sqrt(0.5)) for v in wide])
    density = np.exp(-0.5 * wide * wide) / math.sqrt(2 * math.pi)
    y, dx = np.empty_like(x), np.empty_like(x)
    activation_cpu.forward(x, None, "gelu", y)
    activation_cpu.backward(x, None, "gelu", np.ones_like(x), dx)
    assert (np.abs(y[0] - wide * cdf) < 3e-7 * np.maximum(1, np.abs(wide))).all()
    assert np.abs(dx[0] - (cdf + wide * density)).max() < 4e-7
    assert not y[0, wide < -6].any()


@pytest.mark.parametrize("kind", ["relu", "gelu", "gelu-tanh"])
def test_nan_shows_behind_an_activation(kind: str) -> None:
    for family in (activation_reference, activation_cpu):
        y = np.zeros((1, 40), np.float32)
        family.forward(np.where(np.arange(40) == 7, np.float32(np.nan), np.float32(1))[None], None, kind, y)
        np.testing.assert_array_equal(np.isnan(y[0]), np.arange(40) == 7)


@pytest.mark.parametrize(("N", "E"), [(1, 1), (3, 7), (5, 131)])
@pytest.mark.parametrize("added", [False, True])
def test_layer_norm(N: int, E: int, added: bool, random: np.random.Generator) -> None:
    x, gamma, beta = normal(random, N, E, scale=3) + 5, normal(random, E), normal(random, E)
    branch, dy, d_total = normal(random, N, E), normal(random, N, E), normal(random, N, E)
    results = []
    for family in (layer_norm_reference, layer_norm_cpu):
        total, y, dx = (np.full_like(x, 9) for _ in range(3))
        if added:
            statistics = family.forward(x, branch, gamma, beta, 1e-5, total, y)
        else:
            statistics = family.forward(x, None, gamma, beta, 1e-5, None, y)
        source = total if added else x
        gradients = family.backward(source, statistics, gamma, dy, d_total if added else None, dx)
        without = family.backward(source, statistics, gamma, dy, None, None)
        for one, other in zip(gradients, without, strict=True):
            np.testing.assert_array_equal(one, other)
        in_place = dy.copy()
        family.backward(source, statistics, gamma, in_place, d_total if added else None, in_place)
        np.testing.assert_array_equal(in_place, dx)
        if added:
            own = branch.copy()
            family.forward(x, own, gamma, beta, 1e-5, own, np.empty_like(x))
            np.testing.assert_array_equal(own, total)
        results.append((y, statistics, dx, *gradients))
    for ours, expected in zip(results[1], results[0], strict=True):
        np.testing.assert_allclose(ours, expected, rtol=2e-4, atol=2e-4 if E > 1 else 1e-2)
