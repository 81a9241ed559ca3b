"""Examples from tab-separated tables, from two aligned files, or from one file for each class."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from pathlib import Path

from seqkit.corpora.corpus import DEFAULTS, LabelledCorpus, Seq2SeqCorpus, TextDefaults
from seqkit.corpora.entry import CorpusEntry
from seqkit.corpora.readers.headers import is_labelled_header, is_pair_header
from seqkit.corpora.readers.lines import BadLine, BadLines, Row, numbered_lines
from seqkit.corpora.readers.text_files import TEXT_SUFFIXES, named_splits
from seqkit.corpora.split import ExampleFiles, HashSplit
from seqkit.errors import DataError
from seqkit.files.lines import plain_name

TABLE_SUFFIXES = (".tsv", *TEXT_SUFFIXES)
_LABELLED = TextDefaults(tokenizer="word", lowercase=True, min_count=2)

# Pairs of source and target

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
    description: str,
    defaults: TextDefaults = DEFAULTS,
) -> Seq2SeqCorpus:
    """Return the pairs of a table, or of ``path`` with the lines of ``target``, split by source text."""
    columns = 2 if target is None else 1
    files = ExampleFiles(Seq2SeqCorpus, columns, name, PAIRS, bad_lines, description, defaults)
    if target is not None:
        return files.split_by_hash(partial(aligned_rows, path, target), (path, target))
    return files.split_by_hash(partial(pair_rows, path), (path,))


def read_pair_table(entry: CorpusEntry, bad_lines: BadLines) -> Seq2SeqCorpus:
    """Return the pairs of a registered corpus of one table."""
    (path,) = entry.local_files().values()
    return pair_corpus(entry.name, path, bad_lines, description=entry.description, defaults=entry.defaults)


def pair_rows(path: Path) -> Iterator[Row]:
    """Iterate over (source, target) of the first two columns (Tatoeba's third is the attribution)."""
    for number, line in numbered_lines(path):
        if isinstance(line, BadLine):
            yield number, line
            continue
        place = f"{path}, line {number}"
        columns = line.split("\t", 2)
        if len(columns) < 2:
            remedy = "write source, a tab and target"
            yield number, BadLine("no tab between source and target", place, remedy)
        elif number == 1 and is_pair_header(columns[0], columns[1]):
            yield number, _header(columns[:2], place)
        else:
            yield number, _pair(columns[0], columns[1], place, place)


def _header(names: list[str], place: str) -> BadLine:
    shown = " and ".join(repr(name.strip()) for name in names)
    return BadLine(f"a header row: {shown} are names of columns, not an example", place, "delete the line")


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


# Labelled texts


def normalized(text: str) -> str:
    """Return the key of duplicates: the text, case folded, with single blanks between words."""
    return " ".join(text.casefold().split())


def _labelled(
    name: str,
    bad_lines: BadLines,
    description: str,
    defaults: TextDefaults,
    *reading: object,
    columns: int = 2,
) -> ExampleFiles[LabelledCorpus]:
    rule = HashSplit(
        unit="example",
        remedy="write a label, a tab and a text in each line",
        key=normalized,
        key_name="text",
        buckets=10,
        reading=reading,
    )
    return ExampleFiles(LabelledCorpus, columns, name, rule, bad_lines, description, defaults)


def labelled_table(path: Path, columns: tuple[int, int], bad_lines: BadLines) -> LabelledCorpus:
    """Return the labelled texts of a table, split by text; ``columns`` of label and text, from 1."""
    files = _labelled(str(path), bad_lines, f"the labelled texts of {path}", _LABELLED, *columns)
    return files.split_by_hash(partial(column_rows, path, *columns), (path,))


def has_tables(folder: Path) -> bool:
    """Return whether a folder holds train, valid or test tables."""
    files = (path for path in sorted(folder.iterdir()) if path.is_file() and path.name[0] != ".")
    return bool(named_splits(folder, files, TABLE_SUFFIXES))


def labelled_folder(folder: Path, columns: tuple[int, int], bad_lines: BadLines) -> LabelledCorpus:
    """Return the labelled texts of a folder.

    It holds train, valid and test tables; or folders of these names with a file for each class; or, to be
    split by text, a file for each class.
    """
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    tables = named_splits(folder, (path for path in entries if path.is_file()), TABLE_SUFFIXES)
    folders = named_splits(folder, (path for path in entries if path.is_dir()), ("/", "/"))
    name = str(folder)
    if not tables and not folders:
        description = f"the lines of a file for each class of {folder}"
        return class_corpus(name, class_files(folder), bad_lines, description, _LABELLED)
    rows: dict[str, Callable[[], Iterator[Row]]] = {}
    paths: dict[str, tuple[Path, ...]] = {}
    reading: tuple[object, ...] = columns
    for split, path in tables.items():
        rows[split], paths[split] = partial(column_rows, path, *columns), (path,)
    if not tables:
        classes = {split: class_files(path) for split, path in folders.items()}
        for split, files in classes.items():
            rows[split], paths[split] = partial(class_rows, files), tuple(files.values())
        reading = tuple(tuple(files) for files in classes.values())
    description = f"the labelled texts of {folder} with its {'/'.join(rows)} splits"
    examples = _labelled(name, bad_lines, description, _LABELLED, *reading, columns=2 if tables else 1)
    return examples.keep_splits(rows, paths)


def class_corpus(
    name: str, files: Mapping[str, Path], bad_lines: BadLines, description: str, defaults: TextDefaults
) -> LabelledCorpus:
    """Return the lines of one file for each class, split by text."""
    examples = _labelled(name, bad_lines, description, defaults, *files, columns=1)
    return examples.split_by_hash(partial(class_rows, files), tuple(files.values()))


def read_class_files(entry: CorpusEntry, bad_lines: BadLines) -> LabelledCorpus:
    """Return the labelled texts of a registered corpus whose files are called NAME.CLASS."""
    files = {Path(name).suffix[1:]: path for name, path in sorted(entry.local_files().items())}
    return class_corpus(entry.name, files, bad_lines, entry.description, entry.defaults)


def column_rows(path: Path, label_column: int, text_column: int) -> Iterator[Row]:
    """Iterate over (text, label) of these columns, from 1; other columns are ignored."""
    for number, line in numbered_lines(path):
        if isinstance(line, BadLine):
            yield number, line
            continue
        place = f"{path}, line {number}"
        columns = [column.strip() for column in line.split("\t")]
        remedy = f"write the label in column {label_column} and the text in column {text_column}"
        if len(columns) < max(label_column, text_column):
            reason = "no tab between label and text" if len(columns) == 1 else f"only {len(columns)} columns"
            yield number, BadLine(reason, place, remedy)
            continue
        text, label = columns[text_column - 1], columns[label_column - 1]
        if number == 1 and is_labelled_header(text, label):
            yield number, _header([label, text], place)
            continue
        empty = "text" if not text else "label" if not label else None
        yield number, (text, label) if empty is None else BadLine(f"the {empty} is empty", place, remedy)


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
