"""Progress and logs of trainings in Python: a bar if it is wanted, and lines at level INFO."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import pytest

from seqkit.progress import BarReporter, Job, Reporter, reporters
from seqkit.tasks.embeddings import TrainedEmbeddings
from seqkit.vectors import Word2Vec
from tests.exhaustive import some
from tests.tasks.test_every_setting import CORPORA, METHODS, SETTINGS, TASKS
from tests.tasks.test_image_classification import write_stripes
from tests.tasks.test_seq2seq import write_pairs
from tests.tasks.test_sequence_labeling import write_sentences
from tests.tasks.test_text_classification import write_reviews
from tests.training.tiny import write_corpus

pytestmark = pytest.mark.slow

WRITERS: dict[str, Any] = {
    "text": write_corpus, "seq2seq": write_pairs, "labelled": write_reviews, "tagged": write_sentences,
    "images": write_stripes,
}  # fmt: skip


@pytest.fixture(params=METHODS)
def training(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Trains a task, with or without a bar."""
    task: str = request.param
    kind = CORPORA.get(task, "text")
    write = {"text": {"lines": 30}, "images": {"count": 40, "size": 8}}.get(kind, {"count": 40})
    WRITERS[kind](tmp_path / "corpus", seed=0, **write)
    values = next(iter(METHODS[task].values()))
    settings = SETTINGS[task](corpus=str(tmp_path / "corpus"), **values)
    return lambda **given: TASKS[task].train(settings, tmp_path / "run", **given)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show jobs when they begin, not after two seconds."""

    def start(self: BarReporter, job: Job) -> None:
        Reporter.start(self, job)
        self.tick()

    monkeypatch.setattr(reporters, "DELAY", 0.0)
    monkeypatch.setattr(BarReporter, "start", start)


@pytest.mark.usefixtures("at_once")
def test_every_training_logs_and_shows_a_bar_if_asked(
    training: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.INFO, logger="seqkit"):
        trained = training(progress=True)
    lines = [record.getMessage() for record in caplog.records if record.name == "seqkit"]
    assert any(re.match(r"epoch 1( of \d)? done at step", line) for line in lines)
    assert re.search("training: .*%|fitting: ", capfd.readouterr().err)
    if not isinstance(trained, TrainedEmbeddings):  # whose evaluation needs files
        trained.evaluate()
        assert capfd.readouterr().err == ""
        trained.evaluate(progress=True)
        assert "evaluating: " in capfd.readouterr().err


@pytest.mark.parametrize("training", some(list(METHODS), every=4), indirect=True)
def test_by_default_nothing_is_printed(training: Any, capfd: pytest.CaptureFixture[str]) -> None:
    training()
    assert capfd.readouterr() == ("", "")


TEXT = [["red", "green", "blue"], ["cat", "dog", "cow"]] * 50
SMALL: dict[str, Any] = {"vector_size": 4, "min_count": 1, "workers": 2, "epochs": 2}


@pytest.mark.usefixtures("at_once")
def test_word2vec_shows_a_bar(capfd: pytest.CaptureFixture[str]) -> None:
    silent = Word2Vec(TEXT, **SMALL)
    assert capfd.readouterr().err == ""
    shown = Word2Vec(TEXT, **SMALL, progress=True)
    assert "words, " in capfd.readouterr().err
    shown.train(TEXT, progress=False)
    assert capfd.readouterr().err == ""
    silent.train(TEXT, progress=True)
    assert "words, " in capfd.readouterr().err
    silent.progress = True  # an attribute that is set holds from the next training on
    silent.train(TEXT)
    assert "words, " in capfd.readouterr().err
