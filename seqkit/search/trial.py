"""One trial: a training with the values that the sampler suggests, judged after each epoch."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from seqkit.errors import DivergenceError, RunError, SeqkitError, UsageError
from seqkit.files import write_atomically
from seqkit.launcher import host
from seqkit.search.results import (
    KILLS,
    REASON,
    RUN,
    SCORE,
    SECONDS,
    STATE,
    SURPLUS,
    WORKER,
    latest_attempts,
    run_path,
    runs_of,
)
from seqkit.search.space import Space
from seqkit.search.storage import import_optuna
from seqkit.search.tasks import SearchedTask
from seqkit.training import Callback, CallbackList, Record, RunDirectory

MARK = "trial.json"
"""The file in the run directory of a trial that says how it ended."""


class SurplusTrialError(SeqkitError):
    """A trial that another worker has made unnecessary."""


class TrialReports(Callback):
    """Tells Optuna the score of each epoch, and ends the trial where the pruner says so.

    Args:
        trial: Optuna's trial.
        task: The task, which names the score.
        run: The run directory.
    """

    def __init__(self, trial: Any, task: SearchedTask, run: Path) -> None:
        self.trial, self.task, self.run = trial, task, run
        self.name = task.scores[0]
        self.scores: dict[int, float] = {}
        self.seconds = 0.0
        self.pruned = self.lost = False

    @property
    def best(self) -> float | None:
        """The best score so far."""
        return (max if self.task.maximize else min)(self.scores.values(), default=None)

    def on_train_start(self, total: int | None, done: int, unit: str = "step") -> None:
        """Report the epochs of a run that continues, and end one that was pruned.

        The trainer calls this before each epoch, when the checkpoint of the last one is written.
        """
        if self.pruned:
            raise import_optuna().TrialPruned
        if done and not self.scores:
            log = RunDirectory.open(self.run).log
            for record in log.records() if log.path.exists() else ():
                if "train_loss" in record:
                    self._report(record)

    def on_epoch_end(self, record: Record) -> None:
        """Report the score of an epoch."""
        self._report(record)
        self.pruned = not self.lost and self.trial.should_prune()

    def _report(self, record: Record) -> None:
        epoch = int(record["epoch"])
        self.name, score = self.task.score_of(record, "valid_")
        self.seconds = record.get("seconds", self.seconds)
        if epoch in self.scores or self.lost:
            return
        self.scores[epoch] = score
        try:
            self.trial.report(score, epoch)
        except import_optuna().exceptions.UpdateFinishedTrialError:  # by a worker that took this one for dead
            self.lost = True


class Objective:
    """Trains the trial that Optuna passes, and returns its score.

    Args:
        study: Optuna's study.
        space: The space.
        out: The folder of the search.
        limit: Trials of the whole search; those beyond, which two workers began at once, end at once.
        sampler: Returns the sampler of the trial with a number.
        callbacks: Training callbacks.
    """

    def __init__(
        self,
        study: Any,
        space: Space,
        task: SearchedTask,
        out: Path,
        limit: int,
        sampler: Callable[..., Any],
        callbacks: CallbackList,
    ) -> None:
        self.study, self.space, self.task, self.out = study, space, task, out
        self.limit, self.sampler, self.callbacks = limit, sampler, callbacks
        self.number, self.lost = 0, False

    def __call__(self, trial: Any) -> float:
        """Return the score of a trial.

        Raises:
            TrialPruned: It was pruned, or diverged.
            UsageError: Its values cannot be combined.
            SurplusTrialError: Another worker trains this run, or has begun the last trial.
            TrainingInterrupted: A signal was received; the trial waits to be continued.
            SeqkitError: The search cannot go on; the trial waits to be continued.
        """
        attempts = self.study.get_trials(deepcopy=False)
        number = self.number = runs_of(attempts)[trial.number]
        self._require_needed(trial, attempts)
        trial.set_user_attr(WORKER, {"host": host(), "pid": os.getpid()})
        self.study.sampler = self.sampler(number)
        run = run_path(self.out, number)
        reports = TrialReports(trial, self.task, run)
        state, reason = "complete", None
        try:
            values = self.space.suggest(trial)
            settings = self.space.settings(values)
            shown = ", ".join(f"{name} {_short(value)}" for name, value in trial.params.items())
            again = " goes on" if RunDirectory.exists(run) else ""
            self.callbacks.on_message(f"trial {number}{again}: {shown}")
            callbacks = [*self.callbacks.callbacks, reports]
            trained = self.task.train(settings, run, resume=True, callbacks=callbacks)
            reports.name, score = self.task.score_of(trained.run.best.get("scores") or {})
        except import_optuna().TrialPruned:
            state = "pruned"
            raise
        except DivergenceError as error:
            state, reason = "diverged", error.what
            raise import_optuna().TrialPruned from error
        except UsageError as error:
            state, reason = "failed", str(error)
            raise
        except BaseException:
            state = "waiting"
            if not reports.lost:
                self._enqueue(trial)
            raise
        finally:
            self.lost = reports.lost = reports.lost or self._is_closed(trial)
            if state != "waiting":
                self._close(trial, reports, state, reason)
        if reports.lost:
            self._add(trial, reports, score)
            raise SurplusTrialError(f"another worker took trial {number} for its own")
        return score

    def _require_needed(self, trial: Any, attempts: Sequence[Any]) -> None:
        """Raise SurplusTrialError for a trial beyond the limit, and for a run that another worker trains."""
        earlier = [run for run in latest_attempts(attempts) if run < self.number]
        surplus = RUN not in trial.user_attrs and len(earlier) >= self.limit
        run = run_path(self.out, self.number)
        if not surplus and RunDirectory.exists(run):
            try:
                directory = RunDirectory.open(run)
                directory.lock()
                directory.unlock()
            except RunError:
                surplus = True
        if surplus:
            trial.set_user_attr(STATE, SURPLUS)
            raise SurplusTrialError(f"trial {self.number} is not needed")

    def _is_closed(self, trial: Any) -> bool:
        """Return whether another worker took this one for dead."""
        return any(
            each.number == trial.number and each.state.is_finished()
            for each in self.study.get_trials(deepcopy=False)
        )

    def _enqueue(self, trial: Any) -> None:
        """Let the next worker go on with a trial."""
        kept = {key: value for key, value in trial.user_attrs.items() if key == KILLS}
        self.study.enqueue_trial(trial.params, user_attrs={RUN: self.number, **kept})

    def _add(self, trial: Any, reports: TrialReports, score: float) -> None:
        """Add the result of a trial that Optuna has closed, because this worker gave no sign of life."""
        optuna = import_optuna()
        self.study.add_trial(
            optuna.trial.create_trial(
                params=trial.params,
                distributions=trial.distributions,
                value=score,
                intermediate_values=reports.scores,
                user_attrs={
                    RUN: self.number,
                    STATE: "complete",
                    SECONDS: reports.seconds,
                    SCORE: reports.name,
                },
            )
        )

    def _close(self, trial: Any, reports: TrialReports, state: str, reason: str | None) -> None:
        """Keep how a trial ended: in the study, in its run directory, and in the log."""
        number = self.number
        attributes = {STATE: state, REASON: reason, SCORE: reports.name, SECONDS: reports.seconds}
        for name, value in attributes.items():
            if value is not None and not reports.lost:
                trial.set_user_attr(name, value)
        run, best = run_path(self.out, number), reports.best
        if RunDirectory.exists(run):
            mark = {"trial": number, "state": state, "reason": reason, "params": trial.params}
            mark |= {f"valid_{reports.name}": best, "epochs": len(reports.scores)}
            write_atomically(run / MARK, json.dumps(mark, indent=2, ensure_ascii=False).encode())
        ended = "" if best is None else f", valid {reports.name} {best:.4f}"
        why = "" if reason is None else f": {reason}"
        epochs = "1 epoch" if len(reports.scores) == 1 else f"{len(reports.scores)} epochs"
        self.callbacks.on_message(f"trial {number}: {state} after {epochs}{ended}{why}")


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
