"""The contract of docs/ops.md, point by point."""

import mmap
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqkit import ops
from seqkit.autograd import (
    RowGradient,
    Tensor,
    accumulate,
    differentiable,
    gradient_check,
    is_grad_enabled,
    no_grad,
    to_dense,
)
from seqkit.backend import empty, memory_pool, to_device, to_numpy
from seqkit.errors import DeviceError, ShapeError, UsageError
from seqkit.optim.clipping import reduce_gradients


def leaf(*values: float) -> Tensor:
    return Tensor(np.array(values, np.float64), requires_grad=True)


def ones(*shape: int) -> Tensor:
    return Tensor(np.ones(shape), requires_grad=True)


# (a) tuple outputs


class TestTupleOutputs:
    """The backward gets one gradient per output, None where unused."""

    @pytest.fixture
    def split(self) -> Callable[..., Any]:
        @differentiable
        def split(xp: Any, x: Any) -> Any:
            """Twice x, and three times x."""

            def backward(d_twice: Any, d_thrice: Any) -> Any:
                self.seen.append((d_twice, d_thrice))
                parts = [k * d for k, d in ((2, d_twice), (3, d_thrice)) if d is not None]
                return parts[0] if len(parts) == 1 else parts[0] + parts[1]

            return (2 * x, 3 * x), backward

        self.seen: list[tuple[Any, Any]] = []
        return split

    def test_both_used(self, split: Callable[..., Any]) -> None:
        x = leaf(1, 5)
        twice, thrice = split(x)
        (twice * 10.0 + thrice).sum().backward()
        np.testing.assert_array_equal(x.grad, [23, 23])
        assert len(self.seen) == 1

    @pytest.mark.parametrize(("index", "expected"), [(0, 2), (1, 3)])
    def test_one_used(self, split: Callable[..., Any], index: int, expected: float) -> None:
        x = leaf(1, 5)
        split(x)[index].sum().backward()
        np.testing.assert_array_equal(x.grad, [expected, expected])
        assert self.seen[0][1 - index] is None

    def test_wrong_number_of_gradients(self) -> None:
        @differentiable
        def broken(xp: Any, a: Any, b: Any) -> Any:
            return a + b, lambda dy: dy

        with pytest.raises(UsageError, match="the backward of broken gave 1 gradients for 2 inputs"):
            broken(leaf(1), leaf(1)).backward()

    def test_wrong_shape_of_gradient(self) -> None:
        @differentiable
        def broken(xp: Any, a: Any) -> Any:
            return a.sum(), lambda dy: dy

        with pytest.raises(ShapeError, match=r"the backward of broken gave \(\) for an input \(2,\)"):
            broken(leaf(1, 2)).backward()


# (b) non-differentiable arguments


class TestArguments:
    """Ids, masks and lengths are plain arrays, absent arrays None; settings go by keyword."""

    def test_none_and_ids(self) -> None:
        seen = []

        @differentiable
        def pick(xp: Any, x: Any, ids: Any, absent: Any, *, needs: Any) -> Any:
            seen.append((type(ids), absent, needs))
            y = x[ids]

            def backward(dy: Any) -> Any:
                dx = xp.zeros_like(x)
                xp.add.at(dx, ids, dy)
                return dx, None, None

            return y, backward

        x = leaf(1, 2, 3)
        pick(x, np.array([2, 2]), None).sum().backward()
        np.testing.assert_array_equal(x.grad, [0, 0, 2])
        assert seen == [(np.ndarray, None, (True, False, False))]

    def test_integer_tensors_have_no_gradient(self) -> None:
        with pytest.raises(UsageError, match="expected a floating-point tensor for requires_grad, got int64"):
            Tensor(np.arange(3), requires_grad=True)

    def test_a_tensor_of_a_tensor(self) -> None:
        with pytest.raises(UsageError, match=r"got a Tensor; use x\.detach\(\)"):
            Tensor(leaf(1))

    def test_arrays_of_two_devices(self, gpu: str) -> None:
        there = Tensor(to_device(np.ones(3), gpu))
        with pytest.raises(DeviceError, match=r"arrays on two devices in one operation: \w+ and \w+"):
            there + np.ones(3)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_values_without_axes_keep_their_dtype(self, dtype: Any) -> None:
        """NumPy's arithmetic turns them into scalars, of which numpy.float64 is also a Python float."""
        x = Tensor(np.asarray(3.0, dtype), requires_grad=True)
        y = (x * x + x) * 2.0
        assert y.dtype == dtype
        y.backward()
        assert type(x.grad) is np.ndarray
        assert x.grad.dtype == dtype
        assert float(x.grad) == 14.0  # d/dx (2x² + 2x) at 3

    def test_gradients_have_the_dtype_of_their_tensor(self) -> None:
        """A float64 loss with a float32 penalty added to it."""
        W = Tensor(np.ones((2, 3), np.float32), requires_grad=True)
        loss = Tensor(np.asarray(1.5, np.float64), requires_grad=True)
        (loss + 0.5 * (W * W).sum()).backward()
        assert W.grad.dtype == np.float32
        assert loss.grad.dtype == np.float64
        np.testing.assert_array_equal(W.grad, 1)


