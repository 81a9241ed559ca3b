"""similar, analogy, convert and eval-embeddings on vectors whose answers are plain."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from seqkit.vectors import KeyedVectors, load_vectors
from tests.cli.conftest import Seqkit
from tests.exhaustive import exhaustive

# east, north and their mixtures: cosines are those of the angles between them
ANGLES = {"east": 0, "eastish": 10, "northeast": 45, "north": 90, "west": 180}


@pytest.fixture
def compass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SEQKIT_VECTORS", raising=False)
    table = KeyedVectors(2)
    radians = np.radians(list(ANGLES.values()))
    table.add_vectors(list(ANGLES), np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32))
    path = tmp_path / "compass.safetensors"
    table.save(path)
    return path


def test_similar_orders_by_cosine(seqkit: Seqkit, compass: Path) -> None:
    done = seqkit("similar", "east", "--vectors", compass, "-n", "3")
    assert done.code == 0
    rows = [line.split("\t") for line in done.out.splitlines()]
    assert [word for _, word in rows] == ["eastish", "northeast", "north"]
    for (cosine, _), degrees in zip(rows, (10, 45, 90), strict=True):
        assert float(cosine) == pytest.approx(np.cos(np.radians(degrees)), abs=1e-4)
    assert done.err == ""


def test_similar_as_json_with_a_word_taken_away(seqkit: Seqkit, compass: Path) -> None:
    done = seqkit("similar", "northeast", "--minus", "east", "--vectors", compass, "--json")
    # 45° less 0° points to 112.5°: north is 22.5° away, west 67.5°, eastish 102.5°
    (row,) = done.json
    assert row["word"] == "northeast - east"
    assert [each["word"] for each in row["neighbours"]] == ["north", "west", "eastish"]
    assert row["neighbours"][0]["similarity"] == pytest.approx(np.cos(np.radians(22.5)), abs=1e-4)


@pytest.mark.parametrize("words", [["east"], ["east", "west"], ["east", "north", "east"]])
def test_json_has_one_shape_for_any_number_of_words(seqkit: Seqkit, compass: Path, words: list[str]) -> None:
    done = seqkit("similar", *words, "--vectors", compass, "--json", "-n", "2")
    assert [row["word"] for row in done.json] == words
    assert all(len(row["neighbours"]) == 2 for row in done.json)
    text = seqkit("similar", *words, "--vectors", compass, "-n", "2").out
    assert text.count("\t") == 2 * len(words)


def test_a_word_in_another_unicode_form_is_found_with_a_hint(seqkit: Seqkit, tmp_path: Path) -> None:
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    Path("forms.txt").write_text(f"4 2\n{decomposed} 1 0\ntea 1 0.1\nsea 0 1\nsky 0.1 1\n", "utf-8")
    for command in (["similar", composed], ["analogy", "tea", composed, "sea"]):
        done = seqkit(*command, "--vectors", "forms.txt", "-n", "1")
        assert done.code == 0, done.err
        assert done.out
        assert "is written in another Unicode form in these vectors, in NFD" in done.err
    assert seqkit("similar", "caf", "--vectors", "forms.txt").code == 1


def test_analogy(seqkit: Seqkit, compass: Path) -> None:
    done = seqkit("analogy", "east", "north", "north", "--vectors", compass, "-n", "1")
    assert done.out.split("\t")[1].strip() == "west"


def test_vectors_may_be_named_by_the_environment(
    seqkit: Seqkit, compass: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQKIT_VECTORS", str(compass))
    done = seqkit("similar", "east", "-n", "1")
    assert done.out.endswith("eastish\n")
    assert str(compass) in done.err


@exhaustive
def test_without_any_the_embedded_corpus_serves(seqkit: Seqkit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEQKIT_VECTORS", raising=False)
    monkeypatch.setattr("seqkit.tasks.embeddings.sources.EPOCHS", 1)
    from seqkit.backend.kernels import numba_missing

    if numba_missing() is not None:
        pytest.skip(f"a minute without compiled kernels: {numba_missing()}")
    done = seqkit("similar", "function", "--json", "-n", "5")
    assert done.code == 0
    assert len(done.json[0]["neighbours"]) == 5
    assert "vectors: those of the embedded corpus" in done.err


def test_unknown_words_suggest_near_ones(seqkit: Seqkit, compass: Path) -> None:
    done = seqkit("similar", "nort", "--vectors", compass)
    assert (done.code, done.out) == (1, "")
    assert "did you mean 'north'" in done.err


@pytest.mark.parametrize("suffix", ["txt", "bin", "glove", "txt.gz"])
def test_convert_there_and_back(seqkit: Seqkit, compass: Path, suffix: str) -> None:
    assert seqkit("convert", compass, f"out.{suffix}").code == 0
    assert seqkit("convert", f"out.{suffix}", "back.safetensors").code == 0
    first, again = load_vectors(compass), load_vectors("back.safetensors")
    assert again.index_to_key == list(ANGLES)
    np.testing.assert_array_equal(again.vectors, first.vectors)


def test_eval_embeddings_counts_by_hand(
    seqkit: Seqkit, compass: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("questions.txt").write_text(": turns\neast north north west\neast eastish north west\n", "utf-8")
    Path("pairs.tsv").write_text("east\teastish\t9\neast\tnortheast\t5\neast\twest\t0\n", "utf-8")
    done = seqkit(
        "eval-embeddings", compass, "--analogies", "questions.txt", "--pairs", "pairs.tsv", "--json"
    )
    assert done.code == 0
    # the first: 90 - 0 + 90 degrees; the second: the sum of 10 and 90 less 0 degrees points to 89, and west
    # is the nearest that is no part of the question except northeast, at 45
    assert done.json["analogies"]["questions"] == 2
    assert done.json["analogies"]["sections"]["turns"] == {"correct": 1, "incorrect": 1}
    assert done.json["pairs"]["spearman"] == pytest.approx(1)
    text = seqkit("eval-embeddings", compass, "--pairs", "pairs.tsv")
    assert "Spearman 1.0000" in text.out
    monkeypatch.setenv("SEQKIT_VECTORS", str(compass))
    for named in ([], ["--vectors", compass]):
        assert seqkit("eval-embeddings", *named, "--pairs", "pairs.tsv").out == text.out
    twice = seqkit("eval-embeddings", compass, "--vectors", compass, "--pairs", "pairs.tsv")
    assert (twice.code, twice.out) == (2, "")
    assert "expected VECTORS or --vectors, got both" in twice.err


def test_a_map_of_words(seqkit: Seqkit, compass: Path) -> None:
    pytest.importorskip("matplotlib")
    done = seqkit("plot", "vectors", "--vectors", compass, "--out", "map.png")
    assert (done.code, done.out) == (0, "map.png\n")
    assert Path("map.png").read_bytes().startswith(b"\x89PNG")
    done = seqkit(
        "plot", "vectors", "east", "north", "west", "--vectors", compass, "--json", "--out", "a.svg"
    )
    assert done.json["file"] == "a.svg"
    points = {row["word"]: (row["x"], row["y"]) for row in done.json["points"]}
    assert list(points) == ["east", "north", "west"]
    assert np.hypot(*np.subtract(points["east"], points["west"])) == pytest.approx(2)
    assert np.hypot(*np.subtract(points["east"], points["north"])) == pytest.approx(np.sqrt(2))


def test_a_map_of_words_with_their_neighbours(seqkit: Seqkit, compass: Path) -> None:
    pytest.importorskip("matplotlib")
    done = seqkit("plot", "vectors", "east", "west", "--neighbours", "1", "--vectors", compass, "--json")
    # the word nearest to west is north, at 90 degrees
    assert [(row["word"], row["group"]) for row in done.json["points"]] == [
        ("east", "east"),
        ("west", "west"),
        ("eastish", "east"),
        ("north", "west"),
    ]
    assert Path("vectors.png").exists()


def test_a_map_that_cannot_be_drawn(seqkit: Seqkit, compass: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = seqkit("plot", "vectors", "east", "west", "--vectors", compass)
    assert done.code == 2
    assert "three words or more, got 2; give more, or --neighbours 10" in done.err
    done = seqkit("plot", "vectors", "nort", "east", "west", "--vectors", compass)
    assert done.code == 1
    assert "did you mean 'north'" in done.err
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.manifold", None)
    done = seqkit("plot", "vectors", "--vectors", compass, "--method", "tsne")
    assert done.code == 1
    assert "pip install scikit-learn" in done.err
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    done = seqkit("plot", "vectors", "--vectors", compass)
    assert done.code == 1
    assert "pip install 'seqkit[plot]'" in done.err


BROKEN = {
    "limit": b"1 2\na 1 2\nb 3 4\n",
    "repeated": b"2 2\na 1 2\na 3 4\n",
    "encoding": "2 2\né 1 2\na 3 4\n".encode("latin1"),
    "other": b"12 3\na 4\n",  # GloVe's, with a word that is a number
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_remedy_helps_where_it_is_read(seqkit: Seqkit, name: str) -> None:
    """The command that an error advises goes on, and what was refused works with its file."""
    Path("FILE").write_bytes(BROKEN[name])
    for refused in (["similar", "a", "--vectors", "FILE"], ["convert", "FILE", "NEW.txt"]):
        done = seqkit(*refused)
        assert done.code == 1
        assert not re.search(r"load_vectors|=\d|=\"|=,", done.err)  # which nobody can type here
        advice = re.search(r"seqkit (convert FILE NEW [-a-z0-9 ]*[a-z0-9])", done.err)
        assert advice is not None, done.err
        assert seqkit(*advice[1].replace("NEW", "NEW.txt").split()).code == 0
        assert seqkit("similar", "a", "--vectors", "NEW.txt").code == 0
        Path("NEW.txt").unlink()


def test_options_of_files_are_refused_for_runs_and_native_files(seqkit: Seqkit, compass: Path) -> None:
    done = seqkit("convert", compass, "out.txt", "--limit", "2")
    assert (done.code, "the format native is read whole" in done.err) == (2, True)


def test_files_that_cannot_be_read(seqkit: Seqkit, compass: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("half.safetensors").write_bytes(compass.read_bytes()[:-5])
    Path("text.txt").write_text("2 3\na 1 2\n", "utf-8")
    for name in ("half.safetensors", "text.txt", "absent.bin"):
        done = seqkit("similar", "east", "--vectors", name)
        assert (done.code, done.out) == (1, "")
        assert name in done.err
    done = seqkit("convert", compass, "out.unknown")
    assert done.code == 2
    monkeypatch.setenv("SEQKIT_DATA", "nowhere")
    done = seqkit("eval-embeddings", compass)
    assert done.code == 1
    assert "seqkit corpora fetch questions-words" in done.err
