"""File formats of word vectors: one table, read by content, written by suffix."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from seqkit.errors import DataError, UsageError
from seqkit.vectors.formats.content import Content, header_of
from seqkit.vectors.formats.source import Source
from seqkit.vectors.words import Words

_PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Format:
    """A file format: what it is called, the suffixes that choose it, and how it is read and written."""

    suffixes: tuple[str, ...]
    read: Callable[[_PathLike, str, bool], Any] | None = None
    """(path, duplicates, writable) -> KeyedVectors"""
    write: Callable[[Any, _PathLike], None] | None = None


def _keyed(content: Content) -> Any:
    from seqkit.vectors.keyed_vectors import KeyedVectors

    return KeyedVectors._of(content)


def _read_text(path: _PathLike, duplicates: str, header: bool) -> Any:
    from seqkit.vectors.formats.text import read_text

    with Source(path) as source:
        return _keyed(read_text(source, header=header, duplicates=duplicates))


def _read_binary(path: _PathLike, duplicates: str, writable: bool) -> Any:
    from seqkit.vectors.formats.binary import read_binary

    with Source(path) as source:
        return _keyed(read_binary(source, duplicates=duplicates))


def _read_native(path: _PathLike, duplicates: str, writable: bool) -> Any:
    from seqkit.vectors.formats.native import read_native

    return _keyed(read_native(path, writable=writable))


def _read_fasttext(path: _PathLike, duplicates: str, writable: bool) -> Any:
    from seqkit.vectors.formats.fasttext import read_fasttext

    return read_fasttext(path)


def _write_native(table: Any, path: _PathLike) -> None:
    from seqkit.vectors.formats.native import write_native

    keys = table.index_to_key
    if not all(isinstance(key, str) for key in keys):
        raise UsageError("keys that are no strings cannot be saved", remedy="use str(key) for each")
    if len(set(keys)) != len(keys):
        raise UsageError("a key stands twice among those to be saved")
    vectors, _ = table.vectors, table.fill_norms()
    try:
        words = Words.of([key.encode() for key in keys])
    except UnicodeEncodeError as error:
        raise UsageError(f"the key {error.object!r} cannot be saved: it is no valid Unicode") from None
    attributes = {name: array for name, array in table.expandos.items() if array.dtype != object}
    write_native(Content(vectors, words, table.norms, attributes), path)


def _write_projector(table: Any, path: _PathLike) -> None:
    from seqkit.vectors.formats.projector import write_projector

    write_projector(table, path)


FORMATS: dict[str, Format] = {
    "native": Format((".safetensors", ".kv"), _read_native, _write_native),
    "word2vec": Format(
        (".txt", ".vec", ".w2v"),
        lambda path, duplicates, _: _read_text(path, duplicates, True),
        lambda table, path: table.save_word2vec_format(path),
    ),
    "word2vec-binary": Format(
        (".bin",), _read_binary, lambda table, path: table.save_word2vec_format(path, binary=True)
    ),
    "glove": Format(
        (".glove",),
        lambda path, duplicates, _: _read_text(path, duplicates, False),
        lambda table, path: table.save_word2vec_format(path, write_header=False),
    ),
    "fasttext": Format((".ftz",), _read_fasttext),
    "projector": Format((".tsv",), None, _write_projector),
}
"""Name -> format. fastText's .vec is "word2vec"; suffixes may be followed by .gz or .bz2."""

_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_SNIFFED = 1 << 16


def detect_format(path: _PathLike) -> str:
    """The name of the format of a file, by its content. Raises DataError when it is none that is read."""
    with Source(path) as source:
        head = source.peek(_SNIFFED)
        if not head:
            source.fail("the file is empty")
    if _PICKLE.match(head) or (head[:1] == b"(" and b"gensim" in head):
        raise DataError(
            "a Python pickle, which gensim's save() writes: reading one can run any code, so it is refused",
            where=str(path),
            remedy="export it once where gensim is installed:\n"
            f"  import gensim; kv = gensim.utils.SaveLoad.load({str(path)!r})\n"
            f'  getattr(kv, "wv", kv).save_word2vec_format({str(path) + ".bin"!r}, binary=True)',
        )
    if head[:4] == (793712314).to_bytes(4, "little"):
        return "fasttext"
    if head[8:9] == b"{" and head[4:8] == bytes(4):
        return "native"
    line, _, rest = head.partition(b"\n")
    if header_of(line) is None:
        return "glove"
    return "word2vec" if _is_text_row(rest, int(line.split()[1])) else "word2vec-binary"


def _is_text_row(data: bytes, dimensions: int) -> bool:
    """Whether what follows a header reads as a line of text rather than as float32."""
    line, ended, _ = data.partition(b"\n")
    fields = line.split(b" ", 2)
    if len(fields) < 2:  # no vectors at all, or no blank: either reader says so
        return True
    first = fields[1].strip()
    return bool(re.fullmatch(rb"[-+0-9.eE]{1,64}|[-+]?(nan|inf)", first)) or (
        bool(ended) and data.isascii() and not re.search(rb"[\x00-\x08\x0e-\x1f]", data)
    )


def load_vectors(
    path: _PathLike,
    format: str | None = None,  # noqa: A002  # as in every library of the kind
    *,
    duplicates: str = "error",
    writable: bool = True,
) -> Any:
    """Vectors of a file: a KeyedVectors, for fastText's .bin with subwords.

    format: a name of :data:`FORMATS`; None tells it by the content. gzip and bz2 are opened.
    duplicates: "error", or "first" to keep the first of each repeated word. writable: whether vectors that
    are mapped from a native file may be changed in memory (the file never is).

    Raises DataError with the byte where the file is damaged, UsageError for an unknown format.
    """
    name = format or detect_format(path)
    if duplicates not in ("error", "first"):
        raise UsageError(f"duplicates={duplicates!r}", remedy='use "error" or "first"')
    read = _known(name).read
    if read is None:
        raise UsageError(f"the format {name} is only written", remedy="read the file that it was made of")
    return read(path, duplicates, writable)


def save_vectors(table: Any, path: _PathLike, format: str | None = None) -> None:  # noqa: A002
    """Write vectors; by suffix where no ``format`` is given, .gz and .bz2 after it compress.

    Raises UsageError for an unknown suffix or keys that the format cannot hold, DataError when the file
    cannot be written (then an old one stays as it was).
    """
    name = format or _format_of_suffix(str(path))
    write = _known(name).write
    if write is None:
        raise UsageError(f"the format {name} is only read", remedy="save as native or word2vec")
    write(table, path)


def _known(name: str) -> Format:
    if name not in FORMATS:
        raise UsageError(f"unknown format {name!r}", remedy=f"use one of {', '.join(sorted(FORMATS))}")
    return FORMATS[name]


def _format_of_suffix(path: str) -> str:
    plain = path.removesuffix(".gz").removesuffix(".bz2")
    for name, each in FORMATS.items():
        if each.write is not None and plain.endswith(each.suffixes):
            return name
    known = [suffix for each in FORMATS.values() if each.write for suffix in each.suffixes]
    raise UsageError(
        f"no format goes by the suffix of {path!r}", remedy=f"use one of {' '.join(known)}, or name it"
    )


__all__ = ["FORMATS", "Format", "detect_format", "load_vectors", "save_vectors"]
