"""The models of the text classification task, and the settings that depend on them."""

import dataclasses
from typing import Any

from seqkit.backend.random import Generator
from seqkit.corpora import LabelledCorpus, corpus_names
from seqkit.errors import DamagedFileError, UsageError
from seqkit.files import fill_json
from seqkit.models import (
    BagConfig,
    RecurrentConfig,
    SequenceClassifier,
    SequenceClassifierConfig,
    TransformerEncoderConfig,
)
from seqkit.models.classifier import POOLINGS, EncoderConfig
from seqkit.tasks.initial_encoder import InitialEncoder, fine_tuning_rate, initial_encoder, is_published
from seqkit.tasks.initial_run import InitialText
from seqkit.tasks.masked_language_modeling.model import encoder_config
from seqkit.tasks.text import training_texts
from seqkit.tasks.text_classification.initial_weights import (
    encoder_settings,
    takes_words,
    vector_size,
)
from seqkit.tasks.text_classification.settings import (
    ResolvedTextClassificationSettings,
    TextClassificationSettings,
)
from seqkit.training.base_settings import absolute_path

_ENCODERS: dict[str, type[EncoderConfig]] = {
    "bag": BagConfig,
    "lstm": RecurrentConfig,
    "gru": RecurrentConfig,
    "transformer": TransformerEncoderConfig,
}


@dataclasses.dataclass(frozen=True)
class _Head:
    """The types of a saved classifier's config beside its encoder."""

    classes: int
    pooling: str
    dropout: float


def resolve(
    settings: TextClassificationSettings,
    corpus: LabelledCorpus,
    classifier: InitialText[ResolvedTextClassificationSettings] | None = None,
) -> ResolvedTextClassificationSettings:
    """Return the settings with the defaults of the corpus and the model filled in.

    Args:
        settings: The settings.
        corpus: The texts.
        classifier: The run of a classifier to start from, if any.
    """
    if classifier is not None:
        settings = _completed(settings, classifier)
    model = settings.model_name
    values: dict[str, Any] = {
        "corpus": absolute_path(settings.corpus, corpus_names("labelled")),
        "model": model,
    }
    for name in ("vectors", "init"):
        if getattr(settings, name) is not None:
            values[name] = absolute_path(getattr(settings, name))
    if settings.init is not None and classifier is None:
        initial = initial_encoder(settings.init, settings.max_length, "train-classifier")
        values |= encoder_settings(initial, settings)
        if values["grow_vocabulary"]:
            values["min_count"] = settings.min_count or corpus.defaults.min_count
        settings = dataclasses.replace(settings, lr=initial.learning_rate(settings, frozen=settings.freeze))
    else:
        values |= settings.text_choices(corpus.defaults, training_texts(corpus)) | _sizes(settings)
    pooling = settings.pooling or values.pop("pooling", None) or POOLINGS[_ENCODERS[model]][0]
    resolved = settings.resolve_to(ResolvedTextClassificationSettings, pooling=pooling, **values)
    if classifier is not None:
        return classifier.keep(resolved)
    model_config(resolved, vocab_size=2, classes=2)  # UsageError before the texts are read
    return resolved


def _completed(
    settings: TextClassificationSettings, classifier: InitialText[ResolvedTextClassificationSettings]
) -> TextClassificationSettings:
    """Return settings with those of the classifier that the training starts from."""
    growing, tuned = takes_words(settings, classifier.tokenizer), is_published(classifier.tokenizer)
    lr = fine_tuning_rate(settings, frozen=settings.freeze) if tuned else settings.lr
    completed = classifier.complete(settings)
    positions = classifier.run.entry("model")["encoder"].get("max_length", completed.max_length)
    longest = min(completed.max_length, positions)
    return dataclasses.replace(completed, grow_vocabulary=growing, max_length=longest, lr=lr)


def _sizes(settings: TextClassificationSettings) -> dict[str, int | None]:
    embedding_size, hidden_size = settings.embedding_size, settings.hidden_size
    if settings.vectors is not None:
        embedding_size = vector_size(settings.vectors, embedding_size)
    embedding_size = embedding_size or 128
    if hidden_size is None and settings.model_name != "bag":
        hidden_size = 4 * embedding_size if settings.model_name == "transformer" else 128
    return {
        "embedding_size": embedding_size,
        "hidden_size": hidden_size,
        "num_layers": settings.num_layers or 1,
        "num_heads": settings.num_heads or 4,
    }


def _encoder_config(settings: ResolvedTextClassificationSettings, vocab_size: int) -> EncoderConfig:
    width, hidden_size = settings.embedding_size, settings.hidden_size
    if settings.model == "bag":
        hidden = (hidden_size,) * settings.num_layers if hidden_size else ()
        return BagConfig(vocab_size, width, hidden, settings.word_dropout)
    if settings.model == "transformer":
        return encoder_config(settings, vocab_size, settings.max_length)
    assert hidden_size is not None
    return RecurrentConfig(
        vocab_size,
        width,
        hidden_size,
        settings.num_layers,
        settings.model,
        settings.bidirectional,
        settings.dropout,
    )


def model_config(
    settings: ResolvedTextClassificationSettings,
    vocab_size: int,
    classes: int,
    initial: InitialEncoder | None = None,
) -> SequenceClassifierConfig:
    """Return the config of the model, with a new encoder or the initial one.

    Raises:
        UsageError: The encoder does not have the pooling.
    """
    encoder: EncoderConfig = (
        _encoder_config(settings, vocab_size) if initial is None else initial.with_dropout(settings.dropout)
    )
    return SequenceClassifierConfig(encoder, classes, settings.pooling, settings.dropout)


def continued_config(
    settings: ResolvedTextClassificationSettings,
    classifier: InitialText[ResolvedTextClassificationSettings],
    vocab_size: int,
    classes: int,
) -> SequenceClassifierConfig:
    """Return the config of the classifier of a run with other sizes of vocabulary and output, and dropout.

    An encoder keeps its own dropout, which that of a checkpoint folder has, unless another is given.
    """
    source = str(classifier.run.path / "config.json")
    config = saved_config(classifier.settings.model, classifier.run.entry("model"), source)
    values: dict[str, Any] = {"vocab_size": vocab_size}
    if isinstance(config.encoder, BagConfig):
        values["word_dropout"] = settings.word_dropout
    elif settings.dropout != classifier.settings.dropout:
        values["dropout"] = settings.dropout
    encoder = dataclasses.replace(config.encoder, **values)
    return dataclasses.replace(config, encoder=encoder, classes=classes, dropout=settings.dropout)


def saved_config(model: str, values: dict[str, Any], source: str) -> SequenceClassifierConfig:
    """Return the config of a run's config.json. Raise DamagedFileError if ``source`` is damaged."""

    def damaged(message: str) -> DamagedFileError:
        return DamagedFileError(f"model: {message}", where=source)

    encoder = fill_json(_ENCODERS[model], values.get("encoder"), damaged)
    head = {name: value for name, value in values.items() if name != "encoder"}
    try:
        return SequenceClassifierConfig(encoder, **vars(fill_json(_Head, head, damaged, strict=True)))
    except UsageError as error:
        raise damaged(str(error)) from error


def make_model(
    settings: ResolvedTextClassificationSettings, config: SequenceClassifierConfig
) -> SequenceClassifier:
    """Return the model of a config, initialised from the settings' seed."""
    return SequenceClassifier(config, generator=Generator(settings.seed, "init"))
