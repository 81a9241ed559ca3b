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
from seqkit.backend.kernels.compiler import DEBUG, SAFE_MATH
from seqkit.backend.kernels.object_code import native_address
from seqkit.backend.kernels.task_arguments import HEADER, ArgumentsType, Field, Layout, caller
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
        self._pack_into = struct.Struct(self.layout.format).pack_into
        self.parallel_for = caller(self.name, self.layout, self._check if DEBUG else self._execute)

    def load(self) -> int:
        """Return the address of the native code, or 0 if it does not compile."""
        with _compiling:
            if not self.address and not self.is_broken:
                try:
                    thread_pool.load()
                    signature = types.void(self.type, types.intp, types.intp)
                    self.address = native_address(self.function, signature, self.fastmath)
                except Exception as error:  # Numba and LLVM raise all kinds
                    self.is_broken = True
                    warn_of_failure(self.family, error)
        return self.address

    def _execute(self, chunks: int, steps: range, values: tuple[Any, ...]) -> bool:
        function = self.address or self.load()
        if not function:
            return False
        pool = thread_pool.pool
        control = pool.enter(chunks) if chunks > 1 else 0
        try:
            mine = thread_pool.mine
            header = steps.start, steps.start, steps.stop, steps.step, chunks, function, control
            self._pack_into(mine.block, 0, *header, *values)
            thread_pool.run(mine.argument)
        except struct.error as error:
            raise UsageError(f"expected scalars as declared, got {values}", where=self.name) from error
        finally:
            if control:
                pool.leave()
        return True

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

    def _check(self, chunks: int, steps: range, values: tuple[Any, ...]) -> bool:
        mine = thread_pool.mine
        for step in steps:
            self._pack_into(mine.block, 0, step, *[0] * (len(HEADER) - 1), *values)
            for chunk in range(chunks):
                self._checked(mine.address, chunk, chunks)
        return True


def task(**fields: Field) -> Callable[[Callable[..., None]], Task]:
    """Declare a task with its arguments: see :mod:`seqkit.backend.kernels.task_arguments`."""
    return lambda function: Task(function, fields)


def fast_task(**fields: Field) -> Callable[[Callable[..., None]], Task]:
    """Declare a task whose own code, and not only the functions that it calls, has fast math."""
    return lambda function: Task(function, fields, SAFE_MATH)
