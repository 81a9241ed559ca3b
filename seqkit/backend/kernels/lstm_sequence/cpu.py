"""An LSTM layer over all its steps in one compiled call: the recurrent weights are packed once for all T.

A product of 20 rows is as long as its packing, and BLAS packs in every step. The threads take turns per step:
a part has some units of all rows, so that its tiles fill the four gates of these units and its cells need
nothing from the others. Only the next step does, which is the next job.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.backend.device import empty
from seqkit.backend.kernels.compiler import jit, task
from seqkit.backend.kernels.lstm.cpu import units_backward, units_forward
from seqkit.backend.kernels.lstm_sequence import reference
from seqkit.backend.kernels.matrix_product.cpu import OF_PART
from seqkit.backend.kernels.matrix_product.tiles import DEEPEST, pack, tile
from seqkit.backend.kernels.processor import FITS, PANEL, TALLEST
from seqkit.backend.kernels.simd import SIZE
from seqkit.backend.kernels.team import address, lead, number, parts_for, run, share
from seqkit.backend.kernels.views import booleans, floats

_Z, _H_BEFORE, _C_BEFORE, _H, _C, _KEEP, _PANELS, _B, _UNITS = range(9)
_DH, _DC, _D_OUT, _D_OUT_ROW, _DZ, _DZ_AFTER, _KEEP_AFTER = range(9, 16)


@jit
def _some(H, part, parts):  # type: ignore[no-untyped-def]
    """The units of a part: whole panels but for the last."""
    panels = -(-H // PANEL)
    return min(H, panels * part // parts * PANEL), min(H, panels * (part + 1) // parts * PANEL)


@jit
def _rows(a, row, panel, K, start, start_row, c, c_row, B, wide):  # type: ignore[no-untyped-def]
    """c (B, ``wide``) = start + a (B, K) · one panel of all K."""
    tiles, blocks = -(-B // TALLEST), -(-K // DEEPEST)
    for block in range(blocks):
        k, end = K * block // blocks, K * (block + 1) // blocks
        for i in range(tiles):
            top, bottom = B * i // tiles, B * (i + 1) // tiles
            begin, begin_row = (c, c_row) if block else (start, start_row)
            tile(
                a + SIZE * (top * row + k),
                row,
                1,
                panel + SIZE * k * PANEL,
                end - k,
                begin + SIZE * top * begin_row,
                begin_row,
                c + SIZE * top * c_row,
                c_row,
                bottom - top,
                wide,
            )


@task
def _pack_gates(numbers, part, parts):  # type: ignore[no-untyped-def]
    """Wh (4H, H) for the product h·Whᵀ, gate by gate: the parts are the gates."""
    Wh, H, panels = number(numbers, 0), number(numbers, 1), number(numbers, 2)
    of_gate = -(-H // PANEL) * PANEL * H
    for gate in range(4 * part // parts, 4 * (part + 1) // parts):
        pack(Wh + SIZE * gate * H * H, 1, H, H, H, panels + SIZE * gate * of_gate)


@task
def _pack_units(numbers, part, parts):  # type: ignore[no-untyped-def]
    """Wh (4H, H) for the product dz·Wh."""
    Wh, H, panels = number(numbers, 0), number(numbers, 1), number(numbers, 2)
    first, last = _some(H, part, parts)
    if last > first:
        pack(Wh + SIZE * first, H, 1, 4 * H, last - first, panels + SIZE * first * 4 * H)


@task
def _step_forward(numbers, part, parts):  # type: ignore[no-untyped-def]
    B, H = number(numbers, _B), number(numbers, _UNITS)
    z, h_before, panels = number(numbers, _Z), number(numbers, _H_BEFORE), number(numbers, _PANELS)
    first, last = _some(H, part, parts)
    of_gate = -(-H // PANEL) * PANEL * H
    for gate in range(4):
        for unit in range(first, last, PANEL):
            panel, c = panels + SIZE * (gate * of_gate + unit * H), z + SIZE * (gate * H + unit)
            _rows(h_before, H, panel, H, c, 4 * H, c, 4 * H, B, min(PANEL, last - unit))
    units_forward(
        floats(z, B, 4 * H),
        booleans(number(numbers, _KEEP), B),
        floats(h_before, B, H),
        floats(number(numbers, _C_BEFORE), B, H),
        floats(number(numbers, _H), B, H),
        floats(number(numbers, _C), B, H),
        first,
        last,
    )


@jit
def _gradient_of_h(numbers, first, last):  # type: ignore[no-untyped-def]
    """dh of these units, before a step: what came from after it, and what its output got."""
    B, H = number(numbers, _B), number(numbers, _UNITS)
    dh, after = number(numbers, _DH), number(numbers, _DZ_AFTER)
    d = floats(dh, B, H)
    if after:
        keep = booleans(number(numbers, _KEEP_AFTER), B)
        for row in range(B):
            if keep[row]:
                d_row = d[row]
                for j in range(first, last):
                    d_row[j] = np.float32(0)
    if number(numbers, _D_OUT):
        d_out = floats(number(numbers, _D_OUT), B, number(numbers, _D_OUT_ROW))
        kept = booleans(number(numbers, _KEEP), B)
        for row in range(B):
            if kept[row]:
                d_row, out_row = d[row], d_out[row]
                for j in range(first, last):
                    d_row[j] += out_row[j]
    if after:
        panels = number(numbers, _PANELS)
        for unit in range(first, last, PANEL):
            panel, c = panels + SIZE * unit * 4 * H, dh + SIZE * unit
            _rows(after, 4 * H, panel, 4 * H, c, H, c, H, B, min(PANEL, last - unit))


@task
def _step_backward(numbers, part, parts):  # type: ignore[no-untyped-def]
    B, H = number(numbers, _B), number(numbers, _UNITS)
    first, last = _some(H, part, parts)
    _gradient_of_h(numbers, first, last)
    if number(numbers, _DZ):
        units_backward(
            floats(number(numbers, _Z), B, 4 * H),
            booleans(number(numbers, _KEEP), B),
            floats(number(numbers, _C_BEFORE), B, H),
            floats(number(numbers, _C), B, H),
            floats(number(numbers, _DH), B, H),
            floats(number(numbers, _DC), B, H),
            floats(number(numbers, _DZ), B, 4 * H),
            first,
            last,
        )


@jit
def _forward(room, function, numbers, parts, gates, hs, cs, keep, T, B, H):  # type: ignore[no-untyped-def]
    for t in range(T):
        numbers[_Z], numbers[_KEEP] = gates + SIZE * t * B * 4 * H, keep + t * B
        numbers[_H_BEFORE], numbers[_H] = hs + SIZE * t * B * H, hs + SIZE * (t + 1) * B * H
        numbers[_C_BEFORE], numbers[_C] = cs + SIZE * t * B * H, cs + SIZE * (t + 1) * B * H
        run(room, function, numbers.ctypes.data, parts)


@jit
def _backward(room, function, numbers, parts, gates, cs, keep, d_out, d_out_step, dz, T, B, H):  # type: ignore[no-untyped-def]
    for t in range(T - 1, -2, -1):
        if t < T - 1:
            numbers[_DZ_AFTER], numbers[_KEEP_AFTER] = dz + SIZE * (t + 1) * B * 4 * H, keep + (t + 1) * B
        if t >= 0:
            numbers[_Z], numbers[_KEEP] = gates + SIZE * t * B * 4 * H, keep + t * B
            numbers[_C_BEFORE], numbers[_C] = cs + SIZE * t * B * H, cs + SIZE * (t + 1) * B * H
            numbers[_D_OUT], numbers[_DZ] = (
                d_out + t * d_out_step if d_out else 0,
                dz + SIZE * t * B * 4 * H,
            )
        else:
            numbers[_D_OUT], numbers[_DZ] = 0, 0
        run(room, function, numbers.ctypes.data, parts)


def _packed(task: Any, Wh: Any) -> Any:
    """Wh as the products of the steps read it."""
    H = Wh.shape[1]
    panels = empty(np, (4 * H, -(-H // PANEL) * PANEL), np.float32)
    share(task, parts_for(4 * H * H, 1 << 15), Wh, H, panels)
    return panels


def _fits(*arrays: Any | None) -> bool:
    return FITS and all(x is None or x.flags.c_contiguous for x in arrays)


def forward(gates: Any, Wh: Any, keep: Any, hs: Any, cs: Any) -> None:
    """See the reference."""
    if not _fits(gates, Wh, keep, hs, cs):
        return reference.forward(gates, Wh, keep, hs, cs)
    (T, B, _), H = gates.shape, Wh.shape[1]
    panels, numbers = _packed(_pack_gates, Wh), np.zeros(16, np.int64)
    numbers[_PANELS], numbers[_B], numbers[_UNITS] = address(panels), B, H
    with lead(parts_for(B * 4 * H * H, OF_PART)) as (room, parts):
        _forward(room, _step_forward.address, numbers, parts, *map(address, (gates, hs, cs, keep)), T, B, H)
    return None


def backward(
    gates: Any, Wh: Any, keep: Any, masked: bool, cs: Any, d_out: Any | None, dh: Any, dc: Any, dz: Any
) -> None:
    """See the reference."""
    if not _fits(gates, Wh, keep, cs, dh, dc, dz):
        return reference.backward(gates, Wh, keep, masked, cs, d_out, dh, dc, dz)
    (T, B, _), H = gates.shape, Wh.shape[1]
    panels, numbers = _packed(_pack_units, Wh), np.zeros(16, np.int64)
    numbers[_PANELS], numbers[_B], numbers[_UNITS] = address(panels), B, H
    numbers[_DH], numbers[_DC] = address(dh), address(dc)
    step = 0
    if d_out is not None:
        if d_out.strides[2] != SIZE or d_out.strides[1] < SIZE * H:
            d_out = np.ascontiguousarray(d_out)
        step, numbers[_D_OUT_ROW] = d_out.strides[0], d_out.strides[1] // SIZE
    with lead(parts_for(B * 4 * H * H, OF_PART)) as (room, parts):
        arrays = *map(address, (gates, cs, keep, d_out)), step, address(dz)
        _backward(room, _step_backward.address, numbers, parts, *arrays, T, B, H)
    return None
