"""Pairs of texts to ids, and batches of them: for models that read one sequence and write another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from seqkit.backend.random import Generator
from seqkit.data.bptt import IGNORE
from seqkit.errors import DataError, ShapeError, UsageError
from seqkit.text import Tokenizer, Vocabulary

START, END, UNK = "<s>", "<eos>", "<unk>"
PAD = 0
"""The id at places beyond a row's length; lengths and IGNORE tell them from the token of that id."""

_BLOCK = 1 << 13
_POOL = 100
"""Batches among which examples of like length meet: padding is small, and the order still random."""


@dataclass(frozen=True)
class PairInfo:
    """What a split holds: pairs, the tokens of both sides (no start, no end), and how many are ``<unk>``."""

    pairs: int
    source_tokens: int
    target_tokens: int
    source_unk: int
    target_unk: int


@dataclass(frozen=True)
class EncodedPairs:
    """N pairs as ids without specials, all rows of a side in one array.

    source, target: (tokens,) int32. source_offsets, target_offsets: (N+1,) int64, row i lies at
    ``offsets[i]`` to ``offsets[i + 1]``. start_id, end_id: what stands before and after a target.
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
                raise ShapeError(f"{side} ids {ids.shape} do not end where their offsets {offsets.shape} do")
        if len(self.source_offsets) != len(self.target_offsets):
            raise ShapeError(f"{len(self)} sources with {len(self.target_offsets) - 1} targets")

    def __len__(self) -> int:
        return len(self.source_offsets) - 1

    def source_ids(self, row: int) -> np.ndarray:
        """The source of a pair, (S,) int32."""
        return self.source[self.source_offsets[row] : self.source_offsets[row + 1]]

    def target_ids(self, row: int) -> np.ndarray:
        """The target of a pair, (T,) int32, without start and end."""
        return self.target[self.target_offsets[row] : self.target_offsets[row + 1]]


@dataclass(frozen=True)
class EncodedPairCorpus:
    """Pairs by split, and what turned them into ids; with a shared vocabulary both are one object."""

    source_vocabulary: Vocabulary
    target_vocabulary: Vocabulary
    source_tokenizer: Tokenizer
    target_tokenizer: Tokenizer
    splits: dict[str, EncodedPairs]
    info: dict[str, PairInfo]


def encode_pairs(
    pair_sources: Mapping[str, Callable[[], Iterator[tuple[str, str]]]],
    tokenizer: Tokenizer,
    *,
    target_tokenizer: Tokenizer | None = None,
    shared: bool = False,
    vocab_size: int | None = None,
    min_count: int = 1,
    vocabularies: tuple[Vocabulary, Vocabulary] | None = None,
) -> EncodedPairCorpus:
    """Encode every split; the vocabularies come from "train" alone unless they are given.

    pair_sources: split -> a function that starts a pass over its (source, target) pairs
        (``PairCorpus.sources``). Each is run once; ids are kept in memory, texts are not.
    tokenizer: of the sources, and of the targets without a ``target_tokenizer``.
    shared: one vocabulary of both sides' tokens; needs one tokenizer.
    vocab_size, min_count: of each vocabulary, as in ``Vocabulary.from_counts``.
    vocabularies: source and target vocabulary of an earlier run.

    A target vocabulary begins with ``<s>`` and ``<eos>``. Words always get an ``<unk>``; characters only
    where some were dropped, or where a later split holds one that the training part lacks. Raises DataError
    for a split without pairs, a side without tokens, a text with the token ``<s>`` or ``<eos>`` or a newline,
    a vocabulary without a word, and, with a vocabulary that has no ``<unk>``, a token outside it.
    """
    if shared and target_tokenizer not in (None, tokenizer):
        raise UsageError("a shared vocabulary needs one tokenizer", remedy="leave out the target's")
    if vocabularies is None and "train" not in pair_sources:
        raise DataError(
            "no train split to take the vocabularies from", remedy="add one, or give vocabularies"
        )
    left = _Side("source", tokenizer, {})
    right = _Side("target", target_tokenizer or tokenizer, left.seen if shared else {})
    for split in sorted(pair_sources, key=lambda split: split != "train"):
        _read(split, pair_sources[split](), left, right)
    if vocabularies is None:
        vocabularies = _choose(left, right, shared, vocab_size, min_count)
    source_vocabulary, target_vocabulary = vocabularies
    if START not in target_vocabulary or target_vocabulary.eos_id is None:
        raise UsageError(f"the target vocabulary lacks {START} or {END}", remedy="give one of encode_pairs")
    specials = target_vocabulary.id(START), target_vocabulary.eos_id
    splits, info = {}, {}
    for split in pair_sources:
        source, source_offsets, source_unk = left.encode(split, source_vocabulary)
        target, target_offsets, target_unk = right.encode(split, target_vocabulary)
        splits[split] = EncodedPairs(source, source_offsets, target, target_offsets, *specials)
        info[split] = PairInfo(len(splits[split]), len(source), len(target), source_unk, target_unk)
    return EncodedPairCorpus(
        source_vocabulary, target_vocabulary, left.tokenizer, right.tokenizer, splits, info
    )


class _Side:
    """One side of all pairs as provisional ids, in the order in which tokens were first seen."""

    def __init__(self, role: str, tokenizer: Tokenizer, seen: dict[str, int]) -> None:
        self.role, self.tokenizer, self.seen = role, tokenizer, seen
        self.numbers: dict[str, np.ndarray] = {}
        self.lengths: dict[str, np.ndarray] = {}

    def number(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """The provisional ids of some texts in a row, and the length of each."""
        eol = self.tokenizer.end_of_line
        tokens = self.tokenizer.tokenize_block("\n".join(texts) + "\n")
        seen = self.seen
        numbers = np.array([seen.setdefault(token, len(seen)) for token in tokens], np.int32)
        ends = np.flatnonzero(numbers == seen[eol])
        if len(ends) != len(texts):
            raise DataError(
                f"a {self.role} text holds a line end or the token {eol!r}",
                where=repr(next((text for text in texts if eol in text or "\n" in text), "")[:60]),
                remedy="leave it out of the text",
            )
        lengths = np.diff(ends, prepend=-1) - 1
        if not lengths.all():
            raise DataError(f"a {self.role} text without a token", where=repr(texts[int(lengths.argmin())]))
        for special in (START, END):
            if special in seen and special != eol:
                raise DataError(
                    f"a {self.role} text holds the token {special!r}, which marks where answers begin or end",
                    remedy="leave it out of the text",
                )
        return np.delete(numbers, ends), lengths

    def counts(self) -> dict[str, int]:
        """Token -> occurrences in the training part."""
        found = np.bincount(self.numbers["train"], minlength=len(self.seen)).tolist()
        return {token: n for token, n in zip(self.seen, found, strict=True) if n}

    def encode(self, split: str, vocabulary: Vocabulary) -> tuple[np.ndarray, np.ndarray, int]:
        """(ids, offsets, how many are unk) of a split; only its own tokens need to be in the vocabulary."""
        numbers = self.numbers.pop(split)
        tokens = list(self.seen)
        table = np.zeros(len(tokens), np.int32)
        used = np.flatnonzero(np.bincount(numbers, minlength=len(tokens)))
        table[used] = vocabulary.encode(tokens[number] for number in used)
        ids = table[numbers]
        offsets = np.concatenate(([0], np.cumsum(self.lengths[split])))
        unk = 0 if vocabulary.unk_id is None else int(np.count_nonzero(ids == vocabulary.unk_id))
        return ids, offsets.astype(np.int64), unk


def _read(split: str, pairs: Iterator[tuple[str, str]], left: _Side, right: _Side) -> None:
    """Number both sides of a split by blocks, which are tokenized several times faster than lines."""
    parts: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {left.role: [], right.role: []}
    while block := list(islice(pairs, _BLOCK)):
        for side, texts in zip((left, right), zip(*block, strict=True), strict=True):
            parts[side.role].append(side.number(texts))
    for side in (left, right):
        if not parts[side.role]:
            raise DataError(f"the {split} part holds no pairs", remedy="give more pairs")
        numbers, lengths = zip(*parts[side.role], strict=True)
        side.numbers[split], side.lengths[split] = np.concatenate(numbers), np.concatenate(lengths)


def _choose(
    left: _Side, right: _Side, shared: bool, size: int | None, min_count: int
) -> tuple[Vocabulary, Vocabulary]:
    """Source and target vocabulary of the training part's counts."""
    n = len(right.lengths["train"])
    if not shared:
        source = _words(left.counts(), left, size, min_count, _unseen(left))
        return source, _with_specials(
            _words(right.counts(), right, _less(size), min_count, _unseen(right)), n
        )
    counts = left.counts()
    for token, count in right.counts().items():
        counts[token] = counts.get(token, 0) + count
    both = _words(counts, left, _less(size), min_count, any(token not in counts for token in left.seen))
    both = _with_specials(both, n)
    return both, both


