"""Modules applied one after another."""

from typing import Any

from seqkit.nn.dropout import Dropout
from seqkit.nn.module import Module


class Sequential(Module):
    """Apply modules one after another; plain functions such as ``ops.relu`` may stand among them.

    Example:
        >>> model = nn.Sequential(nn.Linear(4, 8), ops.relu, nn.Linear(8, 2))
        >>> model.parameter_count()
        58
    """

    def __init__(self, *layers: Any) -> None:
        self.layers = list(layers)

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, index: int) -> Any:
        return self.layers[index]

    def forward(self, x: Any, generator: Any = None) -> Any:
        """Return the last module's result; dropout layers among the modules get ``generator``."""
        for layer in self.layers:
            passes_on = isinstance(layer, Dropout | Sequential)
            x = layer(x, generator) if passes_on else layer(x)
        return x
