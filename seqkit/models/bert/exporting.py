"""Encoders to folders that the reference library opens."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from seqkit.backend import to_numpy
from seqkit.errors import UsageError
from seqkit.models.bert.encoder import BertEncoder
from seqkit.models.bert.settings import ARCHITECTURES
from seqkit.models.checkpoints import stored_arrays, write_folder
from seqkit.models.masked_language_model import MaskedLanguageModel
from seqkit.models.transformer import TransformerEncoder, TransformerEncoderConfig


def save(model: TransformerEncoder | MaskedLanguageModel, path: str | Path) -> None:
    """Write ``config.json`` and ``model.safetensors`` of an encoder, or of a masked language model.

    Post-norm encoders become BERT, DistilBERT (without token types) or RoBERTa (with a position offset),
    pre-norm ones Megatron's BERT. Where the architecture has token types and the model none, one vector of
    zeros stands for them. Raises UsageError for a model that none of these computes, RunError when the folder
    cannot be written.
    """
    masked = isinstance(model, MaskedLanguageModel)
    config = model.config
    kind = _kind(config, pooler=isinstance(model, BertEncoder) and model.pooler is not None)
    architecture = ARCHITECTURES[kind]
    names = architecture.names
    if masked and architecture.classes == "Roberta" and config.activation != "gelu":
        raise UsageError(f"the head of a RoBERTa has gelu, this model {config.activation}")
    arrays = {name.removeprefix("encoder."): to_numpy(a) for name, a in model.state_dict().items()}
    if not config.token_types:
        arrays["embedding.types.weight"] = np.zeros((1, config.embedding_size), np.float32)
    head = "masked" if masked else "pooler"
    stored = stored_arrays(
        names,
        arrays,
        config.num_layers,
        *([head] if head in names.heads else []),
        prefix=names.prefix if masked else "",
    )
    suffix = "ForMaskedLM" if masked else "Model"
    write_folder(
        path,
        {
            "model_type": kind,
            "architectures": [architecture.classes + suffix],
            "dtype": "float32",
            "tie_word_embeddings": True,
            **architecture.write(config),
        },
        stored,
    )


def _kind(config: TransformerEncoderConfig, *, pooler: bool) -> str:
    if config.positions == "learned":
        for kind, architecture in ARCHITECTURES.items():
            if architecture.fits(config) and (architecture.pooler or not pooler):
                return kind
    raise UsageError(
        f"no architecture of a checkpoint folder has positions {config.positions!r} with norm "
        f"{config.norm!r}, embedding_norm {config.embedding_norm}, position_offset {config.position_offset}",
        remedy="export encoders with learned positions, post-norm with embedding_norm, or pre-norm without",
    )
