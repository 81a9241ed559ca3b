"""The textbook's fully connected and convolutional networks ("Deep Learning from Scratch", volume 1)."""

import math
from itertools import pairwise

from seqkit import nn, ops
from seqkit.autograd import Tensor
from seqkit.backend.random import Generator, as_generator
from seqkit.errors import UsageError
from seqkit.models.images.classifier import ImageClassifier, initialize
from seqkit.models.images.config import DeepConvNetConfig, MLPConfig, SimpleConvNetConfig

POOL = 2
"""Max pooling takes 2 by 2 pixels."""


def flat(x: Tensor) -> Tensor:
    """Return images or features (B, …) as rows, also where B is 0."""
    return x.reshape(len(x), math.prod(x.shape[1:]))


class SimpleConvNet(ImageClassifier):
    """Convolution, ReLU, 2 by 2 max pooling, affine, ReLU, affine."""

    def __init__(self, config: SimpleConvNetConfig, *, generator: Generator | int | None = None) -> None:
        super().__init__(config)
        generator = as_generator(generator)
        c = config
        conv = nn.Conv2d(
            c.channels, c.filters, c.filter_size, stride=c.stride, padding=c.padding, generator=generator
        )
        self.conv = initialize(conv, c.weight_init, generator)
        sides = [(n + 2 * c.padding - c.filter_size) // c.stride + 1 for n in (c.height, c.width)]
        self.hidden = _affine(_places(sides, c) * c.filters, c.hidden, c, generator)
        self.output = _affine(c.hidden, c.classes, c, generator)

    def scores(self, x: Tensor, generator: Generator | None) -> Tensor:
        """See the base class."""
        x = self.conv(x, relu=True, pool=POOL)
        return self.output(ops.relu(self.hidden(flat(x))))


class DeepConvNet(ImageClassifier):
    """3 by 3 convolutions with ReLU in three pairs, max pooling after each; affine, ReLU, dropout, affine.

    The padding is 1, and 2 in the fourth convolution, which makes an even side of 14 / 2. The textbook also
    drops scores of classes; that only disturbs the loss, and is left out here.
    """

    def __init__(self, config: DeepConvNetConfig, *, generator: Generator | int | None = None) -> None:
        super().__init__(config)
        generator = as_generator(generator)
        c = config
        self.convs = []
        channels, sides = c.channels, [c.height, c.width]
        for depth, filters in enumerate(c.filters):
            for padding in (1, 2 if depth == 1 else 1):
                conv = nn.Conv2d(channels, filters, 3, padding=padding, generator=generator)
                self.convs.append(initialize(conv, c.weight_init, generator))
                channels, sides = filters, [side + 2 * padding - 2 for side in sides]
            places = _places(sides, c)
            sides = [side // POOL for side in sides]
        self.hidden = _affine(places * channels, c.hidden, c, generator)
        self.dropout = nn.Dropout(c.dropout)
        self.output = _affine(c.hidden, c.classes, c, generator)

    def scores(self, x: Tensor, generator: Generator | None) -> Tensor:
        """See the base class."""
        for first, second in zip(self.convs[::2], self.convs[1::2], strict=True):
            x = second(first(x, relu=True), relu=True, pool=POOL)
        x = ops.relu(self.hidden(flat(x)))
        return self.output(self.dropout(x, generator))


def _affine(inputs: int, outputs: int, c: SimpleConvNetConfig | DeepConvNetConfig, g: Generator) -> nn.Linear:
    return initialize(nn.Linear(inputs, outputs, generator=g), c.weight_init, g)


def _places(sides: list[int], c: SimpleConvNetConfig | DeepConvNetConfig) -> int:
    """Return the number of places that pooling leaves of an image with these sides; UsageError when none."""
    if min(sides) < POOL:
        name = type(c).__name__.removesuffix("Config")
        raise UsageError(
            f"images of {c.height} by {c.width} are too small for {name}: "
            f"{sides[0]} by {sides[1]} is left to be pooled in windows of {POOL} by {POOL}"
        )
    return (sides[0] // POOL) * (sides[1] // POOL)


class MLP(ImageClassifier):
    """Affine, (BatchNorm,) activation (, dropout) for each hidden layer, then affine scores."""

    def __init__(self, config: MLPConfig, *, generator: Generator | int | None = None) -> None:
        super().__init__(config)
        generator = as_generator(generator)
        sizes = [config.height * config.width * config.channels, *config.hidden, config.classes]
        *self.layers, self.output = (
            initialize(nn.Linear(inputs, outputs, generator=generator), config.weight_init, generator)
            for inputs, outputs in pairwise(sizes)
        )
        self.norms = [nn.BatchNorm(size) for size in config.hidden] if config.batch_norm else []
        self.activation = getattr(ops, config.activation)
        self.dropout = nn.Dropout(config.dropout)

    def activations(self, x: Tensor, generator: Generator | None = None) -> list[Tensor]:
        """Return each hidden layer's result of images (B, H, W, C), after activation and dropout."""
        x = flat(x)
        found = []
        for depth, layer in enumerate(self.layers):
            x = layer(x)
            if self.norms:
                x = self.norms[depth](x)
            x = self.dropout(self.activation(x), generator)
            found.append(x)
        return found

    def scores(self, x: Tensor, generator: Generator | None) -> Tensor:
        """See the base class."""
        return self.output([flat(x), *self.activations(x, generator)][-1])
