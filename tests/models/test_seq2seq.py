"""Encoder and decoder of every kind: it learns, padding changes nothing, decoding equals teacher forcing."""

import math
from typing import Any

import numpy as np
import pytest

from seqkit.backend import to_numpy
from seqkit.backend.random import Generator
from seqkit.decoding import greedy
from seqkit.errors import ShapeError, UsageError
from seqkit.models import Seq2Seq, Seq2SeqConfig
from seqkit.optim import clip_grad_norm, make_optimizer
from tests.conformance.table import SEQ2SEQ, seq2seq_config
from tests.exhaustive import some
from tests.models.gradients import assert_same, gradients

B, S, T, V = 3, 5, 7, 13
START, STOP = 0, 1
LENGTHS = np.array([S, 2, 3])
TARGET_LENGTHS = np.array([4, T, 2])

variant = pytest.mark.parametrize("variant", SEQ2SEQ)
attending = pytest.mark.parametrize("variant", [v for v, s in SEQ2SEQ.items() if s.get("attention")])


def make(variant: str = "dot", dtype: Any = np.float64, **settings: Any) -> Seq2Seq:
    model = Seq2Seq(seq2seq_config(variant, **settings), generator=Generator(4, "init"))
    return model.astype(dtype)


def batch(seed: int = 0, pad: int = -1) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(source (B, S), lengths, target_in (B, T), target_out (B, T)), padded with ``pad``, targets with -1."""
    random = np.random.default_rng(seed)
    source = random.integers(2, 11, (B, S))
    target = random.integers(2, V, (B, T + 1))
    target[:, 0] = START
    target[np.arange(B), TARGET_LENGTHS] = STOP
    target_in, target_out = target[:, :-1].copy(), target[:, 1:].copy()
    source[np.arange(S) >= LENGTHS[:, None]] = pad
    target_in[np.arange(T) >= TARGET_LENGTHS[:, None]] = pad
    target_out[np.arange(T) >= TARGET_LENGTHS[:, None]] = -1
    return source, LENGTHS, target_in, target_out


# It learns


@pytest.mark.parametrize("variant", some(list(SEQ2SEQ), 4))
def test_it_learns_a_small_batch_by_heart(variant: str) -> None:
    model = make(variant, np.float32, embedding_size=24, hidden_size=24)
    arrays = batch()
    optimizer = make_optimizer("adam", list(model.named_parameters()), lr=0.02)
    losses = []
    for _ in range(200):
        optimizer.zero_grad()
        loss = model.loss(*arrays)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(math.log(V), rel=0.15)  # it begins by guessing
    assert losses[-1] < 0.05
    source, lengths, _, target_out = arrays
    found = greedy(model, batch=B, max_new_tokens=T, start_id=START, stop=[STOP], context=(source, lengths))
    for row, generated in enumerate(found):
        assert generated.stopped
        assert generated.ids == target_out[row, : TARGET_LENGTHS[row] - 1].tolist()


WORDS = 200
"""Of a toy language, in whose translations the words of each pair change places."""


def _toy_batch(
    random: np.random.Generator, rows: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return sources (B, S) of distinct words, target_in, target_out, and the place (S,) of each word."""
    length = int(random.integers(4, 9))
    source = 2 + np.stack([random.permutation(WORDS)[:length] for _ in range(rows)])
    places = np.arange(length)
    paired = length // 2 * 2
    places[:paired] = places[:paired].reshape(-1, 2)[:, ::-1].reshape(-1)
    target = source[:, places]
    start, stop = np.full((rows, 1), START), np.full((rows, 1), STOP)
    return source, np.hstack([start, target]), np.hstack([target, stop]), places


@pytest.mark.parametrize("seed", some([0, 1, 2], every=3))
def test_attention_aligns_a_toy_language_soon(seed: int) -> None:
    """With embeddings within ±0.1 the mass on the true word is about 0.5 after these steps, or less."""
    random = np.random.default_rng(seed)
    config = Seq2SeqConfig(WORDS + 2, WORDS + 2, embedding_size=32, hidden_size=64, attention="general")
    model = Seq2Seq(config, generator=seed)
    optimizer = make_optimizer("adam", list(model.named_parameters()), lr=0.004)
    for _ in range(400):
        source, target_in, target_out, _ = _toy_batch(random, 32)
        optimizer.zero_grad()
        model.loss(source, None, target_in, target_out).backward()
        clip_grad_norm(model.parameters(), 5.0)
        optimizer.step()
    masses = []
    for _ in range(5):
        source, target_in, _, places = _toy_batch(random, 32)
        weights = model.attention_weights(source, None, target_in)
        masses.append(weights[:, np.arange(len(places)), places].mean())
    assert np.mean(masses) > 0.8


