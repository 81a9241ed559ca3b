"""Event files for TensorBoard, read back by TensorBoard's own reader."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from seqkit.errors import MissingDependencyError, TrainingInterrupted
from seqkit.training import Callback, CallbackList, TensorBoard
from tests.training.toy import log_of, toy_trainer


def events(run: Path) -> dict[str, list[tuple[int, float]]]:
    """Scalars by tag, as TensorBoard shows them."""
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    accumulator = reader.EventAccumulator(str(run / "tensorboard"), purge_orphaned_data=True)
    accumulator.Reload()
    return {
        tag: [(event.step, event.value) for event in accumulator.Scalars(tag)]
        for tag in accumulator.Tags()["scalars"]
    }


@pytest.fixture(autouse=True)
def _packages() -> None:
    pytest.importorskip("tensorboardX")


def logged(run: Path, key: str) -> list[tuple[int, float]]:
    return [(record["step"], pytest.approx(record[key], rel=1e-6)) for record in log_of(run) if key in record]


def test_the_log_is_written(tmp_path: Path) -> None:
    run = tmp_path / "run"
    toy_trainer(run, epochs=3, callbacks=TensorBoard(run)).fit()
    scalars = events(run)
    assert scalars["interval/loss"] == logged(run, "loss")
    assert {"interval/lr", "interval/grad_norm", "valid/ppl", "epoch/lr"} <= scalars.keys()
    assert scalars["valid/loss"] == logged(run, "valid_loss")
    assert scalars["train/loss"] == logged(run, "train_loss")
    assert not [tag for tag in scalars if tag.endswith(("/step", "/epoch", "/best", "/seconds"))]


def test_a_resumed_run_has_each_step_once(tmp_path: Path) -> None:
    run = tmp_path / "run"

    class Stop(Callback):
        def on_step(self, step: int, loss: float) -> None:
            if step == 10:
                raise TrainingInterrupted("stop", signum=2)

    with pytest.raises(TrainingInterrupted):  # after the checkpoint of step 6, and the log of step 8
        toy_trainer(run, epochs=3, callbacks=CallbackList([TensorBoard(run), Stop()])).fit()
    assert events(run)["interval/loss"][-1][0] == 8
    toy_trainer(run, resume=True, epochs=3, callbacks=TensorBoard(run)).fit(resume=True)
    scalars = events(run)
    assert scalars["interval/loss"] == logged(run, "loss")
    assert scalars["valid/loss"] == logged(run, "valid_loss")


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(MissingDependencyError, match="need tensorboardX") as caught:
        TensorBoard(tmp_path)
    assert "pip install 'seqkit[tensorboard]'" in str(caught.value)
