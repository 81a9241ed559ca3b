"""Language model: the surprisal of each token of a text, and a text that is continued token by token."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit.errors import UsageError
from seqkit.explorer.answers import Explorer, Values, endpoint
from seqkit.explorer.examples import example_of
from seqkit.explorer.opening import CAUSAL, Item
from seqkit.explorer.readable import reader
from seqkit.explorer.views.view import View
from seqkit.tasks.language_modeling import Continuation, TokenScore, TrainedLanguageModel
from seqkit.tasks.language_modeling.continuation import most_probable
from seqkit.text.special_tokens import UNK

if TYPE_CHECKING:
    from starlette.routing import Route

MAX_SCORED = 4000
"""Characters of a text to score: each token takes the probabilities of the whole vocabulary."""
MAX_PROMPT, MAX_NEW = 2000, 500
"""Characters of a prompt, and tokens after it."""
ALTERNATIVES = 8
TOP = 200
"""Tokens of a distribution that are sent one by one; the others are sent in groups of similar probability."""
_GROUPS = 40
_KEPT = 12


def score(explorer: Explorer, values: Values) -> dict[str, Any]:
    """Return the surprisal of each token of a text, with the most probable tokens in its place."""
    item = values.item(VIEW.applies(explorer.items.values()))
    text = values.text("text", most=MAX_SCORED)
    lines = text.rstrip("\n").split("\n")
    with item.use() as trained:
        scores = list(trained.score_tokens(lines, alternatives=ALTERNATIVES))
    ends = isinstance(trained, TrainedLanguageModel)
    read = _reader(trained)
    tokens = [each for line in scores for each in line]
    bits = sum(each.surprisal for each in tokens)
    # The characters of a word that the model does not know are not predicted
    hidden = any(each.unknown and each.token != UNK for each in tokens)
    characters = 0 if hidden else sum(len(line) + ends for line in lines)
    return {
        "lines": [[_token(each, read) for each in line] for line in scores],
        "tokens": len(tokens),
        "unknown": sum(each.unknown for each in tokens),
        "bits": bits,
        "bits_per_token": bits / len(tokens) if tokens else None,
        "bits_per_character": bits / characters if characters else None,
        "perplexity": 2 ** (bits / len(tokens)) if tokens and bits / len(tokens) < 1000 else None,
    }


def _reader(trained: Any) -> Callable[[str], str]:
    """Return the function that makes a token readable; those of a checkpoint folder are already."""
    return reader(trained.tokenizer) if isinstance(trained, TrainedLanguageModel) else str


def _token(score: TokenScore, read: Callable[[str], str]) -> dict[str, Any]:
    return {
        "text": read(score.token),
        "bits": score.surprisal,
        "probability": float(np.exp(score.log_prob)),
        "rank": score.rank,
        "unknown": score.unknown,
        "top": [[read(token), float(np.exp(log_prob))] for token, log_prob in score.alternatives],
    }


def next_token(explorer: Explorer, values: Values) -> dict[str, Any]:
    """Return the distribution of the token after a prompt and the tokens after it.

    With ``choose`` (an id), or ``seed`` and the settings of sampling, first continue the text by that token,
    or by one that is drawn.
    """
    item = values.item(VIEW.applies(explorer.items.values()))
    prompt, ids = values.text("prompt", "", most=MAX_PROMPT), values.integers("ids", count=MAX_NEW)
    with item.use() as trained:
        text = _recent.get(item, trained, prompt, ids)
        chosen, read = None, _reader(trained)
        if values.has("choose"):
            chosen = values.integer("choose", least=0, most=len(text.log_probs) - 1)
        elif values.has("seed"):
            temperature = values.number("temperature", 1, least=0, most=100)
            top_k = values.integer("top_k", least=1, most=1 << 30) if values.has("top_k") else None
            top_p = values.number("top_p", least=0.001, most=1) if values.has("top_p") else None
            seed = values.integer("seed", least=0, most=1 << 53)
            chosen = text.draw(temperature=temperature, top_k=top_k, top_p=top_p, generator=seed)
        stopped = chosen in text.prompt.stop
        new = None
        if chosen is not None:
            bits = -float(text.log_probs[chosen]) / np.log(2)
            new = {"id": chosen, "text": read(text.prompt.token_of(chosen)), "bits": bits}
            if not stopped:
                if len(ids) >= MAX_NEW:
                    raise UsageError(f"expected at most {MAX_NEW} tokens after the prompt")
                text = _recent.put(item, prompt, text.after(chosen))
        return {
            **_distribution(text, read),
            "chosen": new,
            "stopped": stopped,
            "text": text.text,
            "ids": list(text.ids),
        }


def _distribution(text: Continuation, read: Callable[[str], str]) -> dict[str, Any]:
    """Return the most probable ids one by one, the others in groups: their number, and log of their mean."""
    banned = set(text.prompt.banned)
    best = most_probable(text.log_probs, TOP)
    rest = text.log_probs.copy()
    rest[[i for i, _ in best]] = -np.inf
    rest[list(banned)] = -np.inf
    rest = np.sort(rest[np.isfinite(rest)])[::-1]
    groups = []
    if len(rest):
        cuts = np.linspace(rest[0], rest[-1], _GROUPS + 1)[1:-1]
        bounds = [0, *np.searchsorted(-rest, -cuts).tolist(), len(rest)]
        for first, end in pairwise(bounds):
            if first < end:
                groups.append([end - first, float(np.log(np.exp(rest[first:end]).mean()))])
    token_of, stop = text.prompt.token_of, set(text.prompt.stop)
    return {
        "top": [
            {"id": i, "text": read(token_of(i)), "log_prob": p, "banned": i in banned, "stop": i in stop}
            for i, p in best
        ],
        "rest": groups,
        "vocabulary": len(text.log_probs),
    }


class _Recent:
    """The continuations of the last requests, so that the next token costs one step of the model."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._texts: OrderedDict[tuple[Item, str, tuple[int, ...]], Continuation] = OrderedDict()

    def get(self, item: Item, trained: Any, prompt: str, ids: list[int]) -> Continuation:
        """Return a continuation, computed from the longest part of it that is kept."""
        known, done = None, len(ids)
        while known is None and done >= 0:
            with self._lock:
                known = self._texts.get((item, prompt, tuple(ids[:done])))
            done -= known is None
        text = trained.continuation(prompt) if known is None else known
        for i in ids[max(done, 0) :]:
            text = text.after(i)
        return self.put(item, prompt, text)

    def put(self, item: Item, prompt: str, text: Continuation) -> Continuation:
        """Keep a continuation and return it."""
        with self._lock:
            key = (item, prompt, text.ids)
            self._texts[key] = text
            self._texts.move_to_end(key)
            while len(self._texts) > _KEPT:
                self._texts.popitem(last=False)
        return text


_recent = _Recent()


def _routes() -> list[Route]:
    return [
        endpoint("/language-model/example", example_of),
        endpoint("/language-model/score", score, method="POST"),
        endpoint("/language-model/next", next_token, method="POST"),
    ]


VIEW = View("language-model", "Language model", _routes, frozenset({"language_modeling", CAUSAL}))
