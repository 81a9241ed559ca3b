"""Products of a few rows: dot products with the rows of the right factor's transpose, which is not packed.

A model that writes one token at a time reads all its weights for each: the product is as fast as memory, and
packing would read and write them once more (measured, GPT-2's shapes, two cores: 48 ms a token with packing,
25 without; an LSTM's step of 650 units, one row: 542 µs and 159).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from seqkit.backend.kernels.compiler import jit
from seqkit.backend.kernels.intrinsics import I64
from seqkit.backend.kernels.processor import LANES
from seqkit.backend.kernels.simd import VECTOR, load, mask, masked_load, pointer, sum_in_any_order

FEW = LANES // 2
"""Rows of the left factor at most."""
_SUMS = 16 if LANES == 16 else 8
"""Vectors of sums in registers, beside one of each row."""


def _dots(rows: int) -> Callable[..., None]:
    """Make the function c[:rows, :N] = bias + a·bᵀ of a (``rows``, K) and b (N, K), rows contiguous."""
    columns = max(1, min(4, _SUMS // rows))

    @intrinsic
    def dots(typing_context, a, a_row, b, b_row, K, N, bias, c, c_row):
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            a, a_row, b, b_row, K, N, bias, c, c_row = arguments
            left, right, start, out = (pointer(builder, address) for address in (a, b, bias, c))
            multiply = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(VECTOR, [VECTOR] * 3), f"llvm.fma.v{LANES}f32"
            )
            whole = builder.mul(builder.sdiv(K, I64(LANES)), I64(LANES))
            rest = mask(builder, builder.sub(K, whole), 0)
            lines = [builder.gep(left, [builder.mul(I64(i), a_row)]) for i in range(rows)]
            last = builder.sub(N, I64(1))
            given = builder.icmp_signed("!=", bias, I64(0))

            def add(sums: list[Any], weights: list[Any], read: Callable[..., Any]) -> None:
                panel = [read(each) for each in weights]
                for i, line in enumerate(lines):
                    numbers = read(line)
                    for j, column in enumerate(panel):
                        total = sums[i * columns + j]
                        builder.store(builder.call(multiply, [numbers, column, builder.load(total)]), total)

            blocks = builder.sdiv(builder.add(N, I64(columns - 1)), I64(columns))
            sums = [cgutils.alloca_once(builder, VECTOR) for _ in range(rows * columns)]
            with cgutils.for_range(builder, blocks) as block:
                first = builder.mul(block.index, I64(columns))
                places = []
                for j in range(columns):  # the last block may do the last column again
                    place = builder.add(first, I64(j))
                    inside = builder.icmp_signed("<", place, last)
                    places.append(builder.select(inside, place, last))
                weights = [builder.gep(right, [builder.mul(place, b_row)]) for place in places]
                for total in sums:
                    builder.store(ir.Constant(VECTOR, None), total)
                with cgutils.for_range(builder, builder.sdiv(K, I64(LANES))) as loop:
                    at = builder.mul(loop.index, I64(LANES))
                    add(sums, weights, lambda base: load(builder, base, at))
                add(sums, weights, lambda base: masked_load(builder, base, whole, rest))
                for j, place in enumerate(places):
                    begin = cgutils.alloca_once_value(builder, ir.FloatType()(0.0))
                    with builder.if_then(given):
                        builder.store(builder.load(builder.gep(start, [place])), begin)
                    for i in range(rows):
                        total = sum_in_any_order(builder, builder.load(sums[i * columns + j]))
                        line = builder.gep(out, [builder.add(builder.mul(I64(i), c_row), place)])
                        builder.store(builder.fadd(total, builder.load(begin)), line)
            return context.get_dummy_value()

        return types.void(*[types.intp] * 9), generate

    return dots


_dots1, _dots2, _dots3, _dots4, _dots5, _dots6, _dots7, _dots8 = (_dots(rows) for rows in range(1, 9))


@jit
def multiply_few(a, a_row, M, K, b, b_row, N, bias, c, c_row):
    """c (M, N) = a (M, K) · bᵀ of b (N, K) + bias (or 0, for none), for M up to 8."""
    if M == 1:
        _dots1(a, a_row, b, b_row, K, N, bias, c, c_row)
    elif M == 2:
        _dots2(a, a_row, b, b_row, K, N, bias, c, c_row)
    elif M == 3:
        _dots3(a, a_row, b, b_row, K, N, bias, c, c_row)
    elif M == 4:
        _dots4(a, a_row, b, b_row, K, N, bias, c, c_row)
    elif M == 5:
        _dots5(a, a_row, b, b_row, K, N, bias, c, c_row)
    elif M == 6:
        _dots6(a, a_row, b, b_row, K, N, bias, c, c_row)
    elif M == 7:
        _dots7(a, a_row, b, b_row, K, N, bias, c, c_row)
    elif M == 8:
        _dots8(a, a_row, b, b_row, K, N, bias, c, c_row)
