"""The kernels on a GPU, against the references, and training steps against the CPU's; skipped without one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from seqkit.backend import device, to_numpy
from seqkit.backend.kernels import cuda, kernels
from seqkit.backend.kernels.softmax_cross_entropy import gpu as softmax_gpu
from seqkit.backend.kernels.word2vec import gpu as word2vec_gpu
from seqkit.backend.random import Generator
from seqkit.errors import DeviceError
from seqkit.models import LanguageModel, LanguageModelConfig
from seqkit.optim import SGD
from seqkit.vectors.word2vec import Word2VecSettings, Word2VecTrainer
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
    config = LanguageModelConfig(
        vocab_size=211, model=cell, embedding_size=37, hidden_size=41, num_layers=2, dropout=0.3
    )
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


@pytest.mark.parametrize("sg", [False, True])
def test_gpu_word2vec_learns_what_the_cpu_learns(cupy: Any, sg: bool) -> None:
    """With 125 warps side by side; a text of 20 topics, 100 words each."""
    random = np.random.default_rng(2)
    lines = [[*(1 + 100 * (n % 20) + random.integers(0, 100, 19)), 0] for n in range(2000)]
    ids = np.array(lines, np.int32).reshape(-1)
    settings = Word2VecSettings(vector_size=100, workers=1, epochs=5, sample=0, alpha=0.05, sg=sg)
    assert word2vec_gpu.worker_count(2001, len(ids)) == 125
    found = {}
    for where in ("cpu", "cuda"):
        trainer = Word2VecTrainer(ids, np.bincount(ids, minlength=2001), settings, eos_id=0, device=where)
        assert trainer.run()
        unit = trainer.input_vectors[1:] / np.linalg.norm(trainer.input_vectors[1:], axis=1, keepdims=True)
        nearest = np.argsort(-(unit @ unit.T), axis=1)[:, 1:6] // 100
        found[where] = trainer.losses[-1], float((nearest == np.arange(2000)[:, None] // 100).mean())
    assert found["cuda"][0] == pytest.approx(found["cpu"][0], rel=0.1)
    assert found["cuda"][1] > found["cpu"][1] - 0.1


def test_gpu_source_compiles_for_this_device(cupy: Any) -> None:
    for family in FAMILIES:
        module = cupy.RawModule(code=cuda.source(family), options=cuda.OPTIONS)
        module.compile()
