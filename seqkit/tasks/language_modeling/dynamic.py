"""Dynamic evaluation: a model that goes on learning from the text that it has just predicted."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqkit.backend import array_module, copied, device_of, to_device, to_numpy
from seqkit.backend.ids import IGNORE_INDEX
from seqkit.backend.kernels import kernels
from seqkit.data import LineStreams
from seqkit.errors import UsageError, require_number
from seqkit.models import LanguageModel, TransformerLanguageModel
from seqkit.models.mixture import MixtureModel
from seqkit.optim import SGD
from seqkit.progress import tracked, with_progress
from seqkit.tasks.language_modeling import evaluation
from seqkit.tasks.language_modeling.evaluation import Evaluation
from seqkit.tasks.language_modeling.passes import EvaluationCheckpoint, Pass, flattened, nested
from seqkit.tasks.language_modeling.trained import TrainedLanguageModel, load
from seqkit.tasks.runs import choose_split, require_split

RATES = (0.01, 0.03, 0.1, 0.3, 1.0)
"""Learning rates that are tried."""
DECAYS = (0.0, 0.001, 0.01)
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
    checkpoint: str | Path | None = None,
    on_message: Callable[[str], object] = lambda text: None,
    progress: bool = False,
) -> DynamicEvaluation:
    """Return the perplexity of a model that keeps training on each segment after predicting it.

    Krause et al. (2018), equation 3, with plain gradients: after every 20 tokens (half a window of a
    Transformer), θ ← θ - lr·∇L + decay·(θ₀ - θ), L being the mean loss of the segment and θ₀ the trained
    weights. Each token is predicted once, before it is learned, after all tokens that
    :meth:`TrainedLanguageModel.evaluate` would give the model. Rate and decay are those that give the lowest
    loss on the first 10,000 tokens of the validation split; 0, no adaptation, is among them. The adapted
    weights are a copy: neither the model nor its run changes.

    Args:
        trained: The model.
        split: As of :meth:`TrainedLanguageModel.evaluate`, like ``corpus`` and ``text_column``.
        corpus: Another corpus.
        text_column: The column of its texts.
        device: Where the copy computes.
        checkpoint: A file in which the evaluation is kept while it runs, and from which the same call goes
            on after an interruption. It is removed at the end.
        on_message: Called with the loss of each rate and decay that is tried.
        progress: Whether to show a progress bar.

    Raises:
        UsageError: The model counts n-grams, or is a mixture, or the checkpoint is of another evaluation.
        DataError: The corpus is absent or has changed, or has no such split, or none for validation.
    """
    if not isinstance(trained.model, LanguageModel | TransformerLanguageModel):
        got = "a mixture" if isinstance(trained.model, MixtureModel) else "one without weights to update"
        raise UsageError(f"expected a single neural model to evaluate dynamically, got {got}")
    encoded, name = trained.encoded(corpus, text_column), corpus or trained.settings.corpus
    split = choose_split(split, encoded.splits, name)
    require_split("valid", encoded.splits, name)
    tuning = np.asarray(encoded.splits["valid"][:TUNING_TOKENS])
    saved = EvaluationCheckpoint(
        checkpoint,
        [trained],
        {"kind": "dynamic", "text": encoded.folder.name, "split": split, "device": str(device)},
    )
    adaptable = AdaptableModel(trained, device)

    def adapted(part: str, ids: np.ndarray, lr: float, decay: float) -> np.ndarray:
        return saved.run(f"{part}, {lr:g}, {decay:g}", DynamicPass(adaptable, ids, lr, decay))

    best = (np.inf, 0.0, 0.0)
    pairs = [(0.0, 0.0), *itertools.product(RATES, DECAYS)]
    for lr, decay in tracked(pairs, "choosing rate and decay", "pairs"):
        loss = -float(adapted("tuning", tuning, lr, decay).mean())
        on_message(f"lr {lr:g}, decay {decay:g}: validation loss {loss:.4f} over {len(tuning):,} tokens")
        if loss < best[0]:
            best = (loss, lr, decay)
    _, lr, decay = best
    ids = np.asarray(encoded.splits[split])
    dynamic, static = (
        evaluation.stream_evaluation(encoded, split, -float(adapted(split, ids, *rates).sum()), "dynamic")
        for rates in ((lr, decay), (0.0, 0.0))
    )
    saved.remove()
    return DynamicEvaluation(dynamic, static.perplexity, lr, decay)


class AdaptableModel:
    """A copy of a trained model, and what its weights were.

    Args:
        trained: The model, which does not change.
        device: Where the copy computes.
    """

    def __init__(self, trained: TrainedLanguageModel, device: str | None = None) -> None:
        self.model: Any = load(trained.run.path, device=device).model
        self.eos_id = trained.eos_id
        self.parameters = list(self.model.parameters())
        self.trained = [copied(array_module(p.data), p.data) for p in self.parameters]

    def reset(self) -> None:
        """Give the copy the trained weights."""
        for parameter, value in zip(self.parameters, self.trained, strict=True):
            parameter.data[...] = value

    def approach_trained(self, share: float) -> None:
        """Take the weights back by a share of the way to the trained ones: θ ← θ + share·(θ₀ - θ)."""
        for parameter, value in zip(self.parameters, self.trained, strict=True):
            data = parameter.data
            family = kernels("optimizer", array_module(data), data.dtype)
            # a step of SGD has this form, θ ← shrink·θ - lr·g, and goes once over memory
            family.sgd(data, value, lr=-share, l2=0.0, l1=0.0, shrink=1 - share)


class DynamicPass(Pass):
    """log P (N,) of each token of a stream by a model that adapts to it.

    Args:
        adaptable: The model, which starts with the trained weights; of its passes one goes on at a time.
        ids: (N,) integers.
        lr: Learning rate; 0 leaves the weights as they are.
        decay: Fraction of the distance to the trained weights that each update goes back.
    """

    unit = "segments"

    def __init__(self, adaptable: AdaptableModel, ids: np.ndarray, lr: float, decay: float) -> None:
        require_number("lr", lr, least=0.0)
        require_number("decay", decay, least=0.0, most=1.0)
        self.adaptable, self.lr, self.decay = adaptable, lr, decay
        self.optimizer = SGD(adaptable.parameters, lr=lr)
        self.model: Any = adaptable.model
        recurrent = isinstance(self.model, LanguageModel)
        length = SEGMENT if recurrent else max(1, self.model.config.max_length // 2)
        self.windows = LineStreams(ids, batch_size=1, length=length, end_id=adaptable.eos_id)
        self.state = self.model.zero_state(1)
        adaptable.reset()

    def __len__(self) -> int:
        return len(self.windows)

    def piece(self, index: int) -> np.ndarray:
        """Return those of a segment, and learn it."""
        inputs, targets = self.windows.batch(index)
        before = self.state
        losses, self.state = self.model.token_losses(inputs, targets, before)
        if self.lr > 0:
            self._learn(inputs, targets, before)
        return -np.asarray(to_numpy(losses), np.float64)[0]

    def _learn(self, inputs: np.ndarray, targets: np.ndarray, before: Any) -> None:
        """Update the weights by the loss of a segment, of a Transformer with the text before it."""
        if not self.model.carries_state and before:
            text = to_numpy(before[0][0])
            inputs = np.concatenate([text, inputs], axis=1)
            targets = np.concatenate([np.full(text.shape, IGNORE_INDEX, targets.dtype), targets], axis=1)
        loss, _ = self.model.loss(inputs, targets, before)
        loss.backward()
        if self.decay:
            self.adaptable.approach_trained(self.decay)
        self.optimizer.step()
        self.optimizer.zero_grad()

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return the weights, and the state of the model."""
        weights = {f"weights/{i}": to_numpy(p.data) for i, p in enumerate(self.adaptable.parameters)}
        return {**weights, **flattened(self.state)}

    def load_state_dict(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take up the weights and the state of the model."""
        for i, parameter in enumerate(self.adaptable.parameters):
            parameter.data[...] = to_device(arrays[f"weights/{i}"], device_of(parameter.data))
        self.state = nested(arrays, like=self.model.zero_state(1))
