"""Language models that read text: scores of lines and their tokens, and generation."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from seqkit.errors import UsageError
from seqkit.models import NGramModel
from seqkit.tasks.language_modeling import evaluation, scoring
from seqkit.tasks.language_modeling.continuation import Continuation
from seqkit.tasks.language_modeling.generation import LENGTH_PENALTY, Prompt, Sample, generate_samples
from seqkit.tasks.language_modeling.model import AnyLanguageModel
from seqkit.tasks.language_modeling.scoring import LineScore, TokenScore
from seqkit.tasks.runs import require_texts
from seqkit.text import Tokenizer, Vocabulary


class TextLanguageModel:
    """A language model with its vocabulary and tokenizer.

    Threads may share it.

    Attributes:
        model: The model in evaluation mode.
        vocabulary: The vocabulary.
        tokenizer: The tokenizer.
    """

    def __init__(self, model: AnyLanguageModel, vocabulary: Vocabulary, tokenizer: Tokenizer) -> None:
        self.model, self.vocabulary, self.tokenizer = model, vocabulary, tokenizer

    @property
    def eos_id(self) -> int:
        """The id of the end-of-line token."""
        return self.vocabulary.id(self.tokenizer.end_of_line)

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
