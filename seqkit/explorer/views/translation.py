"""Translation and attention: translations, the beam search behind them, and the weights of every head."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit.errors import UsageError
from seqkit.explorer.answers import Explorer, Values, endpoint
from seqkit.explorer.examples import example_of
from seqkit.explorer.opening import CAUSAL, ENCODER, Item
from seqkit.explorer.readable import reader
from seqkit.explorer.views.view import View
from seqkit.tasks.causal_checkpoints import CausalCheckpoint
from seqkit.tasks.sentence_encoding import SentenceEncoder
from seqkit.tasks.seq2seq import TrainedSeq2Seq

if TYPE_CHECKING:
    from starlette.routing import Route

    from seqkit.decoding import BeamNode

MAX_TEXT = 1000
MAX_BEAM = 10
MAX_WEIGHTS = 1 << 20
"""Weights of an answer at most: layers × heads × queries × keys of all types."""
_TRANSFORMERS = ("language_modeling", "text_classification")


def translate(explorer: Explorer, values: Values) -> dict[str, Any]:
    """Return the best translations of a text, and the search for them as a tree."""
    item = values.item([item for item in VIEW.applies(explorer.items.values()) if item.kind == "seq2seq"])
    text = values.text("text", most=MAX_TEXT).strip()
    beam = values.integer("beam", 4, least=1, most=MAX_BEAM)
    penalty = values.number("length_penalty", 0.6, least=0, most=5)
    with item.use() as trained:
        tree = trained.beam_tree(text, beam=beam, length_penalty=penalty)
        tokens = trained.target_vocabulary.decode
        detokenize, read = trained.target_tokenizer.detokenize, reader(trained.target_tokenizer)
        return {
            "translations": [
                {
                    "text": detokenize(tokens(each.ids)),
                    "tokens": tokens(each.ids),
                    "log_prob": each.log_prob,
                    "score": each.score,
                    "complete": each.stopped,
                }
                for each in tree.hypotheses
            ],
            "tree": [
                _node(node, read(token))
                for node, token in zip(tree.nodes, tokens([n.id for n in tree.nodes]), strict=True)
            ],
            "attention": trained.model.attention is not None,
        }


def _node(node: BeamNode, token: str) -> dict[str, Any]:
    values = vars(node)
    return {"token": token, **{name: values[name] for name in values if name != "id"}}


def attention(explorer: Explorer, values: Values) -> list[dict[str, Any]]:
    """Return the attention weights of all layers and heads, as 16-bit integers of which 65,535 is 1."""
    from seqkit.tasks.attention_maps import attention_maps

    item = values.item(VIEW.applies(explorer.items.values()))
    text = values.text("text", most=MAX_TEXT).strip()
    with item.use() as trained:
        target = values.texts("target", count=MAX_TEXT) if values.has("target") else None
        maps = attention_maps(trained, text, target)
        sides = _readers(trained)
    size = sum(each.weights.size for each in maps)
    if size > MAX_WEIGHTS:
        raise UsageError(
            f"expected a text with at most {MAX_WEIGHTS:,} attention weights, got {size:,}",
            remedy="give a shorter text",
        )
    return [
        {
            "name": each.name,
            "shape": list(each.weights.shape),
            "queries": list(map(sides[each.name != "encoder"], each.queries)),
            "keys": list(map(sides[each.name == "decoder"], each.keys)),
            "weights": base64.b64encode(np.rint(65535 * each.weights).astype("<u2").tobytes()).decode(),
        }
        for each in maps
    ]


def _readers(trained: Any) -> tuple[Callable[[str], str], Callable[[str], str]]:
    """Return the functions that make tokens of the source and of the target readable."""
    if isinstance(trained, TrainedSeq2Seq):
        return reader(trained.source_tokenizer), reader(trained.target_tokenizer)
    decoded = isinstance(trained, CausalCheckpoint | SentenceEncoder)
    return (str, str) if decoded else (reader(trained.tokenizer),) * 2


def fits(item: Item) -> bool:
    """Return whether an item translates, or has attention: of some tasks only the Transformers have it."""
    if item.run is None or item.kind not in _TRANSFORMERS:
        return True
    return item.run.config.get("settings", {}).get("model") == "transformer"


def _routes() -> list[Route]:
    return [
        endpoint("/translation/example", example_of),
        endpoint("/translation/translate", translate, method="POST"),
        endpoint("/translation/attention", attention, method="POST"),
    ]


KINDS = frozenset({"seq2seq", "masked_language_modeling", *_TRANSFORMERS, CAUSAL, ENCODER})
VIEW = View("translation", "Translation and attention", _routes, KINDS, fits=fits)
