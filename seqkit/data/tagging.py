"""Tagged sentences as ids, and batches of them, for sequence labelling."""

import functools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar, Protocol, Self

import numpy as np

from seqkit.data.batches import BucketedBatches, padded
from seqkit.errors import DataError, Remedy
from seqkit.text import Vocabulary
from seqkit.text.scripts import is_unspaced
from seqkit.text.tag_schemes import detect_scheme, find_spans, first_break, is_legal, span_tags, tag_set

LONGEST_WORD = 50
"""Letters of a word that count: of a longer one the first and the last 25."""

SHAPES = ("lower", "capital", "upper", "mixed", "digits", "other")
"""Classes of capitalisation (Collobert et al. 2011, section 4.4), and of words without letters."""

_DIGIT = re.compile(r"\d")


class Sentence(Protocol):
    """A tagged sentence of a corpus."""

    @property
    def words(self) -> tuple[str, ...]:
        """The words."""

    @property
    def tags(self) -> tuple[str, ...]:
        """The tag of each word."""

    @property
    def feature_columns(self) -> tuple[tuple[str, ...], ...]:
        """Further columns of the corpus, each with a value for each word."""

    def place(self, position: int) -> str:
        """Return file and line of a word."""


def word_shape(word: str) -> int:
    """Return the class of a word in :data:`SHAPES`.

    Example:
        >>> [SHAPES[word_shape(word)] for word in ("a", "The", "UN", "iOS", "3.14", "?")]
        ['lower', 'capital', 'upper', 'mixed', 'digits', 'other']
    """
    if word.islower():
        return 0
    if word.isupper():
        return 1 if len(word) == 1 else 2
    if word[:1].isupper() and not any(letter.isupper() for letter in word[1:]):
        return 1
    if any(letter.isupper() for letter in word):
        return 3
    return 4 if _DIGIT.search(word) else 5


@dataclass(frozen=True)
class WordTable:
    """The features of N different words; those with other values in C feature columns are different.

    ids: (N,) int32, of the vocabulary. shapes: (N,) int32. letters: int32, those of word n at ``offsets[n]``
    to ``offsets[n + 1]``; or its pieces. offsets: (N+1,) int64. feature_columns: (N, C) int32.
    """

    ids: np.ndarray
    shapes: np.ndarray
    letters: np.ndarray
    offsets: np.ndarray
    feature_columns: np.ndarray


@dataclass(frozen=True)
class UnspacedWords:
    """Words of scripts without blanks between words, as in Chinese: the longest, and the mean length."""

    longest: int = 0
    mean: float = 0.0

    @classmethod
    def of(cls, words: Iterable[str]) -> Self:
        """Return those among some words."""
        lengths = [len(word) for word in words if is_unspaced(word)]
        return cls(max(lengths), sum(lengths) / len(lengths)) if lengths else cls()


class TaggingEncoder(Protocol):
    """Words to what a tagger sees of them."""

    @property
    def unspaced(self) -> UnspacedWords:
        """The known words of scripts without blanks between words."""

    def describe(self) -> str:
        """Return the size of its vocabulary in words."""

    def knows(self, word: str) -> bool:
        """Return whether a word is in its vocabulary."""

    def table(self, words: Iterable[str], feature_columns: Sequence[Sequence[str]] = ()) -> WordTable:
        """Return the features of different words, in their order, with their values in feature columns."""

    def is_trained(self, table: WordTable) -> np.ndarray | None:
        """Return which words of a table its training split has, (N,) bool; None if that is not kept."""

    def sizes(self, table: WordTable) -> np.ndarray:
        """Return what each word of a table adds to the length of a sentence, (N,)."""

    def room(self, max_length: int) -> int:
        """Return the length at which sentences are cut."""


