"""The training tasks of sequence labelling: of taggers with weights, and of counts."""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqkit.autograd import Tensor
from seqkit.backend import Array, make_current
from seqkit.backend.random import Generator
from seqkit.data import (
    EncodedTaggedCorpus,
    PieceEncoder,
    TaggedBatch,
    TaggedBatches,
    TaggingEncoder,
    WordEncoder,
    epoch_generator,
)
from seqkit.models import CountTagger, EncoderTagger, PieceInput, Tagger
from seqkit.tasks.classes import LABELS, labels_to_bytes
from seqkit.tasks.runs import VOCABULARY
from seqkit.tasks.sequence_labeling.data import describe, tagging_tokenizer
from seqkit.tasks.sequence_labeling.evaluation import (
    predict,
    predict_by_counts,
    score_tags,
    sentence_tags,
)
from seqkit.tasks.sequence_labeling.model import features_of, legal_of, model_config
from seqkit.tasks.sequence_labeling.settings import ResolvedSequenceLabelingSettings
from seqkit.tasks.sequence_labeling.trained import LETTERS, PIECES, UNSPACED, features_file
from seqkit.tasks.text import tokenizer_artifacts
from seqkit.tasks.text_classification.initial_weights import start_from_vectors
from seqkit.text.special_tokens import UNK
from seqkit.training import Callback, Record, SinglePassTask, Task
from seqkit.training.settings import WITH_VALIDATION


class SequenceLabeling(Task):
    """Base of the taggers that learn from length-bucketed batches of sentences."""

    model: Tagger | EncoderTagger

    def __init__(
        self,
        settings: ResolvedSequenceLabelingSettings,
        model: Tagger | EncoderTagger,
        encoded: EncodedTaggedCorpus,
    ) -> None:
        model.to(make_current(settings.device))
        train, table = encoded.splits["train"], encoded.table
        self.batches = TaggedBatches(train, table, settings.batch_size, seed=settings.seed)
        super().__init__(settings, model, len(self.batches))
        self.settings, self.encoded = settings, encoded
        if "valid" not in encoded.splits:
            settings.refuse_given("patience eval_batch_size", WITH_VALIDATION)
        self.features = features_of(model.config, encoded.encoder)
        self.best_by = "accuracy" if encoded.scheme is None else "f1"
        self.divergence_loss = 50 * math.log(len(encoded.labels))  # 50 times the loss of a uniform guess
        self.eval_batch_size = settings.eval_batch_size
        self.artifacts, self.counts = _artifacts(encoded), _counts(encoded)
        self.config = {
            "tokenizer": tagging_tokenizer(settings).config(),
            "model": model.config.to_dict(),
            **_pieces_config(encoded.encoder),
        }
        self.summary = describe(encoded)

    def validate(self, poll: Callable[[], None]) -> dict[str, float] | None:
        """Return loss and accuracy of the validation split, and F1 for tags of spans."""
        sentences = self.encoded.splits.get("valid")
        if sentences is None:
            return None
        predicted, loss = predict(
            self.model,
            self.encoded.encoder,
            sentences,
            self.encoded.table,
            batch_size=self.eval_batch_size,
            poll=poll,
            group=self.group,
        )
        return _scores(self.encoded, predicted, loss)


@dataclass(frozen=True)
class PieceBatch(PieceInput):
    """B sentences as pieces, and the tags of their words (B, T), -1 behind a sentence."""

    tags: Any = None


class EncoderLabeling(SequenceLabeling):
    """A tagger on an encoder, which learns from batches of pieces.

    They are made before a process takes its rows, since their width and the places of the draws of dropout
    are those of the whole batch.
    """

    def batch(self, index: int) -> PieceBatch:
        """Return a batch of the epoch."""
        batch = self.batches.batch(self.epoch, index)
        return PieceBatch(**vars(self.features(batch)), tags=batch.tags)

    def loss(self, batch: PieceBatch) -> tuple[Tensor, int]:
        """Return the mean loss of a word of a batch, and the number of words."""
        loss = self.model.loss(batch, batch.tags, generator=self.generators["dropout"])
        return loss, int(batch.words.sum())


