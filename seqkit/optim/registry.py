"""The optimisers and schedules by the names that commands and settings use.

A new optimiser is a class of its own file and a row of :data:`OPTIMIZERS`; a new schedule a class in
``schedules.py`` and a row of :data:`SCHEDULES`.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from seqkit.errors import UsageError
from seqkit.optim.adagrad import AdaGrad
from seqkit.optim.adam import Adam, AdamW
from seqkit.optim.averaged_sgd import AveragedSGD
from seqkit.optim.base import Optimizer
from seqkit.optim.parameters import Parameters
from seqkit.optim.rmsprop import RMSprop
from seqkit.optim.schedules import (
    Constant,
    Cosine,
    DivideOnPlateau,
    HoldThenDivide,
    InverseSquareRoot,
    Linear,
    Schedule,
    StepDecay,
)
from seqkit.optim.sgd import SGD


@dataclass(frozen=True)
class OptimizerEntry:
    """A row of :data:`OPTIMIZERS`."""

    create: Callable[..., Optimizer]
    """The class, with arguments that its name implies."""
    lr: float
    """Learning rate where none is given; a task may have its own."""
    schedule: str
    """Schedule where none is given; a task may have its own."""
    settings: Mapping[str, Callable[[float], dict[str, Any]]] = field(default_factory=dict)
    """Training settings that only some optimisers take, each with the arguments that its value means."""

    def arguments(self, **values: float) -> dict[str, Any]:
        """Return the constructor arguments for those of ``values`` that this optimiser takes."""
        taken: dict[str, Any] = {}
        for name, convert in self.settings.items():
            taken |= convert(values[name])
        return taken


_MOMENTUM = {"momentum": lambda value: {"momentum": value}}
_PATIENCE = {"averaging_patience": lambda value: {"patience": int(value)}}
_BETA2 = {"beta2": lambda value: {"betas": (0.9, value)}}

OPTIMIZERS: dict[str, OptimizerEntry] = {
    "sgd": OptimizerEntry(SGD, 1.0, "plateau"),
    "momentum": OptimizerEntry(partial(SGD, momentum=0.9), 0.1, "plateau", _MOMENTUM),
    "nesterov": OptimizerEntry(partial(SGD, momentum=0.9, nesterov=True), 0.1, "plateau", _MOMENTUM),
    "nt-asgd": OptimizerEntry(AveragedSGD, 1.0, "constant", _PATIENCE),
    "adagrad": OptimizerEntry(AdaGrad, 0.05, "constant"),
    "rmsprop": OptimizerEntry(RMSprop, 0.001, "constant"),
    "adam": OptimizerEntry(Adam, 0.001, "constant", _BETA2),
    "adamw": OptimizerEntry(AdamW, 0.001, "constant", _BETA2),
}

SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "constant": Constant,
    "cosine": Cosine,
    "inverse-sqrt": InverseSquareRoot,
    "linear": Linear,
    "plateau": DivideOnPlateau,
    "step": StepDecay,
    "zaremba": HoldThenDivide,
}


def make_optimizer(name: str, parameters: Parameters, **settings: Any) -> Optimizer:
    """Create an optimiser by its name.

    Args:
        name: A key of :data:`OPTIMIZERS`.
        parameters: Tensors, or (name, tensor) pairs as ``module.named_parameters()`` gives them.
        **settings: Arguments of its constructor, such as ``lr``.

    Raises:
        UsageError: An unknown name or setting; lists the choices.

    Example:
        >>> model = seqkit.nn.Linear(4, 2)
        >>> optimizer = seqkit.optim.make_optimizer("adam", model.parameters(), lr=0.01)
    """
    create = _look_up("optimizer", {key: entry.create for key, entry in OPTIMIZERS.items()}, name)
    _check_arguments("optimizer", name, create, settings, skip=1)
    optimizer: Optimizer = create(parameters, **settings)
    return optimizer


def make_schedule(name: str, **settings: Any) -> Schedule:
    """Create a schedule by its name.

    Args:
        name: A key of :data:`SCHEDULES`.
        **settings: Arguments of its constructor.

    Raises:
        UsageError: An unknown name or setting; lists the choices.

    Example:
        >>> make_schedule("cosine", total_steps=100, warmup=10).at(step=10, epoch=0.0)
        1.0
    """
    create = _look_up("schedule", SCHEDULES, name)
    _check_arguments("schedule", name, create, settings)
    schedule: Schedule = create(**settings)
    return schedule


def make_run_schedule(name: str, total_steps: int, warmup: int = 0, floor: float = 0.0) -> Schedule:
    """Create the schedule of a training of ``total_steps``; "linear" and "cosine" end at its last step."""
    if name in ("linear", "cosine"):
        return make_schedule(name, total_steps=max(total_steps, warmup + 1), warmup=warmup, floor=floor)
    if name == "inverse-sqrt":
        return make_schedule(name, warmup=max(warmup, 1))
    return make_schedule(name)


def _look_up(what: str, table: Mapping[str, object], name: str) -> Any:
    if name not in table:
        raise UsageError(f"no {what} {name!r}", remedy=f"choose one of {', '.join(table)}")
    return table[name]


def _check_arguments(
    what: str, name: str, create: Callable[..., Any], settings: Mapping[str, object], skip: int = 0
) -> None:
    """Raise UsageError unless ``create`` takes ``settings`` and needs no more after ``skip`` parameters."""
    accepted = dict(list(inspect.signature(create).parameters.items())[skip:])
    unknown = sorted(settings.keys() - accepted.keys())
    if unknown:
        raise UsageError(
            f"{what} {name!r} has no setting {', '.join(unknown)}", remedy=f"it takes {', '.join(accepted)}"
        )
    absent = [
        key for key, p in accepted.items() if p.default is inspect.Parameter.empty and key not in settings
    ]
    if absent:
        raise UsageError(f"{what} {name!r} needs {', '.join(absent)}")
