"""Settings of an image classifier's training: the flags of `train-images`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from seqkit.autograd import Tensor
from seqkit.data import NORMALIZATIONS
from seqkit.errors import UsageError
from seqkit.models.images import IMAGE_MODELS
from seqkit.training import ResolvedTrainingSettings, TrainingSettings

MODELS = tuple(IMAGE_MODELS)


@dataclass(frozen=True, kw_only=True)
class ImageClassificationSettings(TrainingSettings):
    """Settings of an image classifier; one field a flag.

    None means the usual value of the model or the optimiser, or no limit.
    """

    OPTIMIZER_DEFAULTS: ClassVar[dict[str, tuple[float, str]]] = {
        "sgd": (0.1, "constant"),
        "momentum": (0.01, "constant"),
        "nesterov": (0.01, "constant"),
        "adagrad": (0.01, "constant"),
    }

    corpus: str = "digits"
    image_size: int | None = None
    train_size: int | None = None
    validation: float = 0.1
    split_seed: int = 0
    normalize: str = "standardize"
    model: str = "mlp"
    hidden: str | None = None
    activation: str | None = None
    weight_init: str = "he"
    batch_norm: bool | None = None
    dropout: float | None = None
    filters: str | None = None
    filter_size: int | None = None
    padding: int | None = None
    stride: int | None = None
    epochs: int = 20
    batch_size: int = 100
    eval_batch_size: int = 500
    train_accuracy: bool = False
    test_accuracy: bool = False
    clip: float | None = None

    def _check(self) -> None:
        """Raise UsageError for values out of range."""
        super()._check()
        self._require_choice("model", MODELS)
        self._require_choice("normalize", NORMALIZATIONS)
        self._require_positive("image_size train_size batch_size eval_batch_size filter_size stride")
        self._require_at_least_zero("split_seed padding")
        self._require_fraction("validation dropout")
        self.numbers("hidden")
        self.numbers("filters")

    def decays(self, name: str, parameter: Tensor) -> bool:
        """Return whether weight decay applies: to weights alone, as in the textbook."""
        return parameter.ndim > 1

    def numbers(self, name: str) -> tuple[int, ...] | None:
        """Return a setting such as "100,100" as numbers above 0; None where it is not given."""
        text = getattr(self, name)
        if text is None:
            return None
        parts = [part.strip() for part in text.split(",")] if text.strip() else []
        if not all(part.isascii() and part.isdecimal() and len(part) < 10 and int(part) for part in parts):
            raise UsageError(f"{name} must be numbers above 0 with commas between, got {text!r}")
        return tuple(map(int, parts))


@dataclass(frozen=True, kw_only=True)
class ResolvedImageClassificationSettings(ImageClassificationSettings, ResolvedTrainingSettings):
    """Image classification settings in which everything is filled in that the model has."""

    RESOLVED = True
    device: str