@dataclass(frozen=True)
class WordEncoder:
    """Words to their ids, letters and capitalisation.

    Args:
        words: The vocabulary of words, with an unknown token.
        letters: The vocabulary of letters, likewise.
        lowercase: Whether words are looked up in lower case; letters are as they stand.
        zero_digits: Whether each digit of a word is looked up as 0.
        feature_columns: The vocabulary of each feature column, likewise.
    """

    words: Vocabulary
    letters: Vocabulary
    lowercase: bool
    zero_digits: bool
    feature_columns: tuple[Vocabulary, ...] = ()

    def key(self, word: str) -> str:
        """Return a word as it stands in the vocabulary."""
        return normalized(word, self.lowercase, self.zero_digits)

    def describe(self) -> str:
        """Return the size of its vocabulary in words."""
        return f"{len(self.words):,} types"

    def knows(self, word: str) -> bool:
        """Return whether a word is in its vocabulary."""
        return self.key(word) in self.words

    def is_trained(self, table: WordTable) -> np.ndarray | None:
        """Return which words of a table its training split has, (N,) bool.

        Words of a vector file are not among them, and words that were added to another run's are.
        """
        known = table.ids != self.words.unk_id
        return known if self.words.counts is None else known & (self.words.counts[table.ids] > 0)

    @functools.cached_property
    def unspaced(self) -> UnspacedWords:
        """The known words of scripts without blanks between words."""
        return UnspacedWords.of(self.words)

    def sizes(self, table: WordTable) -> np.ndarray:
        """Return 1 for each word, (N,)."""
        return np.ones(len(table.ids), np.int64)

    def room(self, max_length: int) -> int:
        """Return the number of words at which sentences are cut."""
        return max_length

    def table(self, words: Iterable[str], feature_columns: Sequence[Sequence[str]] = ()) -> WordTable:
        """Return the features of different words, in their order, with their values in feature columns."""
        listed = list(words)
        spelt = [word if len(word) <= LONGEST_WORD else word[:25] + word[-25:] for word in listed]
        lengths = [len(word) for word in spelt]
        return WordTable(
            self.words.encode(map(self.key, listed)),
            np.array([word_shape(word) for word in listed], np.int32),
            self.letters.encode("".join(spelt)),
            np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
            _encode_columns(self.feature_columns, feature_columns, len(listed)),
        )

    def spelling(self, words: Iterable[str]) -> list[tuple[int, list[int]]]:
        """Return the class of capitalisation and the letters of words."""
        table = self.table(words)
        letters, bounds = table.letters.tolist(), table.offsets.tolist()
        rows = zip(table.shapes.tolist(), bounds, bounds[1:], strict=False)
        return [(shape, letters[start:end]) for shape, start, end in rows]


def _encode_columns(
    vocabularies: Sequence[Vocabulary], columns: Sequence[Sequence[str]], words: int
) -> np.ndarray:
    """Return the ids (N, C) of the values of words; without values, of a model that does not see them, 0."""
    if not columns:
        return np.zeros((words, len(vocabularies)), np.int32)
    ids = [vocabulary.encode(column) for vocabulary, column in zip(vocabularies, columns, strict=True)]
    return np.stack(ids, axis=1).astype(np.int32)


def normalized(word: str, lowercase: bool, zero_digits: bool) -> str:
    """Return a word in lower case and with 0 for each digit, as the settings say."""
    word = word.lower() if lowercase else word
    return _DIGIT.sub("0", word) if zero_digits else word


@dataclass(frozen=True)
class EncodedSentences:
    """Sentences as rows of a word table, and as ids of tags, in pieces of a limited length.

    Most sentences are one piece. words, tags: (tokens,) int32. offsets: (P+1,) int64, the bounds of the
    pieces. bounds: (S+1,) int64, those of the sentences.
    """

    words: np.ndarray
    tags: np.ndarray
    offsets: np.ndarray
    bounds: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1


@dataclass(frozen=True)
class TaggedInfo:
    """Sizes of a split: sentences, words, and words whose tag no training sentence has."""

    sentences: int
    words: int
    unseen_tags: int


@dataclass(frozen=True)
class EncodedTaggedCorpus:
    """Sentences by split, and what encoded them.

    Attributes:
        encoder: Encodes words.
        table: The features of all words of all splits.
        counts: (N,) int64, occurrences of each row of the table in the training split.
        known: (N,) bool, whether the training split has the word, as the encoder looks it up, with whatever
            values in feature columns. None for an encoder that does not keep words, without that split.
        labels: The tags in the scheme that the model learns, without those that only held-out splits have.
        unseen: Tags of held-out splits that no training sentence has; their ids follow those of ``labels``.
        input_scheme: The scheme of the corpus; None for tags without spans.
        scheme: The scheme of ``labels``; None likewise.
        splits: The sentences.
        gold: The tags of each sentence as the corpus has them, by split.
        forms: The words of each sentence, by split.
        info: Sizes.
        repaired: (place, number of sentences): the first broken sentence and how many there were.
    """

    encoder: TaggingEncoder
    table: WordTable
    counts: np.ndarray
    known: np.ndarray | None
    labels: tuple[str, ...]
    unseen: tuple[str, ...]
    input_scheme: str | None
    scheme: str | None
    splits: dict[str, EncodedSentences]
    gold: dict[str, list[tuple[str, ...]]]
    forms: dict[str, list[tuple[str, ...]]]
    info: dict[str, TaggedInfo]
    repaired: tuple[str, int] | None


