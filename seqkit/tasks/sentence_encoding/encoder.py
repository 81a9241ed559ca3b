"""Texts to vectors, and which texts are near to which."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqkit.autograd import no_grad
from seqkit.backend import Array, Device, array_module, device_of, to_device, to_numpy
from seqkit.data import pad_batch
from seqkit.errors import Remedy, RunError, UsageError
from seqkit.models import TransformerEncoder, bert
from seqkit.progress import progress as progress_of
from seqkit.progress import with_progress
from seqkit.tasks.runs import fitting_tokenizer, require_texts
from seqkit.tasks.sentence_encoding.modules import POOLINGS, SIMILARITIES, read_modules
from seqkit.text import SubwordTokenizer
from seqkit.vectors.nearest import top_indices

_BLOCK_SCORES = 1 << 24
"""Number of scores in memory: 64 MiB."""
_SHORTEST = 1e-12  # shorter vectors are not normalised to length 1


@dataclass(frozen=True)
class Neighbour:
    """A similar text.

    Attributes:
        text: The text.
        index: Its index among the texts that were searched.
        similarity: The cosine similarity of the vectors, or their dot product.
    """

    text: str
    index: int
    similarity: float


class SentenceEncoder:
    """An encoder with its tokenizer and its pooling.

    Threads may share it if its model is in evaluation mode, as that of :func:`load` is.

    Args:
        model: The encoder.
        tokenizer: Its tokenizer.
        pooling: "mean" or "max" of the token vectors, or "cls", the first; several are concatenated.
        normalize: Whether vectors are normalised to length 1.
        max_length: Number of tokens, special ones included, to which texts are truncated; at most the
            model's, which None takes.
        lowercase: Whether to convert texts to lower case.
        prompts: Prefixes of texts by name, such as "query: ".
        default_prompt_name: The prompt of :meth:`encode` unless another is named.
        pool_prompt: Whether a prompt's tokens are pooled with the text's.
        similarity: "cosine" or "dot", by which :meth:`nearest` compares.
    """

    def __init__(
        self,
        model: TransformerEncoder,
        tokenizer: SubwordTokenizer,
        *,
        pooling: Sequence[str] = ("mean",),
        normalize: bool = False,
        max_length: int | None = None,
        lowercase: bool = False,
        prompts: Mapping[str, str] | None = None,
        default_prompt_name: str | None = None,
        pool_prompt: bool = True,
        similarity: str = "cosine",
    ) -> None:
        for name in pooling:
            if name not in POOLINGS:
                raise UsageError(f"pooling must be one of {', '.join(POOLINGS)}, got {name!r}")
        self.model, self.tokenizer = model, tokenizer
        self.pooling, self.normalize, self.lowercase = tuple(pooling), normalize, lowercase
        self.prompts, self.default_prompt_name = dict(prompts or {}), default_prompt_name
        self.pool_prompt, self.similarity = pool_prompt, similarity
        if default_prompt_name is not None:
            self.prompt_text(default_prompt_name)
        longest = model.config.max_length
        self.max_length = longest if max_length is None else min(max_length, longest)

    def __repr__(self) -> str:
        ends = f"{'+'.join(self.pooling)} pooling{', normalised' if self.normalize else ''}"
        return f"SentenceEncoder({self.dimensions} numbers, {ends}, {self.max_length} tokens)"

    @property
    def dimensions(self) -> int:
        """The size of the vectors."""
        return len(self.pooling) * self.model.config.embedding_size

    @with_progress
    def encode(
        self,
        texts: str | Sequence[str],
        *,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        normalize: bool | None = None,
        progress: bool = False,
    ) -> np.ndarray:
        """Return the vectors of N texts, (N, dimensions) float32, in their order; of one text, (dimensions,).

        Texts of similar length share a batch. A text without any token has a vector of zeros.

        Args:
            texts: The texts, or one text.
            prompt_name: One of ``prompts`` to put before each; None: the default one, if there is one.
            prompt: Another text to put before each; "" for none.
            batch_size: Texts in a batch.
            normalize: Other than the encoder's own.
            progress: Whether to show a progress bar.

        Raises:
            UsageError: For an unknown prompt, and for texts that are no strings.
        """
        single = isinstance(texts, str)
        texts = require_texts([texts] if isinstance(texts, str) else texts)
        if batch_size < 1:
            raise UsageError(f"expected batch_size to be at least 1, got {batch_size}")
        before = self.prompt_text(prompt_name, prompt)
        if before:
            texts = [before + text for text in texts]
        if self.lowercase:
            texts = [text.lower() for text in texts]
        rows = self.tokenizer.encode(texts, max_length=self.max_length)
        skipped = 0 if self.pool_prompt or not before else self._tokens_before(before)
        order = sorted((i for i in range(len(rows)) if len(rows[i]) > skipped), key=lambda i: len(rows[i]))
        found = np.zeros((len(rows), self.dimensions), np.float32)
        with self._evaluating(), progress_of("encoding", len(order), "texts") as job:
            for first in range(0, len(order), batch_size):
                some = order[first : first + batch_size]
                ids, lengths = pad_batch([np.array(rows[i], np.int64) for i in some])
                hidden = self.model(ids, lengths).data[:, skipped:]
                found[some] = np.concatenate(
                    [to_numpy(_pooled(hidden, lengths - skipped, name)) for name in self.pooling], axis=1
                )
                job.advance(len(some))
        if self.normalize if normalize is None else normalize:
            found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), _SHORTEST)
        return found[0] if single else found

    def _evaluating(self) -> contextlib.AbstractContextManager[None]:
        """Compute without a graph; a model in evaluation mode is not touched, other threads may use it."""
        return self.model.evaluating() if self.model.training else no_grad()

    def prompt_text(self, name: str | None = None, prompt: str | None = None) -> str:
        """Return the text to put before others, by the arguments of :meth:`encode`; UsageError as there."""
        if prompt is not None:
            if name is not None:
                raise UsageError(f"expected prompt_name or prompt, got both: {name!r} and {prompt!r}")
            return prompt
        name = self.default_prompt_name if name is None else name
        if name is None:
            return ""
        if name not in self.prompts:
            known = ", ".join(map(repr, self.prompts)) or "none"
            raise UsageError(
                f"expected prompt_name to be one of the encoder's prompts ({known}), got {name!r}"
            )
        return self.prompts[name]

    def _tokens_before(self, prompt: str) -> int:
        """Return the number of tokens of a prompt, with the special ones before it."""
        [whole] = self.tokenizer.encode([prompt])
        [plain] = self.tokenizer.encode([prompt], special_tokens=False)
        closing = 0 if not plain or whole[-1:] == plain[-1:] else 1
        return len(whole) - closing

    @with_progress
    def nearest(
        self,
        texts: Sequence[str],
        among: Sequence[str],
        count: int = 5,
        *,
        prompt_name: str | None = None,
        prompt: str | None = None,
        among_prompt_name: str | None = None,
        batch_size: int = 32,
        progress: bool = False,
    ) -> list[list[Neighbour]]:
        """Return for each text the ``count`` most similar of ``among``, the nearest first.

        Of equals, the first comes first.

        Args:
            texts: The texts.
            among: The texts to look through.
            count: How many of them for each.
            prompt_name: The prompt of ``texts``, as of :meth:`encode`.
            prompt: Another text before each of ``texts``.
            among_prompt_name: The prompt of ``among``.
            batch_size: Texts in a batch.
            progress: Whether to show a progress bar.

        Raises:
            UsageError: There are no texts to search, or the folder requires another similarity.
        """
        if not among:
            raise UsageError("expected texts to search, got none")
        if count < 1:
            raise UsageError(f"expected count to be at least 1, got {count}")
        if self.similarity not in SIMILARITIES:
            raise UsageError(
                f"expected a similarity of {' or '.join(SIMILARITIES)}, the encoder has {self.similarity!r}",
                remedy=Remedy(
                    "set encoder.similarity, or compare the vectors of encode()",
                    command="leave out --similar, and compare the vectors",
                ),
            )
        normalize = True if self.similarity == "cosine" else None
        settings: dict[str, Any] = {"batch_size": batch_size, "normalize": normalize}
        texts, among = require_texts(texts), require_texts(among)
        columns = {text: column for column, text in enumerate(dict.fromkeys(among))}
        column_of = np.array([columns[text] for text in among])  # BLAS rounds equal columns differently
        theirs = self.encode(list(columns), prompt_name=among_prompt_name, **settings)
        own = self.encode(texts, prompt_name=prompt_name, prompt=prompt, **settings)
        found = []
        rows = max(1, _BLOCK_SCORES // len(among))
        for first in range(0, len(own), rows):
            for distinct in own[first : first + rows] @ theirs.T:
                scores = distinct[column_of]
                best = top_indices(scores, count)
                found.append([Neighbour(among[i], int(i), float(scores[i])) for i in best])
        return found


def _pooled(hidden: Array, lengths: np.ndarray, kind: str) -> Array:
    """(B, E) of hidden states (B, T, E), which are zeros behind the ``lengths`` (B,), all at least 1."""
    if kind == "cls":
        return hidden[:, 0]
    xp, T = array_module(hidden), hidden.shape[1]
    if kind == "mean":
        counts = to_device(lengths[:, None].astype(np.float32), device_of(hidden))
        return hidden.sum(axis=1) / counts
    real = to_device((np.arange(T) < lengths[:, None])[..., None], device_of(hidden))
    return xp.where(real, hidden, xp.float32(-np.inf)).max(axis=1)


def load(path: str | Path, *, device: str | Device | None = None) -> SentenceEncoder:
    """Load the sentence encoder of a checkpoint folder, with its tokenizer, prompts and limits.

    Args:
        path: The folder; pooling as its modules.json says.
        device: None is the default one.

    Raises:
        RunError: As of :func:`seqkit.models.bert.load`, for a part that is not known, and for a tokenizer
            with ids that the model does not have.
        DamagedFileError: A file does not hold what it should.
        MissingDependencyError: Without the ``tokenizers`` library.
    """
    modules = read_modules(path)
    model = bert.load(modules.folder, device=device)
    size = model.config.embedding_size
    if modules.dimensions not in (None, size):
        raise RunError(
            f"{modules.folder}: expected a pooling of vectors of {size} numbers, as the model has, got "
            f"{modules.dimensions}",
            remedy="are both of the same model? Else download both again",
        )
    tokenizer = fitting_tokenizer(modules.folder, model.config.vocab_size, lowercase=modules.lowercase)
    return SentenceEncoder(
        model,
        tokenizer,
        pooling=modules.pooling,
        normalize=modules.normalize,
        max_length=modules.max_length,
        prompts=modules.prompts,
        default_prompt_name=modules.default_prompt_name,
        pool_prompt=modules.pool_prompt,
        similarity=modules.similarity or "cosine",
    )
