"""JSON of any origin: what fits a declared type comes back as that type, all else is refused by name."""

import json
import tracemalloc
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from seqkit.errors import DamagedFileError, DataError, RunError
from seqkit.files import Between, DocumentLimits, fill_json, parse_json, read_json


@dataclass(frozen=True)
class Inner:
    name: str
    ids: tuple[Annotated[int, Between(0)], ...] = ()


@dataclass(frozen=True)
class Settings:
    width: Annotated[int, Between(1, 100)]
    rate: Annotated[float, Between(0, 1, above=True)] = 0.5
    mode: Literal["mean", "cls"] = "mean"
    causal: Literal[False] = False
    longest: int | None = None
    flag: bool = False
    inner: Inner | None = None
    parts: list[Inner] = field(default_factory=list)
    table: dict[str, float] = field(default_factory=dict)
    pair: tuple[str, int] = ("a", 1)
    text: str | dict[str, str] = ""
    extra: Any = None
    type_: str = field(default="", metadata={"key": "__type"})


def fail(message: str) -> DataError:
    return DataError(message)


def test_values_of_the_declared_types() -> None:
    content = {
        "width": 3,
        "rate": 1,
        "mode": "cls",
        "causal": False,
        "longest": None,
        "flag": True,
        "inner": {"name": "x", "ids": [1, 2], "unknown": 1},
        "parts": [{"name": "y"}],
        "table": {"a": 1, "b": 2.5},
        "pair": ["b", 2],
        "text": {"content": "t"},
        "extra": [1, {"a": None}],
        "__type": "AddedToken",
        "unknown": [],
    }
    found = fill_json(Settings, content, fail)
    assert found == Settings(
        3, 1.0, "cls", False, None, True, Inner("x", (1, 2)), [Inner("y")], {"a": 1.0, "b": 2.5}, ("b", 2),
        {"content": "t"}, [1, {"a": None}], "AddedToken",
    )  # fmt: skip
    assert type(found.rate) is type(found.table["a"]) is float
    assert fill_json(Settings, {"width": 3}, fail) == Settings(3)
    assert fill_json(Settings, {"width": 3, "rate": None}, fail, null_is_default=True) == Settings(3)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"width": None}, "expected width to be an integer from 1 to 100, got null"),
        ({"width": "3"}, "expected width to be an integer from 1 to 100, got the string '3'"),
        ({"width": True}, "expected width to be .*, got true"),
        ({"width": 3.0}, "expected width to be .*, got the number 3.0"),
        ({"width": 0}, "expected width to be an integer from 1 to 100, got the number 0"),
        ({"width": 101}, "got the number 101"),
        ({"rate": 0}, "expected rate to be a number above 0 and at most 1, got the number 0"),
        ({"rate": None}, "expected rate to be a number above 0 and at most 1, got null"),
        ({"rate": {}}, "expected rate to be a number above 0 and at most 1, got an object"),
        ({"mode": "max"}, "expected mode to be 'mean' or 'cls', got the string 'max'"),
        ({"mode": ["mean"]}, "expected mode to be 'mean' or 'cls', got a list"),
        ({"causal": True}, "expected causal to be false, got true"),
        ({"causal": 0}, "expected causal to be false, got the number 0"),
        ({"longest": "x"}, "expected longest to be an integer or null, got the string 'x'"),
        ({"flag": 1}, "expected flag to be true or false, got the number 1"),
        ({"inner": []}, "expected inner to be an object or null, got a list"),
        ({"inner": {}}, "expected inner.name to be a string, got nothing"),
        ({"parts": {}}, "expected parts to be a list, got an object"),
        ({"parts": [{"name": "x"}, {"name": 2}]}, r"expected parts\[1\].name to be a string, got the number"),
        ({"inner": {"name": "x", "ids": [1, -1]}}, r"expected inner.ids\[1\] to be an integer of at least 0"),
        ({"table": []}, "expected table to be an object, got a list"),
        ({"table": {"a": "1"}}, "expected table.a to be a number, got the string '1'"),
        ({"table": {"\x1b[0m": "1"}}, r"expected table\['\\x1b\[0m'\] to be a number"),
        ({"pair": ["a"]}, "expected pair to be a list of 2, got a list of 1"),
        ({"pair": ["a", "b"]}, r"expected pair\[1\] to be an integer, got the string 'b'"),
        ({"text": 3}, "expected text to be a string or an object, got the number 3"),
        ({"text": "x" * 500, "__type": 1}, "expected __type to be a string"),
    ],
    ids=str,
)
def test_values_that_do_not_fit(change: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        fill_json(Settings, {"width": 3, **change}, fail)


def test_other_documents_and_missing_or_unknown_keys() -> None:
    for content in ([], None, 3, "x", True):
        with pytest.raises(DataError, match="expected an object, got"):
            fill_json(Settings, content, fail)
    with pytest.raises(DataError, match="expected width to be an integer from 1 to 100, got nothing"):
        fill_json(Settings, {}, fail)
    with pytest.raises(DataError, match=r"expected only width, rate, .*, got the key 'widht'"):
        fill_json(Settings, {"width": 3, "widht": 4}, fail, strict=True)
    with pytest.raises(TypeError, match="no type of JSON"):
        fill_json(bytes, 3, fail)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"\xff\xfe{\x00}\x00", "no JSON"),
        ('{"a": 1}'.encode("utf-16"), "no JSON"),
        (b'{"a": 1, "a": 2}', "the key 'a' stands twice"),
        (b'{"b": [{"a": 1, "a": 1}]}', "the key 'a' stands twice"),
        (b"[NaN]", "expected a finite number, got nan"),
        (b'{"a": -Infinity}', "expected a finite number at 'a', got -inf"),
        (b"[1e999]", "expected a finite number, got inf"),
        (b"[9223372036854775808]", "expected an integer of at most 63 bits, got a larger"),
        (b"[" + b"9" * 4000 + b"]", "expected an integer of at most 63 bits"),
        (b"[" + b"9" * 5000 + b"]", "no JSON"),
        (b"[" * 40 + b"]" * 40, "expected JSON of at most 32 levels"),
        (b"[" * 100_000 + b"]" * 100_000, "expected JSON of at most 32 levels"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "expected JSON of at most 32 levels"),
        (rb'["\ud800"]', "half a surrogate pair"),
        (rb'{"\uDFFF": 1}', "half a surrogate pair"),
        (b'["' + b"x" * (5 << 20) + b'"]', "expected JSON of at most 4,194,304 bytes"),
        (b"[" + b"[]," * 900_000 + b"[]]", "expected JSON of at most 400,000 values"),
    ],
    ids=range(19),
)
def test_documents_beyond_the_limits(data: bytes, said: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=said):
            parse_json(data, fail)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * len(data) + (64 << 20)


