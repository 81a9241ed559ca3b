"""Text to token files: the vocabulary of the training split, and the ids of every split, memory-mapped.

One pass tokenizes and writes provisional ids (in order of first sight) block by block; a second pass, in
NumPy, maps them to ids in order of frequency. Memory holds one block and the table of distinct tokens, never
a split. The result is kept in the cache, keyed by everything it depends on.
"""

import hashlib
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from seqkit.backend.paths import cache_dir
from seqkit.data.text_encoder import FEW_WORDS
from seqkit.data.token_files import SummedFile, id_dtype, map_ids, publish, read_entry, work_folder
from seqkit.distributed.group import ProcessGroup, acting_group
from seqkit.errors import DataError
from seqkit.files.lines import UnfinishedLine
from seqkit.progress import progress
from seqkit.text import Tokenizer, Vocabulary, normalize
from seqkit.text.special_tokens import UNK

_FORMAT = 3
_BLOCK = 1 << 20
_VOCABULARY = "vocab.txt"


@dataclass(frozen=True)
class SplitInfo:
    """Sizes of a split: tokens (end-of-line tokens included), characters after Unicode normalization (a
    newline for each line included), lines, how many tokens are ``<unk>``, and how many of these stand for
    another word: the text itself may have ``<unk>``, as that of Penn Treebank does.
    """

    tokens: int
    characters: int
    lines: int
    unk: int
    hidden: int

    @property
    def unk_fraction(self) -> float:
        """The fraction of tokens that are unknown, 0 to 1."""
        return self.unk / self.tokens if self.tokens else 0.0


@dataclass(frozen=True)
class EncodedCorpus:
    """A corpus as ids: ``splits[name]`` is (N,) uint16 or int32, memory-mapped from ``folder``."""

    vocabulary: Vocabulary
    tokenizer: Tokenizer
    splits: dict[str, np.ndarray]
    info: dict[str, SplitInfo]
    folder: Path


class _FirstSeen(dict[str, int]):
    """Token -> the number of distinct tokens seen before it."""

    def __missing__(self, token: str) -> int:
        number = self[token] = len(self)
        return number


def encode_corpus(
    corpus_lines: Mapping[str, Callable[[], Iterator[str]]],
    tokenizer: Tokenizer,
    *,
    key: str,
    vocab_size: int | None = None,
    min_count: int = 1,
    vocabulary: Vocabulary | None = None,
    more_words: bool = False,
    require_unchanged: Callable[[], None] | None = None,
    cache: Path | None = None,
) -> EncodedCorpus:
    """Encode every split of a corpus of running text.

    The vocabulary comes from "train" alone unless it is given. Words always get an ``<unk>``; characters only
    if some were dropped, or if a later split holds one that the training split lacks.

    Args:
        corpus_lines: Split -> a function that starts a pass over its lines (``Corpus.sources``).
        tokenizer: Gives the tokens.
        key: Identifies the text (``Corpus.content_key()``): the same key must mean the same lines.
        vocab_size: As in ``Vocabulary.from_counts``; unused with ``vocabulary``.
        min_count: Likewise, but for ``more_words``.
        vocabulary: The vocabulary of an earlier run, or of a learned tokenizer.
        more_words: Put the training split's words, seen ``min_count`` times, behind a given vocabulary, whose
            ids stay.
        require_unchanged: Called when the text was read: raises where it may no longer be that of the key
            (``Corpus.require_unchanged``), and then nothing is kept.
        cache: The folder of token files; ``tokens`` below the cache folder by default.

    Raises:
        DataError: For a split without text, a vocabulary of fewer than two tokens, and, without an ``<unk>``,
            a token outside the vocabulary.
    """
    if vocabulary is None and "train" not in corpus_lines:
        raise DataError("no train split to take the vocabulary from", remedy="add one, or give a vocabulary")
    root = cache if cache is not None else cache_dir() / "tokens"
    settings = {
        "format": _FORMAT,
        "key": key,
        "tokenizer": tokenizer.config(),
        "splits": list(corpus_lines),
        "vocab_size": vocab_size if vocabulary is None else None,
        "min_count": min_count if vocabulary is None or more_words else None,
        "vocabulary": None if vocabulary is None else hashlib.sha256(vocabulary.to_bytes()).hexdigest(),
        **({"more_words": True} if more_words else {}),
    }
    name = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:40]
    folder = root / name
    group = acting_group()
    meta = read_entry(folder)
    if group.sum(np.array([meta is None], np.int64))[0]:
        with work_folder(root) as work:
            first = _first_pass(work, corpus_lines, tokenizer, group)
            if vocabulary is None:
                vocabulary = _choose(first, vocab_size, min_count)
            elif more_words:
                vocabulary = vocabulary.with_words(first.train_counts(), first.seen, min_count=min_count)
            if group.host_rank == 0:
                info, files = _build(first, vocabulary)
                infos = {split: asdict(sizes) for split, sizes in info.items()}
            if require_unchanged is not None:
                require_unchanged()
            if group.host_rank == 0:
                publish(work, folder, files, {"settings": settings, "info": infos})
        group.barrier()
        meta = read_entry(folder)
    if meta is None:
        raise DataError("the token files just written cannot be read back", where=str(folder))
    read = Vocabulary.load(folder / _VOCABULARY)
    dtype = id_dtype(len(read))
    return EncodedCorpus(
        vocabulary=read,
        tokenizer=tokenizer,
        splits={split: map_ids(folder / f"{split}.ids", dtype) for split in corpus_lines},
        info={split: SplitInfo(**meta["info"][split]) for split in corpus_lines},
        folder=folder,
    )


