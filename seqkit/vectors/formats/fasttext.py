"""fastText's .bin format: settings, dictionary, input vectors of words and n-grams, output vectors.

Source: the format that fastText's ``FastText::saveModel``, ``Args::save``, ``Dictionary::save`` and
``DenseMatrix::save`` write (versions 11 and 12), all little-endian. Files of 2016 have no magic number, no
version, no number of pruned entries and no flags of quantisation. The output vectors are skipped.
"""

import logging
import math
import os
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqkit.errors import DataError, UsageError
from seqkit.vectors.fasttext import SubwordVectors, word_vectors
from seqkit.vectors.formats.content import MAX_DIMENSIONS, first_not_finite
from seqkit.vectors.formats.headers import NAMES, is_headerless
from seqkit.vectors.formats.options import ReadOptions
from seqkit.vectors.formats.source import Source

MAGIC, VERSIONS = 793712314, (11, 12)
_log = logging.getLogger("seqkit")
_SUPERVISED = 3
_USUAL = ReadOptions()


@dataclass
class _Entries:
    words: list[bytes]
    counts: list[int]
    positions: list[int]


def read_fasttext(path: str | os.PathLike[str], options: ReadOptions = _USUAL) -> SubwordVectors:
    """Read a .bin file. Bytes that are not of the encoding are escaped, unless ``options`` say otherwise.

    Raises:
        DataError: The file is damaged; names the byte. Or it is a quantised model.
        UsageError: ``options`` has a limit: the vectors of words need all n-grams.
    """
    if options.limit is not None:
        raise UsageError("the format fasttext is read whole, got limit")
    with Source(path, options.remedies) as source:
        settings, version = _settings(source)
        nwords, entries = _dictionary(source, version)
        matrix = _matrix(source, settings, nwords, version)
    encoding = options.encoding
    errors = "backslashreplace" if options.errors == "strict" else options.errors
    try:
        words = [word.decode(encoding, errors) for word in entries.words]
    except UnicodeError as error:
        raise DataError(f"the words are not {encoding} ({error})", where=f"{path}, byte 0") from error
    cut = [word for word, raw in zip(words, entries.words, strict=True) if _bytes(word, encoding) != raw]
    if cut:
        name = "UTF-8" if encoding == "utf8" else encoding
        _log.warning("%s: %d words are not %s; their bytes stand as in %r", path, len(cut), name, cut[0])
    own, ngram = matrix[:nwords], matrix[nwords:]
    table = SubwordVectors(settings["dim"], 0)
    table.vectors_vocab, table.vectors_ngrams = own, ngram
    table.min_n, table.max_n, table.encoding = settings["minn"], settings["maxn"], encoding
    table.index_to_key = words
    table.key_to_index = {word: i for i, word in enumerate(words)}
    if len(table.key_to_index) < len(words):
        raise DataError(f"two words that are not {encoding} have the same spelling", where=f"{path}, byte 0")
    with np.errstate(over="ignore"):  # sums of finite numbers may overflow in a damaged file
        table.vectors = word_vectors(entries.words, own, ngram, table.min_n, table.max_n)
    row = first_not_finite(table.vectors)
    if row is not None:
        raise DataError(f"the n-grams of {words[row]!r} sum to no finite vector", where=f"{path}, byte 0")
    table.expandos["count"] = np.array(entries.counts, np.int64)
    table.next_index = nwords
    return table


def _bytes(word: str, encoding: str) -> bytes | None:
    try:
        return word.encode(encoding)
    except UnicodeError:
        return None


def _take(source: Source, form: str) -> tuple[Any, ...]:
    size = struct.calcsize("<" + form)
    data = source.read(size)
    if len(data) < size:
        source.fail("the file ends within its settings")
    return struct.unpack("<" + form, data)


def _settings(source: Source) -> tuple[dict[str, int], int]:
    """Return the settings and the version; 0 for files of 2016."""
    version = 0
    if not is_headerless(source.peek(128)):
        magic, version = _take(source, "ii")
        if magic != MAGIC or version not in VERSIONS:
            source.fail(f"expected magic {MAGIC} and version 11 or 12, got {magic} and {version}", at=0)
    start = source.position
    values = _take(source, "12id")
    settings = dict(zip(NAMES, values, strict=False))
    in_range = (
        0 < settings["dim"] <= MAX_DIMENSIONS
        and 1 <= settings["model"] <= 3
        and 1 <= settings["loss"] <= 4
        and settings["bucket"] >= 0
        and 0 <= settings["minn"] <= 1000
        and 0 <= settings["maxn"] <= 1000
        and math.isfinite(values[-1])
    )
    if not in_range:
        source.fail(f"settings out of range: {settings}", at=start)
    if version < 12 and settings["model"] == _SUPERVISED:
        settings["maxn"] = 0  # classifiers had no n-grams of characters then
    return settings, version


