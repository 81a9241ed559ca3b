"""``config.json`` of the BERT family, from and to the config of an encoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from seqkit.files import Between
from seqkit.models.bert.names import BERT, DISTILBERT, MEGATRON, ROBERTA
from seqkit.models.checkpoints import (
    Activation,
    CheckpointFolder,
    Deviation,
    Epsilon,
    Names,
    Rate,
    Size,
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


@dataclass(frozen=True)
class _BertConfig:
    """The keys of config.json that are read, with the reference library's defaults."""

    vocab_size: Size
    hidden_size: Size
    intermediate_size: Size
    num_hidden_layers: Size
    num_attention_heads: Size
    max_position_embeddings: Size
    type_vocab_size: Size = 2
    hidden_act: Activation = "gelu"
    layer_norm_eps: Epsilon = 1e-12
    hidden_dropout_prob: Rate = 0.1
    attention_probs_dropout_prob: Rate = 0.1
    initializer_range: Deviation = 0.02


@dataclass(frozen=True)
class _RobertaConfig(_BertConfig):
    pad_token_id: Annotated[int, Between(0)] = 1


@dataclass(frozen=True)
class _DistilBertConfig:
    vocab_size: Size
    dim: Size
    hidden_dim: Size
    n_layers: Size
    n_heads: Size
    max_position_embeddings: Size
    activation: Activation = "gelu"
    dropout: Rate = 0.1
    attention_dropout: Rate = 0.1
    initializer_range: Deviation = 0.02


def _read_bert(folder: CheckpointFolder, norm: str = "post") -> TransformerEncoderConfig:
    return _encoder_config(folder, folder.settings(_BertConfig), 0, norm)


def _read_roberta(folder: CheckpointFolder) -> TransformerEncoderConfig:
    """The positions up to that of padding are not those of any token."""
    settings = folder.settings(_RobertaConfig)
    return _encoder_config(folder, settings, settings.pad_token_id + 1, "post")


def _encoder_config(
    folder: CheckpointFolder, settings: _BertConfig, offset: int, norm: str
) -> TransformerEncoderConfig:
    check_heads(folder, "num_attention_heads", "hidden_size")
    positions = settings.max_position_embeddings
    if positions <= offset:
        raise folder.wrong(f"expected more than {offset} positions, which are not used, got {positions}")
    return TransformerEncoderConfig(
        settings.vocab_size,
        embedding_size=settings.hidden_size,
        hidden_size=settings.intermediate_size,
        num_layers=settings.num_hidden_layers,
        num_heads=settings.num_attention_heads,
        max_length=positions - offset,
        token_types=settings.type_vocab_size,
        position_offset=offset,
        norm=norm,
        embedding_norm=norm == "post",
        activation=activation(settings.hidden_act),
        epsilon=settings.layer_norm_eps,
        dropout=settings.hidden_dropout_prob,
        attention_dropout=settings.attention_probs_dropout_prob,
        init_std=settings.initializer_range,
    )


def _read_distilbert(folder: CheckpointFolder) -> TransformerEncoderConfig:
    settings = folder.settings(_DistilBertConfig)
    check_heads(folder, "n_heads", "dim")
    return TransformerEncoderConfig(
        settings.vocab_size,
        embedding_size=settings.dim,
        hidden_size=settings.hidden_dim,
        num_layers=settings.n_layers,
        num_heads=settings.n_heads,
        max_length=settings.max_position_embeddings,
        activation=activation(settings.activation),
        epsilon=_DISTIL_EPSILON,
        dropout=settings.dropout,
        attention_dropout=settings.attention_dropout,
        init_std=settings.initializer_range,
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
