"""No cut and no flipped byte of a run is believed."""

import hashlib
import json
import os
import re
import shutil
import struct
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seqkit
from seqkit.errors import DamagedFileError, RunError
from seqkit.tasks.language_modeling import LanguageModelSettings, train
from seqkit.training import RunDirectory, checksummed
from tests.exhaustive import some
from tests.training.tiny import cache_set, write_corpus

FILES = ("config.json", "vocab.txt", "model.safetensors", "last.safetensors", "log.jsonl")


@pytest.fixture(scope="module")
def smallest_run(tmp_path_factory: pytest.TempPathFactory, cache_folder: Path) -> Path:
    """A finished run of a few kilobytes."""
    folder = tmp_path_factory.mktemp("smallest")
    corpus = write_corpus(folder / "c.txt", lines=40)
    settings = LanguageModelSettings(
        corpus=str(corpus),
        model="rnn",
        embedding_size=1,
        hidden_size=1,
        batch_size=1,
        bptt=50,
        epochs=1,
        optimizer="sgd",
        lr=0.1,
        vocab_size=5,
        log_interval=3,
    )
    with cache_set(cache_folder):
        train(settings, folder / "run")
    return folder / "run"


@pytest.fixture
def expendable(smallest_run: Path, tmp_path: Path) -> Path:
    """A copy of that run."""
    for name in FILES:
        (tmp_path / name).write_bytes((smallest_run / name).read_bytes())
    seqkit.load(tmp_path)
    return tmp_path


def read(run: Path, name: str) -> None:
    """Load the model, or the checkpoint and the log if the file belongs to these."""
    if name in ("last.safetensors", "log.jsonl"):
        RunDirectory.open(run).load_checkpoint()
    else:
        seqkit.load(run)


def refused(run: Path, name: str, versions: Iterator[bytes]) -> int:
    """Load the run with each version of a file; how many there were. Every one must be refused by name."""
    whole = (run / name).read_bytes()
    count, believed, unnamed = 0, [], []
    for version in versions:
        assert version != whole
        (run / name).write_bytes(version)
        try:
            read(run, name)
            believed.append(count)
        except DamagedFileError as error:
            unnamed += [] if str(run / name) in str(error) else [count]
        count += 1
    (run / name).write_bytes(whole)
    seqkit.load(run)
    assert (believed, unnamed) == ([], [])
    return count


@pytest.mark.parametrize("name", FILES)
def test_every_flip_of_a_byte_is_refused_by_name(expendable: Path, name: str) -> None:
    """One bit of each byte, or all eight of them; of every seventh byte if not all are tried."""
    data = (expendable / name).read_bytes()
    places = some(range(len(data)), 7)

    def flips() -> Iterator[bytes]:
        for i in places:
            yield data[:i] + bytes([data[i] ^ (1 << i % 9 if i % 9 < 8 else 0xFF)]) + data[i + 1 :]

    assert refused(expendable, name, flips()) == len(places)


@pytest.mark.parametrize("name", FILES)
def test_every_truncation_is_refused_by_name(expendable: Path, name: str) -> None:
    data = (expendable / name).read_bytes()
    lengths = some(range(len(data)), 7)
    assert refused(expendable, name, (data[:length] for length in lengths)) == len(lengths)


@pytest.mark.parametrize("name", ["config.json", "vocab.txt", "model.safetensors", "last.safetensors"])
def test_bytes_at_the_end_are_refused(expendable: Path, name: str) -> None:
    data = (expendable / name).read_bytes()
    assert refused(expendable, name, (data + tail for tail in (b"\0", b"\n", b" ", data))) == 4


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "last.safetensors"])
def test_the_checksum_in_capitals_is_not_as_written(expendable: Path, name: str) -> None:
    data = (expendable / name).read_bytes()
    digest = re.findall(rb'sha256": ?"([0-9a-f]{64})"', data)[-1]
    assert refused(expendable, name, iter([data.replace(digest, digest.upper())])) == 1


