"""Optimisers, learning-rate schedules and gradient clipping."""

from seqkit.optim.adagrad import AdaGrad
from seqkit.optim.adam import Adam, AdamW
from seqkit.optim.averaged_sgd import AveragedSGD
from seqkit.optim.base import Optimizer
from seqkit.optim.clipping import clip_grad_norm, clip_grad_value
from seqkit.optim.registry import (
    OPTIMIZERS,
    SCHEDULES,
    OptimizerEntry,
    make_optimizer,
    make_run_schedule,
    make_schedule,
)
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

__all__ = [
    "OPTIMIZERS",
    "SCHEDULES",
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "AveragedSGD",
    "Constant",
    "Cosine",
    "DivideOnPlateau",
    "HoldThenDivide",
    "InverseSquareRoot",
    "Linear",
    "Optimizer",
    "OptimizerEntry",
    "RMSprop",
    "Schedule",
    "StepDecay",
    "clip_grad_norm",
    "clip_grad_value",
    "make_optimizer",
    "make_run_schedule",
    "make_schedule",
]
