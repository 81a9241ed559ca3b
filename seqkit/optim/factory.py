"""Optimisers by the names that commands and configurations use."""

from __future__ import annotations

from functools import partial
from typing import Any

from seqkit.optim.adagrad import AdaGrad
from seqkit.optim.adam import Adam, AdamW
from seqkit.optim.base import Optimizer
from seqkit.optim.choices import chosen
from seqkit.optim.parameters import Parameters
from seqkit.optim.rmsprop import RMSprop
from seqkit.optim.sgd import SGD

OPTIMIZERS: dict[str, Any] = {
    "adagrad": AdaGrad,
    "adam": Adam,
    "adamw": AdamW,
    "momentum": partial(SGD, momentum=0.9),
    "nesterov": partial(SGD, momentum=0.9, nesterov=True),
    "rmsprop": RMSprop,
    "sgd": SGD,
}


def make_optimizer(name: str, parameters: Parameters, **settings: Any) -> Optimizer:
    """The optimiser called ``name``, one of :data:`OPTIMIZERS`; ``settings`` go to its constructor.

    Raises UsageError that lists the choices for an unknown name or an unknown setting.
    """
    make = chosen(OPTIMIZERS, "optimizer", name, settings, skip=1)
    optimizer: Optimizer = make(parameters, **settings)
    return optimizer
