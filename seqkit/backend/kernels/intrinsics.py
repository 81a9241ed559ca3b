"""Instructions that Numba has no name for: bit patterns, addresses and memory that threads share.

This is the only module that turns integers into pointers.
"""

from __future__ import annotations

import platform
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from seqkit.platforms import HAS_SCHED_YIELD

I64, I32, I8 = ir.IntType(64), ir.IntType(32), ir.IntType(8)
_X86 = platform.machine().lower() in ("x86_64", "amd64")


def as_pointer(builder: Any, address: Any, kind: Any) -> Any:
    """Code that turns an integer into a pointer to a value of an LLVM type."""
    return builder.inttoptr(address, kind.as_pointer())


def ask_for(builder: Any, pointer: Any, *, to_write: bool = False) -> None:
    """Code that asks for a cache line, which will be read or written soon; any address may be asked for."""
    kind = ir.FunctionType(ir.VoidType(), [pointer.type, I32, I32, I32])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    builder.call(function, [pointer, I32(int(to_write)), I32(3), I32(1)])


@intrinsic
def bits_of_float(typing_context, value):
    """Return the bit pattern of a float32 as int32."""

    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], context.get_value_type(types.int32))

    return types.int32(types.float32), generate


@intrinsic
def float_of_bits(typing_context, bits):
    """Return the float32 whose bit pattern is the given int32."""

    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], context.get_value_type(types.float32))

    return types.float32(types.int32), generate


@intrinsic
def address(typing_context, array):
    """Return the address of an array's first element."""

    def generate(context, builder, signature, arguments):
        view = context.make_array(signature.args[0])(context, builder, value=arguments[0])
        return builder.ptrtoint(view.data, I64)

    return types.intp(array), generate


@intrinsic
def contiguous(typing_context, row):
    """View a vector whose elements lie side by side, though its type does not say so, as contiguous."""
    if not isinstance(row, types.Array) or row.ndim != 1:
        return None
    dense = types.Array(row.dtype, 1, "C")

    def generate(context, builder, signature, arguments):
        source = context.make_array(row)(context, builder, value=arguments[0])
        view = context.make_array(dense)(context, builder)
        for name in ("data", "shape", "strides", "itemsize", "nitems", "meminfo", "parent"):
            setattr(view, name, getattr(source, name))
        return view._getvalue()

    return dense(row), generate


@intrinsic
def number_at(typing_context, place, kind):
    """Read a number of a NumPy type from an address."""
    if not isinstance(kind, types.NumberClass):
        return None

    def generate(context, builder, signature, arguments):
        stored = context.get_value_type(kind.instance_type)
        return builder.load(as_pointer(builder, arguments[0], stored))

    return kind.instance_type(types.intp, kind), generate


@intrinsic
def prefetch_at(typing_context, place):
    """Ask for the memory at an address, which may be any, for reading."""

    def generate(context, builder, signature, arguments):
        ask_for(builder, as_pointer(builder, arguments[0], I8))
        return context.get_dummy_value()

    return types.void(types.intp), generate


# Memory that several threads use


@intrinsic
def atomic_read(typing_context, place):
    """Read an int64 that another thread may write."""

    def generate(context, builder, signature, arguments):
        return builder.load_atomic(as_pointer(builder, arguments[0], I64), "seq_cst", 8)

    return types.intp(types.intp), generate


@intrinsic
def atomic_write(typing_context, place, value):
    """Write an int64 that another thread may read. No later read is moved before it."""

    def generate(context, builder, signature, arguments):
        builder.atomic_rmw("xchg", as_pointer(builder, arguments[0], I64), arguments[1], "seq_cst")
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), generate


@intrinsic
def atomic_add(typing_context, place, value):
    """Add to an int64 in one step and return its value before."""

    def generate(context, builder, signature, arguments):
        return builder.atomic_rmw("add", as_pointer(builder, arguments[0], I64), arguments[1], "seq_cst")

    return types.intp(types.intp, types.intp), generate


@intrinsic
def read_int64(typing_context, place):
    """Read an int64 that no other thread writes meanwhile."""

    def generate(context, builder, signature, arguments):
        return builder.load(as_pointer(builder, arguments[0], I64))

    return types.intp(types.intp), generate


@intrinsic
def write_int64(typing_context, place, value):
    """Write an int64 that no other thread reads meanwhile."""

    def generate(context, builder, signature, arguments):
        builder.store(arguments[1], as_pointer(builder, arguments[0], I64))
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), generate


@intrinsic
def pause(typing_context):
    """Let the other hardware thread of the core work for some cycles."""

    def generate(context, builder, signature, arguments):
        if _X86:
            kind = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse2.pause"), [])
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def yield_core(typing_context):
    """Let other threads have the core, where the system has a call for that."""

    def generate(context, builder, signature, arguments):
        if HAS_SCHED_YIELD:
            kind = ir.FunctionType(I32, [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "sched_yield"), [])
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def call_chunk(typing_context, function, arguments, chunk, chunks):
    """Call the task at an address for one chunk."""

    def generate(context, builder, signature, values):
        kind = ir.FunctionType(ir.VoidType(), [I64] * 3)
        builder.call(as_pointer(builder, values[0], kind), values[1:])
        return context.get_dummy_value()

    return types.void(*[types.intp] * 4), generate