# Padding changes nothing


@variant
def test_more_padding_changes_neither_loss_nor_gradients(variant: str) -> None:
    model = make(variant)
    source, lengths, target_in, target_out = batch()
    wider = [
        np.pad(x, ((0, 0), (0, more)), constant_values=-1)
        for x, more in ((source, 4), (target_in, 3), (target_out, 3))
    ]
    expected = gradients(model, source, lengths, target_in, target_out)
    assert_same(gradients(model, wider[0], lengths, *wider[1:]), expected)
    assert_same(gradients(model, *batch(pad=7)), expected)  # nor does what stands in it


@variant
def test_a_padded_batch_equals_its_rows_alone(variant: str) -> None:
    model = make(variant)
    source, lengths, target_in, target_out = batch()
    loss, together = gradients(model, source, lengths, target_in, target_out)
    tokens = TARGET_LENGTHS.sum()
    total, sums = 0.0, {name: np.zeros_like(g) for name, g in together.items()}
    for row in range(B):
        s, t = lengths[row], TARGET_LENGTHS[row]
        alone = (source[row : row + 1, :s], None, target_in[row : row + 1, :t], target_out[row : row + 1, :t])
        part, of_part = gradients(model, *alone)
        total += part * t / tokens
        for name in sums:
            sums[name] += of_part[name] * (t / tokens)
    assert_same((loss, together), (total, sums))


# Step by step equals all at once


@variant
def test_decoding_equals_teacher_forcing(variant: str) -> None:
    model = make(variant, dropout=0.4).eval()
    source, lengths, target_in, target_out = batch(pad=3)
    scores, weights = model(source, lengths, target_in)
    log_p = scores.data - np.log(np.exp(scores.data).sum(axis=-1, keepdims=True))
    losses = model.train().token_losses(source, lengths, target_in, target_out)
    state = model.start(B, (source, lengths))
    assert state.weights is None
    for t in range(T):
        log_probs, state = model.step(target_in[:, t], state)
        np.testing.assert_allclose(log_probs, log_p[:, t], rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(np.exp(log_probs).sum(axis=1), 1, rtol=1e-12)
        real = target_out[:, t] >= 0
        picked = -log_probs[np.arange(B)[real], target_out[real, t]]
        np.testing.assert_allclose(losses[real, t], picked, rtol=1e-11)
        assert (losses[~real, t] == 0).all()
        read = model.attention_of(state)
        assert (read is None) == (weights is None)
        if weights is not None:
            np.testing.assert_allclose(read, weights[:, t], rtol=1e-11, atol=1e-14)
    assert losses.dtype == np.float64


@variant
def test_step_by_step_training_equals_all_at_once(variant: str) -> None:
    """Scheduled sampling that always feeds the truth, or nearly always, takes the loop."""
    model = make(variant)
    arrays = batch()
    looped = gradients(model, *arrays, generator=Generator(1), teacher_forcing=1 - 1e-12)
    assert_same(looped, gradients(model, *arrays), rtol=1e-10)


@variant
def test_a_step_leaves_the_state_that_it_was_given(variant: str) -> None:
    model = make(variant)
    source, lengths, target_in, _ = batch()
    _, state = model.step(target_in[:, 0], model.start(B, (source, lengths)))
    first, after = model.step(np.array([4, 5, 6]), state)
    model.reorder(after, np.array([2, 2, 0]))
    again, _ = model.step(np.array([4, 5, 6]), state)
    np.testing.assert_array_equal(first, again)


@variant
def test_rows_are_reordered_dropped_and_repeated(variant: str) -> None:
    model = make(variant)
    source, lengths, _, _ = batch()
    target_in = batch(seed=1, pad=2)[2]
    kept, states = [], [model.start(B, (source, lengths))]
    for t in range(3):
        log_probs, state = model.step(target_in[:, t], states[-1])
        kept.append(log_probs)
        states.append(state)
    for rows in ([2, 0, 0, 2, 1], [1], [0, 1, 2], [1, 0, 2]):
        state = model.reorder(states[2], np.array(rows))
        log_probs, state = model.step(target_in[rows, 2], state)
        np.testing.assert_allclose(log_probs, kept[2][rows], rtol=1e-12, atol=1e-13)
        assert state.rows.tolist() == rows
        if state.weights is not None:
            reordered = model.reorder(states[3], np.array(rows))
            np.testing.assert_allclose(state.weights, reordered.weights, rtol=1e-12)


@variant
def test_one_source_for_many_rows(variant: str) -> None:
    model = make(variant)
    source, lengths, target_in, _ = batch()
    state = model.start(5, (source[1:2], lengths[1:2]))
    log_probs, _ = model.step(np.full(5, START), state)
    expected, _ = model.step(target_in[:, 0], model.start(B, (source, lengths)))
    np.testing.assert_allclose(log_probs, np.broadcast_to(expected[1], (5, V)), rtol=1e-12)


def test_a_beam_that_stays_within_its_sources_copies_no_memory() -> None:
    model = make("dot")
    source, lengths, _, _ = batch()
    state = model.reorder(model.start(B, (source, lengths)), np.array([0, 0, 1, 1, 2, 2]))
    same = model.reorder(state, np.array([1, 1, 2, 3, 5, 4]))
    assert same.encoded is state.encoded
    moved = model.reorder(state, np.array([2, 3, 4, 5]))
    np.testing.assert_array_equal(moved.encoded.memory, state.encoded.memory[2:])
    np.testing.assert_array_equal(moved.encoded.mask, state.encoded.mask[2:])


# Attention weights


@attending
def test_attention_weights_are_distributions_over_the_source(variant: str) -> None:
    model = make(variant, dropout=0.5)
    source, lengths, target_in, _ = batch()
    weights = model.attention_weights(source, lengths, target_in)
    assert weights is not None
    assert weights.shape == (B, T, S)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-12)
    assert (weights[1, :, 2:] == 0).all()
    assert (weights[1, :, :2] > 0).all()
    assert model.training