def join_blocks(lines: Iterable[str], *, size: int = _BLOCK) -> Iterator[tuple[str, int]]:
    """Join lines into blocks of (text, number of lines) of about ``size`` characters.

    Every line ends in a newline in the text, but not an UnfinishedLine, which is counted only if it is the
    last. To tokenize a megabyte at once is several times faster than line by line.

    Raises:
        DataError: For a line with a newline inside.
    """
    block: list[str] = []
    left, ended, unfinished = size, 0, False
    for line in lines:
        if left <= 0:
            yield _join(block, ended), ended
            block, left, ended = [], size, 0
        unfinished = isinstance(line, UnfinishedLine)
        block += (line,) if unfinished else (line, "\n")
        left -= len(line) + 1
        ended += not unfinished
    if block:
        yield _join(block, ended), ended + unfinished


def _join(block: list[str], lines: int) -> str:
    text = "".join(block)
    if text.count("\n") != lines:
        broken = next(line for line in block if "\n" in line and len(line) > 1)
        raise DataError(
            f"expected a line without a newline, got {broken[:40]!r}...",
            remedy="give lines without line ends",
        )
    return text


class _FirstPass:
    """Tokenizes every split into files of provisional ids, and counts those of the training split.

    Several processes tokenize a block each in turn, and number their tokens by themselves; the first one of
    each host writes the blocks of all.
    """

    def __init__(self, work: Path, tokenizer: Tokenizer, group: ProcessGroup) -> None:
        self.work, self.tokenizer, self.group = work, tokenizer, group
        self.seen = _FirstSeen()
        self.eos = self.seen[tokenizer.end_of_line]
        self.counts = np.zeros(0, np.int64)
        self.infos: dict[str, SplitInfo] = {}
        self.blocks: dict[str, list[tuple[int, int]]] = {}
        """The process and the tokens of each block, by split."""
        self.numbers: list[np.ndarray] = []
        """The number in ``seen`` of each process's own numbers, once all splits are read."""

    def run(self, split: str, line_source: Iterator[str]) -> None:
        group = self.group
        sizes = np.zeros(3, np.int64)  # lines, characters and words that this process tokenizes
        tokens, blocks = 0, self.blocks.setdefault(split, [])
        path = self.work / f"{split}.first"
        with path.open("wb") as file, progress(f"tokenizing {split}", unit="tokens") as job:
            for turn in _turns(join_blocks(line_source), group.size):
                numbers = np.zeros(0, np.int32)
                if group.rank < len(turn):
                    numbers = self._number(split, *turn[group.rank], sizes)
                for rank, part in enumerate(group.gather(numbers)):
                    blocks.append((rank, len(part)))
                    tokens += len(part)
                    if group.host_rank == 0:
                        part.tofile(file)
                job.move(tokens)
        lines, characters, words = group.sum(sizes).tolist()
        if words == 0:
            raise DataError(f"the {split} split has no words", remedy="give a text that is not blank")
        self.infos[split] = SplitInfo(tokens, characters, lines, unk=0, hidden=0)

    def _number(self, split: str, text: str, lines: int, sizes: np.ndarray) -> np.ndarray:
        """Return the provisional ids of a block, and add it to the counts and sizes."""
        pieces = self.tokenizer.tokenize_block(text)
        numbers = np.array(list(map(self.seen.__getitem__, pieces)), np.int32)
        words = len(numbers) - int(np.count_nonzero(numbers == self.eos))
        sizes += lines, len(normalize(text, self.tokenizer.normalization)), words
        if split == "train":
            block = np.bincount(numbers, minlength=len(self.seen))
            block[: len(self.counts)] += self.counts
            self.counts = block
        return numbers

    def merge(self) -> None:
        """Number the tokens of all processes alike, the training split's first, and add their counts."""
        group = self.group
        if group.size == 1:
            self.numbers = [np.arange(len(self.seen))]
            return
        counts, names = group.gather(self.counts), group.gather_json(list(self.seen))
        seen = _FirstSeen()
        for own, tokens in zip(counts, names, strict=True):
            for token in tokens[: len(own)]:
                seen[token]
        totals = np.zeros(len(seen), np.int64)
        for own, tokens in zip(counts, names, strict=True):
            self.numbers.append(np.array([seen[token] for token in tokens], np.int64))
            totals[self.numbers[-1][: len(own)]] += own
        self.seen, self.counts = seen, totals

    def train_counts(self) -> dict[str, int]:
        """Return token -> occurrences in the training split, whose tokens have the first numbers."""
        return dict(zip(self.seen, self.counts.tolist(), strict=False))


