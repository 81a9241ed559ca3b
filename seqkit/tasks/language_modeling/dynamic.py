"""Dynamic evaluation: a model that goes on learning from the text that it has just predicted."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqkit.autograd import to_dense
from seqkit.data import LineStreams
from seqkit.errors import UsageError, require_number
from seqkit.models import LanguageModel, TransformerLanguageModel
from seqkit.progress import tracked, with_progress
from seqkit.tasks.language_modeling import evaluation
from seqkit.tasks.language_modeling.evaluation import Evaluation
from seqkit.tasks.language_modeling.trained import TrainedLanguageModel, load
from seqkit.tasks.runs import choose_split, require_split

RATES = (0.01, 0.03, 0.1, 0.3, 1.0)
"""Learning rates that are tried."""
DECAYS = (0.001, 0.01)
"""Fractions of the distance to the trained weights that each update goes back."""
SEGMENT = 20
"""Tokens of an update of a recurrent model."""
TUNING_TOKENS = 10_000
"""Tokens at the beginning of the validation split on which rate and decay are chosen."""


@dataclass(frozen=True)
class DynamicEvaluation:
    """The scores of an evaluation that adapts.

    Attributes:
        evaluation: The evaluation.
        static: The perplexity of the same tokens without adaptation.
        lr: The learning rate of the updates, chosen on the validation split.
        decay: The decay towards the trained weights, chosen likewise.
    """

    evaluation: Evaluation
    static: float
    lr: float
    decay: float

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as JSON values."""
        return {**self.evaluation.to_dict(), "static": self.static, "lr": self.lr, "decay": self.decay}


@with_progress
def evaluate_dynamic(
    trained: TrainedLanguageModel,
    split: str | None = None,
    *,
    corpus: str | None = None,
    text_column: int | str | None = None,
    device: str | None = None,
    on_message: Callable[[str], object] = lambda text: None,
    progress: bool = False,
) -> DynamicEvaluation:
    """Return the perplexity of a model that is updated on each segment after it was predicted.

    Krause et al. (2018), equation 3, with plain gradients: after every 20 tokens (half a window of a
    Transformer), θ ← θ - lr·∇L + decay·(θ₀ - θ), L being the mean loss of the segment and θ₀ the trained
    weights. Each token is predicted once, before it is learned. A Transformer sees no token before its
    segment. Rate and decay are those of the lowest loss on the first 10,000 tokens of the validation split.
    The adapted weights are a copy: neither the model nor its run changes.

    Args:
        trained: The model.
        split: As of :meth:`TrainedLanguageModel.evaluate`, like ``corpus`` and ``text_column``.
        corpus: Another corpus.
        text_column: The column of its texts.
        device: Where the copy computes.
        on_message: Called with the loss of each rate and decay that is tried.
        progress: Whether to show a progress bar.

    Raises:
        UsageError: The model counts n-grams, or is a mixture.
        DataError: The corpus is absent or has changed, or has no such split, or none for validation.
    """
    if not isinstance(trained.model, LanguageModel | TransformerLanguageModel):
        raise UsageError("expected a neural model to evaluate dynamically, got one without weights to update")
    encoded, name = trained.encoded(corpus, text_column), corpus or trained.settings.corpus
    split = choose_split(split, encoded.splits, name)
    require_split("valid", encoded.splits, name)
    tuning = np.asarray(encoded.splits["valid"][:TUNING_TOKENS])
    best = (np.inf, RATES[0], DECAYS[0])
    for lr, decay in tracked([*itertools.product(RATES, DECAYS)], "choosing rate and decay", "pairs"):
        loss = float(dynamic_losses(trained, tuning, lr=lr, decay=decay, device=device).mean())
        on_message(f"lr {lr:g}, decay {decay:g}: validation loss {loss:.4f} over {len(tuning):,} tokens")
        if loss < best[0]:
            best = (loss, lr, decay)
    _, lr, decay = best
    ids = np.asarray(encoded.splits[split])
    adapted, static = (
        evaluation.stream_evaluation(encoded, split, float(losses.sum()), "dynamic")
        for losses in (
            dynamic_losses(trained, ids, lr=lr, decay=decay, device=device),
            dynamic_losses(trained, ids, lr=0.0, decay=0.0, device=device),
        )
    )
    return DynamicEvaluation(adapted, static.perplexity, lr, decay)


def dynamic_losses(
    trained: TrainedLanguageModel, ids: np.ndarray, *, lr: float, decay: float, device: str | None = None
) -> np.ndarray:
    """Return -log P (N,) float64 of each token of a stream by a copy that adapts to it.

    Args:
        trained: The model, which does not change.
        ids: (N,) integers.
        lr: Learning rate; 0 leaves the copy as it is.
        decay: Fraction of the distance to the trained weights that each update goes back.
        device: Where the copy computes.
    """
    require_number("lr", lr, least=0.0)
    require_number("decay", decay, least=0.0, most=1.0)
    model: Any = load(trained.run.path, device=device).model
    length = SEGMENT if isinstance(model, LanguageModel) else max(1, model.config.max_length // 2)
    windows = LineStreams(ids, batch_size=1, length=length, end_id=trained.eos_id)
    parameters = list(dict.fromkeys(model.parameters()))
    start = [parameter.data.copy() for parameter in parameters]
    state, pieces = model.zero_state(1), []
    for index in tracked(range(len(windows)), "evaluating", "segments"):
        inputs, targets = windows.batch(index)
        before = state
        losses, state = model.token_losses(inputs, targets, before if model.carries_state else None)
        pieces.append(np.asarray(losses, np.float64)[0])
        if lr == 0:
            continue
        loss, _ = model.loss(inputs, targets, before)
        loss.backward()
        for parameter, trained_value in zip(parameters, start, strict=True):
            if parameter.grad is not None:
                parameter.data -= lr * to_dense(parameter.grad)
            parameter.data += decay * (trained_value - parameter.data)
            parameter.grad = None
    return np.concatenate(pieces)
