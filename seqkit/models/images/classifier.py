"""The base of image classifiers: input, loss and predictions."""

from typing import Any

import numpy as np

from seqkit import nn, ops
from seqkit.autograd import Tensor
from seqkit.backend import Array, to_device, to_numpy
from seqkit.backend.ids import as_array
from seqkit.backend.random import Generator
from seqkit.errors import ShapeError, UsageError
from seqkit.models.images.config import ImageConfig
from seqkit.nn import initializers


class ImageClassifier(nn.Module):
    """P(class | image). A subclass defines :meth:`scores`, and a last layer ``output``."""

    output: nn.Linear

    def __init__(self, config: ImageConfig) -> None:
        self.config = config

    def scores(self, x: Tensor, generator: Generator | None) -> Tensor:
        """Return unnormalised log-probabilities (B, K) of images (B, H, W, C)."""
        raise NotImplementedError

    def forward(self, images: Array, *, generator: Generator | None = None) -> Tensor:
        """Return scores (B, K) of images; their softmax is the distribution over K classes.

        Args:
            images: Floats (B, H, W, C), or (B, H, W) for one channel, or flat (B, H·W·C) in that order.
            generator: Source of the dropout masks; required in training with dropout.
        """
        return self.scores(Tensor(self._images(images)), generator)

    def loss(self, images: Array, labels: Array, *, generator: Generator | None = None) -> Tensor:
        """Return the mean cross entropy in nats of labels (B,), class numbers; -1 does not count."""
        labels = np.asarray(labels) if isinstance(labels, list | tuple) else labels
        scores = self.forward(images, generator=generator)
        return ops.softmax_cross_entropy(scores, to_device(labels, scores.device))

    def log_probs(self, images: Array) -> np.ndarray:
        """Return log P(class) (B, K) on the host; without dropout, with running statistics."""
        with self.evaluating():
            return ops.log_softmax(self.forward(images)).numpy()

    def predict(self, images: Array) -> np.ndarray:
        """Return the likeliest classes (B,) on the host."""
        with self.evaluating():
            return to_numpy(self.forward(images).data.argmax(axis=1))

    def _images(self, images: Array) -> Array:
        """Check images at the public boundary and return them on the model's device."""
        images = as_array("images", images, "an array of floating-point numbers")
        if images.dtype.kind != "f":
            raise UsageError(
                f"expected images to be floating-point numbers, got {images.dtype}",
                remedy="scale them as in training, for instance images.astype('float32') / 255",
            )
        c = self.config
        shape = (c.height, c.width, c.channels)
        flat = (c.height * c.width * c.channels,)
        if images.shape[1:] not in (shape, flat, shape[:2] if c.channels == 1 else shape):
            raise ShapeError(f"expected images to be (B, {', '.join(map(str, shape))}), got {images.shape}")
        W = self.output.weight
        return to_device(images, W.device).astype(W.dtype, copy=False).reshape(len(images), *shape)


def initialize(layer: nn.Linear | nn.Conv2d, init: str | float, generator: Generator) -> Any:
    """Draw the layer's weights by a config's ``weight_init``, and zero its bias; returns the layer."""
    shape = layer.weight.shape
    if len(shape) == 4:  # the initialisers take (out, in, …)
        shape = (shape[0], shape[3], *shape[1:3])
    if init == "he":
        W = initializers.he_normal(shape, generator)
    elif init == "xavier":
        W = initializers.xavier_normal(shape, generator)
    else:
        W = initializers.normal(shape, generator, 0.01 if init == "std" else float(init))
    layer.weight.data[...] = W.transpose(0, 2, 3, 1) if len(shape) == 4 else W
    if layer.bias is not None:
        layer.bias.data[...] = 0
    return layer
