"""Evaluation of taggers: words, and spans as the ``conlleval`` script counts them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from seqkit.backend.batch_threads import map_batches
from seqkit.data import EncodedSentences, TaggedBatch, TaggingEncoder, WordEncoder, tagged_batch
from seqkit.data.tagging import WordTable, batch_of_rows, spelling
from seqkit.distributed.group import ALONE, ProcessGroup
from seqkit.metrics import SpanCounts, span_counts, total_counts
from seqkit.models import CountTagger, EncoderTagger, Tagger, TaggerInput
from seqkit.progress import tracked
from seqkit.tasks.sequence_labeling.model import features_of
from seqkit.text.tag_schemes import find_spans, span_tags

Result = TypeVar("Result")

_CONFUSIONS = 50
"""Confusions that are reported: the most frequent."""


LONGEST_BATCH = 1 << 14
"""Words of a batch with padding, in evaluation."""

_SPELLED = 1024
"""Words whose letters are read at a time."""


def length_rows(sentences: EncodedSentences, batch_size: int) -> Iterator[np.ndarray]:
    """Iterate over the pieces of batches of similar length, from the longest.

    A batch has ``batch_size`` pieces, or fewer of :data:`LONGEST_BATCH` words with padding.
    """
    lengths = np.diff(sentences.offsets)
    order = np.argsort(-lengths, kind="stable")
    first = 0
    while first < len(order):
        last = first + max(1, min(batch_size, LONGEST_BATCH // int(lengths[order[first]])))
        yield order[first:last]
        first = last


@contextmanager
def batch_results(
    model: Tagger | EncoderTagger,
    encoder: TaggingEncoder,
    sentences: EncodedSentences,
    table: WordTable,
    batch_size: int,
    compute: Callable[[Any, TaggedBatch], Result],
    *,
    progress: str,
    group: ProcessGroup = ALONE,
) -> Iterator[Iterator[tuple[TaggedBatch, Result]]]:
    """Give this process's batches, each with ``compute(what the model reads, batch)``, in a ``with`` block.

    Several threads compute, and the letters of a word are read once.
    """
    read = _reader(model, encoder, sentences, table)

    def compute_rows(rows: np.ndarray) -> tuple[TaggedBatch, Result]:
        features, batch = read(rows)
        return batch, compute(features, batch)

    batches = group.deal(tracked(length_rows(sentences, batch_size), progress, "batches"))
    with model.evaluating(), map_batches(compute_rows, batches, model.device.kind) as results:
        yield results


def _reader(
    model: Tagger | EncoderTagger, encoder: TaggingEncoder, sentences: EncodedSentences, table: WordTable
) -> Callable[[np.ndarray], tuple[Any, TaggedBatch]]:
    """Return the function from the pieces of a batch to what the model reads, and the batch."""
    features = features_of(model.config, encoder)
    if not isinstance(model, Tagger) or model.characters is None:

        def read(rows: np.ndarray) -> tuple[Any, TaggedBatch]:
            batch = tagged_batch(sentences, table, rows)
            return features(batch), batch

        return read
    words = np.unique(sentences.words)
    words = words[np.argsort(np.diff(table.offsets)[words], kind="stable")]
    places = np.zeros(len(table.ids), np.int32)
    places[words] = np.arange(len(words))
    blocks = (words[first : first + _SPELLED] for first in range(0, len(words), _SPELLED))
    vectors = model.letter_vectors(spelling(table, block) for block in blocks)

    def read_spelled(rows: np.ndarray) -> tuple[Any, TaggedBatch]:
        batch = batch_of_rows(sentences, table, rows)
        given = features(batch)
        assert isinstance(given, TaggerInput)
        known = replace(given, words=places[batch.words], letters=None, letter_vectors=vectors)
        return known, batch

    return read_spelled


def predict(
    model: Tagger | EncoderTagger,
    encoder: TaggingEncoder,
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
    loss, words, known = 0.0, 0, model.config.tags

    def evaluate(features: Any, batch: TaggedBatch) -> tuple[np.ndarray, np.ndarray]:
        return model.evaluate(features, np.where(batch.tags < known, batch.tags, 0))

    with batch_results(
        model, encoder, sentences, table, batch_size, evaluate, progress="evaluating", group=group
    ) as results:
        for batch, (best, losses) in results:
            unknown = (batch.tags >= known).any(axis=1)
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
        known_words: Number of words that the training split of the run has, in any capitalisation if the run
            looks words up in lower case. None if that is not known, for other sentences with a pretrained
            encoder.
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
    known_words: int | None
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
    known: np.ndarray | None,
    loss: float | None,
    *,
    spans: bool,
) -> TaggingScores:
    """Return the scores of predicted tags.

    Args:
        split: The name of the split.
        predicted: The tags of each sentence, in the scheme of the corpus.
        gold: The true tags.
        known: (tokens,), True for words of the training split; None if that is not known.
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
        known_words=None if known is None else int(known.sum()),
        known_accuracy=None if known is None else _mean(right[known]),
        unknown_accuracy=None if known is None else _mean(right[~known]),
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
