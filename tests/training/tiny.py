"""A corpus and a model that train in a moment, shared by the tests of training, tasks and commands."""

import contextlib
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seqkit.tasks.language_modeling import LanguageModelSettings

ROOT = Path(__file__).parents[2]
WORDS = ("the", "a", "cat", "dog", "sat", "ran", "on", "to", "mat", "house", "red", "big")

TINY: dict[str, Any] = {
    "embedding_size": 8,
    "hidden_size": 8,
    "num_layers": 1,
    "optimizer": "adamw",
    "batch_size": 4,
    "bptt": 5,
    "epochs": 2,
    "tokenizer": "word",
}
"""Settings that train in a tenth of a second."""


def write_corpus(path: Path, *, lines: int = 120, seed: int = 1) -> Path:
    """A text file of random sentences: about 7 tokens a line."""
    source = random.Random(seed)
    text = [" ".join(source.choices(WORDS, k=source.randint(4, 9))) for _ in range(lines)]
    path.write_text("\n".join(text) + "\n", "utf-8")
    return path


def flags(settings: dict[str, Any]) -> list[str]:
    """Settings as command-line flags."""
    flags = LanguageModelSettings.flags
    return [part for name, value in settings.items() for part in (f"--{flags(name)[0]}", str(value))]


def without_notice(err: str) -> str:
    """Standard error of a process, without the line that says once that Numba is missing."""
    return "".join(line for line in err.splitlines(True) if "slower NumPy kernels" not in line)


def python(*arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    """Run this Python on ``arguments`` in a new process, with one thread of matrix products."""
    settings = {"timeout": 120, "capture_output": True, "text": True, "env": environment(), **settings}
    return subprocess.run([sys.executable, *arguments], **settings)


def python_path() -> str:
    """The tree under test, then the caller's own PYTHONPATH, which may hide Numba."""
    return os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])


def environment(**variables: str) -> dict[str, str]:
    """The environment of such a process."""
    threads = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "BLIS_NUM_THREADS")
    return {**os.environ, **dict.fromkeys(threads, "1"), "PYTHONPATH": python_path(), **variables}


@contextlib.contextmanager
def cache_set(folder: Path) -> Iterator[None]:
    """Use ``folder`` as the cache in a fixture of a session, where ``own_cache`` is not in force."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQKIT_CACHE", str(folder))
        yield