@pytest.mark.parametrize("name", ["vocab.txt", "model.safetensors"])
def test_a_missing_file_is_named(expendable: Path, name: str) -> None:
    (expendable / name).unlink()
    with pytest.raises(RunError, match=name.replace(".", r"\.")):
        seqkit.load(expendable)


def test_files_of_another_run_are_refused(expendable: Path) -> None:
    """A whole file with a good checksum, but of a model of another size."""
    arrays, metadata = checksummed.read_tensors(expendable / "model.safetensors")
    arrays["output.bias"] = np.zeros(99, np.float32)
    checksummed.write_tensors(expendable / "model.safetensors", arrays, metadata)
    with pytest.raises(DamagedFileError, match=r"model\.safetensors.*output.bias.*\(5,\), got \(99,\)"):
        seqkit.load(expendable)


# Tensors


@pytest.fixture
def tensors(tmp_path: Path) -> Path:
    path = tmp_path / "t.safetensors"
    arrays = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array(7, np.int64)}
    checksummed.write_tensors(path, arrays, {"text": 'ä\n"seqkit.sha256":"', "number": 0.1})
    return path


def test_tensors_and_metadata_come_back(tensors: Path) -> None:
    arrays, metadata = checksummed.read_tensors(tensors)
    np.testing.assert_array_equal(arrays["a"], [[0, 1, 2], [3, 4, 5]])
    assert (arrays["a"].dtype, arrays["b"].dtype, arrays["b"].shape) == (np.float32, np.int64, ())
    assert metadata == {"text": 'ä\n"seqkit.sha256":"', "number": 0.1}


def test_views_and_empty_arrays_are_written_whole(tmp_path: Path) -> None:
    base = np.arange(12, dtype=np.float32).reshape(3, 4)
    arrays = {"transposed": base.T, "strided": base[:, ::2], "none": np.zeros((0, 3), np.float32)}
    checksummed.write_tensors(tmp_path / "t", arrays, {})
    read, metadata = checksummed.read_tensors(tmp_path / "t")
    assert metadata == {}
    for name, value in arrays.items():
        np.testing.assert_array_equal(read[name], value)


def test_other_programs_can_read_them(tensors: Path) -> None:
    from safetensors.numpy import load_file

    np.testing.assert_array_equal(load_file(tensors)["a"], [[0, 1, 2], [3, 4, 5]])


def test_files_of_other_programs_carry_no_checksum(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"a": np.zeros(3)}, tmp_path / "t")
    with pytest.raises(DamagedFileError, match="carries no checksum"):
        checksummed.read_tensors(tmp_path / "t")


@pytest.mark.parametrize("size", [0, 1, 1 << 24, 1 << 40, 1 << 63, (1 << 64) - 1])
def test_a_lying_header_size_is_refused_without_allocation(tensors: Path, size: int) -> None:
    data = tensors.read_bytes()
    tensors.write_bytes(struct.pack("<Q", size) + data[8:])
    tracemalloc.start()
    try:
        with pytest.raises(DamagedFileError, match=r"t\.safetensors is damaged"):
            checksummed.read_tensors(tensors)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


@pytest.mark.parametrize(
    "lie",
    [
        {"data_offsets": [0, 1 << 40]},
        {"data_offsets": [24, 0]},
        {"shape": [1 << 31, 1 << 31]},
        {"dtype": "F64"},
        {"dtype": "Q7"},
    ],
    ids=str,
)
def test_a_lying_header_with_a_good_checksum_is_refused(tensors: Path, lie: dict[str, Any]) -> None:
    data = tensors.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    header["a"] |= lie
    header["__metadata__"]["seqkit.sha256"] = "0" * 64
    text = json.dumps(header, separators=(",", ":")).encode()
    forged = struct.pack("<Q", len(text)) + text + data[8 + size :]
    start = forged.index(b'"seqkit.sha256":"') + len(b'"seqkit.sha256":"')
    digest = hashlib.sha256(forged).hexdigest().encode()
    tensors.write_bytes(forged[:start] + digest + forged[start + 64 :])
    with pytest.raises(DamagedFileError, match=r"t\.safetensors is damaged"):
        checksummed.read_tensors(tensors)


