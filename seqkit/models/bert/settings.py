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
    check_heads,
    fields_of,
    key,
    keys_of,
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
    embedding_size: Size = key("hidden_size")
    hidden_size: Size = key("intermediate_size")
    num_layers: Size = key("num_hidden_layers")
    num_heads: Size = key("num_attention_heads")
    max_length: Size = key("max_position_embeddings")
    token_types: Size = key("type_vocab_size", 2)
    activation: Activation = key("hidden_act", "gelu")
    epsilon: Epsilon = key("layer_norm_eps", 1e-12)
    dropout: Rate = key("hidden_dropout_prob", 0.1)
    attention_dropout: Rate = key("attention_probs_dropout_prob", 0.1)
    init_std: Deviation = key("initializer_range", 0.02)


@dataclass(frozen=True)
class _RobertaConfig(_BertConfig):
    pad_token_id: Annotated[int, Between(0)] = 1


@dataclass(frozen=True)
class _DistilBertConfig:
    vocab_size: Size
    embedding_size: Size = key("dim")
    hidden_size: Size = key("hidden_dim")
    num_layers: Size = key("n_layers")
    num_heads: Size = key("n_heads")
    max_length: Size = key("max_position_embeddings")
    activation: Activation = "gelu"
    dropout: Rate = 0.1
    attention_dropout: Rate = 0.1
    init_std: Deviation = key("initializer_range", 0.02)


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
    positions = settings.max_length
    if positions <= offset:
        raise folder.wrong(f"expected more than {offset} positions, which are not used, got {positions}")
    fields = fields_of(settings, _BertConfig) | {"max_length": positions - offset}
    return TransformerEncoderConfig(
        **fields, position_offset=offset, norm=norm, embedding_norm=norm == "post"
    )


def _read_distilbert(folder: CheckpointFolder) -> TransformerEncoderConfig:
    settings = folder.settings(_DistilBertConfig)
    check_heads(folder, "n_heads", "dim")
    return TransformerEncoderConfig(**fields_of(settings, _DistilBertConfig), epsilon=_DISTIL_EPSILON)


def _write_bert(config: TransformerEncoderConfig) -> dict[str, Any]:
    return {
        **keys_of(config, _BertConfig),
        "max_position_embeddings": config.max_length + config.position_offset,
        "type_vocab_size": config.token_types or 1,
        "position_embedding_type": "absolute",
        "pad_token_id": config.position_offset - 1 if config.position_offset else 0,
    }


def _write_distilbert(config: TransformerEncoderConfig) -> dict[str, Any]:
    return keys_of(config, _DistilBertConfig)


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
