"""Modules one after another."""

from __future__ import annotations

from typing import Any

from seqkit.nn.dropout import Dropout
from seqkit.nn.module import Module


class Sequential(Module):
    """Feeds each module's result to the next. Plain functions (ops.relu) may stand among them."""

    def __init__(self, *layers: Any) -> None:
        self.layers = list(layers)

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, index: int) -> Any:
        return self.layers[index]

    def forward(self, x: Any, generator: Any = None) -> Any:
        """x through all layers; a generator goes to the dropout layers among them."""
        for layer in self.layers:
            passes_on = isinstance(layer, Dropout | Sequential)
            x = layer(x, generator) if passes_on else layer(x)
        return x
