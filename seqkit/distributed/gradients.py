"""Gradients added up over the processes of a group while the backward pass goes on.

Dense gradients are joined into buckets, in the reverse order of the parameters, and a bucket is sent as soon
as the backward pass is through with it. Gradients of a few rows of a matrix
(:class:`seqkit.autograd.RowGradient`) are sent as rows where that moves fewer bytes. After
:meth:`GradientReducer.finish` all processes have the same gradients, to the bit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqkit.autograd import RowGradient, Tensor
from seqkit.autograd.sparse_gradient import to_dense
from seqkit.backend import Array, array_module, to_device, to_numpy
from seqkit.distributed.group import Pending, ProcessGroup

BUCKET = 1 << 22
"""Bytes of a bucket, at most, unless one gradient has more."""

_NONE, _DENSE, _ROWS = 0, 1, 2


class _Bucket:
    """Dense gradients of one dtype that are sent together."""

    def __init__(self, indices: list[int], parameters: Sequence[Tensor]) -> None:
        self.indices = indices
        self.parameters = [parameters[i] for i in indices]
        data = self.parameters[0].data
        self.buffer: Array = array_module(data).empty(sum(p.size for p in self.parameters), data.dtype)
        self.parts: list[Array] = []
        start = 0
        for parameter in self.parameters:
            self.parts.append(self.buffer[start : start + parameter.size].reshape(parameter.shape))
            start += parameter.size
        self.pending: Pending | None = None

    def send(self, group: ProcessGroup) -> None:
        for parameter, part in zip(self.parameters, self.parts, strict=True):
            part[...] = 0 if parameter.grad is None else to_dense(parameter.grad)
        self.pending = group.start_sum(self.buffer)


class GradientReducer:
    """Adds up the gradients of a model's parameters over a group; each process gives its share of the sum.

    Which gradients are rows is learned in the first step, which is sent when it is complete.

    Args:
        group: The processes.
        parameters: The parameters, in the same order in all processes.
        bucket: Bytes of a bucket.
    """

    def __init__(self, group: ProcessGroup, parameters: Sequence[Tensor], bucket: int = BUCKET) -> None:
        self.group, self.parameters, self.bucket = group, list(parameters), bucket
        self._index = {id(parameter): i for i, parameter in enumerate(self.parameters)}
        self._buckets: list[_Bucket] | None = None
        self._rows: set[int] = set()
        self._sent = 0
        self._ready: set[int] = set()
        self.sent_as_rows: dict[int, bool] = {}
        """Of each parameter with gradients of rows, by its number, whether they were sent as rows last."""

    def ready(self, parameter: Tensor) -> None:
        """Take the gradient of a parameter, to which the backward pass adds nothing more."""
        index = self._index.get(id(parameter))
        if self._buckets is None or index is None:
            return
        self._ready.add(index)
        while self._sent < len(self._buckets) and self._ready.issuperset(self._buckets[self._sent].indices):
            self._send_next(self._buckets)

    def finish(self) -> None:
        """Send what is left, and replace each gradient by the sum over all processes."""
        if self.group.size == 1:
            return
        codes = self._codes()
        kinds = codes[:, :, 0]
        if self._buckets is None:
            self._rows = set(
                np.flatnonzero((kinds == _ROWS).any(axis=0) & ~(kinds == _DENSE).any(axis=0)).tolist()
            )
            self._buckets = self._make_buckets()
        while self._sent < len(self._buckets):
            self._send_next(self._buckets)
        present: np.ndarray = (kinds != _NONE).any(axis=0)
        for index in sorted(self._rows):
            if present[index]:
                self._add_rows(index, codes[:, index])
        for bucket in self._buckets:
            assert bucket.pending is not None
            bucket.pending.wait()
            for index, parameter, part in zip(bucket.indices, bucket.parameters, bucket.parts, strict=True):
                parameter.grad = part if present[index] else None
        self._sent = 0
        self._ready.clear()

    def _codes(self) -> np.ndarray:
        """Return the kind of each process's gradient of each parameter, and its number of rows."""
        codes = np.zeros((1, len(self.parameters), 2), np.int64)
        for index, parameter in enumerate(self.parameters):
            gradient = parameter.grad
            if isinstance(gradient, RowGradient):
                codes[0, index] = _ROWS, len(gradient.rows)
            elif gradient is not None:
                codes[0, index] = _DENSE, len(gradient) if gradient.ndim else 1
        return np.concatenate(self.group.gather(codes))

    def _make_buckets(self) -> list[_Bucket]:
        buckets: list[list[int]] = []
        held, dtype = 0, None
        for index in reversed(range(len(self.parameters))):
            if index in self._rows:
                continue
            data = self.parameters[index].data
            if not buckets or held + data.nbytes > self.bucket or data.dtype != dtype:
                buckets.append([])
                held, dtype = 0, data.dtype
            buckets[-1].append(index)
            held += data.nbytes
        return [_Bucket(indices, self.parameters) for indices in buckets]

    def _send_next(self, buckets: list[_Bucket]) -> None:
        buckets[self._sent].send(self.group)
        self._sent += 1

    def _add_rows(self, index: int, codes: np.ndarray) -> None:
        """Add up a gradient of which processes may have rows, the whole or nothing."""
        parameter, group = self.parameters[index], self.group
        gradient, (height, *rest) = parameter.grad, parameter.shape
        width = int(np.prod(rest)) * parameter.data.itemsize
        by_rows = int(codes[:, 1].max()) * (8 + width) * (group.size - 1)
        whole = 2 * height * width * (group.size - 1) // group.size
        as_rows = bool((codes[:, 0] != _DENSE).all()) and by_rows < whole
        self.sent_as_rows[index] = as_rows
        xp = array_module(parameter.data)
        if not as_rows:
            buffer = xp.zeros(parameter.shape, parameter.dtype)
            if gradient is not None:
                buffer[...] = to_dense(gradient)
            group.start_sum(buffer).wait()
            parameter.grad = buffer
            return
        if gradient is None:
            gradient = RowGradient(
                xp.empty(0, np.int64), xp.empty((0, *rest), parameter.dtype), parameter.shape
            )
        rows = group.gather(to_numpy(gradient.rows).astype(np.int64, copy=False))
        values = group.gather(to_numpy(gradient.values))
        total: RowGradient | None = None
        for r, v in zip(rows, values, strict=True):
            part = RowGradient(
                to_device(r, parameter.device), to_device(v, parameter.device), parameter.shape
            )
            total = part if total is None else total.merge(part)
        parameter.grad = total

    def describe(self, names: Sequence[str]) -> str:
        """Return how gradients are sent, for the log: bytes, messages, and what is sent as rows."""
        buckets = self._buckets or []
        dense = sum(bucket.buffer.nbytes for bucket in buckets)
        text = f"{dense / 1e6:,.1f} MB of dense gradients in {len(buckets)} messages"
        for index, as_rows in sorted(self.sent_as_rows.items()):
            text += f", {names[index]} {'as rows' if as_rows else 'whole, which is less than its rows'}"
        return text
