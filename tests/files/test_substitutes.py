"""Files that stand in place of others: every reader names them."""

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqkit.corpora import open_corpus, open_images, open_labelled, open_seq2seq
from seqkit.corpora.readers.idx import read_idx
from seqkit.corpora.readers.image_files import read_images
from seqkit.errors import SeqkitError
from seqkit.files.json_files import read_json
from seqkit.files.substitutes import find_substitute
from seqkit.models.checkpoints import CheckpointFolder
from seqkit.text import Vocabulary, load_tokenizer
from seqkit.training import checksummed
from seqkit.vectors import KeyedVectors
from seqkit.vectors.formats import load_vectors

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab\nsize 12345\n"
HTML = b"\xef\xbb\xbf\n <!-- error -->\n<!DOCTYPE html>\n<html><head><title>404</title></head></html>\n"
SUBSTITUTES = {
    "LFS": (LFS, "pointer of Git LFS.*git lfs pull"),
    "annex": (b"/annex/objects/SHA256E-s31390--f50d\n", "pointer of git-annex"),
    "html": (HTML, "an HTML page"),
    "xhtml": (b'<?xml version="1.0"?>\n<html xmlns="x">', "an HTML page"),
    "s3": (b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>', "error message of a server"),
    "empty": (b"", "empty"),
}


def _tokenizer(name: str) -> Callable[[Path], Any]:
    def read(path: Path) -> Any:
        path.rename(path.with_name(name))
        return load_tokenizer(path.parent)

    return read


def _weights(path: Path) -> Any:
    (path.parent / "config.json").write_text('{"model_type": "bert"}')
    path.rename(path.with_name("model.safetensors"))
    return CheckpointFolder(path.parent).tensors


READERS: dict[str, Callable[[Path], Any]] = {
    "text": open_corpus,
    "text whole": lambda path: list(open_corpus(path, held_out=False).lines("train")),
    "pairs": open_seq2seq,
    "aligned": lambda path: open_seq2seq(path, target=path),
    "labelled": open_labelled,
    "vectors": load_vectors,
    "word2vec": KeyedVectors.load_word2vec_format,
    "word2vec binary": lambda path: KeyedVectors.load_word2vec_format(path, binary=True),
    "glove": lambda path: load_vectors(path, "glove"),
    "native": lambda path: load_vectors(path, "native"),
    "fasttext": lambda path: load_vectors(path, "fasttext"),
    "idx": lambda path: read_idx(path, 1),
    "image": lambda path: read_images([path]),
    "tokenizer.json": _tokenizer("tokenizer.json"),
    "vocab.txt": _tokenizer("vocab.txt"),
    "weights": _weights,
    "run json": checksummed.read_json,
    "run tensors": checksummed.read_tensors,
    "json": lambda path: read_json(path, dict),
    "vocabulary": Vocabulary.load,
}


BY_SIZE = ("fasttext", "native", "glove", "word2vec", "word2vec binary", "run json", "run tensors")
"""Their own message on an empty file gives the number of bytes, or what is expected at its beginning."""


@pytest.mark.parametrize("name", SUBSTITUTES)
@pytest.mark.parametrize("reader", READERS)
def test_every_reader_names_what_stands_in_place_of_its_file(reader: str, name: str, tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    data, message = SUBSTITUTES[name]
    path = tmp_path / "folder" / "file"
    path.parent.mkdir()
    path.write_bytes(data)
    with pytest.raises(SeqkitError) as caught:
        READERS[reader](path)
    text = str(caught.value)
    if name == "empty" and reader in BY_SIZE:
        return
    assert re.search(message, text), text


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz"])
@pytest.mark.parametrize("name", SUBSTITUTES)
def test_compressed_files_are_named_too(suffix: str, name: str, tmp_path: Path) -> None:
    data, message = SUBSTITUTES[name]
    (tmp_path / f"text.txt{suffix}").write_bytes(data)
    (tmp_path / "labels").write_bytes(data)
    with pytest.raises(SeqkitError, match=message if data else "empty|damaged"):
        open_corpus(tmp_path / f"text.txt{suffix}")


def test_folders_of_images_and_idx_files_name_them(tmp_path: Path) -> None:
    for label in "ab":
        (tmp_path / label).mkdir()
        for number in range(2):
            (tmp_path / label / f"{number}.png").write_bytes(LFS)
    with pytest.raises(SeqkitError, match="pointer of Git LFS"):
        open_images(tmp_path)


def test_text_about_pages_is_text() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as box:
        box.writestr("a", "b")
    for data in (b"A page begins with <html>.", b"< html", b"version 2", buffer.getvalue(), b"<s> the </s>"):
        assert find_substitute(data) is None
    assert find_substitute(np.zeros(4).tobytes()) is None
