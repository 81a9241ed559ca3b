"""Tiles of a matrix product: sums of up to ``TALLEST`` rows and ``PANEL`` columns that stay in registers.

The right factor is packed in panels of two vectors' width, the left one is read by rows or by columns. LLVM's
own vectors stand here instead of loops, for the compiler does not find this form by itself.

This file is only the innermost part: which tiles there are, and what is packed when, stands in ``cpu.py``.
Everything is given by address, with strides in numbers of 4 bytes, and nothing is checked: an array passed
from function to function would have its references counted, and each layout would be compiled again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from seqkit.backend.kernels.compiler import jit
from seqkit.backend.kernels.intrinsics import I32, I64
from seqkit.backend.kernels.processor import LANES, PANEL, TALLEST
from seqkit.backend.kernels.simd import (
    SIZE,
    VECTOR,
    broadcast,
    load,
    mask,
    masked_load,
    masked_store,
    opaque,
    pointer,
    prefetch,
    store,
)

DEEPEST = 512
"""Of K in one block: the left factor's rows are in the first cache."""


def _tile(height: int, vectors: int = 2) -> Callable[..., None]:
    """Make the function c[:rows, :wide] = start + a·b, for ``height`` rows or one less.

    One less: the last is done twice. The tile is one or two vectors wide. The compiler may not see that
    ``step`` is 1: it then loads all numbers of the left factor first, and has no registers left for the sums
    (measured on AVX-512, 128×256 by 256×1,024: 76 GFLOP/s then, 146 otherwise).
    """

    @intrinsic
    def tile(typing_context, a, row, step, b, depth, start, start_row, c, c_row, rows, wide):
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            a, row, step, b, depth, start, start_row, c, c_row, rows, wide = arguments
            step = opaque(builder, step)
            left, right, first, out = (pointer(builder, address) for address in (a, b, start, c))
            places = [I64(i) for i in range(height - 1)] + [builder.sub(rows, I64(1))]
            halves = [I64(i * LANES) for i in range(vectors)]
            masks = [mask(builder, wide, i * LANES) for i in range(vectors)]
            multiply = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(VECTOR, [VECTOR] * 3), f"llvm.fma.v{LANES}f32"
            )
            sums = []
            for place in places:
                begin = builder.gep(first, [builder.mul(place, start_row)])
                for half, shown in zip(halves, masks, strict=True):
                    sums.append(cgutils.alloca_once(builder, VECTOR))
                    builder.store(masked_load(builder, begin, half, shown), sums[-1])
            for place in places:
                line = builder.gep(out, [builder.mul(place, c_row)])
                for half in halves:
                    prefetch(builder, line, half)
            lines = [builder.gep(left, [builder.mul(place, row)]) for place in places]
            with cgutils.for_range(builder, depth) as loop:
                panel = builder.gep(right, [builder.mul(loop.index, I64(PANEL))])
                columns = [load(builder, panel, half) for half in halves]
                at = builder.mul(loop.index, step)
                for i, line in enumerate(lines):
                    factor = broadcast(builder, builder.load(builder.gep(line, [at])))
                    for column, total in zip(columns, sums[i * vectors :], strict=False):
                        builder.store(builder.call(multiply, [factor, column, builder.load(total)]), total)
            for i, place in enumerate(places):
                line = builder.gep(out, [builder.mul(place, c_row)])
                for half, shown, total in zip(halves, masks, sums[i * vectors :], strict=False):
                    masked_store(builder, builder.load(total), line, half, shown)
            return context.get_dummy_value()

        return types.void(*[types.intp] * 11), generate

    return tile


_tile2, _tile4, _tile6, _tile8, _tile10, _tile12, _tile14 = (_tile(min(h, TALLEST)) for h in range(2, 15, 2))
_half2, _half4, _half6, _half8, _half10, _half12, _half14 = (
    _tile(min(h, TALLEST), 1) for h in range(2, 15, 2)
)


@intrinsic
def _transpose(typing_context, source, row, some, target):
    """target[k·PANEL + j] = source[j·row + k] for j and k below LANES; rows from ``some`` on are not read."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source, row, some, target = arguments
        read, write = pointer(builder, source), pointer(builder, target)
        last, lines = builder.sub(some, I64(1)), []
        for j in range(LANES):
            inside = builder.icmp_signed("<", I64(j), last)
            lines.append(load(builder, read, builder.mul(builder.select(inside, I64(j), last), row)))
        masks, step = ir.VectorType(I32, LANES), LANES // 2
        while step:  # exchange squares of step × step beside the diagonal
            low = masks([I32(i + LANES - step if i & step else i) for i in range(LANES)])
            high = masks([I32(i + LANES if i & step else i + step) for i in range(LANES)])
            for j in range(LANES):
                if not j & step:
                    upper, lower = lines[j], lines[j + step]
                    lines[j] = builder.shuffle_vector(upper, lower, low)
                    lines[j + step] = builder.shuffle_vector(upper, lower, high)
            step //= 2
        for k, line in enumerate(lines):
            store(builder, line, write, I64(k * PANEL))
        return context.get_dummy_value()

    return types.void(*[types.intp] * 4), generate


@intrinsic
def _copy(typing_context, source, target):
    """target[0] = source[0]."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        read, write = (pointer(builder, address) for address in arguments)
        builder.store(builder.load(read), write)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), generate


