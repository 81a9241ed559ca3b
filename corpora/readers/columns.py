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
    number of columns is a comment before a sentence; ``-DOCSTART-`` lines are passed over. In CoNLL-U, the
    ranges of multi-word tokens and empty nodes are passed over, so that syntactic words remain. A sentence
    with a bad line is one bad line.

    Args:
        lines: Numbered lines.
        columns: The columns of word and tag.
        source: The file's name, for messages.
        conllu: Whether the format is CoNLL-U. A ``# global.columns`` line makes it so, with its names.
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
            self.count, self.first_line = len(cells), number
            if self.names is not None:
                self.count = len(self.names)
        if len(cells) != self.count:
            like = "as CoNLL-U has" if self.names else f"as in line {self.first_line}"
            return f"expected {self.count} columns {like}, got {len(cells)}"
        if self.names is not None and self.names[0] == "ID" and not cells[0].isdecimal():
            return (
                None
                if re.fullmatch(r"\d+[-.]\d+", cells[0])
                else f"expected a number as ID, got {cells[0]!r}"
            )
        try:
            names, found = ["word"], [self._index(self.columns.word, "FORM", 1)]
            if self.columns.tagged:
                names, found = ["word", "tag"], [*found, self._index(self.columns.tag, "UPOS", -1)]
            names += [f"value in column {column}" for column in self.columns.features]
            found += [self._index(column, "", 0) for column in self.columns.features]
        except LookupError as error:
            return str(error.args[0])
        places = [place % self.count for place in found]
        values = [cells[place] for place in places]
        word, tag = values[0], values[1] if self.columns.tagged else ""
        if self.columns.tagged and places[0] == places[1]:
            return f"expected the word and its tag in two columns, got {word!r} for both"
        for column, place in zip(reversed(self.columns.features), reversed(places), strict=False):
            if places.count(place) > 1:
                return f"expected feature columns beside the word and its tag, each once, got column {column}"
        header = self.columns.tagged and number == self.first_line and self.names is None
        if header and is_tagged_header(word, tag):
            return f"a header row: {word!r} and {tag!r} are names of columns, not a word and its tag"
        for name, value in zip(names, values, strict=True):
            if not value:
                return f"the {name} is empty"
        self.rows.append((number, *values))
        return None

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