def _dictionary(source: Source, version: int) -> tuple[int, _Entries]:
    start = source.position
    size, nwords, nlabels, ntokens = _take(source, "iiiq")
    (pruned,) = _take(source, "q") if version else (-1,)
    if min(nwords, nlabels, ntokens) < 0 or nwords + nlabels != size:
        source.fail(f"a dictionary of {size} entries, {nwords} words and {nlabels} labels", at=start)
    if pruned > 0:
        source.fail(
            "a pruned model, as quantisation makes", at=start, remedy="use the model before quantising"
        )
    if source.size is not None and size * 10 > source.size - source.position:
        source.fail(f"a dictionary of {size} entries; {source.size} bytes cannot hold it", at=start)
    entries = _Entries([], [], [])
    buffer, at, base = b"", 0, source.position
    seen: set[bytes] = set()
    for number in range(size):
        while (stop := buffer.find(b"\0", at, at + (1 << 16))) < 0 or len(buffer) < stop + 10:
            if stop < 0 and len(buffer) - at >= 1 << 16:
                source.fail(f"no end to the word of entry {number + 1}", at=base + at)
            more = source.read(1 << 20)
            if not more:
                source.fail(f"the file ends within entry {number + 1} of {size}")
            buffer, base, at = buffer[at:] + more, base + at, 0
        word, (count, entry_type) = buffer[at:stop], struct.unpack_from("<qb", buffer, stop + 1)
        if entry_type != (0 if number < nwords else 1) or count < 0 or word in seen:
            what = "stands twice" if word in seen else f"has count {count} and type {entry_type}"
            source.fail(f"entry {number + 1}, {word[:40].decode(errors='replace')!r}, {what}", at=base + at)
        seen.add(word)
        if number < nwords:
            entries.words.append(word)
            entries.counts.append(count)
            entries.positions.append(base + at)
        at = stop + 10
    source.push_back(buffer[at:])
    return nwords, entries


def _matrix(source: Source, settings: dict[str, int], nwords: int, version: int) -> np.ndarray:
    start = source.position
    (quantised,) = _take(source, "?") if version else (False,)
    if quantised:
        source.fail("a quantised model", at=start, remedy="use the .bin before quantising, or its .vec")
    data, rows, columns = _floats(source)
    if (rows, columns) != (nwords + settings["bucket"], settings["dim"]):
        source.fail(
            f"input vectors ({rows}, {columns}) for {nwords} words, {settings['bucket']} buckets and "
            f"{settings['dim']} dimensions",
            at=start,
        )
    matrix = _read(source, data, (rows, columns))
    flag = source.position
    (quantised,) = _take(source, "?") if version else (False,)
    if quantised:
        source.fail("a quantised model", at=flag, remedy="use the .bin before quantising, or its .vec")
    end, _, columns = _floats(source)
    if columns != settings["dim"]:
        source.fail(f"output vectors of {columns} dimensions", at=flag + 1)
    _skip(source, end)
    if source.read(1):
        source.fail("more bytes than the output vectors take", at=source.position - 1)
    return matrix


def _floats(source: Source) -> tuple[int, int, int]:
    """Return (bytes, rows, columns) of a matrix, refused when the file cannot hold it."""
    start = source.position
    rows, columns = _take(source, "qq")
    size = 4 * rows * columns
    if rows < 0 or not 0 < columns <= MAX_DIMENSIONS:
        source.fail(f"a matrix of {rows} by {columns}", at=start)
    if source.size is not None and size > source.size - source.position:
        source.fail(f"a matrix of {rows} by {columns}; {source.size} bytes cannot hold it", at=start)
    return size, rows, columns


def _read(source: Source, size: int, shape: tuple[int, int]) -> np.ndarray:
    """Read a matrix into memory that grows with the content of the file, not with its stated sizes."""
    start, data = source.position, bytearray()
    while len(data) < size:
        piece = source.read(min(size - len(data), 1 << 22))
        if not piece:
            source.fail(f"the file ends {size - len(data)} bytes before its input vectors do")
        data += piece
    matrix = np.frombuffer(data, "<f4").reshape(shape) if data else np.empty(shape, "<f4")
    row = first_not_finite(matrix)
    if row is not None:
        source.fail(f"input vector {row} holds a number that is not finite", at=start + row * shape[1] * 4)
    return matrix


def _skip(source: Source, size: int) -> None:
    while size:
        piece = source.read(min(size, 1 << 22))
        if not piece:
            source.fail(f"the file ends {size} bytes before its output vectors do")
        size -= len(piece)
