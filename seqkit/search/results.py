"""The trials of a search and what they show: the best one, and how much each setting matters."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqkit.search.definition import Definition
from seqkit.search.storage import import_optuna
from seqkit.training import Settings

ENDED = ("complete", "pruned", "diverged", "failed")
"""States of trials that count as finished."""
RUN, WORKER, STATE, REASON, KILLS, SCORE, SECONDS = (
    "run", "worker", "state", "reason", "kills", "score", "seconds",
)  # fmt: skip
"""Attributes of Optuna's trials. Several may be attempts at one run; RUN is its number."""
SURPLUS = "surplus"
"""The state of an attempt that counts for nothing."""
LEAST_SCORED = 8
"""Trials from which importances are computed; those of fewer are noise."""


@dataclass(frozen=True)
class Trial:
    """A trial of a search.

    Attributes:
        number: Its number.
        state: "complete"; "pruned", because others were better at the same epoch; "diverged"; "failed",
            because its values cannot be combined; "running" or "waiting".
        params: The values by flag.
        path: Its run directory.
        score: The best validation score so far, None if there is none yet.
        scores: The score of each epoch.
        seconds: Seconds of training; None while it runs.
        reason: Why it diverged or failed.
    """

    number: int
    state: str
    params: dict[str, Any]
    path: Path
    score: float | None
    scores: dict[int, float]
    seconds: float | None = None
    reason: str | None = None


@dataclass(frozen=True)
class SearchResult:
    """The state of a search.

    Attributes:
        path: Its folder.
        definition: Its settings and its space.
        score_name: The name of the score, such as "loss", of the validation.
        trials: The trials, the best first; those without a score last.
        importance: For each setting the fraction of the importances of all by PED-ANOVA (Watanabe et al.
            2023); empty with fewer than eight trials with a score.
    """

    path: Path
    definition: Definition
    score_name: str
    trials: tuple[Trial, ...]
    importance: dict[str, float]

    @property
    def maximize(self) -> bool:
        """Whether the highest score is the best."""
        return self.definition.searched.maximize

    @property
    def best(self) -> Trial | None:
        """The best complete trial, None before the first."""
        return next((trial for trial in self.trials if trial.state == "complete"), None)

    def settings(self, trial: Trial) -> Settings:
        """Return the settings of a trial, which train it again."""
        return self.definition.searched.settings.from_values({**self.definition.settings, **trial.params})


def runs_of(attempts: Iterable[Any]) -> dict[int, int]:
    """Return the run's number of each Optuna trial, by the trial's number.

    Runs are counted from 0. An attempt to go on with a run has its number as the attribute RUN, from its
    creation on, so that all workers count alike.
    """
    runs: dict[int, int] = {}
    count = 0
    for each in sorted(attempts, key=lambda each: each.number):
        if RUN in each.user_attrs:
            runs[each.number] = int(each.user_attrs[RUN])
        else:
            runs[each.number], count = count, count + 1
    return runs


def latest_attempts(attempts: Sequence[Any]) -> dict[int, Any]:
    """Return the last attempt at each run, by the run's number."""
    runs = runs_of(attempts)
    return {
        runs[each.number]: each
        for each in sorted(attempts, key=lambda each: each.number)
        if each.user_attrs.get(STATE) != SURPLUS
    }


def state_of(attempt: Any) -> str:
    """Return the state of an Optuna trial in our words; "lost" for one whose worker ended without a word."""
    name = attempt.state.name.lower()
    return str(attempt.user_attrs.get(STATE, "lost" if name == "fail" else name))


def run_path(out: Path, number: int) -> Path:
    """Return the run directory of a trial."""
    return out / f"trial-{number:04d}"


def result_of(study: Any, out: Path, definition: Definition) -> SearchResult:
    """Return the state of a search from its Optuna study."""
    maximize = definition.searched.maximize
    trials, name = [], definition.searched.scores[0]
    for number, attempt in latest_attempts(study.get_trials(deepcopy=False)).items():
        scores = dict(sorted(attempt.intermediate_values.items()))
        state, attributes = state_of(attempt), attempt.user_attrs
        name = attributes.get(SCORE, name)
        params = {**{key: table["fixed"] for key, table in definition.space.items() if "fixed" in table}}
        params = {**attempt.params, **params}
        order = {flag: place for place, flag in enumerate(definition.space)}
        trials.append(
            Trial(
                number,
                "waiting" if state == "lost" else state,
                dict(sorted(params.items(), key=lambda item: order.get(item[0], len(order)))),
                run_path(out, number),
                score_of(attempt, maximize),
                scores,
                attributes.get(SECONDS),
                attributes.get(REASON),
            )
        )
    sign = -1 if maximize else 1

    def rank(trial: Trial) -> tuple[Any, ...]:
        by_state = 0 if trial.state == "complete" else 1
        return (trial.score is None, by_state, sign * (trial.score or 0.0), trial.number)

    return SearchResult(
        out, definition, name, tuple(sorted(trials, key=rank)), importance_of(study, maximize)
    )


def importance_of(study: Any, maximize: bool) -> dict[str, float]:
    """Return the importance of each setting by PED-ANOVA, of which Optuna's needs no other package.

    It compares the values of the best trials with those of all that have a score: without pruned trials, a
    setting whose bad values were all pruned would count for nothing. The best are the first tenth, but at
    least five, as Optuna's documentation advises, and no more than half of them.
    """
    optuna = import_optuna()
    scored = []
    for each in latest_attempts(study.get_trials(deepcopy=False)).values():
        value = score_of(each, maximize)
        if state_of(each) in ENDED and value is not None and math.isfinite(value):
            scored.append((value, each))
    if len(scored) < LEAST_SCORED:
        return {}
    shared = set.intersection(*(set(each.params) for _, each in scored))
    varied = sorted(name for name in shared if len({each.params[name] for _, each in scored}) > 1)
    ranked = optuna.create_study(direction="maximize" if maximize else "minimize")
    for value, each in scored:
        ranked.add_trial(
            optuna.trial.create_trial(params=each.params, distributions=each.distributions, value=value)
        )
    evaluator = optuna.importance.PedAnovaImportanceEvaluator
    quantile = min(0.5, max(0.1, 5 / len(scored)))
    names = inspect.signature(evaluator).parameters
    key = "target_quantile" if "target_quantile" in names else "baseline_quantile"  # of older versions
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about few trials and equal values
        found = optuna.importance.get_param_importances(
            ranked, evaluator=evaluator(**{key: quantile}), params=varied
        )
    return {name: float(value) for name, value in found.items()}


def score_of(attempt: Any, maximize: bool) -> float | None:
    """Return the final score of an Optuna trial, or the best so far; None before the first."""
    if attempt.state.name == "COMPLETE":
        return float(attempt.value)
    best = max if maximize else min
    return best(attempt.intermediate_values.values(), default=None)
