"""Stands before the real package on the path, so that a test run sees an installation without Numba."""

raise ImportError("Numba is hidden from this run")
