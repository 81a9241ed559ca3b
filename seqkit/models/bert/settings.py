"""The architectures of the BERT family: names of tensors, and config.json from and to an encoder's config."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any

from seqkit.files import Between
from seqkit.models.checkpoints import (
    Activation,
    CheckpointFolder,
    Deviation,
    Epsilon,
    Names,
    Rate,
    Row,
    Size,
    check_heads,
    fields_of,
    key,
    keys_of,
    linear,
    normalization,
)
from seqkit.models.transformer import TransformerEncoderConfig

_OURS = "stack.layers.{i}."
_THEIRS = "encoder.layer.{i}."
_TOKENS = "embeddings.word_embeddings.weight"
_TABLES = (
    Row("embedding.tokens.weight", (_TOKENS,), "V E"),
    Row("embedding.positions.weight", ("embeddings.position_embeddings.weight",), "P E"),
)
_TYPES = Row("embedding.types.weight", ("embeddings.token_type_embeddings.weight",), "Y E")
_EMBEDDING_NORM = normalization("embedding.norm", "embeddings.LayerNorm")
_PRODUCTS = (
    *linear(
        _OURS + "attention.qkv",
        *(f"{_THEIRS}attention.self.{x}" for x in ("query", "key", "value")),
        shape="E E",
    ),
    *linear(_OURS + "attention.output", _THEIRS + "attention.output.dense", shape="E E"),
    *linear(_OURS + "feed_forward.up", _THEIRS + "intermediate.dense", shape="F E"),
    *linear(_OURS + "feed_forward.down", _THEIRS + "output.dense", shape="E F"),
)
_POOLER = linear("pooler", "pooler.dense", shape="E E")


def _masked(transform: str, norm: str, output: str) -> dict[str, tuple[Row, ...]]:
    return {
        "masked": (
            *linear("transform", transform, shape="E E"),
            *normalization("norm", norm),
            Row("bias", (f"{output}.bias",), "V"),
        )
    }


_MASKED = _masked("cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm", "cls.predictions")

BERT = Names(
    prefix="bert.",
    body=(*_TABLES, _TYPES, *_EMBEDDING_NORM),
    layer=(
        *_PRODUCTS,
        *normalization(_OURS + "attention_norm", _THEIRS + "attention.output.LayerNorm"),
        *normalization(_OURS + "feed_forward_norm", _THEIRS + "output.LayerNorm"),
    ),
    heads={"pooler": _POOLER, **_MASKED},
    copies={
        "cls.predictions.decoder.weight": _TOKENS,
        "cls.predictions.decoder.bias": "cls.predictions.bias",
    },
    ignored=("embeddings.position_ids", "embeddings.token_type_ids"),
    unread=("cls.seq_relationship.", "classifier.", "qa_outputs."),
)

ROBERTA = replace(
    BERT,
    prefix="roberta.",
    heads={"pooler": _POOLER, **_masked("lm_head.dense", "lm_head.layer_norm", "lm_head")},
    copies={"lm_head.decoder.weight": _TOKENS, "lm_head.decoder.bias": "lm_head.bias"},
)

MEGATRON = replace(
    BERT,
    body=(*_TABLES, _TYPES, *normalization("stack.final_norm", "encoder.ln")),
    layer=(
        *_PRODUCTS,
        *normalization(_OURS + "attention_norm", _THEIRS + "attention.ln"),
        *normalization(_OURS + "feed_forward_norm", _THEIRS + "ln"),
    ),
)

_DISTIL = "transformer.layer.{i}."

DISTILBERT = Names(
    prefix="distilbert.",
    body=(*_TABLES, *_EMBEDDING_NORM),
    layer=(
        *linear(
            _OURS + "attention.qkv", *(f"{_DISTIL}attention.{x}_lin" for x in ("q", "k", "v")), shape="E E"
        ),
        *linear(_OURS + "attention.output", _DISTIL + "attention.out_lin", shape="E E"),
        *normalization(_OURS + "attention_norm", _DISTIL + "sa_layer_norm"),
        *linear(_OURS + "feed_forward.up", _DISTIL + "ffn.lin1", shape="F E"),
        *linear(_OURS + "feed_forward.down", _DISTIL + "ffn.lin2", shape="E F"),
        *normalization(_OURS + "feed_forward_norm", _DISTIL + "output_layer_norm"),
    ),
    heads=_masked("vocab_transform", "vocab_layer_norm", "vocab_projector"),
    copies={"vocab_projector.weight": _TOKENS},
    ignored=("embeddings.position_ids",),
    unread=("pre_classifier.", "classifier.", "qa_outputs."),
)


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
