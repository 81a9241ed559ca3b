"""Fully connected networks, any number of layers."""

from itertools import pairwise

from seqkit import nn, ops
from seqkit.autograd import Tensor
from seqkit.backend.random import Generator, as_generator
from seqkit.models.images.classifier import ImageClassifier, initialize
from seqkit.models.images.config import MLPConfig


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
        x = x.reshape(len(x), -1)
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
        flat = x.reshape(len(x), -1)
        return self.output([flat, *self.activations(x, generator)][-1])
