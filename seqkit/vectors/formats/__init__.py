"""The file formats of word vectors: one table; read by content, written by suffix."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seqkit.errors import DataError, UsageError
from seqkit.files.formats import encoding_of, format_of
from seqkit.vectors.formats.content import Content, header_of
from seqkit.vectors.formats.headers import is_headerless
from seqkit.vectors.formats.options import COMMAND, LIBRARY, ReadOptions
from seqkit.vectors.formats.source import Source
from seqkit.vectors.words import Words, encode_words

if TYPE_CHECKING:
    from seqkit.vectors.keyed_vectors import KeyedVectors

_PathLike = str | os.PathLike[str]


Writer = Callable[["KeyedVectors", _PathLike], None]


@dataclass(frozen=True)
class Format:
    """A file format: the suffixes that choose it, and how it is read and written, where it is."""

    suffixes: tuple[str, ...]
    read: Callable[[_PathLike, ReadOptions], KeyedVectors] | None = None
    write: Writer | None = None


def _keyed(content: Content) -> KeyedVectors:
    from seqkit.vectors.keyed_vectors import KeyedVectors

    return KeyedVectors._of(content)


def _read_text(path: _PathLike, options: ReadOptions, *, header: bool = True) -> KeyedVectors:
    from seqkit.vectors.formats.text import read_text

    with Source(path, options.remedies) as source:
        return _keyed(read_text(source, options, header=header))


def _read_binary(path: _PathLike, options: ReadOptions) -> KeyedVectors:
    from seqkit.vectors.formats.binary import read_binary

    with Source(path, options.remedies) as source:
        return _keyed(read_binary(source, options))


def _read_native(path: _PathLike, options: ReadOptions) -> KeyedVectors:
    from seqkit.vectors.formats.native import read_native

    options.refuse_for("native")
    return _keyed(read_native(path, writable=options.writable))


def _read_fasttext(path: _PathLike, options: ReadOptions) -> KeyedVectors:
    from seqkit.vectors.formats.fasttext import read_fasttext

    return read_fasttext(path, options)


def _write_native(table: KeyedVectors, path: _PathLike) -> None:
    from seqkit.vectors.formats.native import write_native

    keys = table.index_to_key
    if not all(isinstance(key, str) for key in keys):
        raise UsageError("keys that are no strings cannot be saved", remedy="use str(key) for each")
    if len(set(keys)) != len(keys):
        raise UsageError("a key stands twice among those to be saved", remedy="remove one")
    table.fill_norms()
    words = Words.of(encode_words(keys))
    attributes = {name: array for name, array in table.expandos.items() if array.dtype != object}
    write_native(Content(table.vectors, words, table.norms, attributes), path)


def _write_projector(table: KeyedVectors, path: _PathLike) -> None:
    from seqkit.vectors.formats.projector import write_projector

    write_projector(table, path)


FORMATS: dict[str, Format] = {
    "native": Format((".safetensors", ".kv"), _read_native, _write_native),
    "word2vec": Format(
        (".txt", ".vec", ".w2v"), _read_text, lambda table, path: table.save_word2vec_format(path)
    ),
    "word2vec-binary": Format(
        (".bin",), _read_binary, lambda table, path: table.save_word2vec_format(path, binary=True)
    ),
    "glove": Format(
        (".glove",),
        lambda path, options: _read_text(path, options, header=False),
        lambda table, path: table.save_word2vec_format(path, write_header=False),
    ),
    "fasttext": Format((".ftz",), _read_fasttext),
    "projector": Format((".tsv",), None, _write_projector),
}
"""Name -> format. fastText's .vec is "word2vec"; suffixes may be followed by .gz, .bz2 or .xz."""

_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_SNIFFED = 1 << 16
_READ = ("a model of fastText", "vectors", "a file of tensors", "binary", "a model of SentencePiece")
"""Formats that are read, and those that a binary file of vectors may be taken for."""
_OF_VECTORS = "give a file of vectors: word2vec, GloVe, fastText or seqkit's own"


def detect_format(path: _PathLike) -> str:
    """Return the name of the format of a file, by its content.

    Raises:
        DataError: The file cannot be opened, or its format is not read.
    """
    with Source(path) as source:
        source.skip_bom()
        head = source.peek(_SNIFFED)
        if not head:
            source.fail("the file is empty", remedy="copy it anew")
    if _PICKLE.match(head) or (head[:1] == b"(" and b"gensim" in head):
        raise DataError(
            "a Python pickle, which gensim's save() writes: reading one can run any code, so it is refused",
            where=str(path),
            remedy="export it once where gensim is installed:\n"
            f"  import gensim; kv = gensim.utils.SaveLoad.load({str(path)!r})\n"
            f'  getattr(kv, "wv", kv).save_word2vec_format({str(path) + ".bin"!r}, binary=True)',
        )
    if is_headerless(head):
        return "fasttext"
    found = encoding_of(head) or format_of(head, Path(path))
    if found is not None and not found.startswith(_READ):
        raise DataError(f"expected vectors, got {found}", where=str(path), remedy=_OF_VECTORS)
    if head[:4] == (793712314).to_bytes(4, "little"):
        return "fasttext"
    if head[8:9] == b"{" and head[4:8] == bytes(4):
        return "native"
    line, _, rest = head.partition(b"\n")
    if header_of(line) is None:
        return "glove"
    return "word2vec" if _is_text_row(rest, int(line.split()[1])) else "word2vec-binary"


