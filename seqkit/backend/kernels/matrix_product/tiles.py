"""Tiles of a matrix product: sums of up to ``TALLEST`` rows and ``PANEL`` columns that stay in registers.

The right factor is packed in panels of two vectors' width, the left one is read by rows or by columns. LLVM's
own vectors stand here instead of loops, for the compiler does not find this form by itself.

Compiled code sees addresses and strides, in numbers of 4 bytes: an array passed from function to function
would be counted, and each layout would be compiled anew. Who calls holds the arrays meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from llvmlite import binding, ir
from numba.core import cgutils, config, types
from numba.extending import intrinsic

from seqkit.backend.kernels.compiler import jit

_config: Any = config  # its settings are made at run time


class _Shape(NamedTuple):
    """What the registers of a processor hold."""

    lanes: int
    """Numbers in a vector."""
    tallest: int
    """Rows of a tile: 2 registers each for its sums, 2 for a row of the panel, 1 for a number of the left."""
    packed: int
    """Numbers of the right factor packed at a time: half of the second cache."""


def _shape() -> _Shape | None:
    """By what the code is compiled for; None where BLAS is at least as fast, or nobody has measured."""
    named = _config.CPU_FEATURES
    found = binding.get_host_cpu_features()
    features = (
        {name for name, there in found.items() if there}
        if named is None
        else set(re.findall(r"\+([\w.-]+)", named))
    )
    if "avx512f" in features:
        return _Shape(16, 14, 1 << 18)
    if {"avx2", "fma"} <= features:
        return _Shape(8, 6, 1 << 16)
    return None


FITS = _shape() is not None
LANES, TALLEST, PACKED = _shape() or _Shape(8, 6, 1 << 16)
PANEL = 2 * LANES
DEEPEST = 512
"""Of K in one block: the left factor's rows are in the first cache."""
SIZE = 4
"""Bytes of a number."""

_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_I64, _I32 = ir.IntType(64), ir.IntType(32)
_LANES = ir.VectorType(_I64, LANES)([_I64(lane) for lane in range(LANES)])
_MASK = ir.VectorType(ir.IntType(1), LANES)


def _pointer(builder: Any, address: Any) -> Any:
    return builder.inttoptr(address, ir.FloatType().as_pointer())


def _vector_at(builder: Any, base: Any, offset: Any) -> Any:
    return builder.bitcast(builder.gep(base, [offset]), _VECTOR.as_pointer())


def _load(builder: Any, base: Any, offset: Any) -> Any:
    vector = builder.load(_vector_at(builder, base, offset))
    vector.align = SIZE
    return vector


def _store(builder: Any, vector: Any, base: Any, offset: Any) -> None:
    builder.store(vector, _vector_at(builder, base, offset)).align = SIZE


def _everywhere(builder: Any, number: Any) -> Any:
    """A vector of one number."""
    nothing = ir.Constant(ir.VectorType(number.type, LANES), ir.Undefined)
    one = builder.insert_element(nothing, number, _I32(0))
    return builder.shuffle_vector(one, nothing, ir.VectorType(_I32, LANES)(None))


def _mask(builder: Any, wide: Any, first: int) -> Any:
    """Which lanes of a vector that begins at column ``first`` are among ``wide`` columns."""
    return builder.icmp_signed("<", _LANES, _everywhere(builder, builder.sub(wide, _I64(first))))


def _masked_load(builder: Any, base: Any, offset: Any, mask: Any) -> Any:
    """0 where the mask hides; nothing is read there."""
    place = _vector_at(builder, base, offset)
    kind = ir.FunctionType(_VECTOR, [place.type, _I32, _MASK, _VECTOR])
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.masked.load.v{LANES}f32.p0")
    return builder.call(function, [place, _I32(SIZE), mask, ir.Constant(_VECTOR, None)])


def _masked_store(builder: Any, vector: Any, base: Any, offset: Any, mask: Any) -> None:
    place = _vector_at(builder, base, offset)
    kind = ir.FunctionType(ir.VoidType(), [_VECTOR, place.type, _I32, _MASK])
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.masked.store.v{LANES}f32.p0")
    builder.call(function, [vector, place, _I32(SIZE), mask])


