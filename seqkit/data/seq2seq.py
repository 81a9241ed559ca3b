"""Pairs of source and target as ids, and batches of them, for sequence-to-sequence models."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np

from seqkit.backend.ids import IGNORE_INDEX
from seqkit.data.batches import PAD, BucketedBatches, padded
from seqkit.data.text_encoder import TextEncoder
from seqkit.errors import DataError, ShapeError, UsageError
from seqkit.text import Tokenizer, Vocabulary
from seqkit.text.special_tokens import EOS, START

_BLOCK = 1 << 13


@dataclass(frozen=True)
class Seq2SeqInfo:
    """Sizes of a split: pairs, tokens of both sides (without start and end), and how many are ``<unk>``."""

    pairs: int
    source_tokens: int
    target_tokens: int
    source_unk: int
    target_unk: int


@dataclass(frozen=True)
class EncodedSeq2Seq:
    """N pairs as ids without special tokens, all rows of a side in one array.

    source, target: (tokens,) int32. source_offsets, target_offsets: (N+1,) int64, row i lies at
    ``offsets[i]`` to ``offsets[i + 1]``. start_id, end_id: the tokens before and after a target.
    """

    source: np.ndarray
    source_offsets: np.ndarray
    target: np.ndarray
    target_offsets: np.ndarray
    start_id: int
    end_id: int

    def __post_init__(self) -> None:
        for side, ids, offsets in (
            ("source", self.source, self.source_offsets),
            ("target", self.target, self.target_offsets),
        ):
            if ids.ndim != 1 or offsets.ndim != 1 or len(offsets) < 1 or offsets[-1] != len(ids):
                raise ShapeError(
                    f"expected offsets up to the end of the {side} ids {ids.shape}, got {offsets.shape}"
                )
        if len(self.source_offsets) != len(self.target_offsets):
            raise ShapeError(f"expected {len(self)} targets, got {len(self.target_offsets) - 1}")

    def __len__(self) -> int:
        return len(self.source_offsets) - 1

    def source_ids(self, row: int) -> np.ndarray:
        """Return the source of a pair, (S,) int32."""
        return self.source[self.source_offsets[row] : self.source_offsets[row + 1]]

    def target_ids(self, row: int) -> np.ndarray:
        """Return the target of a pair, (T,) int32, without start and end."""
        return self.target[self.target_offsets[row] : self.target_offsets[row + 1]]


@dataclass(frozen=True)
class EncodedSeq2SeqCorpus:
    """Pairs by split, and what encoded them; with a shared vocabulary both vocabularies are one object."""

    source_vocabulary: Vocabulary
    target_vocabulary: Vocabulary
    source_tokenizer: Tokenizer
    target_tokenizer: Tokenizer
    splits: dict[str, EncodedSeq2Seq]
    info: dict[str, Seq2SeqInfo]


def encode_seq2seq(
    pair_sources: Mapping[str, Callable[[], Iterator[tuple[str, str]]]],
    tokenizer: Tokenizer,
    *,
    target_tokenizer: Tokenizer | None = None,
    shared: bool = False,
    vocab_size: int | tuple[int | None, int | None] | None = None,
    min_count: int = 1,
    vocabularies: tuple[Vocabulary, Vocabulary] | None = None,
    more_words: bool = False,
) -> EncodedSeq2SeqCorpus:
    """Encode every split of a corpus of pairs.

    The vocabularies come from "train" alone unless they are given. A target vocabulary begins with ``<s>``
    and ``<eos>``. Words always get an ``<unk>``; characters only if some were dropped, or if a later split
    holds one that the training split lacks.

    Args:
        pair_sources: Split -> a function that starts a pass over its (source, target) pairs
            (``Seq2SeqCorpus.sources``). Each is called once; ids are kept in memory, texts are not.
        tokenizer: Of the sources, and of the targets without a ``target_tokenizer``.
        target_tokenizer: Of the targets.
        shared: One vocabulary of both sides' tokens; needs one tokenizer.
        vocab_size: Of each vocabulary, or of source and target, as in ``Vocabulary.from_counts``. It is for
            words and characters: subwords are as many as were learned.
        min_count: Likewise, of words and characters.
        vocabularies: Source and target vocabulary of an earlier run.
        more_words: Put the training split's words, seen ``min_count`` times, behind given vocabularies, whose
            ids stay.

    Raises:
        DataError: For a split without pairs, a side without tokens, a text with the token ``<s>`` or
            ``<eos>`` or a newline, a vocabulary without a word, and, without an ``<unk>``, a token outside
            the vocabulary.

    Example:
        >>> from seqkit.text import get_tokenizer
        >>> pairs = {"train": lambda: iter([("a b", "x"), ("b", "x y")])}
        >>> encode_seq2seq(pairs, get_tokenizer("whitespace")).target_vocabulary.tokens
        ('<s>', '<eos>', 'x', 'y', '<unk>')
    """
    if shared and target_tokenizer not in (None, tokenizer):
        raise UsageError(
            "expected one tokenizer for a shared vocabulary, got two", remedy="leave out the target's"
        )
    if vocabularies is None and "train" not in pair_sources:
        raise DataError(
            "no train split to take the vocabularies from", remedy="add one, or give vocabularies"
        )
    left = _side("source", tokenizer)
    right = _side("target", target_tokenizer or tokenizer, left.seen if shared else None)
    for split in sorted(pair_sources, key=lambda split: split != "train"):
        _read(split, pair_sources[split](), left, right)
    if vocabularies is None:
        sizes = vocab_size if isinstance(vocab_size, tuple) else (vocab_size, vocab_size)
        vocabularies = _choose(left, right, shared, sizes, min_count)
    elif more_words:
        vocabularies = _with_words(vocabularies, left, right, shared, min_count)
    source_vocabulary, target_vocabulary = vocabularies
    if START not in target_vocabulary or target_vocabulary.eos_id is None:
        raise UsageError(
            f"expected {START} and {EOS} in the target vocabulary", remedy="give one of encode_seq2seq"
        )
    specials = target_vocabulary.id(START), target_vocabulary.eos_id
    splits, info = {}, {}
    for split in pair_sources:
        source, source_offsets, source_unk = left.encode(split, source_vocabulary)
        target, target_offsets, target_unk = right.encode(split, target_vocabulary)
        splits[split] = EncodedSeq2Seq(source, source_offsets, target, target_offsets, *specials)
        info[split] = Seq2SeqInfo(len(splits[split]), len(source), len(target), source_unk, target_unk)
    return EncodedSeq2SeqCorpus(
        source_vocabulary, target_vocabulary, left.tokenizer, right.tokenizer, splits, info
    )


def _side(role: str, tokenizer: Tokenizer, seen: dict[str, int] | None = None) -> TextEncoder:
    meaning = "which marks where answers begin or end"
    return TextEncoder(f"{role} text", tokenizer, reserved=(START, EOS), meaning=meaning, seen=seen)


def _read(split: str, pairs: Iterator[tuple[str, str]], left: TextEncoder, right: TextEncoder) -> None:
    """Read both sides of a split by blocks, which are tokenized several times faster than lines."""
    blocks: dict[TextEncoder, list[tuple[np.ndarray, np.ndarray]]] = {left: [], right: []}
    while block := list(islice(pairs, _BLOCK)):
        for side, texts in zip((left, right), zip(*block, strict=True), strict=True):
            blocks[side].append(side.number(texts))
    for side in (left, right):
        if not blocks[side]:
            raise DataError(f"the {split} split has no pairs", remedy="give more pairs")
        side.keep(split, blocks[side])


def _choose(
    left: TextEncoder, right: TextEncoder, shared: bool, sizes: tuple[int | None, int | None], min_count: int
) -> tuple[Vocabulary, Vocabulary]:
    """Return source and target vocabulary of the training split's counts."""
    n = len(right.lengths["train"])

    def words(side: TextEncoder, counts: dict[str, int], size: int | None, unseen: bool) -> Vocabulary:
        require_unk = side.tokenizer.open_vocabulary or unseen
        if side.tokenizer.learned:  # by their counts, to the size that was wanted
            return side.vocabulary(counts, None, 1, require_unk=require_unk)
        return side.vocabulary(counts, size, min_count, require_unk=require_unk)

    if not shared:
        source = words(left, left.counts(), sizes[0], left.unseen())
        return source, _with_specials(words(right, right.counts(), _less(sizes[1]), right.unseen()), n)
    counts = _sums(left, right)
    unseen = any(token not in counts for token in left.seen)
    both = _with_specials(words(left, counts, _less(sizes[0]), unseen), n)
    return both, both


