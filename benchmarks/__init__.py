"""Benchmarks against peers, measured together: ``python -m benchmarks NAME --against PEER [--json]``."""

import seqkit as seqkit  # before NumPy, as the commands import it: see seqkit.threads