def _tile(height: int, vectors: int = 2) -> Callable[..., None]:
    """c[:rows, :wide] = start + a·b for rows of ``height`` or one less: the last is then done twice.

    Of one or two vectors' width.
    """

    @intrinsic
    def tile(typing_context, a, row, step, b, depth, start, start_row, c, c_row, rows, wide):  # type: ignore[no-untyped-def]
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            a, row, step, b, depth, start, start_row, c, c_row, rows, wide = arguments
            left, right, first, out = (_pointer(builder, address) for address in (a, b, start, c))
            places = [_I64(i) for i in range(height - 1)] + [builder.sub(rows, _I64(1))]
            halves = [_I64(i * LANES) for i in range(vectors)]
            masks = [_mask(builder, wide, i * LANES) for i in range(vectors)]
            multiply = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(_VECTOR, [_VECTOR] * 3), f"llvm.fma.v{LANES}f32"
            )
            sums = []
            for place in places:
                begin = builder.gep(first, [builder.mul(place, start_row)])
                for half, mask in zip(halves, masks, strict=True):
                    sums.append(cgutils.alloca_once(builder, _VECTOR))
                    builder.store(_masked_load(builder, begin, half, mask), sums[-1])
            lines = [builder.gep(left, [builder.mul(place, row)]) for place in places]
            with cgutils.for_range(builder, depth) as loop:
                panel = builder.gep(right, [builder.mul(loop.index, _I64(PANEL))])
                columns = [_load(builder, panel, half) for half in halves]
                at = builder.mul(loop.index, step)
                for i, line in enumerate(lines):
                    factor = _everywhere(builder, builder.load(builder.gep(line, [at])))
                    for column, total in zip(columns, sums[i * vectors :], strict=False):
                        builder.store(builder.call(multiply, [factor, column, builder.load(total)]), total)
            for i, place in enumerate(places):
                line = builder.gep(out, [builder.mul(place, c_row)])
                for half, mask, total in zip(halves, masks, sums[i * vectors :], strict=False):
                    _masked_store(builder, builder.load(total), line, half, mask)
            return context.get_dummy_value()

        return types.void(*[types.intp] * 11), generate

    return tile


_tile2, _tile4, _tile6, _tile8, _tile10, _tile12, _tile14 = (_tile(min(h, TALLEST)) for h in range(2, 15, 2))
_half2, _half4, _half6, _half8, _half10, _half12, _half14 = (
    _tile(min(h, TALLEST), 1) for h in range(2, 15, 2)
)


@intrinsic
def _transpose(typing_context, source, row, some, target):  # type: ignore[no-untyped-def]
    """target[k·PANEL + j] = source[j·row + k] for j and k below LANES; rows from ``some`` on are not read."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source, row, some, target = arguments
        read, write = _pointer(builder, source), _pointer(builder, target)
        last, lines = builder.sub(some, _I64(1)), []
        for j in range(LANES):
            inside = builder.icmp_signed("<", _I64(j), last)
            lines.append(_load(builder, read, builder.mul(builder.select(inside, _I64(j), last), row)))
        masks, step = ir.VectorType(_I32, LANES), LANES // 2
        while step:  # exchange squares of step × step beside the diagonal
            low = masks([_I32(i + LANES - step if i & step else i) for i in range(LANES)])
            high = masks([_I32(i + LANES if i & step else i + step) for i in range(LANES)])
            for j in range(LANES):
                if not j & step:
                    upper, lower = lines[j], lines[j + step]
                    lines[j] = builder.shuffle_vector(upper, lower, low)
                    lines[j + step] = builder.shuffle_vector(upper, lower, high)
            step //= 2
        for k, line in enumerate(lines):
            _store(builder, line, write, _I64(k * PANEL))
        return context.get_dummy_value()

    return types.void(*[types.intp] * 4), generate


@intrinsic
def _copy(typing_context, source, target):  # type: ignore[no-untyped-def]
    """target[0] = source[0]."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        read, write = (_pointer(builder, address) for address in arguments)
        builder.store(builder.load(read), write)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), generate


@intrinsic
def _copy_line(typing_context, source, some, target):  # type: ignore[no-untyped-def]
    """target[:LANES] = source[:some], and zeros."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source, some, target = arguments
        line = _masked_load(builder, _pointer(builder, source), _I64(0), _mask(builder, some, 0))
        _store(builder, line, _pointer(builder, target), _I64(0))
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp), generate


@jit
def _panel(a, row, step, b, depth, start, start_row, c, c_row, height, wide):  # type: ignore[no-untyped-def]
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
def _half_panel(a, row, step, b, depth, start, start_row, c, c_row, height, wide):  # type: ignore[no-untyped-def]
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
def pack(b, k_stride, n_stride, depth, width, panels):  # type: ignore[no-untyped-def]
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
def pack_left(a, row, step, M, tiles, first, below, depth, left):  # type: ignore[no-untyped-def]
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
def tile(a, row, step, panel, depth, start, start_row, c, c_row, height, wide):  # type: ignore[no-untyped-def]
    """c (``height``, ``wide``) = start + a·b, of a panel of which ``wide`` columns count."""
    if wide > LANES:
        _panel(a, row, step, panel, depth, start, start_row, c, c_row, height, wide)
    else:
        _half_panel(a, row, step, panel, depth, start, start_row, c, c_row, height, wide)
