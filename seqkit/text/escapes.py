"""One token on one line of a text file, whatever characters it holds: backslash escapes."""

from __future__ import annotations

import re

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
    """``token`` with blanks, control characters and backslashes written out; :func:`unescape` undoes it."""
    if token.isprintable() and "\\" not in token and " " not in token:
        return token
    return "".join(map(_escape_char, token))


def unescape(text: str) -> str:
    """The token that :func:`escape` wrote. Raises ValueError for an escape that does not exist."""
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
