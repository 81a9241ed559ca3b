"""Vectors: as many float32 numbers as the processor handles at once, as one value in compiled code.

For what the compiler, given a loop, does not vectorise by itself: the tiles of matrix products, and short
rows, whose rest it would do one number at a time. Not for other loops: the compiler does those as well, and
they stay readable.

The module has two halves. Functions with a ``builder`` write LLVM instructions, for other intrinsics
(``matrix_product/tiles.py``, ``word2vec/rows.py``). The others are called in compiled code, where a vector is
a value of its own: ``+``, ``-``, ``*`` take two vectors, or one and a float32. Vectors are read and written
by address, whole or in part, and nothing checks that address.
"""

from __future__ import annotations

import functools
import operator
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic, models, overload, register_model

from seqkit.backend.kernels.compiler import ORDERED_MATH
from seqkit.backend.kernels.intrinsics import I8, I32, I64, as_pointer, ask_for
from seqkit.backend.kernels.processor import LANES

SIZE = 4
"""Bytes of a number."""

VECTOR = ir.VectorType(ir.FloatType(), LANES)
_INTEGERS = ir.VectorType(I32, LANES)
_LANES = ir.VectorType(I64, LANES)([I64(lane) for lane in range(LANES)])
_MASK = ir.VectorType(ir.IntType(1), LANES)


def pointer(builder: Any, address: Any) -> Any:
    """An address as a pointer to float32."""
    return as_pointer(builder, address, ir.FloatType())


def _vector_at(builder: Any, base: Any, offset: Any, kind: Any = VECTOR) -> Any:
    return builder.bitcast(builder.gep(base, [offset]), kind.as_pointer())


def load(builder: Any, base: Any, offset: Any, kind: Any = VECTOR) -> Any:
    """Read a vector, of LANES numbers or of another type."""
    vector = builder.load(_vector_at(builder, base, offset, kind))
    vector.align = SIZE
    return vector


def store(builder: Any, vector: Any, base: Any, offset: Any) -> None:
    """Write a vector of any length."""
    builder.store(vector, _vector_at(builder, base, offset, vector.type)).align = SIZE


def broadcast(builder: Any, number: Any, lanes: int = LANES) -> Any:
    """A vector with one number in all lanes."""
    nothing = ir.Constant(ir.VectorType(number.type, lanes), ir.Undefined)
    one = builder.insert_element(nothing, number, I32(0))
    return builder.shuffle_vector(one, nothing, ir.VectorType(I32, lanes)(None))


def mask(builder: Any, wide: Any, first: int) -> Any:
    """Which lanes of a vector that begins at column ``first`` are among ``wide`` columns."""
    return builder.icmp_signed("<", _LANES, broadcast(builder, builder.sub(wide, I64(first))))


def masked_load(builder: Any, base: Any, offset: Any, shown: Any) -> Any:
    """0 in lanes that are not ``shown``; nothing is read there."""
    place = _vector_at(builder, base, offset)
    kind = ir.FunctionType(VECTOR, [place.type, I32, _MASK, VECTOR])
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.masked.load.v{LANES}f32.p0")
    return builder.call(function, [place, I32(SIZE), shown, ir.Constant(VECTOR, None)])


def masked_store(builder: Any, vector: Any, base: Any, offset: Any, shown: Any) -> None:
    place = _vector_at(builder, base, offset)
    kind = ir.FunctionType(ir.VoidType(), [VECTOR, place.type, I32, _MASK])
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.masked.store.v{LANES}f32.p0")
    builder.call(function, [vector, place, I32(SIZE), shown])


def prefetch(builder: Any, base: Any, offset: Any) -> None:
    """Ask for a cache line that will be written soon; any address may be asked for."""
    ask_for(builder, _vector_at(builder, base, offset, I8), to_write=True)


def opaque(builder: Any, number: Any) -> Any:
    """The same integer, of whose value the compiler knows nothing from here on."""
    return builder.asm(ir.FunctionType(number.type, [number.type]), "", "=r,0", [number], side_effect=False)


def sum_in_any_order(builder: Any, vector: Any) -> Any:
    """The sum of a vector's numbers, in the order that the processor does fastest."""
    kind = ir.FunctionType(ir.FloatType(), [ir.FloatType(), vector.type])
    name = f"llvm.vector.reduce.fadd.v{vector.type.count}f32"
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    return builder.call(function, [ir.FloatType()(0.0), vector], fastmath=("reassoc",))


# The values of compiled code


class _Floats(types.Type):
    def __init__(self) -> None:
        super().__init__(name=f"{LANES} float32")


