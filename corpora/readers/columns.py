"""Tagged sentences from columns: a word with its annotations in each line, and a blank line between them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from seqkit.corpora.corpus import TaggedCorpus, TaggedSentence, TextDefaults
from seqkit.corpora.readers.headers import is_tagged_header
from seqkit.corpora.readers.lines import BadLine, BadLines, numbered_lines
from seqkit.corpora.readers.text_files import TEXT_SUFFIXES, named_splits
from seqkit.corpora.split import ExampleFiles, HashSplit
from seqkit.errors import DataError
from seqkit.files.compressed import plain_name

COLUMN_SUFFIXES = (
    ".conll",
    ".conllu",
    ".conllup",
    ".tsv",
    ".iob",
    ".iob2",
    ".bio",
    ".bioes",
    ".col",
    *TEXT_SUFFIXES,
)
SPLIT_NAMES = {"testa": "valid", "testb": "test"}
"""Names of splits in the shared tasks of CoNLL, beside the usual ones."""
TAGGED = TextDefaults(tokenizer="whitespace", min_count=1)

_CONLLU = ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC")
_NAMES = "# global.columns ="
_DOCUMENT = "-DOCSTART-"
_BLANKS = re.compile("[ \t]+")
_REMEDY = (
    "write the same columns in each line, a word and its tag among them, and a blank line between sentences"
)

_CARRIAGE_RETURN = "a carriage return within a line, as old Macintosh files have at its end"
_CONVERT = "convert the line ends: tr '\\r' '\\n'"
_FIRST_ID = re.compile(r"1|1-\d+|0\.1")
"""The first cell of a sentence in CoNLL-U, or in CoNLL-X, which has as many columns."""

Row = tuple[int, TaggedSentence | BadLine]


@dataclass(frozen=True)
class Columns:
    """The columns of word and tag, each by its number from 1, from -1 backwards, or by its name.

    None: the first and the last column; in CoNLL-U FORM and UPOS. ``features``: columns that are read beside
    them. ``tagged``: whether there are tags at all, as in data for training.
    """

    word: str | None = None
    tag: str | None = None
    features: tuple[str, ...] = field(default=(), repr=False)
    tagged: bool = field(default=True, repr=False)

    @property
    def reading(self) -> tuple[object, ...]:
        """The part of a content key that these columns decide.

        Runs of versions that could not read features keep the key that they have.
        """
        return (self, *self.features)


def file_rows(path: Path, columns: Columns) -> Iterator[Row]:
    """Iterate over the sentences of a file, each with the number of its first line."""
    return sentence_rows(numbered_lines(path), columns, str(path), conllu=is_conllu(path))


def is_conllu(path: Path) -> bool:
    """Return whether a file is named as CoNLL-U, maybe compressed."""
    return Path(plain_name(path)).suffix in (".conllu", ".conllup")


def sentence_rows(
    lines: Iterable[tuple[int, str | BadLine]], columns: Columns, source: str, *, conllu: bool = False
) -> Iterator[Row]:
    """Iterate over the sentences of numbered lines.

    Lines are cut at tabs where they have some, else at blanks. A line that begins with "#" and has another
    number of columns is a comment before a sentence; ``-DOCSTART-`` lines are passed over. Ten columns whose
    first begins with 1 are CoNLL-U. In CoNLL-U, the ranges of multi-word tokens and empty nodes are passed
    over, so that syntactic words remain. A sentence with a bad line is one bad line.

    Args:
        lines: Numbered lines.
        columns: The columns of word and tag.
        source: The file's name, for messages.
        conllu: Whether the format is CoNLL-U. A ``# global.columns`` line makes it so, with its names.

    Raises:
        DataError: The first sentence does not have the columns, or one of them is chosen twice.
    """
    reader = SentenceReader(columns, source, conllu=conllu)
    for number, line in lines:
        yield from reader.read(number, line)
    yield from reader.end()


class SentenceReader:
    """The state between lines: what the columns are, and the sentence so far.

    The arguments are those of :func:`sentence_rows`.
    """

    def __init__(self, columns: Columns, source: str, *, conllu: bool = False) -> None:
        self.columns, self.source = columns, source
        self.names: tuple[str, ...] | None = _CONLLU if conllu else None
        self.count, self.first_line = 0, 0
        self.places: dict[str, int] = {}
        self.rows: list[tuple[Any, ...]] = []
        self.bad: tuple[int, BadLine] | None = None

    def read(self, number: int, line: str | BadLine) -> Iterator[Row]:
        """Take a line; yield the sentence that it ends, if any."""
        if isinstance(line, BadLine):
            self.bad = self.bad or (number, line)
            return
        if not line.strip(" \t"):
            yield from self.end()
            return
        if "\r" in line:
            bad = BadLine(_CARRIAGE_RETURN, f"{self.source}, line {number}", _CONVERT)
            self.bad = self.bad or (number, bad)
            return
        if line.startswith(_NAMES) and not self.count:
            self.names = tuple(line.removeprefix(_NAMES).split())
            return
        cells = line.split("\t") if "\t" in line else _BLANKS.split(line.strip(" "))
        begins = not self.rows and self.bad is None
        if line.startswith("#") and begins and (self.names or len(cells) != self.count):
            return
        if cells[0] == _DOCUMENT:
            yield from self.end()
            return
        problem = self._add(number, [cell.strip(" ") for cell in cells])
        if problem is not None and self.bad is None:
            self.bad = number, BadLine(problem, f"{self.source}, line {number}", _REMEDY)

    def end(self) -> Iterator[Row]:
        """Yield the sentence so far, if any; the file ends."""
        rows, bad, self.rows, self.bad = self.rows, self.bad, [], None
        if bad is not None:
            yield bad
        elif rows:
            lines, words, *others = zip(*rows, strict=True)
            tags = others.pop(0) if self.columns.tagged else ()
            yield lines[0], TaggedSentence(words, tags, self.source, lines, tuple(others))

    def _add(self, number: int, cells: list[str]) -> str | None:
        """Add a line's word and tag to the sentence; return what is wrong with the line, if anything."""
        if not self.count:
            if self.names is None and len(cells) == len(_CONLLU) and _FIRST_ID.fullmatch(cells[0]):
                self.names = _CONLLU
            self.count, self.first_line = len(self.names or cells), number
        if len(cells) != self.count:
            like = "as CoNLL-U has" if self.names else f"as in line {self.first_line}"
            return f"expected {self.count} columns {like}, got {len(cells)}"
        if self.names is not None and self.names[0] == "ID" and not cells[0].isdecimal():
            return (
                None
                if re.fullmatch(r"\d+[-.]\d+", cells[0])
                else f"expected a number as ID, got {cells[0]!r}"
            )
        if not self.places:
            self.places = self._choose(number, cells)
        values = [cells[place] for place in self.places.values()]
        if self.columns.tagged and number == self.first_line and self.names is None:
            word, tag = values[:2]
            if is_tagged_header(word, tag):
                return f"a header row: {word!r} and {tag!r} are names of columns, not a word and its tag"
        for name, value in zip(self.places, values, strict=True):
            if not value:
                return f"the {name} is empty"
        self.rows.append((number, *values))
        return None

    def _choose(self, number: int, cells: list[str]) -> dict[str, int]:
        """Return the index of each column that is read. Raise DataError if the file does not have it."""
        where = f"{self.source}, line {number}"
        shown = " ".join(cells)
        remedy = f"choose among its {self.count} columns: {shown if len(shown) < 60 else shown[:60] + '…'}"
        chosen = {"word": (self.columns.word, "FORM", 1)}
        if self.columns.tagged:
            chosen["tag"] = (self.columns.tag, "UPOS", -1)
        for column in self.columns.features:
            if f"value in column {column}" in chosen:
                raise DataError(f"feature column {column} is given twice", where=where, remedy=remedy)
            chosen[f"value in column {column}"] = (column, "", 0)
        places: dict[str, int] = {}
        try:
            for name, choice in chosen.items():
                places[name] = self._index(*choice) % self.count
        except LookupError as error:
            raise DataError(str(error.args[0]), where=where, remedy=remedy) from None
        for name, place in places.items():
            other = next(each for each in places if places[each] == place)
            if other != name:
                raise DataError(
                    f"expected the {other} and the {name} in two columns, got {cells[place]!r} for both",
                    where=where,
                    remedy=remedy,
                )
        return places

    def _index(self, given: str | None, name: str, place: int) -> int:
        """Return the index of a column, of ``name`` or at ``place`` by default. Raise LookupError."""
        if given is None:
            given = name if self.names is not None and name in self.names else str(place)
        if re.fullmatch(r"-?[1-9]\d*", given):
            number = int(given)
            if abs(number) > self.count:
                raise LookupError(f"only {self.count} columns, no column {number}")
            return number - (number > 0)
        if self.names is None:
            raise LookupError(f"no names of columns before it, and so no column {given!r}")
        if given not in self.names:
            raise LookupError(f"no column {given!r} among {', '.join(self.names)}")
        return self.names.index(given)


