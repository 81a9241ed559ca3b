"""Wrappers, geometry and CUDA sources on the host, against the references."""

from __future__ import annotations

import contextlib
import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from seqkit import backend
from seqkit.backend import kernels as kernels_package
from seqkit.backend.kernels import cuda
from seqkit.backend.kernels.dropout import gpu as dropout_gpu
from seqkit.backend.kernels.gru import gpu as gru_gpu
from seqkit.backend.kernels.lstm import gpu as lstm_gpu
from seqkit.backend.kernels.row_sums import gpu as row_sums_gpu
from seqkit.backend.kernels.softmax_cross_entropy import gpu as softmax_gpu
from seqkit.backend.random import Generator
from seqkit.errors import ShapeError
from seqkit.models import LanguageModel, LanguageModelConfig
from tests.cuda import comparisons
from tests.cuda.cases import CASES
from tests.cuda.emulator import EmulationError, Emulator

FAMILIES = sorted(path.parent.name for path in Path(cuda.__file__).parent.glob("*/gpu.cu"))


@pytest.mark.parametrize("case", CASES)
def test_equals_the_reference(either_order: Emulator, case: str) -> None:
    CASES[case](np)


def test_every_family_with_a_source_is_compared() -> None:
    assert {case.partition("/")[0] for case in CASES} == {name.partition("_cross")[0] for name in FAMILIES}


def test_the_order_of_threads_changes_no_bit(emulator: Emulator) -> None:
    logits, targets = comparisons.softmax_case(3, 521, np.int64)
    results = []
    for emulator.order in ("ascending", "descending"):
        gradient = np.empty_like(logits)
        losses = softmax_gpu.loss_and_gradient(logits, targets, -1, 0.1, gradient)
        results.append((losses.tobytes(), gradient.tobytes()))
    assert results[0] == results[1]


def test_sums_of_a_row_do_not_depend_on_the_other_rows(emulator: Emulator) -> None:
    logits, targets = comparisons.softmax_case(5, 521, np.int64)
    together = softmax_gpu.loss_and_gradient(logits, targets, -1, 0.0, None)
    alone = [
        softmax_gpu.loss_and_gradient(logits[k : k + 1], targets[k : k + 1], -1, 0.0, None) for k in range(5)
    ]
    np.testing.assert_array_equal(np.concatenate(alone), together)


def test_ignored_rows_of_nan_have_no_gradient(emulator: Emulator) -> None:
    logits = np.full((3, 5), np.nan, np.float32)
    gradient = np.full_like(logits, 9)
    losses = softmax_gpu.loss_and_gradient(logits, np.full(3, -1), -1, 0.1, gradient)
    assert losses.tolist() == [0, 0, 0]
    assert (gradient == 0).all()


@pytest.mark.parametrize("target", [-7, 5, 2**40])
def test_a_target_outside_the_row_is_not_looked_up(emulator: Emulator, target: int) -> None:
    losses = softmax_gpu.loss_and_gradient(np.ones((2, 5), np.float32), np.array([target, 1]), -1, 0.0, None)
    assert np.isnan(losses[0])
    np.testing.assert_allclose(losses[1], np.log(5))


def test_targets_and_row_values_may_be_strided(emulator: Emulator) -> None:
    logits, targets = comparisons.softmax_case(5, 7, np.int64)
    wide = np.stack([targets, targets + 1], axis=1)
    expected = softmax_gpu.loss_and_gradient(logits, targets, -1, 0.0, None)
    np.testing.assert_array_equal(softmax_gpu.loss_and_gradient(logits, wide[:, 0], -1, 0.0, None), expected)
    values = comparisons.normal(1, 5, 7)
    np.testing.assert_array_equal(
        row_sums_gpu.sum_by_id(wide[:, 0], np.asfortranarray(values))[1],
        row_sums_gpu.sum_by_id(targets, values)[1],
    )


