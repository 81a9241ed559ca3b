"""The registry of experiments: every file ``seqkit/lab/NAME.py`` that defines ``EXPERIMENT``."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from pathlib import Path

from seqkit.errors import UsageError
from seqkit.lab.harness.experiment import Experiment

_FOLDER = Path(__file__).parents[1]


def experiment_names() -> list[str]:
    """Return the names of all experiments in alphabetical order."""
    modules = pkgutil.iter_modules([str(_FOLDER)])
    return sorted(module.name.replace("_", "-") for module in modules if not module.ispkg)


def get_experiment(name: str) -> Experiment:
    """Return the experiment of that name.

    Raises:
        UsageError: There is none; the message suggests a similar name.

    """
    names = experiment_names()
    if name not in names:
        similar = difflib.get_close_matches(name, names, n=1)
        remedy = f"did you mean {similar[0]}?" if similar else "`seqkit lab list` shows all"
        raise UsageError(f"no experiment {name!r}", remedy=remedy)
    module = importlib.import_module(f"seqkit.lab.{name.replace('-', '_')}")
    experiment: Experiment = module.EXPERIMENT
    return experiment


def all_experiments() -> list[Experiment]:
    """Return all experiments in the order of the course."""
    experiments = map(get_experiment, experiment_names())
    return sorted(experiments, key=lambda experiment: (experiment.chapter, experiment.name))
