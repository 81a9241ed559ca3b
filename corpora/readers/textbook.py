"""The textbook's pairs: the files and splits of "Deep Learning from Scratch 2", chapter 7."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from seqkit.corpora.corpus import CorpusFile, Pair, Seq2SeqCorpus, describe_files, hash_file
from seqkit.corpora.entry import CorpusEntry
from seqkit.corpora.readers.lines import BadLines
from seqkit.errors import DataError
from seqkit.files.lines import read_lines

_LINES = 50_000
_HELD_OUT = 5_000


def read_textbook_pairs(entry: CorpusEntry, _: BadLines) -> Seq2SeqCorpus:
    """Return the pairs of a file of "question_answer" lines.

    The 45,000 pairs of train stand in the book's order; the 5,000 that it holds out, and scores after each
    epoch, are "valid", and there is no test split. The blanks that pad the file's columns are dropped.
    """
    (path,) = entry.local_files().values()

    def pairs(rows: slice) -> Iterator[Pair]:
        every: list[Pair] = []
        remedy = f"delete it and {entry.fetch_again}"
        for number, line in enumerate(read_lines(path), start=1):
            source, mark, answer = (side.strip() for side in line.partition("_"))
            if not (source and mark and answer):
                where = f"{path}, line {number}"
                raise DataError(
                    f"expected a question, '_' and an answer, got {line[:40]!r}", where=where, remedy=remedy
                )
            every.append((source, answer))
        if len(every) != _LINES:
            raise DataError(f"expected {_LINES:,} lines, got {len(every):,}", where=str(path), remedy=remedy)
        order = np.arange(_LINES)
        np.random.RandomState(1984).shuffle(order)
        return (every[row] for row in order[rows].tolist())

    def identity() -> dict[str, object]:
        size, digest = hash_file(path)
        return {
            "split_rule": "the textbook's: RandomState(1984), one shuffle, the last 5,000 held out",
            "files": describe_files({path: (size, digest)}),
            "pairs": {"train": _LINES - _HELD_OUT, "valid": _HELD_OUT},
            "key": digest,
        }

    return Seq2SeqCorpus(
        entry.name,
        description=entry.description,
        sources={
            "train": partial(pairs, slice(None, -_HELD_OUT)),
            "valid": partial(pairs, slice(-_HELD_OUT, None)),
        },
        identity=identity,
        defaults=entry.defaults,
        files=(CorpusFile("all", path),),
    )
