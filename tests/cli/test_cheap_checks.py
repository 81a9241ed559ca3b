"""Mistakes that can be seen at once are reported before a corpus is read or a model is opened or trained."""

import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Seqkit

FIGURES = [
    ("plot", "curves", "no-run"),
    ("plot", "vectors", "--vectors", "no-vectors"),
    ("plot", "attention", "no-run", "text"),
    ("plot", "filters", "no-run"),
    ("plot", "mistakes", "no-run"),
    ("lab", "plot", "numbers.json"),
]


@pytest.fixture
def numbers(tmp_path: Path) -> None:
    (tmp_path / "numbers.json").write_text("{}")


@pytest.mark.usefixtures("numbers")
@pytest.mark.parametrize("command", FIGURES, ids=lambda command: "-".join(command[:2]))
def test_a_figure_is_checked_first(
    seqkit: Seqkit, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib")
    Path("folder.png").mkdir()
    for out, message in (
        ("a.gif", "expected a figure file ending in"),
        ("nowhere/a.png", "'nowhere' does not exist"),
        ("folder.png", "is a directory"),
    ):
        done = seqkit(*command, "--out", out)
        assert (done.code, done.out) == (2, ""), done
        assert message in done.err
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    done = seqkit(*command, "--out", "a.png")
    assert (done.code, done.out) == (1, "")
    assert "pip install 'seqkit[plot]'" in done.err


def no_call(*arguments: object, **options: object) -> None:
    pytest.fail("the work began before the check")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--plot", "a.gif"), "expected a figure file ending in"),
        (("--out", "file/numbers"), "file"),
        (("--data", "mnist"), "mnist"),
    ],
)
def test_experiments_do_not_run_before_the_checks(
    seqkit: Seqkit,
    options: tuple[str, ...],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    pytest.importorskip("matplotlib")
    pytest.importorskip("sklearn", reason="the experiment's digits come with scikit-learn")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SEQKIT_DATA", str(tmp_path))
    monkeypatch.setattr("seqkit.lab.run_experiment", no_call)
    done = seqkit("lab", "run", "dropout", "--quick", *options)
    assert (done.code in (1, 2), done.out) == (True, ""), done
    assert message in done.err


def test_a_projection_is_checked_before_vectors_are_trained(
    seqkit: Seqkit, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setattr("seqkit.tasks.embeddings.find_vectors", no_call)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.manifold", None)
    done = seqkit("plot", "vectors", "--method", "tsne")
    assert done.code == 1
    assert "t-SNE needs scikit-learn" in done.err


@pytest.mark.parametrize("option", ["--analogies", "--pairs"])
def test_questions_are_looked_for_before_vectors_are_read(
    seqkit: Seqkit, option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seqkit.tasks.embeddings.open_vectors", no_call)
    done = seqkit("eval-embeddings", "vectors.txt", option, "absent.txt")
    assert (done.code, done.out) == (1, "")
    assert "no such file, absent.txt" in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--out", "v.bin"), "end it in .npy"),
        (("--out", "nowhere/v.npy"), "cannot write 'nowhere/v.npy'"),
        (("--similar", "absent.txt"), "absent.txt"),
        (("absent.txt",), "absent.txt"),
    ],
)
def test_embed_checks_its_files_before_it_opens_the_encoder(
    seqkit: Seqkit, arguments: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seqkit.tasks.sentence_encoding.load", no_call)
    done = seqkit("embed", "no-folder", *arguments)
    assert (done.code in (1, 2), done.out) == (True, ""), done
    assert message in done.err


def test_evaluation_and_dry_run_warn_of_text_without_blanks_on_stderr(seqkit: Seqkit, tmp_path: Path) -> None:
    lines = [
        "".join(chr(0x4E00 + (7 * n + k) % 900) for k in range(12)) for m in range(120) for n in [m % 90]
    ]
    (tmp_path / "text").write_text("\n".join(lines), "utf-8")
    train = ["train-lm", tmp_path / "text", "--max-steps", "1", "--emsize", "8", "--out", tmp_path / "run"]
    assert "warning: " in seqkit(*train, "--dry-run").err
    assert "warning: " in seqkit(*train).err
    done = seqkit("eval-lm", tmp_path / "run", "--json")
    assert "of the test text are <unk>" in done.err
    assert "char or bpe" in done.err
    assert "warning" not in done.out
