"""Workers of a search: they share a study, take up trials of dead ones, and stop at the number asked for."""

from __future__ import annotations

import contextlib
import os
import time
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seqkit.errors import UsageError, require_choice
from seqkit.launcher import host, launched
from seqkit.platforms import process_ended
from seqkit.search.definition import Definition, begin, folder_locked
from seqkit.search.results import (
    ENDED,
    KILLS,
    REASON,
    RUN,
    STATE,
    WORKER,
    SearchResult,
    latest_attempts,
    result_of,
    runs_of,
    state_of,
)
from seqkit.search.space import Space
from seqkit.search.storage import (
    HEARTBEAT,
    import_optuna,
    open_storage,
    quiet_optuna,
    storage_errors,
    storage_url,
    without_password,
)
from seqkit.search.tasks import task_of
from seqkit.search.trial import Objective, SurplusTrialError
from seqkit.training import Callback, CallbackList, Settings

PRUNERS = ("median", "hyperband", "none")
MOST_KILLS = 3
"""How often the worker of a trial may be killed before the trial counts as failed."""
UNUSABLE = 5
"""Trials that fail at the beginning of a search, none else having ended, before it stops."""


def search(
    settings: Settings,
    space: Space | Mapping[str, Mapping[str, Any]],
    out: str | Path,
    *,
    trials: int = 20,
    storage: str | None = None,
    seed: int | None = None,
    pruner: str = "median",
    callbacks: Callback | list[Callback] | None = None,
    heartbeat: int = HEARTBEAT,
) -> SearchResult:
    """Search for settings with a good validation score, with Optuna's TPE sampler (Bergstra et al. 2011).

    Several processes may call this with the same arguments at the same time; each is a worker of the search.
    A search goes on where it stopped.

    Args:
        settings: The settings that all trials share.
        space: The settings to vary, as :class:`Space` takes them.
        out: The folder of the search, with a run directory for each trial.
        trials: Trials of the whole search that end, over all workers.
        storage: Address of the database as SQLAlchemy has them, such as postgresql://HOST/DATABASE; None for
            SQLite in the folder, which the workers of one host can share.
        seed: Seed of the sampler; None for that of the settings.
        pruner: Rule that ends trials by the score of an epoch: "median", worse than the median of the others
            (after five trials); "hyperband" (Li et al. 2018); or "none".
        callbacks: Training callbacks, which also receive messages about the trials.
        heartbeat: Seconds between signs of life; a worker is dead after four of them without one.

    Returns:
        The trials, the best first.

    Raises:
        UsageError: The space does not fit the settings, the first five trials fail, or mpiexec started
            several processes.
        MissingDependencyError: Optuna, or the driver of the database, is not installed.
        RunError: The folder holds another search, or the database cannot be used.
        DataError: The corpus is absent, unreadable, or without a validation split.
        TrainingInterrupted: A signal was received; the trial is saved, and the same call goes on with it.

    Example::

        from seqkit.tasks.language_modeling import LanguageModelSettings

        settings = LanguageModelSettings(corpus="my-text.txt", epochs=3)
        found = seqkit.search.search(settings, {"lr": {"log": [1e-4, 1e-2]}}, "runs/search", trials=30)
        print(found.best.params, found.best.score)

    """
    require_choice("pruner", pruner, PRUNERS)
    if launched().size > 1:
        raise UsageError(
            "a search is not shared out by mpiexec: its processes would train other trials",
            remedy="start the workers without it: they share the folder, or the storage",
        )
    if trials < 1:
        raise UsageError(f"expected trials to be at least 1, got {trials}")
    import_optuna()
    task = task_of(type(settings))
    if not isinstance(space, Space):
        space = Space(space, settings)
    out = Path(out)
    url = storage_url(storage, out)
    task.require_corpus(settings)
    seed = getattr(settings, "seed", 0) if seed is None else seed
    wanted = Definition.of(settings, space, seed)
    listeners = CallbackList(callbacks)
    with quiet_optuna() as optuna, contextlib.ExitStack() as stack:
        with folder_locked(out):
            definition = begin(out, wanted, None if storage is None else without_password(url))
            study = stack.enter_context(_study(url, definition, heartbeat))
        study.pruner = {
            "median": optuna.pruners.MedianPruner,
            "hyperband": optuna.pruners.HyperbandPruner,
            "none": optuna.pruners.NopPruner,
        }[pruner]()

        def sampler(number: int, salt: object = "") -> Any:
            """Return a sampler whose draws depend on the seed and the trial, whichever worker draws."""
            return optuna.samplers.TPESampler(
                seed=zlib.crc32(f"{seed} {number} {salt}".encode()), multivariate=True, constant_liar=True
            )

        objective = Objective(study, space, task, out, trials, sampler, listeners)
        with storage_errors(url):
            _work(study, objective, trials, heartbeat)
            return result_of(study, out, definition)


