"""Train word vectors into a run directory, or go on with one."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from seqkit.backend import default_device, make_current
from seqkit.backend.random import Generator
from seqkit.corpora import Corpus, open_corpus
from seqkit.data import EncodedCorpus, FileIds, encode_corpus
from seqkit.errors import UsageError
from seqkit.models import Word2VecConfig, Word2VecModel
from seqkit.optim import make_optimizer, make_run_schedule
from seqkit.tasks.embeddings.asynchronous import AsynchronousTraining
from seqkit.tasks.embeddings.job import EmbeddingJob
from seqkit.tasks.embeddings.settings import WORD2VEC, EmbeddingSettings
from seqkit.tasks.embeddings.trained import INPUT, TASK, load
from seqkit.tasks.runs import VOCABULARY
from seqkit.tasks.settings import absolute_corpus
from seqkit.tasks.training import Go, Prepared, Training
from seqkit.text import Vocabulary, get_tokenizer
from seqkit.threads import thread_count
from seqkit.training import Limits, RunDirectory, Trainer, Watcher
from seqkit.vectors.counting import count_vectors
from seqkit.vectors.word2vec import Word2VecSettings, Word2VecTrainer, initial_vectors

_BLOCK = 1 << 22


def complete(settings: EmbeddingSettings, corpus: Corpus) -> EmbeddingSettings:
    """The settings with everything that was left to the corpus or the optimiser written out."""
    defaults = corpus.defaults
    tokenizer = settings.tokenizer or defaults.tokenizer
    lowercase = defaults.lowercase if tokenizer == defaults.tokenizer else False
    return dataclasses.replace(
        settings,
        corpus=absolute_corpus(settings.corpus),
        tokenizer=tokenizer,
        lowercase=lowercase if settings.lowercase is None else settings.lowercase,
        alpha=settings.base_lr,
        schedule=settings.schedule_name,
        workers=settings.workers or thread_count(),
        device=settings.device or str(default_device()),
    )


def encode(settings: EmbeddingSettings, corpus: Corpus) -> EncodedCorpus:
    """The text as ids, by completed settings; ``init`` adds its words to those of the text."""
    assert settings.tokenizer is not None
    tokenizer = get_tokenizer(settings.tokenizer, lowercase=bool(settings.lowercase))
    sources = {"train": corpus.every_line}
    vocabulary = None if settings.vocabulary is None else Vocabulary.load(settings.vocabulary)

    def read(vocabulary: Vocabulary | None) -> EncodedCorpus:
        return encode_corpus(
            sources,
            tokenizer,
            key=f"{corpus.content_key()}-every-line",
            vocab_size=settings.vocab_size,
            min_count=settings.min_count,
            vocabulary=vocabulary,
        )

    encoded = read(vocabulary)
    if settings.init is None:
        return encoded
    return read(_grown(load(settings.init).vocabulary, encoded.vocabulary))


def _grown(old: Vocabulary, new: Vocabulary) -> Vocabulary:
    """Both vocabularies' tokens, most frequent first, with the sum of their counts."""
    counts = dict(zip(old.tokens, _counts_of(old), strict=True))
    for token, count in zip(new.tokens, _counts_of(new), strict=True):
        counts[token] = counts.get(token, 0) + count
    unk, eos = old.unk or new.unk, old.eos or new.eos
    for first, second, role in ((old.unk, new.unk, "unknown"), (old.eos, new.eos, "end-of-line")):
        if first and second and first != second:
            raise UsageError(f"the {role} tokens {first!r} and {second!r} of the two vocabularies differ")
    order = sorted(counts, key=lambda token: (-counts[token], token))
    return Vocabulary(order, unk=unk, eos=eos, counts=[counts[token] for token in order])


def _counts_of(vocabulary: Vocabulary) -> list[int]:
    return [0] * len(vocabulary) if vocabulary.counts is None else vocabulary.counts.tolist()


def prepare(settings: EmbeddingSettings, corpus: Corpus, watcher: Watcher) -> Prepared:
    """The encoded text, and how vectors are made of it."""
    started = time.perf_counter()
    encoded = encode(settings, corpus)
    watcher.message(
        f"{corpus.name}: {encoded.info['train'].tokens:,} tokens, {len(encoded.vocabulary):,} types "
        f"({time.perf_counter() - started:.1f} s)"
    )
    return Prepared(
        _method(settings)(settings, encoded),
        texts={VOCABULARY: encoded.vocabulary.to_bytes()},
        counts={"tokens": {split: info.tokens for split, info in encoded.info.items()}},
        config={"tokenizer": encoded.tokenizer.config()},
    )


def _method(settings: EmbeddingSettings) -> Callable[[EmbeddingSettings, EncodedCorpus], Go]:
    if settings.model == "counts":
        return _by_counts
    return _asynchronously if settings.optimizer == WORD2VEC else _by_descent


def _occurrences(ids: Any, V: int) -> np.ndarray:
    """(V,) how often each id occurs, block by block."""
    total = np.zeros(V, np.int64)
    for start in range(0, len(ids), _BLOCK):
        total += np.bincount(ids[start : start + _BLOCK], minlength=V)
    return total


