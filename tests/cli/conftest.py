import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqkit.cli import main
from seqkit.tasks.language_modeling import LanguageModelSettings, train
from tests.training.tiny import TINY, cache_set, write_corpus


class Outcome:
    """Exit code, stdout and stderr of a command."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        """stdout as one JSON value."""
        return json.loads(self.out)

    def __repr__(self) -> str:
        return f"exit {self.code}\n{self.out}\n--\n{self.err}"


Seqkit = Callable[..., Outcome]


@pytest.fixture
def seqkit(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Seqkit:
    """Run a command in this process, in the test's folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEQKIT_DEBUG", raising=False)
    monkeypatch.delenv("SEQKIT_DEVICE", raising=False)

    def run(*arguments: str | Path) -> Outcome:
        capfd.readouterr()
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        code = stop.value.code
        assert isinstance(code, int)
        assert "Traceback" not in out + err
        return Outcome(code, out, err)

    return run


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text file of 120 lines."""
    return write_corpus(tmp_path_factory.mktemp("corpus") / "corpus.txt")


def _trained(folder: Path, cache: Path, settings: dict[str, Any]) -> Path:
    with cache_set(cache):
        train(LanguageModelSettings(**settings), folder / "run")
    return folder / "run"


@pytest.fixture(scope="session")
def lstm(tmp_path_factory: pytest.TempPathFactory, cache_folder: Path, corpus: Path) -> Path:
    """A finished run of an LSTM over words; tests do not write into it."""
    settings = {**TINY, "corpus": str(corpus), "vocab_size": 10}
    return _trained(tmp_path_factory.mktemp("lstm"), cache_folder, settings)


@pytest.fixture(scope="session")
def kneser_ney(tmp_path_factory: pytest.TempPathFactory, cache_folder: Path, corpus: Path) -> Path:
    """A run of a Kneser-Ney model over the same words."""
    settings = {"model": "kneser-ney", "order": 3, "corpus": str(corpus), "vocab_size": 10}
    return _trained(tmp_path_factory.mktemp("kn"), cache_folder, settings)


@pytest.fixture(scope="session")
def characters(tmp_path_factory: pytest.TempPathFactory, cache_folder: Path, corpus: Path) -> Path:
    """A GRU over characters."""
    settings = {**TINY, "corpus": str(corpus), "tokenizer": "char", "model": "gru", "epochs": 1}
    return _trained(tmp_path_factory.mktemp("char"), cache_folder, settings)
