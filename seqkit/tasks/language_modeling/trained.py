"""Trained language models: evaluation, scores of lines, and generation."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from seqkit.data import EncodedCorpus, encode_corpus
from seqkit.distributed.group import ALONE, ProcessGroup
from seqkit.errors import UsageError, require_choice, require_number
from seqkit.models import NGramConfig, NGramModel
from seqkit.models.mixture import MixtureModel
from seqkit.progress import with_progress
from seqkit.tasks.language_modeling import evaluation, scoring
from seqkit.tasks.language_modeling.continuation import Continuation
from seqkit.tasks.language_modeling.evaluation import Evaluation
from seqkit.tasks.language_modeling.generation import LENGTH_PENALTY, Prompt, Sample, generate_samples
from seqkit.tasks.language_modeling.model import AnyLanguageModel, make_model
from seqkit.tasks.language_modeling.scoring import LineScore, TokenScore
from seqkit.tasks.language_modeling.settings import ResolvedLanguageModelSettings
from seqkit.tasks.runs import (
    choose_split,
    load_best_weights,
    open_run,
    require_cpu,
    require_same_corpus,
    require_texts,
    run_settings,
)
from seqkit.tasks.text import OnMessage, open_text, run_tokenizer, run_vocabulary, warn_of_text
from seqkit.text import Tokenizer, Vocabulary
from seqkit.training import RunDirectory

TASK = "language_modeling"
PROTOCOLS = ("exact", "textbook", "blocks")


class TrainedLanguageModel:
    """A trained language model; :func:`train` and :func:`load` return it.

    Threads may share it.

    Attributes:
        run: The run directory.
        settings: The resolved settings.
        model: The model in evaluation mode.
        vocabulary: The vocabulary.
        tokenizer: The tokenizer.
    """

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

    def encoded(
        self, corpus: str | None = None, text_column: int | str | None = None, *, whole: bool = False
    ) -> EncodedCorpus:
        """Return the run's corpus, or another, as ids of this model's vocabulary.

        Raises:
            DataError: The corpus is absent, or has changed since the training.
        """
        source = open_text(self.settings, corpus, text_column, whole=whole)
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

    @with_progress
    def evaluate(
        self,
        split: str | None = None,
        *,
        corpus: str | None = None,
        text_column: int | str | None = None,
        batch_size: int = 1,
        protocol: str = "exact",
        on_message: OnMessage | None = None,
        progress: bool = False,
        group: ProcessGroup = ALONE,
    ) -> Evaluation:
        """Return the perplexity on a split of the run's corpus, or of another corpus.

        Args:
            split: train, valid or test; by default "test", or "valid" if there is none, and all of another
                file.
            corpus: Another corpus, named as in the settings.
            text_column: The column of the texts of that corpus, if it is a table; by default it is found.
            batch_size: Streams that are read in parallel; more are faster, and each begins with a zero
                state.
            protocol: "exact" predicts every token once; "textbook" reads 10 streams in windows of 35 and
                drops the remainder; "blocks" reads independent blocks as long as the training windows.
            on_message: Called with a warning about text that does not fit the tokenizer.
            progress: Whether to show a progress bar.
            group: Processes that share out streams, blocks, and lines of an n-gram model.

        Raises:
            DataError: The corpus is absent or has changed, or has no such split.
            UsageError: An unknown protocol, or one that the model does not have.
        """
        encoded = self.encoded(corpus, text_column, whole=split is None)
        split = choose_split(split, encoded.splits, corpus or self.settings.corpus)
        warn_of_text(encoded, self.vocabulary, on_message, [split])
        ids, info = encoded.splits[split], encoded.info[split]
        predictions, unk = len(ids), info.unk
        characters: int | None = info.characters
        require_choice("protocol", protocol, PROTOCOLS)
        require_number("batch_size", batch_size, least=1)
        if batch_size != 1 and (protocol != "exact" or isinstance(self.model, NGramModel)):
            raise UsageError("batch_size has no effect here: it is for neural models and the protocol exact")
        if protocol == "exact":
            batch_size = min(batch_size, len(ids))
            total = evaluation.stream_loss(self.model, ids, self.eos_id, batch_size=batch_size, group=group)
        elif isinstance(self.model, NGramModel):
            raise UsageError(f"expected protocol to be exact for Kneser-Ney, got {protocol!r}")
        elif protocol == "blocks":
            batch_size, length = 1, self.settings.window_length
            total = evaluation.blocks_loss(self.model, ids, self.eos_id, length=length, group=group)
        else:
            total, predictions = evaluation.textbook_loss(self.model, ids)
            predicted = np.asarray(ids[1 : predictions + 1])
            unk, characters, batch_size = int((predicted == self.vocabulary.unk_id).sum()), None, 10
        return evaluation.evaluation(
            split,
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
        """Iterate over the scores of lines, in order and in bounded memory; lines are independent.

        Raises:
            UsageError: ``lines`` is a string, or holds what is none.
        """
        if isinstance(self.model, NGramModel):
            return scoring.in_batches(lines, self._ngram_scores, scoring.NGRAM_LINES_AT_ONCE)
        return scoring.in_batches(lines, self._line_scores)

    def _ngram_scores(self, lines: list[str]) -> Iterable[LineScore]:
        """Return the scores of lines as one stream, since each ends where the next begins."""
        assert isinstance(self.model, NGramModel)
        tokens = self.tokenizer.tokenize_block("\n".join([*lines, ""]))
        ids = self.vocabulary.encode(tokens)
        ends = np.flatnonzero(ids == self.eos_id) + 1
        if len(ends) != len(lines):  # a line end, or its token, within a line
            return self._line_scores(lines)
        starts = np.concatenate(([0], ends[:-1]))
        totals = np.add.reduceat(self.model.log_probs(ids), starts)
        unk = -1 if self.vocabulary.unk_id is None else self.vocabulary.unk_id
        unknown = np.add.reduceat(ids == unk, starts, dtype=np.int64)
        lengths = ends - starts
        columns = (totals, lengths, np.exp(-totals / lengths), unknown)
        return map(LineScore, *(column.tolist() for column in columns))

    def _tokens(self, line: str) -> list[str]:
        return [*self.tokenizer.tokenize(line), self.tokenizer.end_of_line]

    def _line_scores(self, lines: list[str]) -> Iterator[LineScore]:
        ids = [self.vocabulary.encode(self._tokens(line)) for line in lines]
        unk = -1 if self.vocabulary.unk_id is None else self.vocabulary.unk_id
        for line, losses in zip(ids, evaluation.line_losses(self.model, ids, self.eos_id), strict=True):
            yield scoring.line_score(losses, int((line == unk).sum()))

    def score_tokens(self, lines: Iterable[str], *, alternatives: int = 0) -> Iterator[list[TokenScore]]:
        """Iterate over the scores of the tokens of lines, the end-of-line token included.

        Lines are independent. Each token takes the probabilities of the whole vocabulary, which costs more
        than :meth:`score`.

        Args:
            lines: The lines.
            alternatives: How many of the most probable tokens each score lists.

        Raises:
            UsageError: ``lines`` is a string, or holds what is none.
        """
        return scoring.in_batches(lines, lambda batch: self._token_scores(batch, alternatives))

    def _token_scores(self, lines: list[str], alternatives: int) -> Iterator[list[TokenScore]]:
        tokens = [self._tokens(line) for line in lines]
        rows = [self.vocabulary.encode(each) for each in tokens]
        found = scoring.token_scores(self.model, rows, [self.eos_id] * len(rows), alternatives)
        token_of = self.vocabulary.tokens.__getitem__
        for texts, row, scores in zip(tokens, rows, found, strict=True):
            yield [
                scoring.as_token_score(text, score, i == self.vocabulary.unk_id, token_of)
                for text, i, score in zip(texts, row.tolist(), scores, strict=True)
            ]

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
        beam: int | None = None,
        length_penalty: float = LENGTH_PENALTY,
        on_text: Callable[[str], None] | None = None,
    ) -> list[Sample]:
        """Generate continuations of ``prompt``.

        Args:
            prompt: The beginning of the text.
            max_new_tokens: Number of tokens to generate at most.
            temperature: Divisor of the logits; 0 takes the most probable token at each step.
            top_k: Sample from the k most probable tokens.
            top_p: Sample from the most probable tokens that together have this probability.
            num_samples: Number of texts.
            stop: Tokens that end a text; by default the end-of-line token, and none for characters.
            allow_unknown: Whether ``<unk>`` may be generated.
            seed: Seed of the sampling.
            beam: Search the ``num_samples`` most probable texts with a beam of this width instead of
                sampling; the best comes first.
            length_penalty: Exponent of the length normalisation of the search; 0 favours short texts.
            on_text: Called with the text so far, prompt included, after each token; for one text without
                beam.

        Returns:
            The texts, prompt included.

        Raises:
            UsageError: A stop token is not in the vocabulary, or a number is out of range.
        """
        return generate_samples(
            self.model,
            self.prompt(prompt, stop=stop, allow_unknown=allow_unknown),
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seed=seed,
            beam=beam,
            length_penalty=length_penalty,
            on_text=on_text,
            batch=num_samples,
            max_new_tokens=max_new_tokens,
        )

    def prompt(
        self, text: str = "", *, stop: Sequence[str] | None = None, allow_unknown: bool = False
    ) -> Prompt:
        """Return the ids of a prompt, and those that end a text or are never generated.

        Arguments and errors as of :meth:`generate`.
        """
        (text,) = require_texts([text])
        words = self.tokenizer.name != "char"
        stop = ([self.tokenizer.end_of_line] if words else []) if stop is None else require_texts(stop)
        for token in stop:
            if token not in self.vocabulary:
                raise UsageError(f"expected stop to be tokens of the vocabulary, got {token!r}")
        unk = self.vocabulary.unk_id
        if allow_unknown and unk is None:
            raise UsageError("allow_unknown has no effect here: it is for vocabularies with an unknown token")
        tokens = self._prompt_tokens(text)
        return Prompt(
            start_id=self.eos_id,
            ids=tuple(self.vocabulary.encode(tokens).tolist()) if tokens else (),
            banned=() if unk is None or allow_unknown else (unk,),
            stop=tuple(self.vocabulary.id(token) for token in stop),
            text_of=lambda ids: self.tokenizer.detokenize(tokens + self.vocabulary.decode(ids)),
            token_of=self.vocabulary.tokens.__getitem__,
        )

    def continuation(self, prompt: str = "") -> Continuation:
        """Return a prompt to be continued token by token, with the probabilities of the next token."""
        return Continuation.begin(self.model, self.prompt(prompt))

    def _prompt_tokens(self, prompt: str) -> list[str]:
        tokens: list[str] = []
        for number, line in enumerate(prompt.split("\n")):
            tokens += [self.tokenizer.end_of_line] if number else []
            tokens += self.tokenizer.tokenize(line)
        return tokens


def load(path: str | Path, *, device: str | None = None) -> TrainedLanguageModel:
    """Load the trained model of a run of `train-lm`.

    Args:
        path: The run directory.
        device: Where the model computes; None for the default device.

    Raises:
        RunError: The folder is not a run directory, or that of another task.
        DamagedFileError: A file of the run is damaged.
    """
    run = open_run(path, TASK)
    settings = run_settings(run, ResolvedLanguageModelSettings)
    vocabulary, tokenizer = run_vocabulary(run), run_tokenizer(run)
    model: AnyLanguageModel
    mixture = run.config.get("mixture")
    if mixture is not None:
        members = [load(run.path / Path(name).name, device=device) for name in mixture["members"]]
        model = MixtureModel([member.model for member in members], mixture["weights"])
    elif settings.model == "kneser-ney":
        require_cpu(device, "the model kneser-ney")
        eos_id = vocabulary.id(tokenizer.end_of_line)
        config = NGramConfig(len(vocabulary), settings.order, eos_id)
        model = run.map_model(lambda arrays, check: NGramModel.from_state_dict(config, arrays, check=check))
    else:
        V = len(vocabulary)
        at_least = settings.least_weights(V)
        model = load_best_weights(
            run, lambda generator: make_model(settings, V, generator), device, at_least=at_least
        )
    return TrainedLanguageModel(run, settings, model, vocabulary, tokenizer)
