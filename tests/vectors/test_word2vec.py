"""Word2Vec: it learns what text says, repeats itself with one worker, and goes on with more text."""

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqkit.errors import DataError, DeviceError, UsageError
from seqkit.vectors import Word2Vec, load_vectors, save_vectors
from seqkit.vectors.word2vec import Word2VecSettings, Word2VecTrainer, sampling, trainer
from seqkit.vectors.word2vec.sampling import alias_table, chunk_bounds, keep_probabilities

ANIMALS, COLOURS = ["cat", "dog", "cow", "horse", "pig"], ["red", "blue", "green", "white", "black"]


def sentences(count: int = 200, seed: int = 0) -> list[list[str]]:
    """Each about animals or about colours, never both."""
    source = random.Random(seed)
    return [[source.choice(topic) for _ in range(8)] for _ in range(count) for topic in (ANIMALS, COLOURS)]


SMALL: dict[str, Any] = {
    "vector_size": 16,
    "window": 3,
    "sample": 0,
    "alpha": 0.05,
    "min_count": 1,
    "workers": 1,
}


@pytest.mark.parametrize("sg", [0, 1])
@pytest.mark.parametrize("workers", [1, 3])
def test_words_of_a_topic_become_neighbours(sg: int, workers: int) -> None:
    model = Word2Vec(sentences(), **{**SMALL, "sg": sg, "workers": workers, "epochs": 10})
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
        return Word2Vec(sentences(), **{**SMALL, "sg": sg, "seed": seed, "epochs": 2}).wv.vectors

    np.testing.assert_array_equal(vectors(1), vectors(1))
    assert not np.array_equal(vectors(1), vectors(2))


def test_a_file_gives_what_its_sentences_give(tmp_path: Path) -> None:
    text = sentences(50)
    path = tmp_path / "text.txt"
    path.write_text("\n".join(" ".join(sentence) for sentence in text) + "\n", "utf-8")
    from_file = Word2Vec(corpus_file=path, **SMALL)
    from_list = Word2Vec(text, **SMALL)
    assert from_file.wv.index_to_key == from_list.wv.index_to_key
    np.testing.assert_array_equal(from_file.wv.vectors, from_list.wv.vectors)


ZIPF = random.Random(5)
RARE = [
    ZIPF.choices([f"w{i}" for i in range(300)], [1 / (i + 1) for i in range(300)], k=20) for _ in range(800)
]
SUBSAMPLED: dict[str, Any] = {"sample": 1e-5, "sg": 1, "min_count": 1, "workers": 1, "vector_size": 8}


def unmoved(model: Word2Vec, start: np.ndarray) -> int:
    return int((model.wv.vectors == start).all(axis=1).sum())


def test_training_that_goes_on_draws_new_numbers(tmp_path: Path) -> None:
    """Ten calls for one epoch read what one call of ten epochs reads, even through files in between."""
    start = Word2Vec(**SUBSAMPLED)
    start.build_vocab(RARE)
    first = start.wv.vectors.copy()
    whole = Word2Vec(RARE, **SUBSAMPLED, epochs=10)
    once = Word2Vec(RARE, **SUBSAMPLED, epochs=1)
    in_calls, through_files = start, once
    for epoch in range(10):
        in_calls.train(RARE, epochs=1)
        if epoch:
            through_files.save(tmp_path / "model.kv")
            through_files = Word2Vec.load(tmp_path / "model.kv")
            through_files.train(RARE, epochs=1)
    assert unmoved(whole, first) <= 10
    assert unmoved(once, first) > 100
    assert unmoved(in_calls, first) <= 10
    np.testing.assert_array_equal(in_calls.wv.vectors, through_files.wv.vectors)
    assert in_calls.epochs_trained == through_files.epochs_trained == whole.epochs_trained == 10


def test_a_new_vocabulary_begins_anew() -> None:
    model = Word2Vec(RARE, **SUBSAMPLED, epochs=1)
    model.build_vocab(RARE)
    model.train(RARE, epochs=1)
    np.testing.assert_array_equal(model.wv.vectors, Word2Vec(RARE, **SUBSAMPLED, epochs=1).wv.vectors)


