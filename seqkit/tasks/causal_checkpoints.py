"""The GPT-2 of a checkpoint folder: text generation, scores and perplexity, as by a run of `train-lm`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seqkit.backend import Device
from seqkit.corpora import open_corpus
from seqkit.errors import DataError, UsageError, require_choice
from seqkit.files import read_json
from seqkit.models import TransformerLanguageModel, gpt2
from seqkit.models.checkpoints import CONFIG
from seqkit.progress import with_progress
from seqkit.tasks import language_modeling
from seqkit.tasks.language_modeling import evaluation, scoring
from seqkit.tasks.language_modeling.arpa_model import is_arpa, load_arpa
from seqkit.tasks.language_modeling.evaluation import Evaluation
from seqkit.tasks.language_modeling.generation import Prompt
from seqkit.tasks.language_modeling.scoring import LineScore, TokenScore
from seqkit.tasks.language_modeling.text_generator import TextGenerator
from seqkit.tasks.language_modeling.text_model import TextLanguageModel
from seqkit.tasks.runs import choose_split, fitting_tokenizer, is_checkpoint_folder
from seqkit.text import SubwordTokenizer
from seqkit.text.special_tokens import EOS

_GENERATION = "generation_config.json"
_END_TOKENS = ("<|endoftext|>", EOS)
"""Tokens that end a text if config.json names none; the second ends a line in our own runs."""
_PIECE = 1 << 13
"""Characters of a text that are cut into tokens at once, at least."""


class CausalCheckpoint(TextGenerator):
    """A causal language model with its tokenizer.

    Args:
        model: The model.
        tokenizer: Its tokenizer.
        end_id: The id that ends a text, and begins one without a prompt; None if there is none.
        end_ids: All ids that end a text, where there are several.

    Threads may share it, once its model is in evaluation mode, as that of :func:`load` is.
    """

    def __init__(
        self,
        model: TransformerLanguageModel,
        tokenizer: SubwordTokenizer,
        end_id: int | None = None,
        *,
        end_ids: Sequence[int] = (),
    ) -> None:
        self.model, self.tokenizer, self.end_id = model, tokenizer, end_id
        self.end_ids = list(end_ids) or ([] if end_id is None else [end_id])

    def __repr__(self) -> str:
        config = self.model.config
        return (
            f"CausalCheckpoint({config.num_layers}×{config.embedding_size}, {len(self.tokenizer):,} tokens)"
        )

    def prompt(
        self, text: str = "", *, stop: Sequence[str] | None = None, allow_unknown: bool = False
    ) -> Prompt:
        """Return the ids of a prompt, and those that end a text or are never generated.

        The model reads the prompt's tokens and none before them, as the reference implementation does.
        Arguments and errors as of :meth:`generate`; without a prompt a token must begin a text.
        """
        ids = self.tokenizer.encode([text], special_tokens=False)[0]
        end = [] if self.end_id is None else [self.end_id]
        if not ids and not end:
            raise UsageError("expected a prompt, since the model has no token to begin a text with")
        start, *prompt_ids = ids or end
        unk = None if self.tokenizer.unk is None else self.tokenizer.id(self.tokenizer.unk)
        if allow_unknown and unk is None:
            raise UsageError("allow_unknown has no effect here: it is for vocabularies with an unknown token")
        banned = list(range(len(self.tokenizer), self.model.config.vocab_size))  # embeddings without a token
        return Prompt(
            start_id=start,
            ids=tuple(prompt_ids),
            banned=tuple(banned if unk is None or allow_unknown else [*banned, unk]),
            stop=tuple(self.end_ids if stop is None else [self._id_of(token) for token in stop]),
            text_of=lambda new: self.tokenizer.decode([*ids, *new], special_tokens=True),
            token_of=self._token_of,
        )

    def _token_of(self, token_id: int) -> str:
        return self.tokenizer.decode([token_id], special_tokens=True)

    def score(self, lines: Iterable[str]) -> Iterator[LineScore]:
        """Iterate over the scores of lines, in order and in bounded memory; lines are independent.

        A line is read after the token that begins a text, and the end of the line is not predicted. Without
        such a token the line's first token has no probability and does not count.

        Raises:
            UsageError: ``lines`` is a string, or holds what is none.
        """
        return scoring.in_batches(lines, self._line_scores)

    def score_tokens(self, lines: Iterable[str], *, alternatives: int = 0) -> Iterator[list[TokenScore]]:
        """Iterate over the scores of the tokens of lines, which are those that :meth:`score` counts.

        Args:
            lines: The lines.
            alternatives: How many of the most probable tokens each score lists.

        Raises:
            UsageError: ``lines`` is a string, or holds what is none.
        """
        return scoring.in_batches(lines, lambda batch: self._token_scores(batch, alternatives))

    def _rows(self, lines: list[str]) -> tuple[list[np.ndarray], list[int]]:
        """Return the ids to predict of each line, and the id before them."""
        rows = [np.array(ids, np.int64) for ids in self.tokenizer.encode(lines, special_tokens=False)]
        if self.end_id is not None:
            return rows, [self.end_id] * len(rows)
        return [row[1:] for row in rows], [int(row[0]) if len(row) else 0 for row in rows]

    def _unknown(self, ids: np.ndarray) -> np.ndarray:
        unk = None if self.tokenizer.unk is None else self.tokenizer.id(self.tokenizer.unk)
        return np.zeros(len(ids), bool) if unk is None else ids == unk

    def _line_scores(self, lines: list[str]) -> Iterator[LineScore]:
        rows, start_ids = self._rows(lines)
        for row, losses in zip(rows, evaluation.line_losses(self.model, rows, start_ids), strict=True):
            yield scoring.line_score(losses, int(self._unknown(row).sum()))

    def _token_scores(self, lines: list[str], alternatives: int) -> Iterator[list[TokenScore]]:
        rows, start_ids = self._rows(lines)
        found = scoring.token_scores(self.model, rows, start_ids, alternatives)
        for row, scores in zip(rows, found, strict=True):
            yield [
                scoring.as_token_score(self._token_of(i), score, bool(unknown), self._token_of)
                for i, score, unknown in zip(row.tolist(), scores, self._unknown(row), strict=True)
            ]

    @with_progress
    def evaluate(
        self,
        split: str | None = None,
        *,
        corpus: str,
        text_column: int | str | None = None,
        protocol: str = "exact",
        progress: bool = False,
    ) -> Evaluation:
        """Return the perplexity on a split of a text corpus, over the tokens of this model.

        The text is one stream, line ends included, after the token that begins a text. Perplexities of models
        with different tokens compare by their bits per character only.

        Args:
            split: train, valid or test; by default "test", or "valid" if there is none, and all of a file.
            corpus: The corpus, named as in `train-lm`.
            text_column: The column of the texts of that corpus, if it is a table; by default it is found.
            protocol: "exact" slides the window by half its length, so that each token is predicted once with
                at least that much before it; "blocks" reads independent consecutive windows.
            progress: Whether to show a progress bar.

        Raises:
            DataError: The corpus is absent, or has no such split, or the split no text.
        """
        require_choice("protocol", protocol, ("exact", "blocks"))
        source = open_corpus(corpus, text_column=text_column, whole=split is None)
        split = choose_split(split, source.splits, corpus)
        blocks, characters = [], 0
        for text in _paragraphs(source.lines(split)):
            blocks.append(np.array(self.tokenizer.encode([text], special_tokens=False)[0], np.int32))
            characters += len(text)
        ids = np.concatenate(blocks) if blocks else np.zeros(0, np.int32)
        start = self.end_id
        if start is None and len(ids):
            start, ids = int(ids[0]), ids[1:]
        if not len(ids) or start is None:
            raise DataError(f"the {split} split has no token to predict", where=corpus)
        if protocol == "exact":
            total = evaluation.stream_loss(self.model, ids, start)
        else:
            total = evaluation.blocks_loss(self.model, ids, start, length=self.model.config.max_length)
        unk = int(self._unknown(ids).sum())
        return evaluation.evaluation(
            split,
            total,
            len(ids),
            characters=characters,
            vocab_size=len(self.tokenizer),
            unk=unk,
            hidden=unk,
            tokenizer=self.tokenizer.name,
            batch_size=1,
            protocol=protocol,
        )

    def _id_of(self, text: str) -> int:
        token_id = self.tokenizer.id(text)
        if token_id is not None:
            return token_id
        ids = self.tokenizer.encode([text], special_tokens=False)[0]
        if len(ids) != 1:
            raise UsageError(f"expected stop to be single tokens of this model, got {text!r}")
        return ids[0]


def _paragraphs(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines, with their ends, in pieces of some thousand characters.

    A piece ends where a line of text follows another without a blank at the cut, as a tokenizer would also
    cut there: blanks and line ends in a row may be one token.
    """
    piece: list[str] = []
    size, last = 0, " "
    for line in lines:
        if size > _PIECE and line[:1].strip() and last.strip():
            yield "".join(piece)
            piece, size = [], 0
        piece.append(line + "\n")
        size, last = size + len(line) + 1, line[-1:] or " "
    if piece:
        yield "".join(piece)


