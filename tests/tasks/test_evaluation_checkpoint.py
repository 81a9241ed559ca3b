"""An interrupted evaluation goes on from its checkpoint and gives the same bits."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqkit.errors import DamagedFileError, RunError, UsageError
from seqkit.tasks.language_modeling import LanguageModelSettings, TrainedLanguageModel, load, passes, train
from seqkit.tasks.language_modeling.dynamic import DynamicPass, evaluate_dynamic
from seqkit.tasks.language_modeling.mixture import CachePass, evaluate_mixture, save_mixture
from seqkit.tasks.language_modeling.passes import StreamPass
from tests.training.tiny import TINY, write_corpus

Models = dict[str, TrainedLanguageModel]
EVALUATIONS: dict[str, Callable[..., Any]] = {
    "dynamic": lambda m, **kwargs: evaluate_dynamic(m["lstm"], "test", **kwargs),
    "dynamic of a Transformer": lambda m, **kwargs: evaluate_dynamic(m["transformer"], "test", **kwargs),
    "cache": lambda m, **kwargs: evaluate_mixture([m["lstm"]], "test", cache=30, **kwargs),
    "mixture": lambda m, **kwargs: evaluate_mixture(
        [m["kneser-ney"], m["transformer"], m["gru"]], "test", cache=7, **kwargs
    ),
    "mixture as a run": lambda m, **kwargs: evaluate_mixture([m["mix"], m["gru"]], "test", **kwargs),
}

ON_CPU = ("kneser-ney", "mix")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    folder = tmp_path_factory.mktemp("models")
    corpus = str(write_corpus(folder / "text.txt"))
    small: dict[str, Any] = {**TINY, "corpus": corpus, "vocab_size": 12}
    transformer: dict[str, Any] = {"embedding_size": 8, "num_heads": 2, "context_length": 8, "max_steps": 2}
    shared: dict[str, Any] = {"corpus": corpus, "vocab_size": 12}
    made = {
        "lstm": LanguageModelSettings(**small),
        "gru": LanguageModelSettings(**{**small, "model": "gru"}),
        "kneser-ney": LanguageModelSettings(model="kneser-ney", order=3, **shared),
        "transformer": LanguageModelSettings(model="transformer", **transformer, **shared),
    }
    found = {name: train(settings, folder / name) for name, settings in made.items()}
    save_mixture([found["lstm"], found["kneser-ney"]], [0.5, 0.5], folder / "mix")
    found["mix"] = load(folder / "mix")
    return found


@pytest.fixture(autouse=True)
def _always_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "INTERVAL", -1.0)
    monkeypatch.setattr(passes, "_WRITES", -1.0)
    monkeypatch.setattr("seqkit.tasks.language_modeling.evaluation.window_length", lambda *_: 16)
    monkeypatch.setattr("seqkit.tasks.language_modeling.mixture._WINDOW", 16)
    monkeypatch.setattr("seqkit.tasks.language_modeling.dynamic.TUNING_TOKENS", 60)


class Pieces:
    """Counts the pieces of all passes, and interrupts at one of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count, self.last = 0, -1
        for each in (StreamPass, CachePass, DynamicPass):
            monkeypatch.setattr(each, "piece", self._counted(each.piece))

    def _counted(self, piece: Callable[[Any, int], Any]) -> Callable[[Any, int], Any]:
        def counted(each: Any, index: int) -> Any:
            if self.count == self.last:
                raise KeyboardInterrupt
            self.count += 1
            return piece(each, index)

        return counted


