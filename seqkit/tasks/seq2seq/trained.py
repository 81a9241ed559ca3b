"""A trained encoder and decoder with its vocabularies: translate, evaluate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqkit import metrics
from seqkit.corpora import Seq2SeqCorpus
from seqkit.data import EncodedSeq2SeqCorpus, encode_seq2seq, encode_texts, pad_batch
from seqkit.errors import MissingDependencyError, UsageError
from seqkit.tasks.runs import load_best_weights, open_run, require_same_corpus, require_split, run_settings
from seqkit.tasks.seq2seq.data import open_corpus
from seqkit.tasks.seq2seq.evaluation import answer, decode
from seqkit.tasks.seq2seq.model import Seq2SeqModel, make_model
from seqkit.tasks.seq2seq.settings import ResolvedSeq2SeqSettings
from seqkit.tasks.text import run_vocabulary
from seqkit.text import Tokenizer, Vocabulary, tokenizer_from_config
from seqkit.text.special_tokens import EOS, START
from seqkit.training import RunDirectory

TASK = "seq2seq"
SOURCE_VOCABULARY, TARGET_VOCABULARY = "source.vocab.txt", "target.vocab.txt"
_AT_ONCE = 256


@dataclass(frozen=True)
class Translation:
    """One answer to a text.

    log_prob: natural logarithm of its probability, the end included. score: what a beam ranked it by.
    complete: whether it ended by itself. attention: (T, S) weights of the tokens over those of the source,
    in the order in which the source was written; None without attention.
    """

    text: str
    tokens: list[str]
    log_prob: float
    score: float
    complete: bool
    source_tokens: list[str]
    attention: np.ndarray | None


@dataclass(frozen=True)
class Seq2SeqScores:
    """How a split is translated. perplexity and loss: with the truth fed in, per target token, ends included.

    exact_match: share of answers equal to the target, end included. token_accuracy: share of target tokens
    that stand in their place in the answer. bleu: corpus BLEU of the texts against the targets as they are
    written, unknown words and all; None without sacreBLEU.
    """

    exact_match: float
    token_accuracy: float
    loss: float
    perplexity: float
    predictions: int
    pairs: int
    beam: int
    bleu: float | None
    bleu_signature: str | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-able, in this order."""
        return dict(vars(self))