def test_an_empty_source_is_read_as_zeros() -> None:
    model = make("dot")
    source, _, target_in, target_out = batch(pad=2)
    lengths = np.array([0, 2, 3])
    weights = model.attention_weights(source, lengths, target_in)
    assert weights is not None
    assert (weights[0] == 0).all()
    loss, found = gradients(model, source, lengths, target_in, target_out)
    assert math.isfinite(loss)
    assert all(np.isfinite(g).all() for g in found.values())


def test_without_attention_there_are_no_weights() -> None:
    model, (source, lengths, target_in, _) = make("peeky"), batch()
    assert model.attention_weights(source, lengths, target_in) is None
    assert model(source, lengths, target_in)[1] is None


# Teacher forcing


@pytest.mark.parametrize("variant", ["plain", "dot", "everything"])
def test_without_teacher_forcing_it_hears_itself(variant: str) -> None:
    """The loss is then that of the sequence which greedy choices make; target_in gives but the start."""
    model = make(variant)
    source, lengths, target_in, target_out = batch()
    own = np.full((B, T), START)
    state = model.start(B, (source, lengths))
    for t in range(1, T):
        log_probs, state = model.step(own[:, t - 1], state)
        own[:, t] = log_probs.argmax(axis=1)
    expected = gradients(model, source, lengths, own, target_out)
    found = gradients(
        model, source, lengths, target_in, target_out, generator=Generator(2), teacher_forcing=0.0
    )
    assert_same(found, expected, rtol=1e-10)


def test_scheduled_sampling_draws_from_its_generator() -> None:
    model, arrays = make("dot", init_range=1.0), batch()
    with pytest.raises(UsageError, match="scheduled sampling needs a generator"):
        model.loss(*arrays, teacher_forcing=0.5)
    for wrong in (-0.1, 1.1, math.nan):
        with pytest.raises(UsageError, match="expected teacher_forcing to be 0 to 1"):
            model.loss(*arrays, teacher_forcing=wrong)

    def loss(seed: int) -> float:
        return model.loss(*arrays, generator=Generator(seed), teacher_forcing=0.5).item()

    assert loss(1) == loss(1)
    assert len({loss(seed) for seed in range(8)}) > 2


# On a GPU


@variant
def test_sampling_and_decoding_on_a_gpu_array(variant: str, gpu: str) -> None:
    arrays = batch()
    source, lengths, target_in, _ = arrays
    found = []
    for device in ("cpu", gpu):
        model = make(variant, init_range=0.8).to(device)
        loss = model.loss(*arrays, generator=Generator(3), teacher_forcing=0.5)
        state = model.start(B, (source, lengths))
        for t in range(3):
            log_probs, state = model.step(target_in[:, t] % V, state)
            state = model.reorder(state, np.array([1, 1, 0]))
        weights = [
            x for x in (model.attention_weights(source, lengths, target_in), state.weights) if x is not None
        ]
        found.append([np.asarray(loss.item()), *map(to_numpy, (log_probs, *weights))])
    for ours, expected in zip(*found, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-11, atol=1e-13)


