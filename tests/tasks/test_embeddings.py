"""Training word vectors into run directories: what is learned, resumed, grown and refused."""

import dataclasses
import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seqkit
from seqkit.errors import (
    DamagedFileError,
    DataError,
    DivergenceError,
    RunError,
    TrainingInterrupted,
    UsageError,
)
from seqkit.tasks.embeddings import EmbeddingSettings, TrainedEmbeddings, load, open_vectors, train
from seqkit.tasks.embeddings.model import initial_vectors_of
from seqkit.tasks.embeddings.word2vec import Word2VecTraining
from seqkit.training import Callback
from seqkit.vectors.word2vec import initial_vectors
from seqkit.vectors.word2vec import sampling as fast_trainer
from tests.tasks.test_seq2seq import Notes

PLACES = (["cat", "dog", "cow", "hen"], ["red", "blue", "green", "pink"])


def write_text(path: Path, lines: int = 300, seed: int = 0, extra: tuple[str, ...] = ()) -> Path:
    """Lines about animals and lines about colours: words of a kind are neighbours."""
    rng = np.random.default_rng(seed)
    kinds = (*PLACES, list(extra)) if extra else PLACES
    text = [" ".join(rng.choice(kinds[i % len(kinds)], 6)) for i in range(lines)]
    path.write_text("\n".join(text) + "\n")
    return path


@pytest.fixture
def text(tmp_path: Path) -> Path:
    return write_text(tmp_path / "text.txt")


QUICK: dict[str, Any] = {
    "min_count": 1, "vector_size": 8, "window": 2, "sample": 0.0, "alpha": 0.05, "epochs": 20, "workers": 1,
    "tokenizer": "whitespace",
}  # fmt: skip
DESCENT: dict[str, Any] = {
    "optimizer": "adam", "alpha": 0.02, "epochs": 4, "shrink_windows": False, "workers": None,
}  # fmt: skip
COUNTS: dict[str, Any] = {"model": "counts", "vector_size": 4} | dict.fromkeys(
    ("sample", "alpha", "epochs", "workers")
)
"""Changes to QUICK; what is None there has its default."""


def settings_of(text: Path, **changes: Any) -> EmbeddingSettings:
    defaults = {field.name: field.default for field in dataclasses.fields(EmbeddingSettings)}
    values = {**QUICK, **changes}
    for name in changes:
        values[name] = defaults[name] if values[name] is None else values[name]
    return EmbeddingSettings(corpus=str(text), **values)


def trained(text: Path, out: Path, callbacks: Any = None, **changes: Any) -> TrainedEmbeddings:
    return train(settings_of(text, **changes), out, callbacks=callbacks)


def same_kind(run: TrainedEmbeddings) -> float:
    """The share of words whose nearest word is of their kind."""
    kinds = {word: number for number, words in enumerate(PLACES) for word in words}
    hits = [kinds[run.wv.most_similar(word, topn=1)[0][0]] == kinds[word] for word in kinds]
    return float(np.mean(hits))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"model": "skip-gram"},
        {"true_gradient": True, "alpha": 0.1},
        {"workers": 2},
        {"cbow_mean": False},
        COUNTS,
        DESCENT,
        {**DESCENT, "model": "skip-gram"},
        {**DESCENT, "loss": "softmax"},
        {**DESCENT, "loss": "softmax", "model": "skip-gram", "weight_init": "normal"},
        {**DESCENT, "optimizer": "sgd", "alpha": 1.0, "lazy_rows": True},
    ],
    ids=str,
)
def test_every_way_finds_the_two_kinds_of_words(text: Path, tmp_path: Path, changes: dict[str, Any]) -> None:
    run = trained(text, tmp_path / "run", **changes)
    assert set(run.wv.index_to_key) == {word for words in PLACES for word in words}
    assert same_kind(run) == 1.0


def test_a_run_opens_as_what_was_trained(text: Path, tmp_path: Path) -> None:
    run = trained(text, tmp_path / "run")
    again = seqkit.load(tmp_path / "run")
    assert isinstance(again, TrainedEmbeddings)
    np.testing.assert_array_equal(again.wv.vectors, run.wv.vectors)
    counts = [again.wv.get_vecattr(word, "count") for word in again.wv.index_to_key]
    assert counts == sorted(counts, reverse=True)
    assert sum(counts) == 300 * 6
    np.testing.assert_array_equal(open_vectors(tmp_path / "run").vectors, run.wv.vectors)


