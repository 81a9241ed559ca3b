"""Pairs from files: a tab-separated one, or two whose lines belong together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

from seqkit.corpora.corpus import CorpusFile, TextDefaults, hash_file
from seqkit.corpora.pair_corpus import Pair, PairCorpus, split_of
from seqkit.corpora.reading import content_size, open_bytes
from seqkit.corpora.splitting import SPLITS, split_names
from seqkit.errors import DataError

MAX_LINE = 10_000
"""Characters of a line; a batch is as wide as its longest sentence."""
_MAX_BYTES = 4 * MAX_LINE + 5  # UTF-8 takes at most 4 bytes a character; a BOM and CRLF beside
_KEPT = 20
"""Skipped lines that are told one by one; the others are counted."""
_BOM = b"\xef\xbb\xbf"
_CONVERT = "convert it: iconv -f LATIN1 -t UTF-8 FILE > NEW"


@dataclass(frozen=True)
class BadLine:
    """Why a line gives no pair: ``reason`` and ``place`` (file, line, byte) for people, and what to do."""

    reason: str
    place: str
    remedy: str


Row = tuple[int, Pair | BadLine]
"""A line's number, from 1, and what it holds."""


def _numbered_lines(path: Path) -> Iterator[tuple[int, str | BadLine]]:
    """The lines without their ends; of an over-long one, no more than its beginning is ever in memory."""
    with open_bytes(path) as file:
        offset, number = 0, 0
        while raw := file.readline(_MAX_BYTES):
            number += 1
            start, offset = offset, offset + len(raw)
            whole = len(raw) < _MAX_BYTES or raw.endswith(b"\n")
            while not whole:
                rest = file.readline(_MAX_BYTES)
                offset += len(rest)
                whole = len(rest) < _MAX_BYTES or rest.endswith(b"\n")
                raw = raw[:_MAX_BYTES] + b" "  # too long, whatever it holds
            if number == 1 and raw.startswith(_BOM):
                raw, start = raw[len(_BOM) :], start + len(_BOM)
            yield number, _decode(path, raw, number, start)


def _decode(path: Path, raw: bytes, number: int, start: int) -> str | BadLine:
    place = f"{path}, line {number}"
    raw = raw.removesuffix(b"\n").removesuffix(b"\r")
    try:
        text = raw.decode() if len(raw) <= 4 * MAX_LINE else None
    except UnicodeDecodeError as error:
        byte = f"byte 0x{raw[error.start]:02x} is not UTF-8"
        return BadLine(byte, f"{place}, byte {start + error.start}", _CONVERT)
    if text is None or len(text) > MAX_LINE:
        return BadLine(f"a line of more than {MAX_LINE:,} characters", place, "cut it into sentences")
    return text


def table_rows(path: Path) -> Iterator[Row]:
    """Source, a tab, target, in each line; what follows a second tab is ignored (Tatoeba's attributions)."""
    for number, line in _numbered_lines(path):
        if isinstance(line, BadLine):
            yield number, line
            continue
        place = f"{path}, line {number}"
        columns = line.split("\t", 2)
        if len(columns) < 2:
            wanted = "write source, a tab and target"
            yield number, BadLine("no tab between source and target", place, wanted)
        else:
            yield number, _pair(columns[0], columns[1], place, place)


def aligned_rows(source: Path, target: Path) -> Iterator[Row]:
    """Line n of one file with line n of the other."""
    for left, right in zip_longest(_numbered_lines(source), _numbered_lines(target)):
        if left is None or right is None:
            number = (left or right)[0]
            longer, shorter = (source, target) if right is None else (target, source)
            reason = f"a line without a partner: {shorter} ends at line {number - 1}"
            yield number, BadLine(reason, f"{longer}, line {number}", "make the files equally long")
            continue
        (number, first), (_, second) = left, right
        if isinstance(first, BadLine):
            yield number, first
        elif isinstance(second, BadLine):
            yield number, second
        else:
            yield number, _pair(first, second, f"{source}, line {number}", f"{target}, line {number}")


def _pair(source: str, target: str, source_place: str, target_place: str) -> Pair | BadLine:
    """The pair without the blanks around its sides, unless one is then empty."""
    source, target = source.strip(), target.strip()
    for role, text, place in (("source", source, source_place), ("target", target, target_place)):
        if not text:
            return BadLine(f"the {role} is empty", place, "write it, or delete the line")
    return source, target


