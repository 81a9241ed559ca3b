"""Trainings that start from a run (``init``): its weights, its vocabulary kept or grown, its settings."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seqkit
from seqkit.backend import to_numpy
from seqkit.errors import DataError, RunError, TrainingInterrupted, UsageError
from seqkit.training import Callback, RunDirectory, Task
from tests.exhaustive import some
from tests.tasks.test_every_setting import CORPORA, METHODS, SETTINGS, TASKS
from tests.tasks.test_image_classification import write_stripes
from tests.tasks.test_seq2seq import write_pairs
from tests.tasks.test_sequence_labeling import write_sentences
from tests.tasks.test_text_classification import write_reviews
from tests.training.tiny import cache_set, write_corpus

pytestmark = pytest.mark.slow

GRADIENT = [task for task in METHODS if task != "embeddings"]
TEXT = [task for task in GRADIENT if task != "image_classification"]
NEW = {
    "text": "quokka the quokka sat\nthe quokka ran\n" * 30,
    "seq2seq": "".join(f"quokka {n}\tquokka x{n % 3}\n" for n in range(40)),
    "labelled": "".join(f"{('neg', 'pos')[n % 2]}\tquokka film {n}\n" for n in range(40)),
    "tagged": "".join(f"quokka B-PER\nsat O\n{n} O\n\n" for n in range(40)),
}
"""Texts with a word that the first run has not seen."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, cache_folder: Path) -> Iterator[Path]:
    """A run of each task and method, with a vocabulary of words."""
    folder = tmp_path_factory.mktemp("runs")
    with cache_set(cache_folder):
        write_corpus(folder / "text", lines=30, seed=0)
        write_pairs(folder / "seq2seq", count=40, seed=0)
        write_reviews(folder / "labelled", count=40, seed=0)
        write_sentences(folder / "tagged", count=40, seed=0)
        write_stripes(folder / "images", count=40, size=8, seed=0)
        for kind, text in NEW.items():
            (folder / f"new-{kind}").write_text(text)
        yield folder


def corpus_of(task: str) -> str:
    return CORPORA.get(task, "text")


def first_run(folder: Path, task: str, method: str) -> Path:
    out = folder / f"{task}-{method}"
    if not out.exists():
        TASKS[task].train(SETTINGS[task](corpus=str(folder / corpus_of(task)), **METHODS[task][method]), out)
    return out


def started(folder: Path, task: str, callback: Callback | None = None, **values: Any) -> Task:
    """A task before its first step."""
    settings = SETTINGS[task](**{"corpus": str(folder / corpus_of(task)), **values})
    module = __import__(f"seqkit.tasks.{task}.task", fromlist=["make_task"])
    made: Task = module.make_task(settings, module.open_corpus(settings), callback or Callback())
    made.load_initial_weights()
    return made


def weights(task: Task) -> dict[str, np.ndarray]:
    return {name: to_numpy(array) for name, array in task.model.state_dict().items()}


NEURAL = [
    (task, method)
    for task in GRADIENT
    for method in METHODS[task]
    if method not in ("kneser-ney", "hmm", "frequent")
]


@pytest.mark.parametrize(("task", "method"), some(NEURAL, every=2))
def test_before_the_first_step_the_weights_are_those_of_the_run(folder: Path, task: str, method: str) -> None:
    init = first_run(folder, task, method)
    now, before = weights(started(folder, task, init=str(init), seed=5)), RunDirectory.open(init).load_model()
    assert now.keys() == before.keys()
    for name, array in before.items():
        np.testing.assert_array_equal(now[name], array)


@pytest.mark.parametrize("task", TEXT)
def test_a_vocabulary_is_kept_or_grows_by_rows(folder: Path, task: str) -> None:
    method = next(iter(METHODS[task]))
    init, corpus = first_run(folder, task, method), str(folder / f"new-{corpus_of(task)}")
    before = RunDirectory.open(init).load_model()
    vocabularies = [name for name in RunDirectory.open(init).config["files"] if name.endswith("vocab.txt")]
    kept = started(folder, task, corpus=corpus, init=str(init), grow_vocabulary=False)
    for name in vocabularies:
        assert kept.artifacts[name] == (init / name).read_bytes()
    grown = started(folder, task, corpus=corpus, init=str(init), grow_vocabulary=True)
    words = [name for name in vocabularies if b"quokka" in grown.artifacts[name]]
    assert words
    arrays = weights(grown)
    larger = [name for name in before if len(arrays[name]) > len(before[name])]
    assert larger
    for name in before.keys() - larger:
        if not name.startswith(("output", "crf")):
            np.testing.assert_array_equal(arrays[name], before[name])
    for name in larger:
        n = len(before[name]) - 2 * (task == "masked_language_modeling")  # <cls> and <mask> stay last
        np.testing.assert_array_equal(arrays[name][:n], before[name][:n])
        if n < len(before[name]):
            np.testing.assert_array_equal(arrays[name][-2:], before[name][-2:])
        assert np.isfinite(arrays[name]).all()
        assert arrays[name].ndim == 1 or arrays[name].std(axis=-1).all()


