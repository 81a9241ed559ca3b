"""Lines gathered into blocks of text: tokenizing a megabyte at once is several times faster than by line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from seqkit.errors import DataError
from seqkit.text import UnfinishedLine

_BLOCK = 1 << 20


def join_blocks(lines: Iterable[str], *, size: int = _BLOCK) -> Iterator[tuple[str, int]]:
    """(text, number of lines) of about ``size`` characters; every line ends in a newline in the text.

    A last line that is an UnfinishedLine gets none. Raises DataError for a line with a newline inside.
    """
    gathered: list[str] = []
    room = size
    line = ""
    for line in lines:
        gathered.append(line)
        room -= len(line) + 1
        if room <= 0 and not isinstance(line, UnfinishedLine):
            yield _join(gathered), len(gathered)
            gathered, room = [], size
    if gathered:
        text = _join(gathered)
        yield (text[:-1] if isinstance(line, UnfinishedLine) else text), len(gathered)


def _join(lines: list[str]) -> str:
    text = "\n".join(lines) + "\n"
    if text.count("\n") != len(lines):
        broken = next(line for line in lines if "\n" in line)
        raise DataError(
            f"a newline inside a line ({broken[:40]!r}...)", remedy="give lines without line ends"
        )
    return text
