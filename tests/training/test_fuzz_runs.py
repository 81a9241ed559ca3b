"""Runs whose files parse, checksums and all, and hold other types or sizes than seqkit wrote."""

import hashlib
import json
import random
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seqkit
from seqkit.errors import SeqkitError
from seqkit.tasks.embeddings import EmbeddingSettings
from seqkit.tasks.image_classification import ImageClassificationSettings
from seqkit.tasks.language_modeling import LanguageModelSettings
from seqkit.tasks.masked_language_modeling import MaskedLanguageModelSettings
from seqkit.tasks.seq2seq import Seq2SeqSettings
from seqkit.tasks.sequence_labeling import SequenceLabelingSettings
from seqkit.tasks.text_classification import TextClassificationSettings
from seqkit.training import checksummed
from tests.exhaustive import EXHAUSTIVE, some
from tests.tasks.test_image_classification import write_stripes
from tests.tasks.test_seq2seq import write_pairs
from tests.tasks.test_sequence_labeling import write_sentences
from tests.tasks.test_text_classification import write_reviews
from tests.training.tiny import write_corpus

pytestmark = pytest.mark.slow

TRIES = 200 if EXHAUSTIVE else 80
STRANGE: tuple[Any, ...] = (
    None, True, -1, 0, 1 << 40, 1e300, 0.5, "", "x", "../../x", [], [1], {}, {"a": 1}, [[[]]], "lstm",
)  # fmt: skip

SIZES: dict[str, Any] = {"embedding_size": 4, "min_count": 1, "epochs": 1, "batch_size": 4}


def _language_model(folder: Path, **changes: Any) -> Any:
    corpus = str(write_corpus(folder / "text.txt"))
    settings = LanguageModelSettings(corpus=corpus, **changes)
    return seqkit.train_language_model(settings, folder / "run")


def _masked(folder: Path) -> Any:
    corpus = str(write_corpus(folder / "text.txt"))
    settings = MaskedLanguageModelSettings(corpus=corpus, num_layers=1, num_heads=2, **SIZES)
    return seqkit.train_masked_language_model(settings, folder / "run")


def _seq2seq(folder: Path) -> Any:
    settings = Seq2SeqSettings(
        corpus=str(write_pairs(folder / "pairs.tsv")), tokenizer="char", hidden_size=4, **SIZES
    )
    return seqkit.train_seq2seq(settings, folder / "run")


def _classifier(folder: Path) -> Any:
    settings = TextClassificationSettings(
        corpus=str(write_reviews(folder / "labels.tsv")), hidden_size=4, **SIZES
    )
    return seqkit.train_text_classifier(settings, folder / "run")


def _tagger(folder: Path, **changes: Any) -> Any:
    settings = SequenceLabelingSettings(corpus=str(write_sentences(folder / "names.conll", 40)), **changes)
    return seqkit.train_tagger(settings, folder / "run")


def _images(folder: Path) -> Any:
    settings = ImageClassificationSettings(corpus=str(write_stripes(folder / "images")), hidden="4", epochs=1)
    return seqkit.train_image_classifier(settings, folder / "run")


def _embeddings(folder: Path) -> Any:
    corpus = str(write_corpus(folder / "text.txt"))
    settings = EmbeddingSettings(corpus=corpus, vector_size=4, min_count=1, epochs=1, workers=1)
    return seqkit.train_embeddings(settings, folder / "run")