def encode_tagged(
    sources: Mapping[str, Callable[[], Iterator[Sentence]]],
    *,
    scheme: str,
    input_scheme: str | None,
    on_broken_tags: str,
    lowercase: bool,
    zero_digits: bool,
    min_count: int,
    vocab_size: int | None,
    max_length: int,
    encoder: TaggingEncoder | None = None,
    labels: Sequence[str] | None = None,
    more_words: Iterable[str] = (),
    grow: bool = False,
) -> EncodedTaggedCorpus:
    """Encode every split of a corpus of tagged sentences.

    Vocabularies and tags come from "train" alone unless they are given. Tags of spans are learned in a scheme
    of their own, other tags as they stand.

    Args:
        sources: Split -> a function that starts a pass over its sentences.
        scheme: The scheme to learn, if tags have spans.
        input_scheme: The scheme of the corpus, "none" for tags without spans; None: found out.
        on_broken_tags: "error" or "repair", for sequences that break the scheme of the corpus. Repaired, a
            span begins where ``conlleval`` sees it begin.
        lowercase: As in :class:`WordEncoder`.
        zero_digits: Likewise.
        min_count: Words seen less often are unknown.
        vocab_size: The largest number of words.
        max_length: Sentences of more words are cut, between spans.
        encoder: That of an earlier run.
        labels: The tags of an earlier run.
        more_words: Words that the vocabulary has behind those of the training split, as they stand in it.
        grow: Put the training split's words, seen ``min_count`` times, and letters behind those of a given
            ``encoder``, whose ids stay.

    Raises:
        DataError: For a split without sentences, a broken sequence, fewer than two tags.
    """
    sentences = {split: list(start()) for split, start in sources.items()}
    for split, rows in sentences.items():
        if not rows:
            raise DataError(f"the {split} split has no sentences", remedy="give more sentences")
    first = next(iter(sentences.values()))
    if input_scheme is None:
        input_scheme = detect_scheme(s.tags for s in sentences.get("train", first)) or "none"
    spans = input_scheme != "none"
    repaired, tags = _repaired(sentences, input_scheme, on_broken_tags) if spans else (None, {})
    for split, rows in sentences.items():
        if spans:
            tags[split] = [tuple(span_tags(find_spans(t), len(t), scheme)) for t in tags[split]]
        else:
            tags[split] = [s.tags for s in rows]
    if "train" not in sentences and (labels is None or encoder is None):
        raise DataError("no train split to take the vocabulary from", remedy="add one")
    if labels is None:
        labels = _choose_labels(tags["train"], scheme if spans else None)
    if encoder is None:
        encoder = _learn(sentences, lowercase, zero_digits, min_count, vocab_size, more_words)
    elif grow:
        assert isinstance(encoder, WordEncoder)
        encoder = _grown(sentences, encoder, min_count)
    numbers = {label: number for number, label in enumerate(labels)}
    rows_of: dict[tuple[str, ...], int] = {}
    numbered = {
        split: np.array(
            [rows_of.setdefault(key, len(rows_of)) for s in rows for key in row_keys(s)], np.int32
        )
        for split, rows in sentences.items()
    }
    table = table_of(encoder, rows_of)
    sizes, room = encoder.sizes(table), encoder.room(max_length)
    splits, info = {}, {}
    for split, rows in sentences.items():
        words = numbered[split]
        ids = [numbers.setdefault(tag, len(numbers)) for of_sentence in tags[split] for tag in of_sentence]
        bounds = np.concatenate(([0], np.cumsum([len(s.words) for s in rows]))).astype(np.int64)
        offsets = cut_sentences(bounds, sizes[words], room, tags[split], scheme if spans else None)
        found = np.array(ids, np.int32)
        splits[split] = EncodedSentences(words, found, offsets, bounds)
        info[split] = TaggedInfo(len(rows), len(words), int((found >= len(labels)).sum()))
    train = splits["train"].words if "train" in splits else np.empty(0, np.int32)
    known = encoder.is_trained(table)
    if known is None and "train" in sentences:
        trained = {word for s in sentences["train"] for word in s.words}
        known = np.array([word in trained for word, *_ in rows_of], bool)
    return EncodedTaggedCorpus(
        encoder,
        table,
        np.bincount(train, minlength=len(rows_of)),
        known,
        tuple(labels),
        tuple(numbers)[len(labels) :],
        input_scheme if spans else None,
        scheme if spans else None,
        splits,
        {split: [s.tags for s in rows] for split, rows in sentences.items()},
        {split: [s.words for s in rows] for split, rows in sentences.items()},
        info,
        repaired,
    )