def _arguments(family: str, B: int = 2, H: int = 3) -> dict[str, list[np.ndarray]]:
    """Arguments of each wrapper that takes float32 arrays, all fitting."""

    def f(*shape: int) -> np.ndarray:
        return np.ones(shape, np.float32)

    keep = np.ones(B, bool)
    if family == "lstm":
        return {
            "step_forward": [f(B, 4 * H), f(B, 4 * H), keep, f(B, H), f(B, H), f(B, H), f(B, H)],
            "step_backward": [f(B, 4 * H), keep, f(B, H), f(B, H), f(B, H), f(B, H), f(B, 4 * H)],
        }
    return {
        "step_forward": [f(B, 3 * H), f(B, 3 * H), keep, f(B, H), f(B, H)],
        "step_backward": [f(B, 3 * H), f(B, 3 * H), keep, f(B, H), f(B, H), f(B, 3 * H), f(B, 3 * H)],
    }


@pytest.mark.parametrize("mistake", ["dtype", "strides", "shape"])
@pytest.mark.parametrize("step", ["step_forward", "step_backward"])
@pytest.mark.parametrize(("family", "module"), [("lstm", lstm_gpu), ("gru", gru_gpu)])
def test_no_step_takes_a_wrong_array(
    emulator: Emulator, family: str, module: ModuleType, step: str, mistake: str
) -> None:
    """A kernel sees addresses: another dtype, stride or shape would be read as rubbish."""
    fitting = _arguments(family)[step]
    getattr(module, step)(*fitting)
    for index, x in enumerate(fitting):
        wrong = list(fitting)
        if mistake == "dtype":
            wrong[index] = x.astype(np.float64)
        elif mistake == "strides":
            wrong[index] = np.repeat(x, 2, axis=-1)[..., ::2]
        else:
            wrong[index] = np.ones((*x.shape[:-1], x.shape[-1] + 1), x.dtype)
        with pytest.raises(ShapeError, match=f"the {family} kernel needs "):
            getattr(module, step)(*wrong)


def test_other_wrappers_refuse_wrong_arrays(emulator: Emulator) -> None:
    x, key = np.ones((2, 3), np.float32), (0, 0, 0, 0, 0)
    with pytest.raises(ShapeError, match=r"dropout kernel needs x .* got strided float32 \(3, 2\)"):
        dropout_gpu.masked_scale(x.T, key, 1, 1.0, x.T)
    with pytest.raises(ShapeError, match=r"dropout kernel needs out \(2, 3\), got \(3, 2\)"):
        dropout_gpu.masked_scale(x, key, 1, 1.0, np.ones((3, 2), np.float32))
    with pytest.raises(
        ShapeError, match="needs logits as a contiguous float32 array, got contiguous float64"
    ):
        softmax_gpu.loss_and_gradient(x.astype(np.float64), np.zeros(2, int), -1, 0.0, None)
    with pytest.raises(ShapeError, match=r"needs targets \(2,\), got \(3,\)"):
        softmax_gpu.loss_and_gradient(x, np.zeros(3, int), -1, 0.0, None)
    with pytest.raises(ShapeError, match="needs values as a contiguous float32 array"):
        row_sums_gpu.sum_by_id(np.zeros(2, int), x.astype(np.float64))
    with pytest.raises(ShapeError, match=r"needs ids \(2,\), got \(3,\)"):
        row_sums_gpu.sum_by_id(np.zeros(3, int), x)


def test_arguments_of_another_c_type_are_refused(emulator: Emulator) -> None:
    """The emulator's own check, on which the test of the wrappers' scalars stands."""
    words, sizes = np.empty(4, np.uint32), (np.int32(4), np.int64(0))
    with pytest.raises(
        EmulationError, match=r"takes uint32\*,int64,int64,uint32.* was given uint32\*,int32,int64,uint32"
    ):
        cuda.launch("philox", "random_words", cuda.per_item(1), words, *sizes, *(np.uint32(0),) * 5)


@pytest.mark.parametrize(("count", "blocks"), [(0, 0), (1, 1), (256, 1), (257, 2), (2**32, 2**24)])
def test_geometry_of_items(count: int, blocks: int) -> None:
    assert cuda.per_item(count) == ((blocks, 1), 256)