# What it is made of


def test_dropout_stands_in_three_places_and_only_in_training() -> None:
    model, arrays = make("dot", dropout=0.5, num_layers=2), batch()
    assert model.dropout.rate == model.encoder.dropout.rate == model.decoder.dropout.rate == 0.5
    with pytest.raises(UsageError, match="generator"):
        model.loss(*arrays)
    one, two = (model.loss(*arrays, generator=Generator(seed)).item() for seed in (1, 2))
    assert one != two
    assert model.eval().loss(*arrays).item() == pytest.approx(
        make("dot", num_layers=2).loss(*arrays).item(), rel=1e-12
    )


def test_shared_and_tied_matrices_are_one() -> None:
    one, tied = make("one vocabulary"), make("tied")
    assert one.source_embedding.weight is one.target_embedding.weight is one.output.weight
    assert tied.output.weight is tied.target_embedding.weight
    assert tied.source_embedding.weight is not tied.target_embedding.weight
    assert [name for name, _ in one.named_parameters() if name.endswith("embedding.weight")] == [
        "source_embedding.weight"
    ]
    assert one.readout is not None
    assert one.readout.weight.shape == (5, 12)  # [context; h] to a vector as wide as an embedding


def test_the_textbooks_layout() -> None:
    """Peeky: h joins both inputs. Attention: the output layer sees [context; h]. Only h is passed."""
    E, H = 5, 6
    peeky, dot = make("peeky", pass_cell=False), make("dot", pass_cell=False)
    shapes = {name: p.shape for name, p in peeky.named_parameters()}
    assert shapes == {
        "source_embedding.weight": (11, E),
        "target_embedding.weight": (V, E),
        "encoder.layers.0.weight_ih": (4 * H, E),
        "encoder.layers.0.weight_hh": (4 * H, H),
        "encoder.layers.0.bias": (4 * H,),
        "decoder.layers.0.weight_ih": (4 * H, H + E),
        "decoder.layers.0.weight_hh": (4 * H, H),
        "decoder.layers.0.bias": (4 * H,),
        "output.weight": (V, 2 * H),
        "output.bias": (V,),
    }
    assert dot.decoder.layers[0].weight_ih.shape == (4 * H, E)
    assert dot.output.weight.shape == (V, 2 * H)
    _, ((h, c),) = dot.encode(*batch()[:2])
    assert (np.asarray(c) == 0).all()
    assert (h.data != 0).all()
    _, ((_, c),) = make("dot").encode(*batch()[:2])
    assert (c.data != 0).all()


def test_a_bidirectional_encoder_halves_its_width() -> None:
    model = make("bidirectional, two layers")
    assert model.encoder.hidden_sizes == [3, 3]
    encoded, state = model.encode(*batch()[:2])
    assert [h.shape for h, _ in state] == [(B, 6)] * 2
    assert encoded.memory is None
    attending = make("peeky, dot, bidirectional")
    encoded, state = attending.encode(*batch()[:2])
    assert encoded.memory.shape == (B, S, 6)
    np.testing.assert_array_equal(encoded.peek.data, state[-1][0].data)
    for row, length in enumerate(LENGTHS):  # forwards it ends at the last token, backwards at the first
        np.testing.assert_array_equal(encoded.memory.data[row, length - 1, :3], encoded.peek.data[row, :3])
        np.testing.assert_array_equal(encoded.memory.data[row, 0, 3:], encoded.peek.data[row, 3:])


