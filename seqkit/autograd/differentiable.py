"""The decorator that lifts an array function with its backward onto the tape.

The contract of an op is docs/ops.md; tests/autograd/test_contract.py holds it point by point.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from seqkit.autograd.graph import Node, is_grad_enabled
from seqkit.autograd.tensor import Tensor
from seqkit.backend import array_module
from seqkit.errors import UsageError


def differentiable(function: Callable[..., Any]) -> Callable[..., Any]:
    """Lift ``function(xp, *arrays, **settings) -> (value, backward)`` to Tensors.

    ``value`` is an array or a tuple of arrays; ``backward`` takes one gradient per value (None where
    unused) and returns one per positional array, None where there is none. A function that declares the
    keyword ``needs`` gets a tuple of bools: which positional arrays need a gradient.
    """
    signature = inspect.signature(function)
    tells_needs = "needs" in signature.parameters
    places = [p for p in signature.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD][1:]  # behind xp
    names = {parameter.name for parameter in places}

    @functools.wraps(function)
    def op(*arguments: Any, **settings: Any) -> Any:
        if settings and not names.isdisjoint(settings):
            arguments = (*arguments, *_by_place(places[len(arguments) :], settings))
        recording, needed = is_grad_enabled(), False
        inputs: list[Tensor | None] = []
        arrays: list[Any] = []
        for argument in arguments:
            source = None
            if isinstance(argument, Tensor):
                arrays.append(argument.data)
                if recording and argument.requires_grad:
                    source, needed = argument, True
            else:
                arrays.append(argument.item() if isinstance(argument, np.generic) else argument)
            inputs.append(source)
        xp = array_module(*[a for a in arrays if not isinstance(a, (int, float))])
        if tells_needs:
            settings["needs"] = tuple([source is not None for source in inputs])
        value, backward = function(xp, *arrays, **settings)
        several = isinstance(value, tuple)
        results = [Tensor(v) for v in (value if several else (value,))]
        if needed:
            node = Node(function.__name__, tuple(inputs), backward, len(results))
            for index, result in enumerate(results):
                result.requires_grad, result.node, result.output_index = True, node, index
        return tuple(results) if several else results[0]

    shown = [p for name, p in signature.parameters.items() if name not in ("xp", "needs")]
    op.__dict__["__signature__"] = signature.replace(parameters=shown)  # what callers give, for help()
    return op


def _by_place(places: list[inspect.Parameter], settings: dict[str, Any]) -> list[Any]:
    """Take the arrays that were given by name out of the settings; return them in their places."""
    last = max((place for place, p in enumerate(places) if p.name in settings), default=-1)
    missing = [p.name for p in places[: last + 1] if p.default is p.empty and p.name not in settings]
    if missing:
        raise UsageError(f"expected the argument {missing[0]}, got none")
    return [settings.pop(p.name, p.default) for p in places[: last + 1]]
