"""Tiny runs, vectors and damaged folders, and the server over them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqkit.tasks.language_modeling import LanguageModelSettings, train
from seqkit.vectors import KeyedVectors
from tests.explorer.models import write_models
from tests.training.tiny import TINY, cache_set, write_corpus

TOKEN = "a-token-of-tests"
WORDS = [
    "the",
    "cat",
    "dog",
    "<unk>",
    "house",
    "$x$",
    "日本語",
    "中文",
    "שלום",
    "مرحبا",
    "a&b",
    "<b>bold</b>",
]


def write_vectors(path: Path, words: list[str], *, size: int = 5, seed: int = 0) -> Path:
    """A vector file of random unit vectors."""
    table = KeyedVectors(size)
    vectors = np.random.default_rng(seed).standard_normal((len(words), size)).astype(np.float32)
    table.add_vectors(words, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    table.save(path)
    return path


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory, cache_folder: Path) -> Path:
    """A folder with the runs "gru" and "kneser-ney", the vectors "words" and "others", and a damaged run."""
    folder = tmp_path_factory.mktemp("explorer") / "runs"
    folder.mkdir()
    corpus = str(write_corpus(folder.parent / "corpus.txt"))
    with cache_set(cache_folder):
        train(
            LanguageModelSettings(**{**TINY, "corpus": corpus, "model": "gru", "log_interval": 10}),
            folder / "gru",
        )
        train(LanguageModelSettings(corpus=corpus, model="kneser-ney", order=3), folder / "kneser-ney")
    write_vectors(folder / "words.safetensors", [*WORDS, *(f"word{n}" for n in range(40))])
    write_vectors(folder / "others.safetensors", [*WORDS[::-1], *(f"other{n}" for n in range(9))], seed=1)
    (folder / "damaged").mkdir()
    (folder / "damaged" / "config.json").write_text('{"task": "language_modeling", "settings": {}}')
    return folder


Ask = Callable[..., Any]


def application(folder: Path) -> Any:
    """The application over what is in a folder."""
    for name in ("starlette", "uvicorn", "jinja2", "plotly"):
        pytest.importorskip(name)
    from seqkit.explorer import create_app, open_items

    return create_app(open_items([folder]), TOKEN)


@contextmanager
def client_of(app: Any) -> Iterator[Any]:
    """A client of an application that has opened its address."""
    pytest.importorskip("httpx2")
    from starlette.testclient import TestClient

    with TestClient(app, base_url="http://127.0.0.1:8765") as client:
        assert client.get("/", params={"token": TOKEN}).status_code == 200
        yield client


@contextmanager
def served(app: Any) -> Iterator[str]:
    """The address, with its token, of a server in a thread."""
    import uvicorn

    from seqkit.explorer.server import bind

    listener = bind("127.0.0.1", None)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/?token={TOKEN}"
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture(scope="session")
def app(runs: Path) -> Any:
    """The application over the runs."""
    return application(runs)


@pytest.fixture(scope="session")
def client(app: Any) -> Iterator[Any]:
    """A client of the application over the runs."""
    with client_of(app) as client:
        yield client


@pytest.fixture(scope="session")
def address(app: Any) -> Iterator[str]:
    """The address of a server over the runs."""
    with served(app) as address:
        yield address


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory, cache_folder: Path) -> Path:
    """A folder with a tiny run of each task."""
    folder = tmp_path_factory.mktemp("models")
    with cache_set(cache_folder):
        write_models(folder)
    return folder / "runs"


@pytest.fixture(scope="session")
def model_client(models: Path) -> Iterator[Any]:
    """A client of the application over a run of each task."""
    with client_of(application(models)) as client:
        yield client


@pytest.fixture(scope="session")
def model_address(models: Path) -> Iterator[str]:
    """The address of a server over a run of each task."""
    with served(application(models)) as address:
        yield address
