"""Recurrent networks of one or more layers, in one or both directions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from seqkit import ops
from seqkit.autograd import Tensor, concatenate
from seqkit.backend import Array, module_of, zeros
from seqkit.backend.ids import as_array
from seqkit.backend.random import Generator, as_generator
from seqkit.errors import UsageError, require_choice, require_sizes
from seqkit.nn import initializers
from seqkit.nn.dropout import Dropout, LockedDropout, WeightDrop
from seqkit.nn.module import Module, Parameter

State = list[tuple[Any, ...]]
"""One tuple for each layer and direction: (h,), or (h, c) of an LSTM; each (B, H), Tensor or array."""


class RecurrentLayer(Module):
    """The weights of one layer in one direction.

    ``weight_ih`` is (G·H, I), ``weight_hh`` (G·H, H), biases are (G·H,). G is the number of gates, in the
    order of ``ops/recurrent.py``. LSTM and RNN have one ``bias``, GRU has ``bias_ih`` and ``bias_hh``. All
    start uniform within ±1/√H, as PyTorch's do.
    """

    bias: Parameter
    bias_ih: Parameter
    bias_hh: Parameter

    def __init__(
        self, input_size: int, hidden_size: int, *, gates: int, biases: Sequence[str], generator: Generator
    ) -> None:
        self.hidden_size = hidden_size
        require_sizes(self, "hidden_size")
        bound = 1 / math.sqrt(hidden_size)
        rows = gates * hidden_size

        def weight(*shape: int) -> Parameter:
            return Parameter(initializers.uniform(shape, generator, bound))

        self.weight_ih, self.weight_hh = weight(rows, input_size), weight(rows, hidden_size)
        self._biases = tuple(biases)
        for name in biases:
            setattr(self, name, weight(rows))

    @property
    def weights(self) -> list[Parameter]:
        """The parameters in the order in which the ops take them."""
        return [self.weight_ih, self.weight_hh, *(getattr(self, name) for name in self._biases)]


class _Recurrent(Module):
    """Base of RNN, GRU and LSTM, which add the op and its number of gates and states."""

    gates: int
    states: int
    biases: tuple[str, ...] = ("bias",)
    op: Callable[..., Any]

    def __init__(
        self,
        input_size: int,
        hidden_size: int | Sequence[int],
        num_layers: int = 1,
        *,
        dropout: float = 0.0,
        locked: bool = False,
        bidirectional: bool = False,
        weight_drop: float = 0.0,
        generator: Generator | int | None = None,
    ) -> None:
        self.input_size, self.num_layers = input_size, num_layers
        require_sizes(self, "input_size", "num_layers")
        sizes = list(hidden_size) if isinstance(hidden_size, Sequence) else [hidden_size] * num_layers
        if len(sizes) != num_layers:
            raise UsageError(f"expected {num_layers} hidden sizes for {num_layers} layers, got {sizes}")
        self.hidden_sizes = sizes
        self.bidirectional = bidirectional
        self.dropout = LockedDropout(dropout) if locked else Dropout(dropout)
        self.weight_drop = WeightDrop(weight_drop)
        directions = 2 if bidirectional else 1
        self.layers: list[RecurrentLayer] = []
        generator = as_generator(generator)
        for size in sizes:
            for _ in range(directions):
                self.layers.append(
                    RecurrentLayer(
                        input_size, size, gates=self.gates, biases=self.biases, generator=generator
                    )
                )
            input_size = size * directions

    def zero_state(self, batch: int, dtype: DTypeLike = np.float32) -> State:
        """Return the state before a sequence: zeros on the model's device."""
        xp = module_of(self.device)
        return [
            tuple(zeros(xp, (batch, layer.weight_hh.shape[1]), dtype) for _ in range(self.states))
            for layer in self.layers
        ]

    def forward(
        self,
        x: Tensor,
        state: State | None = None,
        mask: Array | None = None,
        generator: Generator | None = None,
    ) -> tuple[Tensor, State]:
        """Return the outputs and the last state.

        Args:
            x: (B, T, I).
            state: The state before x; zeros by default.
            mask: (B, T), True where a token is real: the state passes over the others.
            generator: Source of the dropout masks.

        Returns:
            Outputs (B, T, H), or (B, T, 2H) if bidirectional, and one tuple for each layer and direction.

        Raises:
            UsageError: In training without a generator, unless all rates are 0.
        """
        x = as_array("x", x, "an array (B, T, I)")
        state = self.zero_state(x.shape[0], x.dtype) if state is None else state
        if len(state) != len(self.layers):
            raise UsageError(f"the state has {len(state)} entries for {len(self.layers)} layers")
        last: State = []
        directions = 2 if self.bidirectional else 1
        for depth in range(self.num_layers):
            if depth:
                x = self.dropout(x, generator)
            outputs = []
            for direction in range(directions):
                index = depth * directions + direction
                weight_ih, weight_hh, *biases = self.layers[index].weights
                weights = [weight_ih, self.weight_drop(weight_hh, generator), *biases]
                y, *final = self._run(weights, x, state[index], mask, reverse=direction == 1)
                outputs.append(y)
                last.append(tuple(final))
            x = outputs[0] if directions == 1 else concatenate(*outputs, axis=2)
        return x, last

    def _run(
        self, weights: Sequence[Tensor], x: Tensor, state: Any, mask: Array | None, *, reverse: bool
    ) -> Any:
        return type(self).op(x, *state, *weights, mask, reverse=reverse)


