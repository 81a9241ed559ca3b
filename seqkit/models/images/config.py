"""Settings of image classifiers."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from seqkit.errors import UsageError, require_choice, require_sizes

ACTIVATIONS = ("relu", "sigmoid", "tanh")
INITS = ("he", "xavier", "std")


@dataclass(frozen=True)
class ImageConfig:
    """Settings that all image classifiers have.

    Args:
        height: Of the images.
        width: Of the images.
        channels: Of the images.
        classes: K.
        weight_init: "he" and "xavier" are normal with the deviations of :mod:`seqkit.nn.initializers`, "std"
            normal with deviation 0.01; a number is a deviation of its own, 0 included. Biases start at 0.
    """

    height: int = 28
    width: int = 28
    channels: int = 1
    classes: int = 10
    weight_init: str | float = "he"

    def __post_init__(self) -> None:
        require_sizes(self, "height", "width", "channels", "classes")
        wrong = (
            self.weight_init not in INITS
            if isinstance(self.weight_init, str)
            else not 0 <= self.weight_init < math.inf
        )
        if wrong:
            raise UsageError(
                f"expected weight_init to be one of {', '.join(INITS)}, or a deviation, "
                f"got {self.weight_init!r}"
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class MLPConfig(ImageConfig):
    """Fully connected: hidden layers of these sizes; BatchNorm before each activation, dropout after it."""

    hidden: tuple[int, ...] = (50,)
    activation: str = "relu"
    batch_norm: bool = False
    dropout: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "hidden", tuple(self.hidden))  # JSON has lists
        if any(size < 1 for size in self.hidden):
            raise UsageError(f"expected hidden sizes to be at least 1, got {self.hidden}")
        require_choice("activation", self.activation, ACTIVATIONS)


@dataclass(frozen=True)
class SimpleConvNetConfig(ImageConfig):
    """One convolution with ReLU and 2 by 2 max pooling, then one hidden layer."""

    filters: int = 30
    filter_size: int = 5
    padding: int = 0
    stride: int = 1
    hidden: int = 100


@dataclass(frozen=True)
class DeepConvNetConfig(ImageConfig):
    """Three pairs of 3 by 3 convolutions, each pair pooled, then one hidden layer with dropout."""

    filters: tuple[int, ...] = (16, 32, 64)
    hidden: int = 50
    dropout: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "filters", tuple(self.filters))
        if len(self.filters) != 3:
            raise UsageError(f"expected filters to be three numbers, got {self.filters}")
