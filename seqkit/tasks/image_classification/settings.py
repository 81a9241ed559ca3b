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
    """Settings of an image classifier: the flags of ``seqkit train-images``.

    None means the default of the model or the optimiser, or no limit. The fields of
    :class:`seqkit.training.TrainingSettings` come on top.

    Args:
        corpus: A registered name, or a folder with a sub-folder of images for each class.
        image_size: Width and height to which the images of a folder are resized.
        train_size: Use only this many training images, the first ones.
        validation: Fraction of the training images for validation if the corpus has no such split.
        split_seed: Random seed of that split.
        normalize: Pixels from 0 to 255 ("none") or from 0 to 1 ("unit"), or "standardize" by channel.
        model: mlp, simple-cnn or deep-cnn.
        hidden: Sizes of the hidden layers, such as "100,100".
        activation: Activation function of mlp.
        weight_init: he, xavier, std (0.01), or a standard deviation.
        batch_norm: Batch normalisation before each activation of mlp.
        dropout: Dropout of mlp and deep-cnn.
        filters: Number of filters of simple-cnn, or of the blocks of deep-cnn: "16,32,64".
        filter_size: Filter size of simple-cnn.
        padding: Padding of simple-cnn.
        stride: Stride of simple-cnn.
        batch_size: Batch size.
        eval_batch_size: Batch size of the validation.
        train_accuracy: Report the accuracy on the training images after each epoch.
        test_accuracy: Report the accuracy on the test images after each epoch.
    """

    OPTIMIZER_DEFAULTS: ClassVar[dict[str, tuple[float, str]]] = {
        "sgd": (0.1, "constant"),
        "momentum": (0.01, "constant"),
        "nesterov": (0.01, "constant"),
        "adagrad": (0.01, "constant"),
    }

    OF_THE_RUN = (
        *("image_size", "normalize", "model", "hidden", "activation", "batch_norm", "filters"),
        *("filter_size", "padding", "stride"),
    )
    FROM_THE_RUN = ("dropout",)

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

    def ignored(self) -> dict[str, str]:
        """Return the fields that have no effect beside the others, each with what it is for."""
        ignored = super().ignored()
        if self.init is not None:
            ignored["weight_init"] = "new weights"
        if self.validation == 0:
            ignored["split_seed"] = "a validation split that is drawn, with validation above 0"
        if self.model == "mlp" and self.numbers("hidden") == ():
            ignored |= dict.fromkeys(("activation", "batch_norm", "dropout"), "networks with hidden layers")
        return ignored

    def decays(self, name: str, parameter: Tensor) -> bool:
        """Return whether weight decay applies: only to weights, as in the textbook."""
        return parameter.ndim > 1

    def numbers(self, name: str) -> tuple[int, ...] | None:
        """Return a setting such as "100,100" as numbers; None if it is not given."""
        text = getattr(self, name)
        if text is None:
            return None
        parts = [part.strip() for part in text.split(",")] if text.strip() else []
        if not all(part.isascii() and part.isdecimal() and len(part) < 10 and int(part) for part in parts):
            raise UsageError(f"expected {name} to be numbers above 0 separated by commas, got {text!r}")
        return tuple(map(int, parts))


@dataclass(frozen=True, kw_only=True)
class ResolvedImageClassificationSettings(ImageClassificationSettings, ResolvedTrainingSettings):
    """Image classification settings with the defaults of the model filled in."""

    RESOLVED = True
    device: str
