"""Tiny runs of the tasks that the explorer shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seqkit.tasks import (
    image_classification,
    language_modeling,
    seq2seq,
    sequence_labeling,
    text_classification,
)
from tests.tasks.test_image_classification import write_stripes
from tests.tasks.test_seq2seq import write_pairs
from tests.tasks.test_sequence_labeling import write_sentences
from tests.tasks.test_text_classification import write_reviews
from tests.training.tiny import TINY, write_corpus

TRANSFORMER: dict[str, Any] = {"model": "transformer", "embedding_size": 12, "num_heads": 3, "num_layers": 2}


def write_models(folder: Path) -> None:
    """Train a run of each task into folder / "runs", named by its model or by its data."""
    runs = folder / "runs"
    runs.mkdir()
    text = str(write_corpus(folder / "corpus.txt"))
    lm = language_modeling.LanguageModelSettings
    language_modeling.train(lm(**{**TINY, "corpus": text, "vocab_size": 10}), runs / "lstm")
    language_modeling.train(lm(corpus=text, model="kneser-ney", vocab_size=10), runs / "kneser-ney")
    language_modeling.train(
        lm(corpus=text, context_length=8, max_steps=3, vocab_size=10, **TRANSFORMER), runs / "transformer"
    )
    pairs: dict[str, Any] = {
        "corpus": str(write_pairs(folder / "pairs.tsv")),
        "tokenizer": "char",
        "min_count": 1,
        "batch_size": 16,
        "max_steps": 20,
        "max_new_tokens": 6,
        "lr": 0.01,
    }
    settings = seq2seq.Seq2SeqSettings
    seq2seq.train(settings(**pairs, hidden_size=24, **TRANSFORMER), runs / "pairs")
    seq2seq.train(
        settings(**pairs, embedding_size=8, hidden_size=16, attention="general", reverse=True),
        runs / "aligned",
    )
    text_classification.train(
        text_classification.TextClassificationSettings(
            corpus=str(write_reviews(folder / "reviews.tsv")),
            model="bag",
            embedding_size=16,
            epochs=4,
            lr=0.02,
            min_count=1,
        ),
        runs / "reviews",
    )
    image_classification.train(
        image_classification.ImageClassificationSettings(
            corpus=str(write_stripes(folder / "stripes")),
            model="simple-cnn",
            filters="6",
            filter_size=3,
            hidden="8",
            batch_size=16,
            max_steps=4,
            validation=0.2,
        ),
        runs / "stripes",
    )
    sequence_labeling.train(
        sequence_labeling.SequenceLabelingSettings(
            corpus=str(write_sentences(folder / "names.conll")),
            embedding_size=12,
            hidden_size=10,
            character_embedding_size=5,
            character_hidden_size=6,
            epochs=3,
            lr=0.02,
        ),
        runs / "names",
    )
