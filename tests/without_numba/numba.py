"""Stands before the real package on the path, so that a test run sees an installation without Numba."""

raise ModuleNotFoundError("Numba is hidden from this run", name="numba")
