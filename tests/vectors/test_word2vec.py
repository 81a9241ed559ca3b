"""Word2Vec: it learns what text says, repeats itself with one worker, and goes on with more text."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from seqkit.errors import DataError, UsageError
from seqkit.vectors import Word2Vec, load_vectors
from seqkit.vectors.word2vec import Word2VecSettings, Word2VecTrainer
from seqkit.vectors.word2vec.sampling import alias_table, chunk_bounds, keep_probabilities

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


def test_a_vocabulary_of_counts_made_elsewhere() -> None:
    model = Word2Vec(**SMALL)  # type: ignore[arg-type]
    model.build_vocab_from_freq({"b": 2, "a": 2, "c": 7}, corpus_count=4)
    assert model.wv.index_to_key == ["c", "a", "b"]
    assert (model.corpus_count, model.corpus_total_words) == (4, 11)
    model.build_vocab_from_freq({"d": 1, "c": 3}, update=True)
    assert model.wv.index_to_key == ["c", "a", "b", "d"]
    assert list(model.wv.expandos["count"]) == [10, 2, 2, 1]
    assert model.train([["a", "b", "c", "x"]] * 3, total_examples=3, epochs=2) == (18, 24)
    for count in (-1, 2.5, "3"):
        with pytest.raises(UsageError, match=f"the count {count!r} of 'a' is no whole number"):
            model.build_vocab_from_freq({"a": count})  # type: ignore[dict-item]


def test_the_same_vocabulary_by_counts_gives_the_same_vectors() -> None:
    straight = Word2Vec(sentences(), **SMALL)  # type: ignore[arg-type]
    model = Word2Vec(**SMALL)  # type: ignore[arg-type]
    model.build_vocab_from_freq(
        {word: int(straight.wv.get_vecattr(word, "count")) for word in ANIMALS + COLOURS}
    )
    model.train(sentences())
    np.testing.assert_array_equal(model.wv["cat"], straight.wv["cat"])


def test_counting_within_bounds_drops_rare_words_as_it_goes() -> None:
    text = [["a", "a", "b"], ["c", "a", "d"], ["e", "b"], ["f", "b"]]
    model = Word2Vec(min_count=1, vector_size=4, max_vocab_size=3)
    model.build_vocab(text)
    # four words after the second sentence: those below 1 go, so none; five after the third: those below 2,
    # c, d, e, go; f comes and there are three
    assert dict(zip(model.wv.index_to_key, model.wv.expandos["count"].tolist(), strict=True)) == {
        "a": 3,
        "b": 3,
        "f": 1,
    }
    assert (model.corpus_count, model.corpus_total_words) == (4, 10)
    model.build_vocab([["g", "h", "i", "a", "f"]] * 3, update=True)
    assert model.wv.index_to_key == [
        "a",
        "b",
        "f",
        "g",
        "h",
        "i",
    ]  # at the third sentence each is seen 3 times
    assert list(model.wv.expandos["count"]) == [6, 3, 4, 3, 3, 3]


def test_the_final_vocabulary_is_cut_and_grows_to_the_cut_only() -> None:
    model = Word2Vec(min_count=1, vector_size=4, max_final_vocab=3)
    model.build_vocab([["a", "a", "b", "c", "d", "d"]])
    assert model.wv.index_to_key == ["a", "d", "b"]
    model.build_vocab([["e"] * 9 + ["b"]], update=True)
    assert model.wv.index_to_key == ["a", "d", "b"]
    assert model.wv.get_vecattr("b", "count") == 2


def test_a_vocabulary_is_pruned_after_the_fact() -> None:
    model = Word2Vec(sentences(), **SMALL)  # type: ignore[arg-type]
    before, whole = model.wv["cat"].copy(), model.wv
    assert model.prune_vocab(keep=[*ANIMALS, "unknown"]) == 5
    assert sorted(model.wv.index_to_key) == sorted(ANIMALS)
    np.testing.assert_array_equal(model.wv["cat"], before)
    assert len(whole) == 10
    assert {word for word, _ in model.predict_output_word(["cat"], 10) or []} == set(ANIMALS)
    counts = list(model.wv.expandos["count"])
    assert counts == sorted(counts, reverse=True)
    assert model.prune_vocab(max_final_vocab=4) == 1
    assert model.prune_vocab(min_count=counts[2]) >= 1
    model.train(sentences(), epochs=1)
    with pytest.raises(UsageError, match="0 of 3 words would be left"):
        model.prune_vocab(min_count=10**6)


def test_a_vocabulary_is_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "vocab.txt"
    model = Word2Vec(min_count=1, vector_size=4)
    model.build_vocab([["a"] * 5 + ["é"] * 3])
    model.build_vocab([["new"] * 4], update=True)
    model.save_vocabulary(path)
    assert path.read_text("utf-8") == "a 5\nnew 4\né 3\n"
    again = Word2Vec(min_count=4, vector_size=4)
    again.load_vocabulary(path)
    assert again.wv.index_to_key == ["a", "new"]
    for text, what in (
        ("a 1\nb\n", "not a word and its count.*line 2, byte 4"),
        ("a -1\n", "not a word and its count"),
        ("a 1\na 2\n", "'a' stands twice.*line 2"),
    ):
        path.write_text(text, "utf-8")
        with pytest.raises(DataError, match=what):
            again.load_vocabulary(path)
    model.build_vocab([["two words", "a"]])
    with pytest.raises(UsageError, match="'two words' is empty or holds a blank"):
        model.save_vocabulary(path)
    with pytest.raises(UsageError, match="build_vocab first"):
        Word2Vec().save_vocabulary(path)


@pytest.mark.parametrize("name", ["model.safetensors", "model.safetensors.gz"])
def test_a_model_goes_on_from_its_file(tmp_path: Path, name: str) -> None:
    model = Word2Vec(sentences(), **{**SMALL, "alpha": 0.04, "true_gradient": True})  # type: ignore[arg-type]
    model.save(tmp_path / name)
    again = Word2Vec.load(tmp_path / name)
    assert again.settings == model.settings
    assert (again.epoch_losses, again.corpus_total_words) == (model.epoch_losses, model.corpus_total_words)
    assert again.wv.index_to_key == model.wv.index_to_key
    more = [["zebra", "cat"]] * 9
    for each in (model, again):
        each.build_vocab(more, update=True)
        each.train(more, epochs=2)
    np.testing.assert_array_equal(again.wv.vectors, model.wv.vectors)
    np.testing.assert_array_equal(again.wv.expandos["count"], model.wv.expandos["count"])
    assert again.predict_output_word(["cat"]) == model.predict_output_word(["cat"])
    again.save(tmp_path / name)  # over the file that it is mapped from
    assert "zebra" in Word2Vec.load(tmp_path / name).wv


def test_a_model_file_is_a_vector_file(tmp_path: Path) -> None:
    model = Word2Vec(sentences(50), **SMALL)  # type: ignore[arg-type]
    model.save(tmp_path / "model.kv")
    vectors = load_vectors(tmp_path / "model.kv")
    np.testing.assert_array_equal(vectors.vectors, model.wv.vectors)
    vectors.save(tmp_path / "vectors.kv")
    with pytest.raises(DataError, match="vectors, but no model"):
        Word2Vec.load(tmp_path / "vectors.kv")


def test_a_damaged_model_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    Word2Vec(sentences(50), **SMALL).save(path)  # type: ignore[arg-type]
    whole = path.read_bytes()
    for at in range(0, len(whole), 61):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(DataError, match=r"model\.safetensors"):
            Word2Vec.load(path)
    path.write_bytes(whole[:-1])
    with pytest.raises(DataError, match=r"model\.safetensors"):
        Word2Vec.load(path)
    with pytest.raises(UsageError, match="build_vocab first"):
        Word2Vec().save(path)
    with pytest.raises(DataError, match="cannot read"):
        Word2Vec.load(tmp_path / "absent.safetensors")


def test_a_file_that_changed_since_it_was_counted_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("a b c\n" * 20, "utf-8")
    model = Word2Vec(**SMALL)  # type: ignore[arg-type]
    model.build_vocab(corpus_file=path)
    assert model.train(corpus_file=path, epochs=1) == (60, 60)
    model.build_vocab(corpus_file=path)
    path.write_text("a b c d\n" * 30, "utf-8")
    assert model.train(corpus_file=path, epochs=1) == (90, 120)


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
    with pytest.raises(UsageError, match="expected vector_size above 0, got 0"):
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
