"""Trained masked language models: evaluation, and their encoder for other tasks."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from seqkit.data import EncodedCorpus, encode_corpus
from seqkit.models import MaskedLanguageModel, TransformerEncoderConfig
from seqkit.progress import with_progress
from seqkit.tasks.masked_language_modeling.data import evaluation_batches
from seqkit.tasks.masked_language_modeling.evaluation import MaskedScores, scores
from seqkit.tasks.masked_language_modeling.model import encoder_config, make_model
from seqkit.tasks.masked_language_modeling.settings import ResolvedMaskedLanguageModelSettings
from seqkit.tasks.runs import choose_split, load_best_weights, open_run, require_same_corpus, run_settings
from seqkit.tasks.text import OnMessage, open_text, run_tokenizer, run_vocabulary, warn_of_text
from seqkit.text import Tokenizer, Vocabulary
from seqkit.training import RunDirectory

TASK = "masked_language_modeling"
_ENCODER = "encoder."
"""Prefix of the encoder's arrays in a run."""


class TrainedMaskedLanguageModel:
    """A trained masked language model; :func:`train` and :func:`load` return it.

    Threads may share it.

    Attributes:
        run: The run directory.
        settings: The resolved settings.
        model: The model in evaluation mode.
        vocabulary: The vocabulary, special tokens included.
        tokenizer: The tokenizer.
    """

    def __init__(
        self,
        run: RunDirectory,
        settings: ResolvedMaskedLanguageModelSettings,
        model: MaskedLanguageModel,
        vocabulary: Vocabulary,
        tokenizer: Tokenizer,
    ) -> None:
        self.run, self.settings, self.model = run, settings, model
        self.vocabulary, self.tokenizer = vocabulary, tokenizer

    def __repr__(self) -> str:
        size = f"{self.settings.num_layers}×{self.settings.embedding_size}"
        model = f"{size} encoder, {len(self.vocabulary):,} types"
        return f"TrainedMaskedLanguageModel({str(self.run.path)!r}: {model})"

    def encoded(
        self, corpus: str | None = None, text_column: int | str | None = None, *, whole: bool = False
    ) -> EncodedCorpus:
        """Return the run's corpus, or another, as ids of this model's vocabulary.

        Raises:
            DataError: The corpus is absent, or has changed since the training.
        """
        source = open_text(self.settings, corpus, text_column, whole=whole)
        if corpus is None:
            require_same_corpus(self.run, source, remedy="restore its files, or name the text to evaluate on")
        return encode_corpus(
            source.sources,
            self.tokenizer,
            key=source.content_key(),
            vocabulary=self.vocabulary,
            require_unchanged=source.require_unchanged,
        )

    @with_progress
    def evaluate(
        self,
        split: str | None = None,
        *,
        corpus: str | None = None,
        text_column: int | str | None = None,
        on_message: OnMessage | None = None,
        progress: bool = False,
    ) -> MaskedScores:
        """Return the scores on the masked tokens of a split, the same tokens every time.

        Args:
            split: train, valid or test; by default "test", or "valid" if there is none, and all of another
                file.
            corpus: Another corpus, named as in the settings.
            text_column: The column of the texts of that corpus, if it is a table; by default it is found.
            on_message: Called with a warning about text that does not fit the tokenizer.
            progress: Whether to show a progress bar.

        Raises:
            DataError: The corpus is absent or has changed, or has no such split.
        """
        encoded = self.encoded(corpus, text_column, whole=split is None)
        splits = encoded.splits
        split = choose_split(split, splits, corpus or self.settings.corpus)
        warn_of_text(encoded, self.vocabulary, on_message, [split])
        batches = evaluation_batches(splits[split], self.vocabulary, self.settings.context_length)
        return scores(split, self.model, batches, self.vocabulary)


def load(path: str | Path, *, device: str | None = None) -> TrainedMaskedLanguageModel:
    """Load the trained model of a run of `train-lm --objective masked`.

    Args:
        path: The run directory.
        device: Where the model computes; None for the default device.

    Raises:
        RunError: The folder is not a run directory, or that of another task.
        DamagedFileError: A file of the run is damaged.
    """
    run = open_run(path, TASK)
    settings, vocabulary = run_settings(run, ResolvedMaskedLanguageModelSettings), run_vocabulary(run)
    V, E = len(vocabulary), settings.embedding_size
    model = load_best_weights(
        run,
        lambda generator: make_model(settings, V, generator),
        device,
        at_least=V * E + settings.num_layers * E * settings.hidden_size,
    )
    return TrainedMaskedLanguageModel(run, settings, model, vocabulary, run_tokenizer(run))


def open_encoder(
    run: RunDirectory,
) -> tuple[TransformerEncoderConfig, Vocabulary, Tokenizer, Callable[[], dict[str, np.ndarray]]]:
    """Return a run's encoder for other tasks: config, vocabulary, tokenizer, and a reader of its weights."""

    def weights() -> dict[str, np.ndarray]:
        arrays = run.load_model()
        return {name.removeprefix(_ENCODER): a for name, a in arrays.items() if name.startswith(_ENCODER)}

    settings, vocabulary = run_settings(run, ResolvedMaskedLanguageModelSettings), run_vocabulary(run)
    config = encoder_config(settings, len(vocabulary), settings.context_length)
    return config, vocabulary, run_tokenizer(run), weights
