"""Word2Vec: it learns what text says, repeats itself with one worker, and goes on with more text."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from seqkit.errors import DataError, UsageError
from seqkit.vectors import Word2Vec
from seqkit.vectors.training import Word2VecSettings, Word2VecTrainer
from seqkit.vectors.training.sampling import alias_table, keep_probabilities
from seqkit.vectors.training.trainer import chunk_bounds

ANIMALS, COLOURS = ["cat", "dog", "cow", "horse", "pig"], ["red", "blue", "green", "white", "black"]


def sentences(count: int = 200, seed: int = 0) -> list[list[str]]:
    """Each about animals or about colours, never both."""
    source = random.Random(seed)
    return [[source.choice(topic) for _ in range(8)] for _ in range(count) for topic in (ANIMALS, COLOURS)]


SMALL = {"vector_size": 16, "window": 3, "sample": 0, "alpha": 0.05, "min_count": 1, "workers": 1}


@pytest.mark.parametrize("sg", [0, 1])
@pytest.mark.parametrize("workers", [1, 3])
def test_words_of_a_topic_become_neighbours(sg: int, workers: int) -> None:
    model = Word2Vec(sentences(), **{**SMALL, "sg": sg, "workers": workers, "epochs": 10})  # type: ignore[arg-type]
    for topic in (ANIMALS, COLOURS):
        for word in topic:
            assert {key for key, _ in model.wv.most_similar(word, topn=4)} == set(topic) - {word}
    losses = model.epoch_losses
    assert len(losses) == 10
    assert losses[-1] < losses[0]
    assert losses[0] < 6 * np.log(2)  # six untrained scores of 0 cost log 2 each
    best = [word for word, _ in model.predict_output_word(["cat", "dog"], 5) or []]
    assert set(best) == set(ANIMALS)


@pytest.mark.parametrize("sg", [0, 1])
def test_one_worker_repeats_itself_and_the_seed_matters(sg: int) -> None:
    def vectors(seed: int) -> np.ndarray:
        return Word2Vec(sentences(), **{**SMALL, "sg": sg, "seed": seed, "epochs": 2}).wv.vectors  # type: ignore[arg-type]

    np.testing.assert_array_equal(vectors(1), vectors(1))
    assert not np.array_equal(vectors(1), vectors(2))


def test_a_file_gives_what_its_sentences_give(tmp_path: Path) -> None:
    text = sentences(50)
    path = tmp_path / "text.txt"
    path.write_text("\n".join(" ".join(sentence) for sentence in text) + "\n", "utf-8")
    from_file = Word2Vec(corpus_file=path, **SMALL)  # type: ignore[arg-type]
    from_list = Word2Vec(text, **SMALL)  # type: ignore[arg-type]
    assert from_file.wv.index_to_key == from_list.wv.index_to_key
    np.testing.assert_array_equal(from_file.wv.vectors, from_list.wv.vectors)


def test_the_vocabulary_grows() -> None:
    model = Word2Vec(sentences(), **{**SMALL, "min_count": 5})  # type: ignore[arg-type]
    assert "zebra" not in model.wv
    before, count = model.wv["cat"].copy(), model.wv.get_vecattr("cat", "count")
    more = [["zebra", "cat", "dog", "cow"]] * 40
    model.build_vocab(more, update=True)
    np.testing.assert_array_equal(model.wv["cat"], before)
    assert model.wv.get_vecattr("cat", "count") == count + 40
    model.train(more, epochs=10)
    assert not np.array_equal(model.wv["cat"], before)
    assert model.wv.most_similar("zebra", topn=1)[0][0] in ANIMALS


def test_words_are_sorted_by_frequency_and_pruned() -> None:
    text = [["a"] * 5 + ["b"] * 3 + ["c"] * 4 + ["d"]]
    model = Word2Vec(min_count=2, vector_size=4)
    model.build_vocab(text)
    assert model.wv.index_to_key == ["a", "c", "b"]
    assert [model.wv.get_vecattr(w, "count") for w in "acb"] == [5, 4, 3]
    assert (model.corpus_count, model.corpus_total_words) == (1, 13)


def test_mistakes_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="either sentences or corpus_file"):
        Word2Vec(sentences(1), tmp_path / "x")
    with pytest.raises(UsageError, match="passed over only once"):
        Word2Vec(iter(sentences(1)))
    with pytest.raises(UsageError, match="got a string"):
        Word2Vec("a string")
    with pytest.raises(UsageError, match="got a string"):
        Word2Vec(["not", "lists"])
    with pytest.raises(UsageError, match="hierarchical softmax"):
        Word2Vec(hs=1)
    with pytest.raises(UsageError, match="vector_size must be above 0, got 0"):
        Word2Vec(vector_size=0)
    with pytest.raises(UsageError, match="build_vocab first"):
        Word2Vec().train(sentences(1))
    with pytest.raises(DataError, match="lower min_count"):
        Word2Vec([["once", "twice"]])
    with pytest.raises(DataError, match="cannot be read"):
        Word2Vec(corpus_file=tmp_path / "absent.txt")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9 au lait\n")
    with pytest.raises(DataError, match="not UTF-8"):
        Word2Vec(corpus_file=tmp_path / "latin.txt")


def test_a_stopped_training_goes_on_to_the_same_vectors() -> None:
    ids = np.random.default_rng(0).integers(0, 40, 25_000).astype(np.int32)
    counts = np.bincount(ids, minlength=40)
    settings = Word2VecSettings(vector_size=8, workers=1, epochs=1, sample=0)

    def trainer() -> Word2VecTrainer:
        return Word2VecTrainer(ids, counts, settings, eos_id=0)

    straight, stopped = trainer(), trainer()
    assert straight.run()
    budget = iter([False, False, True])
    assert not stopped.run(should_stop=lambda: next(budget))
    assert 0 < stopped.state.words < stopped.corpus_words
    assert stopped.run()
    np.testing.assert_array_equal(straight.input_vectors, stopped.input_vectors)
    assert straight.losses == stopped.losses


def test_chunks_end_with_lines_and_cover_the_text() -> None:
    ids = np.random.default_rng(1).integers(0, 30, 50_000).astype(np.int32)
    bounds = chunk_bounds(ids, 0)
    assert (bounds[0], bounds[-1]) == (0, len(ids))
    assert all(ids[place - 1] == 0 for place in bounds[1:-1])
    assert np.all(np.diff(bounds) > 0)
    assert list(chunk_bounds(np.ones(25_000, np.int32), 0)) == [0, 25_000]  # one long line is never cut


def test_subsampling_by_the_published_formula() -> None:
    counts = np.array([900.0, 90.0, 10.0])
    kept = keep_probabilities(counts, 0.01)
    for count, probability in zip(counts, kept, strict=True):
        frequency = count / 1000
        assert probability == pytest.approx(min(1, (np.sqrt(frequency / 0.01) + 1) * 0.01 / frequency))
    np.testing.assert_array_equal(keep_probabilities(counts, 0), 1)


def test_the_alias_table_holds_the_distribution() -> None:
    weights = np.array([0.0, 5.0, 1.0, 3.0, 0.5, 0.5])
    threshold, alias = alias_table(weights)
    chance = np.zeros(6)
    for place in range(6):
        own = int(threshold[place]) / 2**32
        chance[place] += own / 6
        chance[alias[place]] += (1 - own) / 6
    np.testing.assert_allclose(chance, weights / weights.sum(), atol=1e-8)
