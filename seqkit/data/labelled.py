"""Labelled texts as ids, and batches of them, for text classification."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from seqkit.data.batches import BucketedBatches, padded
from seqkit.data.text_encoder import TextEncoder, encode_texts
from seqkit.errors import DataError, ShapeError
from seqkit.text import Tokenizer, Vocabulary
from seqkit.text.special_tokens import CLS

_BLOCK = 1 << 13


@dataclass(frozen=True)
class TextInfo:
    """Sizes of a split: texts, in all and of each label; tokens, and how many are unknown; cut texts."""

    texts: int
    by_label: tuple[int, ...]
    tokens: int
    unk: int
    cut: int


@dataclass(frozen=True)
class EncodedTexts:
    """N labelled texts as ids: row i is ``ids[offsets[i] : offsets[i + 1]]``, ``ids`` (tokens,) int32.

    offsets: (N+1,) int64. labels: (N,) int32, indices of the labels.
    """

    ids: np.ndarray
    offsets: np.ndarray
    labels: np.ndarray

    def __post_init__(self) -> None:
        if self.offsets.shape != (len(self.labels) + 1,) or self.offsets[-1] != len(self.ids):
            raise ShapeError(
                f"expected offsets for {len(self.labels)} labels up to the end of the ids {self.ids.shape}, "
                f"got {self.offsets.shape}"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def text_ids(self, row: int) -> np.ndarray:
        """Return the ids of a text, (T,) int32."""
        return self.ids[self.offsets[row] : self.offsets[row + 1]]


@dataclass(frozen=True)
class EncodedLabelledCorpus:
    """Texts by split, and what encoded them and their labels."""

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
    """Encode every split of a corpus of labelled texts.

    Vocabulary and labels come from "train" alone unless they are given. There is always an ``<unk>``, so that
    every text can be read. Labels are in alphabetical order.

    Args:
        sources: Split -> a function that starts a pass over its (text, label) pairs
            (``LabelledCorpus.sources``).
        tokenizer: Gives the tokens.
        max_length: The largest number of tokens of a text; what follows is left out.
        vocab_size: As in ``Vocabulary.from_counts``.
        min_count: Likewise.
        cls: Begin the vocabulary with ``<cls>``. A vocabulary with it puts it before every text.
        vocabulary: The vocabulary of an earlier run.
        more_words: Put the training split's words, seen ``min_count`` times, behind a given vocabulary, whose
            ids stay.
        labels: The labels of an earlier run.

    Raises:
        DataError: For a split without texts, a text without a token or with ``<cls>`` in it, fewer than two
            labels, a label that the training split lacks, and a vocabulary without a word.
    """
    if (vocabulary is None or labels is None) and "train" not in sources:
        raise DataError("no train split to take the vocabulary from", remedy="add one, or give vocabularies")
    meaning = "which stands before every text"
    texts = TextEncoder("text", tokenizer, reserved=(CLS,), meaning=meaning)
    named = {split: _read(split, start(), texts) for split, start in sources.items()}
    labels = _choose_labels(named["train"]) if labels is None else tuple(labels)
    if vocabulary is None:
        size = None if vocab_size is None else max(1, vocab_size - cls)
        vocabulary = texts.vocabulary(texts.counts(), size, min_count, require_unk=True)
        vocabulary = _with_cls(vocabulary, len(named["train"])) if cls else vocabulary
    elif more_words:
        vocabulary = vocabulary.with_words(texts.counts(), texts.tokens(), min_count=min_count)
    splits, info = {}, {}
    for split, names in named.items():
        ids, offsets, unk = texts.encode(split, vocabulary)
        ids, offsets, cut = _bounded(ids, offsets, vocabulary, max_length)
        numbers = _label_numbers(split, names, labels)
        splits[split] = EncodedTexts(ids, offsets, numbers)
        by_label = tuple(np.bincount(numbers, minlength=len(labels)).tolist())
        info[split] = TextInfo(len(names), by_label, len(ids), unk, cut)
    return EncodedLabelledCorpus(vocabulary, labels, tokenizer, splits, info)


def _read(split: str, pairs: Iterator[tuple[str, str]], texts: TextEncoder) -> list[str]:
    """Read the texts of a split by blocks; return its labels."""
    blocks, names = [], []
    while block := list(islice(pairs, _BLOCK)):
        blocks.append(texts.number([text for text, _ in block]))
        names += [label for _, label in block]
    if not blocks:
        raise DataError(f"the {split} split has no texts", remedy="give more texts")
    texts.keep(split, blocks)
    return names


def _choose_labels(names: Sequence[str]) -> tuple[str, ...]:
    labels = sorted(set(names))
    if len(labels) < 2:
        raise DataError(
            f"every training text has the label {names[0]!r}", remedy="give texts of two classes or more"
        )
    return tuple(labels)


def _label_numbers(split: str, names: Sequence[str], labels: tuple[str, ...]) -> np.ndarray:
    numbers = {label: number for number, label in enumerate(labels)}
    for name in set(names):
        if name not in numbers:
            raise DataError(
                f"the label {name!r} of the {split} split is not among the {len(labels)} training labels",
                remedy="give training texts with it, or leave out those texts (or is it a header row?)",
            )
    return np.array([numbers[name] for name in names], np.int32)


def _with_cls(words: Vocabulary, texts: int) -> Vocabulary:
    counts = [] if words.counts is None else words.counts.tolist()
    return Vocabulary((CLS, *words.tokens), unk=words.unk, eos=None, counts=[texts, *counts])


def _bounded(
    ids: np.ndarray, offsets: np.ndarray, vocabulary: Vocabulary, max_length: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return ids and offsets with ``<cls>`` before each row, rows cut to size, and the number of cut rows."""
    front = int(CLS in vocabulary)
    lengths = np.diff(offsets)
    kept = np.minimum(lengths, max_length - front)
    bounds = np.concatenate(([0], np.cumsum(kept + front)))
    within = np.arange(len(ids)) - np.repeat(offsets[:-1], lengths) < np.repeat(kept, lengths)
    cut = np.empty(bounds[-1], np.int32)
    words = np.ones(len(cut), bool)
    if front:
        cut[bounds[:-1]] = vocabulary.id(CLS)
        words[bounds[:-1]] = False
    cut[words] = ids[within]
    return cut, bounds, int(np.count_nonzero(kept < lengths))


def text_rows(
    texts: Sequence[str], tokenizer: Tokenizer, vocabulary: Vocabulary, max_length: int
) -> list[np.ndarray]:
    """Return the ids of new texts, (T,) int32 each, as :func:`encode_labelled` reads them; for ``pad_batch``.

    Raises:
        DataError: For a text without a token.
    """
    front = [vocabulary.id(CLS)] if CLS in vocabulary else []
    rows = encode_texts(texts, tokenizer, vocabulary)
    return [np.array([*front, *row[:max_length]][:max_length], np.int32) for row in rows]


@dataclass(frozen=True)
class TextBatch:
    """B texts, padded to the longest: ids (B, T) int32, lengths (B,) int32, labels (B,) int32.

    rows: (B,) int64, the texts' rows in the split.
    """

    ids: np.ndarray
    lengths: np.ndarray
    labels: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)


class TextBatches(BucketedBatches[TextBatch]):
    """Mini-batches of labelled texts; the arguments are those of :class:`BucketedBatches`."""

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
        """Return batch ``index`` of an epoch."""
        rows, texts = self.rows(epoch, index), self.texts
        ids, held = padded(texts.ids, texts.offsets, rows)
        return TextBatch(ids, held.sum(axis=1).astype(np.int32), texts.labels[rows], rows)
