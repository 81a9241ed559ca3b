"""Arithmetic on a few scattered rows of a matrix, 16 numbers at a time, in LLVM's own vectors (``simd``).

Rows are P float32, P a multiple of 16, so there are no remainders; sums over rows stay in registers for the
whole of a group of blocks. Loops that the compiler is left to vectorise reload and store the sums for each
row and check for overlap before each.

The functions are for compiled code: ``places`` and ``chosen`` are int64 numbers of rows, which are not
checked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.extending import intrinsic
from numba.np.arrayobj import make_array

from seqkit.backend.kernels.simd import broadcast, load, prefetch, store, sum_in_any_order

WIDTH, GROUP = 16, 8
"""Numbers of a block, whatever the processor's vectors hold: the order of sums is the same everywhere. Blocks
of a group."""
_VECTOR = ir.VectorType(ir.FloatType(), WIDTH)
_ZERO = ir.Constant(_VECTOR, [0.0] * WIDTH)
_FUSED = ("contract",)


class _Code:
    """The code builder of the functions below: rows of arrays, vectors and loops over blocks."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Any) -> None:
        self.builder = builder
        self.views: list[Any] = [
            make_array(kind)(context, builder, value=value) if isinstance(kind, types.Array) else None
            for kind, value in zip(signature.args, arguments, strict=True)
        ]

    def pointer(self, argument: int, *index: Any) -> Any:
        """The address of the first element of array ``argument``, or of one that many elements on."""
        data = self.views[argument].data
        return self.builder.gep(data, list(index)) if index else data

    def width(self, argument: int) -> Any:
        """The length of a row."""
        shape = cgutils.unpack_tuple(self.builder, self.views[argument].shape)
        return shape[-1]

    def scalar(self, argument: int, index: Any) -> Any:
        return self.builder.load(self.pointer(argument, index))

    def load(self, pointer: Any, offset: Any) -> Any:
        return load(self.builder, pointer, offset, _VECTOR)

    def store(self, value: Any, pointer: Any, offset: Any) -> None:
        store(self.builder, value, pointer, offset)

    def row(self, matrix: int, place: Any) -> Any:
        return self.pointer(matrix, self.builder.mul(place, self.width(matrix)))

    def broadcast(self, number: Any) -> Any:
        return broadcast(self.builder, number, WIDTH)

    def variable(self, value: Any) -> Any:
        """A vector that changes in a loop."""
        slot = cgutils.alloca_once(self.builder, _VECTOR)
        self.builder.store(value, slot)
        return slot

    def add_product(self, a: Any, b: Any, c: Any) -> Any:
        """a·b + c."""
        return self.builder.fadd(self.builder.fmul(a, b, flags=_FUSED), c, flags=_FUSED)

    def groups(self, width: Any, emit: Callable[[list[Any]], None]) -> None:
        """Code for a whole row: ``emit`` gets the offsets of up to GROUP blocks, for which it writes code.

        A row of seven blocks is one group, whose sums stay in registers while rows pass by.
        """
        builder, size = self.builder, width.type
        blocks = builder.lshr(width, size(WIDTH.bit_length() - 1))

        def emit_at(first: Any, count: int) -> None:
            emit([builder.add(first, size(WIDTH * i)) for i in range(count)])

        whole = builder.lshr(blocks, size(GROUP.bit_length() - 1))
        with cgutils.for_range(builder, whole) as loop:
            emit_at(builder.mul(loop.index, size(WIDTH * GROUP)), GROUP)
        rest, first = builder.and_(blocks, size(GROUP - 1)), builder.mul(whole, size(WIDTH * GROUP))
        end = builder.append_basic_block("rest.end")
        switch = builder.switch(rest, end)
        for count in range(1, GROUP):
            block = builder.append_basic_block(f"rest.{count}")
            switch.add_case(size(count), block)
            builder.position_at_end(block)
            emit_at(first, count)
            builder.branch(end)
        builder.position_at_end(end)


