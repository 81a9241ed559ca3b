"""Line-by-line commands: one answer for each line of input, in order, while the input is being read."""

import contextlib
import itertools
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from seqkit.cli.common import echo, flags_of, is_terminal, to_json, warn
from seqkit.errors import DataError, UsageError
from seqkit.platforms import end_of_input
from seqkit.progress import progress

if TYPE_CHECKING:
    from seqkit.text import Tokenizer, Vocabulary

Answer = TypeVar("Answer")

LINES_AT_ONCE = 256
"""Lines that are answered together, if as many have been read."""
_BLOCK = 1 << 16
_COUNTED = 1 << 20
_NO_LINES = {".gz", ".bz2", ".xz", ".zst", ".zip", ".tar", ".json", ".parquet", ".arrow", ".feather"}
"""Suffixes of files whose bytes do not show the number of their texts."""
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Line:
    """A line of input.

    Args:
        text: The line without its end.
        where: Its position, for error messages.
        error: Why it cannot be read, if it cannot.
        content: What is answered, where that is more than the text.
    """

    text: str
    where: str
    error: DataError | None = None
    content: Any = None


def argument_lines(texts: Sequence[str], noun: str = "text") -> Iterator[list[Line]]:
    """Return arguments of the command line as a batch of lines."""
    yield [
        _line(text.encode("utf-8", "surrogateescape"), f"{noun} {number}", too_long=False)
        for number, text in enumerate(texts, 1)
    ]


def input_lines(
    file: str | None, text_column: int | str | None = None, *, tables: bool = True
) -> Iterator[list[Line]]:
    """Return batches of the lines of a file, or of standard input for None and "-", as they arrive.

    A batch holds the lines that can be read without waiting. A line that is not UTF-8, or too long, has an
    error. Of a table (CSV, TSV, JSON lines, Parquet, Arrow), the lines are the texts of one column.

    Args:
        file: The file.
        text_column: The column of the texts of a table; None finds it.
        tables: Whether a file that is named as a table is one; otherwise it has lines as others have.

    Raises:
        DataError: The file cannot be read. Raised at once, before the first batch.
        UsageError: Standard input is closed.
    """
    if file not in (None, "-"):
        lines = _table_lines(Path(file), text_column) if tables else _file_lines(Path(file))
        return itertools.chain([next(lines)], lines)  # opens it, once: it may be a pipe
    if text_column is not None:
        raise UsageError("--text-column has no effect here: it is for tables, not for standard input")
    if sys.stdin is None or sys.stdin.closed:
        raise UsageError("standard input is closed", remedy="name a file")
    if is_terminal(sys.stdin):
        warn(f"reading from standard input; end with {end_of_input()}")
    return _stream_lines(sys.stdin.buffer, "standard input")


def count_lines(*files: str | None) -> int | None:
    """Return the number of lines of files, for progress; None if it cannot be told at once.

    Those of pipes and of compressed files are not known before they are read.
    """
    total = 0
    for file in files:
        try:
            if file in (None, "-"):
                buffer: Any = sys.stdin.buffer
                start = buffer.raw.tell()
                total += _line_ends(buffer.raw)
                buffer.raw.seek(start)
            elif Path(file).suffix in _NO_LINES or not Path(file).is_file():
                return None
            else:
                with open(file, "rb", buffering=0) as stream:
                    total += _line_ends(stream)
        except (OSError, ValueError, AttributeError):  # a pipe, or what cannot be read, which reading reports
            return None
    return total


def _line_ends(stream: Any) -> int:
    total = 0
    while block := stream.read(_COUNTED):
        total += block.count(b"\n")
    return total


def all_texts(batches: Iterable[list[Line]]) -> list[str]:
    """Return the texts of all lines.

    Raises:
        DataError: A line cannot be read.
    """
    texts = []
    for batch in batches:
        for line in batch:
            if line.error is not None:
                raise line.error
            texts.append(line.text)
    return texts


def _table_lines(path: Path, text_column: int | str | None) -> Iterator[list[Line]]:
    from seqkit.corpora.readers.text_sources import table_texts

    table = table_texts(path, text_column)
    if table is None:
        yield from _file_lines(path)
        return
    texts, notes = table
    for note in notes:
        warn(note)
    numbered = enumerate(texts, 1)
    yield []
    while batch := list(itertools.islice(numbered, LINES_AT_ONCE)):
        yield [_line(text.encode(), f"{path}, text {number}", too_long=False) for number, text in batch]


def _file_lines(path: Path) -> Iterator[list[Line]]:
    from seqkit.files.lines import open_bytes

    with open_bytes(path) as stream:
        yield []
        yield from _stream_lines(stream, str(path))


def _stream_lines(stream: Any, source: str) -> Iterator[list[Line]]:
    from seqkit.files.lines import MAX_LINE

    number, rest, too_long = 0, b"", False
    while True:
        block = stream.read1(_BLOCK)
        *ended, rest = (rest + block).split(b"\n")
        if not block and (rest or too_long):
            ended.append(rest)
        batch = []
        for raw in ended:
            number += 1
            raw = raw.removeprefix(_BOM) if number == 1 else raw
            batch.append(_line(raw.removesuffix(b"\r"), f"{source}, line {number}", too_long))
            too_long = False
        if batch:
            yield batch
        if not block:
            return
        if len(rest) > 4 * MAX_LINE:  # UTF-8 takes at most 4 bytes per character
            rest, too_long = b"", True