def test_documents_within_the_limits() -> None:
    assert parse_json(b'\xef\xbb\xbf{"a": [1, 2.5, "\\ud83d\\ude00"]}', fail) == {
        "a": [1, 2.5, "\N{GRINNING FACE}"]
    }
    assert parse_json(b"[" * 32 + b"]" * 32, fail)
    assert parse_json(b"[-9223372036854775807, 9223372036854775807]", fail)
    assert parse_json(b"%d" % 10**30, fail, limits=DocumentLimits(bits=128)) == 10**30
    with pytest.raises(DataError, match="at most 2 bytes"):
        parse_json(b"[1]", fail, limits=DocumentLimits(size=2))


def test_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"width": 3}))
    assert read_json(path, Settings) == Settings(3)
    path.write_text(json.dumps({"width": "3"}))
    with pytest.raises(
        DamagedFileError, match=r"config\.json is damaged: expected width .*; copy or download"
    ):
        read_json(path, Settings)
    with pytest.raises(DataError, match=r"config\.json is damaged: expected width .*'3'; again$"):
        read_json(path, Settings, error=DataError, remedy="again")
    with pytest.raises(RunError, match=r"cannot read .*absent\.json \(No such file"):
        read_json(tmp_path / "absent.json", Settings)
    with pytest.raises(DataError, match=r"cannot read .*Is a directory"):
        read_json(tmp_path, Settings, error=DataError)
    with pytest.raises(RunError, match="cannot read"):
        read_json("a\0b", Settings)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no such device")
def test_a_file_that_never_ends_is_not_read_whole() -> None:
    with pytest.raises(DamagedFileError, match="at most 4,194,304 bytes"):
        read_json("/dev/zero", Settings)
