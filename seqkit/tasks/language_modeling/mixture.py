"""Mixtures of trained language models, and the cache that adapts to the text being evaluated.

Weights are those that maximise the likelihood of the validation split, found by expectation-maximisation
(Dempster et al. 1977): from equal weights, each becomes the mean posterior probability of its model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqkit.backend import to_numpy
from seqkit.errors import UsageError, require_number
from seqkit.models import LanguageModel
from seqkit.models.mixture import MixtureModel
from seqkit.nn.recurrent import detach
from seqkit.progress import with_progress
from seqkit.tasks.language_modeling import evaluation
from seqkit.tasks.language_modeling.evaluation import Evaluation
from seqkit.tasks.language_modeling.passes import (
    EvaluationCheckpoint,
    Pass,
    StreamPass,
    flattened,
    nested,
)
from seqkit.tasks.language_modeling.trained import TrainedLanguageModel
from seqkit.tasks.runs import choose_split, require_split
from seqkit.training import RunDirectory
from seqkit.training.run_directory import CONFIG, MODEL

FLATNESS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
"""Values of θ that are tried for the cache of a recurrent model."""
MAX_CACHE = 100_000
_ROUNDS, _TOLERANCE = 1000, 1e-10
_WINDOW, _CACHE_SCORES_AT_ONCE = 256, 1 << 22
"""Tokens that look up the cache at once, fewer where their scores would be more than so many (32 MiB)."""


@dataclass(frozen=True)
class MixtureEvaluation:
    """The scores of a mixture.

    Attributes:
        mixture: The evaluation of the mixture.
        members: The perplexity of each model alone, on the same split; None for the cache.
        weights: Their weights; that of the cache is the last.
        flatness: θ of the cache; None without a cache.
    """

    mixture: Evaluation
    members: tuple[float | None, ...]
    weights: tuple[float, ...]
    flatness: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as JSON values."""
        rest = {"members": self.members, "weights": self.weights, "flatness": self.flatness}
        return {**self.mixture.to_dict(), **rest}


@with_progress
def evaluate_mixture(
    models: Sequence[TrainedLanguageModel],
    split: str | None = None,
    *,
    corpus: str | None = None,
    text_column: int | str | None = None,
    cache: int = 0,
    out: str | Path | None = None,
    checkpoint: str | Path | None = None,
    progress: bool = False,
) -> MixtureEvaluation:
    """Return the perplexity of a linear mixture of models, perhaps with a cache, on a split of a text.

    Every token is predicted once, P(w) = Σᵢ weightᵢ · Pᵢ(w), after all tokens before it: the protocol
    "exact" of each model. Weights and θ are those that maximise the likelihood of the validation split of the
    same corpus; the cache begins empty in each split, and nothing is written into the runs.

    Args:
        models: Models with the same vocabulary; the corpus is that of the first unless another is given.
        split: As of :meth:`TrainedLanguageModel.evaluate`, like ``corpus`` and ``text_column``.
        corpus: Another corpus.
        text_column: The column of its texts.
        cache: N, the tokens that the cache remembers; 0 for none. It is one more component (Grave et al.
            2017, equation 4): P(w) ∝ Σᵢ [w = xᵢ₊₁] exp(θ hₜ·hᵢ) over the last N positions i, h being the
            last layer's outputs of the first recurrent model; if there is none, θ is 0, and P(w) the
            frequency of w among the last N tokens.
        out: Write the mixture there as a run; it cannot have a cache.
        checkpoint: As of :func:`~seqkit.tasks.language_modeling.dynamic.evaluate_dynamic`.
        progress: Whether to show a progress bar.

    Raises:
        UsageError: Models of different vocabularies or tokenizers; an argument out of range; a checkpoint of
            another evaluation.
        DataError: The corpus is absent or has changed, or has no such split, or none for validation.
        RunError: ``out`` is not free, or cannot be written.
    """
    require_number("cache", cache, least=0, most=MAX_CACHE)
    first = models[0]
    _require_one_vocabulary(models)
    if out is not None:
        if cache:
            raise UsageError("out has no effect here: it is for mixtures without a cache")
        artifacts, folders = _parts(models)
        RunDirectory.require_free(out, {*artifacts, *folders})
    encoded, name = first.encoded(corpus, text_column), corpus or first.settings.corpus
    split = choose_split(split, encoded.splits, name)
    require_split("valid", encoded.splits, name)
    recurrent = next(filter(None, (_recurrent(each.model) for each in models)), None)
    thetas: Sequence[float | None] = [None]
    if cache:
        thetas = FLATNESS if recurrent is not None else FLATNESS[:1]
    saved = EvaluationCheckpoint(
        checkpoint,
        models,
        {"kind": "mixture", "text": encoded.folder.name, "split": split, "cache": cache},
    )

    def components(part: str, thetas: Sequence[float | None]) -> list[np.ndarray]:
        """Return the log-probabilities (M, N) of the tokens of a split, for each θ."""
        ids = encoded.splits[part]
        each = [saved.run(f"{part}, model {i}", StreamPass(model, ids)) for i, model in enumerate(models)]
        alone = np.stack(each)
        if not cache:
            return [alone]
        looking = CachePass(
            recurrent,
            ids,
            cache,
            [theta or 0.0 for theta in thetas],
            vocab_size=len(first.vocabulary),
            eos_id=first.eos_id,
        )
        cached = saved.run(f"{part}, cache {thetas}", looking)
        return [np.vstack([alone, row]) for row in cached]

    weights, best, flatness = np.empty(0), -np.inf, thetas[0]
    for theta, log_probs in zip(thetas, components("valid", thetas), strict=True):
        require_numbers(models, log_probs)
        found = em_weights(log_probs)
        likelihood = float(_mixed(log_probs, found).mean())
        if likelihood > best:
            weights, best, flatness = found, likelihood, theta
    [log_probs] = components(split, [flatness])

    def scores(log_probs: np.ndarray) -> Evaluation:
        return evaluation.stream_evaluation(encoded, split, -float(log_probs.sum()), "exact")

    alone: list[float | None] = [scores(row).perplexity for row in log_probs[: len(models)]]
    if cache:
        alone.append(None)
    mixture = scores(_mixed(log_probs, weights))
    if out is not None:
        save_mixture(models, weights.tolist(), out)
    saved.remove()
    return MixtureEvaluation(mixture, tuple(alone), tuple(weights.tolist()), flatness)