def _unseen(side: _Side) -> bool:
    """Whether a held-out part has a token that the training part lacks."""
    known = np.bincount(side.numbers["train"], minlength=len(side.seen)) > 0
    return any(not known[numbers].all() for numbers in side.numbers.values())


def _less(size: int | None) -> int | None:
    """The size of a vocabulary without START and END."""
    if size is not None and size < 3:
        raise UsageError(
            f"a vocabulary of {size} tokens", remedy=f"give 3 or more: {START}, {END} and a word"
        )
    return None if size is None else size - 2


def _words(counts: dict[str, int], side: _Side, size: int | None, min_count: int, unseen: bool) -> Vocabulary:
    require_unk = side.tokenizer.open_vocabulary or unseen
    made = Vocabulary.from_counts(
        counts, eos=None, unk=UNK, size=size, min_count=min_count, require_unk=require_unk
    )
    if len(made) == (made.unk_id is not None):
        raise DataError(
            f"a {side.role} vocabulary without a word: {len(counts)} distinct tokens, min count {min_count}",
            remedy="lower --min-count or raise --vocab-size",
        )
    return made


def _with_specials(words: Vocabulary, pairs: int) -> Vocabulary:
    counts = [] if words.counts is None else words.counts.tolist()
    return Vocabulary((START, END, *words.tokens), unk=words.unk, eos=END, counts=[pairs, pairs, *counts])


