"""Recognise files that stand in place of those that were meant: pointers, error pages, empty downloads.

All readers of files ask here, so that such a file is named and not called damaged.
"""

import os
import re
from typing import NamedTuple

from seqkit.errors import DataError, RunError, SeqkitError

HEAD = 2048
"""Bytes of a file's beginning that :func:`find_substitute` looks at."""
_BOM = b"\xef\xbb\xbf"
_PAGE = re.compile(rb"(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body)\b", re.I | re.S)
_SERVER_ERROR = re.compile(rb"(<\?xml[^>]*>\s*)?<Error>\s*<Code>")


class Substitute(NamedTuple):
    """A file in place of another: its name, and how the file itself is had."""

    name: str
    remedy: str


_POINTERS = {
    b"version https://git-lfs.github.com/spec/": Substitute(
        "a pointer of Git LFS", "fetch the content in its repository: git lfs pull"
    ),
    b"version https://hawser.github.com/spec/": Substitute(
        "a pointer of Git LFS", "fetch the content in its repository: git lfs pull"
    ),
    b"/annex/objects/": Substitute(
        "a pointer of git-annex", "fetch the content in its repository: git annex get FILE"
    ),
    b"# xet version": Substitute("a pointer of Xet storage", "download the file itself: hf download NAME"),
}
_EMPTY = Substitute("an empty file", "download or copy it again: it broke off at the beginning")
_HTML = Substitute(
    "an HTML page",
    "open its address in a browser and download the file itself: a server answers with a page where a login, "
    "a licence or an error stands before the file (or, to read the page as text, put a line before it)",
)
_XML = Substitute("the error message of a server", "look up its address and download it again")


def find_substitute(head: bytes) -> Substitute | None:
    """Return what the file with this beginning is, if it is a substitute for another.

    Args:
        head: The first bytes of the file, :data:`HEAD` at least, or all of them.

    Example:
        >>> find_substitute(b"<!DOCTYPE html><title>404</title>").name
        'an HTML page'
    """
    if not head:
        return _EMPTY
    text = head[:HEAD].removeprefix(_BOM).lstrip()
    pointer = next((found for start, found in _POINTERS.items() if text.startswith(start)), None)
    if pointer is not None:
        return pointer
    if _PAGE.match(text):
        return _HTML
    return _XML if _SERVER_ERROR.match(text) else None


def refuse_substitute(
    path: str | os.PathLike[str],
    head: bytes | None = None,
    *,
    error: type[SeqkitError] = DataError,
    may_be_empty: bool = False,
) -> None:
    """Raise ``error`` for a file that is a substitute for another.

    Args:
        path: The file.
        head: Its beginning; read from ``path`` if it is not given. A file that cannot be read passes.
        error: The exception to raise.
        may_be_empty: Whether a file without a byte is what it should be.
    """
    if head is None:
        try:
            with open(path, "rb") as file:
                head = file.read(HEAD)
        except OSError:
            return
    found = None if may_be_empty and not head else find_substitute(head)
    if found is _EMPTY and issubclass(error, RunError):
        raise error(f"{path} is damaged: it is empty", remedy=found.remedy)
    if found is not None:
        raise error(f"it is {found.name}, not the file itself", where=str(path), remedy=found.remedy)
