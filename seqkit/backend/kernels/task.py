"""Tasks: compiled functions of (arguments, chunk, chunks) that the thread pool runs.

A kernel is a task and a Python function beside it that calls ``task.parallel_for(chunks, name=value, …)``::

    @task(x=float32("size"), factor=float32)
    def _scale(a, chunk, chunks):
        first, last = chunk_bounds(a.size, chunk, chunks)
        _scale_some(a.x[first:last], a.factor)

A task is compiled, or read from the cache, when it is first called. One that cannot be compiled, for whatever
reason, is never tried again: its kernel takes the reference, and the log says so once a family.

With SEQKIT_KERNELS_DEBUG=1 a task runs with all array accesses checked, and its caller gets an IndexError.
What is read by address (tiles, vectors) is not checked.
"""

from __future__ import annotations

import functools
import struct
import threading
from collections.abc import Callable
from typing import Any

import numba
from numba.core import types
from numba.extending import intrinsic

from seqkit.backend.kernels import thread_pool, warn_of_failure
from seqkit.backend.kernels.argument_gate import FUNCTION, program
from seqkit.backend.kernels.compiler import DEBUG, SAFE_MATH
from seqkit.backend.kernels.object_code import native_address
from seqkit.backend.kernels.refused_arguments import settle
from seqkit.backend.kernels.task_arguments import ArgumentsType, Field, Layout, address
from seqkit.errors import UsageError

_compiling = threading.RLock()


class Task:
    """A function of (arguments, chunk, chunks) in native code. Nothing in it can raise."""

    parallel_for: Callable[..., bool]
    """Run it for each of ``chunks`` chunks, as many at once as there are threads, and wait for all.

    Called with the number of chunks and all declared arguments by name. With ``steps=range(…)`` the whole is
    done for one step after another, whose number tasks read as ``a.step``. Returns False, and does nothing,
    where compiled code cannot do it: an array has another dtype or layout than declared, or the task does not
    compile. Raises ShapeError where a shape differs from the declared one.
    """

    def __init__(
        self, function: Callable[..., None], fields: dict[str, Field], fastmath: Any = False
    ) -> None:
        self.function, self.fastmath = function, fastmath
        module = function.__module__.removeprefix("seqkit.backend.kernels.")
        self.name = f"{module}.{function.__name__.lstrip('_')}"
        self.family = module.removesuffix(".cpu")
        self.layout = Layout(fields)
        self.type = ArgumentsType(self.layout)
        self.address = 0
        self.is_broken = False
        self._numbers = program(self.layout)
        self._program = address(self._numbers)
        self._pack_into = struct.Struct(self.layout.format).pack_into
        self.parallel_for = self._caller()

    def _caller(self) -> Callable[..., bool]:
        """The function that takes all arguments by name, written as source: nothing has to be sorted then.

        One step and one chunk, as of small arrays, take the short way.
        """
        arrays, scalars = (
            "".join(f"{name}, " for name in x) for x in (self.layout.arrays, self.layout.scalars)
        )
        source = f"""
def parallel_for(chunks, *, steps=once, {", ".join(self.layout.fields)}):
    arrays = {arrays or "()"}
    if {not DEBUG} and chunks == 1 and steps is once:
        slots, block = mine.block
        try:
            pack(slots, 0, 0, 0, 1, 1, 1, 0, program, id(arrays), {scalars})
            if not pool.run(block):
                return True
        except error:
            pass
    return execute(chunks, steps, arrays, ({scalars}))
"""
        names: dict[str, Any] = {
            "once": range(1),
            "execute": self._check if DEBUG else self._execute,
            "pool": thread_pool,
            "mine": thread_pool.mine,
            "program": self._program,
            "pack": self._pack_into,
            "error": struct.error,
        }
        exec(compile(source, f"<arguments of {self.name}>", "exec"), names)
        return names["parallel_for"]

    def load(self) -> int:
        """Return the address of the native code, or 0 if it does not compile."""
        with _compiling:
            if not self.address and not self.is_broken:
                try:
                    thread_pool.load()
                    signature = types.void(self.type, types.intp, types.intp)
                    self.address = native_address(self.function, signature, self.fastmath)
                    self._numbers[FUNCTION] = self.address
                except Exception as error:  # Numba and LLVM raise all kinds
                    self.is_broken = True
                    warn_of_failure(self.family, error)
        return self.address

    def _execute(
        self,
        chunks: int,
        steps: range,
        arrays: tuple[Any, ...],
        scalars: tuple[Any, ...],
        are_settled: bool = False,
    ) -> bool:
        if not self.address and not self.load():
            return False
        slots, block = thread_pool.mine.block
        control = thread_pool.pool.enter(chunks) if chunks > 1 else 0
        try:
            header = 0, steps.start, steps.stop, steps.step, chunks, control, self._program, id(arrays)
            self._pack_into(slots, 0, *header, *scalars)
            if not thread_pool.run(block):
                return True
        except struct.error as error:
            raise UsageError(f"expected scalars as declared, got {scalars}", where=self.name) from error
        finally:
            if control:
                thread_pool.pool.leave()
        settled = None if are_settled else settle(self.name, self.layout, arrays)
        return settled is not None and self._execute(chunks, steps, settled, scalars, True)

    # In checked code

    @functools.cached_property
    def _checked(self) -> Callable[[int, int, int], None]:
        """The task as a Python function that raises IndexError."""
        kind, function = self.type, numba.njit(boundscheck=True, error_model="numpy")(self.function)

        @intrinsic
        def arguments_at(typing_context, address):
            return kind(types.intp), lambda context, builder, signature, given: given[0]

        @numba.njit(error_model="numpy")
        def checked(address, chunk, chunks):
            function(arguments_at(address), chunk, chunks)

        return checked

    def _check(self, chunks: int, steps: range, arrays: tuple[Any, ...], scalars: tuple[Any, ...]) -> bool:
        thread_pool.load()
        slots, block = thread_pool.mine.block
        self._numbers[FUNCTION] = 1  # never called: without steps only the gate runs
        self._pack_into(slots, 0, 0, 0, 0, 1, 0, 0, self._program, id(arrays), *scalars)
        if thread_pool.run(block):
            settled = settle(self.name, self.layout, arrays)
            return settled is not None and self._check(chunks, steps, settled, scalars)
        for step in steps:
            struct.pack_into("q", slots, 0, step)
            for chunk in range(chunks):
                self._checked(block.value, chunk, chunks)
        return True


def task(**fields: Field) -> Callable[[Callable[..., None]], Task]:
    """Declare a task with its arguments: see :mod:`seqkit.backend.kernels.task_arguments`."""
    return lambda function: Task(function, fields)


def fast_task(**fields: Field) -> Callable[[Callable[..., None]], Task]:
    """Declare a task whose own code, and not only the functions that it calls, has fast math."""
    return lambda function: Task(function, fields, SAFE_MATH)