# (c) needs


class TestNeeds:
    """A backward learns which inputs need a gradient."""

    def test_what_a_function_is_told(self) -> None:
        told = []

        @differentiable
        def three(xp: Any, a: Any, b: Any, c: Any = None, *, needs: Any) -> Any:
            told.append(needs)
            return a + b, lambda dy: (dy, dy.copy(), None)[: len(needs)]

        x, constant = leaf(1), Tensor(np.ones(1))
        three(x, constant)
        three(constant, x, np.ones(1))
        with no_grad():
            three(x, x)
        assert told == [(True, False), (False, True, False), (False, False)]

    def test_nothing_is_recorded_for_constants(self) -> None:
        y = ops.tanh(Tensor(np.ones(3)))
        assert y.node is None
        with pytest.raises(UsageError, match="depends on nothing that requires a gradient"):
            y.sum().backward()

    def test_no_grad(self) -> None:
        x = leaf(1, 2)
        with no_grad():
            assert not is_grad_enabled()
            y = x * 2.0
        assert is_grad_enabled()
        assert y.node is None
        assert not y.requires_grad

    def test_no_grad_ends_with_an_error(self) -> None:
        with pytest.raises(ZeroDivisionError), no_grad():
            raise ZeroDivisionError
        assert is_grad_enabled()

    def test_detach(self) -> None:
        x = leaf(2)
        y = x * x
        (y.detach() * x).backward()
        assert x.grad.tolist() == [4]


# (d) ownership (held for every op by tests/conformance)


class TestOwnership:
    def test_the_given_gradient_is_copied(self) -> None:
        x = leaf(1, 2)
        seed = np.array([5.0, 7.0])
        (x + 0.0).backward(seed)
        x.grad += 1
        np.testing.assert_array_equal(seed, [5, 7])

    def test_the_given_gradient_of_a_leaf_is_copied(self) -> None:
        x = leaf(1, 2)
        seed = np.array([5.0, 7.0])
        x.backward(seed)
        x.backward(seed)
        np.testing.assert_array_equal(x.grad, [10, 14])
        np.testing.assert_array_equal(seed, [5, 7])

    def test_a_tensor_as_gradient(self) -> None:
        x = leaf(1, 2)
        (x * 3.0).backward(Tensor(np.array([1.0, 10.0])))
        np.testing.assert_array_equal(x.grad, [3, 30])

    def test_gradients_of_two_leaves_share_nothing(self) -> None:
        a, b = leaf(1, 2), leaf(3, 4)
        (a + b).sum().backward()
        assert not np.shares_memory(a.grad, b.grad)

    def test_results_do_not_follow_an_indexed_tensor(self) -> None:
        x = leaf(1, 2, 3)
        y = x[1:]
        x.data[:] = 0
        np.testing.assert_array_equal(y.data, [2, 3])

    def test_gradients_add_up_over_backwards(self) -> None:
        x = leaf(1, 2)
        for _ in range(3):
            (x * x).sum().backward()
        np.testing.assert_array_equal(x.grad, [6, 12])


# (e) row gradients


def rows_of(gradient: Any) -> tuple[list[int], list[list[float]]]:
    assert isinstance(gradient, RowGradient)
    return to_numpy(gradient.rows).tolist(), to_numpy(gradient.values).tolist()


