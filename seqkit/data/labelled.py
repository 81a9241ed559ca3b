"""Labelled texts to ids, and batches of them: for models that read a sequence and name its class."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from seqkit.data.length_buckets import BucketedBatches
from seqkit.data.numbered_texts import NumberedTexts, encode_texts
from seqkit.data.padding import padded
from seqkit.errors import DataError, ShapeError
from seqkit.text import Tokenizer, Vocabulary
from seqkit.text.special_tokens import CLS

_BLOCK = 1 << 13


@dataclass(frozen=True)
class TextInfo:
    """What a split holds: texts, in all and of each label; tokens, and how many are unknown; texts cut."""

    texts: int
    by_label: tuple[int, ...]
    tokens: int
    unk: int
    cut: int


@dataclass(frozen=True)
class EncodedTexts:
    """N labelled texts as ids: row i of ``ids`` (tokens,) int32 lies at ``offsets[i]`` to ``offsets[i + 1]``.

    offsets: (N+1,) int64. labels: (N,) int32, places among the labels.
    """

    ids: np.ndarray
    offsets: np.ndarray
    labels: np.ndarray

    def __post_init__(self) -> None:
        if self.offsets.shape != (len(self.labels) + 1,) or self.offsets[-1] != len(self.ids):
            raise ShapeError(
                f"offsets {self.offsets.shape} do not fit ids {self.ids.shape} and labels {self.labels.shape}"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def text_ids(self, row: int) -> np.ndarray:
        """The ids of a text, (T,) int32."""
        return self.ids[self.offsets[row] : self.offsets[row + 1]]


@dataclass(frozen=True)
class EncodedLabelledCorpus:
    """Texts by split, and what turned them and their labels into ids."""

    vocabulary: Vocabulary
    labels: tuple[str, ...]
    tokenizer: Tokenizer
    splits: dict[str, EncodedTexts]
    info: dict[str, TextInfo]


def encode_labelled(
    sources: Mapping[str, Callable[[], Iterator[tuple[str, str]]]],
    tokenizer: Tokenizer,
    *,
    max_length: int,
    vocab_size: int | None = None,
    min_count: int = 1,
    cls: bool = False,
    vocabulary: Vocabulary | None = None,
    more_words: bool = False,
    labels: Sequence[str] | None = None,
) -> EncodedLabelledCorpus:
    """Encode every split; vocabulary and labels come from "train" alone unless they are given.

    sources: split -> a function that starts a pass over its (text, label) pairs (``LabelledCorpus.sources``).
    max_length: tokens of a text at most; what follows is left out.
    vocab_size, min_count: as in ``Vocabulary.from_counts``.
    cls: begin the vocabulary with ``<cls>``; where it has one, it stands before every text.
    more_words: put the training part's words, seen ``min_count`` times, behind a given vocabulary, whose
        ids stay.

    There is always an ``<unk>``, so that every text can be read. Labels are in alphabetical order. Raises
    DataError for a split without texts, a text without a token or with ``<cls>`` in it, fewer than two
    labels, a label that the training part lacks, and a vocabulary without a word.
    """
    if (vocabulary is None or labels is None) and "train" not in sources:
        raise DataError("no train split to take the vocabulary from", remedy="add one, or give vocabularies")
    meaning = "which stands before every text"
    texts = NumberedTexts("text", tokenizer, reserved=(CLS,), meaning=meaning)
    named = {split: _read(split, start(), texts) for split, start in sources.items()}
    labels = _choose_labels(named["train"]) if labels is None else tuple(labels)
    if vocabulary is None:
        size = None if vocab_size is None else max(1, vocab_size - cls)
        vocabulary = texts.words(texts.counts(), size, min_count, require_unk=True)
        vocabulary = _with_cls(vocabulary, len(named["train"])) if cls else vocabulary
    elif more_words:
        vocabulary = _joined(vocabulary, texts.counts(), min_count)
    splits, info = {}, {}
    for split, names in named.items():
        ids, offsets, unk = texts.encode(split, vocabulary)
        ids, offsets, cut = _bounded(ids, offsets, vocabulary, max_length)
        numbers = _label_numbers(split, names, labels)
        splits[split] = EncodedTexts(ids, offsets, numbers)
        by_label = tuple(np.bincount(numbers, minlength=len(labels)).tolist())
        info[split] = TextInfo(len(names), by_label, len(ids), unk, cut)
    return EncodedLabelledCorpus(vocabulary, labels, tokenizer, splits, info)


def _read(split: str, pairs: Iterator[tuple[str, str]], texts: NumberedTexts) -> list[str]:
    """Number the texts of a split; its labels."""
    parts, names = [], []
    while block := list(islice(pairs, _BLOCK)):
        parts.append(texts.number([text for text, _ in block]))
        names += [label for _, label in block]
    if not parts:
        raise DataError(f"the {split} part holds no texts", remedy="give more texts")
    texts.keep(split, parts)
    return names


def _choose_labels(names: Sequence[str]) -> tuple[str, ...]:
    found = sorted(set(names))
    if len(found) < 2:
        raise DataError(
            f"every training text has the label {names[0]!r}", remedy="give texts of two classes or more"
        )
    return tuple(found)


def _label_numbers(split: str, names: Sequence[str], labels: tuple[str, ...]) -> np.ndarray:
    places = {label: place for place, label in enumerate(labels)}
    for name in set(names):
        if name not in places:
            raise DataError(
                f"the label {name!r} of the {split} part is not among the {len(labels)} of the training part",
                remedy="give training texts with it, or leave out those texts",
            )
    return np.array([places[name] for name in names], np.int32)


def _with_cls(words: Vocabulary, texts: int) -> Vocabulary:
    counts = [] if words.counts is None else words.counts.tolist()
    return Vocabulary((CLS, *words.tokens), unk=words.unk, eos=None, counts=[texts, *counts])


def _joined(vocabulary: Vocabulary, counts: Mapping[str, int], min_count: int) -> Vocabulary:
    """With the words behind it that are new and frequent enough, if there are any."""
    words = Vocabulary.from_counts(counts, eos=None, min_count=min_count, require_unk=True)
    new = [token for token in words.tokens if token not in vocabulary and token != words.unk]
    return Vocabulary((*vocabulary.tokens, *new), unk=vocabulary.unk, eos=vocabulary.eos)


def _bounded(
    ids: np.ndarray, offsets: np.ndarray, vocabulary: Vocabulary, max_length: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Ids and offsets with ``<cls>`` before each row and no row longer than that; how many were cut."""
    front = int(CLS in vocabulary)
    lengths = np.diff(offsets)
    kept = np.minimum(lengths, max_length - front)
    bounds = np.concatenate(([0], np.cumsum(kept + front)))
    within = np.arange(len(ids)) - np.repeat(offsets[:-1], lengths) < np.repeat(kept, lengths)
    made = np.empty(bounds[-1], np.int32)
    words = np.ones(len(made), bool)
    if front:
        made[bounds[:-1]] = vocabulary.id(CLS)
        words[bounds[:-1]] = False
    made[words] = ids[within]
    return made, bounds, int(np.count_nonzero(kept < lengths))


