"""Initial weights of Transformers."""

import math

from seqkit import nn
from seqkit.backend.random import Generator
from seqkit.nn import initializers

_RESIDUAL = ("attention.output.weight", "feed_forward.down.weight")


def start_normal(model: nn.Module, generator: Generator, *, std: float, parts: int | None = None) -> None:
    """Every weight normal with deviation ``std``, biases 0, as in BERT and GPT-2 (Radford et al. 2019).

    ``parts``: the matrices that write into the residual stream have std / √parts, parts being how many do
    (section 2.3 there), so that its variance does not grow with depth.
    """
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            parameter.data[...] = 0
        elif parameter.ndim > 1:  # the scales of normalisations stay 1
            narrow = parts is not None and name.endswith(_RESIDUAL)
            deviation = std / math.sqrt(parts) if narrow and parts else std
            parameter.data[...] = initializers.normal(parameter.shape, generator, deviation)


def start_xavier(model: nn.Module, generator: Generator) -> None:
    """Embeddings normal with deviation 1/√E, other weights Xavier uniform, biases 0.

    As in the reference code of Vaswani et al. (2017). Each part of a fused matrix counts by itself.
    """
    for name, parameter in model.named_parameters():
        rows, *columns = parameter.shape
        if name.endswith("bias"):
            parameter.data[...] = 0
        elif columns and "embedding" in name:
            parameter.data[...] = initializers.normal(parameter.shape, generator, columns[0] ** -0.5)
        elif columns:
            parts = 3 if name.endswith("qkv.weight") else 2 if name.endswith("kv.weight") else 1
            bound = math.sqrt(6 / (rows // parts + columns[0]))
            parameter.data[...] = initializers.uniform(parameter.shape, generator, bound)
