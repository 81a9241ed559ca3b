"""Labels: the probabilities of the classes of a text, and what each word contributes to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seqkit.errors import UsageError
from seqkit.explorer.answers import Explorer, Values, endpoint
from seqkit.explorer.examples import example_of
from seqkit.explorer.views.view import View

if TYPE_CHECKING:
    from starlette.routing import Route

MAX_TEXT = 5000
MAX_WORDS = 400
"""Words at most: each costs a classification."""
MAX_LABELS = 20
"""Labels that are sent, the most probable ones."""


def classify(explorer: Explorer, values: Values) -> dict[str, Any]:
    """Return the class probabilities of a text, and its pieces: words with contributions, and blanks."""
    item = values.item(VIEW.applies(explorer.items.values()))
    text = values.text("text", most=MAX_TEXT)
    with item.use() as trained:
        words = len(trained.word_spans(text))
        if words > MAX_WORDS:
            raise UsageError(f"expected at most {MAX_WORDS} words, got {words}", remedy="give a shorter text")
        [prediction] = trained.classify([text])
        found = trained.contributions(text)
    labels = sorted(prediction.probabilities.items(), key=lambda pair: -pair[1])[:MAX_LABELS]
    pieces: list[dict[str, Any]] = []
    done = 0
    for each in found:
        if each.start > done:
            pieces.append({"text": text[done : each.start]})
        pieces.append(
            {
                "text": each.word,
                "log_odds": {label: each.log_odds[label] for label, _ in labels},
                "without": None
                if each.without is None
                else {label: each.without.probabilities[label] for label, _ in labels},
            }
        )
        done = each.end
    if done < len(text):
        pieces.append({"text": text[done:]})
    return {"labels": labels, "others": len(prediction.probabilities) - len(labels), "pieces": pieces}


def _routes() -> list[Route]:
    return [endpoint("/labels/example", example_of), endpoint("/labels/classify", classify, method="POST")]


VIEW = View("labels", "Labels", _routes, frozenset({"text_classification"}))
