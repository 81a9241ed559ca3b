"""The task: perplexity by definition, protocols, scores, and settings."""

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seqkit
from seqkit.backend.random import Generator
from seqkit.corpora import open_corpus
from seqkit.data import BPTTBatches, LineStreams
from seqkit.errors import DataError, RunError, UsageError
from seqkit.models import (
    LanguageModel,
    LanguageModelConfig,
    NGramConfig,
    TransformerLanguageModel,
    TransformerLanguageModelConfig,
    fit_kneser_ney,
)
from seqkit.tasks.language_modeling import (
    LanguageModelSettings,
    ResolvedLanguageModelSettings,
    TrainedLanguageModel,
    evaluation,
    train,
)
from seqkit.tasks.language_modeling.evaluation import (
    blocks_loss,
    line_losses,
    stream_loss,
    textbook_loss,
    windows_loss,
)
from seqkit.tasks.language_modeling.task import NeuralLanguageModeling, make_task
from seqkit.training import Callback, RunDirectory, checksummed
from tests.training.tiny import TINY, write_corpus

V, EOS = 13, 4


def model_of(kind: str) -> LanguageModel:
    model = LanguageModel(
        LanguageModelConfig(
            V, model=kind, embedding_size=5, hidden_size=6, num_layers=2, dropout=0.4, init_range=1.0
        ),
        generator=Generator(3, "init"),
    )
    model.astype(np.float64)
    return model


def stream(n: int, seed: int = 0) -> np.ndarray:
    return Generator(seed).integers(0, V, n).astype(np.uint16)


def step_by_step(model: Any, ids: np.ndarray, first: int, state: Any = None) -> float:
    """Σ -log P of every id, one at a time: the definition."""
    state, before, total = model.start(1) if state is None else state, first, 0.0
    for i in ids:
        log_probs, state = model.step(np.array([before]), state)
        total -= float(log_probs[0, int(i)])
        before = int(i)
    return total


