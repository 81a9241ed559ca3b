"""Train a text classifier into a run directory, or go on with one."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

from seqkit.backend import make_current
from seqkit.corpora import LabelledCorpus
from seqkit.data import EncodedLabelledCorpus
from seqkit.tasks.classes import LABELS, labels_to_bytes
from seqkit.tasks.descent import Descent
from seqkit.tasks.runs import VOCABULARY
from seqkit.tasks.text_classification.initial_encoder import initial_encoder
from seqkit.tasks.text_classification.initial_vectors import start_from_vectors
from seqkit.tasks.text_classification.job import TextClassificationJob
from seqkit.tasks.text_classification.making import complete, encode, make_model, model_config, open_data
from seqkit.tasks.text_classification.settings import TextClassificationSettings
from seqkit.tasks.text_classification.trained import TASK, load
from seqkit.tasks.tokens import tokenizer_files
from seqkit.tasks.training import Prepared, Training
from seqkit.training import RunDirectory, Watcher
from seqkit.training.run_directory import MODEL


def prepare(settings: TextClassificationSettings, corpus: LabelledCorpus, watcher: Watcher) -> Prepared:
    """The encoded texts, and the model with what it starts from."""
    started = time.perf_counter()
    for line, reason in corpus.skipped:
        watcher.message(f"{settings.corpus}, line {line} left out: {reason}")
    if corpus.skipped_count:
        watcher.message(f"{corpus.skipped_count:,} bad lines left out")
    start = None if settings.init is None else initial_encoder(settings.init, settings.max_length)
    encoded = encode(settings, corpus, start)
    start = None if start is None else start.with_words(encoded.vocabulary, settings.seed)
    watcher.message(f"{corpus.name}: {describe(encoded)} ({time.perf_counter() - started:.1f} s)")
    config = model_config(settings, len(encoded.vocabulary), len(encoded.labels), start)
    model = make_model(settings, config)
    if settings.vectors is not None:
        part = model.encoder.embedding
        known = start_from_vectors(part, encoded.vocabulary, settings.vectors, settings.seed)
        watcher.message(f"{known:,} of {len(encoded.vocabulary):,} types start from {settings.vectors}")
    if start is not None:
        part = model.encoder.encoder
        part.load_state_dict(start.weights(), source=str(settings.init))
        unknown = encoded.info["train"].unk / encoded.info["train"].tokens
        watcher.message(f"starts from {settings.init}, to which {unknown:.1%} of the tokens are unknown")
    if settings.freeze:
        part.freeze()
    assert settings.device is not None
    model.to(make_current(settings.device))
    job = TextClassificationJob(model, encoded, settings)
    return Prepared(
        Descent(settings, job, len(job.batches)).go,
        texts={
            VOCABULARY: encoded.vocabulary.to_bytes(),
            LABELS: labels_to_bytes(encoded.labels),
            **tokenizer_files(encoded.tokenizer),
        },
        counts={"texts": {split: info.texts for split, info in encoded.info.items()}},
        config={"tokenizer": encoded.tokenizer.config(), "model": config.to_dict()},
    )


def describe(encoded: EncodedLabelledCorpus) -> str:
    """Texts of each part and label, types, and what was cut."""
    parts = ", ".join(f"{split} {info.texts:,}" for split, info in encoded.info.items())
    of_labels = zip(encoded.labels, encoded.info["train"].by_label, strict=True)
    labels = ", ".join(f"{label} {count:,}" for label, count in of_labels)
    cut = sum(info.cut for info in encoded.info.values())
    told = f"; {cut:,} cut to the longest length" if cut else ""
    return f"{parts} texts (train: {labels}), {len(encoded.vocabulary):,} types{told}"


def _resumed(settings: TextClassificationSettings, run: RunDirectory) -> TextClassificationSettings:
    """A run has its encoder, whatever became of the folder or run that it was taken from."""
    gone = settings.init is not None and not Path(settings.init).is_dir() and (run.path / MODEL).is_file()
    return dataclasses.replace(settings, init=str(run.path)) if gone else settings


train = Training(TASK, open_corpus=open_data, complete=complete, prepare=prepare, load=load, resumed=_resumed)
