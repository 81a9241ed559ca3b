"""A trained language model with its vocabulary: evaluate, score, generate."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seqkit.corpora import open_corpus
from seqkit.data import EncodedCorpus, encode_corpus
from seqkit.errors import UsageError
from seqkit.models import KneserNey, KneserNeyConfig
from seqkit.tasks.language_modeling import evaluation
from seqkit.tasks.language_modeling.evaluation import Evaluation
from seqkit.tasks.language_modeling.generation import Sample, generate_samples
from seqkit.tasks.language_modeling.model import AnyLanguageModel, make_model
from seqkit.tasks.language_modeling.settings import ResolvedLanguageModelSettings
from seqkit.tasks.runs import load_best_weights, open_run, require_same_corpus, require_split, run_settings
from seqkit.tasks.text import run_tokenizer, run_vocabulary
from seqkit.text import Tokenizer, Vocabulary
from seqkit.training import RunDirectory

TASK = "language_modeling"
PROTOCOLS = ("exact", "textbook", "blocks")
_LINES_AT_ONCE = 64


@dataclass(frozen=True)
class LineScore:
    """The score of one line; its end-of-line token is counted."""

    log_prob: float
    """Natural logarithm of the line's probability."""
    tokens: int
    perplexity: float
    unknown: int
    """Tokens that were not in the vocabulary."""