def _is_text_row(data: bytes, dimensions: int) -> bool:
    """Return whether what follows a header reads as a line of text rather than as float32."""
    line, ended, _ = data.lstrip(b"\n").partition(b"\n")  # a binary file may have them before a word
    fields = line.split(b" ", 2)
    if len(fields) < 2:  # no vectors at all, or no blank: either reader says so
        return True
    first = fields[1].strip()
    return bool(re.fullmatch(rb"[-+0-9.eE]{1,64}|[-+]?(nan|inf)", first)) or (
        bool(ended) and data.isascii() and not re.search(rb"[\x00-\x08\x0e-\x1f]", data)
    )


def load_vectors(
    path: _PathLike,
    format: str | None = None,  # noqa: A002  # as in similar libraries
    *,
    limit: int | None = None,
    encoding: str = "utf8",
    errors: str = "strict",
    duplicates: str = "error",
    writable: bool = True,
) -> KeyedVectors:
    r"""Read the vectors of a file; gzip, bz2, xz and Zstandard are decompressed.

    Args:
        path: The file, an archive of one file, or ``archive.zip:member``.
        format: A name of :data:`FORMATS`; None takes that of the content.
        limit: Read only this many words, the first ones.
        encoding: The encoding of the words.
        errors: For bytes that are not of the encoding: "strict", "ignore" or "replace".
        duplicates: "error", or "first" to keep the first of each repeated word.
        writable: Whether the vectors may be changed in memory (a native file, which is mapped, never is).

    Returns:
        The vectors; for fastText's .bin with subwords, a :class:`~seqkit.vectors.SubwordVectors`.

    Raises:
        DataError: The file is damaged; names the byte.
        UsageError: For an unknown format, and for an argument that a format does not read by.

    Example:
        >>> from pathlib import Path
        >>> from seqkit.vectors import load_vectors
        >>> _ = Path("two.txt").write_text("2 3\neast 1 0 0\nnorth 0 1 0\n")
        >>> load_vectors("two.txt")["north"].tolist()
        [0.0, 1.0, 0.0]
    """
    table = read_vectors(path, format, ReadOptions(limit, encoding, errors, duplicates, writable))
    if not writable:
        table.vectors.flags.writeable = False
    return table


def read_vectors(path: _PathLike, name: str | None, options: ReadOptions) -> KeyedVectors:
    """Read the vectors of a file by ``options``; see :func:`load_vectors`."""
    name = name or detect_format(path)
    read = _known(name).read
    if read is None:
        raise UsageError(f"the format {name} is only written", remedy="read the file that it was made of")
    return read(path, options)


def save_vectors(
    table: KeyedVectors,
    path: _PathLike,
    format: str | None = None,  # noqa: A002
) -> None:
    """Write vectors to a file; an old one stays as it was if that fails.

    Args:
        table: The vectors.
        path: The file; .gz, .bz2 and .xz at the end of its name compress.
        format: A name of :data:`FORMATS`; None takes that of the suffix.

    Raises:
        UsageError: For an unknown suffix or keys that the format cannot hold.
        DataError: The file cannot be written.
    """
    writer(path, format)(table, path)


def writer(path: _PathLike, format: str | None = None) -> Writer:  # noqa: A002
    """Return the function that writes a format, with the errors of :func:`save_vectors` in advance."""
    name = format or _format_of_suffix(str(path))
    write = _known(name).write
    if write is None:
        raise UsageError(f"the format {name} is only read", remedy="save as native or word2vec")
    parent = Path(path).absolute().parent
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise DataError(f"cannot write {os.fspath(path)!r}: {parent} is no folder, or cannot be written")
    return write


def _known(name: str) -> Format:
    if name not in FORMATS:
        raise UsageError(f"expected one of the formats {', '.join(sorted(FORMATS))}, got {name!r}")
    return FORMATS[name]


def _format_of_suffix(path: str) -> str:
    plain = path.removesuffix(".gz").removesuffix(".bz2").removesuffix(".xz")
    for name, each in FORMATS.items():
        if each.write is not None and plain.endswith(each.suffixes):
            return name
    known = [suffix for each in FORMATS.values() if each.write for suffix in each.suffixes]
    raise UsageError(
        f"no format has the suffix of {path!r}", remedy=f"use one of {' '.join(known)}, or name the format"
    )


__all__ = [
    "COMMAND",
    "FORMATS",
    "LIBRARY",
    "Format",
    "ReadOptions",
    "detect_format",
    "load_vectors",
    "read_vectors",
    "save_vectors",
]