def test_words_that_come_after_a_pruning_start_elsewhere() -> None:
    model = Word2Vec(**SMALL)
    model.build_vocab([["a"] * 9 + ["b"] * 8 + ["c"] * 7 + ["d"] * 6])
    model.prune_vocab(keep=["c", "d"])
    model.build_vocab([["e"] * 5 + ["f"] * 4], update=True)
    assert len(np.unique(model.wv.vectors, axis=0)) == 4


ASSIGNED: dict[str, Any] = {
    "alpha": 0.2, "min_alpha": 0.04, "window": 1, "sample": 0.01, "seed": 9, "sg": 1, "negative": 1,
    "ns_exponent": 0.0, "cbow_mean": 0, "epochs": 1, "shrink_windows": False, "true_gradient": True,
}  # fmt: skip


@pytest.mark.parametrize("name", ASSIGNED)
def test_a_setting_that_is_assigned_acts(name: str) -> None:
    model, plain = Word2Vec(**SMALL), Word2Vec(**SMALL)
    for each in (model, plain):
        each.build_vocab(sentences())
    setattr(model, name, ASSIGNED[name])
    for each in (model, plain):
        each.train(sentences())
    assert abs(model.wv.vectors - plain.wv.vectors).max() > 1e-4
    if name not in ("seed", "min_alpha"):  # the vocabulary was built with the seed before
        expected = Word2Vec(sentences(), **SMALL | {name: ASSIGNED[name]})
        np.testing.assert_array_equal(model.wv.vectors, expected.wv.vectors)


