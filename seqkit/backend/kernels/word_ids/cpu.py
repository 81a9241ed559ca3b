"""Cut and look up in one go: bytes of a text are hashed as they are read (FNV-1a), and compared once.

The table has open addressing with linear probing, and at least twice as many slots as words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from seqkit.backend.kernels.compiler import jit
from seqkit.backend.kernels.task import task
from seqkit.backend.kernels.task_arguments import int32, int64, uint8
from seqkit.backend.kernels.word_ids import reference

_BASIS, _PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
_LAST_CONTROL, _FIRST_SEPARATOR, _BLANK = 0x0D, 0x1C, 0x20


class Table(NamedTuple):
    """N words in open addressing."""

    letters: np.ndarray
    """(L,) uint8: the bytes of all words, one word behind the other."""
    starts: np.ndarray
    """(N + 1,) int64: where each word begins in them."""
    slots: np.ndarray
    """(S,) int32: ids, -1 in an empty slot; S is a power of two, or 0 where compiled code does not run."""
    words: Sequence[bytes]
    """The words, for the reference."""


@jit
def _is_blank(byte):
    """Whether ``str.split`` cuts at a character of ASCII."""
    return byte <= _BLANK and (byte >= _FIRST_SEPARATOR or 0x09 <= byte <= _LAST_CONTROL)


@jit
def _slot_of(letters, starts, slots, word, value):
    """Return the slot that holds a word, or the empty one where it belongs."""
    mask, n = np.uint64(slots.shape[0] - 1), word.shape[0]
    slot = value & mask
    while slots[slot] >= 0:
        first = starts[slots[slot]]
        if starts[slots[slot] + 1] - first == n:
            j = 0
            while j < n and letters[first + j] == word[j]:
                j += 1
            if j == n:
                break
        slot = (slot + np.uint64(1)) & mask
    return slot


@jit
def _fill(letters, starts, slots):
    for i in range(starts.shape[0] - 1):
        word = letters[starts[i] : starts[i + 1]]
        value = _BASIS
        for j in range(word.shape[0]):
            value = (value ^ np.uint64(word[j])) * _PRIME
        slots[_slot_of(letters, starts, slots, word, value)] = i


@jit
def _look_up(letters, starts, slots, text, line_end, ids):
    """Write the ids, and return how many there are."""
    count, first, value, n = 0, -1, _BASIS, text.shape[0]
    for i in range(n + 1):
        byte = text[i] if i < n else np.uint8(_BLANK)
        if not _is_blank(byte):
            if first < 0:
                first, value = i, _BASIS
            value = (value ^ np.uint64(byte)) * _PRIME
            continue
        if first >= 0:
            ids[count] = slots[_slot_of(letters, starts, slots, text[first:i], value)]
            count += 1
            first = -1
        if i < n and byte == 0x0A:
            ids[count] = np.int32(line_end)
            count += 1
    return count


@task(letters=uint8("L"), starts=int64("W"), slots=int32("S").written())
def _fill_task(a, chunk, chunks):
    _fill(a.letters, a.starts, a.slots)


@task(
    letters=uint8("L"),
    starts=int64("W"),
    slots=int32("S"),
    text=uint8("N"),
    line_end=int64,
    ids=int32("N").written(),
    count=int64("1").written(),
)
def _look_up_task(a, chunk, chunks):
    a.count[0] = _look_up(a.letters, a.starts, a.slots, a.text, a.line_end, a.ids)


def table(words: Sequence[bytes]) -> Table:
    """See the reference."""
    letters = np.frombuffer(b"".join(words), np.uint8)
    starts = np.zeros(len(words) + 1, np.int64)
    np.cumsum([len(word) for word in words], out=starts[1:])
    slots = np.full(1 << max(1, 2 * len(words)).bit_length(), -1, np.int32)
    if not _fill_task.parallel_for(1, letters=letters, starts=starts, slots=slots):
        slots = slots[:0]
    return Table(letters, starts, slots, words)


def word_ids(table: Table, text: bytes, line_end: int) -> np.ndarray:
    """See the reference."""
    letters = np.frombuffer(text, np.uint8)
    ids, count = np.empty(len(letters), np.int32), np.zeros(1, np.int64)
    if not len(table.slots) or not _look_up_task.parallel_for(
        1,
        letters=table.letters,
        starts=table.starts,
        slots=table.slots,
        text=letters,
        line_end=line_end,
        ids=ids,
        count=count,
    ):
        return reference.word_ids(reference.table(table.words), text, line_end)
    return ids[: count[0]]
