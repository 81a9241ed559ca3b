"""Runs in the formats of other libraries, and what cannot be written in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seqkit
from seqkit.backend import to_numpy
from seqkit.errors import DeviceError, RunError, UsageError
from seqkit.files.safetensors import SafetensorsData
from seqkit.models import bert
from seqkit.tasks import sentence_encoding
from seqkit.tasks.causal_checkpoints import CausalCheckpoint
from seqkit.tasks.export import export
from seqkit.vectors import load_vectors
from tests.tasks.test_every_setting import METHODS, SETTINGS, TASKS
from tests.training.tiny import cache_set, write_corpus

pytestmark = pytest.mark.slow

SUBWORDS: dict[str, Any] = {"tokenizer": "bpe", "vocab_size": 300, "min_count": None}
RUNS: dict[str, tuple[str, dict[str, Any]]] = {
    "gpt": ("language_modeling", {**METHODS["language_modeling"]["transformer"], **SUBWORDS}),
    "rotary": ("language_modeling",
               {**METHODS["language_modeling"]["transformer"], **SUBWORDS, "positions": "rotary"}),
    "words": ("language_modeling", METHODS["language_modeling"]["transformer"]),
    "lstm": ("language_modeling", METHODS["language_modeling"]["lstm"]),
    "kneser-ney": ("language_modeling", METHODS["language_modeling"]["kneser-ney"]),
    "masked": ("masked_language_modeling",
               {**METHODS["masked_language_modeling"]["transformer"], **SUBWORDS}),
    "vectors": ("embeddings", METHODS["embeddings"]["cbow"]),
}  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, cache_folder: Path) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("exports")
    with cache_set(cache_folder):
        corpus = str(write_corpus(folder / "text", lines=30, seed=0))
        for name, (task, values) in RUNS.items():
            if values.get("tokenizer") == "bpe":
                pytest.importorskip("tokenizers")
            TASKS[task].train(SETTINGS[task](corpus=corpus, **values), folder / name)
        yield folder


def test_a_causal_transformer_becomes_a_gpt2(runs: Path, tmp_path: Path) -> None:
    folder = export(runs / "gpt", "hf", tmp_path / "hf")
    files = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert {path.name for path in folder.iterdir()} == files
    theirs, ours = seqkit.load(folder, device="cpu"), seqkit.load(runs / "gpt")
    assert isinstance(theirs, CausalCheckpoint)
    assert theirs.end_id == ours.eos_id
    ids = np.array([[ours.eos_id, 20, 21, 22]], np.int32)
    np.testing.assert_array_equal(
        to_numpy(theirs.model.token_losses(ids[:, :-1], ids[:, 1:])[0]),
        to_numpy(ours.model.token_losses(ids[:, :-1], ids[:, 1:])[0]),
    )
    assert theirs.tokenizer.encode(["the cat"]) == [ours.tokenizer._inner.encode("the cat").ids]


def test_a_masked_model_becomes_a_bert(runs: Path, tmp_path: Path) -> None:
    folder, ours = export(runs / "masked", "hf", tmp_path / "hf"), seqkit.load(runs / "masked")
    model = bert.load_masked(folder)
    for name, array in ours.model.state_dict().items():
        np.testing.assert_array_equal(to_numpy(model.state_dict()[name]), to_numpy(array))
    encoder = seqkit.load(folder)
    assert isinstance(encoder, sentence_encoding.SentenceEncoder)
    ids = encoder.tokenizer.encode(["the cat"])[0]
    assert ids[0] == ours.vocabulary.id("<cls>")
    assert encoder.tokenizer.id("<mask>") == ours.vocabulary.id("<mask>")
    assert json.loads((folder / "tokenizer_config.json").read_text())["mask_token"] == "<mask>"


@pytest.mark.parametrize("name", RUNS)
def test_every_run_is_written_as_plain_safetensors(runs: Path, name: str, tmp_path: Path) -> None:
    folder = export(runs / name, "safetensors", tmp_path / "plain")
    data = SafetensorsData((folder / "model.safetensors").read_bytes(), str(folder))
    run = seqkit.load(runs / name).run
    for key, array in run.load_model().items():
        np.testing.assert_array_equal(data.array(key), array)
    for artifact in run.config["files"]:
        assert (folder / artifact).read_bytes() == run.artifact(artifact)
    assert json.loads((folder / "settings.json").read_text())["settings"] == run.config["settings"]


@pytest.mark.parametrize("name", ["v.txt", "v.bin", "v.txt.gz"])
def test_vectors_become_a_word2vec_file(runs: Path, name: str, tmp_path: Path) -> None:
    ours = seqkit.load(runs / "vectors").wv
    theirs = load_vectors(export(runs / "vectors", "word2vec", tmp_path / name))
    assert theirs.index_to_key == ours.index_to_key
    np.testing.assert_allclose(theirs.vectors, ours.vectors, rtol=1e-6)
    assert export(runs / "vectors", "word2vec").name == "vectors.word2vec.txt"


def test_n_grams_become_an_arpa_file(runs: Path, tmp_path: Path) -> None:
    theirs = seqkit.NGram(export(runs / "kneser-ney", "arpa", tmp_path / "n.arpa.gz"))
    score = next(iter(seqkit.load(runs / "kneser-ney").score(["the cat sat"])))
    assert theirs.score("the cat sat") * np.log(10) == pytest.approx(score.log_prob)


@pytest.mark.parametrize(
    ("name", "to", "said"),
    [
        ("words", "hf", r"expected a run with subword tokens .*got the tokenizer word"),
        ("rotary", "hf", r"a GPT-2 has learned positions"),
        ("lstm", "hf", r"got a model lstm, which has no architecture there"),
        ("kneser-ney", "hf", r"got a model kneser-ney"),
        ("vectors", "hf", r"got a run of embeddings"),
        (
            "lstm",
            "word2vec",
            r"expected a run of embeddings for the format word2vec, got one of lang",
        ),
        ("lstm", "arpa", r"expected a run of Kneser-Ney for the format arpa, got one of lstm"),
        ("vectors", "arpa", r"expected a run of Kneser-Ney for the format arpa, got one of embeddings"),
        ("gpt", "onnx", r"expected the format to be one of hf, safetensors, word2vec, arpa, got 'onnx'"),
    ],
)
def test_what_a_format_cannot_say_is_refused(
    runs: Path, name: str, to: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=said):
        export(runs / name, to, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_files_is_left_alone(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    with pytest.raises(RunError, match=r"already holds other files; choose another folder"):
        export(runs / "gpt", "hf", tmp_path)


def test_where_a_model_computes(runs: Path) -> None:
    for name in RUNS:
        assert seqkit.load(runs / name, device="cpu")
        with pytest.raises((DeviceError, UsageError)):
            seqkit.load(runs / name, device="cuda:77")
        with pytest.raises(DeviceError, match="unknown device 'gpu'"):
            seqkit.load(runs / name, device="gpu")