def test_workers_device_counts_and_callbacks_that_are_assigned_act(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Word2Vec(**SMALL)
    model.min_count = 400
    with pytest.raises(DataError, match="lower min_count"):
        model.build_vocab(sentences())
    model.min_count, model.max_final_vocab = 1, 5
    model.build_vocab(sentences())
    assert len(model.wv) == 5
    seen: list[Any] = []
    model.workers, model.callbacks = 2, [lambda *given: seen.append(given[1:2])]
    monkeypatch.setattr(
        trainer, "ThreadPoolExecutor", lambda workers: seen.append(workers) or ThreadPoolExecutor(workers)
    )
    model.train(sentences(), epochs=2)
    assert seen == [2, (1,), (2,)]
    model.device = "abacus"
    with pytest.raises(DeviceError, match="abacus"):
        model.train(sentences())


def test_what_nobody_would_read_cannot_be_assigned() -> None:
    model = Word2Vec(sentences(20), **SMALL)
    for name, value in {"batch_words": 5, "vector_size": 50, "vocab_cache": 1}.items():
        with pytest.raises((UsageError, AttributeError), match=name):
            setattr(model, name, value)
    with pytest.raises(UsageError, match="hierarchical softmax"):
        model.hs = 1
    for name, value in {"alpha": 0, "window": -1, "workers": 10**6, "negative": 2.5, "sample": -1}.items():
        broken = Word2Vec(sentences(20), **SMALL)
        setattr(broken, name, value)
        with pytest.raises(UsageError, match=f"expected .*{name}.*, got {value:,}"):
            broken.train(sentences(20))
    model.callbacks = [None]
    with pytest.raises(UsageError, match="expected callbacks to be functions"):
        model.train(sentences(20))


def test_a_text_without_known_words_is_said(caplog: pytest.LogCaptureFixture) -> None:
    model = Word2Vec(sentences(20), **SMALL)
    assert model.train([["unheard", "of"]] * 3, epochs=1) == (0, 6)
    assert caplog.messages == ["none of the 6 words of the text is in the vocabulary"]


def test_totals_that_are_not_those_of_the_text_are_refused() -> None:
    model = Word2Vec(sentences(20), **SMALL)
    model.train(sentences(20), total_examples=model.corpus_count, total_words=model.corpus_total_words)
    with pytest.raises(UsageError, match="expected total_examples=40, got 39; leave it out"):
        model.train(sentences(20), total_examples=39)
    with pytest.raises(UsageError, match="expected total_words=320, got 5"):
        model.train(sentences(20), total_words=5)


@pytest.mark.parametrize("sg", [0, 1])
def test_locked_vectors_stay(tmp_path: Path, sg: int) -> None:
    text = sentences(50)
    model = Word2Vec(**SMALL, sg=sg)
    model.build_vocab(text)
    before = model.wv.vectors.copy()
    save_vectors(model.wv.vectors_for_all(["cat", "red"]), tmp_path / "some.txt")
    model.wv.intersect_word2vec_format(tmp_path / "some.txt", lockf=0.0)
    places = [model.wv.key_to_index[word] for word in ("cat", "red")]

    def check(model: Word2Vec) -> None:
        moved = abs(model.wv.vectors - before).max(axis=1) > 0
        assert [i for i in range(10) if not moved[i]] == sorted(places)

    model.train(text)
    check(model)
    model.save(tmp_path / "model.kv")
    again = Word2Vec.load(tmp_path / "model.kv")
    again.train(text)
    check(again)
    again.build_vocab([["new", "cat"]], update=True)
    assert again.wv.vectors_lockf.tolist() == [*model.wv.vectors_lockf.tolist(), 1]
    again.prune_vocab(keep=["cat", "dog"])
    assert dict(zip(again.wv.index_to_key, again.wv.vectors_lockf.tolist(), strict=True)) == {
        "cat": 0,
        "dog": 1,
    }


def test_one_factor_locks_all_and_others_are_refused() -> None:
    model = Word2Vec(sentences(20), **SMALL)
    before = model.wv.vectors.copy()
    model.wv.vectors_lockf = np.zeros(1, np.float32)
    model.train(sentences(20))
    np.testing.assert_array_equal(model.wv.vectors, before)
    for wrong in (np.zeros(7), np.full(10, np.nan), np.zeros((10, 1))):
        model.wv.vectors_lockf = wrong
        with pytest.raises(UsageError, match=r"expected \(10,\) or \(1,\) finite numbers in vectors_lockf"):
            model.train(sentences(20))


def test_other_vectors_in_place_of_the_models_are_refused() -> None:
    model = Word2Vec(sentences(20), **SMALL)
    model.wv = model.wv.vectors_for_all(["cat", "dog"])
    with pytest.raises(UsageError, match=r"expected wv of the shape \(10, 16\)"):
        model.train(sentences(20))


def test_the_vocabulary_grows() -> None:
    model = Word2Vec(sentences(), **{**SMALL, "min_count": 5})
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
    model = Word2Vec(**SMALL)
    model.build_vocab_from_freq({"b": 2, "a": 2, "c": 7}, corpus_count=4)
    assert model.wv.index_to_key == ["c", "a", "b"]
    assert (model.corpus_count, model.corpus_total_words) == (4, 11)
    model.build_vocab_from_freq({"d": 1, "c": 3}, update=True)
    assert model.wv.index_to_key == ["c", "a", "b", "d"]
    assert list(model.wv.expandos["count"]) == [10, 2, 2, 1]
    assert model.train([["a", "b", "c", "x"]] * 3, total_examples=3, epochs=2) == (18, 24)
    for count in (-1, 2.5, "3"):
        with pytest.raises(UsageError, match=f"whole number from 0 up as the count of 'a', got {count!r}"):
            model.build_vocab_from_freq({"a": count})  # type: ignore[dict-item]


def test_the_same_vocabulary_by_counts_gives_the_same_vectors() -> None:
    straight = Word2Vec(sentences(), **SMALL)
    model = Word2Vec(**SMALL)
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
    model = Word2Vec(sentences(), **SMALL)
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
    with pytest.raises(UsageError, match="expected two or more words to keep, got 0"):
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
        ("a 1\nb\n", "expected a word and its count, got 'b'.*line 2, byte 4"),
        ("a -1\n", "expected a word and its count"),
        ("a 1\na 2\n", "'a' stands twice.*line 2"),
    ):
        path.write_text(text, "utf-8")
        with pytest.raises(DataError, match=what):
            again.load_vocabulary(path)
    model.build_vocab([["two words", "a"]])
    with pytest.raises(UsageError, match="expected a word without blanks, got 'two words'"):
        model.save_vocabulary(path)
    with pytest.raises(UsageError, match="build_vocab first"):
        Word2Vec().save_vocabulary(path)


