"""The tasks that can be searched, and the validation score of each that a search optimises."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seqkit.errors import DataError, UsageError
from seqkit.training import Settings


@dataclass(frozen=True)
class SearchedTask:
    """A task whose settings can be searched.

    Attributes:
        name: The package in :mod:`seqkit.tasks`.
        settings_name: The class of its settings.
        scores: The validation scores by which the task chooses its best weights: the first that there is.
        maximize: Whether the highest score is the best.
        predicts_text: Whether the score depends on the tokens that are predicted.
    """

    name: str
    settings_name: str
    scores: tuple[str, ...] = ("loss",)
    maximize: bool = False
    predicts_text: bool = False

    @property
    def direction(self) -> str:
        """The direction of the optimisation, as Optuna names it."""
        return "maximize" if self.maximize else "minimize"

    @property
    def settings(self) -> type[Settings]:
        """The class of the task's settings."""
        found: type[Settings] = getattr(
            importlib.import_module(f"seqkit.tasks.{self.name}"), self.settings_name
        )
        return found

    def require_corpus(self, settings: Settings) -> None:
        """Raise DataError if the corpus that the settings name is absent."""
        importlib.import_module(f"seqkit.tasks.{self.name}.data").open_corpus(settings)

    def train(self, *arguments: Any, **options: Any) -> Any:
        """Call the task's ``train``."""
        return importlib.import_module(f"seqkit.tasks.{self.name}").train(*arguments, **options)

    def score_of(self, scores: Mapping[str, Any], prefix: str = "") -> tuple[str, float]:
        """Return the name and the value of the score to optimise.

        Args:
            scores: Scores by name.
            prefix: Of the names.

        Raises:
            DataError: There is none, because the corpus has no validation split.
        """
        for name in self.scores:
            value = scores.get(prefix + name)
            if value is not None:
                return name, float(value)
        raise DataError(
            "expected a corpus with a validation split to search by, got one without",
            remedy="give one with train and valid",
        )


TASKS = {
    each.name: each
    for each in (
        SearchedTask("language_modeling", "LanguageModelSettings", predicts_text=True),
        SearchedTask("masked_language_modeling", "MaskedLanguageModelSettings", predicts_text=True),
        SearchedTask("seq2seq", "Seq2SeqSettings", predicts_text=True),
        SearchedTask("text_classification", "TextClassificationSettings"),
        SearchedTask("sequence_labeling", "SequenceLabelingSettings", ("f1", "accuracy"), maximize=True),
        SearchedTask("image_classification", "ImageClassificationSettings"),
    )
}


def task_of(settings: type[Settings]) -> SearchedTask:
    """Return the task of a class of settings. Raise UsageError for one without a validation score."""
    name = settings.__module__.split(".")[2] if settings.__module__.startswith("seqkit.tasks.") else ""
    if name not in TASKS:
        raise UsageError(
            f"expected settings of a task with a validation score to search by, got {settings.__name__}"
        )
    return TASKS[name]