def test_geometry_of_rows_has_powers_of_two() -> None:
    for V in range(1, 5000):
        grid, block = cuda.per_row(7, V)
        assert grid == (7, 1)
        assert block in (32, 64, 128, 256, 512)
    assert [cuda.per_row(1, V).block for V in (1, 127, 128, 1000, 10_000, 250_000)] == [
        32,
        32,
        64,
        256,
        512,
        512,
    ]


@contextlib.contextmanager
def _gpu_kernels(monkeypatch: pytest.MonkeyPatch) -> Any:
    """NumPy float32 arrays take the ``gpu`` kernels while this is entered."""

    def choose(family: str, module_name: str) -> ModuleType:
        version = "gpu" if family in FAMILIES else "reference"
        return importlib.import_module(f"{kernels_package.__name__}.{family}.{version}")

    with monkeypatch.context() as patch:
        patch.setattr(kernels_package, "_choose", choose)
        yield


def _loss_and_gradients(model: LanguageModel, ids: np.ndarray, targets: np.ndarray) -> dict[str, np.ndarray]:
    model.zero_grad()
    loss, state = model.loss(ids, targets, generator=Generator(3, "dropout"))
    loss.backward()
    found = {
        "loss": np.asarray(loss.data),
        "state": np.concatenate([s.ravel() for entry in state for s in entry]),
    }
    for name, parameter in model.named_parameters():
        gradient = parameter.grad
        if hasattr(gradient, "rows"):
            found[f"{name}.rows"], gradient = gradient.rows, gradient.values
        found[name] = np.array(gradient)
    return found


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("tied", [True, False])
def test_a_language_model_trains_through_the_kernels(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, cell: str, tied: bool
) -> None:
    """Every array that the ops hand to a kernel fits it, and the step is that of the CPU."""
    config = LanguageModelConfig(
        vocab_size=37, model=cell, embedding_size=11, hidden_size=13, num_layers=2, dropout=0.3, tied=tied
    )
    model = LanguageModel(config, generator=Generator(1))
    ids = np.random.default_rng(1).integers(0, 37, (3, 5))
    targets = np.where(np.arange(15).reshape(3, 5) % 4 == 3, -1, np.roll(ids, -1, axis=1))
    expected = _loss_and_gradients(model, ids, targets)
    assert emulator.launched == []
    with _gpu_kernels(monkeypatch):
        actual = _loss_and_gradients(model, ids, targets)
    assert set(emulator.launched) == {
        "dropout.masked_scale",
        f"{cell}.step_forward",
        f"{cell}.step_backward",
        "softmax_cross_entropy.loss_and_gradient_int64",
        "row_sums.sum_segments",
    }
    assert actual.keys() == expected.keys()
    for name in expected:
        np.testing.assert_allclose(actual[name], expected[name], rtol=2e-5, atol=2e-6, err_msg=name)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_masked_sequences_through_the_kernels(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, cell: str, reverse: bool
) -> None:
    from seqkit import ops
    from seqkit.autograd import Tensor

    B, T, E, H = 3, 5, 2, 7
    n = {"lstm": 4, "gru": 3}[cell]
    shapes = [(B, T, E), (B, H), *([(B, H)] if cell == "lstm" else []), (n * H, E), (n * H, H), (n * H,)]
    shapes += [(n * H,)] if cell == "gru" else []
    mask = np.arange(T) < np.array([[5], [1], [3]])

    def run() -> list[np.ndarray]:
        inputs = [Tensor(comparisons.normal(k, *shape), requires_grad=True) for k, shape in enumerate(shapes)]
        y = getattr(ops, cell)(*inputs, mask, reverse=reverse)[0]
        (y * y).sum().backward()
        return [backend.to_numpy(y.data), *(x.grad for x in inputs)]

    expected = run()
    with _gpu_kernels(monkeypatch):
        actual = run()
    assert emulator.launched.count(f"{cell}.step_backward") == T
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=2e-5, atol=2e-6)
