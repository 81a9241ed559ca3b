"""The harness that runs, judges, saves and draws experiments."""

from seqkit.lab.harness.experiment import Experiment, Numbers, Setup
from seqkit.lab.harness.verdict import Criterion

__all__ = ["Criterion", "Experiment", "Numbers", "Setup"]
