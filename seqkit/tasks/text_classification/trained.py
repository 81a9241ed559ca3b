"""Trained text classifiers: classification and evaluation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seqkit.backend.batch_threads import map_batches
from seqkit.corpora import REGISTRY, LabelledCorpus, open_labelled
from seqkit.corpora.readers.tables import has_tables
from seqkit.data import EncodedLabelledCorpus, encode_labelled, pad_batch, text_rows
from seqkit.errors import DamagedFileError
from seqkit.models import BagConfig, RecurrentConfig, SequenceClassifier
from seqkit.progress import tracked, with_progress
from seqkit.tasks.classes import (
    LABELS,
    ClassScores,
    Prediction,
    labels_from_bytes,
    predictions,
    score_classes,
)
from seqkit.tasks.initial_encoder import is_published
from seqkit.tasks.runs import (
    choose_split,
    load_best_weights,
    open_run,
    require_same_corpus,
    require_texts,
    run_settings,
)
from seqkit.tasks.text import OnMessage, run_tokenizer, run_vocabulary
from seqkit.tasks.text_classification.contributions import Contribution, log_odds, text_without, word_spans
from seqkit.tasks.text_classification.data import open_corpus, warn_of_texts
from seqkit.tasks.text_classification.evaluation import log_probs
from seqkit.tasks.text_classification.model import saved_config
from seqkit.tasks.text_classification.settings import ResolvedTextClassificationSettings
from seqkit.text import Tokenizer, Vocabulary
from seqkit.training import RunDirectory

TASK = "text_classification"


class TrainedTextClassifier:
    """A trained text classifier; :func:`train` and :func:`load` return it.

    Threads may share it.

    Attributes:
        run: The run directory.
        settings: The resolved settings.
        model: The model in evaluation mode.
        vocabulary: The vocabulary.
        labels: The names of the classes.
        tokenizer: The tokenizer.
    """

    def __init__(
        self,
        run: RunDirectory,
        settings: ResolvedTextClassificationSettings,
        model: SequenceClassifier,
        vocabulary: Vocabulary,
        labels: tuple[str, ...],
        tokenizer: Tokenizer,
    ) -> None:
        self.run, self.settings, self.model = run, settings, model
        self.vocabulary, self.labels, self.tokenizer = vocabulary, labels, tokenizer

    def __repr__(self) -> str:
        sizes = f"{len(self.labels)} classes, {len(self.vocabulary):,} types"
        return f"TrainedTextClassifier({str(self.run.path)!r}: {self.settings.model}, {sizes})"

    def log_probs(self, texts: Sequence[str]) -> np.ndarray:
        """Return log P(class) (N, K) of N texts. Raise DataError for an empty text."""
        texts = require_texts(texts)
        rows = text_rows(texts, self.tokenizer, self.vocabulary, self.settings.max_length)
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))  # similar lengths together
        scores = np.empty((len(texts), len(self.labels)), np.float64)
        size = self.settings.eval_batch_size

        def compute(first: int) -> tuple[list[int], np.ndarray]:
            batch = order[first : first + size]
            return batch, self.model.log_probs(*pad_batch([rows[i] for i in batch]))

        starts = tracked(range(0, len(order), size), "classifying", "batches")
        with self.model.evaluating(), map_batches(compute, starts, self.model.device.kind) as results:
            for batch, found in results:
                scores[batch] = found
        return scores

    @with_progress
    def classify(self, texts: Sequence[str], *, progress: bool = False) -> list[Prediction]:
        """Return the predictions for texts.

        Args:
            texts: The texts.
            progress: Whether to show a progress bar.

        Raises:
            DataError: A text is empty.
        """
        return predictions(self.log_probs(texts), self.labels)

    def word_spans(self, text: str) -> list[tuple[int, int]]:
        """Return start and end of each word of a text; with subwords, of each text between blanks."""
        return word_spans(self.tokenizer, text)

    def contributions(self, text: str) -> list[Contribution]:
        """Return the contribution of each word of a text, found by leaving the word out.

        Each word costs a classification. Words work together, so that contributions do not add up.

        Raises:
            DataError: The text is empty.
        """
        (text,) = require_texts([text])
        spans = self.word_spans(text)
        without = [text_without(text, *span) for span in spans]
        left = [row for row, rest in enumerate(without) if self.tokenizer.tokenize(rest)]
        scores = self.log_probs([text, *(without[row] for row in left)])
        found = dict(zip(left, predictions(scores[1:], self.labels), strict=True))
        odds = log_odds(scores)
        change = {row: odds[0] - each for row, each in zip(left, odds[1:], strict=True)}
        nothing = np.zeros(len(self.labels))
        return [
            Contribution(
                text[slice(*span)],
                *span,
                found.get(row),
                dict(zip(self.labels, change.get(row, nothing).tolist(), strict=True)),
            )
            for row, span in enumerate(spans)
        ]

    def encoded(
        self,
        corpus: str | Path | None = None,
        columns: Mapping[str, int | str | bool | None] | None = None,
        *,
        whole: bool = False,
    ) -> EncodedLabelledCorpus:
        """Return the texts that the run was trained on, or others, as ids.

        Args:
            corpus: Other texts, named as in the settings.
            columns: Arguments of :func:`seqkit.corpora.open_labelled` for them; by default the run's.
            whole: Whether files without splits of their own are test data, all of them.

        Raises:
            DataError: The texts are absent, or those of the run have changed.
        """
        source = open_corpus(self.settings) if corpus is None else self._other(str(corpus), columns, whole)
        if corpus is None:
            require_same_corpus(
                self.run, source, remedy="restore its files, or name the texts to evaluate on"
            )
        encoded = encode_labelled(
            source.sources,
            self.tokenizer,
            max_length=self.settings.max_length,
            vocabulary=self.vocabulary,
            labels=self.labels,
        )
        source.require_unchanged()
        return encoded

    def _other(
        self, corpus: str, columns: Mapping[str, int | str | bool | None] | None, whole: bool
    ) -> LabelledCorpus:
        options: dict[str, Any] = dict(columns or {})
        path = Path(corpus)
        is_table = corpus not in REGISTRY and not (path.is_dir() and not has_tables(path))
        if is_table and not any(value is not None for value in options.values()):
            settings = self.settings
            options = {name: getattr(settings, name) for name in ("label_column", "text_column", "header")}
        return open_labelled(corpus, on_bad_line=self.settings.on_bad_line, whole=whole, **options)

    @with_progress
    def evaluate(
        self,
        split: str | None = None,
        *,
        corpus: str | Path | None = None,
        label_column: int | str | None = None,
        text_column: int | str | None = None,
        header: bool | None = None,
        on_message: OnMessage | None = None,
        progress: bool = False,
    ) -> ClassScores:
        """Return the scores on a split of the run's texts, or on others.

        Args:
            split: The split; None for "test", or "valid" if the corpus has no "test". Of other texts without
                splits of their own, None is all of them.
            corpus: Other texts, named as in the settings, with labels of the run.
            label_column: As in :func:`seqkit.corpora.open_labelled`, for these texts; by default, as the two
                that follow, that of the run's settings.
            text_column: Likewise.
            header: Likewise.
            on_message: Called with a warning if texts do not fit the tokenizer.
            progress: Whether to show a progress bar.

        Raises:
            DataError: The corpus is absent or has changed, has no such split, or a label that the run lacks.
        """
        columns = {"label_column": label_column, "text_column": text_column, "header": header}
        encoded = self.encoded(corpus, columns, whole=split is None)
        splits = encoded.splits
        split = choose_split(split, splits, str(corpus or self.settings.corpus))
        warn_of_texts(encoded, on_message, [split], published=is_published(self.tokenizer))
        texts = splits[split]
        predicted = log_probs(self.model, texts, batch_size=self.settings.eval_batch_size)
        return score_classes(split, predicted, texts.labels, self.labels)


def load(path: str | Path, *, device: str | None = None) -> TrainedTextClassifier:
    """Load the trained model of a run of `train-classifier`.

    Args:
        path: The run directory.
        device: Where the model computes; None for the default device.

    Raises:
        RunError: The folder is not a run directory, or that of another task.
        DamagedFileError: A file of the run is damaged.
    """
    run = open_run(path, TASK)
    settings = run_settings(run, ResolvedTextClassificationSettings)
    vocabulary, tokenizer = run_vocabulary(run), run_tokenizer(run)
    labels = labels_from_bytes(run.artifact(LABELS), str(run.path / LABELS))
    config = saved_config(settings.model, run.entry("model"), str(run.path / "config.json"))
    if len(labels) != config.classes or len(vocabulary) != config.encoder.vocab_size:
        raise DamagedFileError(
            f"expected {config.classes} labels and {config.encoder.vocab_size} types, got {len(labels)} and "
            f"{len(vocabulary)}",
            where=str(run.path),
        )
    encoder = config.encoder
    at_least = encoder.vocab_size * encoder.embedding_size
    if not isinstance(encoder, BagConfig):
        width = encoder.hidden_size if isinstance(encoder, RecurrentConfig) else encoder.embedding_size
        at_least += encoder.num_layers * width**2
    model = load_best_weights(
        run, lambda generator: SequenceClassifier(config, generator=generator), device, at_least=at_least
    )
    return TrainedTextClassifier(run, settings, model, vocabulary, labels, tokenizer)
