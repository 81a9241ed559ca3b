"""seqkit embed: formats, the nearest lines, and what goes wrong."""

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Seqkit
from tests.models.folders import write_bert
from tests.tasks.test_sentence_encoding import HIDDEN, TEXTS

pytest.importorskip("tokenizers")

VECTORS = np.array([hidden.mean(axis=0) for hidden in HIDDEN])
NOT_EMPTY = [i for i, text in enumerate(TEXTS) if text]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lines.txt").write_text("".join(f"{line}\n" for line in TEXTS))
    return write_bert(tmp_path / "bert")


def test_vectors_in_every_format(seqkit: Seqkit, folder: Path) -> None:
    from safetensors.numpy import load_file

    for name in ("v.npy", "v.safetensors", "v.jsonl"):
        assert seqkit("embed", folder, "lines.txt", "--out", name, "--batch-size", "2").code == 0
    rows = [json.loads(line) for line in Path("v.jsonl").read_text().splitlines()]
    assert [row["text"] for row in rows] == TEXTS
    for found in (np.load("v.npy"), load_file("v.safetensors")["vectors"], [row["vector"] for row in rows]):
        np.testing.assert_allclose(found, VECTORS, atol=1e-6)


def test_standard_input_and_output(seqkit: Seqkit, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("\n".join(TEXTS).encode())))
    lines = seqkit("embed", folder).out.splitlines()
    assert [bool(line) for line in lines] == [bool(text) for text in TEXTS]
    found = [json.loads(line)["vector"] for line in lines if line]
    np.testing.assert_allclose(found, VECTORS[NOT_EMPTY], atol=1e-6)
    found = seqkit("embed", folder, "lines.txt", "--json", "--normalize").json
    assert [one["text"] for one in found] == TEXTS
    assert found[1] == {"text": ""}
    np.testing.assert_allclose([np.linalg.norm(found[i]["vector"]) for i in NOT_EMPTY], 1, rtol=1e-6)
    told = seqkit("embed", folder, "lines.txt", "--json", "--out", "v.npy").json
    assert told == {"out": "v.npy", "lines": 5, "dimensions": 4}


def test_the_nearest_lines(seqkit: Seqkit, folder: Path) -> None:
    Path("asked.txt").write_text("down\nup down up\n")
    found = seqkit("embed", folder, "asked.txt", "--similar", "lines.txt", "--topn", "2", "--json").json
    assert [(one["text"], len(one["nearest"]), one["nearest"][0]["line"]) for one in found] == [
        ("down", 2, 3),
        ("up down up", 2, 1),
    ]
    assert found[0]["nearest"][0]["similarity"] == pytest.approx(1, abs=1e-6)
    blocks = seqkit("embed", folder, "asked.txt", "--similar", "lines.txt").out.split("\n\n")
    assert blocks[0].splitlines()[:2] == ["down", "1.0000\t3\tdown"]
    assert [len(block.splitlines()) for block in blocks] == [6, 6]


def test_prompts(seqkit: Seqkit, folder: Path) -> None:
    prompts = {"prompts": {"query": "down up ", "passage": "up "}, "default_prompt_name": None}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    Path("with.txt").write_text("".join(f"down up {line}\n" for line in TEXTS))

    def vectors(*arguments: str) -> list[list[float]]:
        rows = seqkit("embed", "bert", *arguments, "--json").json
        return [rows[i]["vector"] for i in NOT_EMPTY]

    expected = vectors("with.txt")
    assert vectors("lines.txt", "--prompt-name", "query") == expected
    assert vectors("lines.txt", "--prompt", "down up ") == expected
    (folder / "config_sentence_transformers.json").write_text(
        json.dumps({**prompts, "default_prompt_name": "query"})
    )
    assert vectors("lines.txt") == expected
    Path("asked.txt").write_text("up\n")
    Path("other.txt").write_text("down\ndown up\n")
    similar = ["asked.txt", "--similar", "other.txt", "--topn", "1", "--json"]
    found = seqkit("embed", "bert", *similar, "--prompt", "up down ", "--similar-prompt-name", "passage").json
    assert found[0]["nearest"][0] == {"line": 2, "similarity": pytest.approx(1, abs=1e-6), "text": "down up"}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["bert", "lines.txt", "--prompt-name", "query"], 2, "prompts (none), got 'query'"),
        (["bert", "lines.txt", "--prompt-name", "query", "--prompt", "x"], 2, "got both"),
        (["bert", "lines.txt", "--similar-prompt-name", "query"], 2, "it is for --similar"),
        (["absent", "lines.txt"], 1, "no checkpoint folder"),
        (["bert", "absent.txt"], 1, "absent.txt"),
        (["bert", "lines.txt", "--out", "v.bin"], 2, "end it in .npy, .safetensors, .jsonl"),
        (["bert", "lines.txt", "--out", "no/v.npy"], 1, "cannot write"),
        (["bert", "lines.txt", "--out", "v.npy", "--similar", "lines.txt"], 2, "leave out --out"),
        (["bert", "lines.txt", "--batch-size", "0"], 2, "0 is not in the range"),
        (["bert", "lines.txt", "--device", "tpu"], 1, "tpu"),
    ],
)
def test_what_a_user_may_get_wrong(
    seqkit: Seqkit, folder: Path, arguments: list[str], code: int, said: str
) -> None:
    found = seqkit("embed", *arguments)
    assert found.code == code, found
    assert said in found.err
    assert found.out == ""


def test_a_damaged_folder(seqkit: Seqkit, folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    found = seqkit("embed", folder, "lines.txt")
    assert (found.code, "model.safetensors is damaged" in found.err) == (1, True)
