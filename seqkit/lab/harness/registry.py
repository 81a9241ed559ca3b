"""Experiments by the names of their files."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from pathlib import Path

from seqkit.errors import UsageError
from seqkit.lab.harness.experiment import Experiment

_FOLDER = Path(__file__).parents[1]


def names() -> list[str]:
    """All names, in alphabetical order."""
    return sorted(
        found.name.replace("_", "-") for found in pkgutil.iter_modules([str(_FOLDER)]) if not found.ispkg
    )


def experiment(name: str) -> Experiment:
    """The experiment of that name. UsageError with the nearest one where there is none."""
    if name not in names():
        close = difflib.get_close_matches(name, names(), n=1)
        remedy = f"did you mean {close[0]}?" if close else "seqkit lab list shows all"
        raise UsageError(f"no experiment {name!r}", remedy=remedy)
    found: Experiment = importlib.import_module(f"seqkit.lab.{name.replace('-', '_')}").EXPERIMENT
    return found


def experiments() -> list[Experiment]:
    """All of them in the order of the course."""
    return sorted((experiment(name) for name in names()), key=lambda one: (one.chapter, one.name))
