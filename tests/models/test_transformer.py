"""Transformers of every kind: they learn, padding changes nothing, decoding equals the full pass."""

import math
from typing import Any

import numpy as np
import pytest

from seqkit import nn, ops
from seqkit.autograd import Tensor, to_dense
from seqkit.backend import to_device, to_numpy
from seqkit.backend.random import Generator
from seqkit.decoding import beam_search, greedy
from seqkit.errors import ShapeError, UsageError
from seqkit.models import (
    TransformerEncoder,
    TransformerEncoderConfig,
    TransformerLanguageModel,
    TransformerLanguageModelConfig,
    TransformerSeq2Seq,
    TransformerSeq2SeqConfig,
)
from seqkit.optim import make_optimizer
from tests.conformance.table import TRANSFORMERS, transformer_config
from tests.exhaustive import some
from tests.models.gradients import assert_same

B, S, T, V = 3, 5, 7, 13
START, STOP = 0, 1
LENGTHS = np.array([S, 2, 3])
TARGET_LENGTHS = np.array([4, T, 2])

variant = pytest.mark.parametrize("variant", TRANSFORMERS)


def ids(*shape: int, seed: int = 0, high: int = V) -> np.ndarray:
    return np.random.default_rng(seed).integers(2, high, shape)


def language_model(
    variant: str = "pre", dtype: Any = np.float64, **settings: Any
) -> TransformerLanguageModel:
    config = transformer_config(TransformerLanguageModelConfig, variant, vocab_size=V, **settings)
    return TransformerLanguageModel(config, generator=Generator(4, "init")).astype(dtype)


def encoder(variant: str = "post", dtype: Any = np.float64, **settings: Any) -> TransformerEncoder:
    config = transformer_config(TransformerEncoderConfig, variant, vocab_size=V, **settings)
    return TransformerEncoder(config, generator=Generator(4, "init")).astype(dtype)


def seq2seq(variant: str = "pre", dtype: Any = np.float64, **settings: Any) -> TransformerSeq2Seq:
    sizes = {"source_vocab_size": 11, "target_vocab_size": V} | settings
    config = transformer_config(TransformerSeq2SeqConfig, variant, **sizes)
    return TransformerSeq2Seq(config, generator=Generator(4, "init")).astype(dtype)


