"""Trainings that start from the weights of a finished run: the settings ``init`` and ``grow_vocabulary``."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

import numpy as np

from seqkit.backend import to_numpy
from seqkit.backend.random import Generator
from seqkit.errors import DamagedFileError, Remedy, RunError, UsageError
from seqkit.files.what_is import not_as_expected
from seqkit.nn import Module, initializers
from seqkit.tasks.runs import open_run, refuse_mixture, run_settings
from seqkit.tasks.text import OnMessage, TextSettings, run_tokenizer, run_vocabulary
from seqkit.text import SubwordTokenizer, Tokenizer, Vocabulary
from seqkit.training import RunDirectory, Settings, TrainingSettings

S = TypeVar("S", bound=TrainingSettings)
R = TypeVar("R", bound=Settings)

T = TypeVar("T", bound=Settings)

Rows = tuple[Sequence[str], Sequence[str]]
"""The names of the rows of an array, in the run and in the new model, each once."""


@dataclass(frozen=True)
class InitialRun(Generic[R]):
    """A run from which a training starts.

    Attributes:
        run: The run.
        settings: Its resolved settings.
        free: Settings that it does not decide, although it decides those of their type.
    """

    run: RunDirectory
    settings: R
    free: tuple[str, ...] = ()

    def growing(self, grows: bool | None, tokenizer: Tokenizer) -> Self:
        """Return the run, whose vocabulary may grow. Raise UsageError if one of subwords is to grow."""
        refuse_growing_subwords(grows, tokenizer)
        return replace(self, free=("min_count",) if grows else ())

    def complete(self, settings: S) -> S:
        """Return settings with those of the run. Raise UsageError for one that contradicts it."""
        return settings.with_run(self.settings, self.path, free=self.free)

    def keep(self, resolved: T) -> T:
        """Return resolved settings with those of the run in place of a corpus's defaults."""
        names = set(resolved.OF_THE_RUN) - set(self.free)
        return replace(resolved, **{name: getattr(self.settings, name) for name in names})

    @property
    def path(self) -> str:
        """The folder, for messages."""
        return str(self.run.path)

    def weights_for(
        self,
        model: Module,
        rows: Callable[[str], Rows] = lambda name: ((), ()),
        *,
        new: tuple[str, ...] = (),
        seed: int = 0,
    ) -> dict[str, np.ndarray]:
        """Return the arrays of a model with the run's best weights.

        Rows without a predecessor are drawn from the normal distribution with the standard deviation of the
        others; those of a bias get the mean of the others.

        Args:
            model: The new model.
            rows: Returns the names of the rows of an array by its name, for arrays of another shape.
            new: Prefixes of arrays that keep the model's own initial values.
            seed: Seed of the new rows.

        Raises:
            RunError: The arrays of the run are those of another model.
            DamagedFileError: The weights are damaged, or not finite.
        """
        arrays = self.run.load_model()
        for name, array in arrays.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise DamagedFileError(
                    f"expected finite weights, got NaN or infinity in {name}", where=self.path
                )
        own = model.state_dict()
        arrays = {name: array for name, array in arrays.items() if not name.startswith(new)}
        for name, array in arrays.items():
            before, after = rows(name)
            if name in own and own[name].shape != array.shape and len(array) == len(before):
                arrays[name] = _moved(array, before, after, name, seed)
        return arrays | {name: to_numpy(array) for name, array in own.items() if name.startswith(new)}


def _moved(old: np.ndarray, before: Sequence[str], after: Sequence[str], name: str, seed: int) -> np.ndarray:
    """Return the rows of an array in another order, with new ones for new names."""
    places = {row: number for number, row in enumerate(before)}
    from_rows = np.array([places.get(row, -1) for row in after])
    shape, deviation = (len(after), *old.shape[1:]), float(old.std())
    if old.ndim == 1:
        moved = np.full(shape, old.mean(), old.dtype)
    else:
        moved = initializers.normal(shape, Generator(seed, f"new rows of {name}"), deviation).astype(
            old.dtype
        )
    moved[from_rows >= 0] = old[from_rows[from_rows >= 0]]
    return moved


def open_initial_run(settings: S, task: str, resolved: type[R], train: str) -> InitialRun[R] | None:
    """Open the run that ``settings.init`` names; None if it names none.

    Args:
        settings: The settings of the new training.
        task: The task of the run.
        resolved: The class of the run's settings.
        train: The command of such runs, for messages.

    Raises:
        RunError: There is no run, or one of another task.
        DamagedFileError: A file of the run is damaged.
    """
    if settings.init is None:
        return None
    if not RunDirectory.exists(settings.init):
        raise not_as_expected(settings.init, f"no run at {settings.init}", remedy=f"give a run of {train}")
    run = open_run(settings.init, task)
    refuse_mixture(run, "to start from")
    return InitialRun(run, run_settings(run, resolved))