def test_one_worker_repeats_itself_and_a_seed_changes_it(text: Path, tmp_path: Path) -> None:
    first, second, other = (
        trained(text, tmp_path / name, epochs=1, seed=seed).vectors
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - other).max() > 1e-3


def test_training_changes_the_vectors(text: Path, tmp_path: Path) -> None:
    run = trained(text, tmp_path / "run", epochs=1)
    start = fast_trainer.initial_vectors(len(run.vocabulary), 8, 0)
    assert np.abs(run.vectors - start).max() > 0.01
    assert run.output is not None
    assert np.abs(run.output).max() > 0.01


def test_the_logged_loss_is_the_mean_of_the_epoch_and_falls(text: Path, tmp_path: Path) -> None:
    trained(text, tmp_path / "run", log_interval=1e-9)
    records = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    epochs = [record["train_loss"] for record in records if "train_loss" in record]
    assert len(epochs) == 20
    assert epochs[-1] < 0.8 * epochs[0]
    assert epochs[0] < 6 * np.log(2) + 0.1  # where all scores are 0
    assert all("seconds_left" in record for record in records if "train_loss" not in record)


class StopAfter(Callback):
    """Sends a signal once an epoch is done."""

    def __init__(self, epoch: int) -> None:
        self.last = epoch

    def on_epoch_end(self, record: dict[str, Any]) -> None:
        if record["epoch"] == self.last:
            import signal

            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("changes", [{"epochs": 6}, {**DESCENT, "epochs": 3}], ids=["word2vec", "adam"])
def test_a_stopped_run_goes_on_with_the_same_bits(
    text: Path, tmp_path: Path, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fast_trainer, "CHUNK", 300)
    whole = trained(text, tmp_path / "whole", **changes)
    settings = settings_of(text, **changes)
    with pytest.raises(TrainingInterrupted, match="the state is saved in"):
        train(settings, tmp_path / "run", callbacks=StopAfter(2))
    done = train(settings, tmp_path / "run", resume=True)
    np.testing.assert_array_equal(done.vectors, whole.vectors)
    np.testing.assert_array_equal(done.output, whole.output)
    finished = train(settings, tmp_path / "run", resume=True)  # nothing is left to do
    np.testing.assert_array_equal(finished.vectors, whole.vectors)


def test_a_stop_in_the_middle_of_an_epoch(
    text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fast_trainer, "CHUNK", 100)
    whole = trained(text, tmp_path / "whole", epochs=2)
    settings = EmbeddingSettings(corpus=str(text), **{**QUICK, "epochs": 2}, checkpoint_interval=0.0)

    class Killed(BaseException):
        pass

    plain: Callable[[Any], None] = Word2VecTraining._checkpoint
    saved: list[int] = []

    def checkpoint(self: Any) -> None:
        plain(self)
        saved.append(self.trainer.state.chunk)
        if len(saved) == 8:
            raise Killed

    monkeypatch.setattr(Word2VecTraining, "_checkpoint", checkpoint)
    with pytest.raises(Killed):
        train(settings, tmp_path / "run")
    assert 0 < saved[-1] < 20
    monkeypatch.setattr(Word2VecTraining, "_checkpoint", plain)
    done = train(settings, tmp_path / "run", resume=True)
    np.testing.assert_array_equal(done.vectors, whole.vectors)


def test_more_epochs_may_be_asked_for(text: Path, tmp_path: Path) -> None:
    trained(text, tmp_path / "run", epochs=1)
    settings = EmbeddingSettings(corpus=str(text), **{**QUICK, "epochs": 3})
    run = train(settings, tmp_path / "run", resume=True, changes={"epochs": 3})
    assert run.settings.epochs == 1  # what the run was begun with stands in its config
    records = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert records[-1]["epoch"] == 3
    with pytest.raises(UsageError, match="a resumed run cannot change window"):
        train(settings, tmp_path / "run", resume=True, changes={"window": 4})


