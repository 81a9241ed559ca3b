"""Word2vec on another device, and checkpoints between chunks that go on bit for bit."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from seqkit.backend import device_of
from seqkit.backend.kernels.word2vec import reference
from seqkit.errors import RunError
from seqkit.vectors.word2vec import Word2VecSettings, Word2VecTrainer, sampling, trainer

V, E, EOS, UNK = 23, 19, 0, 1  # rows of 32 numbers on every device: the same sums


@pytest.fixture(autouse=True)
def short_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text of a thousand tokens has several chunks."""
    monkeypatch.setattr(sampling, "CHUNK", 100)


def make(length: int = 1000, device: str = "cpu", **changes: Any) -> Word2VecTrainer:
    ids = np.random.default_rng(3).integers(0, V, length).astype(np.int32)
    settings = {"vector_size": E, "workers": 1, "epochs": 3, "sample": 0.1, "alpha": 0.1, **changes}
    return Word2VecTrainer(
        ids,
        np.bincount(ids, minlength=V),
        Word2VecSettings(**settings),
        eos_id=EOS,
        unk_id=UNK,
        device=device,
    )


def assert_equal(a: Word2VecTrainer, b: Word2VecTrainer) -> None:
    np.testing.assert_array_equal(a.input_vectors, b.input_vectors)
    np.testing.assert_array_equal(a.output_vectors, b.output_vectors)
    assert a.losses == b.losses
    assert {**vars(a.state), "seconds": 0} == {**vars(b.state), "seconds": 0}


def stop_after(takes: int) -> Callable[[], bool]:
    budget = iter([False] * takes)
    return lambda: next(budget, True)


def through_a_file(stopped: Word2VecTrainer) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    arrays, metadata = stopped.checkpoint()
    return arrays, json.loads(json.dumps(metadata))


@pytest.mark.parametrize("sg", [False, True])
def test_a_device_trains_what_the_cpu_trains(strict: str, monkeypatch: pytest.MonkeyPatch, sg: bool) -> None:
    """By the reference on both: groups of chunks keep their draws and their learning rates."""
    monkeypatch.setattr(trainer, "CHUNKS_OF_A_DEVICE", 3)
    monkeypatch.setattr(trainer, "kernels", lambda *_: reference)
    on_cpu, there, progress = make(300, sg=sg), make(300, sg=sg, device=strict, workers=3), []
    assert on_cpu.run()
    assert there.run(on_progress=lambda state: progress.append(state.chunk))
    chunks = len(there.bounds) - 1
    assert progress == [*range(3, chunks, 3), chunks] * 3
    assert device_of(there._input) == there.device
    assert type(there.input_vectors) is np.ndarray
    assert_equal(there, on_cpu)


def test_rows_of_a_device_are_whole_lines_of_zeros_behind_the_vector(strict: str) -> None:
    there = make(300, device=strict, epochs=1)
    assert there.run()
    assert there._input.shape == (V, 32)
    assert not trainer.to_numpy(there._input)[:, E:].any()


def test_a_gpu_or_its_stand_in_learns(gpu: str) -> None:
    # The stand-in takes the reference, a GPU its kernel with as many workers as the text allows.
    random = np.random.default_rng(1)
    lines = [[*random.choice(np.arange(2, 12) + 10 * (n % 2), 9), EOS] for n in range(60)]  # of two topics
    ids = np.array(lines, np.int32).reshape(-1)
    settings = Word2VecSettings(vector_size=E, sg=True, epochs=3, sample=0, alpha=0.1)
    there = Word2VecTrainer(ids, np.bincount(ids, minlength=V), settings, eos_id=EOS, device=gpu)
    assert there.run()
    assert there.losses[2] < 0.9 * there.losses[0]
    nearest = there.input_vectors[2:22] @ there.input_vectors[2:22].T
    assert nearest[:10, :10].mean() > nearest[:10, 10:].mean()


@pytest.mark.parametrize("takes", [0, 1, 4, 9, 10, 11, 27])
def test_restored_training_is_the_uninterrupted_one(takes: int) -> None:
    """Stopped at the start, within an epoch, and around the end of one."""
    straight, stopped, resumed = make(), make(), make(seed=1)
    assert straight.run()
    assert not stopped.run(should_stop=stop_after(takes))
    resumed.restore(*through_a_file(stopped))
    assert resumed.run()
    assert_equal(resumed, straight)


def test_a_checkpoint_of_any_progress_or_epoch_goes_on() -> None:
    straight, saved = make(epochs=2), []
    straight.run(
        on_progress=lambda _: saved.append(through_a_file(straight)),
        on_epoch=lambda *_: saved.append(through_a_file(straight)),
    )
    assert len(saved) == 2 * (len(straight.bounds) - 1) + 2
    for arrays, metadata in saved:
        resumed = make(epochs=2)
        resumed.restore(arrays, metadata)
        assert resumed.run()
        assert_equal(resumed, straight)


def test_a_checkpoint_goes_from_one_device_to_another(strict: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "CHUNKS_OF_A_DEVICE", 2)
    monkeypatch.setattr(trainer, "kernels", lambda *_: reference)
    straight = make(300, epochs=2)
    assert straight.run()
    for first, second in (("cpu", strict), (strict, "cpu")):
        stopped, resumed = (make(300, epochs=2, device=where) for where in (first, second))
        assert not stopped.run(should_stop=stop_after(1))
        resumed.restore(*through_a_file(stopped))
        assert resumed.run()
        assert_equal(resumed, straight)


def test_a_checkpoint_is_a_copy() -> None:
    stopped = make()
    stopped.run(should_stop=stop_after(3))
    arrays, metadata = stopped.checkpoint()
    kept = {name: x.copy() for name, x in arrays.items()}, json.dumps(metadata)
    stopped.run()
    assert (kept[0].keys(), kept[1]) == (arrays.keys(), json.dumps(metadata))
    for name, x in arrays.items():
        assert x.shape == (V, E)
        np.testing.assert_array_equal(x, kept[0][name])


def test_checkpoints_that_do_not_fit_change_nothing() -> None:
    stopped, fresh = make(), make()
    stopped.run(should_stop=stop_after(3))
    arrays, metadata = stopped.checkpoint()
    state = metadata["state"]
    for match, given, told in (
        ("has no 'output'", {"input": arrays["input"]}, metadata),
        (r"'input' vectors of float32 \(23, 19\), got float32 \(22, 19\)", _cut(arrays), metadata),
        ("'output' .* got float64", {**arrays, "output": arrays["output"].astype(float)}, metadata),
        (r"of another version \(KeyError\('losses'\)\)", arrays, _without(metadata, "losses")),
        ("of another version .*'surprise'", arrays, {**metadata, "state": {**state, "surprise": 1}}),
        ("another text: .*got {'tokens': 999, ", arrays, {**metadata, "tokens": 999}),
        ("another text: .*'chunks': 1}", arrays, {**metadata, "chunks": 1}),
        ("chunk 99 of ", arrays, {**metadata, "state": {**state, "chunk": 99}}),
        ("epoch 0 with 1 losses", arrays, {**metadata, "losses": [1.0]}),
    ):
        with pytest.raises(RunError, match=match):
            fresh.restore(given, told)
    assert_equal(fresh, make())
    fresh.restore(arrays, metadata)
    assert_equal(fresh, stopped)


def _cut(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {**arrays, "input": arrays["input"][:-1]}


def _without(metadata: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in metadata.items() if key != name}
