"""Threads that share the work of one kernel, and wait for it in compiled code.

A Python thread takes 75 to 250 µs to wake up (measured), as long as many a kernel works. So a member of the
team looks for the next job itself, without the interpreter, for a millisecond or two after the last one; then
it sleeps until a bell is rung. A job is a compiled task and the integers that it reads (sizes, strides,
addresses). It is cut in parts, and whoever is free claims the next part: no job waits for a member that still
sleeps, for its caller claims parts too. Nothing in a task can raise.

Who finds the team at work does all parts alone: a second Python thread, or a task inside another.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import platform
import struct
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from seqkit.backend.device import empty
from seqkit.backend.kernels.compiler import jit
from seqkit.backend.kernels.processor import FITS
from seqkit.threads import thread_count

_LOOKS = 1 << 17
"""Looks for a job before a member sleeps: some 2 ms. Also looks for its end before the caller yields."""
_JOB, _NEXT, _ACTIVE, _FUNCTION, _NUMBERS, _PARTS, _COUNT, _ASLEEP = range(0, 8 * 128, 128)
"""Places in the room, in bytes, far enough from one another to be in lines of the cache of their own. The
members' beds begin at the last one."""
_MOST = 256
_PAGE = 4096
"""Bytes, beyond which no prefetching goes."""
_real, _integer_of_real = struct.Struct("=d"), struct.Struct("=q").unpack
_I64 = ir.IntType(64)
_X86 = platform.machine().lower() in ("x86_64", "amd64")
_POSIX = os.name == "posix"


def _place(builder: Any, address: Any) -> Any:
    return builder.inttoptr(address, _I64.as_pointer())


@intrinsic
def _read(typing_context, address):  # type: ignore[no-untyped-def]
    """The integer at an address that another thread may write."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(_place(builder, arguments[0]), "seq_cst", 8)

    return types.intp(types.intp), generate


@intrinsic
def _write(typing_context, address, value):  # type: ignore[no-untyped-def]
    """Write what another thread may read. No read that follows is made before it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.atomic_rmw("xchg", _place(builder, arguments[0]), arguments[1], "seq_cst")
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), generate


@intrinsic
def _add(typing_context, address, value):  # type: ignore[no-untyped-def]
    """Add in one step; returns what was there before."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.atomic_rmw("add", _place(builder, arguments[0]), arguments[1], "seq_cst")

    return types.intp(types.intp, types.intp), generate


@intrinsic
def _pause(typing_context):  # type: ignore[no-untyped-def]
    """Let the other thread of the core work for some cycles."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if _X86:
            kind = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse2.pause"), [])
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def _give_way(typing_context):  # type: ignore[no-untyped-def]
    """Let other threads have the core, where there is a call for that."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if _POSIX:
            kind = ir.FunctionType(ir.IntType(32), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "sched_yield"), [])
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def number(typing_context, numbers, i):  # type: ignore[no-untyped-def]
    """What a task reads: the integer with index i of those given to :func:`share`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(builder.gep(_place(builder, arguments[0]), [arguments[1]]))

    return types.intp(types.intp, types.intp), generate


@intrinsic
def real(typing_context, numbers, i):  # type: ignore[no-untyped-def]
    """The float with index i of those given to :func:`share`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = builder.inttoptr(arguments[0], ir.DoubleType().as_pointer())
        return builder.load(builder.gep(place, [arguments[1]]))

    return types.float64(types.intp, types.intp), generate


@jit
def bounds(size, part, parts):  # type: ignore[no-untyped-def]
    """First and last (exclusive) of a part of ``size`` things."""
    return size * part // parts, size * (part + 1) // parts


@intrinsic
def _call(typing_context, function, numbers, part, parts):  # type: ignore[no-untyped-def]
    """The task at an address."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kind = ir.FunctionType(ir.VoidType(), [_I64] * 3)
        builder.call(builder.inttoptr(values[0], kind.as_pointer()), values[1:])
        return context.get_dummy_value()

    return types.void(*[types.intp] * 4), generate


@jit
def _claim_parts(room, function, numbers, parts):  # type: ignore[no-untyped-def]
    part = _add(room + _NEXT, 1)
    while part < parts:
        _call(function, numbers, part, parts)
        part = _add(room + _NEXT, 1)


@jit
def run(room, function, numbers, parts):  # type: ignore[no-untyped-def]
    """Do a job with all who are awake; back when it is done. Room 0: alone."""
    if parts < 2 or room == 0:
        for part in range(parts):
            _call(function, numbers, part, parts)
        return
    _write(room + _FUNCTION, function)
    _write(room + _NUMBERS, numbers)
    _write(room + _PARTS, parts)
    _write(room + _NEXT, 0)
    job = _add(room + _COUNT, 1) + 1
    _write(room + _JOB, job)
    _claim_parts(room, function, numbers, parts)
    _write(room + _JOB, 0)  # who comes now finds nothing to do; who came before is still active
    looks = 0
    while _read(room + _ACTIVE):
        _pause()
        looks += 1
        if looks > _LOOKS:
            _give_way()