@dataclass(frozen=True)
class InitialText(InitialRun[R]):
    """A run of a text task from which a training starts.

    Attributes:
        tokenizer: Its tokenizer.
        vocabulary: Its vocabulary.
    """

    tokenizer: Tokenizer = field(kw_only=True)
    vocabulary: Vocabulary = field(kw_only=True)

    @property
    def text(self) -> tuple[Tokenizer, Vocabulary]:
        """The tokenizer and the vocabulary."""
        return self.tokenizer, self.vocabulary

    def weights(
        self, model: Module, vocabulary: Vocabulary, seed: int, new: tuple[str, ...] = ()
    ) -> Callable[[], dict[str, np.ndarray]]:
        """Return a function that reads the weights for a model of a vocabulary.

        The arguments are those of :meth:`weights_for`; arrays of another shape have a row for each word.
        """
        rows = self.vocabulary.tokens, vocabulary.tokens
        return lambda: self.weights_for(model, lambda name: rows, new=new, seed=seed)


def initial_text(settings: TextSettings, task: str, resolved: type[R], train: str) -> InitialText[R] | None:
    """Open the run of a text task, as :func:`open_initial_run` does, with its tokenizer and vocabulary.

    Raises:
        UsageError: A vocabulary of subwords is to grow.
    """
    initial = open_initial_run(settings, task, resolved, train)
    return None if initial is None else with_text(initial, growing=settings.grow_vocabulary)


def with_text(initial: InitialRun[R], *, growing: bool | None) -> InitialText[R]:
    """Return a run with its tokenizer and vocabulary.

    Args:
        initial: The run.
        growing: Whether the vocabulary grows.

    Raises:
        UsageError: A vocabulary of subwords is to grow.
    """
    tokenizer = run_tokenizer(initial.run)
    run = initial.growing(growing, tokenizer)
    return InitialText(
        run.run, run.settings, run.free, tokenizer=tokenizer, vocabulary=run_vocabulary(run.run)
    )


def refuse_growing_subwords(growing: bool | None, tokenizer: Tokenizer) -> None:
    """Raise UsageError if the vocabulary of a tokenizer of subwords is to grow."""
    if growing and isinstance(tokenizer, SubwordTokenizer):
        raise UsageError(
            "grow_vocabulary has no effect here: it is for words and characters; subwords spell every word",
            remedy=Remedy("leave grow_vocabulary out", command="leave out --grow-vocabulary"),
        )


def report_start(
    initial: InitialRun[R],
    vocabularies: Mapping[str, tuple[Vocabulary, Vocabulary]],
    on_message: OnMessage,
    unknown: float = 0.0,
) -> None:
    """Tell from which run a training starts.

    Args:
        initial: The run.
        vocabularies: By name, each before and after the training split was read.
        on_message: Gets the sentence.
        unknown: The fraction of the training tokens that are unknown.
    """
    grown = [
        f"{name} {len(before):,} → {len(after):,}"
        for name, (before, after) in vocabularies.items()
        if len(before) != len(after)
    ]
    text = f"starts from {initial.path}" + (f", with new {', '.join(grown)}" if grown else "")
    if unknown:
        text += f"; {unknown:.1%} of the tokens are unknown" + (
            "" if grown else " (grow_vocabulary adds them)"
        )
    on_message(text)


def same_labels(
    initial: InitialRun[R], before: Sequence[str], after: Sequence[str], on_message: OnMessage
) -> bool:
    """Return whether a training has the labels of the run that it starts from; tell if it has not."""
    if tuple(before) == tuple(after):
        return True
    on_message(
        f"new output layer: {len(after)} labels ({', '.join(after[:5])}{', …' if len(after) > 5 else ''}), "
        f"not the {len(before)} of {initial.path}"
    )
    return False


def content_of(source: str | Path) -> dict[str, Any]:
    """Return where weights come from, and the sha256 of their files, as JSON values."""
    digest = hashlib.sha256()
    for file in sorted(Path(source).glob("*.safetensors")):
        if file.name == "last.safetensors":  # a run's checkpoint, of other weights than its best
            continue
        try:
            with open(file, "rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        except OSError as error:
            raise RunError(f"cannot read {file} ({error.strerror or error})") from error
    return {"source": str(source), "sha256": digest.hexdigest()}


def require_same_weights(settings: Settings, run: RunDirectory) -> None:
    """Raise RunError unless the weights that ``init`` names are those with which a run was begun."""
    source = getattr(settings, "init", None)
    if source is not None and content_of(source)["sha256"] != run.entry("init").get("sha256"):
        raise RunError(
            f"the weights in {source} are not those with which {run.path} was begun",
            remedy="restore them, or start a new run",
        )