def pairs(seed: int = 0, pad: int = -1) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(source (B, S), lengths, target_in (B, T), target_out (B, T)), padded with ``pad``, targets with -1."""
    source, target = ids(B, S, seed=seed, high=11), ids(B, T + 1, seed=seed + 1)
    target[:, 0] = START
    target[np.arange(B), TARGET_LENGTHS] = STOP
    target_in, target_out = target[:, :-1].copy(), target[:, 1:].copy()
    source[np.arange(S) >= LENGTHS[:, None]] = pad
    target_in[np.arange(T) >= TARGET_LENGTHS[:, None]] = pad
    target_out[np.arange(T) >= TARGET_LENGTHS[:, None]] = -1
    return source, LENGTHS, target_in, target_out


def gradients(model: nn.Module, loss: Tensor) -> tuple[float, dict[str, np.ndarray]]:
    model.zero_grad()
    loss.backward()
    found = {name: to_dense(p.grad).copy() for name, p in model.named_parameters() if p.grad is not None}
    return loss.item(), found


# They learn


def losses_of(model: nn.Module, loss: Any, steps: int, lr: float = 0.01) -> list[float]:
    optimizer = make_optimizer("adam", list(model.named_parameters()), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        value = loss()
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return losses


@pytest.mark.parametrize("variant", some(list(TRANSFORMERS), 2))
def test_a_language_model_learns_a_text_by_heart(variant: str) -> None:
    model = language_model(variant, np.float32, embedding_size=24, num_heads=2, hidden_size=48)
    text = ids(B, T + 1)
    text[:, 0] = [2, 3, 4]  # what tells them apart
    losses = losses_of(model, lambda: model.loss(text[:, :-1], text[:, 1:])[0], 120)
    assert losses[0] == pytest.approx(math.log(V), rel=0.1)  # it begins by guessing
    assert losses[-1] < 0.05
    for row in text:
        [found] = greedy(model, batch=1, max_new_tokens=T, start_id=int(row[0]))
        assert found.ids == row[1:].tolist()


@pytest.mark.parametrize("variant", some(list(TRANSFORMERS), 2))
def test_a_translator_learns_a_small_batch_by_heart(variant: str) -> None:
    model = seq2seq(variant, np.float32, embedding_size=24, num_heads=2, hidden_size=48)
    arrays = pairs()
    losses = losses_of(model, lambda: model.loss(*arrays), 150, lr=0.005)
    assert losses[-1] < 0.05
    source, lengths, _, target_out = arrays
    settings: dict[str, Any] = {"batch": B, "max_new_tokens": T, "start_id": START, "stop": [STOP]}
    for found in (
        greedy(model, **settings, context=(source, lengths), with_attention=True),
        [beams[0] for beams in beam_search(model, **settings, context=(source, lengths), beam=3)],
    ):
        for row, generated in enumerate(found):
            assert generated.stopped
            assert generated.ids == target_out[row, : TARGET_LENGTHS[row] - 1].tolist()


@variant
def test_an_encoder_learns_to_tell_the_first_token(variant: str) -> None:
    """From the last real position, past padding: attention has to bring it there."""
    model = encoder(variant, np.float32, embedding_size=24, num_heads=2, hidden_size=48)
    tokens, last = ids(B, S), LENGTHS - 1
    tokens[:, 0] = [2, 3, 4]
    head = nn.Linear(24, 3, generator=Generator(5))
    both = nn.Sequential(model, head)

    def loss() -> Tensor:
        hidden = model(tokens, LENGTHS)[np.arange(B), last]
        return ops.softmax_cross_entropy(head(hidden), np.arange(B))

    assert losses_of(both, loss, 60)[-1] < 0.05


# Step by step equals all at once


@variant
def test_cached_decoding_of_a_language_model_equals_the_full_pass(variant: str) -> None:
    model, text = language_model(variant, dropout=0.4), ids(B, T)
    log_p = ops.log_softmax(model.eval()(text)).data
    losses, _ = model.train().token_losses(text, np.roll(text, -1, axis=1))
    state = model.start(B)
    for t in range(T):
        log_probs, state = model.step(text[:, t], state)
        np.testing.assert_allclose(log_probs, log_p[:, t], rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(losses[:, t], -log_probs[np.arange(B), np.roll(text, -1, axis=1)[:, t]])
    assert losses.dtype == np.float64
    assert model.training


@variant
def test_a_language_model_sees_nothing_of_the_future(variant: str) -> None:
    model, text = language_model(variant), ids(B, T)
    scores = model(text).data
    for t in range(1, T):
        other = text.copy()
        other[:, t:] = 1
        np.testing.assert_array_equal(model(other).data[:, :t], scores[:, :t])
        assert (model(other).data[:, t] != scores[:, t]).any()


@variant
def test_cached_decoding_of_a_translator_equals_teacher_forcing(variant: str) -> None:
    model = seq2seq(variant, dropout=0.4).eval()
    source, lengths, target_in, target_out = pairs(pad=3)
    scores, none = model(source, lengths, target_in)
    assert none is None
    log_p = ops.log_softmax(scores).data
    losses = model.train().token_losses(source, lengths, target_in, target_out)
    weights = model.attention_weights(source, lengths, target_in)
    state = model.start(B, (source, lengths))
    assert model.attention_of(state) is None
    for t in range(T):
        log_probs, state = model.step(target_in[:, t], state)
        np.testing.assert_allclose(log_probs, log_p[:, t], rtol=1e-11, atol=1e-13)
        real = target_out[:, t] >= 0
        picked = -log_probs[np.arange(B)[real], target_out[real, t]]
        np.testing.assert_allclose(losses[real, t], picked, rtol=1e-11)
        assert (losses[~real, t] == 0).all()
        np.testing.assert_allclose(model.attention_of(state), weights[:, t], rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-12)
    assert (weights[1, :, 2:] == 0).all()


@pytest.mark.parametrize("kind", ["language model", "translator"])
def test_rows_are_reordered_dropped_and_repeated(kind: str) -> None:
    source, lengths, _, _ = pairs()
    text, model = ids(B, 3), language_model() if kind == "language model" else seq2seq()
    context = None if kind == "language model" else (source, lengths)
    kept, states = [], [model.start(B, context)]
    for t in range(3):
        log_probs, state = model.step(text[:, t], states[-1])
        kept.append(log_probs)
        states.append(state)
    for rows in ([2, 0, 0, 2, 1], [1], [0, 1, 2], [1, 0, 2]):
        log_probs, _ = model.step(text[rows, 2], model.reorder(states[2], np.array(rows)))
        np.testing.assert_allclose(log_probs, kept[2][rows], rtol=1e-11, atol=1e-13)


def test_one_source_for_many_rows() -> None:
    model, (source, lengths, target_in, _) = seq2seq(), pairs()
    state = model.start(5, (source[1:2], lengths[1:2]))
    log_probs, _ = model.step(np.full(5, START), state)
    expected, _ = model.step(target_in[:, 0], model.start(B, (source, lengths)))
    np.testing.assert_allclose(log_probs, np.broadcast_to(expected[1], (5, V)), rtol=1e-11)
    same = model.reorder(model.start(B, (source, lengths)), np.array([0, 1, 2]))
    again = model.reorder(same, np.array([0, 1, 2]))
    assert again.memory is same.memory


# Long texts


def test_a_text_in_windows_equals_the_text_at_once() -> None:
    """Up to max_length it does not matter where a caller cuts."""
    model, text = language_model(max_length=32), ids(B, 17)
    targets = np.roll(text, -1, axis=1)
    targets[:, 3] = -1
    expected, _ = model.token_losses(text, targets)
    first, state = model.token_losses(text[:, :6], targets[:, :6], model.zero_state(B))
    second, state = model.token_losses(text[:, 6:], targets[:, 6:], state)
    np.testing.assert_allclose(np.concatenate((first, second), axis=1), expected, rtol=1e-11)
    assert (expected[:, 3] == 0).all()
    assert state[0][0].shape == (B, 16)


def test_a_long_text_is_read_by_a_sliding_window() -> None:
    """Half of the window at a time, each target after half a window of context or more."""
    model, text = language_model(max_length=4), ids(2, 9)
    targets = np.roll(text, -1, axis=1)
    losses, _ = model.token_losses(text, targets)
    for end, start in ((4, 0), (6, 2), (8, 4), (9, 6)):
        alone, _ = model.token_losses(text[:, start:end], targets[:, start:end])
        new = 4 if start == 0 else end - start - 2
        np.testing.assert_allclose(losses[:, end - new : end], alone[:, -new:], rtol=1e-11)


@variant
def test_generation_goes_on_past_the_window(variant: str) -> None:
    model, text = language_model(variant, max_length=4), ids(B, 11)
    state = model.start(B)
    for t in range(11):
        log_probs, state = model.step(text[:, t], state)
        start = 0 if t < 4 else 2 * ((t - 2) // 2)
        expected = ops.log_softmax(model(text[:, start : t + 1])[:, -1]).data
        np.testing.assert_allclose(log_probs, expected, rtol=1e-11, atol=1e-13)


# Padding changes nothing


@variant
def test_padding_of_an_encoder_changes_nothing(variant: str) -> None:
    model, tokens, weight = encoder(variant, token_types=2), ids(B, S), ids(B, S, 12).astype(float)
    types = ids(B, S, high=4) - 2
    hidden = model(tokens, LENGTHS, types)
    for row, length in enumerate(LENGTHS):
        alone = model(tokens[row : row + 1, :length], None, types[row : row + 1, :length])
        np.testing.assert_allclose(hidden.data[row, :length], alone.data[0], rtol=1e-11, atol=1e-13)
        assert (hidden.data[row, length:] == 0).all()
    expected = gradients(model, (hidden * weight).sum())
    mask = np.arange(S) < LENGTHS[:, None]
    wider = np.pad(np.where(mask, tokens, 7), ((0, 0), (0, 2)))
    again = model(wider, np.pad(mask, ((0, 0), (0, 2))), np.pad(types, ((0, 0), (0, 2))))
    assert_same(gradients(model, (again[:, :S] * weight).sum()), expected, rtol=1e-10, atol=1e-12)


@variant
def test_padding_of_pairs_changes_neither_loss_nor_gradients(variant: str) -> None:
    model = seq2seq(variant)
    source, lengths, target_in, target_out = pairs()
    wider = [
        np.pad(x, ((0, 0), (0, more)), constant_values=-1)
        for x, more in ((source, 4), (target_in, 3), (target_out, 3))
    ]
    expected = gradients(model, model.loss(source, lengths, target_in, target_out))
    assert_same(gradients(model, model.loss(wider[0], lengths, *wider[1:])), expected, rtol=1e-10, atol=1e-12)
    assert_same(gradients(model, model.loss(*pairs(pad=7))), expected)  # nor does what stands in it
    parts, tokens = [], TARGET_LENGTHS.sum()
    for row, (s, t) in enumerate(zip(lengths, TARGET_LENGTHS, strict=True)):
        alone = (source[row, :s], None, target_in[row, :t], target_out[row, :t])
        parts.append(model.loss(*(None if x is None else x[None] for x in alone)).item() * t / tokens)
    assert sum(parts) == pytest.approx(expected[0], rel=1e-11)


@pytest.mark.parametrize("padded", ["source", "target"])
def test_padding_on_one_side_alone(padded: str) -> None:
    model, (source, lengths, target_in, target_out) = seq2seq(), pairs(pad=2)
    if padded == "source":
        target_out = np.where(target_out < 0, 4, target_out)
    else:
        lengths = np.full(B, S)
    losses = model.token_losses(source, lengths, target_in, target_out)
    for row, s in enumerate(lengths):
        one = slice(row, row + 1)
        alone = model.token_losses(source[one, :s], None, target_in[one], target_out[one])
        np.testing.assert_allclose(losses[one], alone, rtol=1e-11)


def test_a_hole_in_the_targets_is_no_padding() -> None:
    """Targets that do not count, but stand before others, are still read."""
    model, (source, lengths, target_in, target_out) = seq2seq(), pairs()
    holes = target_out.copy()
    holes[1, 2] = -1
    expected = model.token_losses(source, lengths, target_in, target_out)
    expected[1, 2] = 0
    np.testing.assert_allclose(model.token_losses(source, lengths, target_in, holes), expected, rtol=1e-11)


def test_an_empty_source_is_read_as_zeros() -> None:
    model, (source, _, target_in, target_out) = seq2seq(), pairs(pad=2)
    lengths = np.array([0, 2, 3])
    loss, found = gradients(model, model.loss(source, lengths, target_in, target_out))
    assert math.isfinite(loss)
    assert all(np.isfinite(g).all() for g in found.values())
    assert (model.attention_weights(source, lengths, target_in)[0] == 0).all()


def test_nothing_but_padding() -> None:
    """A batch of empty texts is read as zeros, and changes nothing; so are texts of no width."""
    nothing = np.zeros(B, int)
    model = encoder()
    for tokens in (ids(B, S), ids(B, 0)):
        hidden = model(tokens, nothing)
        assert hidden.shape == (*tokens.shape, 12)
        assert not hidden.data.any()
        _, found = gradients(model, hidden.sum())
        assert not any(g.any() for g in found.values())
    translator, (source, _, target_in, target_out) = seq2seq(), pairs(pad=2)
    loss, found = gradients(translator, translator.loss(source, nothing, target_in, target_out))
    assert math.isfinite(loss)
    assert all(np.isfinite(g).all() for g in found.values())
    log_probs, _ = translator.step(target_in[:, 0], translator.start(B, (source, nothing)))
    np.testing.assert_allclose(np.exp(log_probs).sum(axis=1), 1)


@variant
def test_a_single_token(variant: str) -> None:
    model, text = language_model(variant), ids(B, 1)
    loss, found = gradients(model, model.loss(text, text)[0])
    assert math.isfinite(loss)
    assert all(np.isfinite(g).all() for g in found.values())
    log_probs, _ = model.step(text[:, 0], model.start(B))
    np.testing.assert_allclose(log_probs, ops.log_softmax(model(text)).data[:, 0], rtol=1e-12)


# On a GPU


def test_a_mask_of_another_device(gpu: str) -> None:
    """A model on the CPU takes its mask from wherever it is."""
    model, tokens, mask = encoder(), ids(B, S), np.arange(S) < LENGTHS[:, None]
    expected = model(tokens, mask).data
    for given in (LENGTHS, mask):
        np.testing.assert_array_equal(model(tokens, to_device(given, gpu)).data, expected)


@variant
def test_the_same_on_a_gpu_array(variant: str, gpu: str) -> None:
    """There padding is masked, here it is left out."""
    arrays, text, found = pairs(), ids(B, 6), []
    for device in ("cpu", gpu):
        translator = seq2seq(variant).to(device)
        loss = translator.loss(*arrays)
        weights = translator.attention_weights(*arrays[:3])
        state = translator.start(B, arrays[:2])
        for t in range(3):
            log_probs, state = translator.step(arrays[2][:, t] % V, state)
            state = translator.reorder(state, np.array([1, 1, 0]))
        writer = language_model(variant, max_length=4).to(device)
        losses, seen = writer.token_losses(text, text)
        generated = writer.start(B)
        for t in range(6):
            written, generated = writer.step(text[:, t], writer.reorder(generated, np.array([1, 1, 0])))
        hidden = encoder(variant, dropout=0.3).to(device).eval()(text, LENGTHS).data
        values = (weights, log_probs, losses, seen[0][0], written, hidden)
        found.append([np.asarray(loss.item()), *map(to_numpy, values)])
    for ours, expected in zip(*found, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-10, atol=1e-12)


# What they are made of


def test_the_layout_of_bert() -> None:
    model = encoder(token_types=2, max_length=8)
    layer = {
        "attention.qkv.weight": (36, 12),
        "attention.qkv.bias": (36,),
        "attention.output.weight": (12, 12),
        "attention.output.bias": (12,),
        "attention_norm.weight": (12,),
        "attention_norm.bias": (12,),
        "feed_forward.up.weight": (10, 12),
        "feed_forward.up.bias": (10,),
        "feed_forward.down.weight": (12, 10),
        "feed_forward.down.bias": (12,),
        "feed_forward_norm.weight": (12,),
        "feed_forward_norm.bias": (12,),
    }
    assert {name: p.shape for name, p in model.named_parameters()} == {
        "embedding.tokens.weight": (V, 12),
        "embedding.positions.weight": (8, 12),
        "embedding.types.weight": (2, 12),
        "embedding.norm.weight": (12,),
        "embedding.norm.bias": (12,),
        **{f"stack.layers.{i}.{name}": shape for i in range(2) for name, shape in layer.items()},
    }


def test_the_layout_of_gpt_2() -> None:
    names = [name for name, _ in language_model("pre").named_parameters()]
    assert names[:2] == ["embedding.tokens.weight", "embedding.positions.weight"]
    assert names[-2:] == ["stack.final_norm.weight", "stack.final_norm.bias"]
    assert len(names) == 2 + 2 * 12 + 2  # the output matrix is the embedding's, and scores have no bias
    untied = language_model("pre", tied=False, output_bias=True)
    assert [name for name, _ in untied.named_parameters()][-2:] == ["output.weight", "output.bias"]


def test_shared_and_tied_matrices_are_one() -> None:
    model = seq2seq(shared_vocabulary=True, tied=True, source_vocab_size=V)
    assert model.source_embedding.tokens.weight is model.target_embedding.tokens.weight is model.output.weight


def test_initial_weights() -> None:
    gpt = language_model("pre", np.float32, embedding_size=60, hidden_size=80, max_length=50)
    for name, parameter in gpt.named_parameters():
        if parameter.size > 1000:
            narrow = name.endswith(("attention.output.weight", "down.weight"))
            assert parameter.data.std() == pytest.approx(0.02 / 2 if narrow else 0.02, rel=0.1), name
        elif name.endswith(".bias"):
            assert (parameter.data == 0).all()
    translator = seq2seq(embedding_size=60, hidden_size=80, target_vocab_size=100, dtype=np.float32)
    first = translator.decoder.layers[0]
    for weight, fans in (
        (first.attention.qkv.weight, 120),
        (first.cross_attention.kv.weight, 120),
        (first.cross_attention.q.weight, 120),
        (first.feed_forward.up.weight, 140),
    ):
        assert np.abs(weight.data).max() == pytest.approx(math.sqrt(6 / fans), rel=0.02)
    assert translator.target_embedding.tokens.weight.data.std() == pytest.approx(60**-0.5, rel=0.1)


def test_dropout_is_on_in_training_alone() -> None:
    text, arrays = ids(B, T), pairs()
    for model, loss in (
        (language_model(dropout=0.5), lambda m, g=None: m.loss(text, text, generator=g)[0].item()),
        (seq2seq(dropout=0.5), lambda m, g=None: m.loss(*arrays, generator=g).item()),
        (encoder(dropout=0.5), lambda m, g=None: m(text, generator=g).sum().item()),
    ):
        with pytest.raises(UsageError, match="generator"):
            loss(model)
        assert len({loss(model, Generator(seed)) for seed in (1, 2, 3)}) == 3
        assert loss(model, Generator(1)) == loss(model, Generator(1))
        assert loss(model.eval()) == loss(model.eval(), Generator(1))


@pytest.mark.parametrize("make", [language_model, encoder, seq2seq])
def test_weights_are_saved_and_loaded(make: Any) -> None:
    model, config = make(), make().config
    other = type(model)(type(config)(**config.to_dict()), generator=Generator(9)).astype(np.float64)
    other.load_state_dict({name: x.copy() for name, x in model.state_dict().items()})
    for (_, one), (_, two) in zip(model.named_parameters(), other.named_parameters(), strict=True):
        np.testing.assert_array_equal(one.data, two.data)


# What they refuse


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: encoder()(np.full((B, S), V)), "expected ids between 0 and 12, got 13"),
        (
            lambda: encoder()(ids(B, S), np.array([6, 1, 2])),
            "expected mask to be lengths of 0 to 5, got 1 to 6",
        ),
        (lambda: encoder()(ids(B, S), np.ones((B, 2), bool)), r"integer lengths \(3,\) or booleans \(3, 5\)"),
        (lambda: encoder()(ids(B, 17)), "17 tokens are more than max_length, 16"),
        (
            lambda: encoder(token_types=2)(ids(B, S), None, ids(B, S)),
            "expected token_types between 0 and 1, got",
        ),
        (lambda: language_model()(ids(B, 17)), "17 tokens are more than max_length, 16"),
        (
            lambda: language_model().loss(ids(B, S), np.full((B, S), -2)),
            "expected ids between -1 and 12, got -2",
        ),
        (
            lambda: seq2seq("pre", positions="learned").loss(ids(1, 17, high=9), None, *ids(2, 1, 3)),
            "17 tokens",
        ),
        (lambda: seq2seq().loss(ids(B, S, high=9), None, ids(B, 3), ids(B, 4)), r"target_out .* \(3, 3\)"),
        (lambda: seq2seq().start(4, (ids(B, S, high=9), None)), "3 sources for 4 rows"),
    ],
)
def test_inputs_that_are_none(call: Any, said: str) -> None:
    with pytest.raises(ShapeError, match=said):
        call()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: language_model(num_layers=0), "expected num_layers to be at least 1, got 0"),
        (lambda: language_model(num_heads=5), "expected num_heads to divide embedding_size, got 5 and 12"),
        (
            lambda: language_model(activation="swish"),
            "expected activation to be one of relu, gelu, gelu-tanh",
        ),
        (lambda: language_model(norm="none"), "expected norm to be pre or post"),
        (
            lambda: language_model(positions="none"),
            "expected positions to be one of learned, sinusoidal, rotary",
        ),
        (lambda: language_model(dropout=1.0), "dropout rate"),
        (lambda: seq2seq(shared_vocabulary=True), "shared_vocabulary: expected equal sizes, got 11 and 13"),
        (
            lambda: seq2seq().loss(*pairs(), teacher_forcing=0.5),
            "expected teacher_forcing to be 1 for a Transformer, got 0.5",
        ),
        (lambda: seq2seq().start(B), r"a context \(source, source_lengths\)"),
    ],
)
def test_settings_that_make_no_model(call: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        call()
