"""Tagger: the spans and tags of a text."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from seqkit.corpora.readers.columns import sentence_rows
from seqkit.corpora.readers.lines import BadLine
from seqkit.errors import DataError
from seqkit.explorer.answers import Explorer, Values, endpoint
from seqkit.explorer.examples import example_of
from seqkit.explorer.views.view import View
from seqkit.tasks.sequence_labeling.data import untagged_columns

if TYPE_CHECKING:
    from starlette.routing import Route

    from seqkit.tasks.sequence_labeling.trained import TaggedText, TrainedTagger

MAX_TEXT = 10_000


def tag(explorer: Explorer, values: Values) -> dict[str, Any]:
    """Return each line of a text in pieces with their labels, and its words with their tags.

    For a tagger that reads feature columns, each sentence of a text in columns.
    """
    item = values.item(VIEW.applies(explorer.items.values()))
    lines = values.text("text", most=MAX_TEXT).rstrip("\n").split("\n")
    pretokenized = values.choice("pretokenized", ("yes", "no"), "no") == "yes"
    with item.use() as trained:
        if trained.settings.columns:
            tagged = _tag_columns(trained, lines)
        else:
            tagged = trained.tag(lines, pretokenized=pretokenized)
        names = {_label(name) for name in trained.labels} if trained.input_scheme else set(trained.labels)
    return {
        "labels": sorted(names - {""}),
        "lines": [
            {
                "pieces": pieces(each),
                "words": [
                    {"text": word.text, "tag": word.tag, "probability": word.probability}
                    for word in each.words
                ],
            }
            for each in tagged
        ],
    }


def _tag_columns(trained: TrainedTagger, lines: list[str]) -> list[TaggedText]:
    """Tag the sentences of lines with a word and its values each. Raise DataError for a bad line."""
    sentences = []
    for _, sentence in sentence_rows(enumerate(lines, 1), untagged_columns(trained.settings), "the text"):
        if isinstance(sentence, BadLine):
            raise DataError(f"{sentence.place}: {sentence.reason}", remedy=sentence.remedy)
        sentences.append(sentence)
    return trained.tag_sentences([s.words for s in sentences], [s.feature_columns for s in sentences])


def _label(name: str) -> str:
    """Return the label of a tag such as B-PER; "" of O."""
    return name.partition("-")[2]


def pieces(tagged: TaggedText) -> list[dict[str, Any]]:
    """Return a text cut wherever a span begins or ends, each piece with the spans that cover it.

    A piece says which of its spans begin in it: a label is shown once.
    """
    cuts = {0, len(tagged.text), *(span.start for span in tagged.spans), *(span.end for span in tagged.spans)}
    bounds = sorted(cuts)
    found = []
    for start, end in pairwise(bounds):
        inside = [span for span in tagged.spans if span.start <= start and end <= span.end]
        found.append(
            {
                "text": tagged.text[start:end],
                "spans": [
                    {"label": span.label, "probability": span.probability, "begins": span.start == start}
                    for span in inside
                ],
            }
        )
    return found


def _routes() -> list[Route]:
    return [endpoint("/tagger/example", example_of), endpoint("/tagger/tag", tag, method="POST")]


VIEW = View("tagger", "Tagger", _routes, frozenset({"sequence_labeling"}))
