"""The base of layers and models, and the tensors that they keep: parameters and buffers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any, Self, TypeVar

import numpy as np

from seqkit.autograd import Tensor, no_grad
from seqkit.backend import Array, Device, device, device_of, to_device
from seqkit.errors import RunError, ShapeError, UsageError

_NOTHING = contextlib.nullcontext()
_evaluated: ContextVar[frozenset[int]] = ContextVar("evaluated modules", default=frozenset())
"""The ``id`` of each module that this thread evaluates in a block of :meth:`Module.evaluating`."""


class Kept(Tensor):
    """A leaf that is saved and moved with its module.

    It may stand under two names (tied weights): then it is counted, updated and saved once, under the first.
    ``copy.deepcopy`` copies the values and not the gradient, as PyTorch does.
    """

    __slots__ = ()

    def replace(self, data: Array) -> None:
        """Replace the values, perhaps by those of another device or dtype, and drop the gradient."""
        self.data, self.grad = data, None

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self.shape}, {self.dtype} on {self.device}"

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        copied = type(self)(self.data.copy())
        copied.requires_grad = self.requires_grad
        memo[id(self)] = copied
        return copied

    def __reduce__(self) -> Any:
        raise TypeError("seqkit does not pickle; save state_dict() with safetensors")


class Parameter(Kept):
    """A tensor that a model learns."""

    __slots__ = ()

    def __init__(self, data: Array) -> None:
        super().__init__(data, requires_grad=True)


class Buffer(Kept):
    """A tensor that a model needs and does not learn, such as the running statistics of BatchNorm."""

    __slots__ = ()

    def __init__(self, data: Array) -> None:
        super().__init__(data)


K = TypeVar("K", bound=Tensor)


class Module:
    """Base of layers and models: parameters, submodules and a ``forward``.

    Threads may share one in evaluation mode; not while it is trained, moved or changed.

    Parameters and submodules are found among the attributes: first the module's own parameters, then those of
    its submodules, each in the order of assignment; lists of modules count too. Buffers are found alike: they
    are saved and moved, and no optimiser sees them. ``training`` switches dropout and BatchNorm; set it with
    :meth:`train` and :meth:`eval`.

    Example:
        >>> layer = nn.Linear(4, 2, generator=0)
        >>> [(name, parameter.shape) for name, parameter in layer.named_parameters()]
        [('weight', (2, 4)), ('bias', (2,))]
    """

    training: bool = True

    def forward(self, *arguments: Any, **settings: Any) -> Any:
        """Compute the result of calling the module."""
        raise NotImplementedError

    def __call__(self, *arguments: Any, **settings: Any) -> Any:
        return self.forward(*arguments, **settings)

    def children(self) -> Iterator[tuple[str, Module]]:
        """Yield (name, module) of the direct submodules, in order."""
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield name, value
            elif isinstance(value, list | tuple):
                for index, item in enumerate(value):
                    if isinstance(item, Module):
                        yield f"{name}.{index}", item

    def _all_named(self, kind: type[K], prefix: str = "") -> Iterator[tuple[str, K]]:
        for name, value in vars(self).items():
            if isinstance(value, kind):
                yield prefix + name, value
        for name, child in self.children():
            yield from child._all_named(kind, f"{prefix}{name}.")

    def _first_tensor(self) -> Tensor | None:
        for value in vars(self).values():
            if isinstance(value, Tensor):
                return value
        for _, child in self.children():
            tensor = child._first_tensor()
            if tensor is not None:
                return tensor
        return None

    def _named(self, kind: type[K]) -> Iterator[tuple[str, K]]:
        seen: set[int] = set()
        for name, tensor in self._all_named(kind):
            if id(tensor) not in seen:
                seen.add(id(tensor))
                yield name, tensor

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yield (dotted name, parameter), in order; a tied parameter once, under its first name."""
        return self._named(Parameter)

    def named_buffers(self) -> Iterator[tuple[str, Buffer]]:
        """Yield (dotted name, buffer), in order."""
        return self._named(Buffer)

    def _kept(self) -> dict[str, Kept]:
        return {**dict(self.named_parameters()), **dict(self.named_buffers())}

    def parameters(self) -> Iterator[Parameter]:
        """Yield the parameters, each once."""
        return (parameter for _, parameter in self.named_parameters())

    def parameter_count(self) -> int:
        """Return the number of learned values."""
        return sum(parameter.size for parameter in self.parameters())

    @property
    def device(self) -> Device:
        """The device of the parameters, or of the buffers of a module without parameters."""
        tensor = self._first_tensor()
        if tensor is None:
            raise UsageError(f"{type(self).__name__} has no parameters or buffers, and so no device")
        return device_of(tensor.data)

    def state_dict(self) -> dict[str, Array]:
        """Return {dotted name: array}, the parameters' own memory, then that of the buffers."""
        return {name: tensor.data for name, tensor in self._kept().items()}

    def load_state_dict(self, arrays: Mapping[str, Array], *, source: str = "the state") -> None:
        """Copy values into the parameters and buffers; nothing changes if they do not fit.

        Args:
            arrays: {dotted name: array}, of any device and dtype.
            source: Where they come from, for error messages.

        Raises:
            RunError: Missing or extra names.
            ShapeError: An array of another shape.
        """
        own = self._kept()
        missing, extra = sorted(own.keys() - arrays.keys()), sorted(arrays.keys() - own.keys())
        if missing or extra:
            raise RunError(
                f"{source} does not fit {type(self).__name__}: missing {missing or 'nothing'}, "
                f"extra {extra or 'nothing'}",
                remedy="load it into a model of the same settings",
            )
        for name, tensor in own.items():
            if arrays[name].shape != tensor.shape:
                raise ShapeError(
                    f"{source}: expected {name} of shape {tensor.shape}, got {arrays[name].shape}"
                )
        for name, tensor in own.items():
            tensor.data[...] = to_device(arrays[name], tensor.device).astype(tensor.dtype)

    def train(self, mode: bool = True) -> Self:
        """Set the training mode of the module and its submodules; returns self."""
        self.training = mode
        for _, child in self.children():
            child.train(mode)
        return self

    def eval(self) -> Self:
        """Set evaluation mode: no dropout, running statistics; returns self."""
        return self.train(False)

    def to(self, where: str | Device) -> Self:
        """Move parameters and buffers to a device ("cpu", "cuda"), in place; returns self."""
        target = device(where)
        for tensor in self._kept().values():
            tensor.replace(to_device(tensor.data, target))
        return self

    def astype(self, dtype: Any) -> Self:
        """Change the dtype of parameters and buffers, in place; returns self."""
        for tensor in self._kept().values():
            tensor.replace(tensor.data.astype(np.dtype(dtype)))
        return self

    def freeze(self) -> Self:
        """Make buffers of all parameters, in place; returns self.

        They are saved under the same names, but get no gradient, and optimisers do not see them. Tied
        parameters stay tied within the module, not with a parameter outside it.
        """
        buffers: dict[int, Buffer] = {}

        def walk(module: Module) -> None:
            for name, value in vars(module).items():
                if isinstance(value, Parameter):
                    setattr(module, name, buffers.setdefault(id(value), Buffer(value.data)))
            for _, child in module.children():
                walk(child)

        walk(self)
        return self

    def evaluating(self) -> contextlib.AbstractContextManager[None]:
        """Compute without dropout and without a graph inside a ``with`` block; restore the mode after it.

        Within such a block of the same module another one costs nothing.
        """
        outer = _evaluated.get()
        return _NOTHING if id(self) in outer else self._evaluating(outer)

    @contextlib.contextmanager
    def _evaluating(self, outer: frozenset[int]) -> Iterator[None]:
        training = self.training
        self.eval()
        token = _evaluated.set(outer | {id(self)})
        try:
            with no_grad():
                yield
        finally:
            _evaluated.reset(token)
            self.train(training)

    def zero_grad(self) -> None:
        """Drop all gradients."""
        for parameter in self.parameters():
            parameter.grad = None

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__}({self.parameter_count():,} parameters)"]
        for name, child in self.children():
            lines += [f"  {name}: " + repr(child).replace("\n", "\n  ")]
        return "\n".join(lines)
