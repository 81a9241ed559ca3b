"""Word2vec with many workers at once, whose order is nobody's: they learn what one learns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from seqkit.backend import Device
from seqkit.backend.kernels.word2vec import gpu, reference
from seqkit.errors import ShapeError
from seqkit.vectors.word2vec import Word2VecSettings, Word2VecTrainer, sampling, trainer
from tests.cuda.cases import CBOW, SKIP_GRAM
from tests.cuda.comparisons import EOS, UNK, V, normal, word2vec_key, word2vec_sampling, word2vec_text
from tests.cuda.emulator import Emulator
from tests.exhaustive import some

E = 16


def _topics(sentences: int, length: int) -> np.ndarray:
    """(N,) int32: each sentence has words of one half of the vocabulary."""
    random = np.random.default_rng(5)
    halves = np.split(np.arange(2, V + 1)[: V // 2 * 2 - 2], 2)
    lines = [[*random.choice(halves[n % 2], length), EOS] for n in range(sentences)]
    return np.array(lines, np.int32).reshape(-1)


def _same_topic_is_nearer(vectors: np.ndarray) -> float:
    """Mean cosine of two words of a topic, less that of words of two."""
    unit = vectors[2:60] / np.linalg.norm(vectors[2:60], axis=1, keepdims=True)
    cosines, half = unit @ unit.T, 29
    within = (cosines[:half, :half].sum() - half) / (half * (half - 1))
    return float(within - cosines[:half, half:].mean())


@pytest.mark.parametrize(("plan", "alpha", "passes"), some([(SKIP_GRAM, 0.25, 2), (CBOW, 0.25, 6)], 2))
def test_interleaved_workers_learn_what_one_learns(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, plan: Any, alpha: float, passes: int
) -> None:
    """32 warps of one block take turns at every exchange, in the middle of each other's examples."""
    monkeypatch.setattr(gpu, "_WARPS", 32)
    ids, sampling, losses = _topics(60, 9), word2vec_sampling(keep=0.99), []
    one, many = ([normal(1, V, E, scale=0.05), np.zeros((V, E), np.float32)] for _ in range(2))
    for n in range(passes):
        text = (EOS, UNK, sampling, plan)
        expected = reference.train_chunk(ids, *text, *one, alpha, word2vec_key(n))
        found = gpu.train_chunk(ids, *text, *many, alpha, word2vec_key(n), workers=32)
        assert found[:2] == expected[:2]
        losses.append((found[2] / found[1], expected[2] / expected[1]))
    assert not np.array_equal(one[0], many[0])  # they did overlap
    assert losses[-1][0] < 0.9 * losses[0][0]
    for mine, theirs in losses:
        assert mine == pytest.approx(theirs, rel=0.1)  # half as many workers as rows
    assert _same_topic_is_nearer(many[0]) > 0.7 * _same_topic_is_nearer(one[0]) > 0.2


def test_the_number_of_workers_follows_the_shapes() -> None:
    assert gpu.worker_count(71_000, 1_000_000) == gpu.MOST_WORKERS
    assert gpu.worker_count(1600, 1_000_000) == 100  # few rows to go round
    assert gpu.worker_count(71_000, 6_400) == 100
    assert gpu.worker_count(2, 3) == 1
    for workers in (1, 2, 3, 4, 5, 100, 2047):
        (blocks, _), threads = gpu._geometry(workers)
        assert workers - 4 < blocks * threads // 32 <= workers


@pytest.mark.parametrize("sg", [False, True])
def test_the_trainer_hands_over_what_the_kernel_takes(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, sg: bool
) -> None:
    """Groups of chunks, each with its own draws and learning rate: one worker gives the CPU's vectors."""
    monkeypatch.setattr(sampling, "CHUNK", 40)
    monkeypatch.setattr(trainer, "CHUNKS_OF_A_DEVICE", 3)
    ids = word2vec_text(7, [11] * 30)
    settings = Word2VecSettings(vector_size=E, workers=1, epochs=2, sg=sg, alpha=0.1, sample=0.1, negative=3)

    def make() -> Word2VecTrainer:
        return Word2VecTrainer(ids, np.bincount(ids, minlength=V), settings, eos_id=EOS, unk_id=UNK)

    on_cpu, on_gpu = make(), make()
    assert len(on_cpu.bounds) == 9
    with monkeypatch.context() as patch:
        patch.setattr(trainer, "kernels", lambda *_: reference)
        assert on_cpu.run()
    monkeypatch.setattr(trainer, "kernels", lambda *_: gpu)
    monkeypatch.setattr(trainer, "module_of", lambda _: np)
    monkeypatch.setattr(trainer, "make_current", lambda where: where)
    monkeypatch.setattr(trainer, "to_device", lambda x, _: x)
    on_gpu.device = Device("cuda")  # its arrays are the host's: the emulator takes them
    monkeypatch.setattr(gpu, "worker_count", lambda *_: 1)
    seen: list[int] = []
    assert on_gpu.run(on_progress=lambda state: seen.append(state.chunk))
    assert seen == [3, 6, 8, 3, 6, 8]
    np.testing.assert_allclose(on_gpu.input_vectors, on_cpu.input_vectors, atol=1e-5)
    np.testing.assert_allclose(on_gpu.output_vectors, on_cpu.output_vectors, atol=1e-5)
    np.testing.assert_allclose(on_gpu.losses, on_cpu.losses, rtol=1e-5)
    assert on_gpu.state.words == on_cpu.state.words


def test_wrong_arrays_are_refused(emulator: Emulator) -> None:
    ids, sampling = word2vec_text(1, [5, 5]), word2vec_sampling()
    a, b = np.ones((V, E), np.float32), np.ones((V, E), np.float32)

    def train(match: str, bounds: Any = (0, 11), tables: Any = sampling, vectors: Any = (a, b)) -> None:
        with pytest.raises(ShapeError, match=match):
            gpu.train_chunks(ids, bounds, EOS, UNK, tables, CBOW, *vectors, [0.1], [1])

    train("input_vectors as a contiguous float32 array, got contiguous float64", vectors=(a.astype(float), b))
    train("output_vectors as a contiguous float32 array, got strided", vectors=(a, np.asfortranarray(b)))
    train(r"needs output_vectors \(61, 16\), got \(60, 16\)", vectors=(a, b[:-1]))
    train("keep as a contiguous uint32 array", tables=sampling._replace(keep=sampling.keep.astype(int)))
    train(r"needs alias \(61,\), got \(60,\)", tables=sampling._replace(alias=sampling.alias[:-1]))
    train(r"needs bounds \(2,\), got \(3,\)", bounds=(0, 5, 11))
    train(r"ascending bounds within 11 ids, got \[0, 12\]", bounds=(0, 12))
    train(r"ascending bounds within 11 ids, got \[7, 3\]", bounds=(7, 3))
    wide = np.ones((V, 1025), np.float32)
    train("vectors of up to 1024 numbers, got 1025", vectors=(wide, wide.copy()))
    assert emulator.launched == []
