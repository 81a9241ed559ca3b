"""The loop: steps, limits, validation, accumulation, divergence, interruption, resume."""

import errno
import json
import math
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqkit.errors import DivergenceError, RunError, TrainingInterrupted, UsageError
from seqkit.training import checksummed
from seqkit.training.stopping import NOTHING_LEFT
from tests.training.toy import Recorder, ToyTask, content, log_of, same_state, toy_trainer


def test_training_lowers_the_loss_and_logs_it(tmp_path: Path) -> None:
    task = ToyTask()
    progress = toy_trainer(tmp_path / "run", task, epochs=20).fit()
    assert (progress.step, progress.epoch, progress.batch, progress.tokens) == (120, 20, 0, 20 * 6 * 4)
    assert task.started == [(epoch, True) for epoch in range(20)]
    intervals = [r for r in log_of(tmp_path / "run") if "loss" in r]
    epochs = [r for r in log_of(tmp_path / "run") if "valid_loss" in r]
    assert [r["step"] for r in intervals] == list(range(4, 121, 4))
    assert [r["epoch"] for r in epochs] == list(range(1, 21))
    assert epochs[-1]["valid_loss"] < 0.8 * epochs[0]["valid_loss"]
    assert intervals[0]["ppl"] == pytest.approx(math.exp(intervals[0]["loss"]))
    assert set(intervals[0]) == {"step", "epoch", "tokens", "loss", "ppl", "lr", "grad_norm"}
    with_timings = json.loads((tmp_path / "run" / "log.jsonl").read_text().splitlines()[0])
    assert with_timings.keys() - intervals[0].keys() == {
        "tokens_per_s", "seconds", "seconds_left", "steps", "epochs",
    }  # fmt: skip


def test_the_logged_loss_is_the_mean_over_the_interval(tmp_path: Path) -> None:
    losses: list[float] = []

    class Listening(Recorder):
        def on_step(self, step: int, loss: float) -> None:
            losses.append(loss)

    toy_trainer(tmp_path / "run", callbacks=Listening()).fit()
    intervals = [r["loss"] for r in log_of(tmp_path / "run") if "loss" in r]
    assert intervals == pytest.approx([np.mean(losses[i : i + 4]) for i in (0, 4, 8, 12)], rel=1e-12)


def test_max_steps_stops_in_the_middle_of_an_epoch_and_validates(tmp_path: Path) -> None:
    task = ToyTask()
    progress = toy_trainer(tmp_path / "run", task, max_steps=8).fit()
    assert (progress.step, progress.epoch, progress.batch, progress.validated) == (8, 1, 2, 8)
    assert task.validations == 2
    assert [r["epoch"] for r in log_of(tmp_path / "run") if "valid_loss" in r] == [1, 2]


def test_max_time_stops_after_the_step_that_reached_it(tmp_path: Path) -> None:
    progress = toy_trainer(tmp_path / "run", max_time=1e-9).fit()
    assert (progress.step, progress.validated) == (1, 1)
    again = toy_trainer(tmp_path / "run", resume=True, max_time=1e-9)
    assert again.fit().step == 1


def test_patience_stops_and_the_best_model_is_kept(tmp_path: Path) -> None:
    scripted = [1.0, 0.5, 0.6, 0.5, 0.4]  # an equal score is no better
    task, weights = ToyTask(scripted=scripted), []

    class Keeping(Recorder):
        def on_epoch_end(self, record: dict[str, Any]) -> None:
            weights.append({k: a.copy() for k, a in task.model.state_dict().items()})

    trainer = toy_trainer(tmp_path / "run", task, epochs=5, patience=2, callbacks=Keeping())
    progress = trainer.fit()
    assert (progress.epoch, progress.best, progress.best_step, progress.epochs_since_best) == (4, 0.5, 12, 2)
    best, metadata = checksummed.read_tensors(tmp_path / "run" / "model.safetensors")
    assert (metadata["step"], metadata["epoch"], metadata["scores"]) == (12, 2, {"loss": 0.5})
    last, _ = checksummed.read_tensors(tmp_path / "run" / "last.safetensors")
    for name, value in weights[1].items():
        np.testing.assert_array_equal(best[name], value)
        np.testing.assert_array_equal(last[f"model.{name}"], weights[3][name])
    assert [r["best"] for r in log_of(tmp_path / "run") if "best" in r] == [True, True, False, False]
    assert toy_trainer(tmp_path / "run", resume=True, patience=2).fit().step == 24


def test_without_validation_the_newest_model_is_published(tmp_path: Path) -> None:
    task = ToyTask(valid=False)
    toy_trainer(tmp_path / "run", task, patience=1).fit()
    published, metadata = checksummed.read_tensors(tmp_path / "run" / "model.safetensors")
    assert (metadata["step"], metadata["scores"]) == (18, None)
    for name, value in task.model.state_dict().items():
        np.testing.assert_array_equal(published[name], value)


