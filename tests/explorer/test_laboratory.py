"""The addresses of the view Laboratory, and results that were opened."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from seqkit.errors import UsageError
from seqkit.explorer.answers import Explorer, Values
from seqkit.explorer.background import Jobs
from seqkit.explorer.opening import open_items
from seqkit.explorer.views import laboratory
from seqkit.lab import get_experiment, run_experiment

NAME = "batches-and-epochs"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A folder with results of one experiment, and a damaged file of another."""
    folder = tmp_path / "lab"
    folder.mkdir()
    run_experiment(get_experiment(NAME), quick=True).save(folder / f"{NAME}.json")
    (folder / "dropout.json").write_text("{}")
    return folder


def ask(explorer: Explorer, function: Any, **values: Any) -> Any:
    return function(explorer, Values(values, explorer))


@pytest.mark.parametrize("path", [".", "..", f"{NAME}.json"])
def test_saved_results(results: Path, path: str) -> None:
    (item,) = open_items([results / path])
    explorer = Explorer([item], Jobs())
    listed = ask(explorer, laboratory.list_experiments)["experiments"]
    verdicts = {each["name"]: each["verdicts"] for each in listed}
    assert set(verdicts.pop(NAME).values()) <= {"holds", "fails", "undecided"}
    assert verdicts.pop("dropout") == ({item.name: "unreadable"} if item.path.is_dir() else {})
    assert not any(verdicts.values())
    found = ask(explorer, laboratory.results, name=NAME, of=item.name)
    assert found["quick"] is True
    assert len(found["findings"]) == len(get_experiment(NAME).criteria)
    with pytest.raises(UsageError, match=f"no results of clipping in {item.name}"):
        ask(explorer, laboratory.results, name="clipping", of=item.name)
    with pytest.raises(UsageError, match="no results of"):
        ask(explorer, laboratory.results, name=NAME, of=laboratory.HERE)


def test_an_experiment_runs_in_the_background(client: Any) -> None:
    job = client.post("/laboratory/start", json={"name": NAME}).json()["job"]
    assert client.post("/laboratory/start", json={"name": NAME}).json()["job"] == job
    state = "waiting"
    while state in ("waiting", "running"):
        time.sleep(0.05)
        state = client.get("/jobs/status", params={"job": job}).json()["state"]
    assert state == "done"
    found = {"name": NAME, "of": laboratory.HERE}
    assert client.get("/laboratory/results", params=found).json()["seeds"] == get_experiment(NAME).seeds
    pytest.importorskip("matplotlib")
    figure = client.get("/laboratory/figure", params=found)
    assert figure.headers["content-type"] == "image/png"
    assert figure.content.startswith(b"\x89PNG")


def test_progress_is_told_by_seed() -> None:
    said: list[Any] = []
    laboratory.run(lambda *values: said.append(values), NAME, True)
    assert [fraction for fraction, _ in said] == [None, 1 / 3, 2 / 3, 1.0]
