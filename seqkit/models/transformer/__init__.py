"""Transformers: an encoder, a language model, and encoder with decoder."""

from seqkit.models.transformer.config import TransformerSeq2SeqConfig
from seqkit.models.transformer.encoder import TransformerEncoder, TransformerEncoderConfig
from seqkit.models.transformer.language_model import (
    TransformerLanguageModel,
    TransformerLanguageModelConfig,
    TransformerState,
)
from seqkit.models.transformer.seq2seq import (
    TransformerSeq2Seq,
    TransformerSeq2SeqState,
)

__all__ = [
    "TransformerEncoder",
    "TransformerEncoderConfig",
    "TransformerLanguageModel",
    "TransformerLanguageModelConfig",
    "TransformerSeq2Seq",
    "TransformerSeq2SeqConfig",
    "TransformerSeq2SeqState",
    "TransformerState",
]