def test_the_rate_follows_the_schedule(tmp_path: Path) -> None:
    """Plateau: the rate is quartered after each validation that is no better, and only after whole epochs."""
    task = ToyTask(scripted=[1.0, 2.0, 0.5, 0.9, 0.9])
    toy_trainer(tmp_path / "run", task, epochs=5, schedule="plateau", lr=0.4, max_steps=28).fit()
    rates = [r["lr"] for r in log_of(tmp_path / "run") if "valid_loss" in r]
    assert rates == pytest.approx([0.4, 0.4, 0.1, 0.1, 0.025], rel=1e-15)
    _, metadata = checksummed.read_tensors(tmp_path / "run" / "last.safetensors")
    assert metadata["schedule"] == {"best": 0.5, "waited": 0, "divisions": 2}  # the cut epoch is not seen


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_accumulation_equals_one_big_batch(tmp_path: Path, optimizer: str) -> None:
    """Three batches of 4 in one step are one batch of 12; the embedding's gradients are RowGradients."""
    small, big = ToyTask(batches=6, size=4), ToyTask(batches=2, size=12)
    big.ids, big.targets = small.ids.reshape(2, 12), small.targets.reshape(2, 12, -1)
    for task in (small, big):
        task.model.astype(np.float64).dropout.rate = 0.0  # type: ignore[union-attr]
        task.start_epoch = lambda epoch, *, fresh, task=task: len(task.ids)  # type: ignore[assignment,misc]
        task.targets = task.targets.astype(np.float64)
    for task in (small, big):
        task.loss = plain_loss(task)  # type: ignore[method-assign]
    settings: dict[str, Any] = {"optimizer": optimizer, "epochs": 2, "clip": 0.5}
    assert toy_trainer(tmp_path / "small", small, accumulate=3, **settings).fit().step == 4
    assert toy_trainer(tmp_path / "big", big, **settings).fit().step == 4
    for name, value in small.model.state_dict().items():
        np.testing.assert_allclose(value, big.model.state_dict()[name], rtol=1e-12, atol=1e-14)


def plain_loss(task: ToyTask) -> Callable[[int], Any]:
    def loss(index: int) -> Any:
        difference = task.model(task.ids[index], task.generators["dropout"]) - task.targets[index]
        return (difference * difference).mean(), task.ids[index].size

    return loss


def test_the_last_step_of_an_epoch_takes_the_micro_batches_that_are_left(tmp_path: Path) -> None:
    task = ToyTask(batches=5)
    progress = toy_trainer(tmp_path / "run", task, epochs=2, accumulate=2).fit()
    assert (progress.step, progress.tokens) == (6, 2 * 5 * 4)


# Divergence


@pytest.mark.parametrize(
    ("value", "shown"),
    [(math.nan, "loss nan"), (math.inf, "loss inf"), (-math.inf, "loss -inf"), (1e9, "e+0"), (1e30, "e+")],
)
def test_a_loss_that_diverges_stops_the_run(tmp_path: Path, value: float, shown: str) -> None:
    task = ToyTask()
    task.factor = lambda index: value if index == 3 and len(recorder.steps) == 9 else 1.0
    recorder = Recorder()
    trainer = toy_trainer(tmp_path / "run", task, lr=0.03, callbacks=recorder)
    with pytest.raises(DivergenceError) as caught, np.errstate(all="ignore"):
        trainer.fit()
    text = str(caught.value)
    assert "diverged at step 10:" in text
    assert shown in text
    assert "learning rate 0.03" in text
    assert "gradient norm" in text
    assert "smaller lr or clip" in text
    assert "smaller --lr or --clip" in caught.value.for_command()
    assert recorder.ended == 1
    _, metadata = content(tmp_path / "run" / "last.safetensors")
    assert metadata["progress"]["step"] == 6  # the end of the first epoch


