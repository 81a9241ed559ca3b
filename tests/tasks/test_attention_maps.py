"""Attention maps of every layer and head, against the weights that decoding returns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqkit import nn
from seqkit.autograd import Tensor
from seqkit.backend.random import Generator
from seqkit.errors import UsageError
from seqkit.tasks import (
    language_modeling,
    masked_language_modeling,
    sentence_encoding,
    seq2seq,
    text_classification,
)
from seqkit.tasks.attention_maps import attention_maps, has_attention
from seqkit.tasks.causal_checkpoints import load as load_causal
from tests.models.folders import write_bert
from tests.tasks.test_causal_checkpoints import folder  # noqa: F401
from tests.tasks.test_seq2seq import QUICK, write_pairs
from tests.tasks.test_text_classification import write_reviews
from tests.training.tiny import write_corpus

TRANSFORMER: dict[str, Any] = {"embedding_size": 12, "num_heads": 3, "num_layers": 2, "max_steps": 2}


def translator(tmp_path: Path, **changes: Any) -> seq2seq.TrainedSeq2Seq:
    settings = {
        **{name: QUICK[name] for name in QUICK if name != "epochs"},
        "max_steps": 2,
        "max_new_tokens": 5,
        **changes,
    }
    corpus = str(write_pairs(tmp_path / "pairs.tsv"))
    return seq2seq.train(seq2seq.Seq2SeqSettings(corpus=corpus, **settings), tmp_path / "run")


def assert_weights(weights: np.ndarray, shape: tuple[int, ...]) -> None:
    assert weights.shape == shape
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-5)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_transformer_of_pairs(tmp_path: Path, reverse: bool) -> None:
    settings = {"hidden_size": 16, "reverse": reverse, **TRANSFORMER}
    run = translator(tmp_path, model="transformer", **settings)
    [[best]] = run.translate(["abcd"])
    maps = {each.name: each for each in attention_maps(run, "abcd")}
    T, S = len(best.tokens) + 1, 4
    assert_weights(maps["cross"].weights, (2, 3, T, S))
    assert_weights(maps["encoder"].weights, (2, 3, S, S))
    assert_weights(maps["decoder"].weights, (2, 3, T, T))
    last = maps["cross"].weights[-1].mean(axis=0)[: len(best.tokens)]
    np.testing.assert_allclose(last, best.attention, rtol=1e-4)
    assert maps["cross"].keys == maps["encoder"].keys == list("abcd")
    assert maps["cross"].queries[:-1] == best.tokens == maps["decoder"].queries[1:]
    assert not np.triu(maps["decoder"].weights[0, 0], 1).any()
    given = attention_maps(run, "abcd", ["A", "B"])
    assert given[0].weights.shape == (2, 3, 3, 4)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_recurrent_translation(tmp_path: Path, reverse: bool) -> None:
    run = translator(tmp_path, attention="general", reverse=reverse)
    [[best]] = run.translate(["abc"])
    [found] = attention_maps(run, "abc")
    assert (found.name, found.keys, found.queries[:-1]) == ("cross", list("abc"), best.tokens)
    np.testing.assert_allclose(found.weights[0, 0, : len(best.tokens)], best.attention, rtol=1e-4)


def test_models_of_one_text(tmp_path: Path, folder: Path) -> None:  # noqa: F811
    corpus = str(write_corpus(tmp_path / "text.txt"))
    settings = language_modeling.LanguageModelSettings(
        corpus=corpus, model="transformer", context_length=6, **TRANSFORMER
    )
    run = language_modeling.train(settings, tmp_path / "lm")
    [found] = attention_maps(run, "the cat sat")
    assert_weights(found.weights, (2, 3, 4, 4))
    assert found.keys == found.queries == ["<eos>", "the", "cat", "sat"]
    assert not np.triu(found.weights[0, 1], 1).any()
    with pytest.raises(UsageError, match="1 to 6 tokens, got 7"):
        attention_maps(run, "the cat sat on the mat")
    made = load_causal(folder)
    [found] = attention_maps(made, "low lower")
    assert "".join(found.keys).endswith("low lower")
    assert found.weights.shape[0] == made.model.config.num_layers
    reviews = str(write_reviews(tmp_path / "reviews.tsv"))
    classifier = text_classification.train(
        text_classification.TextClassificationSettings(
            corpus=reviews, model="transformer", hidden_size=16, min_count=1, **TRANSFORMER
        ),
        tmp_path / "classifier",
    )
    [found] = attention_maps(classifier, "a good film")
    assert found.keys[-3:] == ["a", "good", "film"]
    assert_weights(found.weights, (2, 3, len(found.keys), len(found.keys)))
    with pytest.raises(UsageError, match="target has no effect"):
        attention_maps(classifier, "a good film", ["x"])


def test_encoders(tmp_path: Path) -> None:
    """A masked language model, and a BERT of a checkpoint folder with its special tokens."""
    corpus = str(write_corpus(tmp_path / "text.txt"))
    settings = masked_language_modeling.MaskedLanguageModelSettings(
        corpus=corpus, context_length=12, hidden_size=16, **TRANSFORMER
    )
    run = masked_language_modeling.train(settings, tmp_path / "masked")
    [found] = attention_maps(run, "the cat sat")
    assert found.keys[-3:] == ["the", "cat", "sat"]
    assert_weights(found.weights, (2, 3, len(found.keys), len(found.keys)))
    pytest.importorskip("tokenizers")
    encoder = sentence_encoding.load(write_bert(tmp_path / "bert"))
    [ids] = encoder.tokenizer.encode(["low"])
    [found] = attention_maps(encoder, "low")
    assert len(found.queries) == len(ids)
    config = encoder.model.config
    assert_weights(found.weights, (config.num_layers, config.num_heads, len(ids), len(ids)))


def test_models_without_attention(tmp_path: Path) -> None:
    run = translator(tmp_path, attention="none")
    assert not has_attention(run)
    with pytest.raises(UsageError, match="a model with attention"):
        attention_maps(run, "abc")


def test_recording_changes_no_output() -> None:
    """Padding, causal attention and rotary positions included; packed batches are refused."""
    generator = Generator(0)
    x = Tensor(generator.uniform((2, 5, 12)).astype(np.float32))
    for settings in ({"causal": True}, {"mask": np.array([5, 3])}):
        heads = nn.MultiHeadAttention(12, 3, rotary=True, generator=1).eval()
        settings["positions"] = np.arange(5)
        plain = heads(x, **settings).data
        with nn.record_attention() as record:
            np.testing.assert_allclose(heads(x, **settings).data, plain, rtol=1e-4, atol=1e-6)
        [weights] = record.of([heads])
        assert_weights(weights, (2, 3, 5, 5))
    assert not weights[1, :, :, 3:].any()
    assert heads(x, **settings).data.shape == (2, 5, 12)
    with nn.record_attention(), pytest.raises(UsageError, match="batches without padding"):
        heads(Tensor(x.data[0]), lengths=(3, 2), positions=np.arange(5))