def _with_words(
    vocabularies: tuple[Vocabulary, Vocabulary],
    left: TextEncoder,
    right: TextEncoder,
    shared: bool,
    min_count: int,
) -> tuple[Vocabulary, Vocabulary]:
    """Return the vocabularies with the words of the training split behind their own."""
    source, target = vocabularies
    if not shared:
        source = source.with_words(left.counts(), left.tokens(), min_count=min_count)
        return source, target.with_words(right.counts(), right.tokens(), min_count=min_count)
    both = source.with_words(_sums(left, right), left.tokens() | right.tokens(), min_count=min_count)
    return both, both


def _sums(left: TextEncoder, right: TextEncoder) -> dict[str, int]:
    """Return token -> occurrences in the training split on both sides."""
    counts = left.counts()
    for token, count in right.counts().items():
        counts[token] = counts.get(token, 0) + count
    return counts


def _less(size: int | None) -> int | None:
    """Return the size of a vocabulary without START and EOS."""
    if size is not None and size < 3:
        raise UsageError(f"expected a vocabulary of 3 tokens or more ({START}, {EOS}, a word), got {size}")
    return None if size is None else size - 2


def _with_specials(words: Vocabulary, pairs: int) -> Vocabulary:
    counts = [] if words.counts is None else words.counts.tolist()
    return Vocabulary((START, EOS, *words.tokens), unk=words.unk, eos=EOS, counts=[pairs, pairs, *counts])