def test_an_infinite_gradient_norm_never_reaches_the_weights(tmp_path: Path) -> None:
    task = ToyTask()
    before: dict[str, np.ndarray] = {}

    def overflow() -> None:
        """Zero weights after an enormous embedding: the loss is finite, the squared gradient is not."""
        task.model.astype(np.float64)
        task.model.linear.weight.data[...] = 0
        task.model.embedding.weight.data[...] = 1e300
        before.update({name: a.copy() for name, a in task.model.state_dict().items()})

    trainer = toy_trainer(tmp_path / "run", task, optimizer="sgd", callbacks=Recorder({2: overflow}))
    with pytest.raises(DivergenceError, match=r"step 3: loss .*, learning rate 0\.05, gradient norm inf"):
        trainer.fit()
    for name, value in before.items():
        np.testing.assert_array_equal(task.model.state_dict()[name], value)


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e7])
def test_a_validation_that_diverges_publishes_nothing(tmp_path: Path, value: float) -> None:
    task = ToyTask(scripted=[1.0, value])
    with pytest.raises(DivergenceError, match="step 12: validation loss"):
        toy_trainer(tmp_path / "run", task).fit()
    _, metadata = checksummed.read_tensors(tmp_path / "run" / "model.safetensors")
    assert metadata["step"] == 6
    _, metadata = content(tmp_path / "run" / "last.safetensors")
    assert (metadata["progress"]["step"], metadata["progress"]["best"]) == (6, 1.0)


# Checkpoints and resume


def test_checkpoints_come_at_the_interval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[int] = []
    for interval in (0.0, 1e6):
        trainer = toy_trainer(tmp_path / str(interval), checkpoint_interval=interval)
        plain = trainer.run.save_checkpoint

        def save(arrays: Any, metadata: Any, plain: Any = plain) -> None:
            saved.append(metadata["progress"]["step"])
            plain(arrays, metadata)

        monkeypatch.setattr(trainer.run, "save_checkpoint", save)
        saved.clear()
        trainer.fit()
        if interval:
            assert saved == [0, 6, 12, 18]
        else:
            assert sorted(set(saved)) == list(range(19))


def test_resuming_a_finished_run_does_nothing(tmp_path: Path) -> None:
    path = tmp_path / "run"
    toy_trainer(path).fit()
    before = {file.name: file.read_bytes() for file in path.iterdir()}
    recorder = Recorder()
    progress = toy_trainer(path, resume=True, callbacks=recorder).fit()
    assert (progress.step, recorder.steps) == (18, [])
    assert recorder.messages == [NOTHING_LEFT]
    assert {file.name: file.read_bytes() for file in path.iterdir()} == before


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adagrad", "rmsprop", "adam", "adamw"])
def test_more_epochs_on_a_finished_run_equal_a_longer_run(tmp_path: Path, optimizer: str) -> None:
    toy_trainer(tmp_path / "longer", epochs=5, optimizer=optimizer).fit()
    toy_trainer(tmp_path / "run", epochs=2, optimizer=optimizer).fit()
    toy_trainer(tmp_path / "run", epochs=5, optimizer=optimizer, resume=True).fit()
    same_state(tmp_path / "longer", tmp_path / "run")


def test_resuming_before_the_first_checkpoint_starts_at_the_beginning(tmp_path: Path) -> None:
    toy_trainer(tmp_path / "straight").fit()
    toy_trainer(tmp_path / "run")  # config.json only
    (tmp_path / "run" / "log.jsonl").write_text("remains\n")
    toy_trainer(tmp_path / "run", resume=True).fit()
    same_state(tmp_path / "straight", tmp_path / "run")


def test_a_checkpoint_of_another_optimizer_is_refused(tmp_path: Path) -> None:
    toy_trainer(tmp_path / "run", optimizer="adam").fit()
    with pytest.raises(UsageError, match=r"SGD state: .*load the state of the same optimiser"):
        toy_trainer(tmp_path / "run", optimizer="sgd", resume=True)


def test_a_checkpoint_without_its_fields_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run"
    toy_trainer(path).fit()
    arrays, metadata = checksummed.read_tensors(path / "last.safetensors")
    del metadata["schedule"]
    checksummed.write_tensors(path / "last.safetensors", arrays, metadata)
    with pytest.raises(RunError, match=r"last\.safetensors.*incompatible version.*schedule"):
        toy_trainer(path, resume=True)


