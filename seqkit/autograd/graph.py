"""The tape: nodes that ops record, and the walk over them that computes gradients."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit.autograd.sparse_gradient import Gradient, RowGradient, accumulate, to_dense
from seqkit.backend import array_module
from seqkit.errors import ShapeError, UsageError

if TYPE_CHECKING:
    from seqkit.autograd.tensor import Tensor

_enabled: ContextVar[bool] = ContextVar("seqkit_grad_enabled", default=True)


def is_grad_enabled() -> bool:
    """Return True unless inside :func:`no_grad` (per thread and per task)."""
    return _enabled.get()


@contextmanager
def no_grad() -> Iterator[None]:
    """Compute without recording a graph inside a ``with`` block: for evaluation and generation."""
    token = _enabled.set(False)
    try:
        yield
    finally:
        _enabled.reset(token)


_births = itertools.count()


class Node:
    """One op on the tape: its inputs, its backward, and how many outputs it has.

    ``birth`` numbers nodes in order of creation; an op is always born after the ops that feed it, so
    descending birth is a topological order and the walk needs no search.
    """

    __slots__ = ("backward", "birth", "inputs", "name", "outputs")

    def __init__(
        self, name: str, inputs: tuple[Tensor | None, ...], backward: Callable[..., Any], outputs: int
    ) -> None:
        self.name = name
        self.inputs = inputs
        """The tensors that need a gradient; None at the other positions."""
        self.backward: Callable[..., Any] | None = backward
        self.outputs = outputs
        self.birth = next(_births)


def _last_uses(root: Node) -> dict[int, list[Tensor]]:
    """Return the leaves below a node by the birth of the last node that gives them a gradient."""
    births: dict[int, tuple[Tensor, int]] = {}
    seen, stack = {root}, [root]
    while stack:
        node = stack.pop()
        for source in node.inputs:
            if source is None:
                continue
            if source.node is None:
                before = births.get(id(source))
                births[id(source)] = source, node.birth if before is None else min(node.birth, before[1])
            elif source.node not in seen:
                seen.add(source.node)
                stack.append(source.node)
    last: dict[int, list[Tensor]] = {}
    for leaf, birth in births.values():
        last.setdefault(birth, []).append(leaf)
    return last


def backward(root: Tensor, gradient: Any = None, on_leaf: Callable[[Tensor], None] | None = None) -> None:
    """Walk from ``root`` to the leaves, each node once, freeing each node as it is left.

    ``on_leaf`` is called with each leaf as soon as its gradient is complete.
    """
    if not root.requires_grad:
        raise UsageError("backward() of a tensor that depends on nothing that requires a gradient")
    xp = array_module(root.data)
    if gradient is None:
        if root.size != 1:
            raise UsageError(
                f"backward() without a gradient: expected one value, got shape {root.shape}",
                remedy="reduce it to a loss, or pass gradient=",
            )
        seed = xp.ones_like(root.data)
    else:
        seed = xp.array(gradient.data if hasattr(gradient, "node") else gradient, dtype=root.dtype)
        if seed.shape != root.shape:
            raise ShapeError(f"gradient has shape {seed.shape}, the tensor {root.shape}")
    if root.node is None:
        root.grad = accumulate(root.grad, seed)
        if on_leaf is not None:
            on_leaf(root)
        return
    last_uses = {} if on_leaf is None else _last_uses(root.node)
    pending: dict[Node, list[Gradient | None]] = {root.node: [None] * root.node.outputs}
    pending[root.node][root.output_index] = seed
    del seed
    heap: list[tuple[int, Node]] = [(-root.node.birth, root.node)]
    while heap:
        node = heapq.heappop(heap)[1]
        outputs = [None if g is None else to_dense(g) for g in pending.pop(node)]
        run = node.backward
        if run is None:
            raise UsageError(
                f"the graph of {node.name} was already freed by an earlier backward()",
                remedy="compute the forward again; there is no double backward",
            )
        inputs = node.inputs
        node.backward, node.inputs = None, ()
        parts = run(*outputs)
        del outputs, run
        if not isinstance(parts, tuple):
            parts = (parts,)
        if len(parts) != len(inputs):
            raise UsageError(
                f"the backward of {node.name} gave {len(parts)} gradients for {len(inputs)} inputs"
            )
        for source, part in zip(inputs, parts, strict=True):
            if source is None or part is None:
                continue
            if isinstance(part, np.generic):  # NumPy's arithmetic turns arrays without axes into scalars
                part = np.asarray(part)
            if part.shape != source.shape:
                raise ShapeError(f"the backward of {node.name} gave {part.shape} for an input {source.shape}")
            # An op of float32 and float64 gives float64; sparse gradients have no dtype of their own.
            if getattr(part, "dtype", source.dtype) != source.dtype:
                part = part.astype(source.dtype)
            if source.node is None:
                # The first of T indexings makes the dense array that the others are added into.
                joins = source.grad is not None or isinstance(part, RowGradient)
                source.grad = accumulate(source.grad, part if joins else to_dense(part))
                continue
            if source.node not in pending:
                pending[source.node] = [None] * source.node.outputs
                heapq.heappush(heap, (-source.node.birth, source.node))
            slots = pending[source.node]
            slots[source.output_index] = accumulate(slots[source.output_index], part)
        del parts, part, inputs
        if on_leaf is not None:
            for leaf in last_uses.get(node.birth, ()):
                on_leaf(leaf)