def text_rows(
    texts: Sequence[str], tokenizer: Tokenizer, vocabulary: Vocabulary, max_length: int
) -> list[np.ndarray]:
    """The ids of new texts, (T,) int32 each, as :func:`encode_labelled` reads them; for ``pad_sources``.

    Raises DataError for a text without a token.
    """
    front = [vocabulary.id(CLS)] if CLS in vocabulary else []
    rows = encode_texts(texts, tokenizer, vocabulary)
    return [np.array([*front, *row[:max_length]][:max_length], np.int32) for row in rows]


@dataclass(frozen=True)
class TextBatch:
    """B texts, padded to the longest: ids (B, T) int32, lengths (B,) int32, labels (B,) int32.

    rows: (B,) int64, which texts these are.
    """

    ids: np.ndarray
    lengths: np.ndarray
    labels: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)


class TextBatches(BucketedBatches[TextBatch]):
    """Mini-batches of labelled texts; what they share with others, and the settings, stands there."""

    def __init__(
        self,
        texts: EncodedTexts,
        batch_size: int,
        *,
        bucket: bool = True,
        shuffle: bool = True,
        seed: int = 0,
    ) -> None:
        lengths = np.diff(texts.offsets)
        super().__init__("texts", (lengths,), batch_size, bucket=bucket, shuffle=shuffle, seed=seed)
        self.texts = texts

    def batch(self, epoch: int, index: int) -> TextBatch:
        """Batch ``index`` of an epoch."""
        rows, texts = self.rows(epoch, index), self.texts
        ids, held = padded(texts.ids, texts.offsets, rows)
        return TextBatch(ids, held.sum(axis=1).astype(np.int32), texts.labels[rows], rows)
