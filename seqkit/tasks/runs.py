"""Runs of trained models (settings, corpora, weights), and how checkpoint folders are told from them."""

from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from seqkit.backend import default_device, device, make_current
from seqkit.backend.random import Generator, Unset
from seqkit.errors import DamagedFileError, DataError, RunError, UsageError
from seqkit.files import read_json
from seqkit.files.what_is import what_is
from seqkit.models.checkpoints import CONFIG, PICKLES, WEIGHTS
from seqkit.nn import Module
from seqkit.text import SubwordTokenizer, load_tokenizer
from seqkit.training import RunDirectory, Settings
from seqkit.training.run_directory import LOG

VOCABULARY = "vocab.txt"

M = TypeVar("M", bound=Module)
S = TypeVar("S", bound=Settings)


class Corpus(Protocol):
    """A corpus of any task."""

    name: str

    def provenance(self) -> dict[str, Any]:
        """Return the origin of the corpus as JSON values."""

    def content_key(self) -> str:
        """Return the sha256 of the content."""

    def require_unchanged(self) -> None:
        """Raise DataError if the content is no longer that of :meth:`content_key`."""


def open_run(path: str | Path, task: str) -> RunDirectory:
    """Open a run directory of ``task`` and verify its artifacts.

    Raises:
        RunError: The folder is not a run directory, or that of another task.
        DamagedFileError: An artifact is damaged.
    """
    run = RunDirectory.open(path)
    if run.config.get("task") != task:
        raise RunError(
            f"expected a run of {task}, got one of {run.config.get('task')}",
            where=str(run.path),
            remedy=what_is(run.path).remedy,
        )
    run.verify()
    return run


def require_text(text: str) -> str:
    """Return the text. Raise UsageError for what is no string."""
    if not isinstance(text, str):
        raise UsageError(f"expected a string, got {text!r}")
    return text


def require_texts(texts: Iterable[str]) -> list[str]:
    """Return the texts as a list. Raise UsageError for a string in their place, and for what is no string."""
    if isinstance(texts, str | bytes):
        raise UsageError("expected texts to be a list of strings, got a string", remedy="pass [text]")
    listed = list(texts)
    for text in listed:
        if not isinstance(text, str):
            raise UsageError(f"expected texts to be a list of strings, got {text!r} in it")
    return listed


def run_settings(run: RunDirectory, settings: type[S]) -> S:
    """Return the resolved settings of a run."""
    return settings.from_values(run.entry("settings"), source=str(run.path / "config.json"))


def require_same_corpus(run: RunDirectory, corpus: Corpus, *, remedy: str) -> None:
    """Raise DataError unless ``corpus`` has the content that the run was trained on."""
    expected, got = run.entry("content_key"), corpus.content_key()
    if got != expected:
        raise DataError(
            f"the corpus {corpus.name} has changed since {run.path} was begun: expected the content "
            f"{expected[:16]}…, got {got[:16]}…",
            remedy=remedy,
        )


def require_split(split: str, splits: Collection[str], corpus: str) -> None:
    """Raise DataError unless ``split`` is one of the corpus's ``splits``."""
    if split not in splits:
        raise DataError(
            f"no {split} split: expected split to be one of {', '.join(splits)}, got {split!r}", where=corpus
        )


def choose_split(split: str | None, splits: Collection[str], corpus: str) -> str:
    """Return the split to evaluate: the one given, else "test", or "valid" of a corpus without it.

    Raises:
        DataError: The corpus has no such split.
    """
    split = split or next((name for name in ("test", "valid") if name in splits), "test")
    require_split(split, splits, corpus)
    return split


def load_best_weights(
    run: RunDirectory, make_model: Callable[[Generator], M], where: str | None, *, at_least: int
) -> M:
    """Return a model with the run's best weights, on a device, in evaluation mode.

    Args:
        run: The run.
        make_model: Creates the model of the run's settings; its generator leaves the weights unset.
        where: The device; None for the default device.
        at_least: A lower bound on the model's parameters by the run's settings, so that settings that ask for
            more than the file holds are refused before any memory is taken.

    Raises:
        DamagedFileError: The weights do not fit the settings, or are not finite.
    """
    arrays, source = run.load_model(), run.path / "model.safetensors"
    size = sum(array.size for array in arrays.values())
    if at_least > size:
        raise DamagedFileError(
            f"expected at least {at_least:,} weights by the settings in config.json, got {size:,}",
            where=str(source),
        )
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise DamagedFileError(
                f"expected finite weights, got NaN or infinity in {name}", where=str(source)
            )
    try:
        model = make_model(Unset())
        model.load_state_dict(arrays, source=str(source))
    except UsageError as error:
        raise DamagedFileError(str(error)) from error
    except MemoryError as error:
        raise DamagedFileError("the settings ask for more memory than there is", where=str(source)) from error
    model.to(make_current(where or default_device())).eval()
    return model


def refuse_mixture(run: RunDirectory, purpose: str) -> None:
    """Raise RunError for a mixture, whose weights are those of its members."""
    if run.config.get("mixture") is not None:
        raise RunError(
            f"expected a run {purpose}, got a mixture of trained runs",
            where=str(run.path),
            remedy=f"give one of its members, such as {run.path / run.config['mixture']['members'][0]}",
        )


def require_cpu(requested: str | None, model: str) -> None:
    """Raise UsageError if another device than the CPU is requested for a model that computes there only."""
    if requested is not None and device(requested).kind != "cpu":
        raise UsageError(f"expected device to be cpu for {model}, got {requested}", remedy="leave it out")


_FILES = ("modules.json", "tokenizer_config.json", WEIGHTS, *PICKLES)


def is_checkpoint_folder(path: str | Path) -> bool:
    """Return whether a folder is a checkpoint folder, complete or not, and not a run directory."""
    folder = Path(path)
    try:
        return "task" not in read_json(folder / CONFIG, dict[str, Any])
    except RunError:
        return not (folder / LOG).exists() and any((folder / name).exists() for name in _FILES)


def fitting_tokenizer(folder: Path, vocab_size: int, *, lowercase: bool = False) -> SubwordTokenizer:
    """Load the tokenizer of a folder whose model has ``vocab_size`` vectors.

    Args:
        folder: The folder.
        vocab_size: The number of the model's word embeddings.
        lowercase: Whether text is put in lower case first, as a sentence encoder's folder may ask.

    Raises:
        RunError: It has more tokens.
    """
    tokenizer = load_tokenizer(folder)
    if len(tokenizer) > vocab_size:
        raise RunError(
            f"expected a tokenizer with at most {vocab_size:,} tokens, the model's word embeddings, got "
            f"{len(tokenizer):,}",
            where=str(folder),
            remedy="download the tokenizer and the weights of the same model",
        )
    if lowercase:
        tokenizer.add_lowercase()
    return tokenizer
