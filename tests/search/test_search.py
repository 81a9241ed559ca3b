"""Searches in one process: trials, pruning, divergence, mistakes, interruption, continuation."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from seqkit.errors import CorpusNotFoundError, DataError, RunError, TrainingInterrupted, UsageError
from seqkit.search import TASKS, open_search, search, storage
from seqkit.search.results import KILLS, WORKER, importance_of
from seqkit.search.worker import _fail_ended_workers, _take_up
from seqkit.tasks.language_modeling import LanguageModelSettings, train
from seqkit.tasks.sequence_labeling import SequenceLabelingSettings
from seqkit.training import Callback, RunDirectory
from tests.exhaustive import exhaustive
from tests.search.conftest import SPACE, Messages, Searching
from tests.tasks.test_sequence_labeling import write_sentences

pytest.importorskip("optuna")


def test_trials_are_runs_and_the_search_goes_on_where_it_stopped(
    searching: Searching, tmp_path: Path
) -> None:
    whole = searching(trials=4, out="whole")
    first = searching(trials=2)
    assert sorted(trial.number for trial in first.trials) == [0, 1]
    found = searching(trials=4)
    assert searching(trials=3).trials == found.trials == open_search(tmp_path / "search").trials
    assert [(each.number, each.params, each.score) for each in found.trials] == [
        (each.number, each.params, each.score) for each in whole.trials
    ]
    assert {trial.state for trial in found.trials} == {"complete"}
    scores = [trial.score for trial in found.trials]
    assert scores == sorted(scores, key=lambda score: score or 0.0)
    assert found.best is found.trials[0]
    for trial in found.trials:
        run = RunDirectory.open(trial.path)
        run.load_model()
        assert run.best["scores"]["loss"] == trial.score == min(trial.scores.values())
        assert run.entry("settings")["lr"] == trial.params["lr"]
        assert json.loads((trial.path / "trial.json").read_text())["state"] == "complete"
    settings = found.settings(found.best)
    assert isinstance(settings, LanguageModelSettings)
    assert (settings.lr, settings.epochs) == (found.best.params["lr"], 2)
    again = train(settings, tmp_path / "again")
    assert again.run.best["scores"]["loss"] == found.best.score


def test_another_search_does_not_mix_with_one(searching: Searching, tmp_path: Path) -> None:
    searching(trials=1)
    for options, message in (
        ({"settings": {"batch_size": 5}}, "expected batch_size to be 4, as in the search in .*, got 5"),
        ({"space": {"lr": SPACE["lr"]}}, r"expected \[dropout\] to be .*uniform.*got not given"),
        ({"seed": 3}, "expected seed to be 0, .* got 3"),
        ({"storage": "sqlite:///x.db"}, "expected the storage in the folder, .* got sqlite:///x.db"),
    ):
        with pytest.raises(RunError, match=message):
            searching(trials=2, **options)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes").write_text("")
    with pytest.raises(RunError, match="already holds notes"):
        searching(out="other")
    with pytest.raises(RunError, match=r"no search at .*: it has no search\.json"):
        open_search(tmp_path / "other")


def test_a_pruned_trial_is_marked_and_can_be_resumed(
    searching: Searching, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    optuna = pytest.importorskip("optuna")
    monkeypatch.setattr(optuna.trial.Trial, "should_prune", lambda trial: trial.number == 1)
    messages = Messages()
    found = searching(trials=2, callbacks=messages)
    pruned = found.trials[1]
    assert (pruned.number, pruned.state, list(pruned.scores)) == (1, "pruned", [1])
    assert f"trial 1: pruned after 1 epoch, valid loss {pruned.score:.4f}" in messages.lines
    mark = json.loads((pruned.path / "trial.json").read_text())
    assert (mark["state"], mark["epochs"], mark["valid_loss"]) == ("pruned", 1, pruned.score)
    before = RunDirectory.open(pruned.path).log.records()
    trained = train(found.settings(pruned), pruned.path, resume=True)
    assert [each["epoch"] for each in trained.run.log.records() if "train_loss" in each] == [1, 2]
    assert trained.run.log.records()[: len(before)] == before
    undisturbed = train(found.settings(pruned), tmp_path / "undisturbed")
    assert trained.run.best["scores"] == undisturbed.run.best["scores"]


def test_a_diverged_trial_ends_and_the_search_goes_on(searching: Searching) -> None:
    space = {"lr": {"categorical": [0.1, 1e20]}}
    found = searching(space, trials=3, settings={"optimizer": "sgd", "clip": 1e30, "epochs": 1})
    states = {trial.state for trial in found.trials}
    assert states == {"complete", "diverged"}
    for trial in found.trials:
        assert (trial.params["lr"] == 1e20) is (trial.state == "diverged")
        assert (trial.reason or "").startswith("training diverged") is (trial.state == "diverged")


def test_values_that_cannot_be_combined_fail_alone_or_stop_the_search(searching: Searching) -> None:
    model = {"model": "transformer", "embedding_size": 12, "epochs": 1, "bptt": None}
    found = searching({"nhead": {"integer": [4, 5]}}, trials=2, settings=model, seed=2)
    assert {trial.state for trial in found.trials} == {"complete", "failed"}
    for trial in found.trials:
        assert (trial.params["nhead"] == 5) is (trial.state == "failed")
    messages = Messages()
    with pytest.raises(UsageError, match="heads"):
        searching(SPACE, "all", {**model, "num_heads": 5}, trials=9, callbacks=messages)
    assert len([line for line in messages.lines if "failed after 0 epochs: " in line]) == 5


def test_a_mistake_stops_the_search_at_once(tmp_path: Path) -> None:
    settings = LanguageModelSettings(corpus=str(tmp_path / "absent.txt"))
    with pytest.raises(CorpusNotFoundError, match="absent"):
        search(settings, SPACE, tmp_path / "search")
    assert not (tmp_path / "search").exists()
    for text, error, message in (
        ({"pruner": "best"}, UsageError, "expected pruner to be one of median, hyperband, none"),
        ({"trials": 0}, UsageError, "expected trials to be at least 1"),
        ({"storage": "study.db"}, UsageError, "expected a storage such as postgresql://"),
    ):
        with pytest.raises(error, match=message):
            search(settings, SPACE, tmp_path / "search", **text)  # type: ignore[arg-type]


def test_a_corpus_without_validation_is_told() -> None:
    task = TASKS["image_classification"]
    assert task.score_of({"valid_loss": 0.5, "valid_accuracy": 0.75}, "valid_") == ("loss", 0.5)
    with pytest.raises(DataError, match="expected a corpus with a validation split to search by"):
        task.score_of({"train_loss": 0.5}, "valid_")


class Interrupt(Callback):
    """Sends Ctrl-C at a step."""

    def __init__(self, at: int) -> None:
        self.at = at

    def on_step(self, step: int, loss: float) -> None:
        if step == self.at:
            signal.raise_signal(signal.SIGINT)


def test_an_interrupted_trial_goes_on_from_its_checkpoint(searching: Searching, tmp_path: Path) -> None:
    whole = searching(trials=2, out="whole")
    for step in (8, 50):  # in the first epoch, and in the second
        with pytest.raises(TrainingInterrupted, match=rf"step {step}; the state is saved in .*trial-0000"):
            searching(trials=2, callbacks=[Interrupt(step)])
    waiting = open_search(tmp_path / "search").trials
    assert [(trial.number, trial.state) for trial in waiting] == [(0, "waiting")]
    messages = Messages()
    found = searching(trials=2, callbacks=messages)
    assert messages.lines[0].startswith("trial 0 goes on: ")
    assert [(each.number, each.params, each.scores) for each in found.trials] == [
        (each.number, each.params, each.scores) for each in whole.trials
    ]


def test_the_score_is_that_which_chooses_the_best_weights(tmp_path: Path) -> None:
    corpus = write_sentences(tmp_path / "names.conll", 100)
    settings = SequenceLabelingSettings(corpus=str(corpus))
    space = {"model": {"categorical": ["hmm", "frequent"]}}
    found = search(settings, space, tmp_path / "search", trials=3)
    assert (found.score_name, found.maximize) == ("f1", True)
    assert found.best is not None
    assert found.best.score == max(trial.score or 0.0 for trial in found.trials) > 0.3
    assert found.best.params == {"model": "hmm"}


class Deserted(Callback):
    """Lets another worker take this one for dead, after the first epoch."""

    def __init__(self, out: Path) -> None:
        self.out = out

    def on_epoch_end(self, record: dict[str, Any]) -> None:
        optuna = pytest.importorskip("optuna")
        if record["epoch"] == 1:
            database = optuna.storages.RDBStorage(f"sqlite:///{self.out / 'study.db'}")
            [name] = optuna.get_all_study_names(database)
            study = optuna.load_study(study_name=name, storage=database)
            study.tell(len(study.trials) - 1, state=optuna.trial.TrialState.FAIL)
            database.remove_session()
            database.engine.dispose()


@exhaustive
def test_a_worker_that_was_taken_for_dead_keeps_its_result(searching: Searching, tmp_path: Path) -> None:
    whole = searching(trials=1, out="whole")
    found = searching(trials=1, callbacks=[Deserted(tmp_path / "search")])
    assert [(each.number, each.state, each.score) for each in found.trials] == [
        (0, "complete", whole.trials[0].score)
    ]


@pytest.fixture
def study(tmp_path: Path) -> Any:
    optuna = pytest.importorskip("optuna")
    with storage.quiet_optuna():
        database = storage.open_storage(f"sqlite:///{tmp_path / 'study.db'}", 1, _take_up)
        yield optuna.create_study(storage=database)
        database.remove_session()
        database.engine.dispose()


@pytest.mark.filterwarnings("ignore:Heartbeat of storage")
def test_a_trial_that_kills_its_workers_counts_as_failed(study: Any) -> None:
    optuna = pytest.importorskip("optuna")
    for kills in range(4):
        trial = study.ask({"lr": optuna.distributions.FloatDistribution(0, 1)})
        assert trial.user_attrs.get(KILLS, 0) == kills
        trial.set_user_attr(WORKER, {"host": os.uname().nodename, "pid": os.getpid()})
        _fail_ended_workers(study)
    last = study.get_trials()[-1]
    assert len({tuple(each.params.items()) for each in study.get_trials()}) == 1
    assert last.user_attrs["state"] == "failed"
    assert last.user_attrs["reason"] == "its worker was killed 4 times"


def test_the_importance_counts_pruned_trials(study: Any) -> None:
    """Among the complete ones here only b differs, but a decided which were pruned."""
    optuna = pytest.importorskip("optuna")
    ranges = dict.fromkeys("ab", optuna.distributions.FloatDistribution(0, 1))
    for n in range(20):
        a, b = n / 19, (7 * n % 20) / 19
        state = optuna.trial.TrialState.PRUNED if a > 0.3 else optuna.trial.TrialState.COMPLETE
        study.add_trial(
            optuna.trial.create_trial(
                state=state,
                value=a,
                params={"a": a, "b": b},
                distributions=ranges,
                intermediate_values={1: a},
            )
        )
    importance = importance_of(study, False)
    assert importance["a"] > 0.7
    assert sum(importance.values()) == pytest.approx(1)


def test_addresses_of_databases() -> None:
    assert storage.storage_url("postgresql://me:pw@host/db", Path()) == "postgresql+psycopg://me:pw@host/db"
    assert storage.without_password("postgresql://me:p%40w@host/db") == "postgresql://me@host/db"
    assert storage.without_password("sqlite:////tmp/study.db") == "sqlite:////tmp/study.db"
