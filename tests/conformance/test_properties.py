"""Properties that hold for every row of the table."""

import importlib
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import seqkit.ops
from seqkit.autograd import RowGradient, Tensor, gradient_check, no_grad, to_dense
from seqkit.backend import to_device, to_numpy
from tests import strict_array
from tests.conformance.table import ROWS, Row
from tests.exhaustive import some

each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
each_dtype = pytest.mark.parametrize(
    "dtype", some([np.float32, np.float64], 2), ids=lambda dtype: dtype.__name__
)
"""Of float64 the compiled kernels know nothing; it takes the references, as float32 does without them."""


def tensors_of(arrays: list[np.ndarray], device: str = "cpu", requires_grad: bool = True) -> list[Tensor]:
    return [Tensor(to_device(x, device), requires_grad=requires_grad) for x in arrays]


def extras_of(row: Row, device: str = "cpu") -> dict[str, Any]:
    return {name: to_device(x.copy(), device) for name, x in row.extras.items()}


def outputs_of(value: Any) -> list[Tensor]:
    return list(value) if isinstance(value, tuple) else [value]


def output_gradients(outputs: list[Tensor]) -> list[np.ndarray]:
    random = np.random.default_rng(17)
    return [np.asarray(random.standard_normal(y.shape), y.dtype) for y in outputs]


def total_of(outputs: list[Tensor], gradients: list[np.ndarray]) -> Tensor:
    """One value whose gradient at each output is the given array."""
    parts = [(y * to_device(g, y.device)).sum() for y, g in zip(outputs, gradients, strict=True)]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def run(row: Row, arrays: list[np.ndarray], device: str = "cpu") -> tuple[list[np.ndarray], list[Any]]:
    """Values of the outputs and dense gradients of the inputs, as NumPy arrays."""
    tensors = tensors_of(arrays, device)
    outputs = outputs_of(row.call(*tensors, **extras_of(row, device)))
    total_of(outputs, output_gradients(outputs)).backward()
    gradients = [None if x.grad is None else to_numpy(to_dense(x.grad)) for x in tensors]
    return [y.numpy().copy() for y in outputs], gradients


