"""Train a masked language model into a run directory, or go on with one."""

from __future__ import annotations

import time

from seqkit.backend import make_current
from seqkit.corpora import Corpus, open_corpus
from seqkit.data.masking import with_mask_tokens
from seqkit.tasks.descent import Descent
from seqkit.tasks.masked_language_modeling.job import MaskedLanguageModelingJob
from seqkit.tasks.masked_language_modeling.settings import MaskedLanguageModelSettings
from seqkit.tasks.masked_language_modeling.trained import TASK, load, make_model
from seqkit.tasks.runs import VOCABULARY
from seqkit.tasks.settings import absolute_corpus, text_choices
from seqkit.tasks.tokens import encode, tokenizer_files
from seqkit.tasks.training import Prepared, Training
from seqkit.training import Watcher


def complete(settings: MaskedLanguageModelSettings, corpus: Corpus) -> MaskedLanguageModelSettings:
    """The settings with everything that was left to the corpus or the optimiser written out."""
    return settings.settled(
        corpus=absolute_corpus(settings.corpus),
        hidden_size=settings.hidden_size or 4 * settings.embedding_size,
        **text_choices(settings, corpus.defaults),
    )


def prepare(settings: MaskedLanguageModelSettings, corpus: Corpus, watcher: Watcher) -> Prepared:
    """The encoded text, and how the model learns it."""
    started = time.perf_counter()
    encoded = encode(settings, corpus)
    vocabulary = with_mask_tokens(encoded.vocabulary)
    tokens = {name: info.tokens for name, info in encoded.info.items()}
    parts = ", ".join(f"{name} {count:,}" for name, count in tokens.items())
    watcher.message(
        f"{corpus.name}: {parts} tokens, {len(vocabulary):,} types ({time.perf_counter() - started:.1f} s)"
    )
    assert settings.device is not None
    model = make_model(settings, len(vocabulary)).to(make_current(settings.device))
    splits = encoded.splits
    job = MaskedLanguageModelingJob(model, vocabulary, splits["train"], splits.get("valid"), settings)
    return Prepared(
        Descent(settings, job, len(job.batches)).go,
        texts={VOCABULARY: vocabulary.to_bytes(), **tokenizer_files(encoded.tokenizer)},
        counts={"tokens": tokens},
        config={"tokenizer": encoded.tokenizer.config()},
    )


train = Training(
    TASK,
    open_corpus=lambda settings: open_corpus(settings.corpus),
    complete=complete,
    prepare=prepare,
    load=load,
)