def words_of(sentence: TaggedSentence) -> str:
    """Return the key of repeated sentences: the words with blanks between them."""
    return " ".join(sentence.words)


def tagged_files(
    name: str, bad_lines: BadLines, description: str, *reading: object
) -> ExampleFiles[TaggedCorpus]:
    """Return the files of a tagged corpus, to be split 80/10/10 by the hash of the sentence."""
    rule = HashSplit(
        unit="sentence", remedy=_REMEDY, key=words_of, key_name="sentence", buckets=10, reading=reading
    )
    return ExampleFiles(TaggedCorpus, 2, name, rule, bad_lines, description, TAGGED)


def tagged_table(path: Path, columns: Columns, bad_lines: BadLines, *, whole: bool = False) -> TaggedCorpus:
    """Return the sentences of a file, split by sentence, so that repeated ones stay in one split.

    With ``whole``, they are test data, all of them.
    """
    files = tagged_files(str(path), bad_lines, f"the tagged sentences of {path}", *columns.reading)
    files = replace(files, whole=whole)
    return files.split_by_hash(partial(file_rows, path, columns), (path,))


def tagged_folder(folder: Path, columns: Columns, bad_lines: BadLines) -> TaggedCorpus:
    """Return the sentences of a folder's train, valid and test files."""
    paths = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    named = named_splits(folder, paths, COLUMN_SUFFIXES)
    description = f"the tagged sentences of {folder} with its {'/'.join(named)} files"
    files = tagged_files(str(folder), bad_lines, description, *columns.reading)
    rows = {split: partial(file_rows, path, columns) for split, path in named.items()}
    return files.keep_splits(rows, {split: (path,) for split, path in named.items()})