@intrinsic
def _copy_line(typing_context, source, some, target):
    """target[:LANES] = source[:some], and zeros."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source, some, target = arguments
        line = masked_load(builder, pointer(builder, source), I64(0), mask(builder, some, 0))
        store(builder, line, pointer(builder, target), I64(0))
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp), generate


@jit
def _panel(a, row, step, b, depth, start, start_row, c, c_row, height, wide):
    """A tile of more than half a panel."""
    if height > 12:
        _tile14(a, row, step, b, depth, start, start_row, c, c_row, height, wide)
    elif height > 10:
        _tile12(a, row, step, b, depth, start, start_row, c, c_row, height, wide)
    elif height > 8:
        _tile10(a, row, step, b, depth, start, start_row, c, c_row, height, wide)
    elif height > 6:
        _tile8(a, row, step, b, depth, start, start_row, c, c_row, height, wide)
    elif height > 4:
        _tile6(a, row, step, b, depth, start, start_row, c, c_row, height, wide)
    elif height > 2:
        _tile4(a, row, step, b, depth, start, start_row, c, c_row, height, wide)
    else:
        _tile2(a, row, step, b, depth, start, start_row, c, c_row, height, wide)


@jit
def _half_panel(a, row, step, b, depth, start, start_row, c, c_row, height, wide):
    """A tile of half a panel at most."""
    if height > 12:
        _half14(a, row, step, b, depth, start, start_row, c, c_row, height, wide)
    elif height > 10:
        _half12(a, row, step, b, depth, start, start_row, c, c_row, height, wide)
    elif height > 8:
        _half10(a, row, step, b, depth, start, start_row, c, c_row, height, wide)
    elif height > 6:
        _half8(a, row, step, b, depth, start, start_row, c, c_row, height, wide)
    elif height > 4:
        _half6(a, row, step, b, depth, start, start_row, c, c_row, height, wide)
    elif height > 2:
        _half4(a, row, step, b, depth, start, start_row, c, c_row, height, wide)
    else:
        _half2(a, row, step, b, depth, start, start_row, c, c_row, height, wide)


@jit
def pack(b, k_stride, n_stride, depth, width, panels):
    """b (``depth``, ``width``) as panels (·, depth, PANEL). What lies behind the last column is anything."""
    for j in range(0, width, PANEL):
        for half in range(j, min(width, j + PANEL), LANES):
            read, some = b + SIZE * half * n_stride, min(LANES, width - half)
            write = panels + SIZE * (j * depth + half - j)
            if n_stride == 1:
                for i in range(depth):
                    _copy_line(read + SIZE * i * k_stride, some, write + SIZE * i * PANEL)
            elif k_stride == 1 and depth >= LANES:
                for block in range(0, depth, LANES):
                    i = min(block, depth - LANES)  # the last may do some again
                    _transpose(read + SIZE * i, n_stride, some, write + SIZE * i * PANEL)
            else:
                for i in range(depth):
                    for column in range(some):
                        number = read + SIZE * (i * k_stride + column * n_stride)
                        _copy(number, write + SIZE * (i * PANEL + column))


@jit
def pack_left(a, row, step, M, tiles, first, below, depth, left):
    """Of the ``tiles`` tiles of M rows of a those from ``first`` to ``below``, as (·, depth, TALLEST)."""
    for tile in range(first, below):
        top, bottom = M * tile // tiles, M * (tile + 1) // tiles
        source, target = a + SIZE * top * row, left + SIZE * (tile - first) * (depth * TALLEST + LANES)
        for i in range(depth):
            if row == 1:  # what is too much of a line is written over by the next, or lies behind the tile
                _copy_line(source + SIZE * i * step, bottom - top, target + SIZE * i * TALLEST)
                continue
            for line in range(bottom - top):
                number = source + SIZE * (line * row + i * step)
                _copy(number, target + SIZE * (i * TALLEST + line))


@jit
def tile(a, row, step, panel, depth, start, start_row, c, c_row, height, wide):
    """c (``height``, ``wide``) = start + a·b, of a panel of which ``wide`` columns count."""
    if wide > LANES:
        _panel(a, row, step, panel, depth, start, start_row, c, c_row, height, wide)
    else:
        _half_panel(a, row, step, panel, depth, start, start_row, c, c_row, height, wide)