def row_keys(sentence: Sentence) -> Iterator[tuple[str, ...]]:
    """Return what makes each word of a sentence a row of the table: itself, and its feature columns."""
    return zip(sentence.words, *sentence.feature_columns, strict=True)


def table_of(encoder: TaggingEncoder, keys: Iterable[tuple[str, ...]]) -> WordTable:
    """Return the table of one :func:`row_keys` or more."""
    words, *columns = zip(*keys, strict=True)
    return encoder.table(words, columns)


def _repaired(
    sentences: Mapping[str, Sequence[Sentence]], scheme: str, on_broken_tags: str
) -> tuple[tuple[str, int] | None, dict[str, list[tuple[str, ...]]]]:
    """Return the first broken place with the number of broken sentences, and tags that follow the scheme."""
    first, count = None, 0
    fixed: dict[str, list[tuple[str, ...]]] = {}
    for split, rows in sentences.items():
        fixed[split] = []
        for sentence in rows:
            tags = sentence.tags
            position = first_break(tags, scheme)
            if position is not None:
                before = tags[position - 1] if position else "the beginning"
                place = sentence.place(position)
                if on_broken_tags == "error":
                    raise DataError(
                        f"expected tags of the scheme {scheme}, got {tags[position]} behind {before}",
                        where=place,
                        remedy=Remedy(
                            'correct it, or give on_broken_tags="repair" or another input_scheme',
                            command="correct it, or give --on-broken-tags repair or another --input-scheme",
                        ),
                    )
                first, count = first or f"{place}: {tags[position]} behind {before}", count + 1
                tags = tuple(span_tags(find_spans(tags), len(tags), scheme))
            fixed[split].append(tags)
    return (None if first is None else (first, count)), fixed


def _choose_labels(tags: Sequence[Sequence[str]], scheme: str | None) -> tuple[str, ...]:
    if scheme is not None:
        types = {name for of_sentence in tags for _, _, name in find_spans(of_sentence)}
        labels = tag_set(types, scheme)
    else:
        labels = tuple(sorted({tag for of_sentence in tags for tag in of_sentence}))
    if len(labels) < 2:
        raise DataError(
            f"every training word has the tag {labels[0]!r}", remedy="give sentences with two tags or more"
        )
    return labels


def _learn(
    sentences: Mapping[str, Sequence[Sentence]],
    lowercase: bool,
    zero_digits: bool,
    min_count: int,
    vocab_size: int | None,
    more_words: Iterable[str],
) -> WordEncoder:
    """Return the encoder of the training words and of more words."""
    counts, letters = _counts(sentences, lowercase, zero_digits)
    words = Vocabulary.from_counts(counts, eos=None, size=vocab_size, min_count=min_count, require_unk=True)
    others = [word for word in dict.fromkeys(more_words) if word not in words]
    if others:
        known = [] if words.counts is None else words.counts.tolist()
        words = Vocabulary(
            (*words.tokens, *others), unk=words.unk, eos=None, counts=[*known, *[0] * len(others)]
        )
    return WordEncoder(
        words,
        Vocabulary.from_counts(letters, eos=None, require_unk=True),
        lowercase,
        zero_digits,
        tuple(
            Vocabulary.from_counts(values, eos=None, require_unk=True) for values in _value_counts(sentences)
        ),
    )


def _grown(sentences: Mapping[str, Sequence[Sentence]], encoder: WordEncoder, min_count: int) -> WordEncoder:
    """Return an encoder with the words and letters of the training split behind its own."""
    words, letters = _counts(sentences, encoder.lowercase, encoder.zero_digits)
    columns = zip(encoder.feature_columns, _value_counts(sentences), strict=True)
    return replace(
        encoder,
        words=encoder.words.with_words(words, min_count=min_count),
        letters=encoder.letters.with_words(letters),
        feature_columns=tuple(known.with_words(values) for known, values in columns),
    )


def _value_counts(sentences: Mapping[str, Sequence[Sentence]]) -> list[Counter[str]]:
    """Return the occurrences of values in the training split, by feature column."""
    columns = zip(*(s.feature_columns for s in sentences["train"]), strict=True)
    return [Counter(value for values in column for value in values) for column in columns]


def _counts(
    sentences: Mapping[str, Sequence[Sentence]], lowercase: bool, zero_digits: bool
) -> tuple[Counter[str], Counter[str]]:
    """Return the occurrences of words and letters in the training split."""
    words = Counter(normalized(word, lowercase, zero_digits) for s in sentences["train"] for word in s.words)
    return words, Counter(letter for s in sentences["train"] for word in s.words for letter in word)


