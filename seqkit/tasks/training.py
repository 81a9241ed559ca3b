"""The course of every training: create or resume a run, prepare the data, train the model."""

import dataclasses
import functools
import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import seqkit
from seqkit.backend import default_device, device
from seqkit.distributed import world
from seqkit.distributed.group import ProcessGroup, acting_together
from seqkit.errors import DataError, Remedy, RunError
from seqkit.progress import show_progress
from seqkit.tasks.initial_run import content_of, require_same_weights
from seqkit.tasks.runs import Corpus, open_run, refuse_mixture, require_same_corpus
from seqkit.threads import thread_count
from seqkit.training import Callback, CallbackList, RunDirectory, Settings, Task
from seqkit.training.reporting import InfoLog
from seqkit.training.signals import hangup_ignored

S = TypeVar("S", bound=Settings)
C = TypeVar("C", bound=Corpus)

Callbacks = Callback | Iterable[Callback] | None
"""A callback, several, or none."""

Changes = Mapping[str, Any] | None
"""Settings of a resumed run that change, by field."""


def run_training(
    name: str,
    settings: S,
    out: str | Path,
    resolved: type[S],
    open_corpus: Callable[[S], C],
    make_task: Callable[[S, C, Callback], Task],
    resume: bool,
    changes: Changes,
    callbacks: Callbacks,
    progress: bool = False,
) -> RunDirectory:
    """Train into the run directory ``out``, or continue the run that is there.

    Args:
        name: The task's name.
        settings: The settings of a new run.
        out: The run directory.
        resolved: The class of resolved settings, which a run keeps.
        open_corpus: Returns the corpus that settings name.
        make_task: Resolves the settings, reads the corpus and creates the model.
        resume: Continue the run at ``out`` with its own settings; begin it if there is none.
        changes: Settings of a resumed run that change (those of ``MAY_CHANGE``).
        callbacks: A callback or several.
        progress: Whether to show a progress bar.

    Returns:
        The run.

    Raises:
        UsageError: Settings cannot be combined, or cannot change in a resumed run.
        DataError: The corpus is absent or unreadable, or has changed since the run was begun.
        DeviceError: There is no such device.
        RunError: ``out`` holds other files, or a run of another task.
        DivergenceError: A loss is not finite.
        TrainingInterrupted: A signal was received; the state is saved.
    """
    group = world()
    callback = CallbackList([*CallbackList(callbacks).callbacks, InfoLog()] if group.is_first else [])
    device(getattr(settings, "device", None) or default_device())
    with hangup_ignored(), show_progress(progress and group.is_first):
        run = _shared_run(group, lambda: _run_to_resume(out, name, resume))
        try:
            begun = group.share(run is not None and run.has_checkpoint())
            if run is not None:
                changes = _moved(run, settings, changes or {})
                settings = _resumed_settings(run, resolved, changes, callback, begun)
            corpus = open_corpus(settings)
            if run is not None:
                require_same_corpus(run, corpus, remedy="restore its files, or start a new run")
                group.on_first(functools.partial(run.move, _places(settings)))
            corpus.content_key()  # of the text before it is read
            with acting_together(group):
                task = make_task(settings, corpus, callback)
            task.group = group
            group.require_same(_checksum(task.artifacts), "vocabulary, tokenizer and labels")
            corpus.require_unchanged()
            if not begun:
                if run is not None:
                    require_same_weights(settings, run)
                task.load_initial_weights()
            if run is None:  # not before: unusable settings must not leave a run behind
                run = _shared_run(group, lambda: _begin_run(out, name, task, corpus))
                assert run is not None
            else:
                group.on_first(functools.partial(_require_same_artifacts, run, task))
            task.fit(run, callback, resume=resume)
        finally:
            if run is not None and group.is_first:
                run.unlock()
    return run


def _checksum(artifacts: Mapping[str, bytes]) -> str:
    return hashlib.sha256(b"".join(artifacts[name] for name in sorted(artifacts))).hexdigest()


def _shared_run(group: ProcessGroup, get: Callable[[], RunDirectory | None]) -> RunDirectory | None:
    """Return the run that ``get`` returns in the first process, which alone writes it."""
    run = group.on_first(get)
    known = group.share(None if run is None else [str(run.path), run.config])
    return run if run is not None or known is None else RunDirectory(Path(known[0]), known[1])


def _run_to_resume(out: str | Path, name: str, resume: bool) -> RunDirectory | None:
    """Return the run at ``out``, locked, if it is to be resumed; else see that ``out`` is free."""
    if resume and RunDirectory.exists(out):
        run = open_run(out, name)
        refuse_mixture(run, "to go on with")
        run.lock()
        return run
    RunDirectory.require_free(out)
    return None


def _places(settings: Settings) -> dict[str, str]:
    """Return the places of the files that settings name and that may move."""
    values = {name: getattr(settings, name, None) for name in settings.MAY_MOVE}
    return {name: value for name, value in values.items() if isinstance(value, str)}


def _moved(run: RunDirectory, settings: Settings, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the changes with the new places, by ``settings``, of files that are no longer at the run's.

    Raises:
        DataError: A file is gone and has no new place.
    """
    changes = settings.by_field(changes)
    for name in settings.MAY_MOVE:
        place = run.entry("settings").get(name)
        if name in changes or not isinstance(place, str) or not Path(place).is_absolute():
            continue
        if not Path(place).exists():
            if name not in settings.given:
                raise DataError(
                    f"the {name} of {run.path} is no longer at {place}",
                    remedy=Remedy(
                        f'restore it, or give its new place: changes={{"{name}": PATH}}',
                        command=f"restore it, or give its new place: --{name}",
                    ),
                )
            changes[name] = getattr(settings, name)
    return changes


def _resumed_settings(
    run: RunDirectory, resolved: type[S], changes: Mapping[str, object], callback: Callback, begun: bool
) -> S:
    """Return the settings of a run with the changes, and warn of another number of threads.

    ``begun`` says whether it has a checkpoint.
    """
    saved = resolved.to_resume(run.entry("settings"), changes, source=str(run.path / "config.json"))
    if run.entry("threads") != thread_count():
        callback.on_message(
            f"the run was begun with {run.config['threads']} threads and continues with "
            f"{thread_count()}: results may differ in the last bits"
        )
    if getattr(saved, "init", None) is not None and begun:
        # its own vocabulary and weights: those that it started from may be gone
        own: dict[str, Any] = {"init": str(run.path), "grow_vocabulary": False}
        return dataclasses.replace(saved, **{name: own[name] for name in own if hasattr(saved, name)})
    return saved


def _begin_run(path: str | Path, name: str, task: Task, corpus: Corpus) -> RunDirectory:
    """Create the run directory and lock it."""
    init = getattr(task.settings, "init", None)
    return RunDirectory.create(
        path,
        {
            "task": name,
            "seqkit": seqkit.__version__,
            "threads": thread_count(),
            "settings": task.settings.to_dict(),
            "corpus": {**corpus.provenance(), **task.counts},
            "content_key": corpus.content_key(),
            **({} if init is None else {"init": content_of(init)}),
            **task.config,
        },
        task.artifacts,
        lock=True,
    )


def _require_same_artifacts(run: RunDirectory, task: Task) -> None:
    """Raise RunError unless the task has the same artifacts as the run.

    Another version of a library may learn other subwords from the same text.
    """
    for name, data in task.artifacts.items():
        if run.artifact(name) != data:
            raise RunError(
                f"expected {name} as in the run, got another from this version of seqkit and its libraries",
                where=str(run.path),
                remedy="resume with the versions that began the run, or start a new run",
            )