def _good(rows: Iterator[Row], skip: Callable[[int, BadLine], None]) -> Iterator[Pair]:
    for number, row in rows:
        if isinstance(row, BadLine):
            skip(number, row)
        else:
            yield row


def _refuse(number: int, bad: BadLine) -> None:
    raise DataError(
        bad.reason, where=bad.place, remedy=f"{bad.remedy}, or leave out bad lines: --on-bad-line skip"
    )


def _ignore(number: int, bad: BadLine) -> None:
    """For passes after the first, which has counted it."""


@dataclass(frozen=True)
class _Parts:
    """Which split a source text belongs to: by its hash, or by a table where hashes leave a part empty."""

    table: dict[str, str] | None = None

    def side(self, source: str) -> str:
        return split_of(source) if self.table is None else self.table[source]


def _pass(
    rows: Callable[[], Iterator[Row]], skip: Callable[[int, BadLine], None], parts: _Parts, split: str
) -> Iterator[Pair]:
    return (pair for pair in _good(rows(), skip) if parts.side(pair[0]) == split)


def _few_sources(pairs: Iterator[Pair], name: str) -> _Parts:
    """A twentieth of the distinct source texts, at least one, for valid and for test."""
    distinct = {source for source, _ in pairs}
    if len(distinct) < len(SPLITS):
        raise DataError(
            f"only {len(distinct)} different source text(s), too few for train, valid and test",
            where=name,
            remedy="give more pairs",
        )
    named = split_names(distinct)
    return _Parts({source: split for split, sources in named.items() for source in sources})


def pairs_of_files(
    name: str,
    rows: Callable[[], Iterator[Row]],
    paths: tuple[Path, ...],
    *,
    on_bad_line: str,
    description: str,
    defaults: TextDefaults,
) -> PairCorpus:
    """The corpus of the pairs that ``rows`` gives, split 90/5/5 by the hash of the source text.

    Reads the files once, to find what is wrong with them. on_bad_line: "error" or "skip".
    Raises DataError for an empty file, the first bad line unless they are skipped, no pair at all, and fewer
    than three different source texts.
    """
    for path in paths:
        content_size(path)
    skipped: list[tuple[int, str]] = []
    skipped_count = 0

    def note(number: int, bad: BadLine) -> None:
        nonlocal skipped_count
        skipped_count += 1
        if len(skipped) < _KEPT:
            skipped.append((number, bad.reason))

    counts = dict.fromkeys(SPLITS, 0)
    parts = _Parts()
    for source, _ in _good(rows(), _refuse if on_bad_line == "error" else note):
        counts[parts.side(source)] += 1
    where = " and ".join(map(str, paths))
    if not any(counts.values()):
        line, reason = skipped[0]
        raise DataError(
            f"no pair is left: {skipped_count} bad line(s), the first is line {line} ({reason})",
            where=where,
            remedy="write source, a tab and target in each line, or give two files of equally many lines",
        )
    rule = "90/5/5 by the hash of the source text"
    later = _refuse if on_bad_line == "error" else _ignore
    if not all(counts.values()):
        parts = _few_sources(_good(rows(), later), where)
        rule = "90/5/5 of the different source texts in the order of their hashes"
        counts = {split: sum(1 for _ in _pass(rows, later, parts, split)) for split in SPLITS}

    def identity() -> dict[str, Any]:
        hashes = {str(path): hash_file(path) for path in paths}
        return {
            "split_rule": rule,
            "files": [{"path": p, "bytes": size, "sha256": digest} for p, (size, digest) in hashes.items()],
            "pairs": dict(counts),
            "on_bad_line": on_bad_line,
            "skipped": skipped_count,
            "key": (rule, MAX_LINE, [hashes[str(path)][1] for path in paths], skipped_count),
        }

    return PairCorpus(
        name,
        description=description,
        sources={split: partial(_pass, rows, later, parts, split) for split in SPLITS},
        identity=identity,
        defaults=defaults,
        files=tuple(CorpusFile("all", path) for path in paths),
        skipped=tuple(skipped),
        skipped_count=skipped_count,
    )
