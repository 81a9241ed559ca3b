"""Files of tokenizers, vocabularies, labels and images that hold other types: seqkit's errors, and soon."""

import copy
import gzip
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seqkit.corpora.readers.idx import read_idx
from seqkit.data import Standardization
from seqkit.errors import DamagedFileError, DataError, SeqkitError
from seqkit.tasks.classes import labels_from_bytes, labels_to_bytes
from seqkit.text import BpeTokenizer, SubwordTokenizer, Vocabulary, WordPieceTokenizer
from seqkit.text.vocabulary_file import unpack

LIMIT_S = 5
MANY = 200
VALUES = [
    None, True, -1, 0, 1.5, 1e300, 70_000, 2**31, 4_000_000_000, 10**400, "", "x", [], {}, [[]], {"a": 1},
    ["a", 1], {"type": "Sequence"}, [None] * 9,
]  # fmt: skip
DEEP = b"[" * 200_000


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict):
        for name in value:
            yield from _paths(value[name], (*path, name))
    elif isinstance(value, list):
        for place in range(min(len(value), 3)):
            yield from _paths(value[place], (*path, place))


def mutants(document: Any, count: int, seed: int) -> Iterator[bytes]:
    """Copies of a JSON document with a value of another type, or without one."""
    draw, paths = random.Random(seed), list(_paths(document))
    few = [path for path in paths if len(path) < 3 or path[1] != "vocab"]
    for number in range(count):
        mutant = copy.deepcopy(document)
        path = draw.choice(paths if number % 5 == 0 else few)
        parent = mutant
        for step in path[:-1]:
            parent = parent[step]
        if draw.random() < 0.15:
            del parent[path[-1]]
        else:
            parent[path[-1]] = draw.choice(VALUES)
        yield json.dumps(mutant).encode()
    for value in VALUES:
        yield json.dumps(value).encode()
    yield from (DEEP, b"{" * 9, b"\xff", b"NaN", b'{"a": NaN}', b'{"\\ud800": 1}')


def survives(read: Callable[[bytes], Any], data: bytes) -> bool:
    """Whether data is read; raises for errors outside the tree, and when it takes too long."""
    started = time.perf_counter()
    try:
        read(data)
    except SeqkitError:
        return False
    finally:
        assert time.perf_counter() - started < LIMIT_S, data[:300]
    return True


def _use(data: bytes) -> None:
    tokenizer = SubwordTokenizer.from_bytes(data, "tokenizer.json")
    tokenizer.vocabulary()
    ids = tokenizer.encode(["the cat é", ""])[0]
    assert all(0 <= number < len(tokenizer) for number in ids)
    tokenizer.decode(ids)
    tokenizer.detokenize(tokenizer.tokenize("the dog"))
    tokenizer.for_model(8).tokenize("the cat")


@pytest.mark.parametrize("kind", [BpeTokenizer, WordPieceTokenizer])
def test_tokenizers(kind: type[SubwordTokenizer]) -> None:
    pytest.importorskip("tokenizers")
    trained = kind.train(lambda: ["the cat sat on the mat", "a dog ran"] * 20, vocab_size=300)
    outcomes = [survives(_use, data) for data in mutants(json.loads(trained.to_bytes()), MANY, seed=1)]
    assert True in outcomes
    assert False in outcomes


MEASURE = """
import resource, sys
from seqkit.errors import DamagedFileError
from seqkit.text import load_tokenizer
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    load_tokenizer(sys.argv[1]).vocabulary()
    print("read")
except DamagedFileError as error:
    print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)
"""


@pytest.mark.parametrize("at", ["vocab", "added_tokens"])
def test_an_id_of_billions_is_refused_at_once_and_in_little_memory(at: str, tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    document = json.loads(BpeTokenizer.train(lambda: ["the cat"] * 9, vocab_size=260).to_bytes())
    if at == "vocab":
        document["model"]["vocab"]["zzz"] = 4_000_000_000
    else:
        document["added_tokens"].append(
            {**document["added_tokens"][0], "id": 4_000_000_000, "content": "<x>"}
        )
    (tmp_path / "tokenizer.json").write_text(json.dumps(document))
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )
    message, mebibytes = done.stdout.splitlines()
    assert int(mebibytes) < 64
    if at == "vocab":  # the library numbers added tokens itself
        assert "expected ids of 0 to" in message


def test_special_tokens_that_no_model_has_are_refused() -> None:
    pytest.importorskip("tokenizers")
    document = json.loads(BpeTokenizer.train(lambda: ["the cat"] * 9, vocab_size=260).to_bytes())
    document["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<eos>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
        "special_tokens": {"<eos>": {"id": "<eos>", "ids": [90_000], "tokens": ["<eos>"]}},
    }
    with pytest.raises(DamagedFileError, match="special tokens have the id 90,000"):
        SubwordTokenizer.from_bytes(json.dumps(document).encode())


def test_vocabularies() -> None:
    whole = Vocabulary(["the", "<unk>", "<eos>"], counts=[3, 2, 1]).to_bytes()
    header, _, body = whole.partition(b"\n")
    document = json.loads(header.partition(b" ")[2])
    for data in mutants(document, MANY, seed=2):
        survives(lambda data: Vocabulary.from_bytes(data), b"seqkit-vocabulary " + data + b"\n" + body)
    with pytest.raises(DataError, match="expected size to be an integer, got the string"):
        unpack(whole.replace(b'"size": 3', b'"size": "3"'), "vocab.txt")
    draw = random.Random(3)
    for _ in range(MANY):
        damaged = bytearray(whole)
        for _ in range(draw.choice((1, 3))):
            damaged[draw.randrange(len(whole))] = draw.randrange(256)
        survives(lambda data: Vocabulary.from_bytes(data), bytes(damaged))


def test_standardizations() -> None:
    whole = Standardization((0.5,), (2.0,)).to_bytes()
    for data in mutants(json.loads(whole), MANY, seed=4):
        survives(lambda data: Standardization.from_bytes(data, "standardization.json"), data)
    for bad in (b'{"mean": "123", "deviation": "123"}', b'{"mean": [1e999], "deviation": [1]}', DEEP):
        with pytest.raises(DamagedFileError, match="holds no mean and deviation"):
            Standardization.from_bytes(bad, "x")
    assert Standardization.from_bytes(whole, "x").mean == (0.5,)


def test_labels() -> None:
    whole = labels_to_bytes(["good", "bad one", "\u2028"])
    assert labels_from_bytes(whole, "x") == ("good", "bad one", "\u2028")
    for bad in (b"", b"one\n", b"a\na\n", b"\\q\nb\n", b"\xff\nb\n", b"\\U00110000\nb\n"):
        with pytest.raises(DamagedFileError):
            labels_from_bytes(bad, "labels.txt")


def test_idx_files_of_absurd_sizes(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.gz"
    size = 300 << 20
    with gzip.open(bomb, "wb", compresslevel=9) as file:
        file.write(b"\0\0\x08\x01" + size.to_bytes(4, "big"))
        for _ in range(size >> 20):
            file.write(bytes(1 << 20))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DataError, match=r"compressed bytes of images do not hold"):
        read_idx(bomb, 1)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10
    draw = random.Random(5)
    whole = b"\0\0\x08\x03" + bytes([0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4]) + bytes(24)
    for _ in range(MANY):
        damaged = bytearray(whole)
        damaged[draw.randrange(16)] = draw.randrange(256)
        for name, data in (("x", bytes(damaged)), ("x.gz", gzip.compress(bytes(damaged)))):
            (tmp_path / name).write_bytes(data)
            survives(lambda _, name=name: read_idx(tmp_path / name, 3), data)
