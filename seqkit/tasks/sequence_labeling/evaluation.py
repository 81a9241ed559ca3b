"""Evaluation of taggers: words, and spans as the ``conlleval`` script counts them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqkit.data import EncodedSentences, TaggedBatch, WordEncoder, tagged_batch
from seqkit.data.tagging import WordTable
from seqkit.distributed.group import ALONE, ProcessGroup
from seqkit.metrics import SpanCounts, span_counts, total_counts
from seqkit.models import CountTagger, EncoderTagger, Tagger
from seqkit.progress import tracked
from seqkit.tasks.sequence_labeling.model import Features
from seqkit.text.tag_schemes import find_spans, span_tags

_CONFUSIONS = 50
"""Confusions that are reported: the most frequent."""


def length_batches(
    sentences: EncodedSentences, table: WordTable, batch_size: int, longest: int
) -> Iterator[TaggedBatch]:
    """Iterate over batches of similar length, of ``batch_size`` pieces or ``longest`` words with padding."""
    order = np.argsort(np.diff(sentences.offsets), kind="stable")
    first = 0
    while first < len(order):
        last = min(first + batch_size, len(order))
        lengths = np.diff(sentences.offsets)[order[first:last]]
        fitting = int(np.searchsorted(lengths * np.arange(1, len(lengths) + 1), longest, side="right"))
        last = first + max(1, min(fitting, last - first))
        yield tagged_batch(sentences, table, order[first:last])
        first = last


LONGEST_BATCH = 1 << 14
"""Words of a batch with padding, in evaluation."""


def predict(
    model: Tagger | EncoderTagger,
    features: Features,
    sentences: EncodedSentences,
    table: WordTable,
    *,
    batch_size: int,
    poll: Callable[[], None] = lambda: None,
    group: ProcessGroup = ALONE,
) -> tuple[np.ndarray, float]:
    """Return the predicted tags (tokens,), and the mean -log P of the true tags of a word, in nats.

    Pieces with a tag that the model does not know do not count for the mean; without any it is infinite.
    """
    predicted = np.zeros(len(sentences.words), np.int64)
    loss, words = 0.0, 0
    batches = length_batches(sentences, table, batch_size, LONGEST_BATCH)
    for batch in group.deal(tracked(batches, "evaluating", "batches")):
        unknown = (batch.tags >= model.config.tags).any(axis=1)
        tags = np.where(batch.tags < model.config.tags, batch.tags, 0)
        best, losses = model.evaluate(features(batch), tags)
        for row, length, guess in zip(batch.rows, batch.lengths, best, strict=True):
            start = sentences.offsets[row]
            predicted[start : start + length] = guess[:length]
        loss += float(losses[~unknown].sum())
        words += int(batch.lengths[~unknown].sum())
        poll()
    loss, words = group.sum(np.array([loss, words], np.float64)).tolist()
    return group.sum(predicted), loss / words if words else float("inf")


def predict_by_counts(
    model: CountTagger, encoder: WordEncoder, sentences: Iterable[Sequence[str]]
) -> list[list[int]]:
    """Return the ids of the tags of sentences of words."""
    words = encoder.words
    forms = list(dict.fromkeys(word for sentence in sentences for word in sentence))
    ids = [None if (n := words.id(encoder.key(form))) == words.unk_id else n for form in forms]
    known = dict(zip(forms, zip(ids, encoder.spelling(forms), strict=True), strict=True))
    found = []
    for sentence in tracked(sentences, "tagging", "sentences"):
        numbers, spelling = zip(*(known[word] for word in sentence), strict=True)
        found.append(model.tag(numbers, spelling))
    return found


@dataclass(frozen=True)
class TaggingScores:
    """Scores of a tagger on a split.

    Attributes:
        split: The name of the split.
        sentences: Number of sentences.
        words: Number of words.
        accuracy: Fraction of words with the right tag, in the scheme of the corpus.
        known_words: Number of words that the training split has, in any capitalisation if the run looks words
            up in lower case.
        known_accuracy: Their accuracy; None if there are none.
        unknown_accuracy: That of the others, likewise.
        loss: Mean -log P(tags) for each word, in nats; None for a model without it.
        spans: Counts of spans over all types; None for tags without spans.
        by_type: Counts of spans by type.
        confusions: (true tag, predicted tag, number), the most frequent first.
    """

    split: str
    sentences: int
    words: int
    accuracy: float
    known_words: int
    known_accuracy: float | None
    unknown_accuracy: float | None
    loss: float | None
    spans: SpanCounts | None
    by_type: dict[str, SpanCounts]
    confusions: tuple[tuple[str, str, int], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as JSON values."""
        return {
            **{name: value for name, value in vars(self).items() if name not in ("spans", "by_type")},
            "spans": None if self.spans is None else _as_dict(self.spans),
            "by_type": {name: _as_dict(counts) for name, counts in self.by_type.items()},
            "confusions": [list(row) for row in self.confusions],
        }


def _as_dict(counts: SpanCounts) -> dict[str, Any]:
    return {
        **vars(counts),
        "precision": counts.precision,
        "recall": counts.recall,
        "f1": counts.f1,
    }


def score_tags(
    split: str,
    predicted: list[list[str]],
    gold: list[tuple[str, ...]],
    known: np.ndarray,
    loss: float | None,
    *,
    spans: bool,
) -> TaggingScores:
    """Return the scores of predicted tags.

    Args:
        split: The name of the split.
        predicted: The tags of each sentence, in the scheme of the corpus.
        gold: The true tags.
        known: (tokens,), True for words of the training split.
        loss: Mean loss of a word.
        spans: Whether the tags have spans.
    """
    pairs = [
        (t, p) for true, guess in zip(gold, predicted, strict=True) for t, p in zip(true, guess, strict=True)
    ]
    right = np.array([true == guess for true, guess in pairs])
    wrong = Counter(pair for pair in pairs if pair[0] != pair[1])
    by_type = {}
    if spans:
        by_type = span_counts([find_spans(tags) for tags in predicted], [find_spans(tags) for tags in gold])
    return TaggingScores(
        split=split,
        sentences=len(gold),
        words=len(pairs),
        accuracy=float(right.mean()),
        known_words=int(known.sum()),
        known_accuracy=_mean(right[known]),
        unknown_accuracy=_mean(right[~known]),
        loss=loss,
        spans=total_counts(by_type.values()) if spans else None,
        by_type=by_type,
        confusions=tuple((true, guess, count) for (true, guess), count in wrong.most_common(_CONFUSIONS)),
    )


def _mean(right: np.ndarray) -> float | None:
    return float(right.mean()) if right.size else None


def to_input_scheme(tags: list[str], input_scheme: str | None) -> list[str]:
    """Return tags of a model in the scheme of the corpus."""
    return tags if input_scheme is None else span_tags(find_spans(tags), len(tags), input_scheme)


def sentence_tags(
    predicted: np.ndarray, bounds: np.ndarray, labels: tuple[str, ...], input_scheme: str | None
) -> list[list[str]]:
    """Return the tags of each sentence, in the scheme of the corpus, from ids (tokens,)."""
    names = [labels[tag] for tag in predicted.tolist()]
    return [
        to_input_scheme(names[start:end], input_scheme)
        for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)
    ]