def cut_sentences(
    bounds: np.ndarray,
    sizes: np.ndarray,
    longest: int,
    tags: Sequence[Sequence[str]] = (),
    scheme: str | None = None,
) -> np.ndarray:
    """Return the bounds of pieces of sentences, (P+1,) int64, cut between spans if possible.

    Args:
        bounds: Those of the sentences, (S+1,).
        sizes: What each word adds to the length of a piece, (tokens,), at most ``longest``.
        longest: The greatest length of a piece.
        tags: The tags of each sentence, with a scheme.
        scheme: The scheme of tags with spans.
    """
    offsets = [0]
    lengths = np.concatenate(([0], np.cumsum(sizes)))
    for number, (begin, end) in enumerate(pairwise(bounds.tolist())):
        start = begin
        while lengths[end] - lengths[start] > longest:
            last = int(np.searchsorted(lengths, lengths[start] + longest, side="right")) - 1
            cut = last
            if scheme:
                own = tags[number]
                while cut > start and not _is_between(own[cut - begin - 1], own[cut - begin], scheme):
                    cut -= 1
            start = cut if cut > start else last
            offsets.append(start)
        offsets.append(end)
    return np.array(offsets, np.int64)


def _is_between(before: str, after: str, scheme: str) -> bool:
    return is_legal(before, None, scheme) and is_legal(None, after, scheme)


@dataclass(frozen=True)
class TaggedBatch:
    """B pieces of sentences, padded to the longest of T words, among which W are different.

    ids, shapes, words: (B, T) int32. lengths: (B,). letters: (W, L) int32. letter_lengths: (W,). tags: (B, T)
    int32, -1 behind a piece. rows: (B,), the pieces. feature_columns: (B, T, C) int32.
    """

    ids: np.ndarray
    lengths: np.ndarray
    words: np.ndarray
    letters: np.ndarray
    letter_lengths: np.ndarray
    shapes: np.ndarray
    tags: np.ndarray
    rows: np.ndarray
    feature_columns: np.ndarray

    OF_ALL_ROWS: ClassVar = ("letters", "letter_lengths")

    def __len__(self) -> int:
        return len(self.rows)


def tagged_batch(sentences: EncodedSentences, table: WordTable, rows: np.ndarray) -> TaggedBatch:
    """Return the batch of some pieces."""
    batch = batch_of_rows(sentences, table, rows)
    held = batch.tags >= 0
    positions = np.zeros_like(batch.words)
    different, positions[held] = np.unique(batch.words[held], return_inverse=True)
    letters, letter_lengths = spelling(table, different)
    return replace(batch, words=positions, letters=letters, letter_lengths=letter_lengths)


def batch_of_rows(sentences: EncodedSentences, table: WordTable, rows: np.ndarray) -> TaggedBatch:
    """Return the batch of some pieces, in which words are rows of the whole table, without letters."""
    words, held = padded(sentences.words, sentences.offsets, rows)
    tags, _ = padded(sentences.tags, sentences.offsets, rows)
    return TaggedBatch(
        ids=np.where(held, table.ids[words], 0).astype(np.int32),
        lengths=held.sum(axis=1).astype(np.int32),
        words=np.where(held, words, 0).astype(np.int32),
        letters=np.empty((0, 0), np.int32),
        letter_lengths=np.empty(0, np.int32),
        shapes=np.where(held, table.shapes[words], 0).astype(np.int32),
        tags=np.where(held, tags, -1).astype(np.int32),
        rows=rows,
        feature_columns=np.where(held[:, :, None], table.feature_columns[words], 0).astype(np.int32),
    )


def spelling(table: WordTable, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the letters (W, L) of some words of a table, and the letters of each (W,)."""
    letters, held = padded(table.letters, table.offsets, rows)
    return letters, held.sum(axis=1).astype(np.int32)


class TaggedBatches(BucketedBatches[TaggedBatch]):
    """Mini-batches of sentences of similar length; the arguments are those of :class:`BucketedBatches`."""

    def __init__(
        self,
        sentences: EncodedSentences,
        table: WordTable,
        batch_size: int,
        *,
        shuffle: bool = True,
        seed: int = 0,
    ) -> None:
        lengths = np.diff(sentences.offsets)
        super().__init__("sentences", (lengths,), batch_size, shuffle=shuffle, seed=seed)
        self.sentences, self.table = sentences, table

    def batch(self, epoch: int, index: int) -> TaggedBatch:
        """Return batch ``index`` of an epoch."""
        return tagged_batch(self.sentences, self.table, self.rows(epoch, index))
