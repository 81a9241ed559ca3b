"""Train a language model into a run directory, or go on with one."""

from __future__ import annotations

import math
import time
from functools import partial
from typing import Any

from seqkit.backend import make_current
from seqkit.corpora import Corpus, open_corpus
from seqkit.data import EncodedCorpus
from seqkit.errors import UsageError
from seqkit.models import KneserNey, KneserNeyConfig
from seqkit.tasks.descent import Descent
from seqkit.tasks.language_modeling.evaluation import stream_loss
from seqkit.tasks.language_modeling.job import LanguageModelingJob
from seqkit.tasks.language_modeling.settings import LanguageModelSettings
from seqkit.tasks.language_modeling.trained import TASK, load, make_model
from seqkit.tasks.runs import VOCABULARY
from seqkit.tasks.settings import absolute_corpus, text_choices
from seqkit.tasks.tokens import encode, tokenizer_files
from seqkit.tasks.training import Prepared, Training
from seqkit.training import RunDirectory, Watcher


def complete(settings: LanguageModelSettings, corpus: Corpus) -> LanguageModelSettings:
    """The settings with everything that was left to the corpus or the optimiser written out."""
    if settings.objective != "causal":
        raise UsageError("a masked model is trained by seqkit.tasks.masked_language_modeling")
    return settings.settled(
        corpus=absolute_corpus(settings.corpus),
        **text_choices(settings, corpus.defaults),
        **settings.model_choices(),
        **(
            {"context_length": settings.window_length}
            if settings.model == "transformer"
            else {"bptt": settings.window_length}
            if settings.model != "kneser-ney"
            else {}
        ),
    )


def prepare(settings: LanguageModelSettings, corpus: Corpus, watcher: Watcher) -> Prepared:
    """The encoded text, and how the model learns it."""
    started = time.perf_counter()
    encoded = encode(settings, corpus)
    counts = {name: info.tokens for name, info in encoded.info.items()}
    tokens = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    watcher.message(
        f"{corpus.name}: {tokens} tokens, {len(encoded.vocabulary):,} types "
        f"({time.perf_counter() - started:.1f} s)"
    )
    counted = settings.model == "kneser-ney"
    return Prepared(
        partial(_count, settings, encoded) if counted else _descent(settings, encoded).go,
        texts={VOCABULARY: encoded.vocabulary.to_bytes(), **tokenizer_files(encoded.tokenizer)},
        counts={"tokens": counts},
        config={"tokenizer": encoded.tokenizer.config()},
    )


def _count(
    settings: LanguageModelSettings,
    encoded: EncodedCorpus,
    run: RunDirectory,
    watcher: Watcher,
    *,
    resume: bool,
) -> None:
    """Fit Kneser-Ney, unless that is done. There is no partial state: an interrupted fit starts again."""
    if run.load_checkpoint() is not None:
        return
    started = time.perf_counter()
    eos_id = encoded.vocabulary.id(encoded.tokenizer.end_of_line)
    config = KneserNeyConfig(len(encoded.vocabulary), settings.order, eos_id)
    model = KneserNey.fit(encoded.splits["train"], config)
    record: dict[str, Any] = {"step": 1, "epoch": 1, "tokens": encoded.info["train"].tokens}
    scores = None
    if "valid" in encoded.splits:
        ids = encoded.splits["valid"]
        scores = {"loss": stream_loss(model, ids, eos_id) / len(ids)}
        record |= {"valid_loss": scores["loss"], "valid_ppl": math.exp(scores["loss"])}
    record["seconds"] = round(time.perf_counter() - started, 3)
    run.save_model(model.state_dict(), {"step": 1, "epoch": 1, "scores": scores})
    run.log.append(record)
    run.save_checkpoint({}, {})
    watcher.epoch(record)


def _descent(settings: LanguageModelSettings, encoded: EncodedCorpus) -> Descent:
    """A neural model with its data, and how it goes downhill."""
    assert settings.device is not None
    model = make_model(settings, len(encoded.vocabulary)).to(make_current(settings.device))
    valid_ids = encoded.splits.get("valid")
    job = LanguageModelingJob(
        model,
        encoded.splits["train"],
        None if valid_ids is None else valid_ids[: settings.valid_tokens],
        eos_id=encoded.vocabulary.id(encoded.tokenizer.end_of_line),
        batch_size=settings.batch_size,
        bptt=settings.window_length,
        eval_batch_size=settings.eval_batch_size,
        seed=settings.seed,
    )
    return Descent(settings, job, len(job.batches))


train = Training(
    TASK,
    open_corpus=lambda settings: open_corpus(settings.corpus),
    complete=complete,
    prepare=prepare,
    load=load,
)
