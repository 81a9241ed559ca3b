"""The training loop of every task: steps, logs, validation, checkpoints, and a clean stop on signals.

:meth:`Trainer.fit` is the loop; the differences between tasks are in :class:`seqkit.training.Task`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from seqkit.autograd import Tensor
from seqkit.backend import Array, to_numpy
from seqkit.distributed.batches import part, place, row_count
from seqkit.distributed.gradients import GradientReducer
from seqkit.errors import DivergenceError, Remedy, RunError, SeqkitError, TrainingInterrupted, UsageError
from seqkit.files import fill_json
from seqkit.optim import clip_grad_norm
from seqkit.optim.clipping import reduce_gradients
from seqkit.platforms import STOP_SIGNALS
from seqkit.progress import Job, progress
from seqkit.training.callbacks import Callback, CallbackList, Record
from seqkit.training.progress import Progress
from seqkit.training.run_directory import RunDirectory
from seqkit.training.signals import SignalWatch
from seqkit.training.stopping import NOTHING_LEFT

if TYPE_CHECKING:
    from seqkit.training.task import Task


class Trainer:
    """Trains a task into a run directory, by the task's settings.

    Args:
        task: The model, its batches, its validation and its settings.
        run: The directory of the log, the checkpoints and the best weights.
        callbacks: A callback, called after the run's log.
    """

    def __init__(self, task: Task, run: RunDirectory, callbacks: Callback | None = None) -> None:
        self.task, self.run, self.settings = task, run, task.training_settings
        self.group = task.group
        self.optimizer, self.schedule = task.optimizer, task.schedule
        self.rules = self.settings.stopping_rules
        if self.group.size > 1 and any(task.model.named_buffers()):
            raise UsageError(
                "batch normalization needs the statistics of whole batches, and each process has a part",
                remedy="train with a single process, or without batch normalization",
            )
        heard = [run.log, *([callbacks] if callbacks else [])] if self.group.is_first else []
        self.callbacks = CallbackList(heard)
        named = list(task.model.named_parameters())
        self._names = [name for name, _ in named]
        self._parameters = [parameter for _, parameter in named]
        self._reducer = GradientReducer(self.group, self._parameters)
        self._described = False
        self._sent_before = self.group.bytes_sent
        self.progress = Progress()
        self.base_lr = task.optimizer.lr
        self._job = Job("training")
        self._signals = SignalWatch()
        self._clock = time.perf_counter()
        self._saved_at = self._clock

    def fit(self, *, resume: bool = False) -> Progress:
        """Train until a stopping rule holds.

        Args:
            resume: Continue from the run's last checkpoint; from the beginning if there is none.

        Returns:
            The progress at the end.

        Raises:
            TrainingInterrupted: A signal was received; the state is saved.
            DivergenceError: A loss or a gradient is not finite; the last good checkpoint is kept.
            RunError: The checkpoint is of an incompatible version, or a file cannot be written.
        """
        if resume:
            self.load_checkpoint()
        p, task = self.progress, self.task
        batches = task.batches_per_epoch
        steps = self.total_steps
        if self.settings.max_time is not None and self.settings.schedule_name in ("linear", "cosine"):
            end = "or after {:g} seconds" if self.settings.anneals else "unless {:g} seconds cut it"
            self.callbacks.on_message(
                f"the {self.settings.schedule_name} schedule ends with step {steps:,} "
                + end.format(self.settings.max_time)
            )
        if self.rules.finished(p):
            self.callbacks.on_message(NOTHING_LEFT)
        self._clock = self._saved_at = time.perf_counter()
        left = None if self.rules.max_time is None else max(0.0, self.rules.max_time - p.seconds)
        with self._signals, progress("training", steps, "steps", done=p.step, limit=left) as self._job:
            try:
                while not self.rules.finished(p):
                    task.start_epoch(p.epoch, fresh=p.batch == 0)
                    if p.step == 0:
                        self._save_checkpoint()
                    self.callbacks.on_train_start(steps, p.step)
                    while p.batch < batches and not self.rules.out_of_budget(p):
                        self._step()
                        self._poll()
                    with self.optimizer.averages():
                        self._validate(complete=p.batch >= batches)
                    self._save_checkpoint()
            finally:
                self.callbacks.on_train_end()
        return p

    @property
    def total_steps(self) -> int:
        """The optimiser steps of the whole training, unless another limit comes first."""
        return self.rules.total_steps(math.ceil(self.task.batches_per_epoch / self.settings.accumulate))

    def _step(self) -> None:
        """Take one optimiser step over up to ``accumulate`` batches."""
        p, task, batches = self.progress, self.task, self.task.batches_per_epoch
        task.model.train()
        self.optimizer.zero_grad()
        accumulated = min(self.settings.accumulate, batches - p.batch)
        losses, counts = [], []
        for index in range(p.batch, p.batch + accumulated):
            last = index + 1 == p.batch + accumulated
            loss, count = self._add_gradients(index, self._reducer.ready if last else None)
            losses.append(loss)
            counts.append(count)
        self._reducer.finish()
        if self.group.size > 1 and not self._described:
            self._described = True
            self.callbacks.on_message(f"each step adds up {self._reducer.describe(self._names)}")
        reduce_gradients(self._parameters, accumulated)
        epoch = p.epoch + p.batch / batches
        elapsed = self.rules.elapsed(p) if self.settings.anneals else 0.0
        factor = task.step_factor(p.batch)
        self.optimizer.lr = self.base_lr * factor * self.schedule.at(p.step, epoch, elapsed)
        clip = math.inf if self.settings.clip is None else self.settings.clip
        norm = float(to_numpy(clip_grad_norm(self._parameters, clip)))
        self._require_finite(p.step + 1, "loss", losses[-1], norm)
        self.optimizer.step()
        p.step, p.batch = p.step + 1, p.batch + accumulated
        p.tokens += sum(counts)
        total = float(np.dot(losses, counts))
        p.interval_loss, p.interval_tokens = p.interval_loss + total, p.interval_tokens + sum(counts)
        p.epoch_loss, p.epoch_tokens = p.epoch_loss + total, p.epoch_tokens + sum(counts)
        self._update_clock()
        self._job.move(p.step, f"epoch {p.epoch + 1} of {self.rules.epochs}, loss {losses[-1]:.3f}")
        self.callbacks.on_step(p.step, losses[-1])
        if p.step % self.settings.log_interval == 0:
            self._log(norm)

    def _add_gradients(self, index: int, ready: Callable[[Tensor], None] | None) -> tuple[float, int]:
        """Add the gradients of this process's rows of a batch; return loss and predictions of all rows.

        Args:
            index: The batch.
            ready: Called with each parameter whose gradient is complete.
        """
        task, group, p = self.task, self.group, self.progress
        batch = task.batch(index)
        if group.size == 1:
            tensor, count = task.loss(batch)
            loss = tensor.item()
            self._require_finite(p.step + 1, "loss", loss)
            _objective(task, tensor).backward()
            return loss, count
        n = row_count(batch)
        rows = group.span(n)
        here = place(batch, rows)
        for generator in task.generators.values():
            generator.rows = here
        tensor, count = task.loss(part(batch, rows))
        objective = _objective(task, tensor)
        if not group.owns(n):
            count = 0
        own = tensor.item() * count if count else 0.0
        total, predictions = group.sum(np.array([own, count], np.float64)).tolist()
        loss = total / max(predictions, 1)
        self._require_finite(p.step + 1, "loss", loss)
        if count:
            objective.backward(np.full((), count / predictions, tensor.dtype), on_leaf=ready)
        return loss, int(predictions)

    def _require_finite(self, step: int, name: str, loss: float, norm: float | None = None) -> None:
        """Raise DivergenceError before a value that is not finite reaches the weights or the disk."""
        if -math.inf < loss <= self.task.divergence_loss and (norm is None or math.isfinite(norm)):
            return
        shown = "not computed" if norm is None else f"{norm:g}"
        kept = "the last good checkpoint is kept: resume with a smaller"
        raise DivergenceError(
            f"training diverged at step {step}: {name} {loss:g}, learning rate {self.optimizer.lr:g}, "
            f"gradient norm {shown}",
            where=f"run {self.run.path}",
            remedy=Remedy(
                f"{kept} lr or clip in changes=, or start again",
                command=f"{kept} --lr or --clip, or start again",
            ),
        )

    def _log(self, norm: float) -> None:
        p = self.progress
        loss = p.interval_loss / max(p.interval_tokens, 1)
        record = {
            "step": p.step,
            "steps": self.total_steps,
            "epoch": p.epoch + 1,
            "epochs": self.rules.epochs,
            "tokens": p.tokens,
            "loss": loss,
            **({"ppl": _exp(loss)} if self.task.reports_perplexity else {}),
            "lr": self.optimizer.lr,
            "grad_norm": norm,
            "tokens_per_s": round(p.interval_tokens / max(p.interval_seconds, 1e-9), 1),
            "seconds": round(p.seconds, 3),
            "seconds_left": round(self._seconds_left(), 1),
        }
        if self.group.size > 1:
            sent, self._sent_before = self.group.bytes_sent - self._sent_before, self.group.bytes_sent
            record["bytes_sent"] = sent
        p.interval_loss, p.interval_tokens, p.interval_seconds = 0.0, 0, 0.0
        self.callbacks.on_log(record)

    def _seconds_left(self) -> float:
        """Return the estimated seconds to the last step, validations included, or to the limit of time."""
        p = self.progress
        left = (self.total_steps - p.step) * p.seconds / p.step
        return left if self.rules.max_time is None else min(left, max(0.0, self.rules.max_time - p.seconds))

    def _validate(self, *, complete: bool) -> None:
        """Validate the model, save it if it is the best so far, and end the epoch if it is ``complete``."""
        p, task = self.progress, self.task
        scores = task.validate(self._poll_alone) or {}
        loss = scores.get("loss")
        if loss is not None:
            self._require_finite(p.step, "validation loss", loss)
        elif p.validated < 0 and self.settings.schedule_name == "plateau":
            self.callbacks.on_message(
                "warning: the schedule plateau has no effect without a validation split; "
                "the learning rate stays the same"
            )
        lowest = -scores[task.best_by] if task.best_by in scores else loss
        self._update_clock()
        record: Record = {
            "step": p.step,
            "epoch": p.epoch + 1,
            "epochs": self.rules.epochs,
            "tokens": p.tokens,
            "train_loss": p.epoch_loss / max(p.epoch_tokens, 1),
            "lr": self.optimizer.lr,
            "seconds": round(p.seconds, 3),
        }
        for name, value in scores.items():
            record[name if name.startswith(("train_", "test_")) else f"valid_{name}"] = value
        if loss is not None and task.reports_perplexity:
            record["valid_ppl"] = _exp(loss)
        if not complete:
            record["complete"] = False
        record["best"] = (
            lowest is None
            or p.best is None
            or lowest < p.best
            or (lowest == p.best and loss is not None and p.best_loss is not None and loss < p.best_loss)
        )
        if record["best"]:
            p.best, p.best_loss, p.best_step, p.epochs_since_best = lowest, loss, p.step, 0
            weights = {name: to_numpy(a) for name, a in task.model.state_dict().items()}
            metadata = {"step": p.step, "epoch": record["epoch"], "scores": scores or None}
            self.group.on_first(lambda: self.run.save_model(weights, metadata))
        elif complete:
            p.epochs_since_best += 1
        p.validated = p.step
        if complete:
            if lowest is not None:
                self.schedule.observe(lowest)
                self.optimizer.observe(lowest)
            p.epoch, p.batch = p.epoch + 1, 0
            p.epoch_loss, p.epoch_tokens = 0.0, 0
        self.callbacks.on_epoch_end(record)

    def _update_clock(self) -> None:
        now = time.perf_counter()
        passed = self.group.of_first(now - self._clock)
        self.progress.seconds += passed
        self.progress.interval_seconds += passed
        self._clock = now

    def _poll_alone(self) -> None:
        """Poll within a validation, where several processes are not at the same place."""
        if self.group.size == 1:
            self._poll()

    def _poll(self) -> None:
        """Stop if a signal was received; save a checkpoint if the checkpoint interval is over."""
        due = time.perf_counter() - self._saved_at >= self.settings.checkpoint_interval
        received = self._signals.received
        if self.group.size > 1:
            seen = self.group.sum(np.array([received == n for n in STOP_SIGNALS], np.int64))
            received = next((n for n, count in zip(STOP_SIGNALS, seen, strict=True) if count), None)
            due = bool(self.group.of_first(float(due)))
        if received is not None:
            self._update_clock()
            self._save_checkpoint()
            raise TrainingInterrupted(
                f"stopped by a signal after step {self.progress.step}; the state is saved in {self.run.path}",
                signum=received,
            )
        if due:
            self._save_checkpoint()

    def _save_checkpoint(self) -> None:
        """Write the whole state of the training as one file."""
        with self.optimizer.weights():  # the time may come within a validation
            self._write_checkpoint()

    def _write_checkpoint(self) -> None:
        slots, scalars = self.optimizer.state_dict()
        arrays = {f"model.{name}": a for name, a in self.task.model.state_dict().items()}
        arrays |= {f"optimizer.{name}": a for name, a in slots.items()}
        for name, array in self.task.recurrent_state().items():
            arrays[f"recurrent_state.{name}"] = self._all_rows(array)
        metadata = {
            "progress": dataclasses.asdict(self.progress),
            "optimizer": scalars,
            "schedule": self.schedule.state(),
            "generators": {role: g.state() for role, g in self.task.generators.items()},
        }
        if self.group.size > 1:
            self.group.require_same(_checksum(arrays), "weights")
        self.group.on_first(
            lambda: self.run.save_checkpoint({name: to_numpy(a) for name, a in arrays.items()}, metadata)
        )
        self._saved_at = time.perf_counter()

    def _all_rows(self, array: Array) -> Array:
        """Return the rows of all processes of an array of the recurrent state."""
        if self.group.size == 1:
            return array
        parts = self.group.gather(to_numpy(array))
        return np.concatenate(parts)[: row_count(self.task.batch(0))]

    def load_checkpoint(self) -> None:
        """Restore the run's last checkpoint, if any. Raise RunError for an incompatible version."""
        loaded = self.group.on_first(self.run.load_checkpoint)
        metadata = self.group.share(loaded and loaded[1])
        if metadata is None:
            return
        arrays = self.group.share_arrays(loaded and loaded[0])

        def with_prefix(prefix: str) -> dict[str, np.ndarray]:
            return {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}

        source = str(self.run.path / "last.safetensors")

        def incompatible(what: object) -> RunError:
            return RunError(f"{source} was written by an incompatible version ({what})")

        try:
            self.task.model.load_state_dict(with_prefix("model."), source=source)
            self.optimizer.load_state_dict(with_prefix("optimizer."), metadata["optimizer"])
            state = with_prefix("recurrent_state.")
            self.task.load_recurrent_state({name: a[self.group.span(len(a))] for name, a in state.items()})
            self.schedule.load_state(metadata["schedule"])
            for role, generator in self.task.generators.items():
                generator.load_state(metadata["generators"][role])
            self.progress = fill_json(Progress, metadata["progress"], incompatible, strict=True)
        except SeqkitError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
            raise incompatible(repr(error)) from error


def _objective(task: Task, loss: Tensor) -> Tensor:
    penalty = task.penalty()
    return loss if penalty is None else loss + penalty


def _checksum(arrays: Mapping[str, Array]) -> str:
    digest = hashlib.sha256()
    for array in arrays.values():
        digest.update(np.ascontiguousarray(to_numpy(array)).data)
    return digest.hexdigest()


def _exp(loss: float) -> float:
    """Return exp(loss), and infinity above the range of float64."""
    return math.exp(loss) if loss < 709 else math.inf
