"""A module that hides the real package, so that a test run sees an installation without Numba."""

raise ModuleNotFoundError("Numba is hidden from this run", name="numba")
