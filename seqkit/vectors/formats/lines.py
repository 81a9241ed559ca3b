"""Blocks of whole lines of text files of vectors: mapped where they are plain, read where compressed."""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from seqkit.platforms import release_pages
from seqkit.vectors.formats.source import BLOCK, LONGEST_LINE, Source

LONGEST_WORD = LONGEST_LINE
_LONGEST_NUMBER = 64


def longest_line(dimensions: int) -> int:
    """Return the maximum length of a line in bytes; a file with a longer one is not a text of vectors."""
    return LONGEST_WORD + _LONGEST_NUMBER * dimensions


@dataclass
class Block:
    """Whole lines: the bytes ``begin`` to ``end`` of ``data``, which is the file from byte ``base`` on."""

    data: bytes | mmap.mmap
    begin: int
    end: int
    base: int
    row: int
    """The number of its first row."""
    count: int

    @property
    def start(self) -> int:
        """The byte of the file where the block begins."""
        return self.base + self.begin

    def bytes_view(self) -> np.ndarray:
        """Return the bytes of the block, uint8, (end - begin,), without a copy."""
        return np.frombuffer(self.data, np.uint8, self.end - self.begin, self.begin)

    def release(self) -> None:
        """Let the system take mapped pages back, so that reading a file does not fill the memory with it."""
        if isinstance(self.data, mmap.mmap):
            release_pages(self.data, self.begin, self.end)


def blocks(source: Source, dimensions: int) -> Iterator[Block]:
    """Yield the lines from the source's position on; the last block ends with a line feed in any case."""
    memory = source.mapped()
    row = 0
    if memory is None:
        pieces = _read_pieces(source, dimensions)
    else:
        pieces = _mapped_pieces(source, memory, dimensions)
    for block in pieces:
        block.row = row
        # the comparison makes a small array; a file's mapping itself cannot count
        block.count = int(np.count_nonzero(block.bytes_view() == 10))
        row += block.count
        if block.count:
            yield block


def _mapped_pieces(source: Source, memory: mmap.mmap, dimensions: int) -> Iterator[Block]:
    at, size = source.position, len(memory)
    while size > at and memory[size - 1] in b"\r\n":  # blank lines at the end, as editors leave them
        size -= 1
    longest = longest_line(dimensions)
    while at < size:
        stop = min(at + BLOCK, size)
        end = memory.rfind(b"\n", at, stop) + 1
        if end == 0 and stop < size:
            end = memory.find(b"\n", stop, min(size, at + longest)) + 1
            if end == 0 and size - at > longest:
                source.fail(f"no line ends within {longest} bytes", at=at)
        if end == 0 or size - end == 0:
            end = size
        if end < size or memory[size - 1] == 10:
            yield Block(memory, at, end, 0, 0, 0)
            at = end
            continue
        whole = memory.rfind(b"\n", at, size) + 1
        if whole:
            yield Block(memory, at, whole, 0, 0, 0)
            at = whole
        data = memory[at:size] + b"\n"
        yield Block(data, 0, len(data), at, 0, 0)
        at = size


def _read_pieces(source: Source, dimensions: int) -> Iterator[Block]:
    rest, base, ended = b"", source.position, False
    longest = longest_line(dimensions)
    while not ended:
        new = source.read(BLOCK)
        ended = len(new) < BLOCK
        data = rest + new
        if ended:
            data = data.rstrip(b"\r\n")
            data = data + b"\n" if data else data
        end = data.rfind(b"\n") + 1
        if end == 0 and len(data) > longest:
            source.fail(f"no line ends within {longest} bytes", at=base)
        rest = data[end:]
        if end:
            yield Block(data, 0, end, base, 0, 0)
        base += end
