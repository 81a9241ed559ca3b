"""The names of tensors in folders of the BERT family.

Letters of shapes: V vocabulary, P positions, Y token types, E embedding, F width of the feed-forward network.
"""

from dataclasses import replace

from seqkit.models.checkpoints import Names, Row, linear, normalization

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
