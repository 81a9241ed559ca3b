"""The text formats of word2vec, fastText (.vec) and GloVe: a word and its numbers on each line.

Source: word2vec.c (``-binary 0``), https://fasttext.cc/docs/en/crawl-vectors.html (.vec) and
https://nlp.stanford.edu/projects/glove/ (no header; some of its words contain blanks).
"""

from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from seqkit.backend.kernels import kernels
from seqkit.threads import thread_count
from seqkit.vectors.formats.content import (
    MAX_DIMENSIONS,
    Content,
    descending_counts,
    first_of_each,
    header_of,
    utf8_words,
)
from seqkit.vectors.formats.lines import LONGEST_WORD, Block, blocks, longest_line
from seqkit.vectors.formats.options import ReadOptions
from seqkit.vectors.formats.source import Source
from seqkit.vectors.words import Words

_SMALL = 1 << 16
_NUMBER_BYTES = b"0123456789+-.eE "


class _Rows:
    """The matrix of the rows: as many as announced, or growing."""

    def __init__(self, capacity: int, dimensions: int) -> None:
        self.matrix = np.empty((capacity, dimensions), np.float32)

    def reserve(self, rows: int) -> None:
        """Make room for ``rows``; nothing may hold a view meanwhile."""
        if rows > len(self.matrix):
            self.resize(max(rows, len(self.matrix) * 3 // 2))

    def resize(self, rows: int) -> None:
        # in place, where a copy would double the memory
        self.matrix.resize((rows, self.matrix.shape[1]), refcheck=False)


def _is_number(text: bytes) -> bool:
    return (
        bool(text) and not text.translate(None, _NUMBER_BYTES) and any(map(text.__contains__, b"0123456789"))
    )


def _careful_row(source: Source, block: Block, r: int, span: np.ndarray, row: np.ndarray) -> int:
    """Read one line by Python's own means into ``row``; return where the word ends, or raise."""
    start, end = int(span[0]), int(span[2])
    line = block.data[block.begin + start : block.begin + end].rstrip(b" \r")
    number = block.row + r
    fields = line.rsplit(b" ", len(row))

    def fail(what: str, offset: int = 0) -> None:
        source.fail(what, at=block.start + start + offset, line=number + 1 + source.header_lines)

    if len(fields) != len(row) + 1:
        fail(f"expected {len(row)} numbers, got {len(fields) - 1}")
    word, at = fields[0], len(fields[0]) + 1
    inner = word.split(b" ")[1:]  # GloVe has words such as ". . ." and "at name@domain.com"
    if inner and (len(inner) >= len(row) or _is_number(inner[-1])):
        fail(f"expected {len(row)} numbers, got more, or two lines in one")
    for d, text in enumerate(fields[1:]):
        try:
            if not text or text.translate(None, _NUMBER_BYTES):
                raise ValueError
            with np.errstate(over="ignore"):
                row[d] = float(text)
        except ValueError:
            fail(f"expected a finite number, got {text[:40].decode(errors='replace')!r}", at)
        if not np.isfinite(row[d]):
            fail(f"expected a number within float32, got {text[:40].decode()!r}", at)
        at += len(text) + 1
    return start + len(fields[0])


def _parse(source: Source, block: Block, rows: np.ndarray) -> tuple[list[bytes], np.ndarray]:
    """Fill ``rows`` from a block; return its words and the byte where each begins."""
    spans = np.empty((block.count, 3), np.int64)
    kernels("vector_text", np).parse_rows(block.bytes_view(), rows, spans)
    for r in np.flatnonzero(spans[:, 1] < 0):
        spans[r, 1] = _careful_row(source, block, int(r), spans[r], rows[r])
    empty = np.flatnonzero(spans[:, 0] == spans[:, 1])
    if len(empty):
        bad = int(empty[0])
        source.fail(
            "no word before the numbers",
            at=block.start + int(spans[bad, 0]),
            line=block.row + bad + 1 + source.header_lines,
        )
    data, edges = block.data, spans[:, :2] + block.begin
    words = [data[a:b] for a, b in edges.tolist()]
    block.release()
    return words, edges[:, 0] + block.base


def _require_sizes(source: Source, count: int | None, dimensions: int) -> int:
    """Return the rows to make room for at first; refuse sizes that the file cannot hold."""
    if not 0 < dimensions <= MAX_DIMENSIONS:
        source.fail(f"expected 1 to {MAX_DIMENSIONS} dimensions, got {dimensions}", at=0, line=1)
    shortest = 2 * dimensions + 2  # a word of one byte, then a blank and a digit each, a line feed
    if source.size is None:
        room = max(1, (1 << 20) // dimensions)
        return room if count is None else min(count, room)
    most = (source.size - source.position + 1) // shortest
    if count is None:
        return min(most, max(1, (1 << 20) // dimensions))
    if count > most:
        source.fail(
            f"{source.size} bytes cannot hold the {count} words of {dimensions} dimensions that it promises",
            at=0,
            line=1,
        )
    return count


def read_text(source: Source, options: ReadOptions, *, header: bool) -> Content:
    """Read the float32 vectors of a text file.

    Args:
        source: The file.
        options: The part of it to read.
        header: Whether the first line states words and dimensions (word2vec and .vec) or is a word (GloVe).

    Raises:
        DataError: A wrong count, a field that is not a finite number, a repeated word, or bytes that are
            invalid in the encoding; names line and byte.
    """
    stated: int | None = None
    source.skip_bom()
    if header:
        line = source.read_line(LONGEST_WORD)
        sizes = header_of(line)
        if sizes is None:
            source.fail("expected a header of two whole numbers in the first line", at=0, line=1)
        stated, dimensions = sizes
        source.header_lines = 1
    else:
        dimensions = _glove_dimensions(source)
    limit = options.limit
    due = stated if limit is None or stated is None else min(stated, limit)
    room = _require_sizes(source, stated if due is None else due, dimensions)
    words, positions, matrix = _read_rows(source, dimensions, room, due, limit)
    if due is not None and len(words) < due:
        source.fail(f"the file ends after {len(words)} words; the header promises {stated}")
    words = utf8_words(source, words, positions, options)
    kept = first_of_each(words, source.name, options, positions)
    if kept is not None:
        matrix, words = matrix[kept], [words[i] for i in kept]
    count = descending_counts(len(positions) if due is None else due, len(words))
    return Content(matrix, Words.of(words), attributes={"count": count})


def _glove_dimensions(source: Source) -> int:
    """Return the numbers a line: those of most of the first lines, since GloVe's words may contain blanks."""
    lines = source.peek(longest_line(MAX_DIMENSIONS)).split(b"\n", 16)[:16]
    if len(lines) > 1:
        lines.pop()  # cut, or the empty end
    counts = [len(line.split()) - 1 for line in lines if line.strip()]
    return max(counts, key=lambda n: (counts.count(n), -n)) if counts else 0


def _read_rows(
    source: Source, dimensions: int, room: int, due: int | None, limit: int | None
) -> tuple[list[bytes], np.ndarray, np.ndarray]:
    """Return (words, byte of each, matrix); threads parse blocks while the next are read."""
    target = _Rows(room, dimensions)
    words: list[bytes] = []
    positions: list[np.ndarray] = []
    pending: list[Future[tuple[list[bytes], np.ndarray]]] = []

    def collect(most: int) -> None:
        while len(pending) > most:
            found, at = pending.pop(0).result()
            words.extend(found)
            positions.append(at)

    threads = thread_count()
    with ThreadPoolExecutor(threads) as pool:
        for block in blocks(source, dimensions):
            if limit is not None:
                block.count = min(block.count, limit - block.row)
                if block.count <= 0:
                    break
            total = block.row + block.count
            if due is not None and total > due:
                ends = np.flatnonzero(block.bytes_view() == 10)
                first = 0 if due == block.row else int(ends[due - block.row - 1]) + 1
                source.fail(
                    f"more lines than the {due} words that the header promises",
                    at=block.start + first,
                    line=due + 1 + source.header_lines,
                    remedy=source.remedies.limit.format(due),
                )
            if total > len(target.matrix):
                collect(0)
                target.reserve(total)
            rows = target.matrix[block.row : total]
            if block.end - block.begin < _SMALL:  # the last, mostly: not worth a thread
                collect(0)
                found, at = _parse(source, block, rows)
                words.extend(found)
                positions.append(at)
            else:
                pending.append(pool.submit(_parse, source, block, rows))
            del rows
            collect(threads)
        collect(0)
    if len(words) != len(target.matrix):
        target.resize(len(words))
    starts = np.concatenate(positions) if positions else np.empty(0, np.int64)
    return words, starts, target.matrix