def test_a_full_disk_keeps_the_last_checkpoint_and_the_run_goes_on_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy_trainer(tmp_path / "straight").fit()
    path, plain = tmp_path / "run", os.fsync
    full = {"disk": False}

    def fsync(handle: int) -> None:
        if full["disk"]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        plain(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    callback = Recorder({8: lambda: full.update(disk=True)})
    with pytest.raises(RunError, match=r"cannot write .*(No space left).*free some space"):
        toy_trainer(path, callbacks=callback, checkpoint_interval=0.0).fit()
    full["disk"] = False
    _, metadata = content(path / "last.safetensors")
    assert metadata["progress"]["step"] == 7
    assert not list(path.glob("*.part"))
    toy_trainer(path, resume=True).fit()
    same_state(tmp_path / "straight", path)


# Signals


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("step", [1, 6, 9, 17])
def test_a_signal_finishes_the_step_saves_and_resumes(tmp_path: Path, signum: int, step: int) -> None:
    toy_trainer(tmp_path / "straight").fit()
    path, handlers = tmp_path / "run", [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]
    recorder = Recorder({step: lambda: signal.raise_signal(signum)})
    with pytest.raises(TrainingInterrupted, match=f"after step {step}") as caught:
        toy_trainer(path, callbacks=recorder).fit()
    assert caught.value.signum == signum
    assert (recorder.steps[-1], recorder.ended) == (step, 1)
    assert [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert toy_trainer(path, resume=True).progress.step == step
    toy_trainer(path, resume=True).fit()
    same_state(tmp_path / "straight", path)


def test_a_signal_during_validation_saves_and_resumes(tmp_path: Path) -> None:
    toy_trainer(tmp_path / "straight").fit()
    task = ToyTask()
    task.before_validation = lambda: signal.raise_signal(signal.SIGTERM)
    with pytest.raises(TrainingInterrupted, match="after step 6"):
        toy_trainer(tmp_path / "run", task).fit()
    assert not (tmp_path / "run" / "model.safetensors").exists()
    again = ToyTask()
    toy_trainer(tmp_path / "run", again, resume=True).fit()
    assert again.started == [(0, False), (1, True), (2, True)]
    same_state(tmp_path / "straight", tmp_path / "run")


def test_an_interrupted_trainer_can_go_on_in_the_same_process(tmp_path: Path) -> None:
    toy_trainer(tmp_path / "straight").fit()
    trainer = toy_trainer(
        tmp_path / "run", callbacks=Recorder({3: lambda: signal.raise_signal(signal.SIGINT)})
    )
    with pytest.raises(TrainingInterrupted):
        trainer.fit()
    assert trainer.fit().step == 18
    same_state(tmp_path / "straight", tmp_path / "run")


def test_losing_a_part_of_the_state_shows(tmp_path: Path) -> None:
    """The comparison behind the tests above can fail: each part of the checkpoint matters."""
    toy_trainer(tmp_path / "straight").fit()
    for part in ("generators", "recurrent_state", "optimizer"):
        path = tmp_path / part
        with pytest.raises(TrainingInterrupted):
            toy_trainer(path, callbacks=Recorder({9: lambda: signal.raise_signal(signal.SIGINT)})).fit()
        trainer = toy_trainer(path, resume=True)
        task: Any = trainer.task
        if part == "generators":
            task.generators["dropout"].counter = 0
        elif part == "recurrent_state":
            task.total = np.zeros_like(task.total)
        else:
            trainer.optimizer._state.clear()
        trainer.fit()
        with pytest.raises(AssertionError):
            same_state(tmp_path / "straight", path)


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
@pytest.mark.parametrize("anneal", [True, False])
def test_a_run_cut_by_time_ends_at_the_end_of_its_schedule_if_told(
    tmp_path: Path, schedule: str, anneal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock of one second a step: 6 seconds are a fifth of the steps, and the whole schedule."""
    seconds = iter(range(10_000))
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(seconds)))
    settings: dict[str, Any] = {"schedule": schedule, "epochs": 20, "log_interval": 1, "lr": 0.1}
    settings["anneal_to_max_time"] = anneal
    trainer = toy_trainer(tmp_path / "run", max_time=40.0, checkpoint_interval=1e9, **settings)
    trainer.fit()
    rates = [record["lr"] for record in log_of(tmp_path / "run") if "grad_norm" in record]
    assert 3 < len(rates) < 100, "the clock ended it"
    assert rates[0] == pytest.approx(0.1, rel=0.1)
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 0.02 if anneal else rates[-1] > 0.05
    longer = toy_trainer(tmp_path / "run", resume=True, max_time=4000.0, **settings)
    longer.fit()
    resumed = [record["lr"] for record in log_of(tmp_path / "run") if "grad_norm" in record][len(rates) :]
    assert resumed[0] > 0.05, "the resumed run follows its own limit"


def test_of_equal_scores_that_of_the_lower_loss_is_the_best(tmp_path: Path) -> None:
    """An F1 of 0 in the first epochs must not keep the weights of the very first."""
    scripted = [(0.0, 3.0), (0.0, 2.0), (0.0, 2.5), (0.4, 2.6), (0.4, 2.6)]

    class Scored(ToyTask):
        best_by = "f1"

        def validate(self, poll: Callable[[], None]) -> dict[str, float]:
            self.validations += 1
            score, loss = scripted[self.validations - 1]
            return {"f1": score, "loss": loss}

    progress = toy_trainer(tmp_path / "run", Scored(), epochs=5).fit()
    records = [record for record in log_of(tmp_path / "run") if "best" in record]
    assert [record["best"] for record in records] == [True, True, False, True, False]
    assert (progress.best, progress.best_loss) == (-0.4, 2.6)
