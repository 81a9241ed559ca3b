import pytest

from seqkit.backend.paths import data_dir

REAL_DATA = data_dir()  # before any test points SEQKIT_DATA elsewhere


@pytest.fixture(autouse=True)
def _needs_corpus(request: pytest.FixtureRequest) -> None:
    """Skip tests marked ``corpus(name)`` by name when its folder is absent."""
    for mark in request.node.iter_markers("corpus"):
        folder = REAL_DATA / mark.args[0]
        if not folder.exists():
            pytest.skip(f"the corpus {mark.args[0]} is absent: no {folder}")


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Private data and cache folders; returns the data folder."""
    monkeypatch.setenv("SEQKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SEQKIT_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"