class Stop(Callback):
    """Stops a training as a signal does, after its first epoch."""

    def on_epoch_end(self, record: dict[str, Any]) -> None:
        raise TrainingInterrupted("stopped", signum=15)


@pytest.mark.parametrize("task", some(list(METHODS), every=2))
def test_a_run_that_started_from_another_goes_on_without_it(folder: Path, task: str, tmp_path: Path) -> None:
    method = next(iter(METHODS[task]))
    init = shutil.copytree(first_run(folder, task, method), tmp_path / "init")
    corpus = folder / (f"new-{corpus_of(task)}" if task != "image_classification" else "images")
    values = {"workers": 1} if task == "embeddings" else {}
    settings = SETTINGS[task](corpus=str(corpus), init=str(init), epochs=2, **values)
    whole = TASKS[task].train(settings, tmp_path / "whole")
    record = whole.run.config["init"]
    assert record["source"] == str(init)
    assert len(record["sha256"]) == 64
    with pytest.raises(TrainingInterrupted):
        TASKS[task].train(settings, tmp_path / "cut", callbacks=Stop())
    shutil.rmtree(init)
    cut = TASKS[task].train(settings, tmp_path / "cut", resume=True, changes={"init": str(init)})
    assert cut.run.load_model().keys() == whole.run.load_model().keys()
    for name, array in whole.run.load_model().items():
        np.testing.assert_array_equal(cut.run.load_model()[name], array)
    assert seqkit.load(tmp_path / "cut").settings.init == str(init)


def test_without_a_checkpoint_the_same_weights_are_needed(folder: Path, tmp_path: Path) -> None:
    init = shutil.copytree(first_run(folder, "language_modeling", "lstm"), tmp_path / "init")
    settings = SETTINGS["language_modeling"](corpus=str(folder / "text"), init=str(init), epochs=1)
    TASKS["language_modeling"].train(settings, tmp_path / "run")
    for name in ("last.safetensors", "model.safetensors", "log.jsonl"):
        (tmp_path / "run" / name).unlink()
    other = TASKS["language_modeling"].train(settings, tmp_path / "other")
    shutil.rmtree(init)
    shutil.copytree(other.run.path, init)
    with pytest.raises(RunError, match=r"the weights in .*init are not those with which .*run was begun"):
        TASKS["language_modeling"].train(settings, tmp_path / "run", resume=True)


LM, WORDS = "language_modeling", "grow_vocabulary has no effect here: it is for words and characters"
CONTRADICTIONS: list[tuple[str, str, dict[str, Any], str]] = [
    (LM, "lstm", {"embedding_size": 12}, r"expected embedding_size \(--emsize\) to be 8, as in the run .*12"),
    (LM, "lstm", {"embedding_size": 256}, r"expected embedding_size \(--emsize\) to be 8"),  # the default
    (LM, "lstm", {"model": "gru"}, "expected model to be lstm, as in the run"),
    (LM, "lstm", {"tokenizer": "char"}, "expected tokenizer to be word, as in the run"),
    (LM, "lstm", {"min_count": 3}, "expected min_count to be 1, as in the run"),
    (LM, "lstm", {"init_range": 0.1}, "init_range has no effect here: it is for new weights"),
    (LM, "lstm", {"forget_bias": 0.0}, "forget_bias has no effect here: it is for new weights"),
    (LM, "transformer", {"bptt": 5}, "bptt has no effect here"),
    (LM, "gru", {"grow_vocabulary": True}, WORDS),
    ("masked_language_modeling", "transformer", {"num_layers": 3}, r"num_layers \(--nlayers\) to be 1"),
    ("seq2seq", "lstm", {"attention": "dot"}, "expected attention to be general, as in the run"),
    ("seq2seq", "lstm", {"reverse": True}, "expected reverse to be False, as in the run"),
    ("text_classification", "bag", {"model": "lstm"}, "expected model to be bag, as in the run"),
    ("text_classification", "bag", {"vectors": "v"}, "expected vectors or init, got both"),
    ("text_classification", "lstm", {"freeze": True, "grow_vocabulary": True}, "freeze or grow_vocabulary"),
    ("sequence_labeling", "lstm", {"characters": "lstm"}, "expected characters to be cnn, as in the run"),
    ("image_classification", "mlp", {"hidden": "9"}, "expected hidden to be 7, as in the run"),
    ("embeddings", "cbow", {"lowercase": True}, "expected lowercase to be False, as in the run"),
]