class TrainedSeq2Seq:
    """What :func:`seqkit.load` returns for a run of `train-seq2seq`."""

    def __init__(
        self,
        run: RunDirectory,
        settings: ResolvedSeq2SeqSettings,
        model: Seq2SeqModel,
        vocabularies: tuple[Vocabulary, Vocabulary],
        tokenizers: tuple[Tokenizer, Tokenizer],
    ) -> None:
        self.run, self.settings, self.model = run, settings, model
        self.source_vocabulary, self.target_vocabulary = vocabularies
        self.source_tokenizer, self.target_tokenizer = tokenizers

    def __repr__(self) -> str:
        sizes = f"{len(self.source_vocabulary):,} and {len(self.target_vocabulary):,} types"
        return f"TrainedSeq2Seq({str(self.run.path)!r}: {self.settings.model}, {sizes})"

    def translate(
        self,
        texts: Sequence[str],
        *,
        beam: int = 1,
        n_best: int = 1,
        length_penalty: float = 0.6,
        max_new_tokens: int | None = None,
    ) -> list[list[Translation]]:
        """The ``n_best`` answers to each text, best first: greedy with a ``beam`` of 1, else by beam search.

        Raises DataError for an empty text, UsageError for more answers than the beam holds.
        """
        if isinstance(texts, str):
            raise UsageError("texts must be a list, got a string", remedy="[text]")
        rows = encode_texts(texts, self.source_tokenizer, self.source_vocabulary)
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        found: list[list[Translation]] = [[] for _ in rows]
        for first in range(0, len(order), _AT_ONCE):
            some = order[first : first + _AT_ONCE]
            source, lengths = pad_batch([rows[i] for i in some], reverse=self.settings.reverse)
            answers = decode(
                self.model,
                source,
                lengths,
                start_id=self.target_vocabulary.id(START),
                end_id=self.target_vocabulary.id(EOS),
                unk_id=self.target_vocabulary.unk_id,
                max_new_tokens=max_new_tokens or self.settings.max_new_tokens,
                beam=beam,
                n_best=n_best,
                length_penalty=length_penalty,
                with_attention=self.model.attention is not None,
            )
            for i, best in zip(some, answers, strict=True):
                found[i] = [self._translation(rows[i], one) for one in best]
        return found

    def _translation(self, source: np.ndarray, found: Any) -> Translation:
        tokens = self.target_vocabulary.decode(found.ids)
        weights = found.attention
        if weights is not None:
            weights = weights[:, : len(source)]
            weights = weights[:, ::-1] if self.settings.reverse else weights
        return Translation(
            self.target_tokenizer.detokenize(tokens),
            tokens,
            found.log_prob,
            getattr(found, "score", found.log_prob),
            found.stopped,
            self.source_vocabulary.decode(source),
            weights,
        )

    def pairs(self) -> Seq2SeqCorpus:
        """The pairs that the run was trained on. DataError when they have changed since."""
        corpus = open_corpus(self.settings)
        require_same_corpus(self.run, corpus, remedy="restore its files")
        return corpus

    def encoded(self, corpus: Seq2SeqCorpus | None = None) -> EncodedSeq2SeqCorpus:
        """The pairs that the run was trained on, in its vocabularies."""
        corpus = corpus or self.pairs()
        encoded = encode_seq2seq(
            corpus.sources,
            self.source_tokenizer,
            target_tokenizer=self.target_tokenizer,
            vocabularies=(self.source_vocabulary, self.target_vocabulary),
        )
        corpus.require_unchanged()
        return encoded

    def evaluate(self, split: str | None = None, *, beam: int = 1) -> Seq2SeqScores:
        """Scores on a split: by default on "test", or on "valid" where the task has no other."""
        corpus = self.pairs()
        encoded = self.encoded(corpus)
        split = split or ("test" if "test" in encoded.splits else "valid")
        require_split(split, encoded.splits, self.settings.corpus)
        pairs = encoded.splits[split]
        answers = answer(
            self.model,
            pairs,
            reverse=self.settings.reverse,
            unk_id=self.target_vocabulary.unk_id,
            batch_size=self.settings.eval_batch_size,
            max_new_tokens=self.settings.max_new_tokens,
            beam=beam,
        )
        found = [one.ids for one in answers.generated]
        targets = [pairs.target_ids(row).tolist() for row in range(len(pairs))]
        places = sum(len(target) for target in targets)
        hits = sum(a == b for f, t in zip(found, targets, strict=True) for a, b in zip(f, t, strict=False))
        score = signature = None
        try:
            bleu = metrics.bleu(
                [self._text(ids) for ids in found],
                [target for _, target in corpus.sources[split]()],
                lowercase=self.target_tokenizer.lowercase,
            )
            score, signature = bleu.score, bleu.signature
        except MissingDependencyError:
            pass  # an extra; told as null
        return Seq2SeqScores(
            exact_match=float(answers.right.mean()),
            token_accuracy=hits / max(1, places),
            loss=answers.loss / answers.predictions,
            perplexity=metrics.perplexity(answers.loss, answers.predictions),
            predictions=answers.predictions,
            pairs=len(pairs),
            beam=beam,
            bleu=score,
            bleu_signature=signature,
        )

    def _text(self, ids: Any) -> str:
        return self.target_tokenizer.detokenize(self.target_vocabulary.decode(ids))


def load(path: str | Path, *, device: str | None = None) -> TrainedSeq2Seq:
    """Open a run of `train-seq2seq`, its files verified. RunError or DamagedFileError."""
    run = open_run(path, TASK)
    settings = run_settings(run, ResolvedSeq2SeqSettings)
    source, target = (run_vocabulary(run, name) for name in (SOURCE_VOCABULARY, TARGET_VOCABULARY))
    tokenizers = tuple(tokenizer_from_config(run.config[name]) for name in ("tokenizer", "target_tokenizer"))
    E, H = settings.embedding_size, settings.hidden_size
    model = load_best_weights(
        run,
        lambda generator: make_model(settings, len(source), len(target), generator),
        device,
        at_least=len(target) * E + settings.num_layers * H * (E if settings.model == "transformer" else H),
    )
    return TrainedSeq2Seq(run, settings, model, (source, target), (tokenizers[0], tokenizers[1]))