FLOATS = _Floats()
_FLAGS = tuple(sorted(ORDERED_MATH))


@register_model(_Floats)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, VECTOR)


@intrinsic
def everywhere(typing_context, number):
    """Return a vector with one float32 in all lanes."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return broadcast(builder, arguments[0])

    return FLOATS(types.float32), generate


def _arithmetic(symbol: Any, method: str) -> None:
    """Define an operator between vectors."""

    @intrinsic
    def work(typing_context, a, b):
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return getattr(builder, method)(*arguments, flags=_FLAGS)

        return FLOATS(FLOATS, FLOATS), generate

    @overload(symbol)
    def typed(a, b):
        if isinstance(a, _Floats) and isinstance(b, _Floats):
            return lambda a, b: work(a, b)
        if isinstance(a, _Floats) and b == types.float32:
            return lambda a, b: work(a, everywhere(b))
        if a == types.float32 and isinstance(b, _Floats):
            return lambda a, b: work(everywhere(a), b)
        return None


for _symbol, _method in ((operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul")):
    _arithmetic(_symbol, _method)


@intrinsic
def read(typing_context, address):
    """Return the vector at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return load(builder, pointer(builder, arguments[0]), I64(0))

    return FLOATS(types.intp), generate


@intrinsic
def read_some(typing_context, address, some):
    """Return the first ``some`` numbers at an address, and zeros behind them."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return masked_load(builder, pointer(builder, arguments[0]), I64(0), mask(builder, arguments[1], 0))

    return FLOATS(types.intp, types.intp), generate


@intrinsic
def write(typing_context, vector, address):
    """Write a vector to an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        store(builder, arguments[0], pointer(builder, arguments[1]), I64(0))
        return context.get_dummy_value()

    return types.void(FLOATS, types.intp), generate


@intrinsic
def write_some(typing_context, vector, address, some):
    """Write the first ``some`` numbers of a vector. A later read of the addresses behind them has to wait."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector, address, some = arguments
        masked_store(builder, vector, pointer(builder, address), I64(0), mask(builder, some, 0))
        return context.get_dummy_value()

    return types.void(FLOATS, types.intp, types.intp), generate


@intrinsic
def first_of(typing_context, some, vector, other):
    """Return the first ``some`` numbers of a vector, and ``other`` in the other lanes."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        some, vector, other = arguments
        return builder.select(mask(builder, some, 0), vector, broadcast(builder, other))

    return FLOATS(types.intp, FLOATS, types.float32), generate


def _larger(builder: Any, a: Any, b: Any) -> Any:
    return builder.select(builder.fcmp_ordered(">", a, b), a, b)


@intrinsic
def larger(typing_context, a, b):
    """Return the larger number of each lane; that of ``b`` where one is NaN."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _larger(builder, *arguments)

    return FLOATS(FLOATS, FLOATS), generate


@intrinsic
def where_below(typing_context, vector, limit, value, other):
    """Return ``value`` in the lanes where a vector is below a limit, else the lanes of ``other``."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector, limit, value, other = arguments
        below = builder.fcmp_ordered("<", vector, broadcast(builder, limit))
        return builder.select(below, broadcast(builder, value), other)

    return FLOATS(FLOATS, types.float32, types.float32, FLOATS), generate


def _folded(builder: Any, vector: Any, join: Any) -> Any:
    """Join all lanes to one number, half by half."""
    step = LANES // 2
    while step:
        order = ir.VectorType(I32, LANES)([I32((lane + step) % LANES) for lane in range(LANES)])
        vector = join(vector, builder.shuffle_vector(vector, vector, order))
        step //= 2
    return builder.extract_element(vector, I32(0))


@intrinsic
def total(typing_context, vector):
    """Return the sum of a vector's numbers."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _folded(builder, arguments[0], builder.fadd)

    return types.float32(FLOATS), generate


@intrinsic
def largest(typing_context, vector):
    """Return the largest of a vector's numbers; a NaN may be passed over."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _folded(builder, arguments[0], functools.partial(_larger, builder))

    return types.float32(FLOATS), generate


@intrinsic
def two_to(typing_context, shifted):
    """Return 2ⁿ for integers n from -126 to 127 in the last bits of a float32, or of each lane."""
    if shifted not in (types.float32, FLOATS):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = I32 if shifted == types.float32 else _INTEGERS
        exponent, bias = (ir.Constant(kind, n if kind is I32 else [n] * LANES) for n in (23, 127 << 23))
        bits = builder.add(builder.shl(builder.bitcast(arguments[0], kind), exponent), bias)
        return builder.bitcast(bits, context.get_value_type(shifted))

    return shifted(shifted), generate
