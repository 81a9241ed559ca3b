"""Language models that read text: scores of lines and their tokens, and generation."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

import numpy as np

from seqkit.data.line_encoder import LineEncoder
from seqkit.errors import UsageError
from seqkit.models import NGramModel
from seqkit.tasks.language_modeling import evaluation, scoring
from seqkit.tasks.language_modeling.generation import Prompt
from seqkit.tasks.language_modeling.model import AnyLanguageModel
from seqkit.tasks.language_modeling.scoring import LineScore, TokenScore
from seqkit.tasks.language_modeling.text_generator import TextGenerator
from seqkit.tasks.runs import require_texts
from seqkit.text import Tokenizer, Vocabulary


class TextLanguageModel(TextGenerator):
    """A language model with its vocabulary and tokenizer.

    Threads may share it.

    Attributes:
        model: The model in evaluation mode.
        vocabulary: The vocabulary.
        tokenizer: The tokenizer.
    """

    def __init__(self, model: AnyLanguageModel, vocabulary: Vocabulary, tokenizer: Tokenizer) -> None:
        self.model, self.vocabulary, self.tokenizer = model, vocabulary, tokenizer

    @cached_property
    def _encode_lines(self) -> LineEncoder:
        words, unknown = self.vocabulary.tokens, self.vocabulary.unk_id
        return LineEncoder(self.tokenizer, words, self.vocabulary.encode, unknown=unknown, end=self.eos_id)

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
        ids, ends = self._encode_lines(lines)
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

    def prompt(
        self, text: str = "", *, stop: Sequence[str] | None = None, allow_unknown: bool = False
    ) -> Prompt:
        """Return the ids of a prompt, and those that end a text or are never generated.

        Arguments and errors as of :meth:`generate`. A token of ``stop`` is one of the vocabulary.
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

    def _prompt_tokens(self, prompt: str) -> list[str]:
        tokens: list[str] = []
        for number, line in enumerate(prompt.split("\n")):
            tokens += [self.tokenizer.end_of_line] if number else []
            tokens += self.tokenizer.tokenize(line)
        return tokens