def _eos_id(encoded: EncodedCorpus) -> int:
    return encoded.vocabulary.id(encoded.tokenizer.end_of_line)


def _by_counts(settings: EmbeddingSettings, encoded: EncodedCorpus) -> Go:
    """Co-occurrence, PPMI, SVD. There is no partial state: an interrupted run starts again."""

    def go(run: RunDirectory, watcher: Watcher, *, resume: bool) -> None:
        if run.load_checkpoint() is not None:
            return
        started = time.perf_counter()
        vectors = count_vectors(
            encoded.splits["train"],
            len(encoded.vocabulary),
            vector_size=settings.vector_size,
            window=settings.window,
            eos_id=_eos_id(encoded),
            seed=settings.seed,
        )
        record = {"step": 1, "epoch": 1, "tokens": len(encoded.splits["train"])}
        run.save_model({INPUT: vectors}, {**record, "scores": None})
        run.log.append({**record, "seconds": round(time.perf_counter() - started, 3)})
        run.save_checkpoint({}, {})
        watcher.epoch({**record, "seconds": time.perf_counter() - started})

    return go


def _asynchronously(settings: EmbeddingSettings, encoded: EncodedCorpus) -> Go:
    """The word2vec program's way: fast, by one worker or several without locks."""
    ids, V = FileIds.of(encoded.splits["train"]), len(encoded.vocabulary)
    assert settings.workers is not None
    assert settings.device is not None
    trainer = Word2VecTrainer(
        ids,
        _occurrences(ids, V),
        Word2VecSettings(
            vector_size=settings.vector_size,
            alpha=settings.base_lr,
            window=settings.window,
            sample=settings.sample,
            seed=settings.seed,
            workers=settings.workers,
            min_alpha=min(settings.min_alpha, settings.base_lr),
            sg=settings.model == "skip-gram",
            negative=settings.negative,
            ns_exponent=settings.ns_exponent,
            cbow_mean=settings.cbow_mean,
            epochs=settings.epochs,
            shrink_windows=settings.shrink_windows,
            true_gradient=settings.true_gradient,
        ),
        eos_id=_eos_id(encoded),
        unk_id=encoded.vocabulary.unk_id,
        initial=None if settings.init is None else _initial(settings, encoded.vocabulary),
        device=settings.device,
    )

    def go(run: RunDirectory, watcher: Watcher, *, resume: bool) -> None:
        training = AsynchronousTraining(
            trainer,
            run,
            log_interval=settings.log_interval,
            checkpoint_interval=settings.checkpoint_interval,
            watcher=watcher,
        )
        if resume:
            training.resume()
        training.fit()

    return go


def _initial(settings: EmbeddingSettings, vocabulary: Vocabulary) -> tuple[np.ndarray, np.ndarray]:
    """The vectors of the run ``init``, and untrained ones for words that it did not know."""
    assert settings.init is not None
    before = load(settings.init)
    if before.settings.vector_size != settings.vector_size:
        raise UsageError(
            f"{settings.init} has vectors of {before.settings.vector_size} dimensions, not "
            f"{settings.vector_size}",
            remedy=f"add --vector-size {before.settings.vector_size}",
        )
    vectors = initial_vectors(len(vocabulary), settings.vector_size, settings.seed)
    output = np.zeros_like(vectors)
    places = np.array([vocabulary.id(token) for token in before.vocabulary.tokens])
    vectors[places] = before.vectors
    if before.output is not None:
        output[places] = before.output
    return vectors, output


def _by_descent(settings: EmbeddingSettings, encoded: EncodedCorpus) -> Go:
    """The differentiable model by an optimiser, on any device."""
    assert settings.device is not None
    ids, V = encoded.splits["train"], len(encoded.vocabulary)
    config = Word2VecConfig(
        V, settings.vector_size, settings.model, settings.loss, settings.cbow_mean, settings.weight_init
    )
    model = Word2VecModel(config, generator=Generator(settings.seed, "init"))
    model.to(make_current(settings.device))
    job = EmbeddingJob(model, ids, _occurrences(ids, V), settings)
    optimizer = make_optimizer(
        settings.optimizer,
        list(model.named_parameters()),
        lr=settings.base_lr,
        rows="lazy" if settings.lazy_rows else "dense",
    )
    schedule = make_run_schedule(settings.schedule_name, settings.epochs * len(job.windows))

    def go(run: RunDirectory, watcher: Watcher, *, resume: bool) -> None:
        trainer = Trainer(
            job,
            optimizer,
            schedule,
            run,
            Limits(settings.epochs),
            log_interval=max(1, math.ceil(len(job.windows) / 10)),
            checkpoint_interval=settings.checkpoint_interval,
            watcher=watcher,
        )
        if resume:
            trainer.resume()
        trainer.fit()

    return go


train = Training(
    TASK,
    open_corpus=lambda settings: open_corpus(settings.corpus),
    complete=complete,
    prepare=prepare,
    load=load,
)
