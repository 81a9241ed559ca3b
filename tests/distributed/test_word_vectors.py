"""Word vectors trained by several processes, whose models are averaged."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqkit.backend.kernels.word2vec.settings import Word2VecSettings
from seqkit.distributed.group import ProcessGroup
from seqkit.errors import UsageError
from seqkit.tasks.embeddings import EmbeddingSettings
from seqkit.vectors.word2vec import Word2VecTrainer, sampling
from seqkit.vectors.word2vec.averaging import ModelAveraging, divisors
from seqkit.vectors.word2vec.sampling import update_rates
from tests.distributed.stand_in import together
from tests.distributed.test_groups import run
from tests.training.tiny import python

V, E = 31, 5


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "CHUNK", 100)


def trainer(group: ProcessGroup, **settings: Any) -> Word2VecTrainer:
    rng = np.random.default_rng(0)
    ids = rng.zipf(1.3, 6000).astype(np.int32) % (V - 1) + 1
    ids[::13] = 0
    values = {"vector_size": E, "epochs": 2, "workers": 1, "sample": 0.0, **settings}
    counts = np.bincount(ids, minlength=V)
    return Word2VecTrainer(ids, counts, Word2VecSettings(**values), eos_id=0, group=group, sync_words=100)


def trained(size: int) -> list[Word2VecTrainer]:
    def train(group: ProcessGroup) -> Word2VecTrainer:
        result = trainer(group)
        assert result.run()
        return result

    return together(size, train)


@pytest.mark.parametrize("size", [2, 3])
def test_all_have_the_same_vectors_and_two_trainings_the_same_bits(size: int) -> None:
    first, *others = trained(size)
    again = trained(size)[0]
    for other in (*others, again):
        np.testing.assert_array_equal(other.input_vectors, first.input_vectors)
        np.testing.assert_array_equal(other.output_vectors, first.output_vectors)
        assert other.losses == first.losses
        assert (other.state.words, other.state.epoch) == (2 * first.corpus_words, 2)
    assert first.alpha == pytest.approx(first.settings.min_alpha)


def test_a_group_learns() -> None:
    alone, two = trained(1)[0], trained(2)[0]
    assert two.losses[1] < two.losses[0]
    # The vectors are others: each process read half the text.
    assert not np.array_equal(alone.input_vectors, two.input_vectors)


def test_each_chunk_is_read_once_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    original = Word2VecTrainer._train

    def train(self: Word2VecTrainer, first: int, last: int, words: int) -> tuple[int, int, float]:
        read.extend(self._order()[first:last].tolist())
        return original(self, first, last, words)

    monkeypatch.setattr(Word2VecTrainer, "_train", train)
    first = trained(3)[0]
    chunks = len(first.bounds) - 1
    assert sorted(read) == sorted(2 * list(range(chunks)))


@pytest.mark.parametrize("sizes", [(2, 1), (1, 2), (2, 3)])
def test_training_goes_on_with_another_number_of_processes(sizes: tuple[int, int]) -> None:
    def begin(group: ProcessGroup) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        result = trainer(group)
        stops = iter([False] + [True] * 99)  # asked where the vectors of all processes are equal
        assert not result.run(should_stop=lambda: next(stops))
        return result.checkpoint()

    arrays, metadata = together(sizes[0], begin)[0]
    assert metadata["state"]["words"] > 0

    def go_on(group: ProcessGroup) -> Word2VecTrainer:
        result = trainer(group)
        result.restore(arrays, metadata)
        assert result.run()
        return result

    first, *others = together(sizes[1], go_on)
    assert first.state.words == 2 * first.corpus_words
    for other in others:
        np.testing.assert_array_equal(other.input_vectors, first.input_vectors)


def test_all_stop_where_one_does() -> None:
    def train(group: ProcessGroup) -> tuple[bool, int]:
        result = trainer(group)
        return result.run(should_stop=lambda: group.rank == 1), result.state.chunk

    stopped = together(2, train)
    assert stopped[0] == stopped[1]
    assert not stopped[0][0]


def test_changes_are_summed_for_rare_words_and_averaged_for_frequent_ones() -> None:
    changes = {0: {2: 6.0, 3: 1.0}, 1: {3: 4.0}, 2: {3: 7.0}}  # of each process: of rows 2 and 3
    updates = np.array([0, 0, 0, 1e9, 0, 0, 0])

    def average(group: ProcessGroup) -> tuple[np.ndarray, int, int]:
        padded = np.zeros((7, 16), np.float32)
        padded[:, :5] = np.arange(35).reshape(7, 5)
        averaging = ModelAveraging([padded], [updates], 0.1, 5, group)
        for row, change in changes[group.rank].items():
            padded[row, :5] += change
        averaging.average(0.1, last=True)
        before = group.bytes_sent
        averaging.average(0.1, last=True)  # nothing has changed
        return padded, before, group.bytes_sent - before

    for vectors, sent, later in together(3, average):
        expected = np.arange(35, dtype=np.float32).reshape(7, 5)
        expected[2] += 6
        expected[3] += 4  # (1 + 4 + 7) / 3
        np.testing.assert_allclose(vectors[:, :5], expected, rtol=1e-5)
        assert not vectors[:, 5:].any()
        assert (sent, later) == (2 * 5 * 4, 0)  # by the stand-in's count: the two rows, once


def test_rare_rows_are_averaged_less_often() -> None:
    updates = np.array([0.0, 60, 1e9])  # every 16th, 4th, each round: 0.1 / (2 * 0.05 * 60 / 250) = 4.2
    seen: list[list[float]] = []

    def average(group: ProcessGroup) -> None:
        padded = np.zeros((3, 16), np.float32)
        averaging = ModelAveraging([padded], [updates], 0.05, 5, group)
        for each in range(1, 21):
            padded[:, :5] += group.rank  # the second process changes all rows
            averaging.average(0.0, last=each == 20)  # summed, since nothing is learned
            assert averaging.all_are_equal == (each in (16, 20))
            if group.is_first:
                seen.append(padded[:, 0].tolist())

    together(2, average)
    expected = [[each // 16 * 16, each // 4 * 4, each] for each in range(1, 20)] + [[20, 20, 20]]
    np.testing.assert_allclose(seen, expected, rtol=1e-4)


def test_divisors() -> None:
    # 3 (1 - 1/2) / (1 - 1/8) = 12/7
    np.testing.assert_allclose(divisors(np.array([0.0, np.log(2), 99.0]), 3), [1, 12 / 7, 3], rtol=1e-5)


def test_update_rates() -> None:
    # 8 words, of which 2 are a, 6 are b; a window of 3 has 4 words on average. Every word is kept, and of an
    # example's 2 negatives b is 6 / 8 by frequency.
    settings = Word2VecSettings(window=3, negative=2, ns_exponent=1.0, sample=0.0)
    rates = update_rates(np.array([0, 2, 6]), settings)
    np.testing.assert_allclose(rates, [[0, 1, 3], [0, 0.25 + 0.5, 0.75 + 1.5]])
    skip_gram = update_rates(np.array([0, 2, 6]), dataclasses.replace(settings, sg=True))
    np.testing.assert_allclose(skip_gram, [[0, 1, 3], [0, 3, 9]])


def test_sync_words_has_no_effect_in_one_process() -> None:
    with pytest.raises(UsageError, match=r"sync_words .*several processes"):
        EmbeddingSettings(sync_words=1000).require_effect(["sync_words"])


def test_the_command(tmp_path: Path) -> None:
    """Two processes write one run, with vectors of all words; one process goes on with it."""
    words = np.random.default_rng(3).choice([f"w{i}" for i in range(60)], (4000, 8))
    text = tmp_path / "text.txt"
    text.write_text("\n".join(" ".join(line) for line in words), "utf-8")
    out = tmp_path / "run"
    command = ["-m", "seqkit", "train-embeddings", str(text), "--vector-size", "8", "--out", str(out)]
    given = ["--epochs", "1", "--workers", "1", "--sync-words", "8000"]
    code, said, err = run(2, *command, *given)
    assert code == 0, err
    assert said.count("60 words of 8 dimensions") == 1
    assert "averaged" in err
    done = python(*command, "--resume", "--epochs", "2")
    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in (out / "log.jsonl").read_text("utf-8").splitlines()]
    epochs = [record for record in records if "train_loss" in record]
    assert [record["tokens"] for record in epochs] == [32000, 64000]
