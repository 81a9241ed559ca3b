"""Example texts for the pages: from the corpus of a run, if it is one that seqkit knows by name."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from seqkit.corpora import REGISTRY, open_corpus, open_labelled, open_seq2seq, open_tagged
from seqkit.errors import SeqkitError
from seqkit.explorer.answers import Explorer, Values
from seqkit.explorer.opening import Item

_LOOKED_AT = 3000
"""Items of a split among which examples are chosen."""
_SHORTEST, _LONGEST = 20, 300
"""Characters of an example, where there are such."""


def example_of(explorer: Explorer, values: Values) -> dict[str, str | None]:
    """Return an example text for an item: ``number`` says which."""
    return {"text": example(values.item(), values.integer("number", 0, least=0, most=1 << 31))}


def example(item: Item, number: int) -> str | None:
    """Return an example text for a run, another for each number; None if there is none.

    Only corpora of the registry and NLTK's are read: the settings of a run may name any file.
    """
    name = {} if item.run is None else item.run.config.get("settings", {})
    corpus = name.get("corpus")
    if not isinstance(corpus, str) or not (corpus in REGISTRY or corpus.startswith("nltk:")):
        return None
    try:
        texts = list(dict.fromkeys(itertools.islice(_texts(item.kind, corpus, name), _LOOKED_AT)))
    except SeqkitError:
        return None  # the corpus has not been fetched
    fitting = [text for text in texts if _SHORTEST <= len(text) <= _LONGEST] or texts
    return fitting[97 * number % len(fitting)] if fitting else None


def _texts(kind: str, name: str, settings: Mapping[str, Any]) -> Iterator[str]:
    """Return the texts of a corpus's test split, or its last one, in columns where a tagger reads some."""

    def last(corpus: Any) -> str:
        return "test" if "test" in corpus.splits else corpus.splits[-1]

    if kind in ("language_modeling", "masked_language_modeling"):
        text = open_corpus(name)
        return (line.strip() for line in text.lines(last(text)) if line.strip())
    if kind == "sequence_labeling":
        columns = str(settings.get("feature_columns") or "").split(",")
        columns = [column for column in columns if column]
        tagged = open_tagged(name, feature_columns=columns)
        sentences = tagged.sentences(last(tagged))
        if not columns:
            return (" ".join(s.words) for s in sentences)
        rows = (zip(s.words, *s.feature_columns, strict=True) for s in sentences)
        return ("\n".join(map("\t".join, each)) for each in rows)
    pairs = open_labelled(name) if kind == "text_classification" else open_seq2seq(name)
    return (text for text, _ in pairs.pairs(last(pairs)))