def assert_all_close(ours: list[Any], theirs: list[Any], rtol: float, atol: float) -> None:
    for a, b in zip(ours, theirs, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            assert a.shape == b.shape
            np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


def test_every_public_op_has_a_row() -> None:
    first_words = {row.name.partition(":")[0].partition(",")[0].partition(" ")[0] for row in ROWS}
    assert set(seqkit.ops.__all__) <= first_words


def test_names_are_unique() -> None:
    names = [row.name for row in ROWS]
    assert len(names) == len(set(names))


@each_row
def test_gradient(row: Row) -> None:
    extras = extras_of(row)
    gradient_check(lambda *tensors: row.call(*tensors, **extras), *row.inputs(), seed=1)


@pytest.mark.parametrize("row", some(ROWS, 2), ids=lambda row: row.name)
def test_gradient_of_each_input_alone(row: Row) -> None:
    """The gradients of the other inputs do not change when some are not needed."""
    arrays = row.inputs()
    _, expected = run(row, arrays)
    for position in range(len(arrays)):
        tensors = tensors_of(arrays, requires_grad=False)
        tensors[position] = Tensor(arrays[position], requires_grad=True)
        outputs = outputs_of(row.call(*tensors, **extras_of(row)))
        total_of(outputs, output_gradients(outputs)).backward()
        for other, tensor in enumerate(tensors):
            if other == position:
                assert_all_close([to_dense(tensor.grad)], [expected[position]], 1e-12, 1e-14)
            else:
                assert tensor.grad is None


@each_row
def test_gradient_of_each_output_alone(row: Row) -> None:
    """The backward gets None for outputs that nobody used; the parts add up to the whole."""
    arrays = row.inputs()
    _, expected = run(row, arrays)
    count = len(outputs_of(row.call(*tensors_of(arrays), **extras_of(row))))
    sums: list[Any] = [np.zeros_like(x) for x in arrays]
    for chosen in range(count):
        tensors = tensors_of(arrays)
        outputs = outputs_of(row.call(*tensors, **extras_of(row)))
        gradient = output_gradients(outputs)[chosen]
        outputs[chosen].backward(gradient)
        for total, tensor in zip(sums, tensors, strict=True):
            if tensor.grad is not None:
                total += to_dense(tensor.grad)
    whole = [np.zeros(x.shape) if g is None else g for g, x in zip(expected, arrays, strict=True)]
    assert_all_close(sums, whole, 1e-10, 1e-12)


@each_row
def test_runs_on_a_gpu_array(row: Row, gpu: str) -> None:
    """Every op, forward and backward, without a hidden conversion, and with NumPy's values."""
    arrays = row.inputs()
    values, gradients = run(row, arrays, gpu)
    expected_values, expected_gradients = run(row, arrays)
    assert_all_close(values, expected_values, 1e-12, 1e-13)
    assert_all_close(gradients, expected_gradients, 1e-12, 1e-13)


@each_row
@each_dtype
def test_inputs_and_outputs_stay_as_they_are(row: Row, dtype: Any) -> None:
    arrays = row.inputs(dtype)
    extras = extras_of(row)
    tensors = tensors_of(arrays)
    before = [x.copy() for x in arrays]
    extras_before = {name: x.copy() for name, x in extras.items()}
    outputs = outputs_of(row.call(*tensors, **extras))
    values = [y.numpy().copy() for y in outputs]
    total_of(outputs, output_gradients(outputs)).backward()
    for now, then in itertools.chain(
        zip((x.data for x in tensors), before, strict=True),
        zip(extras.values(), extras_before.values(), strict=True),
        zip((y.data for y in outputs), values, strict=True),
    ):
        np.testing.assert_array_equal(now, then)


class Watch:
    """Stands in for the tape's Node: checks what goes into and comes out of every backward."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, read_only: bool) -> None:
        module = importlib.import_module("seqkit.autograd.differentiable")
        self.node, self.read_only, self.visits = module.Node, read_only, 0
        monkeypatch.setattr(module, "Node", self.make)

    def make(self, name: str, inputs: Any, backward: Callable[..., Any], outputs: int) -> Any:
        kept = [x.data for x in inputs if x is not None]

        def watched(*gradients: Any) -> Any:
            self.visits += 1
            before = [None if g is None else np.array(g) for g in gradients]
            if self.read_only:
                for g in gradients:
                    if g is not None:
                        g.flags.writeable = False
            parts = backward(*gradients)
            for now, then in zip(gradients, before, strict=True):
                if now is not None:
                    np.testing.assert_array_equal(now, then, err_msg=f"{name} wrote into its gradient")
            if not self.read_only:
                self.check(name, parts, inputs, kept)
            elif any(g is not None for g in gradients):
                parts = self.own(parts)
            return parts

        return self.node(name, inputs, watched, outputs)

    @staticmethod
    def own(parts: Any) -> Any:
        """Writable copies, since the walk may add to what a backward of read-only gradients gave away."""
        parts = parts if isinstance(parts, tuple) else (parts,)
        return tuple(
            np.array(p) if isinstance(p, np.ndarray | np.generic) and not np.asarray(p).flags.writeable else p
            for p in parts
        )

    @staticmethod
    def check(name: str, parts: Any, inputs: Any, kept: list[np.ndarray]) -> None:
        parts = parts if isinstance(parts, tuple) else (parts,)
        given = [
            p if isinstance(p, np.ndarray | np.generic) else p.values
            for p, source in zip(parts, inputs, strict=True)
            if p is not None and source is not None
        ]
        arrays = [p for p in given if isinstance(p, np.ndarray)]
        for array in arrays:
            assert array.flags.writeable, f"the backward of {name} gave a read-only array"
            assert not any(np.shares_memory(array, x) for x in kept), (
                f"the backward of {name} gave away an input"
            )
        for a, b in itertools.combinations(arrays, 2):
            assert not np.shares_memory(a, b), f"the backward of {name} gave the same memory twice"


@each_row
@each_dtype
def test_backward_gives_away_what_it_returns(row: Row, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(monkeypatch, read_only=False)
    tensors = tensors_of(row.inputs(dtype))
    outputs = outputs_of(row.call(*tensors, **extras_of(row)))
    total_of(outputs, output_gradients(outputs)).backward()
    assert watch.visits > 0
    gradients = [x.grad.values if isinstance(x.grad, RowGradient) else x.grad for x in tensors]
    arrays = [g for g in gradients if g is not None]
    for gradient in arrays:
        assert gradient.dtype == dtype
        for y in outputs:
            assert not np.shares_memory(gradient, y.data)


@each_row
@each_dtype
def test_backward_only_reads_its_gradients(row: Row, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With read-only gradients the backward still runs."""
    Watch(monkeypatch, read_only=True)
    tensors = tensors_of(row.inputs(dtype))
    outputs = outputs_of(row.call(*tensors, **extras_of(row)))
    total_of(outputs, output_gradients(outputs)).backward()
    assert any(x.grad is not None for x in tensors)


def test_the_watch_sees_a_backward_that_keeps_its_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    from seqkit.autograd import differentiable

    @differentiable
    def twice(xp: Any, a: Any, b: Any) -> Any:
        return a + b, lambda dy: (dy, dy)

    @differentiable
    def writes(xp: Any, a: Any) -> Any:
        def backward(dy: Any) -> Any:
            dy *= 2
            return dy

        return a + a, backward

    @differentiable
    def leaks(xp: Any, a: Any) -> Any:
        return a + a, lambda dy: a

    Watch(monkeypatch, read_only=False)
    a, b = tensors_of([np.ones(3), np.ones(3)])
    for wrong, text in (
        (lambda: twice(a, b), "twice"),
        (lambda: writes(a), "wrote"),
        (lambda: leaks(a), "an input"),
    ):
        with pytest.raises(AssertionError, match=text):
            wrong().sum().backward()


def spread(x: np.ndarray) -> np.ndarray:
    """The same values in memory that is contiguous along no axis, and backwards along the last."""
    if x.ndim == 0:
        return x
    wide = np.zeros((*(2 * n for n in x.shape[:-1]), 3 * x.shape[-1]), x.dtype)
    view = wide[(*(slice(None, None, 2),) * (x.ndim - 1), slice(None, None, -3))]
    view[...] = x
    return view


@each_row
@each_dtype
def test_memory_layout_of_inputs_does_not_matter(row: Row, dtype: Any) -> None:
    arrays = row.inputs(dtype)
    strange = [spread(x) for x in arrays]
    tensors = tensors_of(strange)
    extras = {name: spread(x) for name, x in row.extras.items()}
    outputs = outputs_of(row.call(*tensors, **extras))
    gradients = [spread(g) for g in output_gradients(outputs)]
    total_of(outputs, gradients).backward()
    values, expected = run(row, arrays)
    tolerance = 1e-12 if dtype == np.float64 else 2e-6
    assert_all_close([y.numpy() for y in outputs], values, tolerance, tolerance)
    dense = [None if x.grad is None else to_dense(x.grad) for x in tensors]
    assert_all_close(dense, expected, 10 * tolerance, 10 * tolerance)


@pytest.mark.parametrize("row", [row for row in ROWS if row.batched], ids=lambda row: row.name)
def test_batched_equals_one_by_one(row: Row) -> None:
    arrays = row.inputs()
    together = [y.numpy() for y in outputs_of(row.call(*tensors_of(arrays), **extras_of(row)))]
    size = len(together[0])
    assert size > 1
    single = []
    for i in range(size):
        parts = [x[i : i + 1] if k in row.batched else x for k, x in enumerate(arrays)]
        extras = {name: x[i : i + 1] if name in row.batched else x for name, x in row.extras.items()}
        single.append([y.numpy() for y in outputs_of(row.call(*tensors_of(parts), **extras))])
    for index, value in enumerate(together):
        alone = np.concatenate([one[index] for one in single])
        np.testing.assert_allclose(value, alone, rtol=1e-12, atol=1e-13)


@each_row
@each_dtype
def test_same_bits_again(row: Row, dtype: Any) -> None:
    first, second = run(row, row.inputs(dtype)), run(row, row.inputs(dtype))
    for a, b in zip(itertools.chain(*first), itertools.chain(*second), strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            assert a.tobytes() == b.tobytes()


@each_row
def test_float32_is_close_to_float64(row: Row) -> None:
    """The kernels against the references, by way of the op; same numbers in, so only rounding differs."""
    arrays32 = row.inputs(np.float32)
    values32, gradients32 = run(row, arrays32)
    values, gradients = run(row, [x.astype(np.float64) for x in arrays32])
    assert_all_close(values32, values, 1e-5, 1e-5)
    assert_all_close(gradients32, gradients, 1e-4, 2e-5)


@each_row
def test_no_grad_gives_the_same_values_without_a_graph(row: Row) -> None:
    arrays = row.inputs()
    with no_grad():
        quiet = outputs_of(row.call(*tensors_of(arrays), **extras_of(row)))
    for y, expected in zip(quiet, run(row, arrays)[0], strict=True):
        assert not y.requires_grad
        assert y.node is None
        np.testing.assert_array_equal(y.numpy(), expected)


@pytest.mark.parametrize(
    ("row", "position"),
    [(row, position) for row in ROWS for position in row.needs_saving],
    ids=lambda value: value.name if isinstance(value, Row) else str(value),
)
def test_products_for_inputs_without_gradient_are_not_computed(row: Row, position: int, strict: str) -> None:
    """Such as the first layer's input: its gradient would cost a matrix product as large as the forward's."""

    def products(wanted: set[int]) -> int:
        tensors = [
            Tensor(to_device(x, strict), requires_grad=k in wanted) for k, x in enumerate(row.inputs())
        ]
        outputs = outputs_of(row.call(*tensors, **extras_of(row, strict)))
        total = total_of(outputs, output_gradients(outputs))
        before = strict_array.counts["matmul"]
        total.backward()
        return strict_array.counts["matmul"] - before

    everything = set(range(len(row.shapes)))
    assert products(everything) - products(everything - {position}) == 1
