"""How every task trains: its run begun or gone on with, data and model prepared, trained, opened again."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from seqkit.tasks.runs import Identified, begin_run, open_to_resume, require_same_corpus, require_same_texts
from seqkit.tasks.settings import Settings
from seqkit.training import RunDirectory, Watcher

S = TypeVar("S", bound=Settings)
C = TypeVar("C", bound=Identified)
T = TypeVar("T")


class Go(Protocol):
    """The training itself."""

    def __call__(self, run: RunDirectory, watcher: Watcher, *, resume: bool) -> None:
        """Train into ``run``, with ``resume`` from its last checkpoint on."""


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A training that may begin.

    counts: what the run's config tells of the corpus beside its provenance. texts: vocabularies and the like,
    by file name. config: whatever else it takes to open the run again.
    """

    go: Go
    texts: Mapping[str, bytes]
    counts: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    config: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class Training(Generic[S, C, T]):
    """A task's ``train``.

    open_corpus: what the settings name. complete: the settings with what was left to the corpus, the
    optimiser or the machine written out. prepare: data, model and optimiser of completed settings. load: a
    run, opened. resumed: the settings of a run that goes on, which may itself have what it began with.
    """

    def __init__(
        self,
        task: str,
        *,
        open_corpus: Callable[[S], C],
        complete: Callable[[S, C], S],
        prepare: Callable[[S, C, Watcher], Prepared],
        load: Callable[[Path], T],
        resumed: Callable[[S, RunDirectory], S] = lambda settings, run: settings,
    ) -> None:
        self.task, self.open_corpus, self.complete = task, open_corpus, complete
        self.prepare, self.load, self.resumed = prepare, load, resumed

    def __call__(
        self,
        settings: S,
        out: str | Path,
        *,
        resume: bool = False,
        changes: Mapping[str, Any] | None = None,
        watcher: Watcher | None = None,
    ) -> T:
        """Train into the run directory ``out`` and return the model that was best by validation loss.

        Without a validation part that is the last one. With ``resume`` go on with the run at ``out``: its own
        settings hold, and ``changes`` may hold those that are allowed to differ (``MAY_CHANGE`` of the
        settings); ``settings`` is used only where no run was begun yet. Raises RunError, DataError,
        UsageError, DivergenceError, and TrainingInterrupted after a signal.
        """
        watcher = watcher or Watcher()
        run = open_to_resume(out, self.task, watcher) if resume else None
        if run is not None:
            settings = self.resumed(type(settings).to_resume(run.config["settings"], changes or {}), run)
        corpus = self.open_corpus(settings)
        settings = self.complete(settings, corpus)
        if run is not None:
            require_same_corpus(run, corpus, remedy="restore its files, or start a new run")
        prepared = self.prepare(settings, corpus, watcher)
        if run is not None:
            require_same_texts(run, prepared.texts)
        else:  # only now: settings that cannot be used leave no run behind
            run = begin_run(
                out,
                self.task,
                settings,
                corpus,
                counts=prepared.counts,
                texts=prepared.texts,
                **prepared.config,
            )
        prepared.go(run, watcher, resume=resume)
        return self.load(run.path)
