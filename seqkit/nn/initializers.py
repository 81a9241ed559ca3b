"""Initial weights: float32 arrays drawn from a generator, and those of whole Transformers."""

import math

import numpy as np

from seqkit.backend.random import Generator
from seqkit.errors import ShapeError
from seqkit.nn.module import Module

_RESIDUAL = ("attention.output.weight", "feed_forward.down.weight")


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return (inputs, outputs) of a weight (outputs, inputs, …); further axes multiply both."""
    if len(shape) < 2:
        raise ShapeError(f"expected a shape of at least two axes, got {shape}")
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


def uniform(shape: tuple[int, ...], generator: Generator, bound: float) -> np.ndarray:
    """Uniform in [-bound, bound)."""
    if generator.unset:
        return zeros(shape)
    numbers = generator.uniform(shape, dtype=np.float64)
    numbers *= 2  # in place: the matrices of large vocabularies are a large part of the memory
    numbers -= 1
    numbers *= bound
    return numbers.astype(np.float32)


def normal(shape: tuple[int, ...], generator: Generator, std: float) -> np.ndarray:
    """Normal with mean 0."""
    if generator.unset:
        return zeros(shape)
    numbers = generator.normal(shape, dtype=np.float64)
    numbers *= std
    return numbers.astype(np.float32)


def xavier_uniform(shape: tuple[int, ...], generator: Generator) -> np.ndarray:
    """Bound √(6 / (in + out)) (Glorot and Bengio 2010, equation 16)."""
    return uniform(shape, generator, math.sqrt(6 / sum(_fans(shape))))


def xavier_normal(shape: tuple[int, ...], generator: Generator) -> np.ndarray:
    """Deviation √(2 / (in + out)) (Glorot and Bengio 2010, equation 12)."""
    return normal(shape, generator, math.sqrt(2 / sum(_fans(shape))))


def he_uniform(shape: tuple[int, ...], generator: Generator) -> np.ndarray:
    """Bound √(6 / in), of the same variance as :func:`he_normal`."""
    return uniform(shape, generator, math.sqrt(6 / _fans(shape)[0]))


def he_normal(shape: tuple[int, ...], generator: Generator) -> np.ndarray:
    """Deviation √(2 / in), for ReLU (He et al. 2015, equation 10)."""
    return normal(shape, generator, math.sqrt(2 / _fans(shape)[0]))


def orthogonal(shape: tuple[int, ...], generator: Generator, gain: float = 1.0) -> np.ndarray:
    """Rows (or columns, whichever are fewer) orthonormal, times gain (Saxe et al. 2014)."""
    _fans(shape)
    if generator.unset:
        return zeros(shape)
    rows, columns = shape[0], math.prod(shape[1:])
    a = generator.normal((max(rows, columns), min(rows, columns)), dtype=np.float64)
    q, r = np.linalg.qr(a)
    q *= np.sign(np.diag(r))  # makes the distribution uniform over orthogonal matrices (Mezzadri 2007)
    return (gain * (q if rows >= columns else q.T)).reshape(shape).astype(np.float32)


def zeros(shape: tuple[int, ...]) -> np.ndarray:
    """Zeros: for biases. Equal weights would stay equal."""
    return np.zeros(shape, np.float32)


def ones(shape: tuple[int, ...]) -> np.ndarray:
    """Ones: for scales."""
    return np.ones(shape, np.float32)


def start_normal(model: Module, generator: Generator, *, std: float, parts: int | None = None) -> None:
    """Draw every weight normal with deviation ``std``, biases 0, as in BERT and GPT-2 (Radford et al. 2019).

    ``parts``: the matrices that write into the residual stream have std / √parts, parts being how many do
    (section 2.3 there), so that its variance does not grow with depth.
    """
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            parameter.data[...] = 0
        elif parameter.ndim > 1:  # the scales of normalisations stay 1
            narrow = parts is not None and name.endswith(_RESIDUAL)
            deviation = std / math.sqrt(parts) if narrow and parts else std
            parameter.data[...] = normal(parameter.shape, generator, deviation)


def start_xavier(model: Module, generator: Generator) -> None:
    """Embeddings normal with deviation 1/√E, other weights Xavier uniform, biases 0.

    As in the reference code of Vaswani et al. (2017). Each part of a fused matrix counts by itself.
    """
    for name, parameter in model.named_parameters():
        rows, *columns = parameter.shape
        if name.endswith("bias"):
            parameter.data[...] = 0
        elif columns and "embedding" in name:
            parameter.data[...] = normal(parameter.shape, generator, columns[0] ** -0.5)
        elif columns:
            parts = 3 if name.endswith("qkv.weight") else 2 if name.endswith("kv.weight") else 1
            bound = math.sqrt(6 / (rows // parts + columns[0]))
            parameter.data[...] = uniform(parameter.shape, generator, bound)
