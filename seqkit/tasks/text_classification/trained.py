"""Trained text classifiers: classification and evaluation."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from seqkit.data import EncodedLabelledCorpus, encode_labelled, pad_batch, text_rows
from seqkit.errors import DamagedFileError
from seqkit.models import BagConfig, RecurrentConfig, SequenceClassifier
from seqkit.tasks.classes import (
    LABELS,
    ClassScores,
    Prediction,
    labels_from_bytes,
    predictions,
    score_classes,
)
from seqkit.tasks.runs import (
    load_best_weights,
    open_run,
    require_same_corpus,
    require_split,
    require_texts,
    run_settings,
)
from seqkit.tasks.text import OnMessage, run_tokenizer, run_vocabulary
from seqkit.tasks.text_classification.data import open_corpus, warn_of_texts
from seqkit.tasks.text_classification.evaluation import log_probs
from seqkit.tasks.text_classification.initial_weights import is_published
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
        for first in range(0, len(order), self.settings.eval_batch_size):
            batch = order[first : first + self.settings.eval_batch_size]
            scores[batch] = self.model.log_probs(*pad_batch([rows[i] for i in batch]))
        return scores

    def classify(self, texts: Sequence[str]) -> list[Prediction]:
        """Return the predictions for texts. Raise DataError for an empty text."""
        return predictions(self.log_probs(texts), self.labels)

    def encoded(self) -> EncodedLabelledCorpus:
        """Return the texts that the run was trained on, as ids. Raise DataError if they have changed."""
        corpus = open_corpus(self.settings)
        require_same_corpus(self.run, corpus, remedy="restore its files")
        encoded = encode_labelled(
            corpus.sources,
            self.tokenizer,
            max_length=self.settings.max_length,
            vocabulary=self.vocabulary,
            labels=self.labels,
        )
        corpus.require_unchanged()
        return encoded

    def evaluate(self, split: str | None = None, *, on_message: OnMessage | None = None) -> ClassScores:
        """Return the scores on a split.

        Args:
            split: The split; None for "test", or "valid" if the corpus has no "test".
            on_message: Called with a warning if texts do not fit the tokenizer.

        Raises:
            DataError: The corpus is absent or has changed, or has no such split.
        """
        encoded = self.encoded()
        splits = encoded.splits
        split = split or ("test" if "test" in splits else "valid")
        require_split(split, splits, self.settings.corpus)
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
