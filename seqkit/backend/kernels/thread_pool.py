"""Threads that share the work of one kernel, and wait for it in compiled code.

A Python thread takes 75 to 250 µs to wake up (measured), as long as many a kernel works. So a worker of the
pool looks for the next job itself, without the interpreter, for a millisecond or two after the last one; then
it parks on a semaphore. A job is a task (``task.py``) and a block of arguments, cut into chunks. Whoever is
free claims the next chunk: no job waits for a worker that is parked, for its caller claims chunks too.

What this is not: a scheduler. There is one job at a time and no queue. A second Python thread that finds the
pool at work, and a task inside another, do all chunks alone, in the same chunks and so with the same bits.

The control block, through which threads meet, in the order of a job's life:

1. The caller writes FUNCTION, ARGUMENTS and CHUNKS, sets NEXT to 0, and then writes a new number to JOB.
2. A worker that spins sees a JOB it has not seen, adds itself to ACTIVE, and reads JOB again: if it is still
   there, the caller has not yet passed step 4 and will wait for it.
3. Caller and active workers add 1 to NEXT; each number below CHUNKS is theirs to do, once.
4. The caller, when no chunk is left, sets JOB to 0 and spins until ACTIVE is 0: all chunks are then done, and
   no worker can look at the block any more.

All of these are sequentially consistent, so what a task wrote is seen by whoever sees ACTIVE fall. They lie
in cache lines of their own, or the spinning of one thread would slow the writes of another.
"""

from __future__ import annotations

import ctypes
import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from numba.core import types

from seqkit.backend.device import empty
from seqkit.backend.kernels.argument_gate import BLOCK_SIZE, FUNCTION, fill, probe
from seqkit.backend.kernels.compiler import jit
from seqkit.backend.kernels.intrinsics import (
    atomic_add,
    atomic_read,
    atomic_write,
    call_chunk,
    pause,
    read_int64,
    yield_core,
)
from seqkit.backend.kernels.object_code import native_address
from seqkit.backend.kernels.processor import TILES
from seqkit.backend.kernels.task_arguments import HEADER, address
from seqkit.platforms import after_fork
from seqkit.threads import thread_count

_SPINS = 1 << 17
"""Looks for a job before a worker parks: some 2 ms. Also looks for its end before the caller yields."""
_LINE = 128
"""Bytes between two fields, so that they lie in cache lines of their own."""
_JOB, _NEXT, _ACTIVE, _FUNCTION, _ARGUMENTS, _CHUNKS, _JOBS, _PARKED = range(0, 8 * _LINE, _LINE)
"""The fields of the control block, in bytes. The workers' parked flags begin at the last one."""
_MOST_WORKERS = 256
_PAGE = 4096
"""Bytes, beyond which no prefetching goes."""
_STEP, _START, _STOP, _STRIDE, _OF_CHUNKS, _CONTROL, _PROGRAM, _ARRAYS = (8 * i for i in range(len(HEADER)))


@jit
def chunk_bounds(size, chunk, chunks):
    """Return the first and last (exclusive) index of a chunk of ``size`` items."""
    return size * chunk // chunks, size * (chunk + 1) // chunks


@jit
def _claim_chunks(control, function, arguments, chunks):
    chunk = atomic_add(control + _NEXT, 1)
    while chunk < chunks:
        call_chunk(function, arguments, chunk, chunks)
        chunk = atomic_add(control + _NEXT, 1)


@jit
def _run_chunks(control, function, arguments, chunks):
    if chunks < 2 or control == 0:
        for chunk in range(chunks):
            call_chunk(function, arguments, chunk, chunks)
        return
    atomic_write(control + _FUNCTION, function)
    atomic_write(control + _ARGUMENTS, arguments)
    atomic_write(control + _CHUNKS, chunks)
    atomic_write(control + _NEXT, 0)
    atomic_write(control + _JOB, atomic_add(control + _JOBS, 1) + 1)
    _claim_chunks(control, function, arguments, chunks)
    atomic_write(control + _JOB, 0)  # a worker that comes now finds no job; one that came is active
    spins = 0
    while atomic_read(control + _ACTIVE):
        pause()
        spins += 1
        if spins > _SPINS:
            yield_core()


def _run(arguments):
    """Fill a block of arguments and run its job, step by step; return 0 when it is done.

    Or 1 if the gate refuses the arrays, or the task is not loaded.
    """
    program = read_int64(arguments + _PROGRAM)
    function = read_int64(program + 8 * FUNCTION)
    if function == 0 or fill(read_int64(arguments + _ARRAYS), program, arguments):
        return 1
    control, chunks = read_int64(arguments + _CONTROL), read_int64(arguments + _OF_CHUNKS)
    start, stop = read_int64(arguments + _START), read_int64(arguments + _STOP)
    for step in range(start, stop, read_int64(arguments + _STRIDE)):
        atomic_write(arguments + _STEP, step)
        _run_chunks(control, function, arguments, chunks)
    return 0