@pytest.mark.parametrize(("task", "method", "values", "said"), CONTRADICTIONS)
def test_what_contradicts_the_run_is_refused(
    folder: Path, task: str, method: str, values: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        started(folder, task, init=str(first_run(folder, task, method)), **values)


def test_what_is_no_such_run_is_refused(folder: Path) -> None:
    for task, method, other in (
        ("language_modeling", "kneser-ney", "language_modeling"),
        ("sequence_labeling", "hmm", "sequence_labeling"),
        ("language_modeling", "lstm", "seq2seq"),
        ("image_classification", "mlp", "text_classification"),
    ):
        with pytest.raises(RunError, match=r"model of counts|expected a run of|no encoder to start from"):
            started(folder, other, init=str(first_run(folder, task, method)))
    with pytest.raises(RunError, match=r"no run at .*nothing; give a run of train-lm"):
        started(folder, "language_modeling", init=str(folder / "nothing"))


class Notes(Callback):
    """Keeps the messages."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def on_message(self, text: str) -> None:
        self.messages.append(text)


@pytest.mark.parametrize("task", ["text_classification", "sequence_labeling"])
def test_other_labels_get_a_new_output_layer(folder: Path, task: str, tmp_path: Path) -> None:
    text = NEW[corpus_of(task)].replace("pos", "great").replace("PER", "ANIMAL")
    (tmp_path / "other").write_text(text)
    init, notes = first_run(folder, task, next(iter(METHODS[task]))), Notes()
    now = weights(started(folder, task, notes, corpus=str(tmp_path / "other"), init=str(init)))
    before = RunDirectory.open(init).load_model()
    assert any(note.startswith("new output layer: ") for note in notes.messages)
    assert not np.array_equal(now["output.weight"], before["output.weight"])
    rest = [name for name in before if "weight_hh" in name]
    assert rest
    for name in rest:
        np.testing.assert_array_equal(now[name], before[name])


def test_a_character_that_the_run_has_not_seen_needs_a_row(folder: Path, tmp_path: Path) -> None:
    values = {**METHODS["language_modeling"]["lstm"], "tokenizer": "char"}
    settings = SETTINGS["language_modeling"](corpus=str(folder / "text"), **values)
    TASKS["language_modeling"].train(settings, tmp_path / "run")
    (tmp_path / "new").write_text("the cat sat ☃\n" * 40)
    files = {"corpus": str(tmp_path / "new"), "init": str(tmp_path / "run")}
    with pytest.raises(DataError, match=r"'☃' is not among .*or with init give grow_vocabulary=True"):
        started(folder, "language_modeling", **files)
    grown = started(folder, "language_modeling", **files, grow_vocabulary=True)
    assert "☃".encode() in grown.artifacts["vocab.txt"]


@pytest.mark.parametrize("grow_vocabulary", [True, False])
def test_vectors_go_on_with_another_optimizer(folder: Path, grow_vocabulary: bool) -> None:
    init = first_run(folder, "embeddings", "cbow")
    values = {**METHODS["embeddings"]["adam"], "init": str(init), "grow_vocabulary": grow_vocabulary}
    if not grow_vocabulary:
        del values["min_count"]
    task = started(folder, "embeddings", **{**values, "corpus": str(folder / "new-text")})
    before, now = seqkit.load(init), weights(task)
    assert ("quokka" in task.encoded.vocabulary) is grow_vocabulary  # type: ignore[attr-defined]
    rows = task.encoded.vocabulary.encode(before.vocabulary.tokens)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(now["input.weight"][rows], before.vectors)
    np.testing.assert_array_equal(now["output.weight"][rows], before.output)


def test_a_given_dropout_replaces_that_of_the_run(folder: Path) -> None:
    init = str(first_run(folder, "language_modeling", "lstm"))
    assert started(folder, "language_modeling", init=init).settings.dropout == 0.1  # type: ignore[attr-defined]
    task = started(folder, "language_modeling", init=init, dropout=0.4, lr=0.5)
    assert (task.settings.dropout, task.settings.lr) == (0.4, 0.5)  # type: ignore[attr-defined]


def test_unknown_words_are_told_with_the_remedy(folder: Path) -> None:
    init, notes = str(first_run(folder, "language_modeling", "lstm")), Notes()
    started(folder, "language_modeling", notes, corpus=str(folder / "new-text"), init=init)
    [said] = [note for note in notes.messages if note.startswith("starts from")]
    assert said.endswith("of the tokens are unknown (grow_vocabulary adds them)")
    assert not any(note.startswith("warning") for note in notes.messages)


def test_images_are_standardized_as_in_the_run(folder: Path, tmp_path: Path) -> None:
    init = first_run(folder, "image_classification", "mlp")
    write_stripes(tmp_path / "other", count=40, size=8, seed=9)
    task = started(folder, "image_classification", corpus=str(tmp_path / "other"), init=str(init))
    assert task.artifacts["standardization.json"] == (init / "standardization.json").read_bytes()
    write_stripes(tmp_path / "large", count=40, size=9, seed=9)
    with pytest.raises(DataError, match="expected images of 8×8×1, as in the run, got 9×9×1"):
        started(folder, "image_classification", corpus=str(tmp_path / "large"), init=str(init))