class LSTM(_Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber 1997); the state is (h, c) of each layer and
    direction.

    The equations stand in ``backend/kernels/lstm/reference.py``. Parameters: ``layers.0.weight_ih`` (4H, I),
    ``layers.0.weight_hh`` (4H, H), ``layers.0.bias`` (4H,) and so on; with ``bidirectional`` the odd ones run
    backwards.

    Args:
        input_size: I.
        hidden_size: H, or one size for each layer.
        num_layers: How many layers stand one upon another.
        dropout: Rate of dropout between layers.
        locked: One dropout mask for all time steps.
        bidirectional: Each layer runs in both directions, its outputs side by side.
        weight_drop: Rate of dropout on ``weight_hh`` (:class:`WeightDrop`).
        generator: Source of the initial weights.

    Example:
        >>> lstm = LSTM(8, 16, num_layers=2, generator=0)
        >>> y, state = lstm(Tensor(np.zeros((5, 7, 8), np.float32)))
        >>> y.shape, len(state), state[0][0].shape
        ((5, 7, 16), 2, (5, 16))
    """

    gates, states, op = 4, 2, staticmethod(ops.lstm)

    def set_forget_bias(self, value: float = 1.0) -> None:
        """Set the forget gates' bias of all layers; 1 starts by remembering (Jozefowicz et al. 2015)."""
        for layer in self.layers:
            H = layer.weight_hh.shape[1]
            layer.bias.data[H : 2 * H] = value


class GRU(_Recurrent):
    """Gated recurrent unit (Cho et al. 2014); the state is (h,) of each layer and direction.

    The equations stand in ``backend/kernels/gru/reference.py``. Arguments as of :class:`LSTM`; parameters
    ``weight_ih`` (3H, I), ``weight_hh`` (3H, H), ``bias_ih`` and ``bias_hh`` (3H,).
    """

    gates, states, op, biases = 3, 1, staticmethod(ops.gru), ("bias_ih", "bias_hh")


class RNN(_Recurrent):
    """Plain recurrent network (Elman 1990), φ "tanh" or "relu"; the state is (h,) of each layer and
    direction.

    Arguments as of :class:`LSTM`; parameters ``weight_ih`` (H, I), ``weight_hh`` (H, H) and ``bias`` (H,).
    """

    gates, states, op = 1, 1, staticmethod(ops.rnn)

    def __init__(self, *arguments: Any, nonlinearity: str = "tanh", **settings: Any) -> None:
        require_choice("nonlinearity", nonlinearity, ("tanh", "relu"))
        super().__init__(*arguments, **settings)
        self.nonlinearity = nonlinearity

    def _run(
        self, weights: Sequence[Tensor], x: Tensor, state: Any, mask: Array | None, *, reverse: bool
    ) -> Any:
        return ops.rnn(x, *state, *weights, mask, reverse=reverse, nonlinearity=self.nonlinearity)


def detach(state: State) -> State:
    """Return a state as plain arrays, so that gradients do not flow into the window before."""
    return [tuple(s.data if isinstance(s, Tensor) else s for s in entry) for entry in state]
