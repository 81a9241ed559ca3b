"""Labelled texts from tables, or from one file for each class."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from operator import itemgetter
from pathlib import Path

from seqkit.corpora.corpus import LabelledCorpus, TextDefaults
from seqkit.corpora.entry import CorpusEntry
from seqkit.corpora.readers.label_lines import open_labelled_table
from seqkit.corpora.readers.lines import MAX_DOCUMENT, MAX_EXAMPLE, BadLine, BadLines, Row, numbered_lines
from seqkit.corpora.readers.roles import Columns, Roles, choose, described, find_label_and_text
from seqkit.corpora.readers.rows import FORMATS, Table
from seqkit.corpora.readers.text_files import TEXT_SUFFIXES, named_splits
from seqkit.corpora.split import ExampleFiles, HashSplit
from seqkit.errors import DataError
from seqkit.files.compressed import plain_name
from seqkit.files.lines import BOM, open_bytes
from seqkit.progress import tracked

TABLE_SUFFIXES = (*FORMATS, *TEXT_SUFFIXES)
_LINE_ENDS = re.compile(r"[\r\n]+")
_LABELLED = TextDefaults(tokenizer="word", lowercase=True, min_count=2)


def _on_one_line(cell: str) -> str:
    return " ".join(filter(None, map(str.strip, _LINE_ENDS.split(cell))))


def example_rows(table: Table, roles: Roles, longest: int = MAX_EXAMPLE) -> Iterator[Row]:
    """Iterate over the cells of two roles, without the blanks around them; an empty cell makes a bad line.

    Line ends within a cell, as quotes and JSON allow them, become blanks: an example is one line.
    """
    names = tuple(roles)
    for number, cells in table.cells(roles):
        if isinstance(cells, BadLine):
            yield number, cells
            continue
        first, second = map(_on_one_line, cells)
        if first and second and len(first) <= longest and len(second) <= longest:
            yield number, (first, second)
            continue
        role, text = (names[0], first) if not first or len(first) > longest else (names[1], second)
        reason = f"a {role} of more than {longest:,} characters" if text else f"the {role} is empty"
        remedy = "cut it into sentences" if text else f"write it, or delete the {table.unit}"
        yield number, BadLine(reason, table.place(number), remedy)


def normalized(text: str) -> str:
    """Return the key of duplicates: the text, case folded, with single blanks between words."""
    return " ".join(text.casefold().split())


def _labelled(
    name: str,
    bad_lines: BadLines,
    description: str,
    defaults: TextDefaults,
    *reading: object,
    columns: int = 0,
    notes: tuple[str, ...] = (),
    whole: bool = False,
) -> ExampleFiles[LabelledCorpus]:
    rule = HashSplit(
        unit="example",
        remedy="write a label, a tab and a text in each line",
        key=normalized,
        key_name="text",
        buckets=10,
        reading=reading,
        label=itemgetter(1),
    )
    return ExampleFiles(LabelledCorpus, columns, name, rule, bad_lines, description, defaults, notes, whole)


def labelled_rows(table: Table, roles: Roles) -> Iterator[Row]:
    """Iterate over (text, label) of a table."""
    for number, row in example_rows(table, roles, MAX_DOCUMENT):
        yield number, row if isinstance(row, BadLine) else (row[1], row[0])


def labelled_table(path: Path, columns: Columns, bad_lines: BadLines, *, whole: bool) -> LabelledCorpus:
    """Return the labelled texts of a table, split by text, or as a whole."""
    table = open_labelled_table(path, columns)
    roles = choose(table, columns, find_label_and_text)
    description = f"the labelled texts of {path}"
    files = _labelled(
        str(path),
        bad_lines,
        description,
        _LABELLED,
        *roles.values(),
        *table.reading,
        notes=_notes(table, roles),
        whole=whole,
    )
    return files.split_by_hash(partial(labelled_rows, table, roles), (path,))


def _notes(table: Table, roles: Roles) -> tuple[str, ...]:
    """Return how a table is read, unless it has the plain form: a label, a tab and a text."""
    plain = not table.reading and tuple(roles.values()) == (1, 2)
    return () if plain else (described(table, roles),)


def has_tables(folder: Path) -> bool:
    """Return whether a folder holds train, valid or test tables."""
    return bool(named_tables(folder))


def named_tables(folder: Path) -> dict[str, Path]:
    """Return split -> table for the train, valid and test tables of a folder; "valid" may be absent."""
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and path.name[0] != "."]
    return named_splits(folder, files, TABLE_SUFFIXES)


def labelled_folder(folder: Path, columns: Columns, bad_lines: BadLines, *, whole: bool) -> LabelledCorpus:
    """Return the labelled texts of a folder.

    It holds train, valid and test tables; or folders of these names with a file for each class, or with a
    folder for each class that has a file for each text; or, to be split by text, such files or folders.
    """
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    paths = named_tables(folder)
    folders = named_splits(folder, (path for path in entries if path.is_dir()), ("/", "/"))
    name = str(folder)
    if not paths and not folders:
        classes_of, noun = _classes(folder)
        description = f"the {noun} of {folder}"
        return _class_corpus(name, classes_of, bad_lines, description, whole=whole)
    rows: dict[str, Callable[[], Iterator[Row]]] = {}
    files: dict[str, tuple[Path, ...]] = {}
    reading: tuple[object, ...] = ()
    notes: tuple[str, ...] = ()
    chosen = columns
    first: Table | None = None
    for split, path in paths.items():
        table = open_labelled_table(path, columns, first)
        roles = choose(table, chosen, find_label_and_text)
        if first is None:  # the columns of the first split are those of the others
            reading, notes = (*roles.values(), *table.reading), _notes(table, roles)
            first = table
            chosen = replace(columns, by_role={role: table.shown_as(each) for role, each in roles.items()})
        rows[split], files[split] = partial(labelled_rows, table, roles), (path,)
    if not paths:
        classes = {split: _classes(path)[0] for split, path in folders.items()}
        for split, of_split in classes.items():
            rows[split], files[split] = partial(_rows_of_classes, of_split), _all_files(of_split)
        reading = tuple(tuple(of_split) for of_split in classes.values())
    description = f"the labelled texts of {folder} with its {'/'.join(rows)} splits"
    examples = _labelled(
        name, bad_lines, description, _LABELLED, *reading, columns=0 if paths else 1, notes=notes
    )
    return examples.keep_splits(rows, files)


Classes = Mapping[str, Path | tuple[Path, ...]]
"""Class -> its file, with a text in each line, or its files, with a text in each."""


def _classes(folder: Path) -> tuple[Classes, str]:
    """Return the classes of a folder and a noun for their texts.

    Folders of several text files are classes if there are two; otherwise the text files are. A folder "unsup"
    has texts without a class.
    """
    below = {
        path.name: tuple(file for file in sorted(path.iterdir()) if _is_document(file))
        for path in sorted(folder.iterdir())
        if path.is_dir() and not path.name.startswith(".") and path.name != "unsup"
    }
    below = {name: files for name, files in below.items() if len(files) > 1}
    if len(below) > 1:
        return below, "texts in a folder for each class"
    return class_files(folder), "lines of a file for each class"


def _is_document(path: Path) -> bool:
    suffix = Path(plain_name(path)).suffix
    text = suffix in (*TEXT_SUFFIXES, "") or suffix[1:].isdigit()
    return text and not path.name.startswith(".") and path.is_file()


def _all_files(classes: Classes) -> tuple[Path, ...]:
    return tuple(
        path for files in classes.values() for path in (files if isinstance(files, tuple) else (files,))
    )


def _rows_of_classes(classes: Classes) -> Iterator[Row]:
    """Iterate over (text, class) of each class's file or files."""
    number = 0
    for label, files in classes.items():
        if isinstance(files, tuple):
            for path in tracked(files, f"reading {label}", "files"):
                number += 1
                yield number, _document(path, label)
        else:
            yield from class_rows({label: files})