class TestRowGradient:
    """An embedding's gradient: unique ascending rows."""

    def test_unique_and_ascending(self) -> None:
        W = ones(7, 2)
        (ops.embedding(W, np.array([[5, 1], [5, 0]])) * 3.0).sum().backward()
        assert rows_of(W.grad) == ([0, 1, 5], [[3, 3], [3, 3], [6, 6]])
        assert W.grad.shape == (7, 2)

    def test_rows_and_rows_stay_rows(self) -> None:
        W = ones(7, 2)
        (ops.embedding(W, np.array([5, 1])).sum() + ops.embedding(W, np.array([6, 1])).sum() * 2.0).backward()
        assert rows_of(W.grad) == ([1, 5, 6], [[3, 3], [1, 1], [2, 2]])

    def test_over_two_backwards(self, gpu: str) -> None:
        W = Tensor(to_device(np.ones((7, 2)), gpu), requires_grad=True)
        for ids in ([5, 1], [0, 5]):
            ops.embedding(W, to_device(np.array(ids), gpu)).sum().backward()
        assert rows_of(W.grad) == ([0, 1, 5], [[1, 1], [1, 1], [2, 2]])

    def test_no_ids(self) -> None:
        W = ones(7, 2)
        ops.embedding(W, np.zeros(0, np.int64)).sum().backward()
        np.testing.assert_array_equal(to_dense(W.grad), np.zeros((7, 2)))

    @pytest.mark.parametrize("embedding_first", [True, False])
    def test_tied_weights(self, embedding_first: bool, gpu: str) -> None:
        """One matrix as embedding and as output layer: rows and a dense gradient, in either order."""
        values = np.arange(8.0).reshape(4, 2)
        W = Tensor(to_device(values, gpu), requires_grad=True)
        ids = to_device(np.array([3, 3, 1]), gpu)
        x = Tensor(to_device(np.array([[1.0, 10.0]]), gpu))
        if embedding_first:
            total = ops.embedding(W, ids).sum() + ops.linear(x, W).sum()
        else:
            total = ops.linear(x, W).sum() + ops.embedding(W, ids).sum()
        total.backward()
        # each row of W meets x once; row 1 was looked up once, row 3 twice
        np.testing.assert_array_equal(to_numpy(W.grad), [[1, 10], [2, 11], [1, 10], [3, 12]])

    def test_of_a_computed_matrix(self) -> None:
        """An embedding of a product: the rows become dense where they flow on."""
        W = ones(4, 2)
        ops.embedding(W * 5.0, np.array([2, 2, 0])).sum().backward()
        np.testing.assert_array_equal(W.grad, [[5, 5], [0, 0], [10, 10], [0, 0]])

    def test_with_an_indexed_part(self) -> None:
        W = ones(4, 2)
        (ops.embedding(W, np.array([2, 2])).sum() + W[1:3, 0].sum() + W[np.array([0, 0])].sum()).backward()
        np.testing.assert_array_equal(to_dense(W.grad), [[2, 2], [1, 0], [3, 2], [0, 0]])

    def test_accumulate_of_every_pair(self) -> None:
        dense = np.full((3, 2), 10.0)

        def rows() -> RowGradient:
            return RowGradient(np.array([0, 2]), np.array([[1.0, 2.0], [3.0, 4.0]]), (3, 2))

        expected_rows = np.array([[1, 2], [0, 0], [3, 4]])
        np.testing.assert_array_equal(accumulate(rows(), dense.copy()), dense + expected_rows)
        np.testing.assert_array_equal(accumulate(dense.copy(), rows()), dense + expected_rows)
        np.testing.assert_array_equal(to_dense(accumulate(rows(), rows())), 2 * expected_rows)
        assert accumulate(None, dense) is dense

    def test_repr_names_rows_not_values(self) -> None:
        gradient = RowGradient(np.array([0, 2]), np.zeros((2, 3), np.float32), (9, 3))
        assert repr(gradient) == "RowGradient(2 of 9 rows, float32)"


# (f) memory


