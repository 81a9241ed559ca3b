"""The harness that runs, judges, saves and draws experiments."""

from seqkit.lab.harness.experiment import Criterion, Experiment, Numbers, Setup

__all__ = ["Criterion", "Experiment", "Numbers", "Setup"]