RUNS: dict[str, Callable[[Path], Any]] = {
    "lstm": lambda folder: _language_model(folder, hidden_size=5, tied=False, **SIZES),
    "transformer": lambda folder: _language_model(
        folder, model="transformer", num_layers=1, num_heads=2, context_length=8, **SIZES
    ),
    "kneser-ney": lambda folder: _language_model(folder, model="kneser-ney", order=2, min_count=1),
    "masked": _masked,
    "seq2seq": _seq2seq,
    "classifier": _classifier,
    "tagger": lambda folder: _tagger(folder, hidden_size=4, **SIZES),
    "hmm": lambda folder: _tagger(folder, model="hmm"),
    "images": _images,
    "embeddings": _embeddings,
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value inside a JSON document."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*path, key)
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield (*path, index)
            yield from places(inner, (*path, index))


def mutated(document: Any, draw: random.Random) -> Any:
    """Return a copy with one value replaced by a strange one, or left out."""
    copy = json.loads(json.dumps(document))
    *path, last = draw.choice(list(places(copy)))
    inner = copy
    for key in path:
        inner = inner[key]
    if draw.random() < 0.2:
        del inner[last]
    else:
        inner[last] = draw.choice(STRANGE)
    return copy


@pytest.mark.parametrize("kind", some(list(RUNS), 2))
def test_a_forged_run_is_refused_or_opened(kind: str, tmp_path: Path) -> None:
    """Every mutation is an error of seqkit, or a run that opens; soon, and in the memory of the files."""
    RUNS[kind](tmp_path)
    run, draw = tmp_path / "run", random.Random(7)
    config = json.loads((run / "config.json").read_bytes())
    config.pop("sha256")
    size = sum(file.stat().st_size for file in run.iterdir())
    others = [
        file for file in run.iterdir() if file.suffix in (".txt", ".json") and file.name != "config.json"
    ]
    outside: list[str] = []
    for index in range(TRIES):
        original: tuple[Path, bytes] | None = None
        if index % 4 == 3 and others:
            file = draw.choice(others)
            original = file, file.read_bytes()
            data = bytearray(original[1])
            for _ in range(draw.randint(1, 4)):
                data[draw.randrange(len(data))] = draw.randrange(256)
            file.write_bytes(data)
            forged = {**config, "files": {**config["files"], file.name: hashlib.sha256(data).hexdigest()}}
        else:
            forged = mutated(config, draw)
        checksummed.write_json(run / "config.json", forged)
        started = time.monotonic()
        if EXHAUSTIVE or index % 8 == 0:  # it takes most of the time
            tracemalloc.start()
        try:
            seqkit.load(run)
        except SeqkitError:
            pass
        except Exception as error:  # the point of the test
            outside.append(f"{index}: {type(error).__name__}: {error}")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert time.monotonic() - started < 5, index
        assert peak < 2 * size + (64 << 20), index
        if original is not None:
            original[0].write_bytes(original[1])
    assert outside == []
    checksummed.write_json(run / "config.json", config)
    seqkit.load(run)


def test_weights_that_are_not_finite_are_refused_by_name(tmp_path: Path) -> None:
    RUNS["lstm"](tmp_path)
    path = tmp_path / "run" / "model.safetensors"
    arrays, metadata = checksummed.read_tensors(path)
    arrays = {name: np.array(array) for name, array in arrays.items()}
    arrays["output.bias"][1] = np.nan
    checksummed.write_tensors(path, arrays, metadata)
    with pytest.raises(SeqkitError, match=r"expected finite weights, got NaN or infinity in output\.bias"):
        seqkit.load(tmp_path / "run")


CONTINUED: dict[str, Callable[[Any, Path], Any]] = {
    "lstm": lambda settings, run: seqkit.train_language_model(settings, run, resume=True),
    "images": lambda settings, run: seqkit.train_image_classifier(settings, run, resume=True),
    "embeddings": lambda settings, run: seqkit.train_embeddings(settings, run, resume=True),
}


@pytest.mark.parametrize("kind", CONTINUED)
def test_forged_metadata_of_weights_is_refused_or_used(kind: str, tmp_path: Path) -> None:
    """Read what model.safetensors and last.safetensors say of the training, by the commands that read it."""
    RUNS[kind](tmp_path)
    run, draw, outside = tmp_path / "run", random.Random(11), []
    settings = seqkit.load(run).settings
    whole = {path.name: path.read_bytes() for path in run.iterdir()}
    for index in range(TRIES // 2):
        name = draw.choice(["model.safetensors", "last.safetensors"])
        arrays, metadata = checksummed.read_tensors(run / name)
        checksummed.write_tensors(run / name, arrays, mutated({"whole": metadata}, draw).get("whole", []))
        try:
            if name == "model.safetensors":
                trained = seqkit.load(run)
                getattr(trained, "epochs_trained", None)
            else:
                CONTINUED[kind](settings, run)
        except SeqkitError:
            pass
        except Exception as error:  # the point of the test
            outside.append(f"{index}, {name}: {type(error).__name__}: {error}")
        for each, data in whole.items():
            (run / each).write_bytes(data)
    assert outside == []
    CONTINUED[kind](settings, run)
