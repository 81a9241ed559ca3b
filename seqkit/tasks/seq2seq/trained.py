"""Trained sequence-to-sequence models: translation and evaluation."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqkit import metrics
from seqkit.corpora import Seq2SeqCorpus
from seqkit.data import EncodedSeq2SeqCorpus, encode_seq2seq, encode_texts, pad_batch
from seqkit.decoding import Generated
from seqkit.errors import MissingDependencyError
from seqkit.tasks.runs import (
    load_best_weights,
    open_run,
    require_same_corpus,
    require_split,
    require_texts,
    run_settings,
)
from seqkit.tasks.seq2seq.data import open_corpus, warn_of_pairs
from seqkit.tasks.seq2seq.evaluation import decode, decode_split
from seqkit.tasks.seq2seq.model import Seq2SeqModel, make_model
from seqkit.tasks.seq2seq.settings import ResolvedSeq2SeqSettings
from seqkit.tasks.text import OnMessage, run_tokenizer, run_vocabulary
from seqkit.text import Tokenizer, Vocabulary
from seqkit.text.special_tokens import EOS, START
from seqkit.training import RunDirectory

TASK = "seq2seq"
SOURCE_VOCABULARY, TARGET_VOCABULARY = "source.vocab.txt", "target.vocab.txt"
TARGET_TOKENIZER = "target.tokenizer.json"
_BATCH_SIZE = 256


@dataclass(frozen=True)
class Translation:
    """A translation of a text.

    Attributes:
        text: The translation.
        tokens: Its T tokens.
        log_prob: Natural logarithm of its probability, the end token included.
        score: The score by which beam search ranked it.
        complete: Whether it ended with the end token, not at the greatest length.
        source_tokens: The S tokens of the source.
        attention: (T, S) attention weights, in the original order of the source; None without attention.
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
    """Scores of a model on a split.

    Attributes:
        exact_match: Fraction of outputs equal to the target, the end token included.
        token_accuracy: Fraction of target tokens at the same position in the output.
        loss: Mean -log P of the target tokens under teacher forcing, end tokens included, in nats.
        perplexity: exp(loss).
        predictions: Number of target tokens.
        pairs: Number of pairs.
        beam: Width of the beam.
        bleu: Corpus BLEU against the original targets, unknown words included; None without sacreBLEU.
        bleu_signature: The signature of sacreBLEU.
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
        """Return the scores as JSON values."""
        return dict(vars(self))


class TrainedSeq2Seq:
    """A trained encoder and decoder; :func:`train` and :func:`load` return it.

    Threads may share it.

    Attributes:
        run: The run directory.
        settings: The resolved settings.
        model: The model in evaluation mode.
        source_vocabulary, target_vocabulary: The vocabularies.
        source_tokenizer, target_tokenizer: The tokenizers.
    """

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
        """Translate texts, by greedy search if ``beam`` and ``n_best`` are 1, else by beam search.

        Args:
            texts: The texts.
            beam: Width of the beam.
            n_best: Number of translations for each text, at most ``beam``.
            length_penalty: As of :func:`seqkit.decoding.beam_search`.
            max_new_tokens: Tokens of a translation at most; None for that of the settings.

        Returns:
            The translations of each text, best first.

        Raises:
            DataError: A text is empty.
            UsageError: A number is out of range.
        """
        texts = require_texts(texts)
        rows = encode_texts(texts, self.source_tokenizer, self.source_vocabulary)
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        translations: list[list[Translation]] = [[] for _ in rows]
        for first in range(0, len(order), _BATCH_SIZE):
            batch = order[first : first + _BATCH_SIZE]
            source, lengths = pad_batch([rows[i] for i in batch], reverse=self.settings.reverse)
            outputs = decode(
                self.model,
                source,
                lengths,
                start_id=self.target_vocabulary.id(START),
                end_id=self.target_vocabulary.id(EOS),
                unk_id=self.target_vocabulary.unk_id,
                max_new_tokens=self.settings.max_new_tokens if max_new_tokens is None else max_new_tokens,
                beam=beam,
                n_best=n_best,
                length_penalty=length_penalty,
                with_attention=self.model.attention is not None,
            )
            for i, best in zip(batch, outputs, strict=True):
                translations[i] = [self._translation(rows[i], output) for output in best]
        return translations

    def _translation(self, source: np.ndarray, output: Generated) -> Translation:
        tokens = self.target_vocabulary.decode(output.ids)
        weights = output.attention
        if weights is not None:
            weights = weights[:, : len(source)]
            weights = weights[:, ::-1] if self.settings.reverse else weights
        return Translation(
            self.target_tokenizer.detokenize(tokens),
            tokens,
            output.log_prob,
            getattr(output, "score", output.log_prob),
            output.stopped,
            self.source_vocabulary.decode(source),
            weights,
        )

    def pairs(self) -> Seq2SeqCorpus:
        """Return the pairs that the run was trained on. Raise DataError if they have changed."""
        corpus = open_corpus(self.settings)
        require_same_corpus(self.run, corpus, remedy="restore its files")
        return corpus

    def encoded(self, corpus: Seq2SeqCorpus | None = None) -> EncodedSeq2SeqCorpus:
        """Return the pairs that the run was trained on, as ids of its vocabularies."""
        corpus = corpus or self.pairs()
        encoded = encode_seq2seq(
            corpus.sources,
            self.source_tokenizer,
            target_tokenizer=self.target_tokenizer,
            vocabularies=(self.source_vocabulary, self.target_vocabulary),
        )
        corpus.require_unchanged()
        return encoded

    def evaluate(
        self, split: str | None = None, *, beam: int = 1, on_message: OnMessage | None = None
    ) -> Seq2SeqScores:
        """Return the scores on a split.

        Args:
            split: The split; None for "test", or "valid" if the corpus has no "test".
            beam: Width of the beam; 1 is greedy search.
            on_message: Called with a warning about texts that do not fit their tokenizer.

        Raises:
            DataError: The corpus is absent or has changed, or has no such split.
        """
        corpus = self.pairs()
        encoded = self.encoded(corpus)
        split = split or ("test" if "test" in encoded.splits else "valid")
        require_split(split, encoded.splits, self.settings.corpus)
        warn_of_pairs(encoded, on_message, [split])
        pairs = encoded.splits[split]
        outputs = decode_split(
            self.model,
            pairs,
            reverse=self.settings.reverse,
            unk_id=self.target_vocabulary.unk_id,
            batch_size=self.settings.eval_batch_size,
            max_new_tokens=self.settings.max_new_tokens,
            beam=beam,
        )
        predicted = [output.ids for output in outputs.generated]
        targets = [pairs.target_ids(row).tolist() for row in range(len(pairs))]
        positions = sum(len(target) for target in targets)
        hits = sum(
            a == b for p, t in zip(predicted, targets, strict=True) for a, b in zip(p, t, strict=False)
        )
        score = signature = None
        try:
            bleu = metrics.bleu(
                [self._text(ids) for ids in predicted],
                [target for _, target in corpus.sources[split]()],
                lowercase=self.target_tokenizer.lowercase,
            )
            score, signature = bleu.score, bleu.signature
        except MissingDependencyError:
            pass  # sacreBLEU is optional
        return Seq2SeqScores(
            exact_match=float(outputs.correct.mean()),
            token_accuracy=hits / max(1, positions),
            loss=outputs.loss / outputs.predictions,
            perplexity=metrics.perplexity(outputs.loss, outputs.predictions),
            predictions=outputs.predictions,
            pairs=len(pairs),
            beam=beam,
            bleu=score,
            bleu_signature=signature,
        )

    def _text(self, ids: Sequence[int]) -> str:
        return self.target_tokenizer.detokenize(self.target_vocabulary.decode(ids))


def vocabularies_of(run: RunDirectory) -> tuple[Vocabulary, Vocabulary]:
    """Return the source and the target vocabulary of a run, one object if they are the same."""
    source, target = (run_vocabulary(run, name) for name in (SOURCE_VOCABULARY, TARGET_VOCABULARY))
    return source, source if source == target else target


def tokenizers_of(run: RunDirectory) -> tuple[Tokenizer, Tokenizer]:
    """Return the tokenizers of sources and of targets of a run, one object if they are the same."""
    source = run_tokenizer(run)
    if run.entry("target_tokenizer") == source.config():
        return source, source
    return source, run_tokenizer(run, "target_tokenizer", TARGET_TOKENIZER)


def load(path: str | Path, *, device: str | None = None) -> TrainedSeq2Seq:
    """Load the trained model of a run of `train-seq2seq`.

    Args:
        path: The run directory.
        device: Where the model computes; None for the default device.

    Raises:
        RunError: The folder is not a run directory, or that of another task.
        DamagedFileError: A file of the run is damaged.
    """
    run = open_run(path, TASK)
    settings = run_settings(run, ResolvedSeq2SeqSettings)
    vocabularies = source, target = vocabularies_of(run)
    E, H = settings.embedding_size, settings.hidden_size
    model = load_best_weights(
        run,
        lambda generator: make_model(settings, len(source), len(target), generator),
        device,
        at_least=len(target) * E + settings.num_layers * H * (E if settings.model == "transformer" else H),
    )
    return TrainedSeq2Seq(run, settings, model, vocabularies, tokenizers_of(run))
