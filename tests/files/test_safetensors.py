"""Headers of safetensors files: written as the format says, and checked before anything is allocated."""

import json
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqkit.errors import DataError, UsageError
from seqkit.files import SafetensorsData, encode_safetensors
from seqkit.platforms import map_file

ARRAYS = {
    "float": np.arange(6, dtype=np.float32).reshape(2, 3),
    "scalar": np.array(7, np.int64),
    "empty": np.zeros((0, 5), np.float16),
    "transposed": np.arange(6, dtype=np.int16).reshape(2, 3).T,
    "yes": np.array([True, False]),
}


def error(what: str, byte: int) -> DataError:
    return DataError(what, where=f"byte {byte}")


def encoded(arrays: dict[str, np.ndarray], metadata: dict[str, str] | None = None) -> bytes:
    header, contents = encode_safetensors(arrays, metadata or {})
    return b"".join([header, *contents])


def with_header(change: dict[str, Any]) -> bytes:
    """A file of one (2, 3) float32 tensor "a", with its header changed."""
    header: dict[str, Any] = {"a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}
    for name, entry in change.items():
        header[name] = header.get(name, {}) | entry if isinstance(entry, dict) else entry
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(24)


def test_arrays_and_metadata_come_back() -> None:
    data = SafetensorsData(encoded(ARRAYS, {"text": 'ä"\n'}), error)
    assert data.metadata == {"text": 'ä"\n'}
    assert list(data.entries) == list(ARRAYS)
    for name, array in ARRAYS.items():
        found = data.array(name)
        assert (found.dtype, found.shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(found, array)


def test_the_formats_own_library_reads_them() -> None:
    from safetensors.numpy import load, save

    found = load(encoded(ARRAYS, {"a": "b"}))
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
    back = SafetensorsData(save({"a": ARRAYS["float"]}, {"k": "v"}), error)
    np.testing.assert_array_equal(back.array("a"), ARRAYS["float"])
    assert back.metadata == {"k": "v"}


def test_equal_content_gives_equal_bytes_and_tensors_begin_where_asked() -> None:
    metadata = {str(i): "x" for i in range(20)}
    header, _ = encode_safetensors(ARRAYS, metadata, align=64)
    assert len(header) % 64 == 0
    assert header == encode_safetensors(ARRAYS, metadata, align=64)[0]


def test_unaligned_tensors_are_copied() -> None:
    header = b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
    for blanks in range(4):
        text = header + b" " * blanks
        content = np.array([1, 2], "<f4").tobytes()
        found = SafetensorsData(struct.pack("<Q", len(text)) + text + content, error).array("a")
        assert found.flags.aligned
        assert found.tolist() == [1, 2]


def test_a_type_that_the_format_lacks_is_refused() -> None:
    with pytest.raises(UsageError, match="x of type complex128 cannot be saved; use one of"):
        encode_safetensors({"x": np.zeros(2, complex)}, {})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"a": {"shape": [2, 1 << 61]}}, r"a of type F32 and shape .* takes \d+ bytes, .* gives it 24"),
        ({"a": {"shape": [0, 1 << 62], "data_offsets": [0, 0]}}, "takes 0 bytes"),
        ({"a": {"shape": [1] * 33}}, "invalid header entry for a"),
        ({"a": {"shape": [2, -3]}}, "invalid header entry for a"),
        ({"a": {"shape": [2, 3.0]}}, "invalid header entry for a"),
        ({"a": {"shape": [True, 6]}}, "invalid header entry for a"),
        ({"a": {"shape": "23"}}, "invalid header entry for a"),
        ({"a": {"shape": {"2": 3}}}, "invalid header entry for a"),
        ({"a": {"shape": None}}, "invalid header entry for a"),
        ({"a": {"data_offsets": [0]}}, "invalid header entry for a"),
        ({"a": {"data_offsets": 24}}, "invalid header entry for a"),
        ({"a": {"data_offsets": [0, None]}}, "invalid header entry for a"),
        ({"a": []}, "invalid header entry for a"),
        ({"a": "F32"}, "invalid header entry for a"),
        ({"a": {"dtype": "Q7"}}, "expected a of a type among F16, .*, got Q7"),
        ({"a": {"dtype": ["F32"]}}, r"expected a of a type among F16, .*, got \['F32'\]"),
        ({"a": {"dtype": {}}}, "expected a of a type among"),
        ({"a": {"data_offsets": [24, 48]}}, "a should end at byte 48 of data that has 24"),
        ({"a": {"data_offsets": [24, 0]}}, "the header gives it -24"),
        ({"a": {"shape": [5], "data_offsets": [4, 24]}}, "a should begin at byte 0 of the data"),
        ({"a": {"shape": [5], "data_offsets": [0, 20]}}, "its tensors take 20 bytes of data that has 24"),
        ({"b": {"dtype": "F32", "shape": [1], "data_offsets": [20, 24]}}, "b should begin at byte 24"),
        ({"__metadata__": []}, "expected metadata of strings"),
        ({"__metadata__": {"a": 1}}, "expected metadata of strings"),
    ],
    ids=str,
)
def test_headers_that_lie(change: dict[str, Any], said: str) -> None:
    data = with_header(change)
    SafetensorsData(with_header({}), error)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=said):
            SafetensorsData(data, error)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(7),
        struct.pack("<Q", 1) + b"{",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 4) + b"null",
        struct.pack("<Q", 1 << 63) + b"{}",
        struct.pack("<Q", 100_000) + b"[" * 100_000,
    ],
    ids=range(7),
)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(DataError):
        SafetensorsData(data, error)


def test_a_mapping_of_a_file_may_be_changed_in_memory_only(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(encoded({"a": np.zeros(3)}))
    before = path.read_bytes()
    array = SafetensorsData(map_file(path, writable=True), error).array("a")
    array[:] = 1
    assert path.read_bytes() == before
    assert not SafetensorsData(map_file(path), error).array("a").flags.writeable
    path.write_bytes(b"")
    assert map_file(path) == b""
    with pytest.raises(OSError, match="No such file"):
        map_file(tmp_path / "nothing")
