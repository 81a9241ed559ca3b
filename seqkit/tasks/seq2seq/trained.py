"""Trained sequence-to-sequence models: translation and evaluation."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqkit import metrics
from seqkit.backend.random import Generator
from seqkit.corpora import REGISTRY, Seq2SeqCorpus, open_seq2seq
from seqkit.data import EncodedSeq2SeqCorpus, encode_seq2seq, encode_texts, pad_batch
from seqkit.decoding import BeamTree, Generated, beam_tree
from seqkit.errors import Remedy, UsageError
from seqkit.progress import tracked, with_progress
from seqkit.tasks.runs import (
    choose_split,
    load_best_weights,
    open_run,
    require_same_corpus,
    require_texts,
    run_settings,
)
from seqkit.tasks.seq2seq.data import open_corpus, warn_of_pairs
from seqkit.tasks.seq2seq.evaluation import (
    COPIED,
    WORD_BY_WORD,
    Search,
    Seq2SeqScores,
    decode,
    decode_split,
    literal_texts,
    map_searches,
    word_table,
)
from seqkit.tasks.seq2seq.model import Seq2SeqModel, make_model
from seqkit.tasks.seq2seq.settings import ResolvedSeq2SeqSettings
from seqkit.tasks.text import OnMessage, run_tokenizer, run_vocabulary
from seqkit.text import Tokenizer, Vocabulary
from seqkit.text.special_tokens import EOS, START
from seqkit.training import RunDirectory

TASK = "seq2seq"
SOURCE_VOCABULARY, TARGET_VOCABULARY = "source.vocab.txt", "target.vocab.txt"
TARGET_TOKENIZER = "target.tokenizer.json"
_BATCH_SIZE = 128
"""Texts at a time: 1,000 with beam 5 took 9.1 s, and 9.6 s with 256 (two threads, measured)."""


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

    @with_progress
    def translate(
        self,
        texts: Sequence[str],
        *,
        beam: int = 1,
        n_best: int = 1,
        length_penalty: float = 0.6,
        max_new_tokens: int | None = None,
        temperature: float | None = None,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
        replace_unk: bool = False,
        progress: bool = False,
    ) -> list[list[Translation]]:
        """Translate texts greedily, by beam search with ``beam``, or by sampling with ``temperature``.

        Args:
            texts: The texts.
            beam: Width of the beam.
            n_best: Number of translations for each text, at most ``beam``.
            length_penalty: As of :func:`seqkit.decoding.beam_search`.
            max_new_tokens: Tokens of a translation at most; None for that of the settings.
            temperature: Sample with this temperature; None to search.
            top_k: As of :func:`seqkit.decoding.sample`, as the next.
            top_p: Sample from the smallest set of tokens with this total probability.
            seed: Seed of the samples.
            replace_unk: Let the model write unknown words, and put the source's word with the most attention
                in the place of each.
            progress: Whether to show a progress bar.

        Returns:
            The translations of each text, best first.

        Raises:
            DataError: A text is empty.
            UsageError: A number is out of range or has no effect, or ``replace_unk`` lacks attention.
        """
        search = Search(beam, n_best, length_penalty, temperature, top_k, top_p, seed)
        generator = Generator(seed, "sampling")
        self._require_attention(replace_unk)
        texts = require_texts(texts)
        rows = encode_texts(texts, self.source_tokenizer, self.source_vocabulary)
        order = sorted(range(len(rows)), key=lambda i: -len(rows[i]))  # threads end with short ones, together
        translations: list[list[Translation]] = [[] for _ in rows]

        def compute(first: int) -> tuple[list[int], Sequence[Sequence[Generated]]]:
            batch = order[first : first + _BATCH_SIZE]
            source, lengths = pad_batch([rows[i] for i in batch], reverse=self.settings.reverse)
            outputs = decode(
                self.model,
                source,
                lengths,
                search,
                start_id=self.target_vocabulary.id(START),
                end_id=self.target_vocabulary.id(EOS),
                unk_id=None if replace_unk else self.target_vocabulary.unk_id,
                max_new_tokens=self.settings.max_new_tokens if max_new_tokens is None else max_new_tokens,
                with_attention=self.model.attention is not None,
                generator=generator,
            )
            return batch, outputs

        starts = tracked(range(0, len(order), _BATCH_SIZE), "translating", "batches")
        with self.model.evaluating(), map_searches(compute, starts, search, self.model) as results:
            for batch, outputs in results:
                for i, best in zip(batch, outputs, strict=True):
                    written = texts[i] if replace_unk else None
                    translations[i] = [self._translation(rows[i], output, written) for output in best]
        return translations

    def beam_tree(
        self, text: str, *, beam: int = 5, length_penalty: float = 0.6, max_new_tokens: int | None = None
    ) -> BeamTree:
        """Return the beam search for the translation of a text as a tree.

        Its best hypothesis is the result of :meth:`translate`. Arguments and errors as there.
        """
        rows = encode_texts(require_texts([text]), self.source_tokenizer, self.source_vocabulary)
        start, unk = self.target_vocabulary.id(START), self.target_vocabulary.unk_id
        return beam_tree(
            self.model,
            beam=beam,
            length_penalty=length_penalty,
            max_new_tokens=self.settings.max_new_tokens if max_new_tokens is None else max_new_tokens,
            start_id=start,
            banned=(start,) if unk is None else (start, unk),
            stop=(self.target_vocabulary.id(EOS),),
            context=pad_batch(rows, reverse=self.settings.reverse),
        )

    def _require_attention(self, replace_unk: bool) -> None:
        if replace_unk and self.model.attention is None:
            raise UsageError(
                "replace_unk has no effect here: it is for models with attention",
                remedy=Remedy("leave replace_unk out", command="leave out --replace-unk"),
            )

    def _weights(self, output: Generated, S: int) -> np.ndarray | None:
        """Return the attention weights (T, S) of an output in the order of the source."""
        weights = output.attention
        if weights is not None:
            weights = weights[:, :S]
            weights = weights[:, ::-1] if self.settings.reverse else weights
        return weights

    def _tokens(self, output: Generated, written: str | None) -> list[str]:
        """Return the tokens of an output; of a ``written`` source the words that replace unknown ones."""
        tokens = self.target_vocabulary.decode(output.ids)
        if written is None or self.target_vocabulary.unk_id not in output.ids:
            return tokens
        words = self.source_tokenizer.tokenize(written.strip())
        weights = self._weights(output, len(words))
        assert weights is not None
        unknown = [i == self.target_vocabulary.unk_id for i in output.ids]
        return [words[int(weights[t].argmax())] if unknown[t] else token for t, token in enumerate(tokens)]

    def _translation(self, source: np.ndarray, output: Generated, written: str | None) -> Translation:
        tokens, weights = self._tokens(output, written), self._weights(output, len(source))
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

    @with_progress
    def evaluate(
        self,
        split: str | None = None,
        *,
        corpus: str | Path | None = None,
        target: str | Path | None = None,
        source_column: int | str | None = None,
        target_column: int | str | None = None,
        header: bool | None = None,
        beam: int = 1,
        length_penalty: float = 0.6,
        temperature: float | None = None,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
        replace_unk: bool = False,
        baseline: bool = False,
        on_message: OnMessage | None = None,
        progress: bool = False,
    ) -> Seq2SeqScores:
        """Return the scores on a split of the run's pairs, or on others.

        Args:
            split: The split; None for "test", or "valid" if the corpus has no "test". Of other pairs without
                splits of their own, None is all of them.
            corpus: Other pairs, named as in the settings.
            target: The file of their targets, if ``corpus`` is a file of sources.
            source_column: As of :func:`seqkit.corpora.open_seq2seq`, for these pairs, as the next two.
            target_column: Column of their targets.
            header: Whether their first row has names.
            beam: Width of the beam; 1 is greedy search.
            length_penalty: As of :meth:`translate`, like the next five.
            temperature: Sample with this temperature; None to search.
            top_k: Sample from the k most probable tokens.
            top_p: Sample from the smallest set of tokens with this total probability.
            seed: Seed of the samples.
            replace_unk: Put words of the source in the places of unknown words.
            baseline: Also score the copied source, and each word by its likeliest translation by IBM model 1,
                estimated on the run's training pairs.
            on_message: Called with a warning about texts that do not fit their tokenizer.
            progress: Whether to show a progress bar.

        Raises:
            DataError: The corpus is absent or has changed, or has no such split.
            UsageError: An argument is out of range or has no effect.
        """
        search = Search(beam, 1, length_penalty, temperature, top_k, top_p, seed)
        self._require_attention(replace_unk)
        options = {
            "target": target,
            "source_column": source_column,
            "target_column": target_column,
            "header": header,
        }
        source = self.pairs() if corpus is None else self._other(str(corpus), options, whole=split is None)
        encoded = self.encoded(source)
        split = choose_split(split, encoded.splits, str(corpus or self.settings.corpus))
        warn_of_pairs(encoded, on_message, [split])
        pairs = encoded.splits[split]
        outputs = decode_split(
            self.model,
            pairs,
            reverse=self.settings.reverse,
            unk_id=None if replace_unk else self.target_vocabulary.unk_id,
            batch_size=self.settings.eval_batch_size,
            max_new_tokens=self.settings.max_new_tokens,
            search=search,
            with_attention=replace_unk,
        )
        targets = [pairs.target_ids(row).tolist() for row in range(len(pairs))]
        positions = sum(len(target) for target in targets)
        hits = sum(
            a == b
            for output, t in zip(outputs.generated, targets, strict=True)
            for a, b in zip(output.ids, t, strict=False)
        )
        written = list(source.sources[split]())
        texts = [
            self.target_tokenizer.detokenize(self._tokens(output, text if replace_unk else None))
            for output, (text, _) in zip(outputs.generated, written, strict=True)
        ]
        references = [target for _, target in written]
        compare: dict[str, Any] = {"lowercase": self.target_tokenizer.lowercase}
        chrf = metrics.chrf(texts, references, **compare)
        compare["tokenize"] = metrics.bleu_tokenizer(references)
        bleu = metrics.bleu(texts, references, **compare)
        baselines = {}
        if baseline:
            table = word_table(encoded if corpus is None else self.encoded())
            others = {
                COPIED: [text for text, _ in written],
                WORD_BY_WORD: literal_texts(table, encoded, split),
            }
            baselines = {name: metrics.bleu(of, references, **compare).score for name, of in others.items()}
        return Seq2SeqScores(
            split=split,
            exact_match=float(outputs.correct.mean()),
            token_accuracy=hits / max(1, positions),
            loss=outputs.loss / outputs.predictions,
            perplexity=metrics.perplexity(outputs.loss, outputs.predictions),
            predictions=outputs.predictions,
            pairs=len(pairs),
            beam=beam,
            bleu=bleu.score,
            bleu_signature=bleu.signature,
            chrf=chrf.score,
            chrf_signature=chrf.signature,
            baselines=baselines,
        )

    def _other(self, corpus: str, options: dict[str, Any], whole: bool) -> Seq2SeqCorpus:
        """Return other pairs, read as the run's unless options are given; all test data if ``whole``."""
        alike = (
            Path(corpus).is_file() == Path(self.settings.corpus).is_file()
        )  # tables, or folders of languages
        if alike and corpus not in REGISTRY and all(value is None for value in options.values()):
            names = ("source_column", "target_column", "header")
            options = {name: getattr(self.settings, name) for name in names}
        return open_seq2seq(corpus, on_bad_line=self.settings.on_bad_line, whole=whole, **options)


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
