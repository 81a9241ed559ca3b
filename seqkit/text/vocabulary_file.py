"""The file of a vocabulary: UTF-8, a header line, then one escaped token a line, with counts if known.

::

    seqkit-vocabulary {"version": 1, "size": 3, "unk": "<unk>", "eos": "<eos>", "counts": true}
    the<TAB>50770
    <unk><TAB>45020
    <eos><TAB>42068
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from seqkit.errors import DataError
from seqkit.files import fill_json, parse_json

_MAGIC = "seqkit-vocabulary"
_VERSION = 1


@dataclass(frozen=True)
class _Header:
    version: int
    size: int
    unk: str | None
    eos: str | None
    counts: bool


def pack(tokens: Sequence[str], counts: Sequence[int] | None, *, unk: str | None, eos: str | None) -> bytes:
    """Return the bytes of the file."""
    header = {"version": _VERSION, "size": len(tokens), "unk": unk, "eos": eos, "counts": counts is not None}
    lines = [f"{_MAGIC} {json.dumps(header)}"]
    if counts is None:
        lines += map(escape, tokens)
    else:
        lines += [f"{escape(token)}\t{n}" for token, n in zip(tokens, counts, strict=True)]
    return ("\n".join(lines) + "\n").encode()


def unpack(data: bytes, name: str) -> tuple[list[str], list[int] | None, str | None, str | None]:
    """Return (tokens, counts, unk, eos) from what :func:`pack` wrote.

    Raises:
        DataError: If it is damaged, naming ``name`` and the line.
    """

    def damaged(problem: str, line: int) -> DataError:
        return DataError(problem, where=f"{name}, line {line}", remedy="restore the file or write it again")

    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise damaged(f"byte {error.start} is not UTF-8", line) from None

    def fail_header(problem: str) -> DataError:
        return damaged(f"the header cannot be read ({problem})", 1)

    header, _, body = text.partition("\n")
    magic, _, settings = header.partition(" ")
    if magic != _MAGIC:
        raise damaged(f"expected a seqkit vocabulary, which begins with {_MAGIC!r}", 1)
    read = fill_json(_Header, parse_json(settings.encode(), fail_header), fail_header)
    if read.version != _VERSION:
        raise damaged(f"expected vocabulary format {_VERSION}, got {read.version!r}", 1)
    rows = body.split("\n")
    if rows.pop() != "" or len(rows) != read.size:
        raise damaged(
            f"expected {read.size} whole lines of tokens, as the header says, got {len(rows)}", len(rows) + 2
        )
    tokens: dict[str, None] = {}
    counts: list[int] = []
    for line, row in enumerate(rows, start=2):
        word, tab, count = row.partition("\t")
        try:
            token = unescape(word)
        except ValueError as error:
            raise damaged(str(error), line) from None
        if token == "" or token in tokens:
            raise damaged(f"the token {token!r} stands twice" if token else "an empty token", line)
        # 18 digits always fit int64
        number = count.isascii() and count.isdecimal() and len(count) <= 18
        if bool(tab) != read.counts or (tab and not number):
            expected = "a token and its count" if read.counts else "a token alone"
            raise damaged(f"expected {expected}, got {row!r}", line)
        if tab:
            counts.append(int(count))
        tokens[token] = None
    for role, special in (("unk", read.unk), ("eos", read.eos)):
        if special is not None and special not in tokens:
            raise damaged(f"the {role} token {special!r} is not among the tokens", 1)
    return list(tokens), counts if read.counts else None, read.unk, read.eos


# Escapes: one token on one line, whatever characters it holds

_NAMED = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", " ": "\\s"}
_UNNAMED = {escape[1]: char for char, escape in _NAMED.items()}
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.?))", re.DOTALL)


def _escape_char(char: str) -> str:
    if char in _NAMED:
        return _NAMED[char]
    if char.isprintable():
        return char
    number = ord(char)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def escape(token: str) -> str:
    """Return ``token`` with blanks, control characters and backslashes written out."""
    if token.isprintable() and "\\" not in token and " " not in token:
        return token
    return "".join(map(_escape_char, token))


def unescape(text: str) -> str:
    """Return the token that :func:`escape` wrote. Raises ValueError for an escape that does not exist."""
    if "\\" not in text:
        return text

    def replace(match: re.Match[str]) -> str:
        number = match[1] or match[2]
        if number:
            return chr(int(number, 16))  # ValueError above U+10FFFF
        if match[3] not in _UNNAMED:
            raise ValueError(f"unknown escape {match[0]!r}")
        return _UNNAMED[match[3]]

    return _ESCAPE.sub(replace, text)
