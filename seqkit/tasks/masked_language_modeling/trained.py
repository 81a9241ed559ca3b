"""A trained masked language model with its vocabulary: evaluate; its encoder serves other tasks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from seqkit.backend.random import Generator
from seqkit.corpora import open_corpus
from seqkit.data import EncodedCorpus, encode_corpus
from seqkit.errors import DataError
from seqkit.models import MaskedLanguageModel, TransformerEncoderConfig
from seqkit.tasks.encoders import encoder_config
from seqkit.tasks.masked_language_modeling.evaluation import MaskedScores, evaluation_batches, scores
from seqkit.tasks.masked_language_modeling.settings import MaskedLanguageModelSettings
from seqkit.tasks.runs import VOCABULARY, open_run, require_same_corpus, trained_model
from seqkit.tasks.tokens import run_tokenizer
from seqkit.text import Tokenizer, Vocabulary
from seqkit.training import RunDirectory

TASK = "masked_language_modeling"
_ENCODER = "encoder."  # what the names of its arrays begin with


class TrainedMaskedLanguageModel:
    """What :func:`seqkit.load` returns for a run of `train-lm --objective masked`."""

    def __init__(
        self,
        run: RunDirectory,
        settings: MaskedLanguageModelSettings,
        model: MaskedLanguageModel,
        vocabulary: Vocabulary,
        tokenizer: Tokenizer,
    ) -> None:
        self.run, self.settings, self.model = run, settings, model
        self.vocabulary, self.tokenizer = vocabulary, tokenizer

    def __repr__(self) -> str:
        size = f"{self.settings.num_layers}×{self.settings.embedding_size}"
        what = f"{size} encoder, {len(self.vocabulary):,} types"
        return f"TrainedMaskedLanguageModel({str(self.run.path)!r}: {what})"

    def encoded(self, corpus: str | None = None) -> EncodedCorpus:
        """The run's corpus, or another, in this model's vocabulary."""
        source = open_corpus(self.settings.corpus if corpus is None else corpus)
        if corpus is None:
            require_same_corpus(self.run, source, remedy="restore its files, or name the text to evaluate on")
        return encode_corpus(
            source.sources, self.tokenizer, key=source.content_key(), vocabulary=self.vocabulary
        )

    def evaluate(self, split: str = "test", *, corpus: str | None = None) -> MaskedScores:
        """What is found of a split's hidden tokens, the same ones every time, and the most frequent token."""
        splits = self.encoded(corpus).splits
        if split not in splits:
            raise DataError(
                f"{corpus or self.settings.corpus} has no {split} part; it has {', '.join(splits)}"
            )
        batches = evaluation_batches(splits[split], self.vocabulary, self.settings.context_length)
        return scores(self.model, batches, self.vocabulary)


def load(path: str | Path, *, device: str | None = None) -> TrainedMaskedLanguageModel:
    """Open a run of `train-lm --objective masked`, its files verified. RunError or DamagedFileError."""
    run = open_run(path, TASK)
    run.verify()
    settings, vocabulary, tokenizer = _texts(run)
    model = trained_model(run, make_model(settings, len(vocabulary)), device)
    return TrainedMaskedLanguageModel(run, settings, model, vocabulary, tokenizer)


def _texts(run: RunDirectory) -> tuple[MaskedLanguageModelSettings, Vocabulary, Tokenizer]:
    settings = MaskedLanguageModelSettings.from_values(
        run.config["settings"], source=str(run.path / "config.json")
    )
    vocabulary = Vocabulary.from_bytes(run.text(VOCABULARY), str(run.path / VOCABULARY))
    return settings, vocabulary, run_tokenizer(run)


def open_encoder(
    run: RunDirectory,
) -> tuple[TransformerEncoderConfig, Vocabulary, Tokenizer, Callable[[], dict[str, np.ndarray]]]:
    """A run's encoder for other tasks: config, vocabulary, tokenizer, and what reads the weights."""

    def weights() -> dict[str, np.ndarray]:
        arrays, _ = run.load_model()
        return {name.removeprefix(_ENCODER): a for name, a in arrays.items() if name.startswith(_ENCODER)}

    settings, vocabulary, tokenizer = _texts(run)
    return encoder_config(settings, len(vocabulary), settings.context_length), vocabulary, tokenizer, weights


def make_model(settings: MaskedLanguageModelSettings, vocab_size: int) -> MaskedLanguageModel:
    """The model of these settings, freshly initialised from their seed."""
    config = encoder_config(settings, vocab_size, settings.context_length)
    return MaskedLanguageModel(config, generator=Generator(settings.seed, "init"))