def _turns(blocks: Iterator[tuple[str, int]], size: int) -> Iterator[list[tuple[str, int]]]:
    """Yield the blocks that ``size`` processes tokenize at the same time."""
    while turn := list(itertools.islice(blocks, size)):
        yield turn


def _first_pass(
    work: Path,
    corpus_lines: Mapping[str, Callable[[], Iterator[str]]],
    tokenizer: Tokenizer,
    group: ProcessGroup,
) -> _FirstPass:
    """Tokenize all splits into ``work``, the training split first."""
    first = _FirstPass(work, tokenizer, group)
    for split in sorted(corpus_lines, key=lambda split: split != "train"):
        first.run(split, corpus_lines[split]())
    first.merge()
    return first


def _build(
    first: _FirstPass, vocabulary: Vocabulary
) -> tuple[dict[str, SplitInfo], dict[str, dict[str, int | str]]]:
    """Fill the folder with the vocabulary and the ids of every split; return their sizes and the files."""
    table = vocabulary.encode(first.seen)  # provisional id -> id; raises where there is no unk
    table = table.astype(id_dtype(len(vocabulary)))
    infos, files = {}, {}
    with SummedFile(first.work / _VOCABULARY) as file:
        file.write(vocabulary.to_bytes())
        files[_VOCABULARY] = file.close()
    for split, info in first.infos.items():
        unk, hidden, files[f"{split}.ids"] = _renumber(first, split, table, vocabulary)
        infos[split] = replace(info, unk=unk, hidden=hidden)
    return infos, files


def _renumber(
    first: _FirstPass, split: str, table: np.ndarray, vocabulary: Vocabulary
) -> tuple[int, int, dict[str, int | str]]:
    """Map provisional ids to ids; return the unknown tokens, those that hide a word, the file's size and sum.

    The files are read, not mapped: the pages of a mapping would count as memory of the process.
    """
    unk = hidden = 0
    provisional, tables = first.work / f"{split}.first", [table[numbers] for numbers in first.numbers]
    # A learned tokenizer gives <unk> for what its own vocabulary lacks: that hides text too
    words = first.tokenizer.open_vocabulary and not first.tokenizer.learned
    kept = first.seen.get(vocabulary.unk or "", -1) if words else -1
    hides = [numbers != kept for numbers in first.numbers]
    with provisional.open("rb") as source, SummedFile(first.work / f"{split}.ids") as out:
        for rank, length in first.blocks[split]:
            numbers = np.fromfile(source, np.int32, length)
            ids = tables[rank][numbers]
            if vocabulary.unk_id is not None:
                unknown = ids == vocabulary.unk_id
                unk += int(np.count_nonzero(unknown))
                hidden += int(np.count_nonzero(hides[rank][numbers[unknown]]))
            out.write(ids.data)
        described = out.close()
    provisional.unlink()
    return unk, hidden, described


def _choose(first: _FirstPass, size: int | None, min_count: int) -> Vocabulary:
    """Return the vocabulary of the training split's counts. Raises DataError for fewer than two words."""
    counts, eos = first.train_counts(), first.tokenizer.end_of_line
    words = len(counts) - (eos in counts)
    if words < 2:
        only = next((token for token in counts if token != eos), "")
        raise DataError(
            f"expected two distinct tokens in the training split, got only {only!r}",
            remedy="give a text with more words",
        )
    vocabulary = Vocabulary.from_counts(
        counts,
        eos=eos,
        unk=UNK,
        size=size,
        min_count=min_count,
        require_unk=first.tokenizer.open_vocabulary or len(first.seen) > len(counts),
    )
    kept = len(vocabulary) - 1 - (vocabulary.unk_id is not None)
    if kept < 2:
        raise DataError(
            f"expected two words or more, got {kept} of {words} with min count {min_count}, size {size}",
            remedy=FEW_WORDS,
        )
    return vocabulary


def encode_lines(lines: Iterable[str], tokenizer: Tokenizer, vocabulary: Vocabulary) -> Iterator[np.ndarray]:
    """Iterate over the ids of each line, (N,) int32, its end-of-line token included.

    Raises:
        DataError: For a token outside a vocabulary without an unknown token.
    """
    for line in lines:
        tokens = tokenizer.tokenize(line)
        if not isinstance(line, UnfinishedLine):
            tokens.append(tokenizer.end_of_line)
        yield vocabulary.encode(tokens)
