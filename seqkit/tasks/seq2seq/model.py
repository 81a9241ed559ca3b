"""The models of the sequence-to-sequence task."""

import dataclasses
from typing import Any

from seqkit.backend.random import Generator
from seqkit.models import Seq2Seq, Seq2SeqConfig, TransformerSeq2Seq, TransformerSeq2SeqConfig
from seqkit.tasks.seq2seq.settings import ResolvedSeq2SeqSettings

Seq2SeqModel = Seq2Seq | TransformerSeq2Seq

_COMMON = ("shared_vocabulary", "tied", "dropout", "embedding_size", "hidden_size", "num_layers")
_RECURRENT = (
    "bidirectional",
    "input_feeding",
    "peeky",
    "readout",
    "pass_cell",
    "weight_init",
    "init_range",
)


def make_model(
    settings: ResolvedSeq2SeqSettings,
    source_vocab_size: int,
    target_vocab_size: int,
    generator: Generator | None = None,
) -> Seq2SeqModel:
    """Return the model of the settings, initialised from their seed, or by ``generator``."""
    generator = Generator(settings.seed, "init") if generator is None else generator
    values = dataclasses.asdict(settings)
    common: dict[str, Any] = {name: values[name] for name in _COMMON}
    common |= {"source_vocab_size": source_vocab_size, "target_vocab_size": target_vocab_size}
    if settings.model == "transformer":
        transformer = TransformerSeq2SeqConfig(num_heads=settings.num_heads, **common)
        return TransformerSeq2Seq(transformer, generator=generator)
    attention = None if settings.attention == "none" else settings.attention
    recurrent = {name: values[name] for name in _RECURRENT}
    config = Seq2SeqConfig(cell=settings.model, attention=attention, **recurrent, **common)
    return Seq2Seq(config, generator=generator)
