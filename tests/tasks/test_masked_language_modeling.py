"""Masked language models in run directories, and classifiers that start from their encoders."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seqkit
from seqkit.errors import DamagedFileError, DataError, RunError, TrainingInterrupted, UsageError
from seqkit.tasks.masked_language_modeling import (
    MaskedLanguageModelSettings,
    TrainedMaskedLanguageModel,
    load,
    train,
)
from seqkit.tasks.seq2seq import Seq2SeqSettings
from seqkit.tasks.seq2seq import train as train_seq2seq
from seqkit.tasks.text_classification import TextClassificationSettings
from seqkit.tasks.text_classification import train as train_classifier
from tests.tasks.test_seq2seq import Notes, write_pairs
from tests.tasks.test_text_classification import write_reviews

QUICK: dict[str, Any] = {
    "embedding_size": 16, "num_layers": 1, "num_heads": 2, "context_length": 10, "batch_size": 16, "lr": 0.01,
    "dropout": 0.0, "warmup": 0, "schedule": "constant", "min_count": 1, "epochs": 2,
}  # fmt: skip


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """Lines of one word eight times: its neighbours tell each."""
    words = np.random.default_rng(0).choice(["red", "blue", "green", "white"], 300)
    (tmp_path / "text.txt").write_text("".join(" ".join([word] * 8) + "\n" for word in words))
    return tmp_path / "text.txt"


def trained(text: Path, out: Path, callback: Any = None, **changes: Any) -> TrainedMaskedLanguageModel:
    return train(
        MaskedLanguageModelSettings(corpus=str(text), **{**QUICK, **changes}), out, callbacks=callback
    )


def test_it_finds_hidden_words_from_their_neighbours(text: Path, tmp_path: Path) -> None:
    run = trained(text, tmp_path / "run", epochs=6)
    scores = run.evaluate("test")
    assert scores.accuracy > 0.9
    assert scores.unigram_accuracy < 0.6  # four words, about equally frequent
    assert scores.unigram in run.vocabulary.tokens
    assert scores.perplexity == pytest.approx(np.exp(scores.loss))
    again = seqkit.load(tmp_path / "run")
    assert isinstance(again, TrainedMaskedLanguageModel)
    assert again.evaluate("test") == scores  # the same tokens are hidden every time
    other = again.evaluate("train", corpus=str(text))
    assert other.predictions > scores.predictions


def test_a_stopped_run_goes_on_with_the_same_bits(text: Path, tmp_path: Path) -> None:
    settings = MaskedLanguageModelSettings(corpus=str(text), **{**QUICK, "epochs": 3, "dropout": 0.1})
    whole = train(settings, tmp_path / "whole")
    with pytest.raises(TrainingInterrupted):
        train(settings, tmp_path / "run", callbacks=Notes(stop_after=1))
    done = train(settings, tmp_path / "run", resume=True)
    for name, array in whole.model.state_dict().items():
        np.testing.assert_array_equal(done.model.state_dict()[name], array)


def test_mistakes(text: Path, tmp_path: Path) -> None:
    run = trained(text, tmp_path / "run", epochs=1)
    with pytest.raises(DataError, match="expected split to be one of"):
        run.evaluate("dev")
    whole = (tmp_path / "run" / "vocab.txt").read_bytes()
    (tmp_path / "run" / "vocab.txt").write_bytes(whole + b"x\n")
    with pytest.raises(DamagedFileError, match=r"vocab\.txt"):
        load(tmp_path / "run")
    for values, said in (
        ({"model": "lstm"}, "expected model to be one of transformer, got 'lstm'"),
        ({"context_length": 1}, "expected context_length to be at least 2"),
        ({"order": 3}, "unknown setting 'order'"),
    ):
        with pytest.raises(UsageError, match=said):
            MaskedLanguageModelSettings.from_values(values)


# Fine-tuning


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    """A run of a masked model that knows the words of the reviews."""
    lines = write_reviews(tmp_path / "more.tsv", seed=5).read_text().splitlines()
    (tmp_path / "text.txt").write_text("".join(line.split("\t")[1] + "\n" for line in lines))
    trained(tmp_path / "text.txt", tmp_path / "encoder", context_length=12)
    return tmp_path / "encoder"


@pytest.mark.parametrize("freeze", [False, True])
def test_a_classifier_starts_from_an_encoder(encoder: Path, tmp_path: Path, freeze: bool) -> None:
    reviews = write_reviews(tmp_path / "reviews.tsv")
    notes = Notes()
    settings = TextClassificationSettings(
        corpus=str(reviews), init=str(encoder), freeze=freeze, dropout=0.0, lr=0.01, batch_size=16, epochs=3
    )
    run = train_classifier(settings, tmp_path / "run", callbacks=notes)
    assert any("0.0% of the tokens are unknown" in text for text in notes.messages)
    start = load(encoder)
    assert run.vocabulary == start.vocabulary
    assert (run.settings.model, run.settings.embedding_size, run.settings.max_length) == (
        "transformer",
        16,
        12,
    )
    arrays = run.model.encoder.encoder.state_dict()
    for name, array in start.model.encoder.state_dict().items():
        assert np.array_equal(arrays[name], array) == freeze
    assert freeze or run.evaluate().accuracy > 0.9
    (encoder / "config.json").rename(encoder / "away.json")
    again = seqkit.load(tmp_path / "run")  # the run needs nothing of where it began
    assert again.evaluate("valid").accuracy == run.evaluate("valid").accuracy
    (encoder / "away.json").rename(encoder / "config.json")
    with pytest.raises(TrainingInterrupted):
        train_classifier(settings, tmp_path / "again", callbacks=Notes(stop_after=1))
    done = train_classifier(TextClassificationSettings(), tmp_path / "again", resume=True)
    for name, array in run.model.state_dict().items():
        np.testing.assert_array_equal(done.model.state_dict()[name], array)


@pytest.mark.parametrize("freeze", [False, True])
def test_new_words_join_an_encoder_that_learns(encoder: Path, tmp_path: Path, freeze: bool) -> None:
    reviews = write_reviews(tmp_path / "reviews.tsv")
    with reviews.open("a") as file:
        file.writelines(f"pos\tunheard unheard {word}\n" for word in ("of", "once", "more"))
    settings = TextClassificationSettings(
        corpus=str(reviews),
        init=str(encoder),
        freeze=freeze,
        lr=1e-12,
        epochs=1,
        min_count=1 if freeze else 2,
    )
    run, start = train_classifier(settings, tmp_path / "run"), load(encoder)
    new = () if freeze else ("unheard",)
    assert run.vocabulary.tokens == (*start.vocabulary.tokens, *new)
    W = run.model.encoder.encoder.embedding.tokens.weight.data
    own = start.model.encoder.embedding.tokens.weight.data
    np.testing.assert_allclose(W[: len(own)], own, atol=1e-6)
    assert len(W) == len(own) + len(new)
    assert (np.abs(W[len(own) :]) > 0).all()
    none = dataclasses.replace(settings, min_count=None if freeze else 10**6)  # nothing new is no error
    same = train_classifier(none, tmp_path / "same")
    assert same.vocabulary.tokens == start.vocabulary.tokens
    again = seqkit.load(tmp_path / "run")
    np.testing.assert_array_equal(again.log_probs(["unheard"]), run.log_probs(["unheard"]))


def test_what_an_encoder_decides(encoder: Path, tmp_path: Path) -> None:
    reviews = write_reviews(tmp_path / "reviews.tsv")
    for changes, said in (
        (
            {"embedding_size": 32},
            r"expected embedding_size \(--emsize\) to be 16, as in the encoder, got 32; leave it out",
        ),
        ({"tokenizer": "char"}, "expected tokenizer to be word, as in the encoder, got char"),
        ({"model": "bag"}, "expected model to be transformer, as in the encoder, got bag"),
        ({"pooling": "last"}, "expected pooling to be one of mean, cls, max"),
    ):
        values = {"corpus": str(reviews), "init": str(encoder), **changes}
        with pytest.raises(UsageError, match=said):
            train_classifier(TextClassificationSettings.from_values(values), tmp_path / "run")
    pairs = Seq2SeqSettings(corpus=str(write_pairs(tmp_path / "pairs.tsv")), tokenizer="char", max_steps=1)
    train_seq2seq(pairs, tmp_path / "pairs")
    settings = TextClassificationSettings(corpus=str(reviews), init=str(tmp_path / "pairs"))
    with pytest.raises(RunError, match="is a run of seq2seq, which has no encoder"):
        train_classifier(settings, tmp_path / "run")
    assert not (tmp_path / "run").exists()
