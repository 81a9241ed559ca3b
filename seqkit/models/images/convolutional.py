"""The textbook's two convolutional networks ("Deep Learning from Scratch", chapters 7 and 8)."""

from seqkit import nn, ops
from seqkit.autograd import Tensor
from seqkit.backend.random import Generator, as_generator
from seqkit.errors import UsageError
from seqkit.models.images.classifier import ImageClassifier, initialize
from seqkit.models.images.config import DeepConvNetConfig, SimpleConvNetConfig

POOL = 2
"""Max pooling takes 2 by 2 pixels."""


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
        return self.output(ops.relu(self.hidden(x.reshape(len(x), -1))))


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
        x = ops.relu(self.hidden(x.reshape(len(x), -1)))
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
