"""What all image classifiers share: their input, their loss and their answers."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit import nn, ops
from seqkit.autograd import Tensor
from seqkit.backend import Array, to_device, to_numpy
from seqkit.backend.random import Generator
from seqkit.errors import ShapeError, UsageError
from seqkit.models.images.config import ImageConfig
from seqkit.nn import initializers


class ImageClassifier(nn.Module):
    """P(class | image). A subclass has :meth:`scores`, and a last layer ``output``."""

    output: nn.Linear

    def __init__(self, config: ImageConfig) -> None:
        self.config = config

    def scores(self, x: Tensor, generator: Generator | None) -> Tensor:
        """Images (B, H, W, C) to unnormalised log-probabilities (B, K)."""
        raise NotImplementedError

    def forward(self, images: Any, *, generator: Generator | None = None) -> Tensor:
        """Images to scores (B, K); their softmax is the distribution over K classes.

        Images are floats (B, H, W, C), or (B, H, W) for one channel, or flat (B, H·W·C) in that order. In
        training a generator is due where the model has dropout.
        """
        return self.scores(Tensor(self._images(images)), generator)

    def loss(self, images: Any, labels: Any, *, generator: Generator | None = None) -> Tensor:
        """Mean cross entropy in nats of labels (B,), class numbers; -1 does not count."""
        labels = np.asarray(labels) if isinstance(labels, list | tuple) else labels
        scores = self.forward(images, generator=generator)
        return ops.softmax_cross_entropy(scores, to_device(labels, scores.device))

    def log_probs(self, images: Any) -> np.ndarray:
        """(B, K) log P(class), on the host. Evaluation: no dropout, running statistics."""
        with self.evaluating():
            return ops.log_softmax(self.forward(images)).numpy()

    def predict(self, images: Any) -> np.ndarray:
        """(B,) the likeliest classes, on the host. Needs no softmax, which keeps the order of scores."""
        with self.evaluating():
            return to_numpy(self.forward(images).data.argmax(axis=1))

    def _images(self, images: Any) -> Array:
        """The user's images on the model's device, checked: this is the public boundary."""
        images = np.asarray(images) if isinstance(images, list | tuple) else images
        if images.dtype.kind != "f":
            raise UsageError(
                f"images must be floating-point numbers, got {images.dtype}",
                remedy="scale them as in training, for instance images.astype('float32') / 255",
            )
        c = self.config
        shape = (c.height, c.width, c.channels)
        flat = (c.height * c.width * c.channels,)
        if images.shape[1:] not in (shape, flat, shape[:2] if c.channels == 1 else shape):
            raise ShapeError(f"images must be (B, {', '.join(map(str, shape))}), got {images.shape}")
        W = self.output.weight
        return to_device(images, W.device).astype(W.dtype, copy=False).reshape(-1, *shape)


def initialize(layer: nn.Linear | nn.Conv2d, init: str | float, generator: Generator) -> Any:
    """Draw the layer's weights anew as a config's ``init`` says, and zero its bias; returns the layer."""
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