def test_a_grown_vocabulary_keeps_what_was_learned(text: Path, tmp_path: Path) -> None:
    before = trained(text, tmp_path / "before")
    more = write_text(tmp_path / "more.txt", seed=1, extra=("oak", "elm", "ash"))
    after = trained(more, tmp_path / "after", init=str(tmp_path / "before"), epochs=10)
    assert set(after.wv.index_to_key) == set(before.wv.index_to_key) | {"oak", "elm", "ash"}
    assert same_kind(after) == 1.0
    assert after.wv.most_similar("oak", topn=1)[0][0] in ("elm", "ash")
    for word in ("cat", "red"):
        assert after.wv.get_vecattr(word, "count") > before.wv.get_vecattr(word, "count")
    with pytest.raises(
        UsageError, match=r"expected vector_size to be 8, as in the run .*before, got 9; leave it out"
    ):
        trained(more, tmp_path / "other", init=str(tmp_path / "before"), vector_size=9)


def test_what_is_continued_in_a_new_run_goes_on(tmp_path: Path) -> None:
    """Ten runs of an epoch, each from the last, read what one run of ten epochs reads."""
    source = random.Random(5)
    words = [f"w{i}" for i in range(300)]
    weights = [1 / (i + 1) for i in range(300)]
    text = tmp_path / "zipf.txt"
    text.write_text("\n".join(" ".join(source.choices(words, weights, k=20)) for _ in range(800)))
    rare = {"sample": 1e-5, "model": "skip-gram", "min_count": 1}
    start = initial_vectors(len(trained(text, tmp_path / "0", epochs=1, **rare).vocabulary), 8, 0)
    for number in range(1, 10):
        init = str(tmp_path / str(number - 1))
        run = trained(text, tmp_path / str(number), epochs=1, init=init, **rare)
        assert run.epochs_trained == seqkit.load(tmp_path / str(number)).epochs_trained == number + 1
    assert (run.vectors == start).all(axis=1).sum() <= 12  # 179 where every run drew the same
    fresh = trained(text, tmp_path / "whole", epochs=10, **rare)
    assert (fresh.vectors == start).all(axis=1).sum() <= 12


def test_words_that_are_new_in_a_run_start_where_no_word_did(text: Path, tmp_path: Path) -> None:
    before = trained(text, tmp_path / "before")
    trees = tmp_path / "trees.txt"
    trees.write_text("oak elm ash oak\n" * 50)
    vocabulary = trained(trees, tmp_path / "after", init=str(tmp_path / "before"), epochs=1).vocabulary
    vectors, output = initial_vectors_of(before, vocabulary, seed=0)
    drawn = initial_vectors(len(vocabulary), 8, 0)
    for word in ("oak", "elm", "ash"):
        assert (vectors[vocabulary.id(word)] == drawn[len(before.vocabulary) :]).all(axis=1).any()
        assert not output[vocabulary.id(word)].any()


def test_a_text_of_one_line_needs_no_split(tmp_path: Path, text: Path) -> None:
    """As text8: a line that is longer than any that is read whole, cut into sentences, and said."""
    words = text.read_text().split() * 150
    line = tmp_path / "line.txt"
    line.write_text(" ".join(words))
    assert line.stat().st_size > 1_000_000
    notes = Notes()
    run = trained(line, tmp_path / "run", epochs=1, callbacks=notes)
    assert sum(run.wv.expandos["count"]) == len(words)
    expected = (len(words) - 1) // 10_000
    assert any(f"cut into sentences, in {expected} places" in message for message in notes.messages)
    with gzip.open(tmp_path / "packed.gz", "wb") as file:
        file.write(b"\xef\xbb\xbf" + line.read_bytes())
    packed = trained(tmp_path / "packed.gz", tmp_path / "packed", epochs=1)
    np.testing.assert_array_equal(packed.vectors, run.vectors)


def test_old_vectors_stay_where_the_new_text_says_nothing(text: Path, tmp_path: Path) -> None:
    before = trained(text, tmp_path / "before")
    trees = tmp_path / "trees.txt"
    trees.write_text("oak elm ash oak\n" * 50)
    after = trained(trees, tmp_path / "after", init=str(tmp_path / "before"), epochs=2)
    np.testing.assert_array_equal(after.wv["cat"], before.wv["cat"])


