"""What every layer and model is: a holder of parameters with a forward."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np

from seqkit.backend import Array, Device, device, device_of, to_device
from seqkit.errors import RunError, ShapeError
from seqkit.nn.parameter import Parameter


class Module:
    """Base of layers and models.

    Parameters and submodules are found among the attributes: first its own parameters, then those of its
    submodules, each in the order of assignment; lists of modules count too. ``training`` tells dropout what
    to do; set it with :meth:`train` and :meth:`eval`.
    """

    training: bool = True

    def forward(self, *arguments: Any, **settings: Any) -> Any:
        """What calling the module computes."""
        raise NotImplementedError

    def __call__(self, *arguments: Any, **settings: Any) -> Any:
        return self.forward(*arguments, **settings)

    def children(self) -> Iterator[tuple[str, Module]]:
        """(name, module) of the direct submodules, in order."""
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield name, value
            elif isinstance(value, list | tuple):
                for index, item in enumerate(value):
                    if isinstance(item, Module):
                        yield f"{name}.{index}", item

    def _all_named(self, prefix: str = "") -> Iterator[tuple[str, Parameter]]:
        for name, value in vars(self).items():
            if isinstance(value, Parameter):
                yield prefix + name, value
        for name, child in self.children():
            yield from child._all_named(f"{prefix}{name}.")

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """(dotted name, parameter), in order; a tied parameter once, under its first name."""
        seen: set[int] = set()
        for name, parameter in self._all_named():
            if id(parameter) not in seen:
                seen.add(id(parameter))
                yield name, parameter

    def parameters(self) -> Iterator[Parameter]:
        """The parameters, each once."""
        return (parameter for _, parameter in self.named_parameters())

    def parameter_count(self) -> int:
        """How many numbers the module learns."""
        return sum(parameter.size for parameter in self.parameters())

    @property
    def device(self) -> Device:
        """Where the parameters are."""
        return device_of(next(self.parameters()).data)

    def state_dict(self) -> dict[str, Array]:
        """Flat named arrays, the parameters' own memory."""
        return {name: parameter.data for name, parameter in self.named_parameters()}

    def load_state_dict(self, arrays: Mapping[str, Array], *, source: str = "the state") -> None:
        """Copy values in. RunError names what is missing and what is extra, ShapeError both shapes."""
        own = dict(self.named_parameters())
        missing, extra = sorted(own.keys() - arrays.keys()), sorted(arrays.keys() - own.keys())
        if missing or extra:
            raise RunError(
                f"{source} does not fit {type(self).__name__}: missing {missing or 'nothing'}, "
                f"extra {extra or 'nothing'}",
                remedy="load it into a model of the same settings",
            )
        for name, parameter in own.items():
            if arrays[name].shape != parameter.shape:
                raise ShapeError(f"{source}: {name} has shape {arrays[name].shape}, not {parameter.shape}")
        for name, parameter in own.items():
            value = to_device(arrays[name], parameter.device).astype(parameter.dtype)
            parameter.data[...] = value

    def train(self, mode: bool = True) -> Self:
        """Dropout on (or off); returns self."""
        self.training = mode
        for _, child in self.children():
            child.train(mode)
        return self

    def eval(self) -> Self:
        """Dropout off; returns self."""
        return self.train(False)

    def to(self, where: str | Device) -> Self:
        """Move the parameters to a device, in place; returns self."""
        target = device(where)
        for parameter in self.parameters():
            parameter.replace(to_device(parameter.data, target))
        return self

    def astype(self, dtype: Any) -> Self:
        """Change the parameters' dtype, in place; returns self. float64 serves gradient checks."""
        for parameter in self.parameters():
            parameter.replace(parameter.data.astype(np.dtype(dtype)))
        return self

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for parameter in self.parameters():
            parameter.grad = None

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__}({self.parameter_count():,} parameters)"]
        for name, child in self.children():
            lines += [f"  {name}: " + repr(child).replace("\n", "\n  ")]
        return "\n".join(lines)