@intrinsic
def sum_rows(typing_context: Any, h: Any, vectors: Any, places: Any, count: Any, share: Any) -> Any:
    """h (P,) = share · Σ vectors[places[:count]]."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        code = _Code(context, builder, signature, arguments)
        count, scale = arguments[3], code.broadcast(arguments[4])

        def emit(offsets: list[Any]) -> None:
            totals = [code.variable(_ZERO) for _ in offsets]
            with cgutils.for_range(builder, count) as loop:
                row = code.row(1, code.scalar(2, loop.index))
                for total, offset in zip(totals, offsets, strict=True):
                    builder.store(builder.fadd(builder.load(total), code.load(row, offset)), total)
            for total, offset in zip(totals, offsets, strict=True):
                code.store(builder.fmul(builder.load(total), scale), code.pointer(0), offset)

        code.groups(code.width(0), emit)
        return context.get_dummy_value()

    return types.void(h, vectors, places, types.intp, types.float32), generate


@intrinsic
def score_rows(
    typing_context: Any, scores: Any, h: Any, output: Any, chosen: Any, begin: Any, end: Any
) -> Any:
    """scores[k] += h · output[chosen[k]] for k from begin to end."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        code = _Code(context, builder, signature, arguments)
        begin, end = arguments[4:]

        def emit(offsets: list[Any]) -> None:
            across = [code.load(code.pointer(1), offset) for offset in offsets]
            with cgutils.for_range(builder, builder.sub(end, begin)) as loop:
                k = builder.add(begin, loop.index)
                row = code.row(2, code.scalar(3, k))
                sums = [builder.fmul(a, code.load(row, o)) for a, o in zip(across[:2], offsets, strict=False)]
                for i, (factor, offset) in enumerate(zip(across[2:], offsets[2:], strict=True)):
                    sums[i % 2] = code.add_product(factor, code.load(row, offset), sums[i % 2])
                vector = builder.fadd(*sums) if len(sums) == 2 else sums[0]
                place = code.pointer(0, k)
                builder.store(builder.fadd(builder.load(place), sum_in_any_order(builder, vector)), place)

        code.groups(code.width(1), emit)
        return context.get_dummy_value()

    return types.void(scores, h, output, chosen, types.intp, types.intp), generate


@intrinsic
def update_rows(
    typing_context: Any, gradient: Any, h: Any, output: Any, chosen: Any, steps: Any, begin: Any, end: Any
) -> Any:
    """For k from begin to end, with o = output[chosen[k]]: gradient += steps[k]·o, o += steps[k]·h."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        code = _Code(context, builder, signature, arguments)
        begin, end = arguments[5:]

        def emit(offsets: list[Any]) -> None:
            totals = [code.variable(code.load(code.pointer(0), offset)) for offset in offsets]
            across = [code.load(code.pointer(1), offset) for offset in offsets]
            with cgutils.for_range(builder, builder.sub(end, begin)) as loop:
                k = builder.add(begin, loop.index)
                row, step = code.row(2, code.scalar(3, k)), code.broadcast(code.scalar(4, k))
                for total, factor, offset in zip(totals, across, offsets, strict=True):
                    before = code.load(row, offset)
                    builder.store(code.add_product(step, before, builder.load(total)), total)
                    code.store(code.add_product(step, factor, before), row, offset)
            for total, offset in zip(totals, offsets, strict=True):
                code.store(builder.load(total), code.pointer(0), offset)

        code.groups(code.width(1), emit)
        return context.get_dummy_value()

    return types.void(gradient, h, output, chosen, steps, types.intp, types.intp), generate


@intrinsic
def add_to_rows(typing_context: Any, vectors: Any, places: Any, count: Any, gradient: Any, share: Any) -> Any:
    """vectors[p] += share · gradient for each p of places[:count]."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        code = _Code(context, builder, signature, arguments)
        count, scale = arguments[2], code.broadcast(arguments[4])

        def emit(offsets: list[Any]) -> None:
            parts = [builder.fmul(code.load(code.pointer(3), offset), scale) for offset in offsets]
            with cgutils.for_range(builder, count) as loop:
                row = code.row(0, code.scalar(1, loop.index))
                for part, offset in zip(parts, offsets, strict=True):
                    code.store(builder.fadd(code.load(row, offset), part), row, offset)

        code.groups(code.width(3), emit)
        return context.get_dummy_value()

    return types.void(vectors, places, types.intp, gradient, types.float32), generate


@intrinsic
def prefetch_rows(typing_context: Any, matrix: Any, place: Any) -> Any:
    """Ask the processor for the cache lines of ``matrix[place]``, to be written; nothing else happens."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        code = _Code(context, builder, signature, arguments)
        row = code.row(0, arguments[1])

        def emit(offsets: list[Any]) -> None:
            for offset in offsets:
                prefetch(builder, row, offset)

        code.groups(code.width(0), emit)
        return context.get_dummy_value()

    return types.void(matrix, types.intp), generate