def test_a_vocabulary_can_be_given(text: Path, tmp_path: Path) -> None:
    first = trained(text, tmp_path / "first", vocab_size=6)
    vocabulary = str(tmp_path / "first" / "vocab.txt")
    again = trained(text, tmp_path / "again", min_count=None, vocabulary=vocabulary)
    assert again.vocabulary == first.vocabulary
    assert len(again.wv) < 8


def test_a_rate_that_is_too_large_ends_with_an_error(text: Path, tmp_path: Path) -> None:
    with pytest.raises(DivergenceError, match=r"smaller alpha"):
        trained(text, tmp_path / "run", alpha=1e30)
    assert not (tmp_path / "run" / "model.safetensors").exists()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"model": "glove"}, "expected model to be one of cbow, skip-gram, counts"),
        ({"sg": True, "model": "counts"}, "expected the model skip-gram with sg, got counts"),
        ({"loss": "softmax"}, "the optimizer word2vec has loss negative-sampling only"),
        ({"weight_init": "normal"}, "the optimizer word2vec has weight_init uniform only"),
        ({"schedule": "cosine"}, "has a linear schedule only"),
        ({"optimizer": "adam"}, "give sample=0.0"),
        (
            {"model": "counts", "init": "run"},
            "init has no effect here: it is for the models cbow and skip-gr",
        ),
        ({"window": 0}, "expected window to be above 0"),
        ({"alpha": float("nan")}, "expected alpha to be a finite number"),
        ({"sample": -1.0}, "expected sample to be at least 0"),
    ],
)
def test_settings_that_cannot_be(values: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        EmbeddingSettings.from_values(values)
    assert said in str(caught.value)


def test_the_short_flag_means_skip_gram() -> None:
    settings = EmbeddingSettings(sg=True)
    assert settings.model == "skip-gram"
    assert EmbeddingSettings.from_values(settings.to_dict()) == settings


def test_runs_that_are_not_what_they_should_be(text: Path, tmp_path: Path) -> None:
    run = trained(text, tmp_path / "run", epochs=1)
    model = tmp_path / "run" / "model.safetensors"
    data = bytearray(model.read_bytes())
    data[-5] ^= 1
    model.write_bytes(data)
    with pytest.raises(DamagedFileError):
        load(tmp_path / "run")
    with pytest.raises(RunError):
        load(tmp_path)
    run.run.save_model({"input.weight": np.zeros((2, 8), np.float32)}, {})
    with pytest.raises(DamagedFileError, match=r"expected input.weight of the shape .*, got \(2, 8\)"):
        load(tmp_path / "run")
    run.run.save_model({"other": run.vectors}, {})
    with pytest.raises(DamagedFileError, match=r"expected a tensor input.weight, got none"):
        load(tmp_path / "run")


def test_scores_are_those_of_the_vectors(text: Path, tmp_path: Path) -> None:
    run = train(EmbeddingSettings(corpus=str(text), **QUICK), tmp_path / "run")
    pairs, analogies = tmp_path / "pairs.tsv", tmp_path / "analogies.txt"
    pairs.write_text("cat\tdog\t9\nred\tblue\t8\ncat\tred\t1\ncat\tunheard\t1\n")
    analogies.write_text(": places\ncat dog red blue\ncat dog red unheard\n")
    scores = run.evaluate(analogies, pairs)
    assert scores.analogies is not None
    assert scores.analogies.questions == 1
    assert scores.analogies.sections["places"].keys() == {"correct", "incorrect"}
    assert scores.pairs is not None
    assert scores.pairs.missing_percent == 25
    assert scores.pairs.spearman == run.wv.evaluate_word_pairs(pairs)[1][0]
    assert scores.to_dict().keys() == {"words", "dimensions", "analogies", "pairs"}
    assert run.evaluate(pairs=pairs).analogies is None
    with pytest.raises(DataError, match=r"no such file, .*absent"):
        run.evaluate(tmp_path / "absent.txt")