def _line(raw: bytes, where: str, too_long: bool) -> Line:
    from seqkit.files.lines import MAX_LINE

    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        message = f"byte 0x{raw[error.start]:02x} is not UTF-8"
        where = f"{where}, byte {error.start} of it"
        return Line("", where, DataError(message, where=where, remedy="convert it with iconv"))
    if too_long or len(text) > MAX_LINE:
        message = f"expected at most {MAX_LINE:,} characters in a line, got more"
        return Line("", where, DataError(message, where=where, remedy="break it with fold -s"))
    return Line(text, where)


def answer_lines(
    batches: Iterable[list[Line]],
    answer: Callable[[list[Any]], Iterable[Answer]],
    to_text: Callable[[str, Answer], str],
    to_dict: Callable[[str, Answer], dict[str, Any]],
    *,
    key: str,
    as_json: bool,
    json_lines: bool = False,
    empty_text: str = "",
    styled: bool = False,
    on_line: Callable[[int], None] | None = None,
    total: int | None = None,
) -> int:
    """Answer lines and print the answers as they come, each in the place of its line.

    An empty line, or one of blanks, is answered by an empty line. A line that cannot be answered is reported
    on standard error and answered by an empty line; in JSON it has an "error".

    Args:
        batches: Batches of lines. The answers to a batch are printed before the next batch is read.
        answer: Function from texts, or the contents of lines that have some, to their answers; raises
            DataError if one cannot be answered.
        to_text: Function from a text and its answer to the printed text.
        to_dict: Function from a text and its answer to the JSON object.
        key: Key of the text in the JSON object of a line without an answer.
        as_json: Print one JSON list instead of lines.
        json_lines: Print one JSON object per input line.
        empty_text: Text to print in place of a missing answer.
        styled: Whether the printed texts have colours for a terminal, and are escaped otherwise.
        on_line: Called with the number of each line, from 1, before its answer is printed.
        total: Number of all lines, if it is known, for progress; not shown beside answers on a terminal.

    Returns:
        The exit code: 1 if some line could not be answered, otherwise 0.
    """
    exit_code, printed = 0, 0
    beside_answers = is_terminal(sys.stdout)
    with contextlib.nullcontext() if beside_answers else progress("lines", total, "lines") as job:
        for lines in _pieces(batches):
            results: list[Answer | DataError | None] = [line.error for line in lines]
            answerable = [i for i, line in enumerate(lines) if line.error is None and line.text.strip()]
            answers = _answers([lines[i] for i in answerable], answer)
            for i, each in zip(answerable, answers, strict=True):
                results[i] = each
            for line, result in zip(lines, results, strict=True):
                item: dict[str, Any] = {key: line.text}
                text = empty_text
                if isinstance(result, DataError):
                    context = click.get_current_context(silent=True)
                    result.flags = None if context is None else flags_of(context.command)
                    echo(f"error: {result.for_command()}", err=True)
                    exit_code, item = 1, {**item, "error": result.for_command()}
                elif result is not None:
                    if on_line is not None:
                        on_line(printed + 1)
                    item, text = to_dict(line.text, result), to_text(line.text, result)
                if as_json:
                    text = f"{',' if printed else '['}\n{textwrap.indent(to_json(item), '  ')}"
                elif json_lines:
                    text = to_json(item, indent=None)
                (click.echo if styled else echo)(text, nl=not as_json)
                printed += 1
            sys.stdout.flush()
            if job is not None:
                job.advance(len(lines))
    if as_json:
        echo("\n]" if printed else "[]")
    return exit_code


def _pieces(batches: Iterable[list[Line]]) -> Iterator[list[Line]]:
    for batch in batches:
        for start in range(0, len(batch), LINES_AT_ONCE):
            yield batch[start : start + LINES_AT_ONCE]


class UnknownTokens:
    """The tokens of texts that a model does not know, reported when they are more than half.

    Args:
        tokenizer: Cuts the texts into tokens.
        vocabulary: The tokens that the model knows.
    """

    def __init__(self, tokenizer: "Tokenizer", vocabulary: "Vocabulary") -> None:
        self.tokenizer, self.vocabulary = tokenizer, vocabulary
        self.tokens, self.unknown, self.example = 0, 0, ""

    def count(self, texts: Iterable[str]) -> None:
        """Count the tokens of texts."""
        if self.vocabulary.unk_id is None:
            return
        for text in texts:
            tokens = self.tokenizer.tokenize(text)
            unknown = [token for token in tokens if self.vocabulary.id(token) == self.vocabulary.unk_id]
            self.tokens, self.unknown = self.tokens + len(tokens), self.unknown + len(unknown)
            self.example = self.example or next(iter(unknown), "")

    def report(self) -> None:
        """Warn on standard error if more than half of the tokens are unknown."""
        if 2 * self.unknown > self.tokens:
            warn(
                f"warning: the model does not know {self.unknown:,} of {self.tokens:,} tokens, such as "
                f"{self.example[:20]!r}: was it trained on texts like these, cut into words as these are?"
            )


def _answers(lines: list[Line], answer: Callable[[list[Any]], Iterable[Answer]]) -> list[Answer | DataError]:
    """Answer lines together; if that fails, answer halves of them, so that an error concerns one line."""
    if not lines:
        return []
    try:
        return list(answer([line.text if line.content is None else line.content for line in lines]))
    except DataError as error:
        if len(lines) == 1:
            return [DataError(error.what, where=lines[0].where, remedy=error.remedy)]
        half = len(lines) // 2
        return [*_answers(lines[:half], answer), *_answers(lines[half:], answer)]
