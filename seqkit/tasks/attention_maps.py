"""The attention weights of trained models, of every layer and head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqkit import nn
from seqkit.autograd import no_grad
from seqkit.backend import Array, to_numpy
from seqkit.data import encode_texts, pad_batch, text_rows
from seqkit.errors import UsageError
from seqkit.models import TransformerLanguageModel, TransformerSeq2Seq
from seqkit.models.classifier.encoders import PooledTransformer
from seqkit.tasks.causal_checkpoints import CausalCheckpoint
from seqkit.tasks.language_modeling import TrainedLanguageModel
from seqkit.tasks.masked_language_modeling import TrainedMaskedLanguageModel
from seqkit.tasks.runs import require_texts
from seqkit.tasks.sentence_encoding import SentenceEncoder
from seqkit.tasks.seq2seq import TrainedSeq2Seq
from seqkit.tasks.text_classification import TrainedTextClassifier
from seqkit.text.special_tokens import EOS, START


@dataclass(frozen=True)
class AttentionMap:
    """Attention weights of all layers of one type.

    Attributes:
        name: "self", or of encoder and decoder "encoder", "decoder" and "cross", the decoder's attention over
            the source.
        weights: (L, N, T, S) weights of L layers with N heads each; rows sum to 1.
        queries: The T tokens that attend.
        keys: The S tokens that they attend to.
    """

    name: str
    weights: np.ndarray
    queries: list[str]
    keys: list[str]


def has_attention(trained: Any) -> bool:
    """Return whether :func:`attention_maps` accepts a trained model."""
    if isinstance(trained, TrainedSeq2Seq):
        return trained.model.attention is not None
    return _stack_of(trained) is not None


def attention_maps(trained: Any, text: str, target: Sequence[str] | None = None) -> list[AttentionMap]:
    """Return the attention weights of a model that reads a text, and of encoder and decoder also writes one.

    Args:
        trained: A loaded run or checkpoint folder with a Transformer, or a recurrent encoder and decoder with
            attention.
        text: The text.
        target: Of encoder and decoder: the tokens of the translation; by default those of the greedy one.

    Returns:
        A map of each type of attention. In the decoder's, token t is the input of step t, and in "cross"
        the output of step t, the end token included.

    Raises:
        UsageError: The model has no attention, or the text is longer than the model can read.
        DataError: The text is empty.
    """
    (text,) = require_texts([text])
    if not has_attention(trained):
        raise UsageError(f"expected a model with attention, got {trained!r}")
    if isinstance(trained, TrainedSeq2Seq):
        return _of_seq2seq(trained, text, target)
    if target is not None:
        raise UsageError("target has no effect here: it is for models of encoder and decoder")
    stack, (ids, tokens) = _stack_of(trained), _read(trained, text)
    assert stack is not None
    model = trained.model
    with no_grad(), nn.record_attention() as record:
        model.hidden(ids) if isinstance(model, TransformerLanguageModel) else model(ids)
    return [
        AttentionMap("self", _stacked(record, [layer.attention for layer in stack.layers]), tokens, tokens)
    ]


def _stack_of(trained: Any) -> nn.TransformerEncoderStack | None:
    """Return the layers of a Transformer that reads one text; None of other models."""
    if isinstance(trained, TrainedLanguageModel | CausalCheckpoint):
        return trained.model.stack if isinstance(trained.model, TransformerLanguageModel) else None
    if isinstance(trained, TrainedMaskedLanguageModel):
        return trained.model.encoder.stack
    if isinstance(trained, SentenceEncoder):
        return trained.model.stack
    if isinstance(trained, TrainedTextClassifier) and isinstance(trained.model.encoder, PooledTransformer):
        return trained.model.encoder.encoder.stack
    return None


def _read(trained: Any, text: str) -> tuple[np.ndarray, list[str]]:
    """Return the ids (1, T) that a model reads of a text, and its T tokens."""
    if isinstance(trained, TrainedLanguageModel | CausalCheckpoint):
        assert isinstance(trained.model, TransformerLanguageModel)
        prompt = trained.prompt(text)
        ids = [prompt.start_id, *prompt.ids]
        longest = trained.model.config.max_length
        tokens = [prompt.token_of(i) for i in ids]
    elif isinstance(trained, SentenceEncoder):
        longest = trained.max_length
        [ids] = trained.tokenizer.encode([text.lower() if trained.lowercase else text])
        tokens = [trained.tokenizer.decode([i], special_tokens=True) for i in ids]
    else:
        longest = trained.settings.context_length if isinstance(trained, TrainedMaskedLanguageModel) else 0
        longest = longest or trained.settings.max_length
        [row] = text_rows([text], trained.tokenizer, trained.vocabulary, longest + 1)
        ids, tokens = row.tolist(), trained.vocabulary.decode(row)
    if not 0 < len(ids) <= longest:
        raise UsageError(f"expected a text of 1 to {longest} tokens, got {len(ids)}")
    return np.array([ids], np.int64), tokens


def _of_seq2seq(trained: TrainedSeq2Seq, text: str, target: Sequence[str] | None) -> list[AttentionMap]:
    if target is None:
        target = trained.translate([text])[0][0].tokens
    [row] = encode_texts([text], trained.source_tokenizer, trained.source_vocabulary)
    source = trained.source_vocabulary.decode(row)
    reverse = trained.settings.reverse
    ids, _ = pad_batch([row], reverse=reverse)
    inputs, outputs = [START, *target], [*target, EOS]
    fed = trained.target_vocabulary.encode(inputs)[None]
    model = trained.model
    if not isinstance(model, TransformerSeq2Seq):
        cross = to_numpy(model.attention_weights(ids, None, fed))[:, None]
        return [AttentionMap("cross", cross[..., ::-1] if reverse else cross, outputs, source)]
    with no_grad(), nn.record_attention() as record:
        model(ids, None, fed)
    of_encoder = _stacked(record, [layer.attention for layer in model.encoder.layers])
    of_decoder = _stacked(record, [layer.attention for layer in model.decoder.layers])
    cross = _stacked(record, [layer.cross_attention for layer in model.decoder.layers])
    if reverse:
        of_encoder, cross = of_encoder[..., ::-1, ::-1], cross[..., ::-1]
    return [
        AttentionMap("cross", cross, outputs, source),
        AttentionMap("encoder", of_encoder, source, source),
        AttentionMap("decoder", of_decoder, inputs, inputs),
    ]


def _stacked(record: nn.AttentionRecord, layers: Sequence[nn.MultiHeadAttention]) -> np.ndarray:
    """Return the weights (L, N, T, S) of the layers of one sequence."""
    weights: list[Array] = record.of(layers)
    return np.stack([to_numpy(each)[0] for each in weights])