# Tensors mapped into memory


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEQKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "verified"


def checks(path: Path) -> bool:
    """Whether the content of the mapped tensors has to be checked."""
    check, _ = checksummed.map_tensors(path, lambda arrays, check: check)
    return check


def test_a_mapped_file_is_verified_once(tensors: Path, cache: Path) -> None:
    arrays, metadata = checksummed.map_tensors(tensors, lambda arrays, check: arrays)
    np.testing.assert_array_equal(arrays["a"], [[0, 1, 2], [3, 4, 5]])
    assert not arrays["a"].flags.writeable
    assert metadata["number"] == 0.1
    assert not checks(tensors)
    os.utime(tensors, ns=(1, 1))  # as if written again
    assert checks(tensors)
    assert not checks(tensors)
    shutil.copy2(tensors, copy := tensors.with_name("copy"))
    assert checks(copy)
    for name in cache.iterdir():
        name.write_text("{}")
    assert checks(tensors)
    for name in cache.iterdir():
        name.chmod(0o666)  # others might have written it
    assert checks(tensors)


def test_a_mapped_file_that_is_damaged_is_refused_each_time(tensors: Path, cache: Path) -> None:
    data = bytearray(tensors.read_bytes())
    data[-3] ^= 1
    tensors.write_bytes(data)
    for _ in range(2):
        with pytest.raises(DamagedFileError, match="its checksum does not match"):
            checks(tensors)
    tensors.write_bytes(b"")
    with pytest.raises(DamagedFileError):
        checks(tensors)
    with pytest.raises(RunError, match="is missing"):
        checks(tensors.with_name("absent"))


def test_what_fails_its_check_is_not_remembered(tensors: Path, cache: Path) -> None:
    def refuse(arrays: dict[str, np.ndarray], check: bool) -> None:
        assert check
        raise DamagedFileError("impossible")

    for _ in range(2):
        with pytest.raises(DamagedFileError, match="impossible"):
            checksummed.map_tensors(tensors, refuse)


def test_without_a_cache_that_can_be_written_it_is_verified_each_time(
    tensors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SEQKIT_CACHE", str(tmp_path / "file" / "cache"))
    assert checks(tensors)
    assert checks(tensors)


# JSON


def test_json_comes_back(tmp_path: Path) -> None:
    content = {"a": [1, 2.5, None, True], "ä": {"b": "\n\u2028"}, "big": 10**30}
    checksummed.write_json(tmp_path / "c.json", content)
    assert checksummed.read_json(tmp_path / "c.json") == content
    assert json.loads((tmp_path / "c.json").read_text("utf-8"))["a"] == content["a"]


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[]", b"null", b'{"sha256": ""}', b'{"sha256": 3}', b"\xff", b"[" * 100_000, b"9" * 5000],
    ids=lambda data: repr(data[:12]),
)
def test_other_json_is_damaged(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "c.json").write_bytes(data)
    with pytest.raises(DamagedFileError, match=r"c\.json is damaged"):
        checksummed.read_json(tmp_path / "c.json")


def test_json_that_means_the_same_is_not_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    checksummed.write_json(path, {"a": 1})
    path.write_text(json.dumps(json.loads(path.read_text())))
    with pytest.raises(DamagedFileError, match="checksum"):
        checksummed.read_json(path)


@pytest.mark.parametrize("read", [checksummed.read_json, checksummed.read_tensors])
def test_what_is_not_there_or_no_file_is_named(tmp_path: Path, read: Callable[[Path], Any]) -> None:
    with pytest.raises(RunError, match="nothing is missing"):
        read(tmp_path / "nothing")
    with pytest.raises(RunError, match="cannot read"):
        read(tmp_path)