def _document(path: Path, label: str) -> tuple[str, str] | BadLine:
    """Return the text of a file on one line, and its class."""
    with open_bytes(path) as file:
        data = file.read(4 * MAX_DOCUMENT + 1)
    try:
        text = " ".join(data.removeprefix(BOM).decode().split())
    except UnicodeDecodeError as error:
        reason = f"byte 0x{data[error.start]:02x} is not UTF-8"
        return BadLine(reason, str(path), "convert it: iconv -f LATIN1 -t UTF-8 FILE > NEW")
    if not text or len(text) > MAX_DOCUMENT:
        reason = f"a text of more than {MAX_DOCUMENT:,} characters" if text else "the text is empty"
        return BadLine(reason, str(path), "delete the file, or cut it")
    return text, label


def _class_corpus(
    name: str,
    classes: Classes,
    bad_lines: BadLines,
    description: str,
    defaults: TextDefaults = _LABELLED,
    *,
    whole: bool = False,
) -> LabelledCorpus:
    """Return the texts of each class, split by text, or as a whole."""
    examples = _labelled(name, bad_lines, description, defaults, *classes, columns=1, whole=whole)
    return examples.split_by_hash(partial(_rows_of_classes, classes), _all_files(classes))


def read_class_files(entry: CorpusEntry, bad_lines: BadLines) -> LabelledCorpus:
    """Return the labelled texts of a registered corpus whose files are called NAME.CLASS."""
    files = {Path(name).suffix[1:]: path for name, path in sorted(entry.local_files().items())}
    return _class_corpus(entry.name, files, bad_lines, entry.description, entry.defaults)


def class_rows(files: Mapping[str, Path]) -> Iterator[Row]:
    """Iterate over (line, class) of each class's file. A bad line's reason names its file."""
    for label, path in files.items():
        for number, line in numbered_lines(path):
            if isinstance(line, str) and not line.strip():
                line = BadLine("the text is empty", f"{path}, line {number}", "delete the line")
            if isinstance(line, BadLine):
                yield number, replace(line, reason=f"{line.reason} ({path.name})")
            else:
                yield number, (line.strip(), label)


def class_files(folder: Path) -> dict[str, Path]:
    """Return class -> file for the text files directly in a folder; a file's name is its class.

    Raises:
        DataError: For fewer than two, and for two files of one class.
    """
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        name = Path(plain_name(path))
        if name.suffix not in TEXT_SUFFIXES or path.name.startswith(".") or path.is_dir():
            continue
        if name.stem in files:
            raise DataError(
                f"two files for the class {name.stem}: {files[name.stem].name} and {path.name}",
                where=str(folder),
                remedy="leave one of them in the folder",
            )
        files[name.stem] = path
    if len(files) < 2:
        raise DataError(
            f"expected a text file for each of two or more classes, got {len(files)} text file(s)"
            f" ({', '.join(TEXT_SUFFIXES)})",
            where=str(folder),
            remedy="write CLASS.txt for each class, or train.tsv, valid.tsv and test.tsv",
        )
    return files
