"""What experiments are run, judged, saved and drawn with."""

from seqkit.lab.harness.drawing import draw, write
from seqkit.lab.harness.experiment import Experiment, Numbers, Setup
from seqkit.lab.harness.registry import experiment, experiments, names
from seqkit.lab.harness.results import Results, run
from seqkit.lab.harness.verdict import Criterion, Finding, Verdict

__all__ = [
    "Criterion",
    "Experiment",
    "Finding",
    "Numbers",
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
