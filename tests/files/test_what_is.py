"""Folders of another sort: every opener says what is there, and which command opens it."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import seqkit
from seqkit.corpora import open_corpus, open_images, open_labelled
from seqkit.errors import SeqkitError
from seqkit.files.what_is import what_is
from seqkit.tasks import causal_checkpoints, embeddings, language_modeling, sentence_encoding, seq2seq
from seqkit.tasks.embeddings import open_vectors
from seqkit.tasks.initial_encoder import initial_encoder
from seqkit.text import load_tokenizer
from seqkit.training import RunDirectory
from seqkit.vectors.formats import load_vectors


def _run(folder: Path, task: str = "language_modeling") -> Path:
    RunDirectory.create(folder, {"task": task, "settings": {"model": "bag"}}, {"vocab.txt": b"x\n"})
    return folder


def _checkpoint(folder: Path, kind: str = "gpt2") -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model_type": kind, "n_embd": 4}))
    (folder / "model.safetensors").write_bytes(b"")
    return folder


def _sentences(folder: Path) -> Path:
    _checkpoint(folder / "0_Transformer", "bert")
    (folder / "modules.json").write_text("[]")
    return folder


def _texts(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for split in ("train", "valid", "test"):
        (folder / f"{split}.txt").write_text("a text\n" * 5)
    return folder


def _images(folder: Path) -> Path:
    for label in "ab":
        (folder / label).mkdir(parents=True)
        (folder / label / "1.png").write_bytes(b"png")
    return folder


def _runs(folder: Path) -> Path:
    _run(folder / "first")
    return folder


def _cache(folder: Path) -> Path:
    _checkpoint(folder / "snapshots" / "0123abcd")
    (folder / "refs").mkdir()
    return folder


def _empty(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


MADE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "language model": (_run, r"(run|one) of (a )?language.model.*seqkit generate {0}"),
    "classifier": (
        lambda f: _run(f, "text_classification"),
        r"(run|one) of .*text.classif.*seqkit classify {0}",
    ),
    "vectors": (lambda f: _run(f, "embeddings"), r"(run|one) of .*seqkit similar WORD --vectors {0}"),
    "gpt2": (_checkpoint, r"gpt2.*seqkit generate"),
    "bert": (lambda f: _checkpoint(f, "bert"), r"bert.*seqkit embed"),
    "sentences": (_sentences, r"sentence-transformers.*seqkit embed {0}"),
    "texts": (_texts, r"corpus folder with its splits test.txt, train.txt.*seqkit train-lm {0}"),
    "images": (_images, r"images by class.*seqkit train-images {0}"),
    "runs": (_runs, r"folder of runs.*{0}/first"),
    "cache": (_cache, r"cache of a model.*{0}/snapshots/0123abcd"),
    "empty": (_empty, "an empty folder"),
}
RUNS, FOLDERS, CORPORA = {"language model", "classifier", "vectors"}, {"gpt2", "bert", "sentences"}, {"texts"}
OPENERS: dict[str, tuple[Callable[[Path], Any], set[str]]] = {
    "seqkit.load": (seqkit.load, {*RUNS, "bert", "sentences", "gpt2"}),
    "language_modeling.load": (language_modeling.load, {"language model"}),
    "seq2seq.load": (seq2seq.load, set()),
    "embeddings.load": (embeddings.load, {"vectors"}),
    "open_vectors": (open_vectors, {"vectors"}),
    "load_vectors": (load_vectors, set()),
    "sentence encoder": (sentence_encoding.load, {"bert", "sentences"}),
    "causal checkpoint": (causal_checkpoints.load, {"gpt2"}),
    "--init": (lambda path: initial_encoder(path, 16, "train-classifier"), {"bert", "sentences"}),
    "tokenizer": (load_tokenizer, set()),
    "text": (open_corpus, {"texts"}),
    "labelled": (open_labelled, {"texts"}),
    "images": (open_images, {"images"}),
}


@pytest.mark.parametrize("opener", OPENERS)
@pytest.mark.parametrize("made", MADE)
def test_every_opener_says_what_a_folder_is_and_what_opens_it(made: str, opener: str, tmp_path: Path) -> None:
    make, message = MADE[made]
    folder = make(tmp_path / "given")
    assert re.search(message.format(re.escape(str(folder))), " ".join(filter(None, what_is(folder)[1:3])))
    call, opened = OPENERS[opener]
    if made in opened:
        return
    with pytest.raises(SeqkitError) as caught:
        call(folder)
    text = caught.value.for_command()
    assert "damaged" not in text
    if made == "empty" and opener in ("text", "labelled", "images"):
        return  # whose own messages say which files they look for
    if opener in ("text", "labelled", "images") and made in ("runs", "cache"):
        return
    assert re.search(message.format(re.escape(str(folder))), text), text


OTHER_FOLDERS = {
    "saved_model.pb": "TensorFlow", "model.ckpt-1.index": "checkpoint of TensorFlow", "config.cfg": "spaCy",
    "model.onnx": "ONNX", "q4.gguf": "GGUF", "model.h5": "Keras", "model.keras": "Keras",
    "dataset_info.json": "data set of Hugging Face", "model.pt": "PyTorch", "lm.arpa": "n-gram model",
    "tok.model": "SentencePiece", "db.sqlite": "database", "paper.pdf": "documents", "all.zip": "unpack",
}  # fmt: skip


@pytest.mark.parametrize("name", OTHER_FOLDERS)
def test_folders_of_other_programs_are_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / name).write_bytes(b"\0")
    for call, _ in OPENERS.values():
        with pytest.raises(SeqkitError, match=OTHER_FOLDERS[name]):
            call(tmp_path / "given")


def test_a_file_of_another_format_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(b"\x80\x02pickle" + bytes(30))
    for call in (seqkit.load, language_modeling.load, load_vectors, open_corpus):
        with pytest.raises(SeqkitError, match="a Python pickle"):
            call(path)


def test_a_file_of_a_run_names_its_folder(tmp_path: Path) -> None:
    run = _run(tmp_path / "run")
    for name in ("config.json", "vocab.txt"):
        with pytest.raises(SeqkitError, match=f"a file of the folder {re.escape(str(run))}"):
            seqkit.load(run / name)


def test_a_damaged_config_is_no_folder_of_another_sort(tmp_path: Path) -> None:
    run = _run(tmp_path / "run")
    (run / "config.json").write_bytes((run / "config.json").read_bytes()[:-9])
    with pytest.raises(SeqkitError, match=r"config\.json is damaged"):
        seqkit.load(run)


def test_a_corpus_may_have_files_of_other_sorts_beside_its_texts(tmp_path: Path) -> None:
    folder = _texts(tmp_path / "texts")
    for name in ("config.json", "tokenizer.json", "vocab.txt"):
        (folder / name).write_text("{}")
    assert open_corpus(folder).splits == ("train", "valid", "test")