@pytest.mark.parametrize("name", EVALUATIONS)
def test_the_bits_are_those_of_one_go(
    name: str, models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate, path = EVALUATIONS[name], tmp_path / "evaluation"
    expected = evaluate(models).to_dict()
    pieces = Pieces(monkeypatch)
    assert evaluate(models, checkpoint=path).to_dict() == expected
    total = pieces.count
    assert not path.exists()
    for share in (0.1, 0.35, 0.6, 0.85, 0.99):
        done = min(total - 1, round(share * total))
        pieces.count, pieces.last = 0, done
        with pytest.raises(KeyboardInterrupt):
            evaluate(models, checkpoint=path)
        pieces.count, pieces.last = 0, -1
        assert evaluate(models, checkpoint=path).to_dict() == expected
        assert pieces.count == total - done
        assert not path.exists()


def test_a_file_of_something_else_is_refused_and_kept(
    models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces, path = Pieces(monkeypatch), tmp_path / "evaluation"
    pieces.last = 3
    with pytest.raises(KeyboardInterrupt):
        EVALUATIONS["cache"](models, checkpoint=path)
    pieces.last = -1
    before = path.read_bytes()
    others: list[Callable[[], Any]] = [
        lambda: EVALUATIONS["dynamic"](models, checkpoint=path),
        lambda: evaluate_mixture([models["lstm"]], "test", cache=31, checkpoint=path),
        lambda: evaluate_mixture([models["lstm"]], "valid", cache=30, checkpoint=path),
        lambda: evaluate_mixture([models["gru"]], "test", cache=30, checkpoint=path),
    ]
    for other in others:
        with pytest.raises(UsageError, match="evaluation is the file of another evaluation"):
            other()
    assert path.read_bytes() == before
    for damaged in (before[:-9], before[:200] + b"x" + before[201:], b"my notes", b""):
        path.write_bytes(damaged)
        with pytest.raises(DamagedFileError, match="evaluation is a damaged checkpoint, or no checkpoint"):
            EVALUATIONS["cache"](models, checkpoint=path)
        assert path.read_bytes() == damaged
    weights = tmp_path / "model.safetensors"
    shutil.copyfile(models["lstm"].run.path / weights.name, weights)
    before = weights.read_bytes()
    with pytest.raises(UsageError, match=r"model.safetensors is the file of something else"):
        EVALUATIONS["cache"](models, checkpoint=weights)
    assert weights.read_bytes() == before
    with pytest.raises(RunError, match=r"cannot write .*give the checkpoint another place"):
        EVALUATIONS["cache"](models, checkpoint=tmp_path / "no" / "such" / "folder")


def test_a_model_or_a_text_that_changed_is_another_evaluation(
    models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, text = tmp_path / "run", tmp_path / "text"
    shutil.copytree(models["lstm"].run.path, run)
    text.mkdir()
    for split in ("train", "valid", "test"):
        (text / f"{split}.txt").write_text("the cat ran to the cat\n" * 40)
    pieces, path = Pieces(monkeypatch), tmp_path / "evaluation"

    def evaluate() -> Any:
        return evaluate_mixture([load(run)], "test", corpus=str(text), cache=30, checkpoint=path)

    pieces.last = 3
    with pytest.raises(KeyboardInterrupt):
        evaluate()
    pieces.last = -1
    (text / "test.txt").write_text("a dog ran to the cat\n" * 40)
    with pytest.raises(UsageError, match="another evaluation"):
        evaluate()
    (text / "test.txt").write_text("the cat ran to the cat\n" * 40)
    for name in ("config.json", "model.safetensors"):
        shutil.copyfile(models["gru"].run.path / name, run / name)
    with pytest.raises(UsageError, match="another evaluation"):
        evaluate()


def test_what_was_not_written_is_done_again(
    models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted before the first writing, between two and after the end of a pass."""
    expected = EVALUATIONS["cache"](models).to_dict()
    pieces, path = Pieces(monkeypatch), tmp_path / "evaluation"
    EVALUATIONS["cache"](models)
    total = pieces.count
    for last in range(0, total, 3):
        monkeypatch.setattr(passes, "INTERVAL", 1e9 if last % 2 else -1.0)
        path.unlink(missing_ok=True)
        pieces.count, pieces.last = 0, last
        with pytest.raises(KeyboardInterrupt):
            EVALUATIONS["cache"](models, checkpoint=path)
        pieces.count, pieces.last = 0, min(last // 2, total - last - 1)
        with pytest.raises(KeyboardInterrupt):
            EVALUATIONS["cache"](models, checkpoint=path)
        pieces.last = -1
        assert EVALUATIONS["cache"](models, checkpoint=path).to_dict() == expected


def test_a_full_disk_does_not_end_an_evaluation(
    models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    expected = EVALUATIONS["cache"](models).to_dict()
    write, written = passes.checksummed.write_tensors, []

    def full(*arguments: Any, **writing: Any) -> None:
        written.append(arguments)
        if len(written) > 1:
            raise RunError("cannot write it (No space left on device)")
        write(*arguments, **writing)

    monkeypatch.setattr(passes.checksummed, "write_tensors", full)
    assert EVALUATIONS["cache"](models, checkpoint=tmp_path / "kept").to_dict() == expected
    assert len(written) == 2
    assert "No space left on device" in caplog.text


@pytest.mark.parametrize("name", EVALUATIONS)
def test_a_gpu_gives_the_same(
    name: str, models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gpu: str
) -> None:
    expected = EVALUATIONS[name](models).to_dict()
    moved = {key: load(each.run.path, device=None if key in ON_CPU else gpu) for key, each in models.items()}
    device = {"device": gpu} if name.startswith("dynamic") else {}
    pieces = Pieces(monkeypatch)
    whole = EVALUATIONS[name](moved, **device).to_dict()
    assert whole["perplexity"] == pytest.approx(expected["perplexity"], rel=1e-4)
    pieces.count, pieces.last = 0, pieces.count // 2
    with pytest.raises(KeyboardInterrupt):
        EVALUATIONS[name](moved, checkpoint=tmp_path / "kept", **device)
    pieces.last = -1
    assert EVALUATIONS[name](moved, checkpoint=tmp_path / "kept", **device).to_dict() == whole
