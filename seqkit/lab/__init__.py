"""The laboratory: one short file an experiment, each with a claim, its margin and a verdict.

Every module of this folder is an experiment; what they are run, judged, saved and drawn with lies in
``harness/``.
"""

from seqkit.lab.harness import (
    Criterion,
    Experiment,
    Results,
    Setup,
    Verdict,
    draw,
    experiment,
    experiments,
    names,
    run,
    write,
)

__all__ = [
    "Criterion",
    "Experiment",
    "Results",
    "Setup",
    "Verdict",
    "draw",
    "experiment",
    "experiments",
    "names",
    "run",
    "write",
]
