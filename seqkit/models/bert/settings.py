"""``config.json`` of the BERT family, from and to the config of an encoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from seqkit.models.bert.names import BERT, DISTILBERT, MEGATRON, ROBERTA
from seqkit.models.checkpoints import (
    CheckpointFolder,
    Names,
    activation,
    activation_there,
    attention_dropout,
    check_heads,
)
from seqkit.models.transformer import TransformerEncoderConfig

_DISTIL_EPSILON = 1e-12  # not a setting there


@dataclass(frozen=True)
class Architecture:
    """One ``model_type``: the names of its tensors, its settings in both directions, its classes' names."""

    names: Names
    read: Callable[[CheckpointFolder], TransformerEncoderConfig]
    write: Callable[[TransformerEncoderConfig], dict[str, Any]]
    classes: str
    """Beginning of the names of the reference library's classes."""
    fits: Callable[[TransformerEncoderConfig], bool]
    """Returns whether it computes what an encoder of this config does."""
    pooler: bool = True


def _read_bert(folder: CheckpointFolder, offset: int = 0, norm: str = "post") -> TransformerEncoderConfig:
    check_heads(folder, "num_attention_heads", "hidden_size")
    folder.refuse_unless("position_embedding_type", "absolute")
    folder.refuse_unless("is_decoder", False)
    positions = folder.size("max_position_embeddings")
    if positions <= offset:
        raise folder.wrong(f"{positions} positions are too few, {offset} are not used")
    return TransformerEncoderConfig(
        folder.size("vocab_size"),
        embedding_size=folder.size("hidden_size"),
        hidden_size=folder.size("intermediate_size"),
        num_layers=folder.size("num_hidden_layers"),
        num_heads=folder.size("num_attention_heads"),
        max_length=positions - offset,
        token_types=folder.size("type_vocab_size", 2),
        position_offset=offset,
        norm=norm,
        embedding_norm=norm == "post",
        activation=activation(folder, "hidden_act", "gelu"),
        epsilon=folder.setting("layer_norm_eps", float, 1e-12),
        dropout=folder.setting("hidden_dropout_prob", float, 0.1),
        attention_dropout=folder.setting("attention_probs_dropout_prob", float, 0.1),
        init_std=folder.setting("initializer_range", float, 0.02),
    )


def _read_roberta(folder: CheckpointFolder) -> TransformerEncoderConfig:
    """The positions up to that of padding are not those of any token."""
    return _read_bert(folder, offset=folder.setting("pad_token_id", int, 1) + 1)


def _read_distilbert(folder: CheckpointFolder) -> TransformerEncoderConfig:
    check_heads(folder, "n_heads", "dim")
    return TransformerEncoderConfig(
        folder.size("vocab_size"),
        embedding_size=folder.size("dim"),
        hidden_size=folder.size("hidden_dim"),
        num_layers=folder.size("n_layers"),
        num_heads=folder.size("n_heads"),
        max_length=folder.size("max_position_embeddings"),
        activation=activation(folder, "activation", "gelu"),
        epsilon=_DISTIL_EPSILON,
        dropout=folder.setting("dropout", float, 0.1),
        attention_dropout=folder.setting("attention_dropout", float, 0.1),
        init_std=folder.setting("initializer_range", float, 0.02),
    )


def _write_bert(config: TransformerEncoderConfig) -> dict[str, Any]:
    return {
        "vocab_size": config.vocab_size,
        "hidden_size": config.embedding_size,
        "intermediate_size": config.hidden_size or 4 * config.embedding_size,
        "num_hidden_layers": config.num_layers,
        "num_attention_heads": config.num_heads,
        "max_position_embeddings": config.max_length + config.position_offset,
        "type_vocab_size": config.token_types or 1,
        "hidden_act": activation_there(config.activation),
        "layer_norm_eps": config.epsilon,
        "hidden_dropout_prob": config.dropout,
        "attention_probs_dropout_prob": attention_dropout(config),
        "initializer_range": config.init_std,
        "position_embedding_type": "absolute",
        "pad_token_id": config.position_offset - 1 if config.position_offset else 0,
    }


def _write_distilbert(config: TransformerEncoderConfig) -> dict[str, Any]:
    return {
        "vocab_size": config.vocab_size,
        "dim": config.embedding_size,
        "hidden_dim": config.hidden_size or 4 * config.embedding_size,
        "n_layers": config.num_layers,
        "n_heads": config.num_heads,
        "max_position_embeddings": config.max_length,
        "activation": activation_there(config.activation),
        "dropout": config.dropout,
        "attention_dropout": attention_dropout(config),
        "initializer_range": config.init_std,
    }


def _post(config: TransformerEncoderConfig) -> bool:
    return config.norm == "post" and config.embedding_norm


_ROBERTA = Architecture(
    ROBERTA,
    _read_roberta,
    _write_bert,
    "Roberta",
    lambda config: _post(config) and config.position_offset > 0,
)

ARCHITECTURES = {
    "distilbert": Architecture(
        DISTILBERT,
        _read_distilbert,
        _write_distilbert,
        "DistilBert",
        lambda config: (
            _post(config)
            and config.token_types == config.position_offset == 0
            and config.epsilon == _DISTIL_EPSILON
        ),
        pooler=False,
    ),
    "bert": Architecture(
        BERT, _read_bert, _write_bert, "Bert", lambda config: _post(config) and config.position_offset == 0
    ),
    "roberta": _ROBERTA,
    "xlm-roberta": _ROBERTA,  # the same network; other text
    "megatron-bert": Architecture(
        MEGATRON,
        lambda folder: _read_bert(folder, norm="pre"),
        _write_bert,
        "MegatronBert",
        lambda config: config.norm == "pre" and not config.embedding_norm and config.position_offset == 0,
    ),
}
"""By ``model_type``. An encoder is saved as the first that fits."""
