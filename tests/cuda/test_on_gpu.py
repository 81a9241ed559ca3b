"""The kernels on a GPU, against the references, and training steps against the CPU's; skipped without one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from seqkit.backend import device, to_numpy
from seqkit.backend.kernels import cuda, kernels
from seqkit.backend.kernels.softmax_cross_entropy import gpu as softmax_gpu
from seqkit.backend.random import Generator
from seqkit.errors import DeviceError
from seqkit.models import LanguageModel, LanguageModelConfig
from seqkit.optim import SGD
from tests.cuda import comparisons
from tests.cuda.cases import CASES
from tests.cuda.test_loader import FAMILIES


@pytest.fixture
def cupy() -> Iterator[Any]:
    try:
        device("cuda")
    except DeviceError as error:
        pytest.skip(f"no CUDA kernel runs on a GPU: {error}")
    import cupy

    yield cupy
    cupy.cuda.Device().synchronize()  # a fault of this test's kernels is reported here, not in the next


@pytest.mark.parametrize("case", CASES)
def test_gpu_equals_the_reference(cupy: Any, case: str) -> None:
    CASES[case](cupy)


def test_gpu_kernels_are_chosen(cupy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEQKIT_KERNELS", raising=False)
    from seqkit.backend import kernels as package

    package._choose.cache_clear()
    for family in FAMILIES:
        assert kernels(family, cupy).__name__.endswith(f".{family}.gpu")
    package._choose.cache_clear()


def test_gpu_losses_have_the_same_bits_in_every_run(cupy: Any) -> None:
    logits, targets = comparisons.softmax_case(101, 10_007, np.int64)
    x, t = cupy.asarray(logits), cupy.asarray(targets)
    runs = {softmax_gpu.loss_and_gradient(x, t, -1, 0.1, None).tobytes() for _ in range(5)}
    assert len(runs) == 1


def test_gpu_survives_a_target_outside_the_row(cupy: Any) -> None:
    losses = softmax_gpu.loss_and_gradient(
        cupy.ones((2, 5), cupy.float32), cupy.asarray([2**40, 1]), -1, 0.0, None
    )
    assert np.isnan(to_numpy(losses)).tolist() == [True, False]


def _train(where: str, cell: str, steps: int) -> dict[str, np.ndarray]:
    config = LanguageModelConfig(vocab_size=211, model=cell, emsize=37, nhid=41, nlayers=2, dropout=0.3)
    model = LanguageModel(config, generator=Generator(1)).to(where)
    optimizer = SGD(model.named_parameters(), lr=1.0)
    generator, state, losses = Generator(3, "dropout"), None, []
    for step in range(steps):
        ids = np.random.default_rng(step).integers(0, 211, (5, 13))
        model.zero_grad()
        loss, state = model.loss(ids, np.roll(ids, -1, axis=1), state, generator=generator)
        loss.backward()
        optimizer.step()
        losses.append(float(to_numpy(loss.data)))
    weights = {name: to_numpy(value).copy() for name, value in model.state_dict().items()}
    return {"losses": np.array(losses), **weights}


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_gpu_training_equals_the_cpu(cupy: Any, cell: str) -> None:
    """Two layers, three steps, dropout on: the masks are the same bits, the sums differ by their order."""
    on_gpu, on_cpu = _train("cuda", cell, 3), _train("cpu", cell, 3)
    np.testing.assert_allclose(
        on_cpu["losses"], np.log(211), atol=0.2
    )  # nothing learnt yet, nothing diverged
    for name in on_cpu:
        np.testing.assert_allclose(on_gpu[name], on_cpu[name], rtol=1e-4, atol=1e-5, err_msg=name)


def test_gpu_source_compiles_for_this_device(cupy: Any) -> None:
    for family in FAMILIES:
        module = cupy.RawModule(code=cuda.source(family), options=cuda.OPTIONS)
        module.compile()
