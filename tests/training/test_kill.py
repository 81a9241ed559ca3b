"""SIGKILL at any instant, then --resume: the same bits as a run that was never interrupted."""

import json
import random
import signal
from pathlib import Path
from typing import Any

import pytest

from seqkit.training import checksummed
from tests.exhaustive import exhaustive, some
from tests.training.tiny import TINY, python, write_corpus
from tests.training.toy import content, log_of, same_state

pytestmark = pytest.mark.slow

ADAMW = {**TINY, "epochs": 4, "dropout": 0.3, "optimizer": "adamw", "schedule": "constant", "num_layers": 2}
ADAMW |= {"log_interval": 7, "checkpoint_interval": 0.0, "max_steps": 150, "weight_decay": 0.01}
MOMENTUM = {**TINY, "model": "gru", "epochs": 4, "dropout": 0.2, "locked_dropout": True, "tied": False}
MOMENTUM |= {"optimizer": "momentum", "lr": 5.0, "schedule": "plateau", "log_interval": 10, "accumulate": 2}
MOMENTUM |= {"checkpoint_interval": 0.01}
AWD = {
    **TINY,
    "epochs": 5,
    "locked_dropout": True,
    "dropout": 0.2,
    "dropout_embedding": 0.1,
    "weight_drop": 0.4,
}
AWD |= {"activation_regularization": 2.0, "temporal_regularization": 1.0, "variable_bptt": True}
AWD |= {"optimizer": "nt-asgd", "lr": 30.0, "averaging_patience": 0, "checkpoint_interval": 0.0}


class Runs:
    """Runs of one corpus in the folder of a test, each process given its order by file."""

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self.folder = folder
        self.settings = {**settings, "corpus": str(write_corpus(folder / "c.txt"))}

    def go(self, name: str, **order: Any) -> tuple[int, str]:
        """One process: its exit code and stderr."""
        path = self.folder / "order.json"
        path.write_text(json.dumps({"settings": self.settings, "out": str(self.folder / name), **order}))
        result = python("-m", "tests.training.kill_driver", str(path))
        return result.returncode, result.stderr

    def finish(self, name: str, **order: Any) -> Path:
        """Train to the end."""
        code, stderr = self.go(name, **order)
        assert code == 0, stderr
        return self.folder / name

    def kill(self, name: str, where: str, step: int, **order: Any) -> int:
        """Train until killed; the step at which it was found alive."""
        alive = Path(f"{self.folder / name}.alive")
        alive.unlink(missing_ok=True)
        code, stderr = self.go(name, kill={"where": where, "step": step}, **order)
        assert code == -signal.SIGKILL, stderr
        return int(alive.read_text())


def steps_of(run: Path) -> int:
    _, metadata = checksummed.read_tensors(run / "last.safetensors")
    return int(metadata["progress"]["step"])


@exhaustive
def test_eight_kills_leave_no_trace(tmp_path: Path) -> None:
    runs = Runs(tmp_path, ADAMW)
    straight = runs.finish("straight")
    steps = steps_of(straight)
    assert steps == 150

    kills = [("before", 0), ("before", 11), ("inside", 23), ("after", 35), ("model", 41), ("validation", 82)]
    kills += [("step", step) for step in random.Random(20240612).sample(range(42, 145), 2)]
    kills.sort(key=lambda kill: kill[1])
    assert len(kills) == 8
    for number, (where, step) in enumerate(kills):
        # Some processes save after every step, others only now and then: those have steps to repeat.
        interval = 0.0 if where in ("before", "inside", "after") or number % 2 else 0.05
        found = runs.kill("killed", where, step, changes={"checkpoint_interval": interval})
        assert step <= found < steps
        if where in ("before", "inside", "after"):
            assert (tmp_path / "killed" / "last.safetensors.part").exists() == (where != "after")
    killed = runs.finish("killed", changes={})
    assert not list(killed.glob("*.part"))
    same_state(straight, killed)

    more = {"max_steps": steps + 10, "log_interval": 1}
    for name in ("straight", "killed"):
        runs.finish(name, changes=more)
    assert [r["step"] for r in log_of(killed)[-11:-1]] == list(range(151, 161))
    same_state(straight, killed)


@exhaustive
def test_dropping_the_generators_state_shows(tmp_path: Path) -> None:
    """The control: with the same kill, a resume that forgets how far the dropout had come ends elsewhere."""
    runs = Runs(tmp_path, {**ADAMW, "max_steps": 60})
    straight = runs.finish("straight")
    for name, drop in (("whole", False), ("dropped", True)):
        assert runs.kill(name, "step", 30) == 30
        runs.finish(name, drop_generators=drop)
    same_state(straight, tmp_path / "whole")
    one, other = (content(tmp_path / name / "last.safetensors")[0] for name in ("straight", "dropped"))
    differing = [name for name in one if one[name].tobytes() != other[name].tobytes()]
    assert "model.embedding.weight" in differing
    with pytest.raises(AssertionError):
        same_state(straight, tmp_path / "dropped")


def test_momentum_and_plateau_through_validation(tmp_path: Path) -> None:
    runs = Runs(tmp_path, MOMENTUM)
    straight = runs.finish("straight")
    steps = steps_of(straight)
    _, metadata = checksummed.read_tensors(straight / "last.safetensors")
    assert metadata["schedule"]["divisions"] >= 1  # the schedule has a state to lose
    for where, step in some([("validation", 21), ("step", 30), ("after", 42), ("validation", 60)], 2):
        assert step <= runs.kill("killed", where, step) < steps
    same_state(straight, runs.finish("killed"))


def test_a_kill_at_the_very_start_leaves_a_run_that_begins_anew(tmp_path: Path) -> None:
    runs = Runs(tmp_path, {**ADAMW, "max_steps": 20})
    assert runs.kill("killed", "before", 0) == 0
    assert not (tmp_path / "killed" / "last.safetensors").exists()
    same_state(runs.finish("straight"), runs.finish("killed"))


def test_averages_and_checkpoints_within_a_validation(tmp_path: Path) -> None:
    """The checkpoint within a validation has the weights themselves, not their averages."""
    runs = Runs(tmp_path, AWD)
    straight = runs.finish("straight")
    _, metadata = checksummed.read_tensors(straight / "last.safetensors")
    begun = max(metadata["optimizer"]["before"].values())
    steps = steps_of(straight)
    assert begun < steps - 20
    assert runs.kill("killed", "validation", begun + 10) < steps
    assert runs.kill("killed", "step", steps - 5) < steps
    same_state(straight, runs.finish("killed"))