def encode_texts(texts: Iterable[str], tokenizer: Tokenizer, vocabulary: Vocabulary) -> list[np.ndarray]:
    """The ids of each text, (S,) int32, as a source. Raises DataError for one without a token, and as
    ``Vocabulary.encode`` does.
    """
    rows = []
    for text in texts:
        tokens = tokenizer.tokenize(text.strip())
        if not tokens:
            raise DataError("nothing to read: the text is empty", where=repr(text[:60]))
        rows.append(vocabulary.encode(tokens))
    return rows


def pad_sources(rows: Sequence[np.ndarray], *, reverse: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Rows of ids as one batch: (B, S) int32 with PAD behind each row, and the lengths, (B,) int32."""
    lengths = np.array([len(row) for row in rows], np.int64)
    if not len(rows) or not lengths.all():
        raise DataError("no rows, or a row without ids")
    flat = np.concatenate(rows)
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    ids, _ = _padded(flat, offsets, np.arange(len(rows)), reverse=reverse)
    return ids, lengths.astype(np.int32)


def _padded(
    flat: np.ndarray, offsets: np.ndarray, rows: np.ndarray, *, reverse: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """The rows (B, T) int32 with PAD behind each, and which places hold tokens (B, T)."""
    starts, lengths = offsets[rows], offsets[rows + 1] - offsets[rows]
    columns = np.arange(lengths.max())
    held = columns < lengths[:, None]
    places = starts[:, None] + (lengths[:, None] - 1 - columns if reverse else columns)
    ids = np.full(held.shape, PAD, np.int32)
    ids[held] = flat[places[held]]
    return ids, held


@dataclass(frozen=True)
class PairBatch:
    """B pairs, padded to the longest.

    source: (B, S) int32, PAD behind each row. source_lengths: (B,) int32.
    target_in: (B, T) int32, the start and the target. target_out: (B, T) int32, the target and the end, then
    IGNORE. rows: (B,) int64, which pairs these are.
    """

    source: np.ndarray
    source_lengths: np.ndarray
    target_in: np.ndarray
    target_out: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)


class PairBatches:
    """Mini-batches of pairs, each pair once an epoch, the last batch shorter.

    A batch is a function of seed, epoch and index alone, so a resumed run reads what the first one would
    have read. Beside the pairs, an epoch costs its order of 8 bytes a pair.

    The textbook pads its strings with blanks to one width, and its decoder stops after the answer's known
    number of characters. Here rows have lengths, and a model learns to write the end: an answer is right
    when its tokens and its end are.

    batch_size: B.
    reverse: each source from its last token to its first; its padding still comes behind.
    bucket: pairs of like lengths in a batch, from pools of 100 shuffled batches, whose order is shuffled
        again. Without ``shuffle`` all pairs are one pool.
    shuffle: False for evaluation.

    Raises DataError for no pairs.
    """

    def __init__(
        self,
        pairs: EncodedPairs,
        batch_size: int,
        *,
        reverse: bool = False,
        bucket: bool = True,
        shuffle: bool = True,
        seed: int = 0,
    ) -> None:
        if batch_size < 1:
            raise UsageError(f"batch_size {batch_size}", remedy="give 1 or more")
        if len(pairs) == 0:
            raise DataError("no pairs to make batches of", remedy="give a split with pairs in it")
        self.pairs, self.batch_size, self.seed = pairs, batch_size, seed
        self.reverse, self.bucket, self.shuffle = reverse, bucket, shuffle
        self._epoch: int | None = None
        self._order = np.empty(0, np.int64)
        self._starts = np.empty(0, np.int64)

    @property
    def predictions(self) -> int:
        """How many targets an epoch holds, the ends among them, padding not counted."""
        return len(self.pairs.target) + len(self.pairs)

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-len(self.pairs) // self.batch_size)

    def epoch(self, epoch: int) -> Iterator[PairBatch]:
        """The batches of an epoch in turn."""
        return (self.batch(epoch, index) for index in range(len(self)))

    def batch(self, epoch: int, index: int) -> PairBatch:
        """Batch ``index`` of an epoch."""
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        if not 0 <= epoch < 1 << 32:
            raise UsageError(f"epoch {epoch} must be at least 0 and below 2**32")
        if self._epoch is None or (self.shuffle and epoch != self._epoch):
            self._order, self._starts = self._arrange(epoch)
            self._epoch = epoch
        start = int(self._starts[index])
        rows = self._order[start : start + self.batch_size]
        pairs = self.pairs
        source, _ = _padded(pairs.source, pairs.source_offsets, rows, reverse=self.reverse)
        target, held = _padded(pairs.target, pairs.target_offsets, rows)
        B, T = target.shape
        lengths = held.sum(axis=1)
        target_in = np.full((B, T + 1), PAD, np.int32)
        target_in[:, 0] = pairs.start_id
        target_in[:, 1:] = target
        target_out = np.full((B, T + 1), IGNORE, np.int32)
        target_out[:, :-1][held] = target[held]
        target_out[np.arange(B), lengths] = pairs.end_id
        source_lengths = pairs.source_offsets[rows + 1] - pairs.source_offsets[rows]
        return PairBatch(source, source_lengths.astype(np.int32), target_in, target_out, rows)

    def _arrange(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """The order of the pairs, and where in it each batch begins."""
        N, B = len(self.pairs), self.batch_size
        generator = Generator(self.seed, "pairs")
        generator.counter = epoch << 32  # its first draws belong to this epoch and to no other
        order = generator.permutation(N) if self.shuffle else np.arange(N)
        starts = np.arange(0, N, B)
        if self.bucket:
            source_lengths = np.diff(self.pairs.source_offsets)
            target_lengths = np.diff(self.pairs.target_offsets)
            pool = _POOL * B if self.shuffle else N
            for first in range(0, N, pool):
                part = order[first : first + pool]
                like = np.lexsort((target_lengths[part], source_lengths[part]))  # stable
                order[first : first + pool] = part[like]
            if self.shuffle:
                starts = starts[generator.permutation(len(starts))]
        return order, starts
