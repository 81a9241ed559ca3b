"""Ours beside a peer, in one run: ``python -m benchmarks NAME --against PEER [--json]``."""

import seqkit as seqkit  # before NumPy, as the commands import it: see seqkit.threads