def em_weights(log_probs: np.ndarray) -> np.ndarray:
    """Return the weights (M,) of the largest likelihood of tokens, given their log P (M, N) by each model."""
    scaled = np.exp(log_probs - log_probs.max(axis=0))
    weights = np.full(len(scaled), 1 / len(scaled))
    for _ in range(_ROUNDS):
        posterior = weights[:, None] * scaled
        posterior /= posterior.sum(axis=0)
        after = posterior.mean(axis=1)
        if np.abs(after - weights).max() < _TOLERANCE:
            break
        weights = after
    return after


def require_numbers(models: Sequence[TrainedLanguageModel], log_probs: np.ndarray) -> None:
    """Raise UsageError if a model has no probability for a token: log P (M, N), first those of the models."""
    for model, row in zip(models, log_probs, strict=False):
        if np.isnan(row).any():
            raise UsageError(
                "expected a model that gives each token a probability, got NaN",
                where=str(model.run.path),
                remedy="leave out a model whose training diverged",
            )


def _mixed(log_probs: np.ndarray, weights: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.asarray(np.logaddexp.reduce(np.log(weights)[:, None] + log_probs, axis=0))


def _recurrent(model: Any) -> LanguageModel | None:
    """Return the model if it is recurrent, of a mixture the first member that is."""
    if isinstance(model, MixtureModel):
        return next(filter(None, map(_recurrent, model.members)), None)
    return model if isinstance(model, LanguageModel) else None


class CachePass(Pass):
    """log P (M, N) of each token by the cache, for each of M values of θ; -inf of one it lacks.

    While it is empty, before the second token, all words are equally probable.

    Args:
        model: Gives the hidden states; without one they are all alike.
        ids: (N,) integers.
        size: Tokens that the cache remembers.
        thetas: The values of θ.
        vocab_size: V.
        eos_id: The id of the end-of-line token, which stands before the first.
    """

    description = "looking up the cache"

    def __init__(
        self,
        model: LanguageModel | None,
        ids: np.ndarray,
        size: int,
        thetas: Sequence[float],
        *,
        vocab_size: int,
        eos_id: int,
    ) -> None:
        self.model, self.size, self.thetas, self.vocab_size = model, size, thetas, vocab_size
        self.window = max(1, min(_WINDOW, _CACHE_SCORES_AT_ONCE // size))
        self.ids = np.asarray(ids, np.int64)
        self.inputs = np.concatenate(([eos_id], self.ids[:-1]))
        self.state: Any = None if model is None else model.zero_state(1)
        # h of past positions and what came after each, with room behind them; `filled` counts them
        self.states, self.following, self.filled = np.empty((0, 0)), np.empty(0, np.int64), 0

    def __len__(self) -> int:
        return -(-len(self.ids) // self.window)

    def piece(self, index: int) -> np.ndarray:
        """Return those of a window of tokens, and remember it."""
        window = slice(index * self.window, (index + 1) * self.window)
        tokens = self.ids[window]
        hidden = self._hidden(self.inputs[window])
        self._make_room(len(tokens), hidden.shape[1])
        first, end = max(0, self.filled - self.size), self.filled + len(tokens)
        self.states[self.filled : end], self.following[self.filled : end] = hidden, tokens
        states, following, before = self.states[first:end], self.following[first:end], self.filled - first
        self.filled = end
        products = hidden @ states.T
        position = np.arange(before, before + len(tokens))[:, None]
        other = np.arange(len(following))[None, :]
        seen = (other < position) & (other >= position - self.size)
        same = seen & (following[None, :] == tokens[:, None])
        filled = seen.any(axis=1)
        found = np.full((len(self.thetas), len(tokens)), -np.log(self.vocab_size))
        for row, theta in zip(found, self.thetas, strict=True):
            scores = np.where(seen, theta * products, -np.inf)[filled]
            mass = np.exp(scores - scores.max(axis=1, keepdims=True))
            with np.errstate(divide="ignore"):
                row[filled] = np.log((mass * same[filled]).sum(axis=1) / mass.sum(axis=1))
        return found

    def _make_room(self, count: int, width: int) -> None:
        """Make room for ``count`` more positions, of which the last ``size`` are kept."""
        if self.filled + count <= len(self.states):
            return
        kept = slice(max(0, self.filled - self.size), self.filled)
        length = kept.stop - kept.start
        states = np.empty((length + count + max(self.window, self.size // 4), width))
        following = np.empty(len(states), np.int64)
        if length:
            states[:length], following[:length] = self.states[kept], self.following[kept]
        self.states, self.following, self.filled = states, following, length

    def _hidden(self, inputs: np.ndarray) -> np.ndarray:
        if self.model is None:
            return np.ones((len(inputs), 1))
        with self.model.evaluating():
            y, state = self.model.hidden(inputs[None], self.state)
        self.state = detach(state)
        return np.asarray(to_numpy(y.data[0]), np.float64)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return what is remembered, and the state of the model."""
        kept = slice(max(0, self.filled - self.size), self.filled)
        model = {} if self.model is None else flattened(self.state)
        return {"states": self.states[kept], "following": self.following[kept], **model}

    def load_state_dict(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take up what was remembered, and the state of the model."""
        self.states, self.following = arrays["states"], arrays["following"]
        self.filled = len(self.following)
        if self.model is not None:
            self.state = nested(arrays, like=self.model.zero_state(1))


def _require_one_vocabulary(models: Sequence[TrainedLanguageModel]) -> None:
    first = models[0]
    for each in models[1:]:
        if each.vocabulary.tokens != first.vocabulary.tokens or each.tokenizer != first.tokenizer:
            raise UsageError(
                f"expected models with the vocabulary and tokenizer of {first.run.path}, got others",
                where=str(each.run.path),
            )


# A mixture as a run


def save_mixture(
    models: Sequence[TrainedLanguageModel], weights: Sequence[float], out: str | Path
) -> RunDirectory:
    """Write a mixture as a run, with copies of its members; ``load`` opens it.

    A mixture among the models is written as its members, with their shares of its weight.

    Raises:
        RunError: The folder holds other files, or cannot be written.
    """
    first = models[0].run
    artifacts, folders = _parts(models)
    shares = [
        float(weight * share)
        for model, weight in zip(models, weights, strict=True)
        for _, share in _members(model.run)
    ]
    config = {key: value for key, value in first.config.items() if key not in ("files", "sha256")}
    config["mixture"] = {"members": list(folders), "weights": shares}
    contents = {name: first.artifact(name) for name in artifacts}
    return RunDirectory.create(out, config, contents, folders=folders)


def _parts(models: Sequence[TrainedLanguageModel]) -> tuple[list[str], dict[str, list[Path]]]:
    """Return the names of the artifacts of a mixture, and its folders with the files to copy into them."""
    runs = [run for model in models for run, _ in _members(model.run)]
    files = [[CONFIG, MODEL, *run.config.get("files", {})] for run in runs]
    folders = {
        f"member-{number}": [run.path / file for file in names]
        for number, (run, names) in enumerate(zip(runs, files, strict=True), start=1)
    }
    return list(models[0].run.config.get("files", {})), folders


def _members(run: RunDirectory) -> list[tuple[RunDirectory, float]]:
    """Return the runs of a mixture with their weights; of another run itself."""
    mixture = run.config.get("mixture")
    if mixture is None:
        return [(run, 1.0)]
    return [
        (inner, weight * share)
        for name, weight in zip(mixture["members"], mixture["weights"], strict=True)
        for inner, share in _members(RunDirectory.open(run.path / Path(name).name))
    ]
