"""A task whose numbers can be derived by hand: rows of an embedding are fitted to targets."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seqkit import nn
from seqkit.autograd import Tensor
from seqkit.backend.random import Generator
from seqkit.training import Callback, RunDirectory, Task, Trainer, TrainingSettings

V, E = 7, 3


class Toy(nn.Module):
    """ids (N,) to (N, E): an embedding, whose gradient is a RowGradient, then a linear layer."""

    def __init__(self, seed: int) -> None:
        generator = Generator(seed, "init")
        self.embedding = nn.Embedding(V, E, generator=generator)
        self.linear = nn.Linear(E, E, generator=generator)
        self.dropout = nn.Dropout(0.2)

    def forward(self, ids: Any, generator: Generator) -> Tensor:
        return self.linear(self.dropout(self.embedding(ids), generator))


class ToyTask(Task):
    """Mean squared error over ``batches`` batches of ``size`` ids; validation losses may be scripted."""

    reports_perplexity = True
    divergence_loss = 1e6
    model: Toy

    def __init__(
        self,
        *,
        batches: int = 6,
        size: int = 4,
        scripted: Sequence[float] | None = None,
        valid: bool = True,
        **settings: Any,
    ) -> None:
        random = np.random.default_rng(5)
        self.ids = random.integers(0, V, (batches, size)).astype(np.int32)
        self.targets = random.standard_normal((batches, size, E)).astype(np.float32)
        self.configure(Toy(3), **settings)
        self.factor: Callable[[int], float] = lambda index: 1.0
        self.scripted, self.valid, self.validations = scripted, valid, 0
        self.before_validation: Callable[[], None] = lambda: None
        self.total = np.zeros(E, np.float32)
        """Passed on from batch to batch and part of the loss, so that losing it shows."""
        self.started: list[tuple[int, bool]] = []

    def configure(self, model: Toy, **settings: Any) -> None:
        """Make the optimiser and the schedule of these settings."""
        values = {"epochs": 3, "lr": 0.05, "schedule": "constant", "clip": None, "log_interval": 4}
        super().__init__(TrainingSettings(**{**values, **settings}), model, len(self.ids))
        self.generators = {"dropout": Generator(0, "dropout")}

    def start_epoch(self, epoch: int, *, fresh: bool) -> None:
        self.started.append((epoch, fresh))
        if fresh:
            self.total = np.zeros(E, np.float32)

    def batch(self, index: int) -> int:
        return index

    def loss(self, batch: int) -> tuple[Tensor, int]:
        y = self.model(self.ids[batch], self.generators["dropout"])
        difference = y + 0.01 * self.total - self.targets[batch]
        self.total = self.total + y.data.mean(axis=0)
        return (difference * difference).mean() * self.factor(batch), self.ids[batch].size

    def validate(self, poll: Callable[[], None]) -> dict[str, float] | None:
        self.before_validation()
        poll()
        self.validations += 1
        if not self.valid:
            return None
        if self.scripted is not None:
            return {"loss": self.scripted[self.validations - 1]}
        self.model.eval()
        y = self.model(self.ids.reshape(-1), self.generators["dropout"]).data
        return {"loss": float(np.mean((y - self.targets.reshape(-1, E)) ** 2))}

    def recurrent_state(self) -> dict[str, Any]:
        return {"total": self.total}

    def load_recurrent_state(self, arrays: Mapping[str, Any]) -> None:
        self.total = np.array(arrays["total"])


class Recorder(Callback):
    """Records the steps, and calls ``at[step]`` after that step."""

    def __init__(self, at: Mapping[int, Callable[[], None]] | None = None) -> None:
        self.at, self.steps, self.ended = dict(at or {}), [], 0  # type: ignore[var-annotated]
        self.messages: list[str] = []

    def on_step(self, step: int, loss: float) -> None:
        self.steps.append(step)
        self.at.get(step, lambda: None)()

    def on_message(self, text: str) -> None:
        self.messages.append(text)

    def on_train_end(self) -> None:
        self.ended += 1


def toy_trainer(
    path: Path,
    task: ToyTask | None = None,
    *,
    resume: bool = False,
    callbacks: Callback | None = None,
    **settings: Any,
) -> Trainer:
    """Return a trainer of the toy task; ``resume`` opens the run at ``path`` and loads its checkpoint."""
    task = ToyTask() if task is None else task
    task.configure(task.model, **settings)
    run = RunDirectory.open(path) if resume else RunDirectory.create(path, {"task": "toy"}, {})
    trainer = Trainer(task, run, callbacks)
    if resume:
        trainer.load_checkpoint()
    return trainer


def same_state(first: Path, second: Path) -> None:
    """Assert that two runs hold the same bits, timings aside."""
    for name in ("last.safetensors", "model.safetensors"):
        a, b = content(first / name), content(second / name)
        assert a[1] == b[1], f"{name}: {a[1]} against {b[1]}"
        assert a[0].keys() == b[0].keys()
        for tensor, value in a[0].items():
            assert value.dtype == b[0][tensor].dtype, f"{name}: {tensor}"
            assert value.tobytes() == b[0][tensor].tobytes(), f"{name}: {tensor} differs"
    assert log_of(first) == log_of(second)


def content(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return tensors and metadata of a checksummed file, without timings."""
    from seqkit.training import checksummed

    arrays, metadata = checksummed.read_tensors(path)
    metadata.pop("log", None)  # its length and checksum cover the timings
    for timing in ("seconds", "interval_seconds"):
        metadata.get("progress", {}).pop(timing, None)
    return arrays, metadata


def log_of(path: Path) -> list[dict[str, Any]]:
    """Return the records of log.jsonl without timings and limits, which may change when a run is resumed."""
    import json

    records = [json.loads(line) for line in (path / "log.jsonl").read_text().splitlines()]
    left_out = ("seconds", "seconds_left", "tokens_per_s", "steps", "epochs")
    return [{k: v for k, v in r.items() if k not in left_out} for r in records]


__all__ = ["E", "Recorder", "Toy", "ToyTask", "V", "content", "log_of", "same_state", "toy_trainer"]
