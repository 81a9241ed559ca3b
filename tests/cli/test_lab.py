"""seqkit lab list, run and plot."""

import json
from pathlib import Path

import pytest

from seqkit.lab import experiment_names
from tests.cli.conftest import Seqkit

CHEAP = "batches-and-epochs"


def test_list_names_every_experiment(seqkit: Seqkit) -> None:
    done = seqkit("lab", "list", "--json")
    assert sorted(row["name"] for row in done.json) == experiment_names()
    assert all(row["criteria"] for row in done.json)
    lines = seqkit("lab", "list").out.splitlines()
    assert len(lines) == len(experiment_names())
    assert lines[0].startswith(f"{done.json[0]['chapter']}  {done.json[0]['name']}")


def test_run_states_the_claim_then_the_verdict(seqkit: Seqkit) -> None:
    done = seqkit("lab", "run", CHEAP, "--quick")
    assert done.code == 0
    positions = [
        done.out.index(word) for word in ("claim: ", "measure: ", "seen after one epoch", "verdict: holds")
    ]
    assert positions == sorted(positions)
    assert "seed 2" in done.err
    assert "(3 seeds, of one size: --quick changes nothing, " in done.out
    assert seqkit("lab", "run", CHEAP, "--quick", "--quiet").err == ""


def test_numbers_are_saved_and_drawn_again(seqkit: Seqkit) -> None:
    pytest.importorskip("matplotlib")
    done = seqkit("lab", "run", CHEAP, "--quick", "--seeds", "4", "--out", "lab", "--plot", "a.png", "--json")
    [result] = done.json
    assert (result["verdict"], result["seeds"], result["quick"]) == ("holds", [0, 1, 2, 3], True)
    assert {finding["outcome"] for finding in result["findings"]} == {"holds"}
    saved = Path("lab", f"{CHEAP}.json")
    assert json.loads(saved.read_text())["numbers"] == result["numbers"]
    again = seqkit("lab", "plot", saved, "--out", "b.png", "--json")
    assert again.json["verdict"] == "holds"
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()
    assert seqkit("lab", "plot", saved).code == 2
    assert seqkit("lab", "plot", saved, "--out", "c.svg").out.splitlines()[-1] == "c.svg"


def test_a_figure_that_cannot_be_written_is_refused_before_the_run(seqkit: Seqkit) -> None:
    for target, message in (
        ("a.jpg", "expected a figure file ending in"),
        ("nowhere/a.png", "does not exist"),
    ):
        done = seqkit("lab", "run", CHEAP, "--quick", "--plot", target)
        assert (done.code, done.out) == (2, "")
        assert message in done.err


def test_several_end_in_a_summary(seqkit: Seqkit) -> None:
    out = seqkit("lab", "run", CHEAP, "optimizer-paths", "--quick").out.splitlines()
    assert out[-1].startswith("2 experiments")
    assert [line.split()[:2] for line in out[-3:-1]] == [[CHEAP, "holds"], ["optimizer-paths", "holds"]]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("run",), 2, "expected the names of experiments, or --all"),
        (("run", "batches-and-epoch"), 2, "did you mean batches-and-epochs"),
        (("run", "--all", CHEAP), 2, "expected the names of experiments, or --all"),
        (("run", CHEAP, "optimizer-paths", "--plot", "a.png"), 2, "--plot draws one experiment, got 2"),
        (("run", CHEAP, "--seeds", "2"), 2, "2 is not in the range"),
        (("run", "dropout", CHEAP, "--data", "digits"), 2, f"and {CHEAP} reads none; leave out --data"),
        (("plot", "none.json", "--out", "a.png"), 2, "none.json"),
    ],
)
def test_mistakes(seqkit: Seqkit, arguments: tuple[str, ...], code: int, message: str) -> None:
    done = seqkit("lab", *arguments)
    assert (done.code, done.out) == (code, "")
    assert message in done.err


def test_a_file_of_something_else(seqkit: Seqkit) -> None:
    Path("x.json").write_text("{}")
    done = seqkit("lab", "plot", "x.json", "--out", "a.png")
    assert done.code == 1
    assert "expected the results of an experiment" in done.err


def test_mnist_that_is_not_there(seqkit: Seqkit, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEQKIT_DATA", str(tmp_path))
    done = seqkit("lab", "run", "zero-weights", "--quick", "--data", "mnist")
    assert done.code == 1
    assert "mnist" in done.err