@pytest.mark.parametrize("name", ["model.safetensors", "model.safetensors.gz"])
def test_a_model_goes_on_from_its_file(tmp_path: Path, name: str) -> None:
    model = Word2Vec(sentences(), **{**SMALL, "alpha": 0.04, "true_gradient": True})
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
    model = Word2Vec(sentences(50), **SMALL)
    model.save(tmp_path / "model.kv")
    vectors = load_vectors(tmp_path / "model.kv")
    np.testing.assert_array_equal(vectors.vectors, model.wv.vectors)
    vectors.save(tmp_path / "vectors.kv")
    with pytest.raises(DataError, match="vectors, but no model"):
        Word2Vec.load(tmp_path / "vectors.kv")


def test_a_damaged_model_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    Word2Vec(sentences(50), **SMALL).save(path)
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
    model = Word2Vec(**SMALL)
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
    with pytest.raises(UsageError, match="expected vector_size from 1 to 65,536, got 0"):
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
    bounds, cuts = chunk_bounds(ids, 0)
    assert (bounds[0], bounds[-1], cuts) == (0, len(ids), 0)
    assert all(ids[place - 1] == 0 for place in bounds[1:-1])
    assert np.all(np.diff(bounds) > 0)


@pytest.mark.parametrize("block", [7_000, 1 << 20])
def test_long_lines_are_cut_into_sentences_of_10000_words(
    monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    """As many as are needed, wherever the blocks of the reading begin; no sentence is longer."""
    monkeypatch.setattr(sampling, "_BLOCK", block)

    def cut(*lines: int, end: bool = True) -> tuple[list[int], int]:
        ids = np.concatenate([np.append(np.ones(length, np.int32), 0) for length in lines])
        bounds, cuts = chunk_bounds(ids if end else ids[:-1], 0)
        return bounds.tolist(), cuts

    assert cut(25_000, end=False) == ([0, 10_000, 20_000, 25_000], 2)
    assert cut(25_000) == ([0, 10_000, 20_000, 25_001], 2)
    assert cut(10_000) == ([0, 10_001], 0)
    assert cut(10_001) == ([0, 10_000, 10_002], 1)
    assert cut(20_000, 5) == ([0, 10_000, 20_001, 20_007], 1)
    # the second line's sentence begins within the first chunk
    assert cut(3_999, 12_000, 3) == ([0, 14_000, 16_005], 1)
    assert cut(9_999, 10_001) == ([0, 10_000, 20_000, 20_002], 1)


def test_a_text_of_one_line_has_many_chunks_and_learning_rates(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As text8: 17 million words without a line end."""
    path, text = tmp_path / "text", sentences(2_000)
    words = [word for sentence in text for word in sentence]
    path.write_text(" ".join(words), "utf-8")
    one_line = Word2Vec(corpus_file=path, **SMALL)
    assert one_line.corpus_total_words == len(words) == 32_000
    assert "lines of more than 10,000 words are cut" in caplog.text
    cut = Word2Vec([words[i : i + 10_000] for i in range(0, len(words), 10_000)], **SMALL)
    np.testing.assert_array_equal(one_line.wv.vectors, cut.wv.vectors)
    caplog.clear()
    np.testing.assert_array_equal(Word2Vec([words], **SMALL).wv.vectors, cut.wv.vectors)
    assert "long sentences are cut after each 10,000 words, in 3 places" in caplog.text


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
