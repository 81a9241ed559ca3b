"""Recycled memory and other processes. What it promises to ops stands in tests/autograd/test_contract.py."""

from __future__ import annotations

import os
import sys

import pytest

from tests.backend.test_kernel_dispatch import run_python


@pytest.mark.skipif(not hasattr(os, "fork") or sys.platform == "darwin", reason="no fork on this platform")
def test_a_forked_process_has_memory_of_its_own() -> None:
    """What a worker writes must not appear in the arrays of its parent."""
    code = """
import os
import numpy as np
from seqkit.backend import empty
x = empty(np, (256, 1024), np.float32)
x[...] = 1
child = os.fork()
if child == 0:
    x[...] = 2
    os._exit(0)
os.waitpid(child, 0)
print(x.min(), x.max())
"""
    assert run_python("import warnings; warnings.simplefilter('ignore')\n" + code).stdout == "1.0 1.0\n"
