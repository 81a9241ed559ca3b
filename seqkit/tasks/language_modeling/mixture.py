"""Mixtures of trained language models, and the cache that adapts to the text being evaluated.

Weights are those of the largest likelihood of the validation split, found by expectation-maximisation
(Dempster et al. 1977): from equal weights, each becomes the mean posterior probability of its model.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqkit.backend import to_numpy
from seqkit.data import LineStreams
from seqkit.errors import RunError, UsageError, require_number
from seqkit.models import LanguageModel, NGramModel
from seqkit.progress import tracked, with_progress
from seqkit.tasks.language_modeling import evaluation
from seqkit.tasks.language_modeling.evaluation import Evaluation
from seqkit.tasks.language_modeling.trained import TrainedLanguageModel
from seqkit.tasks.runs import choose_split, require_split
from seqkit.training import RunDirectory

FLATNESS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
"""Values of θ that are tried for the cache of a recurrent model."""
MAX_CACHE = 100_000
_ROUNDS, _TOLERANCE = 1000, 1e-10
_WINDOW = 256


@dataclass(frozen=True)
class MixtureEvaluation:
    """The scores of a mixture.

    Attributes:
        mixture: The evaluation of the mixture.
        members: The perplexity of each model alone, on the same split; of the cache None.
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
    progress: bool = False,
) -> MixtureEvaluation:
    """Return the perplexity of a linear mixture of models, perhaps with a cache, on a split of a text.

    Every token is predicted once, P(w) = Σᵢ weightᵢ · Pᵢ(w), after all tokens before it: the protocol
    "exact" of each model. Weights and θ are those of the largest likelihood of the validation split of the
    same corpus; the cache begins empty in each split, and nothing is written.

    Args:
        models: Models with the same vocabulary; the corpus is that of the first unless another is given.
        split: As of :meth:`TrainedLanguageModel.evaluate`, like ``corpus`` and ``text_column``.
        corpus: Another corpus.
        text_column: The column of its texts.
        cache: N, the tokens that the cache remembers; 0 for none. It is one more component (Grave et al.
            2017, equation 4): P(w) ∝ Σᵢ [w = xᵢ₊₁] exp(θ hₜ·hᵢ) over the last N positions i, h being the
            hidden states of the first model, if it is recurrent; otherwise θ is 0, and P(w) the frequency of
            w among the last N tokens.
        progress: Whether to show a progress bar.

    Raises:
        UsageError: Models of different vocabularies or tokenizers; an argument out of range.
        DataError: The corpus is absent or has changed, or has no such split, or none for validation.
    """
    require_number("cache", cache, least=0, most=MAX_CACHE)
    first = models[0]
    _require_one_vocabulary(models)
    encoded, name = first.encoded(corpus, text_column), corpus or first.settings.corpus
    split = choose_split(split, encoded.splits, name)
    require_split("valid", encoded.splits, name)
    thetas: Sequence[float | None] = [None]
    if cache:
        thetas = FLATNESS if isinstance(first.model, LanguageModel) else FLATNESS[:1]

    def components(part: str, thetas: Sequence[float | None]) -> list[np.ndarray]:
        """Return the log-probabilities (M, N) of the tokens of a split, for each θ."""
        ids = encoded.splits[part]
        alone = np.stack([-stream_losses(each, ids) for each in models])
        if not cache:
            return [alone]
        cached = cache_log_probs(first, ids, cache, [theta or 0.0 for theta in thetas])
        return [np.vstack([alone, each]) for each in cached]

    weights, best, flatness = np.empty(0), -np.inf, thetas[0]
    for theta, log_probs in zip(thetas, components("valid", thetas), strict=True):
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


def _mixed(log_probs: np.ndarray, weights: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.asarray(np.logaddexp.reduce(np.log(weights)[:, None] + log_probs, axis=0))


def stream_losses(trained: TrainedLanguageModel, ids: np.ndarray) -> np.ndarray:
    """Return -log P (N,) float64 of each token of a stream, after all before it."""
    model = trained.model
    if isinstance(model, NGramModel):
        return -model.log_probs(np.asarray(ids))
    length = evaluation.window_length(1, len(trained.vocabulary))
    windows = LineStreams(ids, batch_size=1, length=length, end_id=trained.eos_id)
    state, pieces = model.zero_state(1), []
    for index in tracked(range(len(windows)), "evaluating", "windows"):
        losses, state = model.token_losses(*windows.batch(index), state)
        pieces.append(np.asarray(to_numpy(losses), np.float64)[0])
    return np.concatenate(pieces)


def cache_log_probs(
    trained: TrainedLanguageModel, ids: np.ndarray, size: int, thetas: Sequence[float]
) -> list[np.ndarray]:
    """Return for each θ the log-probability (N,) of each token by the cache; -inf of one it lacks."""
    ids = np.asarray(ids, np.int64)
    model: Any = trained.model
    recurrent = isinstance(model, LanguageModel)
    states, following = np.zeros((0, 0)), np.zeros(0, np.int64)  # h of past positions, and what came after
    found: list[list[np.ndarray]] = [[] for _ in thetas]
    state = model.zero_state(1) if recurrent else None
    inputs = np.concatenate(([trained.eos_id], ids[:-1]))
    for start in tracked(range(0, len(ids), _WINDOW), "looking up the cache", "windows"):
        tokens = ids[start : start + _WINDOW]
        if recurrent:
            with model.evaluating():
                y, state = model.hidden(inputs[None, start : start + _WINDOW], state)
            hidden = np.asarray(to_numpy(y.data[0]), np.float64)
        else:
            hidden = np.ones((len(tokens), 1))
        before = len(following)
        states = np.concatenate([states, hidden]) if before else hidden
        following = np.concatenate([following, tokens])
        products = hidden @ states.T
        position = np.arange(before, before + len(tokens))[:, None]
        other = np.arange(len(following))[None, :]
        seen = (other < position) & (other >= position - size)
        same = seen & (following[None, :] == tokens[:, None])
        for theta, pieces in zip(thetas, found, strict=True):
            scores = np.where(seen, theta * products, -np.inf)
            with np.errstate(divide="ignore", invalid="ignore"):
                top = np.where(seen.any(axis=1), scores.max(axis=1), 0.0)[:, None]
                mass = np.exp(scores - top)
                pieces.append(np.log((mass * same).sum(axis=1) / mass.sum(axis=1)))
        states, following = states[-size:], following[-size:]
    return [np.nan_to_num(np.concatenate(pieces), nan=-np.inf, neginf=-np.inf) for pieces in found]


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

    Raises:
        RunError: The folder holds other files, or cannot be written.
    """
    first = models[0].run
    names = [f"member-{number}" for number in range(1, len(models) + 1)]
    config = {key: value for key, value in first.config.items() if key not in ("files", "sha256")} | {
        "mixture": {"members": names, "weights": [float(w) for w in weights]}
    }
    artifacts = {name: first.artifact(name) for name in first.config.get("files", {})}
    run = RunDirectory.create(out, config, artifacts)
    try:
        for name, each in zip(names, models, strict=True):
            (run.path / name).mkdir()
            for file in ("config.json", "model.safetensors", *each.run.config.get("files", {})):
                shutil.copyfile(each.run.path / file, run.path / name / file)
    except OSError as error:
        raise RunError(f"cannot write {run.path} ({error.strerror or error})") from error
    return run