def test_initial_weights() -> None:
    sizes = {"embedding_size": 40, "hidden_size": 50, "dtype": np.float32}
    standard, usual, book, narrow = (
        make("additive", **sizes, **settings)
        for settings in ({}, {"weight_init": "uniform"}, {"weight_init": "normal"}, {"init_range": 0.03})
    )
    assert standard.target_embedding.weight.data.std() == pytest.approx(1, rel=0.1)
    tied = make("additive", **sizes, tied=True)  # with scores that begin near 0, and inputs of N(0, 1)
    assert tied.output.weight.data.std() == pytest.approx(1 / math.sqrt(40), rel=0.1)
    assert tied._embed(tied.target_embedding, np.arange(V)[None], None).data.std() == pytest.approx(
        1, rel=0.1
    )
    assert 0.09 < np.abs(usual.target_embedding.weight.data).max() <= 0.1
    for network in (usual.encoder, usual.decoder):
        b = network.layers[0].bias.data
        assert (b[50:100] == 1).all()
        assert np.abs(b[:50]).max() < 1 / math.sqrt(50)
    assert (usual.output.bias.data == 0).all()
    for name, parameter in book.named_parameters():
        if name.endswith(".bias"):
            assert (parameter.data == 0).all()
        elif parameter.size >= 200:
            deviation = 0.01 if "embedding" in name else 1 / math.sqrt(parameter.shape[-1])
            assert parameter.data.std() == pytest.approx(deviation, rel=0.15), name
    assert all(0 < np.abs(p.data).max() <= 0.03 for p in narrow.parameters())


def test_weights_are_saved_and_loaded() -> None:
    model, other, arrays = make("everything"), make("everything"), batch()
    for parameter in other.parameters():
        parameter.data[...] *= 2
    assert model.loss(*arrays).item() != other.loss(*arrays).item()
    other.load_state_dict({name: x.copy() for name, x in model.state_dict().items()})
    assert model.loss(*arrays).item() == other.loss(*arrays).item()
    assert Seq2SeqConfig(**model.config.to_dict()) == model.config


# What it refuses


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"source": np.full((B, S), 11)}, "expected source between -1 and 10, got 11"),
        ({"source": np.full((B, S), -2)}, "got -2"),
        ({"source": np.zeros((B, S))}, "expected source to be integers"),
        ({"source": np.zeros(S, int)}, "expected source to be integers"),
        (
            {"lengths": np.array([5, 2])},
            r"expected source_lengths to be integers of shape \(3,\), got int64 \(2,\)",
        ),
        ({"lengths": np.array([5.0, 2, 3])}, "expected source_lengths to be integers"),
        ({"lengths": np.array([6, 2, 3])}, "expected source_lengths between 0 and 5, got 6"),
        ({"lengths": np.array([-1, 2, 3])}, "expected source_lengths between 0 and 5, got -1"),
        ({"target_in": np.zeros((B + 1, T), int)}, r"expected target_in to be integers of shape \(3, any\)"),
        ({"target_in": np.full((B, T), V)}, "expected target_in between -1 and 12, got 13"),
        ({"target_out": np.zeros((B, T + 1), int)}, r"expected target_out to be integers of shape \(3, 7\)"),
        ({"target_out": np.full((B, T), V)}, "expected target_out between -1 and 12, got 13"),
    ],
)
def test_batches_that_are_none(change: dict[str, Any], said: str) -> None:
    arrays = dict(zip(("source", "lengths", "target_in", "target_out"), batch(), strict=True)) | change
    for use in (make().loss, make().token_losses):
        with pytest.raises(ShapeError, match=said):
            use(*arrays.values())


def test_contexts_that_are_none() -> None:
    model, (source, lengths, _, _) = make(), batch()
    for wrong in (None, source, (source,)):
        with pytest.raises(UsageError, match=r"a context \(source, source_lengths\)"):
            model.start(B, wrong)
    with pytest.raises(ShapeError, match="3 sources for 4 rows"):
        model.start(4, (source, lengths))
    with pytest.raises(ShapeError, match="expected ids between -1 and 12, got"):
        model.step(np.full(B, V), model.start(B, (source, lengths)))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"cell": "rnn"}, "expected cell to be one of lstm, gru, got 'rnn'"),
        (
            {"attention": "concat"},
            "expected attention to be one of None, dot, general, additive, got 'concat'",
        ),
        ({"weight_init": "zeros"}, "expected weight_init to be one of standard, uniform, normal"),
        ({"hidden_size": 0}, "expected hidden_size to be at least 1"),
        ({"hidden_size": 7, "bidirectional": True}, "halves hidden_size, which is odd: 7"),
        ({"shared_vocabulary": True}, "shared_vocabulary: expected equal sizes, got 11 and 13"),
        ({"input_feeding": True}, "input_feeding feeds what attention read; choose an attention"),
        ({"dropout": 1.0}, "dropout rate"),
    ],
)
def test_settings_that_make_no_model(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Seq2Seq(Seq2SeqConfig(**{"source_vocab_size": 11, "target_vocab_size": V, **settings}), generator=0)


def test_lists_are_welcome() -> None:
    model, arrays = make(), batch()
    assert model.loss(*(x.tolist() for x in arrays)).item() == model.loss(*arrays).item()