class TrainedLanguageModel:
    """What :func:`seqkit.load` returns for a run of `train-lm`."""

    def __init__(
        self,
        run: RunDirectory,
        settings: ResolvedLanguageModelSettings,
        model: AnyLanguageModel,
        vocabulary: Vocabulary,
        tokenizer: Tokenizer,
    ) -> None:
        self.run, self.settings, self.model = run, settings, model
        self.vocabulary, self.tokenizer = vocabulary, tokenizer

    def __repr__(self) -> str:
        model = f"{self.settings.describe()}, {len(self.vocabulary):,} types"
        return f"TrainedLanguageModel({str(self.run.path)!r}: {model})"

    @property
    def eos_id(self) -> int:
        """The id of the end-of-line token."""
        return self.vocabulary.id(self.tokenizer.end_of_line)

    def encoded(self, corpus: str | None = None) -> EncodedCorpus:
        """The run's corpus, or another, in this model's vocabulary."""
        source = open_corpus(self.settings.corpus if corpus is None else corpus)
        key = source.content_key()
        if corpus is None:
            require_same_corpus(self.run, source, remedy="restore its files, or name the text to evaluate on")
        return encode_corpus(
            source.sources,
            self.tokenizer,
            key=key,
            vocabulary=self.vocabulary,
            require_unchanged=source.require_unchanged,
        )

    def evaluate(
        self,
        split: str = "test",
        *,
        corpus: str | None = None,
        batch_size: int = 1,
        protocol: str = "exact",
    ) -> Evaluation:
        """Perplexity on a split of the run's corpus, or of another one.

        The protocol "exact" predicts every token once (``evaluation.py``); "textbook" reads 10 streams of
        35 and drops the tail; "blocks" reads consecutive blocks as long as the training windows, each by
        itself. More than one stream is faster and starts each with an empty state.
        """
        encoded = self.encoded(corpus)
        require_split(split, encoded.splits, corpus or self.settings.corpus)
        ids, info = encoded.splits[split], encoded.info[split]
        predictions, unk = len(ids), info.unk
        characters: int | None = info.characters
        if protocol not in PROTOCOLS:
            raise UsageError(f"protocol must be one of {', '.join(PROTOCOLS)}, got {protocol!r}")
        if protocol == "exact":
            batch_size = min(batch_size, len(ids))
            total = evaluation.stream_loss(self.model, ids, self.eos_id, batch_size=batch_size)
        elif isinstance(self.model, KneserNey):
            raise UsageError(f"the protocol {protocol} is for neural models", remedy="leave it out")
        elif protocol == "blocks":
            batch_size, length = 1, self.settings.window_length
            total = evaluation.blocks_loss(self.model, ids, self.eos_id, length=length)
        else:
            total, predictions = evaluation.textbook_loss(self.model, ids)
            predicted = np.asarray(ids[1 : predictions + 1])
            unk, characters, batch_size = int((predicted == self.vocabulary.unk_id).sum()), None, 10
        return evaluation.evaluation(
            total,
            predictions,
            characters=characters,
            vocab_size=len(self.vocabulary),
            unk=unk,
            tokenizer=self.tokenizer.name,
            batch_size=batch_size,
            protocol=protocol,
        )

    def score(self, lines: Iterable[str]) -> Iterator[LineScore]:
        """The log-probability of each line, in order, in bounded memory. Lines are independent."""
        pending = iter(lines)
        while batch := list(itertools.islice(pending, _LINES_AT_ONCE)):
            ids = [
                self.vocabulary.encode([*self.tokenizer.tokenize(line), self.tokenizer.end_of_line])
                for line in batch
            ]
            for line, losses in zip(ids, evaluation.line_losses(self.model, ids, self.eos_id), strict=True):
                total = float(losses.sum())
                unknown = 0 if self.vocabulary.unk_id is None else int((line == self.vocabulary.unk_id).sum())
                perplexity = float(np.exp(np.float64(total / len(line))))
                yield LineScore(-total, len(line), perplexity, unknown)

    def generate(
        self,
        prompt: str = "",
        *,
        max_new_tokens: int = 100,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        num_samples: int = 1,
        stop: Sequence[str] | None = None,
        allow_unknown: bool = False,
        seed: int = 0,
    ) -> list[Sample]:
        """Texts that go on from ``prompt``.

        ``stop`` tokens end a text; by default the end of a line does, for words, and nothing, for
        characters. ``<unk>`` is never produced unless ``allow_unknown``. Temperature 0 takes the most
        probable token at each step.
        """
        words = self.tokenizer.name != "char"
        stop = ([self.tokenizer.end_of_line] if words else []) if stop is None else list(stop)
        for token in stop:
            if token not in self.vocabulary:
                raise UsageError(f"the stop token {token!r} is not in the vocabulary")
        unk = self.vocabulary.unk_id
        prompt_tokens = self._prompt_tokens(prompt)
        return generate_samples(
            self.model,
            lambda ids: self.tokenizer.detokenize(prompt_tokens + self.vocabulary.decode(ids)),
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seed=seed,
            batch=num_samples,
            max_new_tokens=max_new_tokens,
            start_id=self.eos_id,
            prompt=self.vocabulary.encode(prompt_tokens) if prompt_tokens else None,
            banned=() if unk is None or allow_unknown else (unk,),
            stop=tuple(self.vocabulary.id(token) for token in stop),
        )

    def _prompt_tokens(self, prompt: str) -> list[str]:
        tokens: list[str] = []
        for number, line in enumerate(prompt.split("\n")):
            tokens += [self.tokenizer.end_of_line] if number else []
            tokens += self.tokenizer.tokenize(line)
        return tokens


def load(path: str | Path, *, device: str | None = None) -> TrainedLanguageModel:
    """Open a run of `train-lm`, its files verified. RunError for another run, DamagedFileError."""
    run = open_run(path, TASK)
    settings = run_settings(run, ResolvedLanguageModelSettings)
    vocabulary, tokenizer = run_vocabulary(run), run_tokenizer(run)
    model: AnyLanguageModel
    if settings.model == "kneser-ney":
        eos_id = vocabulary.id(tokenizer.end_of_line)
        config = KneserNeyConfig(len(vocabulary), settings.order, eos_id)
        model = KneserNey.from_state_dict(config, run.load_model())
    else:
        V = len(vocabulary)
        at_least = V * settings.embedding_size + settings.least_layer_weights()
        model = load_best_weights(
            run, lambda generator: make_model(settings, V, generator), device, at_least=at_least
        )
    return TrainedLanguageModel(run, settings, model, vocabulary, tokenizer)