class TestPool:
    """Ops take memory from backend.empty, which recycles what the freed tape gave back."""

    BIG = (64, 1024)  # float32: 256 KiB, above the smallest block that is recycled

    @pytest.fixture(autouse=True)
    def free_blocks(self) -> Any:
        memory_pool.clear()
        yield
        memory_pool.clear()

    @pytest.fixture
    def maps(self, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        """The sizes of blocks that were asked of the system."""
        sizes: list[int] = []

        class Counted(mmap.mmap):
            def __new__(cls, number: int, size: int, **settings: Any) -> Any:
                sizes.append(size)
                return super().__new__(cls, number, size, **settings)

        monkeypatch.setattr(memory_pool.mmap, "mmap", Counted)
        return sizes

    def test_a_freed_block_is_used_again(self, maps: list[int]) -> None:
        x = empty(np, self.BIG, np.float32)
        address = x.ctypes.data
        del x
        y = empty(np, self.BIG, np.float32)
        assert y.ctypes.data == address
        assert len(maps) == 1

    def test_a_block_in_use_is_not(self, maps: list[int]) -> None:
        x = empty(np, self.BIG, np.float32)
        x[...] = 1
        y = empty(np, self.BIG, np.float32)
        y[...] = 2
        assert not np.shares_memory(x, y)
        assert (x == 1).all()
        assert len(maps) == 2

    @pytest.mark.parametrize(
        "view",
        [
            lambda x: x[3:5],
            lambda x: x.T,
            lambda x: x.reshape(-1)[7:],
            lambda x: x[::2][1:].swapaxes(0, 1),
            lambda x: x.view(np.int32),
            lambda x: np.broadcast_to(x, (2, *x.shape)),
            memoryview,
        ],
    )
    def test_views_keep_memory_alive(self, view: Callable[[Any], Any]) -> None:
        x = empty(np, self.BIG, np.float32)
        x[...] = 1
        part = view(x)
        expected = np.array(part)
        del x
        for _ in range(3):
            empty(np, self.BIG, np.float32)[...] = 2
        np.testing.assert_array_equal(np.asarray(part), expected)

    def test_another_shape_and_dtype_of_the_same_size(self, maps: list[int]) -> None:
        empty(np, (256, 256), np.float64)
        y = empty(np, (512, 256), np.float32)
        assert y.shape == (512, 256)
        assert y.dtype == np.float32
        assert y.flags.c_contiguous
        assert y.flags.writeable
        assert len(maps) == 1

    def test_small_arrays_come_from_numpy(self, maps: list[int]) -> None:
        x = empty(np, 7, np.float32)
        assert x.shape == (7,)
        assert maps == []

    def test_a_limit_to_what_is_kept(self, maps: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(memory_pool, "_free", memory_pool._FreeBlocks())
        first, second = (empty(np, self.BIG, np.float32) for _ in range(2))
        del first, second
        pair = [empty(np, self.BIG, np.float32) for _ in range(2)]
        assert len(pair) == len(maps) == 2
        del pair
        double = empty(np, (2 * self.BIG[0], self.BIG[1]), np.float32)  # as much as was in use at once
        assert memory_pool._free.nbytes == double.nbytes == memory_pool._free.used
        del double
        triple = empty(np, (3 * self.BIG[0], self.BIG[1]), np.float32)
        assert memory_pool._free.nbytes == triple.nbytes  # as much as is in use: one of the pair had to go

    def test_a_training_loop_settles_into_no_allocation(self, maps: list[int]) -> None:
        B, T, E, H, V = 16, 32, 64, 64, 1024
        random = np.random.default_rng(1)

        def parameter(*shape: int) -> Tensor:
            return Tensor(0.1 * random.standard_normal(shape).astype(np.float32), requires_grad=True)

        W, b = parameter(V, E), parameter(V)
        Wx, Wh, bias = parameter(4 * H, E), parameter(4 * H, H), parameter(4 * H)
        h = c = np.zeros((B, H), np.float32)
        counts = []
        for _ in range(6):
            ids = random.integers(0, V, (B, T))
            y, h_last, c_last = ops.lstm(ops.embedding(W, ids), h, c, Wx, Wh, bias)
            loss = ops.linear_cross_entropy(y, W, b, ids)
            loss.backward()
            for p in (W, b, Wx, Wh, bias):
                p.data -= 0.1 * to_dense(p.grad)
                p.grad = None
            h, c = h_last.data, c_last.data
            counts.append(len(maps))
        assert counts[0] > 0
        assert counts[2] == counts[-1]


# The walk


class TestWalk:
    def test_a_second_backward(self) -> None:
        x = leaf(1, 2)
        y = (x * x).sum()
        y.backward()
        with pytest.raises(
            UsageError, match=r"graph of sum_ was already freed .* there is no double backward"
        ):
            y.backward()

    def test_a_second_backward_through_a_shared_part(self) -> None:
        x = leaf(1, 2)
        shared = x * x
        shared.sum().backward()
        with pytest.raises(UsageError, match="the graph of multiply was already freed"):
            (shared * 2.0).sum().backward()

    def test_backward_frees_what_ops_kept(self) -> None:
        class Kept:
            pass

        watched = []

        @differentiable
        def op(xp: Any, x: Any) -> Any:
            held = Kept()
            watched.append(weakref.ref(held))
            return 2 * x, lambda dy: (held, 2 * dy)[1]

        y = op(leaf(1))
        assert watched[0]() is not None
        y.backward()
        assert watched[0]() is None

    def test_a_chain_of_20000(self) -> None:
        x = leaf(1)
        y = x
        for _ in range(20_000):
            y = y + 1.0
        y.backward()
        assert x.grad.tolist() == [1]

    def test_a_chain_of_20000_that_is_dropped(self) -> None:
        """Freeing a graph that nobody walked must not recurse either."""
        y = leaf(1)
        for _ in range(20_000):
            y = ops.tanh(y)
        del y

    def test_a_ladder_of_diamonds_visits_each_node_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """2⁴⁰ paths, 40 nodes."""
        visits = []

        @differentiable
        def both(xp: Any, a: Any, b: Any) -> Any:
            def backward(dy: Any) -> Any:
                visits.append(1)
                return dy, dy.copy()

            return a + b, backward

        x = leaf(1)
        y = x
        for _ in range(40):
            y = both(y, y)
        y.backward()
        assert x.grad.tolist() == [2.0**40]
        assert len(visits) == 40

    def test_order_of_a_diamond(self) -> None:
        """A long and a short path from one tensor: it waits for both."""
        x = leaf(3)
        a = x * 2.0
        b = ((a + 1.0) * 1.0) * 1.0
        (a * b).backward()  # 2x · (2x + 1)
        assert x.grad.tolist() == [8 * 3 + 2]

    def test_no_gradient_for_several_values(self) -> None:
        with pytest.raises(UsageError, match=r"expected one value, got shape \(2,\); reduce it to a loss"):
            (leaf(1, 2) * 2.0).backward()

    def test_gradient_of_the_wrong_shape(self) -> None:
        with pytest.raises(ShapeError, match=r"gradient has shape \(3,\), the tensor \(2,\)"):
            (leaf(1, 2) * 2.0).backward(np.ones(3))

    def test_only_leaves_keep_gradients(self) -> None:
        x = leaf(1, 2)
        y = x * 2.0
        y.sum().backward()
        assert y.grad is None
        assert x.grad is not None

    def test_no_grad_is_a_matter_of_one_thread(self) -> None:
        seen = []
        with no_grad():
            thread = threading.Thread(target=lambda: seen.append(is_grad_enabled()))
            thread.start()
            thread.join()
        assert seen == [True]


# (g) between backward and clipping


class TestReduceGradients:
    def test_one_micro_batch_changes_nothing(self) -> None:
        x = leaf(1, 2)
        (x * 3.0).sum().backward()
        before = x.grad
        reduce_gradients([x], 1)
        assert x.grad is before
        assert x.grad.tolist() == [3, 3]

    def test_a_sum_of_two_becomes_their_mean(self) -> None:
        W, b, unused = ones(7, 2), leaf(1, 2), leaf(1)
        for ids in ([5, 1], [5, 0]):
            (ops.embedding(W, np.array(ids)) * b).sum().backward()
        reduce_gradients([W, b, unused], 2)
        assert rows_of(W.grad) == ([0, 1, 5], [[0.5, 1], [0.5, 1], [1, 2]])
        assert b.grad.tolist() == [2, 2]
        assert unused.grad is None


# The page


def test_the_example_of_the_page(gpu: str, random: np.random.Generator) -> None:
    page = (Path(__file__).parents[2] / "docs" / "ops.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    exec(page.partition("```python\n")[2].partition("```")[0], names)
    x, weights, mask = (
        random.standard_normal((3, 5)),
        random.standard_normal((3, 1)),
        np.array([[1.0], [0], [1]]),
    )
    for device in ("cpu", gpu):
        gradient_check(names["scale_rows"], x, weights, device=device)
        there = to_device(mask, device)
        gradient_check(lambda a, b, m=there: names["scale_rows"](a, b, m, power=3), x, weights, device=device)
