"""The laboratory: experiments, each with a claim, criteria and a verdict.

Every module of this folder is an experiment; to add one, add a file. The harness that runs them is in
``harness/``.
"""

from seqkit.lab.harness.drawing import draw
from seqkit.lab.harness.experiment import (
    Criterion,
    Experiment,
    Setup,
    Verdict,
    all_experiments,
    experiment_names,
    get_experiment,
)
from seqkit.lab.harness.results import Results, run_experiment

__all__ = [
    "Criterion",
    "Experiment",
    "Results",
    "Setup",
    "Verdict",
    "all_experiments",
    "draw",
    "experiment_names",
    "get_experiment",
    "run_experiment",
]