def _work(control, parked):
    """Do chunks of jobs until there has been none for a while; then set the parked flag."""
    spins, seen = 0, 0
    while spins < _SPINS:
        job = atomic_read(control + _JOB)
        if job == 0 or job == seen:
            pause()
            spins += 1
            continue
        atomic_add(control + _ACTIVE, 1)
        job = atomic_read(control + _JOB)  # again: the caller waits for the active ones only
        if job != 0:
            function, arguments = atomic_read(control + _FUNCTION), atomic_read(control + _ARGUMENTS)
            _claim_chunks(control, function, arguments, atomic_read(control + _CHUNKS))
            seen = job
        atomic_add(control + _ACTIVE, -1)
        spins = 0
    atomic_write(parked, 1)


@functools.cache
def _work_until_idle() -> Callable[[int, int], None]:
    native = native_address(_work, types.void(types.intp, types.intp))
    return ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)(native)


class ThreadPool:
    """The workers: as many as any job has needed so far. They live as long as the process."""

    def __init__(self) -> None:
        self._busy = threading.Lock()
        self._semaphores: list[threading.Semaphore] = []
        self._block = np.zeros((_PARKED + _LINE * (_MOST_WORKERS + 1)) // 8, np.int64)
        self._control = -(-self._block.ctypes.data // _LINE) * _LINE
        self._parked = (self._control - self._block.ctypes.data + _PARKED) // 8

    def _live(self, worker: int) -> None:
        work, parked = _work_until_idle(), self._control + _PARKED + _LINE * worker
        while True:
            work(self._control, parked)
            self._semaphores[worker].acquire()

    def enter(self, chunks: int) -> int:
        """Wake the workers of a job; return the control block, or 0 if another job has it.

        The caller that got it calls :meth:`leave` when the job is done.
        """
        workers = min(chunks - 1, _MOST_WORKERS)
        if workers < 1 or not self._busy.acquire(blocking=False):
            return 0
        while len(self._semaphores) < workers:
            worker = len(self._semaphores)
            self._semaphores.append(threading.Semaphore(0))
            threading.Thread(target=self._live, args=(worker,), name="seqkit kernels", daemon=True).start()
        for worker in range(workers):
            flag = self._parked + worker * (_LINE // 8)
            if self._block[flag]:
                self._block[flag] = 0
                self._semaphores[worker].release()
        return self._control

    def leave(self) -> None:
        """Let the next job in."""
        self._busy.release()

    @contextmanager
    def reserved(self) -> Iterator[bool]:
        """Let no job in, so that each thread does all chunks of its own; yield False if there is one."""
        free = self._busy.acquire(blocking=False)
        try:
            yield free
        finally:
            if free:
                self._busy.release()


pool = ThreadPool()


def _after_fork() -> None:
    global pool
    pool = ThreadPool()  # the child has none of the parent's threads


after_fork(_after_fork)


class _Mine(threading.local):
    """A thread's block of arguments, in the same place for all its jobs."""

    def __init__(self) -> None:
        slots = np.zeros(BLOCK_SIZE, np.int64)
        self.block = slots.data, ctypes.c_int64(address(slots))  # made once: a call converts numbers slowly


mine = _Mine()


def _refuse(block: ctypes.c_int64) -> int:
    return 1


run: Callable[[ctypes.c_int64], int] = _refuse
"""Let arrays through the gate and run the job in a thread's block, without the GIL. Set by :func:`load`."""


@functools.cache
def load() -> None:
    """Compile the pool's own functions, or read them from the cache."""
    global run
    native = native_address(_run, types.intp(types.intp))
    compiled = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(native)
    probe(compiled)
    _work_until_idle()
    run = compiled


def chunks_for(work: float, least: float) -> int:
    """Return into how many chunks to cut ``work``, each of ``least`` or more: 1 to the number of threads."""
    return max(1, min(_threads(), int(work / least)))


@functools.cache
def _threads() -> int:
    return min(thread_count(), _MOST_WORKERS) if TILES else 1


def page_aligned_scratch(chunks: int, size: int) -> np.ndarray:
    """Return memory (``chunks``, ``size`` or more) of float32 that chunks write again and again.

    Each row has pages of its own: in a common one the prefetching of one core takes lines from the other
    (measured on rows of 128: two threads as slow as one).
    """
    pages = -(-4 * size // _PAGE)
    block = empty(np, ((1 + chunks * pages) * _PAGE // 4,), np.float32)
    start = -address(block) % _PAGE // 4
    return block[start : start + chunks * pages * _PAGE // 4].reshape(chunks, -1)
