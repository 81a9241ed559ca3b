"""Compiled code is the same whether it was just compiled or found; a damaged file is compiled again."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

pytest.importorskip("numba", reason="Numba is not installed: the compiled kernels do not run")

from seqkit.backend.kernels import object_code
from tests.backend.test_kernel_dispatch import run_python
from tests.training.tiny import environment, python, write_corpus

DRAW = "from seqkit.backend.random import Generator; print(Generator(0).words(2).tolist())"


def object_file(cache: Path) -> Path:
    (path,) = cache.rglob("philox*.o")
    return path


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "other"])
def test_a_damaged_file_is_compiled_again(damage: str, tmp_path: Path) -> None:
    expected = run_python(DRAW, SEQKIT_CACHE=str(tmp_path)).stdout
    path = object_file(tmp_path)
    whole = path.read_bytes()
    half = len(whole) // 2
    damaged = {
        "empty": b"",
        "cut": whole[:half],
        "flipped": whole[:half] + bytes([whole[half] ^ 1]) + whole[half + 1 :],
        "other": b"another format\n" + whole,
    }[damage]
    path.write_bytes(damaged)
    again = run_python(DRAW, SEQKIT_CACHE=str(tmp_path))
    assert again.stdout == expected
    assert "compiling kernels: philox" in again.stderr
    assert path.read_bytes() != damaged
    found = run_python(DRAW, SEQKIT_CACHE=str(tmp_path))
    assert (found.stdout, found.stderr) == (expected, "")
    assert {file.suffix for file in path.parent.iterdir()} == {".o"}


def test_a_training_does_not_depend_on_the_cache(tmp_path: Path) -> None:
    """The first training of a machine, which compiles, and the second have the same weights, bit by bit."""
    corpus, cache = write_corpus(tmp_path / "text.txt"), str(tmp_path / "cache")
    found = []
    for run in ("empty", "warm"):
        python(
            *("-m", "seqkit", "train-lm", str(corpus), "--model", "transformer", "--positions", "rotary"),
            *("--emsize", "64", "--context-length", "32", "--batch-size", "8", "--max-steps", "4"),
            *("--seed", "3", "--quiet", "--out", str(tmp_path / run)),
            env=environment(SEQKIT_CACHE=cache),
            check=True,
            timeout=600,
        )
        found.append(hashlib.sha256((tmp_path / run / "model.safetensors").read_bytes()).hexdigest())
    assert found[0] == found[1]


@pytest.mark.skipif(os.name == "nt", reason="the modes are POSIX's")
@pytest.mark.parametrize("shared", ["cache", "kernels", "digest", "file", "owner", "file's owner"])
def test_a_planted_file_is_not_run(shared: str, tmp_path: Path) -> None:
    """Another's file, or one that others could have changed, is not loaded, whatever its checksum."""
    if "owner" in shared and os.geteuid() != 0:
        pytest.skip("only root can give files away")
    cache, private = tmp_path / "cache", tmp_path / "private"
    private.mkdir()
    variables = {"SEQKIT_CACHE": str(cache), "TMPDIR": str(private)}
    expected = run_python(DRAW, **variables).stdout
    path = object_file(cache)
    name, code = object_code._read(path) or ("", b"")
    object_code._write(path, "nothing", code)  # running it would fail
    target = {"cache": cache, "kernels": cache / "kernels", "digest": path.parent, "owner": path.parent}
    if "owner" in shared:
        os.chown(target.get(shared, path), 12345, -1)
    else:
        target.get(shared, path).chmod(0o777)
    first, second = (run_python(DRAW, **variables) for _ in range(2))
    assert (first.stdout, second.stdout) == (expected, expected)
    if "file" in shared:
        assert object_code._read(path) is not None
        assert second.stderr == ""
    else:
        (line,) = second.stderr.splitlines()
        assert line.startswith(f"compiled kernels are kept in {private}")
        assert f": {target[shared]} belongs to another user or can be written by others" in line
        assert object_file(private).stat().st_mode & 0o077 == 0
