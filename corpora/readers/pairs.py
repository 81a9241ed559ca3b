"""Pairs of source and target from tables, translation memories, aligned files, and folders of these."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from pathlib import Path

from seqkit.corpora.corpus import DEFAULTS, Seq2SeqCorpus, TextDefaults
from seqkit.corpora.entry import CorpusEntry
from seqkit.corpora.readers.lines import BadLine, BadLines, Row, numbered_lines
from seqkit.corpora.readers.parallel import parallel_folder
from seqkit.corpora.readers.roles import (
    Columns,
    Roles,
    choose,
    columns_of,
    described,
    find_source_and_target,
    open_table,
)
from seqkit.corpora.readers.rows import FORMATS, Table
from seqkit.corpora.readers.tables import example_rows
from seqkit.corpora.readers.text_files import TEXT_SUFFIXES, named_splits
from seqkit.corpora.readers.tmx import TmxTable
from seqkit.corpora.split import ExampleFiles, HashSplit
from seqkit.errors import DataError, UsageError
from seqkit.files.compressed import plain_name

PAIRS = HashSplit(
    unit="pair",
    remedy="write source, a tab and target in each line, or give two files of equally many lines",
    key=str,
    key_name="source text",
    buckets=20,
)


def pair_corpus(
    name: str,
    path: Path,
    bad_lines: BadLines,
    *,
    target: Path | None = None,
    columns: Columns | None = None,
    description: str,
    defaults: TextDefaults = DEFAULTS,
    whole: bool = False,
) -> Seq2SeqCorpus:
    """Return the pairs of a table, or of ``path`` with the lines of ``target``, split by source text.

    With ``whole``, they are test data, all of them.
    """
    if target is not None:
        files = ExampleFiles(Seq2SeqCorpus, 1, name, PAIRS, bad_lines, description, defaults, (), whole)
        return files.split_by_hash(partial(aligned_rows, path, target), (path, target))
    columns = columns or columns_of(source=None, target=None)
    table = _open_pairs(path, columns)
    roles = choose(table, columns, find_source_and_target)
    rule, notes = _reading(table, roles)
    files = ExampleFiles(Seq2SeqCorpus, 0, name, rule, bad_lines, description, defaults, notes, whole)
    return files.split_by_hash(partial(example_rows, table, roles), (path,))


def _open_pairs(path: Path, columns: Columns) -> Table:
    """Open a table of pairs, or a translation memory."""
    if Path(plain_name(path)).suffix.lower() == ".tmx":
        if columns.header is not None:
            raise UsageError(f"header has no effect here: it is for tables, and {path} is a TMX")
        return TmxTable(path)
    return open_table(path, columns)


def _reading(table: Table, roles: Roles) -> tuple[HashSplit, tuple[str, ...]]:
    """Return the rule that splits a table's pairs, and how it is read unless it has the plain form."""
    reading = (*table.reading, *(() if tuple(roles.values()) == (1, 2) else roles.values()))
    return replace(PAIRS, reading=reading), (described(table, roles),) if reading else ()


def pair_folder(
    folder: Path, columns: Columns, bad_lines: BadLines, *, part: str | None = None, whole: bool = False
) -> Seq2SeqCorpus | None:
    """Return the pairs of a folder as it was published; None if there are none.

    It holds train, valid and test tables, or the parts of :func:`parallel_folder`. Where no part validates,
    some pairs of "train" do, by the hash of their sources.

    Args:
        folder: The folder.
        columns: The columns of its tables, or the suffixes of its files.
        bad_lines: The treatment of bad lines.
        part: The only part to read, which is split by source text.
        whole: Whether that part is test data, all of it.

    Raises:
        DataError: For files that cannot be used, and for several parts none of which trains.
    """
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and path.name[0] != "."]
    tables = {} if part else named_splits(folder, files, (*FORMATS, ".tmx", *TEXT_SUFFIXES))
    name = str(folder if part is None else folder / part)
    rule = PAIRS
    notes: tuple[str, ...] = ()
    rows: dict[str, Callable[[], Iterator[Row]]] = {}
    paths: dict[str, tuple[Path, ...]] = {}
    for split, path in tables.items():
        table = _open_pairs(path, columns)
        roles = choose(table, columns, find_source_and_target)
        if not rows:  # the columns of the first split are those of the others
            rule, notes = _reading(table, roles)
            columns = replace(columns, by_role={role: table.shown_as(each) for role, each in roles.items()})
        rows[split], paths[split] = partial(example_rows, table, roles), (path,)
    if not tables:
        source, target = (
            None if each is None else str(each) for each in map(columns.by_role.get, ("source", "target"))
        )
        found = parallel_folder(folder, source, target, part)
        if found is None:
            return None
        notes = (f"{folder}: {found.note}",)
        rule = replace(PAIRS, reading=(found.source, found.target))
        if found.splits and part is None:
            for split, of_split in found.splits.items():
                rows[split] = partial(aligned_rows, *found.parts[of_split])
                paths[split] = found.parts[of_split]
        elif part is None and len(found.parts) > 1:
            raise DataError(
                f"expected a part that trains and one more, got {', '.join(list(found.parts)[:6])}",
                where=str(folder),
                remedy=f"name one part: {folder / next(iter(found.parts))}",
            )
        else:
            part = part or next(iter(found.parts))
            description = f"the lines of {folder / part}.{found.source} with those of .{found.target}"
            files_of = ExampleFiles(
                Seq2SeqCorpus, 1, name, rule, bad_lines, description, DEFAULTS, notes, whole
            )
            return files_of.split_by_hash(partial(aligned_rows, *found.parts[part]), found.parts[part])
    description = f"the pairs of {folder} with its {'/'.join(rows)} splits"
    kind = 0 if tables else 1
    examples = ExampleFiles(Seq2SeqCorpus, kind, name, rule, bad_lines, description, DEFAULTS, notes)
    return examples.keep_splits(rows, paths)


def read_pair_table(entry: CorpusEntry, bad_lines: BadLines) -> Seq2SeqCorpus:
    """Return the pairs of a registered corpus of one table."""
    (path,) = entry.local_files().values()
    return pair_corpus(entry.name, path, bad_lines, description=entry.description, defaults=entry.defaults)


def aligned_rows(source: Path, target: Path) -> Iterator[Row]:
    """Iterate over (line n of one file, line n of the other)."""
    for left, right in zip_longest(numbered_lines(source), numbered_lines(target)):
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


def _pair(source: str, target: str, source_place: str, target_place: str) -> tuple[str, str] | BadLine:
    """Strip the blanks around both sides; an empty side makes a bad line."""
    source, target = source.strip(), target.strip()
    for role, text, place in (("source", source, source_place), ("target", target, target_place)):
        if not text:
            return BadLine(f"the {role} is empty", place, "write it, or delete the line")
    return source, target
