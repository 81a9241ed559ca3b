"""A job of which every number can be derived: rows of an embedding pulled towards targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seqkit import nn
from seqkit.autograd import Tensor
from seqkit.backend.random import Generator
from seqkit.optim import make_optimizer, make_schedule
from seqkit.training import Limits, RunDirectory, Trainer, Watcher

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


class ToyJob:
    """Mean squared error over ``batches`` batches of ``size`` ids; validation losses may be scripted."""

    def __init__(
        self, *, batches: int = 6, size: int = 4, scripted: Sequence[float] | None = None, valid: bool = True
    ) -> None:
        random = np.random.default_rng(5)
        self.ids = random.integers(0, V, (batches, size)).astype(np.int32)
        self.targets = random.standard_normal((batches, size, E)).astype(np.float32)
        self.model = Toy(3)
        self.generators: dict[str, Any] = {"dropout": Generator(0, "dropout")}
        self.perplexity = True
        self.divergence_loss = 1e6
        self.factor: Callable[[int], float] = lambda index: 1.0
        self.scripted, self.valid, self.validations = scripted, valid, 0
        self.before_validation: Callable[[], None] = lambda: None
        self.total = np.zeros(E, np.float32)
        """Carried from batch to batch, and part of the loss, so that losing it shows."""
        self.started: list[tuple[int, bool]] = []

    def start_epoch(self, epoch: int, *, fresh: bool) -> int:
        self.started.append((epoch, fresh))
        if fresh:
            self.total = np.zeros(E, np.float32)
        return len(self.ids)

    def loss(self, index: int) -> tuple[Tensor, int]:
        y = self.model(self.ids[index], self.generators["dropout"])
        difference = y + 0.01 * self.total - self.targets[index]
        self.total = self.total + y.data.mean(axis=0)
        return (difference * difference).mean() * self.factor(index), self.ids[index].size

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

    def carried(self) -> dict[str, Any]:
        return {"total": self.total}

    def load_carried(self, arrays: Mapping[str, Any]) -> None:
        self.total = np.array(arrays["total"])


class Recorder(Watcher):
    """Remembers the steps, and runs ``at[step]`` when that step is done."""

    def __init__(self, at: Mapping[int, Callable[[], None]] | None = None) -> None:
        self.at, self.steps, self.ended = dict(at or {}), [], 0  # type: ignore[var-annotated]

    def step(self, step: int, loss: float) -> None:
        self.steps.append(step)
        self.at.get(step, lambda: None)()

    def end(self) -> None:
        self.ended += 1


def toy_trainer(
    path: Path,
    job: ToyJob | None = None,
    *,
    epochs: int = 3,
    resume: bool = False,
    optimizer: str = "adam",
    lr: float = 0.05,
    schedule: str = "constant",
    limits: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Trainer:
    """A trainer of the toy job; ``resume`` opens the run at ``path`` and takes up its checkpoint."""
    job = ToyJob() if job is None else job
    run = RunDirectory.open(path) if resume else RunDirectory.create(path, {"task": "toy"}, {})
    trainer = Trainer(
        job,
        make_optimizer(optimizer, list(job.model.named_parameters()), lr=lr),
        make_schedule(schedule),
        run,
        Limits(epochs, **(limits or {})),
        **{"log_interval": 4, **settings},
    )
    if resume:
        trainer.resume()
    return trainer


def same_state(one: Path, other: Path) -> None:
    """Assert that two runs hold the same bits, timings aside."""
    for name in ("last.safetensors", "model.safetensors"):
        a, b = content(one / name), content(other / name)
        assert a[1] == b[1], f"{name}: {a[1]} against {b[1]}"
        assert a[0].keys() == b[0].keys()
        for tensor, value in a[0].items():
            assert value.dtype == b[0][tensor].dtype, f"{name}: {tensor}"
            assert value.tobytes() == b[0][tensor].tobytes(), f"{name}: {tensor} differs"
    assert log_of(one) == log_of(other)


def content(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Tensors and metadata of a sealed file, without what the clock wrote."""
    from seqkit.training import sealed

    arrays, metadata = sealed.read_tensors(path)
    metadata.pop("log", None)  # its length and checksum cover the timings
    for timing in ("seconds", "interval_seconds"):
        metadata.get("progress", {}).pop(timing, None)
    return arrays, metadata


def log_of(path: Path) -> list[dict[str, Any]]:
    """The records of log.jsonl without timings."""
    import json

    records = [json.loads(line) for line in (path / "log.jsonl").read_text().splitlines()]
    return [{k: v for k, v in r.items() if k not in ("seconds", "tokens_per_s")} for r in records]


__all__ = ["E", "Recorder", "Toy", "ToyJob", "V", "content", "log_of", "same_state", "toy_trainer"]
