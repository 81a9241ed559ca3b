"""Train an encoder and decoder into a run directory, or go on with one."""

from __future__ import annotations

import time

from seqkit.backend import make_current
from seqkit.corpora import Seq2SeqCorpus, corpus_names
from seqkit.data import EncodedSeq2SeqCorpus, encode_seq2seq
from seqkit.tasks.descent import Descent
from seqkit.tasks.seq2seq.job import Seq2SeqJob
from seqkit.tasks.seq2seq.settings import Seq2SeqSettings
from seqkit.tasks.seq2seq.trained import (
    SOURCE_VOCABULARY,
    TARGET_VOCABULARY,
    TASK,
    load,
    make_model,
    open_task,
)
from seqkit.tasks.settings import absolute_path
from seqkit.tasks.training import Prepared, Training
from seqkit.text import get_tokenizer
from seqkit.training import Watcher


def complete(settings: Seq2SeqSettings, corpus: Seq2SeqCorpus) -> Seq2SeqSettings:
    """The settings with everything that was left to the task or the optimiser written out."""
    defaults = corpus.defaults
    tokenizer = settings.tokenizer or defaults.tokenizer
    own = tokenizer == defaults.tokenizer
    min_count = settings.min_count or (defaults.min_count if own else 1)
    lowercase = defaults.lowercase if own and settings.lowercase is None else bool(settings.lowercase)
    return settings.settled(
        corpus=absolute_path(settings.corpus, corpus_names("seq2seq")),
        target=None if settings.target is None else absolute_path(settings.target),
        tokenizer=tokenizer,
        lowercase=lowercase,
        min_count=min_count,
        vocab_size=settings.vocab_size or (defaults.vocab_size if own else None),
        attention=None if settings.model == "transformer" else settings.attention_kind or "none",
        **settings.model_choices(),
        bucket=tokenizer != "char" if settings.bucket is None else settings.bucket,
    )


def encode(settings: Seq2SeqSettings, corpus: Seq2SeqCorpus) -> EncodedSeq2SeqCorpus:
    """The pairs as ids, by completed settings."""
    assert settings.tokenizer is not None
    return encode_seq2seq(
        corpus.sources,
        get_tokenizer(settings.tokenizer, lowercase=bool(settings.lowercase)),
        shared=settings.shared_vocabulary,
        vocab_size=settings.vocab_size,
        min_count=settings.min_count or 1,
    )


def prepare(settings: Seq2SeqSettings, corpus: Seq2SeqCorpus, watcher: Watcher) -> Prepared:
    """The encoded pairs, and how the model learns them."""
    started = time.perf_counter()
    for line, reason in corpus.skipped:
        watcher.message(f"{settings.corpus}, line {line} left out: {reason}")
    if corpus.skipped_count:
        watcher.message(f"{corpus.skipped_count:,} bad lines left out")
    encoded = encode(settings, corpus)
    pairs = ", ".join(f"{name} {info.pairs:,}" for name, info in encoded.info.items())
    watcher.message(
        f"{corpus.name}: {pairs} pairs, {len(encoded.source_vocabulary):,} and "
        f"{len(encoded.target_vocabulary):,} types ({time.perf_counter() - started:.1f} s)"
    )
    assert settings.device is not None
    model = make_model(settings, len(encoded.source_vocabulary), len(encoded.target_vocabulary))
    model.to(make_current(settings.device))
    job = Seq2SeqJob(model, encoded, settings, watcher.message)
    return Prepared(
        Descent(settings, job, len(job.batches)).go,
        texts={
            SOURCE_VOCABULARY: encoded.source_vocabulary.to_bytes(),
            TARGET_VOCABULARY: encoded.target_vocabulary.to_bytes(),
        },
        counts={"pairs": {split: info.pairs for split, info in encoded.info.items()}},
        config={
            "tokenizer": encoded.source_tokenizer.config(),
            "target_tokenizer": encoded.target_tokenizer.config(),
        },
    )


train = Training(TASK, open_corpus=open_task, complete=complete, prepare=prepare, load=load)