def open_causal_model(path: str | Path, *, device: str | None = None) -> CausalCheckpoint | TextLanguageModel:
    """Load the model of a checkpoint folder, an ARPA file or a run of `train-lm`; errors as of loading it."""
    if is_arpa(path):
        return load_arpa(path, device=device)
    return (load if is_checkpoint_folder(path) else language_modeling.load)(path, device=device)


def load(path: str | Path, *, device: str | Device | None = None) -> CausalCheckpoint:
    """Load the model and the tokenizer of a GPT-2 checkpoint folder.

    Args:
        path: The folder.
        device: Where the model computes; None for the default device.

    Raises:
        RunError: The folder is not that of a GPT-2, or its tokenizer does not fit the model.
        DamagedFileError: A file is damaged.
    """
    folder = Path(path)
    model = gpt2.load(folder, device=device)
    tokenizer = fitting_tokenizer(folder, model.config.vocab_size)
    stated = _end_ids(folder, len(tokenizer))
    ends = stated or [i for i in map(tokenizer.id, _END_TOKENS) if i is not None][:1]
    return CausalCheckpoint(model, tokenizer, *ends[:1], end_ids=ends)


@dataclass(frozen=True)
class _Ends:
    eos_token_id: int | list[int] | None = None


def _end_ids(folder: Path, size: int) -> list[int]:
    """Return the ids below ``size`` that end a text, of generation_config.json, else of config.json."""
    for name in (_GENERATION, CONFIG):
        if (folder / name).is_file():
            stated = read_json(folder / name, _Ends).eos_token_id
            ids = stated if isinstance(stated, list) else [] if stated is None else [stated]
            if ids:
                return [i for i in ids if 0 <= i < size]
    return []
