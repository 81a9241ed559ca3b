"""Backward is linear in the number of steps T, by bytes allocated and nodes visited, never by a clock."""

import importlib
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from seqkit import ops
from seqkit.autograd import Tensor, stack
from seqkit.backend import memory_pool, to_device
from tests import strict_array

B, I, H = 11, 13, 17  # noqa: E741  # above 1 KiB a step: NumPy keeps smaller blocks, unseen by tracemalloc
SHORT, FACTOR = 64, 8


def _tensor(random: np.random.Generator, shape: tuple[int, ...], device: str) -> Tensor:
    return Tensor(to_device(0.3 * random.standard_normal(shape), device), requires_grad=True)


def single_steps(T: int, device: str, random: np.random.Generator) -> Tensor:
    """An RNN by tape ops, one x[:, t] at a time: the way the textbooks write it."""
    x = _tensor(random, (B, T, I), device)
    Wx, Wh, h = (_tensor(random, shape, device) for shape in ((I, H), (H, H), (B, H)))
    states = []
    for t in range(T):
        h = ops.tanh(x[:, t] @ Wx + h @ Wh)
        states.append(h)
    return (stack(*states, axis=1) * 0.5).sum()


def single_steps_of_a_computed_x(T: int, device: str, random: np.random.Generator) -> Tensor:
    """x is itself the result of an op, so its gradient gathers in the walk and not on a leaf."""
    x = _tensor(random, (B, T, I), device) * 2.0
    total = x[:, 0].sum()
    for t in range(1, T):
        total = total + x[:, t].sum()
    return total


def _sequence_op(gates: int, op: Callable[..., Any], states: int, biases: int) -> Callable[..., Tensor]:
    def build(T: int, device: str, random: np.random.Generator) -> Tensor:
        shapes = [(B, T, I), *[(B, H)] * states, (gates * H, I), (gates * H, H), *[(gates * H,)] * biases]
        outputs = op(*(_tensor(random, shape, device) for shape in shapes))
        return (outputs[0] * 0.5).sum() + outputs[1].sum()

    return build


BUILDERS = {
    "single steps": single_steps,
    "single steps of a computed x": single_steps_of_a_computed_x,
    "rnn": _sequence_op(1, ops.rnn, 1, 1),
    "gru": _sequence_op(3, ops.gru, 1, 2),
    "lstm": _sequence_op(4, ops.lstm, 2, 1),
}


def _bytes_in_backward(build: Callable[..., Tensor], T: int, random: np.random.Generator) -> int:
    loss = build(T, "strict", random)
    before = strict_array.counts["bytes"]
    loss.backward()
    return strict_array.counts["bytes"] - before


def _peak_in_backward(build: Callable[..., Tensor], T: int, random: np.random.Generator) -> int:
    loss = build(T, "cpu", random)
    tracemalloc.start()
    try:
        loss.backward()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", BUILDERS)
def test_bytes_allocated(name: str, strict: str, random: np.random.Generator) -> None:
    """All that was ever allocated, freed again or not: T gradients of the size of x would be T² bytes."""
    short = _bytes_in_backward(BUILDERS[name], SHORT, random)
    long = _bytes_in_backward(BUILDERS[name], FACTOR * SHORT, random)
    assert short > 0
    assert long <= 1.1 * FACTOR * short


@pytest.mark.parametrize("name", BUILDERS)
def test_peak_memory(name: str, random: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_pool, "SMALLEST", 1 << 60)  # tracemalloc does not see recycled maps
    short = _peak_in_backward(BUILDERS[name], SHORT, random)
    long = _peak_in_backward(BUILDERS[name], FACTOR * SHORT, random)
    assert long <= 1.5 * FACTOR * short  # T² would be 64 times, not 8


@pytest.mark.parametrize("name", BUILDERS)
def test_nodes_visited(name: str, random: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("seqkit.autograd.differentiable")
    plain, visits = module.Node, []

    def counted(name: str, inputs: Any, backward: Callable[..., Any], outputs: int) -> Any:
        def run(*gradients: Any) -> Any:
            visits.append(name)
            return backward(*gradients)

        made.append(name)
        return plain(name, inputs, run, outputs)

    monkeypatch.setattr(module, "Node", counted)
    numbers = []
    for T in (SHORT, FACTOR * SHORT):
        made: list[str] = []
        visits.clear()
        BUILDERS[name](T, "cpu", random).backward()
        assert sorted(visits) == sorted(made)  # each node once
        numbers.append(len(visits))
    assert numbers[1] <= FACTOR * numbers[0]


def test_a_whole_sequence_is_one_node(random: np.random.Generator) -> None:
    numbers = []
    for T in (SHORT, FACTOR * SHORT):
        loss, nodes, waiting = BUILDERS["lstm"](T, "cpu", random), set(), []
        waiting.append(loss.node)
        while waiting:
            node = waiting.pop()
            if node is not None and node not in nodes:
                nodes.add(node)
                waiting.extend(x.node for x in node.inputs if x is not None)
        numbers.append(len(nodes))
    assert numbers[0] == numbers[1] < 8
