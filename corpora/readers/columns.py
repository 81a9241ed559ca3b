"""Tagged sentences from columns: a word with its annotations in each line, and a blank line between them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

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

    None: the first and the last column; in CoNLL-U FORM and UPOS.
    """

    word: str | None = None
    tag: str | None = None


def file_rows(path: Path, columns: Columns) -> Iterator[Row]:
    """Iterate over the sentences of a file, each with the number of its first line."""
    conllu = Path(plain_name(path)).suffix in (".conllu", ".conllup")
    return sentence_rows(numbered_lines(path), columns, str(path), conllu=conllu)


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
    reader = _Reader(columns, source, conllu)
    for number, line in lines:
        yield from reader.read(number, line)
    yield from reader.end()


class _Reader:
    """The state between lines: what the columns are, and the sentence so far."""

    def __init__(self, columns: Columns, source: str, conllu: bool) -> None:
        self.columns, self.source = columns, source
        self.names: tuple[str, ...] | None = _CONLLU if conllu else None
        self.count, self.first_line = 0, 0
        self.rows: list[tuple[int, str, str]] = []
        self.bad: tuple[int, BadLine] | None = None

    def read(self, number: int, line: str | BadLine) -> Iterator[Row]:
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
        rows, bad, self.rows, self.bad = self.rows, self.bad, [], None
        if bad is not None:
            yield bad
        elif rows:
            lines, words, tags = zip(*rows, strict=True)
            yield lines[0], TaggedSentence(words, tags, self.source, lines)

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
            places = self._index(self.columns.word, "FORM", 1), self._index(self.columns.tag, "UPOS", -1)
        except LookupError as error:
            return str(error.args[0])
        word, tag = (cells[place] for place in places)
        if len({place % self.count for place in places}) == 1:
            return f"expected the word and its tag in two columns, got {word!r} for both"
        if number == self.first_line and self.names is None and is_tagged_header(word, tag):
            return f"a header row: {word!r} and {tag!r} are names of columns, not a word and its tag"
        if not word or not tag:
            return f"the {'tag' if word else 'word'} is empty"
        self.rows.append((number, word, tag))
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
    files = tagged_files(str(path), bad_lines, f"the tagged sentences of {path}", columns)
    files = replace(files, whole=whole)
    return files.split_by_hash(partial(file_rows, path, columns), (path,))


def tagged_folder(folder: Path, columns: Columns, bad_lines: BadLines) -> TaggedCorpus:
    """Return the sentences of a folder's train, valid and test files."""
    paths = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    named = named_splits(folder, paths, COLUMN_SUFFIXES)
    description = f"the tagged sentences of {folder} with its {'/'.join(named)} files"
    files = tagged_files(str(folder), bad_lines, description, columns)
    rows = {split: partial(file_rows, path, columns) for split, path in named.items()}
    return files.keep_splits(rows, {split: (path,) for split, path in named.items()})
