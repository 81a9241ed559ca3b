"""Commands without a home, without open streams, with few file descriptors, with names that are not UTF-8."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from seqkit.cli import main
from tests.cli.conftest import Seqkit
from tests.exhaustive import some
from tests.training.tiny import TINY, environment, flags, python, write_corpus

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="POSIX's surroundings")]

TRAIN = ["train-lm", "text.txt", *flags({**TINY, "epochs": 1}), "--out", "run"]
ODD = os.fsdecode(b"caf\xe9")

NOBODY = """
import pwd, sys
def nobody(uid):
    raise KeyError(f"getpwuid(): uid not found: {uid}")
pwd.getpwuid = nobody
from seqkit.cli import main
main(sys.argv[1:])
"""


def test_a_user_without_a_home_and_an_entry_in_the_password_file(tmp_path: Path) -> None:
    write_corpus(tmp_path / "text.txt")
    homeless = {
        name: value
        for name, value in environment(TMPDIR=str(tmp_path)).items()
        if name not in ("HOME", "SEQKIT_CACHE", "SEQKIT_DATA", "XDG_CACHE_HOME", "XDG_DATA_HOME")
    }
    private = tmp_path / f"seqkit-{os.geteuid()}"

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return python("-c", NOBODY, *arguments, cwd=tmp_path, env={**homeless, **variables})

    told = run("doctor")
    assert (told.returncode, str(private / "home") in told.stdout) == (0, True), told.stderr
    done = run(*TRAIN, SEQKIT_KERNELS="reference")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert private.stat().st_mode & 0o777 == 0o700
    nltk = run("corpora", "info", "nltk:brown")
    assert "Traceback" not in nltk.stderr
    lines = run("train-lm", "nltk:gutenberg", "--dry-run")
    assert (lines.returncode, lines.stdout) == (1, "")
    assert lines.stderr.startswith("error: ")


def closed(*numbers: int) -> Callable[[], None]:
    def close() -> None:
        for number in numbers:
            os.close(number)

    return close


@pytest.mark.parametrize("numbers", some([(0, 1, 2), (0,), (1,), (2,)], 4))
def test_closed_standard_streams(numbers: tuple[int, ...], lstm: Path, tmp_path: Path) -> None:
    (tmp_path / "few.txt").write_text("the cat sat\n")
    for arguments in (["score", str(lstm), "few.txt"], ["score", str(lstm)], ["--version"]):
        done = subprocess.run(
            [sys.executable, "-m", "seqkit", *arguments],
            cwd=tmp_path,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            preexec_fn=closed(*numbers),
            timeout=120,
        )
        assert "Traceback" not in done.stderr
        if 0 in numbers and arguments == ["score", str(lstm)]:
            assert done.returncode == 2, done.stderr
        else:
            assert done.returncode in (0, 1), done.stderr
        if "few.txt" in arguments:
            assert done.returncode == 0, done.stderr
            assert (done.stdout != "") == (1 not in numbers)


def test_twenty_file_descriptors(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    write_corpus(tmp_path / "text.txt")
    limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))  # noqa: E731
    done = python("-m", "seqkit", *TRAIN, cwd=tmp_path, preexec_fn=limit)
    assert done.returncode == 0, done.stderr
    done = python("-m", "seqkit", "eval-lm", "run", cwd=tmp_path, preexec_fn=limit)
    assert done.returncode == 0, done.stderr


def test_files_and_folders_whose_names_are_not_utf_8(
    seqkit: Seqkit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ODD
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("the file system has no such names")
    monkeypatch.chdir(folder)
    write_corpus(folder / f"{ODD}.txt")
    train = ["train-lm", f"{ODD}.txt", *flags({**TINY, "epochs": 1}), "--out", f"run{ODD}"]
    assert seqkit(*train).code == 0
    assert seqkit(*train, "--resume", "--epochs", "2").code == 0
    assert seqkit("eval-lm", f"run{ODD}", "--json").json["perplexity"] > 1
    assert seqkit("score", f"run{ODD}", f"{ODD}.txt").out.count("\n") == 120
    pytest.importorskip("matplotlib")
    assert seqkit("plot", "curves", f"run{ODD}", "--out", f"{ODD}.png").code == 0
    assert (folder / f"{ODD}.png").stat().st_size > 0


def test_the_end_of_a_file_is_no_interruption(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Click takes EOFError for the end of what a user types."""

    def ends(*_: object, **__: object) -> None:
        raise EOFError("Ran out of input")

    monkeypatch.setattr("seqkit.corpora.corpus_status", ends)
    with pytest.raises(SystemExit) as stop:
        main(["corpora", "list"])
    assert stop.value.code == 1
    assert capfd.readouterr().err.lstrip() == "error: unexpected end of a file or of the standard input\n"