@jit
def _serve(room, bed):  # type: ignore[no-untyped-def]
    """Do parts of jobs until there has been none for a while."""
    looks, seen = 0, 0
    while looks < _LOOKS:
        job = _read(room + _JOB)
        if job == 0 or job == seen:
            _pause()
            looks += 1
            continue
        _add(room + _ACTIVE, 1)
        job = _read(room + _JOB)  # again: the caller waits for the active ones only
        if job != 0:
            _claim_parts(room, _read(room + _FUNCTION), _read(room + _NUMBERS), _read(room + _PARTS))
            seen = job
        _add(room + _ACTIVE, -1)
        looks = 0
    _write(bed, 1)


class _Team:
    """As many members as there were ever asked for; they live as long as the process."""

    def __init__(self) -> None:
        self._busy = threading.Lock()
        self._bells: list[threading.Semaphore] = []
        self._room = np.zeros((_ASLEEP + 128 * (_MOST + 1)) // 8, np.int64)
        self._address = -(-self._room.ctypes.data // 128) * 128
        self._beds = (self._address - self._room.ctypes.data + _ASLEEP) // 8

    def _live(self, member: int) -> None:
        bell = self._bells[member]
        while True:
            _serve(self._address, self._address + _ASLEEP + 128 * member)
            bell.acquire()

    def enter(self, parts: int) -> int:
        """The room to work in, with the members of a job of ``parts`` called up; 0 where it is taken."""
        members = min(parts - 1, _MOST)
        if members < 1 or not self._busy.acquire(blocking=False):
            return 0
        while len(self._bells) < members:
            self._bells.append(threading.Semaphore(0))
            member = threading.Thread(
                target=self._live, args=(len(self._bells) - 1,), name="seqkit kernels", daemon=True
            )
            member.start()
        for number in range(members):
            bed = self._beds + 16 * number
            if self._room[bed]:
                self._room[bed] = 0
                self._bells[number].release()
        return self._address

    def leave(self, room: int) -> None:
        """To be called with what ``enter`` gave."""
        if room:
            self._busy.release()


_team = _Team()


def _after_fork() -> None:
    global _team
    _team = _Team()  # the child has none of the parent's threads


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def address(x: Any) -> int:
    """Of an array's first number; 0 for None."""
    if x is None:
        return 0
    flags = x.flags
    if x.size and flags.writeable and flags.forc:  # a quarter of the time (measured: 0.3 µs against 1.4)
        return ctypes.addressof(ctypes.c_byte.from_buffer(x if flags.c_contiguous else x.T))
    return int(x.__array_interface__["data"][0])


def _as_integer(one: int | float | np.ndarray | None) -> int:
    if isinstance(one, int):
        return one
    return _integer_of_real(_real.pack(one))[0] if isinstance(one, float) else address(one)


def plain(*arrays: Any) -> bool:
    """Whether a task can read these by their addresses: float32 and contiguous, or None."""
    return all(x is None or (x.dtype == np.float32 and x.flags.c_contiguous) for x in arrays)


@contextlib.contextmanager
def lead(parts: int) -> Iterator[tuple[int, int]]:
    """A room, for compiled code that gives one job after another there, and in how many parts to cut them."""
    team = _team
    room = team.enter(parts)
    try:
        yield room, parts if room else 1
    finally:
        team.leave(room)


class _Numbers(threading.local):
    """What a task reads, in the same place for all jobs of a thread."""

    def __init__(self) -> None:
        room = np.zeros(64, np.int64)
        self.room, self.address = room.data, address(room)


_numbers = _Numbers()


def share(task: Any, parts: int, *given: int | float | np.ndarray | None) -> None:
    """Run a task for each of ``parts`` parts, as many of them at once as there are threads.

    It reads what is ``given`` by index: integers, floats, and the addresses of arrays (0 for None).
    """
    integers = [one if one.__class__ is int else _as_integer(one) for one in given]
    struct.pack_into(f"={len(given)}q", _numbers.room, 0, *integers)
    if parts < 2:
        run(0, task.address, _numbers.address, parts)
        return
    with lead(parts) as (room, _):
        run(room, task.address, _numbers.address, parts)


def own_pages(parts: int, size: int) -> np.ndarray:
    """Memory (``parts``, ``size`` or more) of float32 for what parts write to again and again.

    Each row has pages of its own: in a common one the prefetching of one core takes lines from the other
    (measured on rows of 128: two threads as slow as one).
    """
    pages = -(-4 * size // _PAGE)
    room = empty(np, ((1 + parts * pages) * _PAGE // 4,), np.float32)
    start = -address(room) % _PAGE // 4
    return room[start : start + parts * pages * _PAGE // 4].reshape(parts, -1)


def parts_for(work: float, least: float) -> int:
    """Into how many parts to cut ``work``, each of ``least`` or more: 1 to the team's threads."""
    return max(1, min(_threads(), int(work / least)))


@functools.cache
def _threads() -> int:
    return min(thread_count(), _MOST) if FITS else 1
