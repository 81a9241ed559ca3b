"""An LSTM layer over all its steps in one compiled call: the recurrent weights are packed once for all T.

A product of 20 rows is as long as its packing, and BLAS packs in every step. The threads meet at each step:
a chunk has some units of all rows, so that its tiles fill the four gates of these units and its cells need
nothing from the others. Only the next step does, which is the next job.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.backend.device import empty
from seqkit.backend.kernels.compiler import jit, merged
from seqkit.backend.kernels.intrinsics import address, contiguous
from seqkit.backend.kernels.lstm.cpu import step_forward, units_backward, units_forward
from seqkit.backend.kernels.lstm_sequence import reference
from seqkit.backend.kernels.matrix_product.cpu import CHUNK, product
from seqkit.backend.kernels.matrix_product.dots import FEW
from seqkit.backend.kernels.matrix_product.tiles import DEEPEST, pack, tile
from seqkit.backend.kernels.processor import PANEL, TALLEST, TILES
from seqkit.backend.kernels.simd import SIZE
from seqkit.backend.kernels.task import Task, task
from seqkit.backend.kernels.task_arguments import boolean, float32
from seqkit.backend.kernels.thread_pool import chunk_bounds, chunks_for

_OF_PACKING = 1 << 15
"""Numbers of a chunk at least where the weights are packed."""


@jit
def _units_of_chunk(H, chunk, chunks):
    """The units of a chunk: whole panels but for the last."""
    first, last = chunk_bounds(-(-H // PANEL), chunk, chunks)
    return min(H, first * PANEL), min(H, last * PANEL)


@jit
def _rows(a, row, panel, K, start, start_row, c, c_row, B, wide):
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


@merged
def _gate_size(H):
    """The numbers of the panels of one gate."""
    return -(-H // PANEL) * PANEL * H


@task(Wh=float32("4*H, H"), panels=float32("4*H, W").written())
def _pack_gates(a, chunk, chunks):
    """Pack Wh for the product h·Whᵀ, gate by gate: a chunk has whole gates."""
    first, last = chunk_bounds(4, chunk, chunks)
    for gate in range(first, last):
        source, target = address(a.Wh[gate * a.H]), address(a.panels) + SIZE * gate * _gate_size(a.H)
        pack(source, 1, a.H, a.H, a.H, target)


@task(Wh=float32("4*H, H"), panels=float32("4*H, W").written())
def _pack_units(a, chunk, chunks):
    """Pack Wh for the product dz·Wh."""
    first, last = _units_of_chunk(a.H, chunk, chunks)
    if last > first:
        source, target = address(a.Wh) + SIZE * first, address(a.panels) + SIZE * first * 4 * a.H
        pack(source, a.H, 1, 4 * a.H, last - first, target)


@task(
    hs=float32("states, B, H").written(),
    cs=float32("states, B, H").written(),
    gates=float32("states - 1, B, 4*H").written(),
    keep=boolean("states - 1, B"),
    panels=float32("4*H, W"),
)
def _step_forward(a, chunk, chunks):
    t, B, H = a.step, a.B, a.H
    z, h_before = a.gates[t], a.hs[t]
    first, last = _units_of_chunk(H, chunk, chunks)
    for gate in range(4):
        for unit in range(first, last, PANEL):
            panel = address(a.panels) + SIZE * (gate * _gate_size(H) + unit * H)
            c, wide = address(z) + SIZE * (gate * H + unit), min(PANEL, last - unit)
            _rows(address(h_before), H, panel, H, c, 4 * H, c, 4 * H, B, wide)
    units_forward(z, a.keep[t], h_before, a.cs[t], a.hs[t + 1], a.cs[t + 1], first, last)


@merged
def _gradient_of_h(a, first, last):
    """Make dh of these units, before a step, of what came from after it and of its output's gradient."""
    t, T, d = a.step, a.T, a.dh
    if t < T - 1:
        keep = a.keep[t + 1]
        for row in range(a.B):
            if keep[row]:
                d_row = d[row]
                for j in range(first, last):
                    d_row[j] = np.float32(0)
    if t >= 0 and a.d_out_given:
        kept = a.keep[t]
        for row in range(a.B):
            if kept[row]:
                d_row, out_row = d[row], contiguous(a.d_out[t, row])
                for j in range(first, last):
                    d_row[j] += out_row[j]
    if t < T - 1:
        after, G = address(a.dz[t + 1]), 4 * a.H
        for unit in range(first, last, PANEL):
            panel, c = address(a.panels) + SIZE * unit * G, address(d) + SIZE * unit
            _rows(after, G, panel, G, c, a.H, c, a.H, a.B, min(PANEL, last - unit))


@task(
    dh=float32("B, H").written(),
    dc=float32("B, H").written(),
    gates=float32("T, B, 4*H"),
    keep=boolean("T, B"),
    cs=float32("T + 1, B, H"),
    d_out=float32("T, B, H").strided().optional(),
    dz=float32("T, B, 4*H").written(),
    panels=float32("4*H, W"),
)
def _step_backward(a, chunk, chunks):
    """One step, from the last; the step before the first only makes dh."""
    t = a.step
    first, last = _units_of_chunk(a.H, chunk, chunks)
    _gradient_of_h(a, first, last)
    if t >= 0:
        units_backward(a.gates[t], a.keep[t], a.cs[t], a.cs[t + 1], a.dh, a.dc, a.dz[t], first, last)


def _packed(task: Task, Wh: Any) -> Any:
    """Wh as the products of the steps read it, or None if compiled code cannot read it."""
    H = Wh.shape[1]
    panels = empty(np, (4 * H, -(-H // PANEL) * PANEL), np.float32)
    return panels if task.parallel_for(chunks_for(4 * H * H, _OF_PACKING), Wh=Wh, panels=panels) else None


def _chunks(gates: Any, Wh: Any) -> int:
    return chunks_for(gates.shape[1] * Wh.size, CHUNK)


def forward(gates: Any, Wh: Any, keep: Any, hs: Any, cs: Any) -> None:
    """See the reference."""
    if TILES and len(gates) == 1 and gates.shape[1] <= FEW:  # packing would take longer than the step
        recurrent = empty(np, gates.shape[1:], gates.dtype)
        product(hs[0], Wh.T, recurrent)
        step_forward(gates[0], recurrent, keep[0], hs[0], cs[0], hs[1], cs[1])
        return
    panels = _packed(_pack_gates, Wh) if TILES else None
    if panels is None or not _step_forward.parallel_for(
        _chunks(gates, Wh),
        steps=range(len(gates)),
        hs=hs,
        cs=cs,
        gates=gates,
        keep=keep,
        panels=panels,
    ):
        reference.forward(gates, Wh, keep, hs, cs)


def backward(
    gates: Any, Wh: Any, keep: Any, masked: bool, cs: Any, d_out: Any | None, dh: Any, dc: Any, dz: Any
) -> None:
    """See the reference."""
    panels = _packed(_pack_units, Wh) if TILES else None
    read = d_out if d_out is None or d_out.strides[2] == SIZE else np.ascontiguousarray(d_out)
    if panels is None or not _step_backward.parallel_for(
        _chunks(gates, Wh),
        steps=range(len(gates) - 1, -2, -1),
        dh=dh,
        dc=dc,
        gates=gates,
        keep=keep,
        cs=cs,
        d_out=read,
        dz=dz,
        panels=panels,
    ):
        reference.backward(gates, Wh, keep, masked, cs, d_out, dh, dc, dz)