class WordLabeling(SequenceLabeling):
    """A tagger of words, some of which are made unknown in training.

    Args:
        settings: The settings.
        encoded: The sentences.
        callback: Is told how many words start from vectors.
    """

    def __init__(
        self,
        settings: ResolvedSequenceLabelingSettings,
        encoded: EncodedTaggedCorpus,
        callback: Callback,
    ) -> None:
        encoder = word_encoder(encoded)
        config = model_config(settings, encoder, len(encoded.labels))
        legal = legal_of(encoded.labels, settings.input_scheme, settings.scheme)
        model = Tagger(config, legal=legal, generator=Generator(settings.seed, "init"))
        if settings.vectors is not None:
            known = start_from_vectors(model.embedding, encoder.words, settings.vectors, settings.seed)
            callback.on_message(f"{known:,} of {len(encoder.words):,} types start from {settings.vectors}")
            if settings.freeze:
                model.embedding.freeze()
        super().__init__(settings, model, encoded)
        vocabularies = (encoder.words, *encoder.feature_columns)
        columns = (encoded.table.ids, *encoded.table.feature_columns.T)
        rate = settings.word_dropout
        self.unknown = [
            (vocabulary.id(UNK), _unknown_rates(ids, encoded.counts, len(vocabulary), rate))
            for vocabulary, ids in zip(vocabularies, columns, strict=True)
            if rate
        ]

    def batch(self, index: int) -> TaggedBatch:
        """Return a batch of the epoch, in which some words and values of feature columns are made unknown."""
        batch = self.batches.batch(self.epoch, index)
        if self.unknown:
            draws = epoch_generator(self.training_settings.seed, "unknown words", self.epoch, index)
            ids, columns = batch.ids.copy(), batch.feature_columns.copy()
            views = (ids, *columns.transpose(2, 0, 1))
            for view, (unknown, rates) in zip(views, self.unknown, strict=True):
                view[draws.uniform(view.shape) < rates[view]] = unknown
            batch = dataclasses.replace(batch, ids=ids, feature_columns=columns)
        return batch

    def loss(self, batch: TaggedBatch) -> tuple[Tensor, int]:
        """Return the mean loss of a word of a batch, and the number of words."""
        loss = self.model.loss(self.features(batch), batch.tags, generator=self.generators["dropout"])
        return loss, int(batch.lengths.sum())


class CountLabeling(SinglePassTask):
    """A tagger of counts, fitted in one pass over the sentences."""

    def __init__(self, settings: ResolvedSequenceLabelingSettings, encoded: EncodedTaggedCorpus) -> None:
        self.settings, self.encoded, self.method = settings, encoded, settings.model
        self.artifacts, self.counts = _artifacts(encoded), _counts(encoded)
        self.config = {"tokenizer": tagging_tokenizer(settings).config()}
        self.summary = describe(encoded)

    def fit_model(self, folder: Path) -> tuple[dict[str, Array], Record, dict[str, float] | None]:
        """Return the counts, the record of the fit, and the validation scores."""
        encoded = self.encoded
        train, encoder = encoded.splits["train"], word_encoder(encoded)
        model = CountTagger.fit(
            self.method,
            len(encoded.labels),
            encoded.table.ids[train.words],
            train.tags,
            train.bounds,
            encoder.spelling(encoder.words.tokens),
        )
        record: Record = {"step": 1, "epoch": 1, "tokens": encoded.info["train"].words}
        scores = None
        if "valid" in encoded.splits:
            predicted = predict_by_counts(model, encoder, encoded.forms["valid"])
            ids = np.array([tag for tags in predicted for tag in tags])
            scores = _scores(encoded, ids, None)
            record |= {f"valid_{name}": value for name, value in scores.items()}
        return model.state_dict(), record, scores


def word_encoder(encoded: EncodedTaggedCorpus) -> WordEncoder:
    """Return the encoder of a corpus of words, not of pieces."""
    assert isinstance(encoded.encoder, WordEncoder)
    return encoded.encoder


def _artifacts(encoded: EncodedTaggedCorpus) -> dict[str, bytes]:
    encoder, labels = encoded.encoder, {LABELS: labels_to_bytes(encoded.labels)}
    if isinstance(encoder, PieceEncoder):
        return {
            VOCABULARY: encoder.vocabulary.to_bytes(),
            **labels,
            **tokenizer_artifacts(encoder.tokenizer),
        }
    words = word_encoder(encoded)
    columns = {features_file(n): column.to_bytes() for n, column in enumerate(words.feature_columns, 1)}
    return {VOCABULARY: words.words.to_bytes(), LETTERS: words.letters.to_bytes(), **labels, **columns}


def _pieces_config(encoder: TaggingEncoder) -> dict[str, Any]:
    """Return the entries of the run's config from which the encoder of pieces is made again."""
    if not isinstance(encoder, PieceEncoder):
        return {}
    return {PIECES: encoder.tokenizer.config(), UNSPACED: dataclasses.asdict(encoder.unspaced)}


def _counts(encoded: EncodedTaggedCorpus) -> dict[str, dict[str, int]]:
    sizes = encoded.info.items()
    return {
        "sentences": {split: info.sentences for split, info in sizes},
        "words": {split: info.words for split, info in sizes},
    }


def _scores(encoded: EncodedTaggedCorpus, predicted: np.ndarray, loss: float | None) -> dict[str, float]:
    """Return the scores of predicted tags (tokens,) of the validation split."""
    sentences = encoded.splits["valid"]
    tags = sentence_tags(predicted, sentences.bounds, encoded.labels, encoded.input_scheme)
    known = None if encoded.known is None else encoded.known[sentences.words]
    spans = encoded.scheme is not None
    scores = score_tags("valid", tags, encoded.gold["valid"], known, loss, spans=spans)
    result = {"accuracy": scores.accuracy}
    if loss is not None and math.isfinite(loss):
        result["loss"] = loss
    return result if scores.spans is None else {**result, "f1": scores.spans.f1}


def _unknown_rates(ids: np.ndarray, occurrences: np.ndarray, types: int, rate: float) -> np.ndarray:
    """Return the probability of each id to become unknown, a / (a + n) (Kiperwasser and Goldberg 2016)."""
    counts = np.zeros(types)
    np.add.at(counts, ids, occurrences)
    return rate / np.maximum(rate + counts, 1e-9)
