"""Whole trainings, and each difference of seqkit/platforms.py, on a simulated Windows."""

import errno
import io
import mmap
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from seqkit import platforms
from seqkit.errors import RunError
from seqkit.files import FileLock, write_atomically
from seqkit.training.signals import hangup_ignored
from tests.training.tiny import environment, write_corpus
from tests.windows import fault_of_name, windows

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the simulation needs /proc/self")


@pytest.fixture
def on_windows() -> Iterator[None]:
    with windows():
        yield


# Whole trainings

COMMANDS = """
import sys
from seqkit.cli import main

for line in sys.argv[1:]:
    try:
        main(line.split())
    except SystemExit as end:
        assert not end.code, (line, end.code)
"""
TINY = "--epochs 2 --emsize 8 --nhid 8 --batch-size 4 --tokenizer word --checkpoint-interval 0 --quiet"


def run_on_windows(code: str, folder: Path, *arguments: str) -> str:
    (folder / "code.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "-m", "tests.windows", "code.py", *arguments],
        cwd=folder, env=environment(SEQKIT_KERNELS="reference"), capture_output=True, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_language_model_is_trained_resumed_and_used(tmp_path: Path) -> None:
    write_corpus(tmp_path / "text.txt")
    said = run_on_windows(
        COMMANDS,
        tmp_path,
        f"train-lm text.txt --out run {TINY}",
        "train-lm text.txt --out run --resume --epochs 3 --quiet",
        "eval-lm run",
        "generate run --prompt the",
        "score run text.txt",
        "export run --to safetensors",
    )
    assert "perplexity" in said


def test_word_vectors_are_trained_and_saved_over_those_that_are_open(tmp_path: Path) -> None:
    write_corpus(tmp_path / "text.txt")
    code = """
import seqkit
model = seqkit.Word2Vec(corpus_file="text.txt", vector_size=7, min_count=1, workers=1, epochs=1)
model.wv.save("words.safetensors")
for mmap in ("r", None):
    vectors = seqkit.KeyedVectors.load("words.safetensors", mmap=mmap)
    vectors.save("words.safetensors")
vectors.save_word2vec_format("words.txt")
vectors = seqkit.KeyedVectors.load_word2vec_format("words.txt")
vectors.save_word2vec_format("words.txt")
print(vectors.most_similar("cat", topn=1)[0][0])
"""
    assert run_on_windows(code, tmp_path).split()


# Differences


def test_files_opened_for_reading_are_not_flushed(tmp_path: Path, on_windows: None) -> None:
    (tmp_path / "file").write_bytes(b"1")
    with open(tmp_path / "file", "rb") as file, pytest.raises(OSError, match="Bad file descriptor"):
        platforms.flush_file(file)
    with open(tmp_path / "file", "r+b") as file:
        platforms.flush_file(file)
    platforms.flush_folder(tmp_path)
    with pytest.raises(PermissionError):
        os.open(tmp_path, os.O_RDONLY)


def test_a_file_that_is_open_elsewhere_is_replaced_when_it_is_closed(
    tmp_path: Path, on_windows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_atomically(tmp_path / "file", b"old")
    reader = open(tmp_path / "file", "rb")  # noqa: SIM115  # closed while the writer waits
    waits = iter([None, None, reader])

    def sleep(seconds: float) -> None:
        if (waiting := next(waits)) is not None:
            waiting.close()

    monkeypatch.setattr(platforms.time, "sleep", sleep)
    write_atomically(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"


def test_a_file_that_stays_open_is_named(
    tmp_path: Path, on_windows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platforms.time, "sleep", lambda seconds: None)
    write_atomically(tmp_path / "file", b"old")
    with (
        open(tmp_path / "file", "rb") as held,
        mmap.mmap(held.fileno(), 0, access=mmap.ACCESS_READ),
        pytest.raises(RunError, match="some program has it open"),
    ):
        write_atomically(tmp_path / "file", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("writable", [False, True])
def test_what_was_read_from_a_file_leaves_it_replaceable(
    tmp_path: Path, on_windows: None, writable: bool
) -> None:
    write_atomically(tmp_path / "file", b"1234")
    memory = platforms.map_file(tmp_path / "file", writable=writable)
    array = np.frombuffer(memory, np.uint8)
    assert array.flags.writeable == writable
    write_atomically(tmp_path / "file", b"5678")
    assert bytes(array) == b"1234"


def test_locks_exclude_and_leave_the_content_readable(tmp_path: Path, on_windows: None) -> None:
    (tmp_path / "file").write_bytes(b"content")
    first, second = FileLock(tmp_path / "file"), FileLock(tmp_path / "file")
    assert first.acquire()
    assert not second.acquire()
    assert (tmp_path / "file").read_bytes() == b"content"
    first.release()
    assert second.acquire()
    second.release()


def test_calls_that_are_missing_are_not_made(on_windows: None) -> None:
    assert platforms.user_id() is None
    assert platforms.usable_cores() == os.cpu_count()
    platforms.after_fork(lambda: None)
    with platforms.private_memory(1 << 16) as block:
        block[:2] = b"12"
        platforms.release_pages(block, 0, len(block))
        assert block[:2] == b"12"
    with hangup_ignored():
        pass
    assert not hasattr(signal, "SIGHUP")


def test_a_closed_pipe_is_an_invalid_argument(on_windows: None) -> None:
    assert platforms.is_closed_pipe(OSError(errno.EINVAL, "Invalid argument"))
    assert not platforms.is_closed_pipe(OSError(errno.EINVAL, "Invalid argument", "a:b"))
    assert platforms.is_closed_pipe(BrokenPipeError())


class _Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "encoding", "expected"),
    [
        (io.TextIOWrapper, "cp1252", "日本\n".encode()),
        (io.TextIOWrapper, "cp932", "日本\n".encode()),
        (_Terminal, "cp1252", b"??" + os.linesep.encode()),
        (_Terminal, "cp932", "日本".encode("cp932") + os.linesep.encode()),
        (_Terminal, "utf-8", "日本".encode() + os.linesep.encode()),
    ],
)
def test_any_text_is_printed(
    stream: type[io.TextIOWrapper],
    encoding: str,
    expected: bytes,
    on_windows: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PYTHONIOENCODING", raising=False)
    content = io.BytesIO()
    out = stream(content, encoding=encoding)
    platforms.print_any_text(out)
    print("日本", file=out, flush=True)
    assert content.getvalue() == expected


def test_an_encoding_that_the_user_chose_stays(on_windows: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    out = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    platforms.print_any_text(out)
    assert out.encoding == "latin-1"


# File names


@pytest.mark.parametrize("name", ["a:b", "aux.txt", "CON", "com1", "a ", "a.", "a?", 'a"b'])
def test_forbidden_names_are_known(name: str) -> None:
    assert fault_of_name(name)


@pytest.mark.parametrize("name", ["a.b", "console", "common.py", "a b", "日本", ".new-1", "aux2"])
def test_allowed_names_are_known(name: str) -> None:
    assert fault_of_name(name) is None


def test_tracked_files_can_be_checked_out_everywhere() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, encoding="utf-8")
    if listed.returncode:
        pytest.skip("not a git checkout")
    names = listed.stdout.splitlines()
    assert [name for name in names for part in name.split("/") if fault_of_name(part)] == []
    assert len({name.casefold() for name in names}) == len(names)
    assert max(map(len, names)) < 120, "with the folder of the checkout, Windows takes 260 characters"


def test_files_of_corpora_can_be_stored_everywhere() -> None:
    from seqkit.corpora import REGISTRY

    for entry in REGISTRY.values():
        parts = [part for file in entry.files for part in (entry.folder(Path()) / file.name).parts]
        assert [part for part in parts if fault_of_name(part)] == []
        assert len({file.name.casefold() for file in entry.files}) == len(entry.files)
