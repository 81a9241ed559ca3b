"""The course of every training: a run is begun or resumed, its data prepared, its model trained."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import seqkit
from seqkit.errors import RunError
from seqkit.tasks.runs import Corpus, open_run, require_same_corpus
from seqkit.threads import thread_count
from seqkit.training import Callback, CallbackList, RunDirectory, Settings, Task

S = TypeVar("S", bound=Settings)


C = TypeVar("C", bound=Corpus)

Callbacks = Callback | Iterable[Callback] | None
"""One callback, several, or none."""


def run_training(
    name: str,
    settings: S,
    out: str | Path,
    *,
    resolved: type[S],
    open_corpus: Callable[[S], C],
    make_task: Callable[[S, C, Callback], Task],
    resume: bool,
    changes: Mapping[str, Any] | None,
    callbacks: Callbacks,
    adapt: Callable[[S, RunDirectory], S] = lambda settings, run: settings,
) -> RunDirectory:
    """Train into the run directory ``out``, or continue the run that is there.

    Args:
        name: the task's name.
        settings: the settings of a new run.
        out: the run directory.
        resolved: the class of resolved settings, which a run keeps.
        open_corpus: returns the corpus that settings name.
        make_task: resolves the settings, reads the corpus and makes the model.
        resume: continue the run at ``out`` with its own settings; begin it where there is none.
        changes: settings that differ when a run is resumed (those of ``MAY_CHANGE``).
        callbacks: informed of the progress.
        adapt: changes the settings of a resumed run to what the run itself holds.

    Raises:
        RunError, DataError, UsageError, DivergenceError: as the message says.
        TrainingInterrupted: after a signal, once the state is saved.

    """
    callback = CallbackList(callbacks)
    run = open_run(out, name) if resume and RunDirectory.exists(out) else None
    try:
        if run is not None:
            run.lock()
            settings = adapt(_resumed_settings(run, resolved, changes or {}, callback), run)
        corpus = open_corpus(settings)
        if run is not None:
            require_same_corpus(run, corpus, remedy="restore its files, or start a new run")
        corpus.content_key()  # of the text before it is read
        task = make_task(settings, corpus, callback)
        corpus.require_unchanged()
        if run is None:  # only now: settings that cannot be used leave no run behind
            run = _begin_run(out, name, task, corpus)
            run.lock()
        else:
            _require_same_artifacts(run, task)
        task.fit(run, callback, resume=resume)
    finally:
        if run is not None:
            run.unlock()
    return run


def _resumed_settings(
    run: RunDirectory, resolved: type[S], changes: Mapping[str, Any], callback: Callback
) -> S:
    """Return the settings of a run with the changes, and warn of another number of threads."""
    saved = resolved.to_resume(run.config["settings"], changes, source=str(run.path / "config.json"))
    if run.config["threads"] != thread_count():
        callback.on_message(
            f"the run was begun with {run.config['threads']} threads and continues with "
            f"{thread_count()}: results may differ in the last bits"
        )
    return saved


def _begin_run(path: str | Path, name: str, task: Task, corpus: Corpus) -> RunDirectory:
    return RunDirectory.create(
        path,
        {
            "task": name,
            "seqkit": seqkit.__version__,
            "threads": thread_count(),
            "settings": task.settings.to_dict(),
            "corpus": {**corpus.provenance(), **task.counts},
            "content_key": corpus.content_key(),
            **task.config,
        },
        task.artifacts,
    )


def _require_same_artifacts(run: RunDirectory, task: Task) -> None:
    """Raise RunError unless the corpus gives the artifacts that the run was begun with.

    Another version of a library may learn other subwords from the same text.
    """
    for name, data in task.artifacts.items():
        if run.artifact(name) != data:
            raise RunError(
                f"{run.path / name} is not what this version makes of the corpus",
                remedy="resume with the versions that began the run, or start a new one",
            )