@dataclass(frozen=True)
class Seq2SeqBatch:
    """B pairs, padded to the longest.

    source: (B, S) int32, PAD behind each row. source_lengths: (B,) int32.
    target_in: (B, T) int32, the start and the target. target_out: (B, T) int32, the target and the end, then
    IGNORE_INDEX. rows: (B,) int64, the pairs' rows in the split.
    """

    source: np.ndarray
    source_lengths: np.ndarray
    target_in: np.ndarray
    target_out: np.ndarray
    rows: np.ndarray

    @property
    def target_lengths(self) -> np.ndarray:
        """The targets of each pair, (B,), the end included."""
        return np.count_nonzero(self.target_out != IGNORE_INDEX, axis=1)

    def __len__(self) -> int:
        return len(self.rows)


class Seq2SeqBatches(BucketedBatches[Seq2SeqBatch]):
    """Mini-batches of pairs; the other arguments are those of :class:`BucketedBatches`.

    The textbook pads its strings with blanks to one width, and its decoder stops after the answer's known
    number of characters. Here rows have lengths, and a model learns to write the end: an answer is right
    if its tokens and its end are.

    Args:
        pairs: The pairs of a split.
        batch_size: B; with ``batch_tokens`` its upper limit.
        reverse: Turn each source around; its padding still comes behind.
    """

    def __init__(
        self,
        pairs: EncodedSeq2Seq,
        batch_size: int,
        *,
        reverse: bool = False,
        batch_tokens: int | None = None,
        bucket: bool = True,
        shuffle: bool = True,
        seed: int = 0,
    ) -> None:
        lengths = np.diff(pairs.source_offsets), np.diff(pairs.target_offsets) + 1  # with the end
        super().__init__(
            "pairs",
            lengths,
            batch_size,
            batch_tokens=batch_tokens,
            bucket=bucket,
            shuffle=shuffle,
            seed=seed,
        )
        self.pairs, self.reverse = pairs, reverse

    @property
    def predictions(self) -> int:
        """The number of target tokens in an epoch, ends included, without padding."""
        return len(self.pairs.target) + len(self.pairs)

    def batch(self, epoch: int, index: int) -> Seq2SeqBatch:
        """Return batch ``index`` of an epoch."""
        rows = self.rows(epoch, index)
        pairs = self.pairs
        source, _ = padded(pairs.source, pairs.source_offsets, rows, reverse=self.reverse)
        target, held = padded(pairs.target, pairs.target_offsets, rows)
        B, T = target.shape
        lengths = held.sum(axis=1)
        target_in = np.full((B, T + 1), PAD, np.int32)
        target_in[:, 0] = pairs.start_id
        target_in[:, 1:] = target
        target_out = np.full((B, T + 1), IGNORE_INDEX, np.int32)
        target_out[:, :-1][held] = target[held]
        target_out[np.arange(B), lengths] = pairs.end_id
        source_lengths = pairs.source_offsets[rows + 1] - pairs.source_offsets[rows]
        return Seq2SeqBatch(source, source_lengths.astype(np.int32), target_in, target_out, rows)
