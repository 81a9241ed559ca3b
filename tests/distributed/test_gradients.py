"""Gradients that are added up over processes are those of one process, however they are sent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from seqkit import ops
from seqkit.autograd import RowGradient, Tensor
from seqkit.distributed.gradients import GradientReducer
from seqkit.distributed.group import ProcessGroup
from tests.distributed.stand_in import ThreadGroup, together

SHAPES = [(3, 4), (7,), (), (5, 2), (1000, 3)]


def _parameters() -> list[Tensor]:
    return [Tensor(np.zeros(shape, np.float32), requires_grad=True) for shape in SHAPES]


def _gradients(rank: int, step: int) -> list[Any]:
    """Of each parameter: dense, dense, absent in some processes, absent in all, and rows."""
    random = np.random.default_rng((rank, step))
    values: list[Any] = [random.standard_normal(shape).astype(np.float32) for shape in SHAPES]
    values[2] = np.asarray(values[2]) if rank else None
    values[3] = None
    rows = np.sort(random.choice(1000, 4 * rank, replace=False))
    values[4] = RowGradient(rows, values[4][: len(rows)], SHAPES[4])
    return values


def _dense(gradient: Any, shape: tuple[int, ...]) -> np.ndarray:
    if gradient is None:
        return np.zeros(shape, np.float32)
    return gradient.to_dense() if isinstance(gradient, RowGradient) else gradient


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("bucket", [1, 1 << 20])
def test_sums(size: int, bucket: int) -> None:
    def run(group: ProcessGroup) -> list[list[Any]]:
        parameters = _parameters()
        reducer = GradientReducer(group, parameters, bucket)
        results = []
        for step in range(3):
            for parameter, gradient in zip(parameters, _gradients(group.rank, step), strict=True):
                parameter.grad = gradient
            for parameter in reversed(parameters):
                reducer.ready(parameter)
            reducer.finish()
            results.append(
                [p.grad if isinstance(p.grad, RowGradient) else np.copy(p.grad) for p in parameters]
            )
        return results

    found = together(size, run) if size > 1 else [run(ProcessGroup())]
    for step in range(3):
        given = [_gradients(rank, step) for rank in range(size)]
        for index, shape in enumerate(SHAPES):
            expected = sum(_dense(g[index], shape) for g in given)
            for rank in range(size):
                gradient = found[rank][step][index]
                if index == 3:
                    assert gradient is None or gradient == np.array(None)
                elif size > 1 or index != 2:
                    np.testing.assert_allclose(_dense(gradient, shape), expected, rtol=1e-6, atol=1e-6)
                if index == 4:
                    assert isinstance(gradient, RowGradient)
                    assert (np.diff(gradient.rows) > 0).all()


@pytest.mark.parametrize(("rows", "as_rows"), [(10, True), (900, False)])
def test_rows_are_sent_as_rows_only_where_they_have_fewer_bytes(rows: int, as_rows: bool) -> None:
    def run(group: ProcessGroup) -> tuple[dict[int, bool], np.ndarray, int]:
        matrix = Tensor(np.zeros((1000, 16), np.float32), requires_grad=True)
        reducer = GradientReducer(group, [matrix])
        chosen = np.arange(rows) + group.rank
        matrix.grad = RowGradient(chosen, np.ones((rows, 16), np.float32), (1000, 16))
        reducer.finish()
        assert matrix.grad is not None
        return reducer.sent_as_rows, _dense(matrix.grad, (1000, 16)), group.bytes_sent

    for decided, total, sent in together(2, run):
        assert decided == {0: as_rows}
        assert total[0, 0] == 1
        assert total[1, 0] == 2
        assert (sent < 1000 * 16 * 4) == as_rows


def test_rows_in_one_process_and_a_whole_matrix_in_another() -> None:
    def run(group: ProcessGroup) -> list[np.ndarray]:
        matrix = Tensor(np.zeros((6, 2), np.float32), requires_grad=True)
        reducer = GradientReducer(group, [matrix])
        totals = []
        for step in range(2):
            matrix.grad = RowGradient(np.array([1]), np.ones((1, 2), np.float32), (6, 2))
            if step and group.rank:
                matrix.grad = np.ones((6, 2), np.float32)
            reducer.finish()
            totals.append(_dense(matrix.grad, (6, 2)).copy())
        return totals

    for first, second in together(2, run):
        assert first.sum() == 4
        assert second.sum() == 14


def test_buckets_are_sent_during_the_backward_pass() -> None:
    """From the second step on, when it is known which gradients are rows."""
    order: list[str] = []

    class Recording(ThreadGroup):
        def start_sum(self, buffer: Any) -> Any:
            if self.rank == 0:
                order.append(f"sent {buffer.size}")
            return super().start_sum(buffer)

    def run(group: ProcessGroup) -> None:
        group.__class__ = Recording
        first, second = (Tensor(np.ones((n, n), np.float32), requires_grad=True) for n in (2, 3))
        reducer = GradientReducer(group, [first, second], bucket=1)

        def ready(parameter: Tensor) -> None:
            if group.rank == 0:
                order.append(f"ready {parameter.size}")
            reducer.ready(parameter)

        for _ in range(2):
            first.grad = second.grad = None
            x = ops.relu(first @ np.ones((2, 3), np.float32)) @ second
            x.sum().backward(on_leaf=ready)
            reducer.finish()

    together(2, run)
    assert order == [
        *("ready 9", "ready 4", "sent 9", "sent 4"),
        *("ready 9", "sent 9", "ready 4", "sent 4"),
    ]


def test_a_leaf_is_ready_when_its_last_use_is_through() -> None:
    shared, other = (Tensor(np.ones(2, np.float32), requires_grad=True) for _ in range(2))
    seen: list[tuple[bool, list[float]]] = []
    ((shared * 2.0) * other + shared).sum().backward(
        on_leaf=lambda leaf: seen.append((leaf is shared, leaf.grad.tolist()))  # type: ignore[union-attr]
    )
    assert seen == [(False, [2.0, 2.0]), (True, [3.0, 3.0])]
