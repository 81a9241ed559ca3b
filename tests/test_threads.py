"""How many threads there are, and that BLAS's make room for others."""

from __future__ import annotations

import pytest

from tests.backend.test_kernel_dispatch import run_python


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import seqkit", "20"),
        ("import numpy, seqkit", "None"),
        ("import os; os.environ['OPENBLAS_THREAD_TIMEOUT'] = '7'; import seqkit", "7"),
    ],
)
def test_openblas_is_asked_to_sleep_before_numpy_comes(code: str, said: str) -> None:
    look = (
        "import os; os.environ.pop('OPENBLAS_THREAD_TIMEOUT', None)\n"
        f"{code}\nimport os\nprint(os.environ.get('OPENBLAS_THREAD_TIMEOUT'))"
    )
    assert run_python(look).stdout == said + "\n"
