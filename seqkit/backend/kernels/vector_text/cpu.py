"""A plain scan over the bytes: about 6 ns a number, where splitting and ``float`` take 100.

Exactness (Clinger 1990, "How to read floating point numbers accurately"): up to 15 significant digits and a
power of ten up to 22 are exact in float64, so one division or product rounds once. Of longer numbers the
first 15 digits give a lower and an upper bound; where both round to the same float32, so does the number.
Everything else is left to the careful reader.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from seqkit.backend.kernels.compiler import jit
from seqkit.backend.kernels.task import task
from seqkit.backend.kernels.task_arguments import float32, int64, uint8
from seqkit.backend.kernels.vector_text import reference

_POWERS = np.array([10.0**k for k in range(23)])
_SPACE, _NEWLINE, _RETURN, _POINT, _MINUS, _PLUS, _ZERO, _LOWER_E, _UPPER_E = b" \n\r.-+0eE"


# No fast-math: a division turned into a product with the reciprocal rounds twice.
@numba.njit(error_model="numpy", inline="never")
def _scaled(digits, power):
    if power >= 0:
        return np.float32(np.float64(digits) / _POWERS[power])
    return np.float32(np.float64(digits) * _POWERS[-power])


@jit
def _careful(text, at):
    """(value, where it ends), the end 0 when the number cannot be settled here."""
    one = np.uintp(1)
    digits: Any = 0
    significant: Any = 0
    power: Any = 0
    dropped: Any = 0
    seen, point = 0, 0
    while True:
        digit = np.int64(text[at]) - _ZERO
        if digit < 0 or digit > 9:
            if text[at] != _POINT or point:
                break
            point = 1
        else:
            seen += 1
            if significant < 15:
                digits = digits * 10 + digit
                significant += digits != 0
                power += point
            else:
                dropped |= digit
                power -= 1 - point
        at += one
    if text[at] == _LOWER_E or text[at] == _UPPER_E:
        at += one
        down = text[at] == _MINUS
        if down or text[at] == _PLUS:
            at += one
        exponent: Any = 0
        length = 0
        while True:
            digit = np.int64(text[at]) - _ZERO
            if digit < 0 or digit > 9:
                break
            exponent = min(exponent * 10 + digit, 9999)
            length += 1
            at += one
        seen *= length
        power += exponent if down else -exponent
    if digits == 0:
        power = 0
    if seen == 0 or power > 22 or power < -22:
        return np.float32(0), np.uintp(0)
    value = _scaled(digits, power)
    if dropped != 0 and value != _scaled(digits + 1, power):
        return np.float32(0), np.uintp(0)
    return value, at


@jit
def _parse(text, rows, spans):
    at: Any = np.uintp(0)  # unsigned: no test for negative indices
    one = np.uintp(1)
    for r in range(rows.shape[0]):
        start = at
        while text[at] != _SPACE and text[at] != _NEWLINE:
            at += one
        word_end: Any = np.int64(at)
        row = rows[r]
        for d in range(row.shape[0]):
            if text[at] != _SPACE:
                word_end = -1
                break
            while text[at] == _SPACE:
                at += one
            negative = text[at] == _MINUS
            if negative or text[at] == _PLUS:
                at += one
            begin = at
            digits: Any = 0
            while True:
                digit = np.int64(text[at]) - _ZERO
                if digit < 0 or digit > 9:
                    break
                digits = digits * 10 + digit
                at += one
            length: Any = np.int64(at - begin)
            power: Any = 0
            if text[at] == _POINT:
                at += one
                point = at
                while True:
                    digit = np.int64(text[at]) - _ZERO
                    if digit < 0 or digit > 9:
                        break
                    digits = digits * 10 + digit
                    at += one
                power = np.int64(at - point)
                length += power
            if 0 < length <= 15 and text[at] != _LOWER_E and text[at] != _UPPER_E:
                value = _scaled(digits, power)
            else:
                value, at = _careful(text, begin)
                if at == 0:
                    word_end = -1
                    at = begin
                    break
            row[d] = -value if negative else value
        while text[at] == _SPACE or text[at] == _RETURN:
            at += one
        if text[at] != _NEWLINE:
            word_end = -1
            while text[at] != _NEWLINE:
                at += one
        spans[r, 0] = start
        spans[r, 1] = word_end
        spans[r, 2] = at
        at += one


@task(text=uint8("L"), rows=float32("R, D").written(), spans=int64("R, 3").written())
def _parse_task(a, chunk, chunks):
    _parse(a.text, a.rows, a.spans)


def parse_rows(text: Any, rows: Any, spans: Any) -> None:
    """See the reference."""
    if len(rows) and not _parse_task.parallel_for(1, text=text, rows=rows, spans=spans):
        reference.parse_rows(text, rows, spans)