def open_search(out: str | Path, *, storage: str | None = None) -> SearchResult:
    """Return the state of the search in a folder, also while it runs.

    Args:
        out: The folder.
        storage: Address of its database, if that needs a password.

    Raises:
        RunError: There is no search, or its database cannot be used.
    """
    out = Path(out)
    definition = Definition.read(out)
    url = storage_url(storage or definition.storage, out)
    with quiet_optuna(), _study(url, definition, HEARTBEAT) as study, storage_errors(url):
        return result_of(study, out, definition)


@contextlib.contextmanager
def _study(url: str, definition: Definition, heartbeat: int) -> Iterator[Any]:
    """Open the study of a search, and close its database at the end."""
    database = open_storage(url, heartbeat, _take_up)
    try:
        with storage_errors(url):
            study = import_optuna().create_study(
                storage=database,
                study_name=definition.study,
                direction=definition.searched.direction,
                load_if_exists=True,
            )
        yield study
    finally:
        database.remove_session()
        database.engine.dispose()


def _work(study: Any, objective: Objective, trials: int, heartbeat: int) -> None:
    """Train trials until enough have ended; wait for those that other workers train."""
    optuna, told = import_optuna(), False
    while True:
        optuna.storages.fail_stale_trials(study)
        _fail_ended_workers(study)
        attempts = latest_attempts(study.get_trials(deepcopy=False))
        states = {number: state_of(each) for number, each in attempts.items()}
        for number, state in states.items():
            if state == "lost":
                _take_up(study, attempts[number])
        if sum(state in ENDED for state in states.values()) >= trials:
            return
        running = [number for number, state in states.items() if state == "running"]
        if {"waiting", "lost"} & set(states.values()) or len(states) < trials:
            salt = os.getpid() if running else ""
            study.sampler = objective.sampler(len(study.get_trials(deepcopy=False)), salt)
            _train_one(study, objective)
            told = False
        elif running:
            if not told:
                numbers = ", ".join(map(str, running))
                objective.callbacks.on_message(f"waiting for other workers, which train trial {numbers}")
                told = True
            time.sleep(min(heartbeat, 2))
        else:
            return


def _train_one(study: Any, objective: Objective) -> None:
    """Train the next trial. Raise UsageError if it fails as all others did."""
    objective.lost = False
    try:
        study.optimize(objective, n_trials=1)
    except SurplusTrialError:
        return
    except UsageError:
        attempts = latest_attempts(study.get_trials(deepcopy=False)).values()
        ended = [state for state in map(state_of, attempts) if state in ENDED]
        if len(ended) >= UNUSABLE and set(ended) == {"failed"}:
            raise
    except Exception:
        if not objective.lost:
            raise


def _take_up(study: Any, attempt: Any) -> None:
    """Enqueue the run of a dead worker once more, with the same values."""
    attempts = study.get_trials(deepcopy=False)
    number = runs_of(attempts)[attempt.number]
    if latest_attempts(attempts)[number].number != attempt.number:
        return
    kills = attempt.user_attrs.get(KILLS, 0) + 1
    if kills <= MOST_KILLS:
        study.enqueue_trial(attempt.params, user_attrs={RUN: number, KILLS: kills})
        return
    optuna = import_optuna()
    study.add_trial(
        optuna.trial.create_trial(
            state=optuna.trial.TrialState.FAIL,
            params=attempt.params,
            distributions=attempt.distributions,
            intermediate_values=attempt.intermediate_values,
            user_attrs={RUN: number, STATE: "failed", REASON: f"its worker was killed {kills} times"},
        )
    )


def _fail_ended_workers(study: Any) -> None:
    """Take up the trials of processes of this host that have ended: sooner than by their silence."""
    optuna = import_optuna()
    running = study.get_trials(deepcopy=True, states=(optuna.trial.TrialState.RUNNING,))
    for attempt in running:
        worker = attempt.user_attrs.get(WORKER, {})
        if worker.get("host") != host():
            continue
        if worker["pid"] == os.getpid() or process_ended(worker["pid"]):
            try:
                study.tell(attempt.number, state=optuna.trial.TrialState.FAIL)
            except (ValueError, optuna.exceptions.UpdateFinishedTrialError):
                continue  # another worker was faster
            _take_up(study, attempt)