# Perplexity


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn"])
def test_the_loss_of_a_stream_is_that_of_every_token(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, ids = model_of(kind), stream(101)
    expected = step_by_step(model, ids, EOS)
    assert stream_loss(model, ids, EOS) == pytest.approx(expected, rel=1e-12)
    monkeypatch.setattr(evaluation, "_SCORES_AT_ONCE", 7 * V)  # windows of 7 tokens change nothing
    assert stream_loss(model, ids, EOS) == pytest.approx(expected, rel=1e-12)


def test_a_transformer_with_room_for_all_predicts_as_step_by_step() -> None:
    config = TransformerLanguageModelConfig(
        V, embedding_size=6, num_layers=2, num_heads=2, max_length=64, init_std=0.5
    )
    model, ids = TransformerLanguageModel(config, generator=Generator(3, "init")), stream(31)
    model.astype(np.float64)
    assert stream_loss(model, ids, EOS) == pytest.approx(step_by_step(model, ids, EOS), rel=1e-9)


@pytest.mark.parametrize("kind", ["lstm", "transformer"])
def test_the_loss_of_blocks_is_that_of_each_by_itself(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if kind == "transformer":
        config = TransformerLanguageModelConfig(V, embedding_size=6, num_heads=2, max_length=7, init_std=0.5)
        model: Any = TransformerLanguageModel(config, generator=Generator(3, "init"))
        model.astype(np.float64)
    else:
        model = model_of(kind)
    ids = stream(31)
    firsts = [EOS, *ids[6::7].tolist()]
    blocks = [ids[start : start + 7] for start in range(0, 31, 7)]
    expected = sum(step_by_step(model, block, first) for block, first in zip(blocks, firsts, strict=True))
    assert blocks_loss(model, ids, EOS, length=7) == pytest.approx(expected, rel=1e-9)
    monkeypatch.setattr(evaluation, "_SCORES_AT_ONCE", 2 * 7 * V)  # two blocks at a time change nothing
    assert blocks_loss(model, ids, EOS, length=7) == pytest.approx(expected, rel=1e-9)


def test_a_transformer_is_trained_saved_read_and_goes_on(tmp_path: Path) -> None:
    settings = LanguageModelSettings.from_values(
        {"corpus": str(write_corpus(tmp_path / "text.txt")), "model": "transformer", "embedding_size": 8,
         "num_heads": 2, "num_layers": 1, "context_length": 8, "batch_size": 4, "epochs": 2, "min_count": 1}
    )  # fmt: skip
    run = train(settings, tmp_path / "run")
    assert (run.settings.hidden_size, run.settings.dropout, run.settings.lr) == (32, 0.2, 0.001)
    again = seqkit.load(tmp_path / "run")
    assert again.evaluate("valid").perplexity == run.evaluate("valid").perplexity
    assert 1 < again.evaluate("valid").perplexity < 2 * len(again.vocabulary)
    blocks = again.evaluate("valid", protocol="blocks")
    assert blocks.predictions == again.evaluate("valid").predictions
    assert blocks.protocol == "blocks"
    long = again.generate("", max_new_tokens=20, stop=[], seed=1)  # further than its context
    assert long[0].tokens == 20


@pytest.mark.parametrize("batch_size", [2, 3, 7, 20])
def test_streams_side_by_side_predict_every_token_once(batch_size: int) -> None:
    """Each stream begins with an empty state, its first token predicted from the end of a line."""
    model, ids = model_of("lstm"), stream(101)
    starts = LineStreams(ids, batch_size=batch_size, length=1, end_id=EOS).starts
    assert len(starts) > 1
    expected = sum(
        step_by_step(model, ids[start:end], EOS) for start, end in itertools.pairwise([*starts, len(ids)])
    )
    assert stream_loss(model, ids, EOS, batch_size=batch_size) == pytest.approx(expected, rel=1e-12)


def test_evaluation_polls_between_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "_SCORES_AT_ONCE", 10 * V)
    polls: list[int] = []
    stream_loss(model_of("gru"), stream(101), EOS, poll=lambda: polls.append(1))
    assert len(polls) == 11


def test_kneser_ney_starts_each_line_anew() -> None:
    ids = stream(300)
    model = fit_kneser_ney(ids, NGramConfig(V, 3, EOS))
    test = stream(101, seed=1)
    assert stream_loss(model, test, EOS) == pytest.approx(step_by_step(model, test, EOS), rel=1e-12)
    ends = [0, *(np.flatnonzero(test == EOS) + 1).tolist(), len(test)]
    lines = [test[a:b] for a, b in itertools.pairwise(ends) if b > a]
    by_line = [losses.sum() for losses in line_losses(model, lines, EOS)]
    assert sum(by_line) == pytest.approx(stream_loss(model, test, EOS), rel=1e-12)


def naive_textbook(model: LanguageModel, ids: np.ndarray) -> tuple[float, int]:
    """The second book's eval_perplexity: 10 offsets (N - 1) // 10 apart, windows of 35, no tail."""
    batch_size, time_size = 10, 35
    jump = (len(ids) - 1) // batch_size
    windows = (len(ids) - 1) // (batch_size * time_size)
    total = 0.0
    for row in range(batch_size):
        state = model.start(1)
        for position in range(windows * time_size):
            at = row * jump + position
            log_probs, state = model.step(np.array([int(ids[at])]), state)
            total -= float(log_probs[0, int(ids[at + 1])])
    return total, windows * time_size * batch_size


@pytest.mark.parametrize("n", [351, 700, 701, 777, 1111])
def test_the_textbooks_protocol(n: int) -> None:
    model, ids = model_of("lstm"), stream(n)
    total, predictions = textbook_loss(model, ids)
    expected, count = naive_textbook(model, ids)
    assert predictions == count
    assert total == pytest.approx(expected, rel=1e-12)


def test_line_losses_do_not_see_their_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of("gru")
    lines = [stream(n, seed=n) for n in (1, 17, 4, 30)]
    expected = [step_by_step(model, line, EOS) for line in lines]
    for at_once in (1 << 23, 4 * V * 5):
        monkeypatch.setattr(evaluation, "_SCORES_AT_ONCE", at_once)
        losses = list(line_losses(model, lines, EOS))
        assert [len(each) for each in losses] == [1, 17, 4, 30]
        np.testing.assert_allclose([each.sum() for each in losses], expected, rtol=1e-12)


# A trained model


def tiny(folder: Path, **settings: Any) -> TrainedLanguageModel:
    """A finished run; the corpus lies beside it."""
    corpus = folder / "c.txt"
    if not corpus.exists():
        write_corpus(corpus)
    made = LanguageModelSettings(**{**TINY, "epochs": 1, "corpus": str(corpus), **settings})
    return train(made, folder / "run")


def test_the_figures_of_an_evaluation_by_hand(tmp_path: Path) -> None:
    model = tiny(tmp_path, vocab_size=8)
    text = "".join(line + "\n" for line in open_corpus(str(tmp_path / "c.txt")).lines("test"))
    tokens = [token for line in text.splitlines() for token in (*line.split(), "<eos>")]
    ids = [model.vocabulary.id(token) for token in tokens]
    total = step_by_step(model.model, np.array(ids), model.eos_id)
    result = model.evaluate("test")
    assert result.predictions == len(tokens)
    assert result.loss * len(tokens) == pytest.approx(total, rel=1e-5)
    assert result.perplexity == pytest.approx(math.exp(total / len(tokens)), rel=1e-5)
    assert result.bits_per_character is None, "the characters of unknown tokens are not predicted"
    assert result.vocab_size == 8
    assert result.unk_fraction == pytest.approx(ids.count(model.vocabulary.unk_id or 0) / len(ids))
    assert 0.2 < result.unk_fraction < 0.9
    (tmp_path / "known").mkdir()
    known = tiny(tmp_path / "known", min_count=1).evaluate("test")
    assert known.unk_fraction == 0
    bits = known.loss * known.predictions / math.log(2)
    assert known.bits_per_character == pytest.approx(bits / len(text), rel=1e-5)


def test_bits_per_character_of_a_text_that_has_unk_itself(tmp_path: Path) -> None:
    """As Penn Treebank: the characters of <unk> are those of the text."""
    path, lines = tmp_path / "c.txt", ["the cat <unk>", "the <unk> sat"] * 40
    path.write_text("\n".join(lines) + "\n", "utf-8")
    result = tiny(tmp_path, min_count=1, tokenizer="whitespace").evaluate("test")
    assert result.unk_fraction == pytest.approx(1 / 4)
    characters = len("the cat <unk>\n") * result.predictions / 4
    bits = result.loss * result.predictions / math.log(2)
    assert result.bits_per_character == pytest.approx(bits / characters, rel=1e-9)


def test_scores_take_lines_in_any_number(tmp_path: Path) -> None:
    """Blocks of 64 lines: the score of a line is the same in any company."""
    model = tiny(tmp_path)
    lines = ["the cat", "", "a big red dog ran to the house"] * 43
    scores = list(model.score(iter(lines)))
    assert len(scores) == 129
    alone = [next(iter(model.score([line]))) for line in lines[:3]]
    for i, score in enumerate(scores):
        assert score.log_prob == pytest.approx(alone[i % 3].log_prob, rel=1e-5)
        assert (score.tokens, score.unknown) == (alone[i % 3].tokens, alone[i % 3].unknown)
    assert list(model.score([])) == []


def test_loading_gives_the_best_model_not_the_last(tmp_path: Path) -> None:
    model = tiny(tmp_path, epochs=3)
    arrays, _ = checksummed.read_tensors(tmp_path / "run" / "model.safetensors")
    arrays["output.bias"] = arrays["output.bias"] + 1
    checksummed.write_tensors(
        tmp_path / "run" / "model.safetensors", arrays, {"step": 1, "epoch": 1, "scores": None}
    )
    again = seqkit.load(tmp_path / "run")
    np.testing.assert_array_equal(again.model.output.bias.data, model.model.output.bias.data + 1)
    assert not again.model.training
    assert "1×8 LSTM, embedding 8, tied, 14 types" in repr(again)


def test_a_run_of_another_task_is_refused(tmp_path: Path) -> None:
    RunDirectory.create(tmp_path / "run", {"task": "juggling"}, {})
    for use in (seqkit.load, lambda path: train(LanguageModelSettings(), path, resume=True)):
        with pytest.raises(RunError, match="juggling"):
            use(tmp_path / "run")


def test_a_corpus_that_changed_is_refused(tmp_path: Path) -> None:
    model = tiny(tmp_path)
    write_corpus(tmp_path / "c.txt", seed=2)
    with pytest.raises(DataError, match=r"has changed since .*run was begun"):
        model.evaluate("test")
    assert model.evaluate("test", corpus=str(tmp_path / "c.txt")).predictions > 0


def test_questions_that_cannot_be_answered(tmp_path: Path) -> None:
    model = tiny(tmp_path)
    with pytest.raises(DataError, match="expected split to be one of train, valid, test, got 'dev'"):
        model.evaluate("dev")
    with pytest.raises(UsageError, match="one of exact, textbook, blocks, got 'vague'"):
        model.evaluate(protocol="vague")
    with pytest.raises(UsageError, match="expected stop to be tokens of the vocabulary, got 'zebra'"):
        model.generate(stop=["zebra"])


def test_validation_may_look_at_the_first_tokens_only(tmp_path: Path) -> None:
    model = tiny(tmp_path, valid_tokens=7, eval_batch_size=1)
    metadata = model.run.best
    ids = model.encoded().splits["valid"]
    assert len(ids) > 7
    expected = step_by_step(model.model, ids[:7], model.eos_id) / 7
    assert metadata["scores"]["loss"] == pytest.approx(expected, rel=1e-5)


def test_kneser_ney_is_trained_saved_and_read(tmp_path: Path) -> None:
    write_corpus(tmp_path / "c.txt")
    settings = LanguageModelSettings(
        corpus=str(tmp_path / "c.txt"), model="kneser-ney", order=3, tokenizer="word"
    )
    model = train(settings, tmp_path / "run")
    encoded = model.encoded()
    direct = fit_kneser_ney(encoded.splits["train"], NGramConfig(len(model.vocabulary), 3, model.eos_id))
    expected = -float(direct.log_probs(encoded.splits["test"]).sum())
    assert model.evaluate("test").loss * len(encoded.splits["test"]) == expected


# Settings


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"hidden_size": 0}, "expected hidden_size (--nhid) to be above 0, got 0"),
        ({"lr": float("nan")}, "expected lr to be a finite number"),
        ({"weight_decay": -1.0}, "expected weight_decay to be at least 0"),
        ({"weight_decay": float("nan")}, "expected weight_decay to be a finite number"),
        ({"dropout_hidden": 1.0}, "expected dropout_hidden to be at least 0 and below 1"),
        (
            {"model": "bert"},
            "expected model to be one of lstm, gru, rnn, transformer, kneser-ney, got 'bert'",
        ),
        (
            {"model": "transformer", "locked_dropout": True},
            "it is for recurrent models; leave locked_dropout out",
        ),
        ({"optimizer": "adma"}, "expected optimizer to be one of"),
        ({"max_steps": 0}, "expected max_steps to be above 0"),
        ({"nlayer": 2}, "unknown setting 'nlayer' in settings; did you mean nlayers?"),
        ({"num_layers": "2"}, "expected num_layers to be int, got '2', in settings"),
        ({"tied": 1}, "expected tied to be bool, got 1, in settings"),
        ({"lr": "fast"}, "expected lr to be float"),
        ({"num_heads": None}, "expected num_heads to be int, got None, in settings"),
    ],
)
def test_settings_that_cannot_be(values: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        LanguageModelSettings.from_values(values)
    assert said in str(caught.value)


def test_settings_are_read_as_written() -> None:
    settings = LanguageModelSettings.from_values({"batch-size": 3, "lr": 2, "max_steps": None})
    assert (settings.batch_size, settings.lr, settings.max_steps) == (3, 2.0, None)
    assert isinstance(settings.lr, float)
    assert LanguageModelSettings.from_values(settings.to_dict()) == settings


def test_what_may_change_on_resume() -> None:
    corpus = open_corpus("pydocs")
    saved = LanguageModelSettings(lr=0.1, corpus="pydocs").resolve(corpus).to_dict()
    changes: dict[str, Any] = {"epochs": 9, "max_steps": 5, "max_time": 1.5, "patience": 2, "log_interval": 3}
    changes |= {"checkpoint_interval": 0.5, "device": "cpu", "lr": 0.2, "clip": 1.0}
    changes |= {"anneal_to_max_time": True}
    assert changes.keys() == set(LanguageModelSettings.MAY_CHANGE)
    now = ResolvedLanguageModelSettings.to_resume(saved, changes)
    assert {name: getattr(now, name) for name in changes} == changes
    assert ResolvedLanguageModelSettings.to_resume(saved, saved) == ResolvedLanguageModelSettings.from_values(
        saved
    )
    for name, value in {"hidden_size": 3, "corpus": "ptb", "seed": 1, "tied": False, "dropout": 0.1}.items():
        with pytest.raises(UsageError, match=rf"a resumed run cannot change {name}( \(--\w+\))? from"):
            ResolvedLanguageModelSettings.to_resume(saved, {name: value})


def test_schedules_end_with_the_training() -> None:
    for limits, steps in (({"epochs": 3}, 30), ({"epochs": 3, "max_steps": 12}, 12)):
        for name in ("linear", "cosine"):
            schedule = LanguageModelSettings(schedule=name, **limits).make_schedule(10)
            assert schedule.at(0, 0) == 1
            assert schedule.at(steps, 0) == pytest.approx(0, abs=1e-15)
            assert schedule.at(steps - 1, 0) > 0
    late = LanguageModelSettings(schedule="cosine", warmup=1000, epochs=1).make_schedule(10)
    assert late.at(9, 0.9) < 0.02


def test_training_reads_every_token_but_the_rest_of_the_streams(tmp_path: Path) -> None:
    model = tiny(tmp_path, log_interval=1)
    encoded = model.encoded()
    batches = BPTTBatches(encoded.splits["train"], batch_size=4, bptt=5, start_id=model.eos_id)
    _, metadata = checksummed.read_tensors(tmp_path / "run" / "last.safetensors")
    assert metadata["progress"]["tokens"] == len(encoded.splits["train"]) // 4 * 4
    assert metadata["progress"]["step"] == len(batches)


# Streams of the validation

LATCH_WORDS, LATCH_TRAP = 4, 5
"""Ids 1 to 4 follow one another; 0 ends a line; 5 never occurs."""


def latch_model() -> LanguageModel:
    """A plain recurrent model, its weights set by hand, that is lost until it has read the end of a line.

    Unit 0 becomes 1 at the first end of a line and stays there; units 1 to 6 hold the last token. While
    unit 0 is 0, the model is sure of the token that never occurs.
    """
    V = LATCH_TRAP + 1
    config = LanguageModelConfig(
        V, model="rnn", embedding_size=V, hidden_size=V + 1, num_layers=1, tied=False
    )
    model = LanguageModel(config, generator=0)
    values = {name: np.zeros_like(array) for name, array in model.state_dict().items()}
    values["embedding.weight"][...] = 8 * np.eye(V)
    values["recurrent.layers.0.weight_ih"][1:] = np.eye(V)
    values["recurrent.layers.0.weight_ih"][0, 0] = 1
    values["recurrent.layers.0.weight_hh"][0, 0] = 8
    output = values["output.weight"]
    for token in range(1, LATCH_WORDS + 1):
        output[token % LATCH_WORDS + 1, 1 + token] = 3
    output[LATCH_TRAP, 0] = -20
    values["output.bias"][LATCH_TRAP] = 20
    model.load_state_dict(values)
    return model.eval()


def latch_text(lines: int, length: int) -> np.ndarray:
    line = [*(i % LATCH_WORDS + 1 for i in range(length)), 0]
    return np.array(line * lines, np.int32)


@pytest.mark.parametrize("batch_size", [2, 10, 37])
def test_streams_side_by_side_give_the_exact_figure(batch_size: int) -> None:
    """Cut in the middle of lines, nine streams of ten would be lost for up to 150 tokens each."""
    model, ids = latch_model(), latch_text(lines=41, length=150)
    exact = stream_loss(model, ids, 0)
    assert exact / len(ids) < 1
    middle = BPTTBatches(ids, batch_size=batch_size, bptt=64, start_id=0, drop_remainder=False)
    assert windows_loss(model, middle, lambda: None) > 1.1 * exact, "the model shows the fault"
    assert stream_loss(model, ids, 0, batch_size=batch_size) == pytest.approx(exact, rel=0.02)


class Messages(Callback):
    def __init__(self) -> None:
        self.messages: list[str] = []

    def on_message(self, text: str) -> None:
        self.messages.append(text)


def test_a_text_with_unknown_tokens_was_cut_before(tmp_path: Path) -> None:
    """As a folder of the Penn Treebank's files: cut at blanks, all words kept."""
    for split, text in (
        ("train", "no it was n't <unk> mr. n\n"),
        ("valid", "u.s. n\n"),
        ("test", "was n't\n"),
    ):
        (tmp_path / f"ptb.{split}.txt").write_text(text * 20)
    settings, said = LanguageModelSettings(corpus=str(tmp_path), model="kneser-ney"), Messages()
    trained = train(settings, tmp_path / "run", callbacks=said)
    made = trained.settings
    assert (made.tokenizer, made.min_count) == ("whitespace", 1)
    note = "is already tokenized (it has <unk>): --tokenizer whitespace, --min-count 1"
    assert note in "\n".join(said.messages)
    # the published protocol: every word and every line end is predicted once
    assert {*trained.vocabulary.tokens} == {"no", "it", "was", "n't", "<unk>", "mr.", "n", "<eos>"}
    assert trained.evaluate("test").predictions == 20 * 3
    given = LanguageModelSettings(corpus=str(tmp_path), model="kneser-ney", tokenizer="word", min_count=3)
    made = train(given, tmp_path / "words").settings
    assert (made.tokenizer, made.min_count) == ("word", 3)


def test_another_file_is_evaluated_whole(tmp_path: Path) -> None:
    model = tiny(tmp_path)
    lines = ["the cat sat", "a dog ran to the house"] * 30
    (tmp_path / "other.txt").write_text("".join(line + "\n" for line in lines))
    whole = model.evaluate(corpus=str(tmp_path / "other.txt"))
    assert (whole.split, whole.predictions) == ("test", sum(len(line.split()) + 1 for line in lines))
    part = model.evaluate("test", corpus=str(tmp_path / "other.txt"))
    assert part.predictions < whole.predictions / 10


def test_sampled_softmax_needs_a_larger_vocabulary(tmp_path: Path) -> None:
    """With fewer samples it trains; its validation is that of the whole softmax."""
    corpus = str(write_corpus(tmp_path / "c.txt"))
    settings = LanguageModelSettings(**TINY, corpus=corpus, sampled_softmax=500)
    with pytest.raises(
        UsageError, match="expected sampled_softmax below the 14 words of the vocabulary, got 500"
    ):
        train(settings, tmp_path / "a")
    run = train(LanguageModelSettings(**TINY, corpus=corpus, sampled_softmax=5), tmp_path / "b")
    scores = run.run.best["scores"]
    exact = run.evaluate("valid", batch_size=10)
    assert scores["loss"] == pytest.approx(exact.loss, rel=1e-4)
    assert exact.perplexity < 14


@pytest.mark.parametrize(
    ("tokens", "vocab_size", "epochs", "samples"),
    [(1000, 300, 20, 0), (1_000_000, 4000, 20, 0), (2_100_000, 4001, 10, 1024), (10**9, 10**6, 1, 1024)],
)
def test_defaults_by_the_size_of_the_text(
    tokens: int, vocab_size: int, epochs: int, samples: int, tmp_path: Path
) -> None:
    corpus = open_corpus(str(write_corpus(tmp_path / "c.txt")))

    def complete(subwords: bool = False, **values: Any) -> tuple[int | None, int | None]:
        resolved = LanguageModelSettings(**values).resolve(corpus)
        settings = resolved.for_text(tokens, vocab_size, subwords=subwords)
        return settings.epochs, settings.sampled_softmax

    assert complete() == (epochs, samples)
    assert complete(subwords=True) == (epochs, 0)
    assert complete(model="transformer") == complete(init="somewhere") == (8, 0)
    assert complete(adaptive_softmax="auto") == (epochs, 0)
    assert complete(epochs=3, sampled_softmax=7) == (3, 7)
    assert complete(sampled_softmax=0) == (epochs, 0)


@pytest.mark.parametrize(
    ("tokens", "values", "dropout"),
    [
        (599_999, {}, 0.35),
        (600_000, {"model": "gru"}, 0.2),
        (599_999, {"model": "gru"}, 0.35),
        (599_999, {"dropout": 0.1}, 0.1),
        (599_999, {"epochs": 19}, 0.2),
        (599_999, {"epochs": 20}, 0.35),
        (599_999, {"hidden_size": 199}, 0.2),
        (599_999, {"model": "rnn"}, 0.2),
        (599_999, {"model": "transformer", "epochs": 20}, 0.2),
        (599_999, {"init": "somewhere", "epochs": 20}, 0.2),
        (20_000_000, {}, 0.0),
        (20_000_000, {"epochs": 2}, 0.2),
        (20_000_000, {"locked_dropout": True}, 0.2),
        (20_000_000, {"model": "transformer", "epochs": 1}, 0.2),
    ],
)
def test_default_dropout_by_the_size_of_the_text(
    tokens: int, values: dict[str, Any], dropout: float, tmp_path: Path
) -> None:
    corpus = open_corpus(str(write_corpus(tmp_path / "c.txt")))
    resolved = LanguageModelSettings(**values).resolve(corpus)
    assert resolved.for_text(tokens, 1000, subwords=False).dropout == dropout
    if dropout == 0.35:
        assert resolved.for_text(tokens, 999, subwords=False).dropout == 0.2  # characters


def test_a_training_reports_the_defaults_that_the_size_of_the_text_decides(tmp_path: Path) -> None:
    corpus = open_corpus(str(write_corpus(tmp_path / "c.txt")))
    messages: list[str] = []

    class Messages(Callback):
        def on_message(self, text: str) -> None:
            messages.append(text)

    def reported(**values: Any) -> list[str]:
        messages.clear()
        make_task(LanguageModelSettings(**values), corpus, Messages())
        return [text.partition(": ")[2] for text in messages if text.startswith("defaults for a text")]

    assert reported() == ["epochs 20, dropout 0.2, sampled-softmax 0"]
    assert reported(epochs=1, sampled_softmax=0) == ["dropout 0"]
    rates = {"dropout_input": 0.1, "dropout_hidden": 0.1, "dropout_output": 0.1}
    assert reported(epochs=3, sampled_softmax=0, **rates) == []
    assert reported(model="transformer") == []


@pytest.mark.parametrize(
    ("values", "optimizer", "anneals"),
    [
        ({}, "sgd", True),
        ({"max_time": 9.0}, "sgd", True),
        ({"max_time": 9.0, "model": "gru"}, "sgd", True),
        ({"max_time": 9.0, "model": "rnn"}, "adamw", False),
        ({"max_time": 9.0, "anneal_to_max_time": False}, "sgd", False),
        ({"max_time": 9.0, "optimizer": "adam"}, "adam", False),
        ({"max_time": 9.0, "model": "transformer"}, "adamw", False),
        ({"max_time": 9.0, "init": "somewhere"}, "adamw", False),
    ],
)
def test_defaults_of_the_optimizer(
    values: dict[str, Any], optimizer: str, anneals: bool, tmp_path: Path
) -> None:
    corpus = open_corpus(str(write_corpus(tmp_path / "c.txt")))
    settings = LanguageModelSettings(**values).resolve(corpus)
    assert (settings.optimizer, settings.anneals) == (optimizer, anneals)


def test_a_run_without_the_settings_keeps_what_they_meant(tmp_path: Path) -> None:
    """A run of an earlier version has no sampled_softmax: its loss is of all words when it is resumed."""
    words = [f"w{i}" for i in range(4100)]
    lines = [" ".join(words[i : i + 10]) + "\n" for i in range(0, 4100, 10)]
    (tmp_path / "c.txt").write_text("".join(lines * 20))
    small = LanguageModelSettings(**TINY, corpus=str(tmp_path / "c.txt"), min_count=1)
    corpus = open_corpus(small.corpus)

    def samples(settings: LanguageModelSettings) -> int:
        task = make_task(settings, corpus, Callback())
        assert isinstance(task, NeuralLanguageModeling)
        return task.model.config.sampled_softmax

    assert samples(small) == 1024
    complete = small.resolve(corpus)
    assert complete.sampled_softmax is None
    assert samples(complete) == 0


def test_flags_are_checked_by_the_defaults_of_their_model() -> None:
    LanguageModelSettings(objective="masked", beta2=0.98)
    LanguageModelSettings(adaptive_softmax="auto", sampled_softmax=0)
    LanguageModelSettings(num_layers=1, hidden_size=200)
    with pytest.raises(UsageError, match="hidden_size has no effect here"):
        LanguageModelSettings(num_layers=1, hidden_size=201)
