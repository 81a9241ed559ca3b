"""Training image classifiers into run directories: what is learned, resumed, classified and refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seqkit
from seqkit.corpora import open_images
from seqkit.errors import DamagedFileError, DataError, TrainingInterrupted, UsageError
from seqkit.tasks.image_classification import ImageClassificationSettings, TrainedImageClassifier, train
from tests.corpora.test_images import write_idx
from tests.tasks.test_seq2seq import Notes

QUICK: dict[str, Any] = {"hidden": "16", "batch_size": 16, "epochs": 2, "lr": 0.01, "validation": 0.2}


def write_stripes(folder: Path, count: int = 120, size: int = 10, seed: int = 0) -> Path:
    """idx files of noise with a bright row (class 0), column (1) or diagonal (2) somewhere."""
    rng = np.random.default_rng(seed)

    def part(n: int) -> tuple[np.ndarray, np.ndarray]:
        images, labels = rng.integers(0, 60, (n, size, size), np.uint8), np.arange(n, dtype=np.uint8) % 3
        for image, label, place in zip(images, labels, rng.integers(0, size, n), strict=True):
            lines = (image[place], image[:, place], np.einsum("ii->i", image))
            lines[label][:] = 220
        return images, labels

    (train_images, train_labels), (test_images, test_labels) = part(count), part(count // 3)
    return write_idx(
        folder,
        train_images=train_images,
        train_labels=train_labels,
        test_images=test_images,
        test_labels=test_labels,
    )


@pytest.fixture
def stripes(tmp_path: Path) -> Path:
    return write_stripes(tmp_path / "stripes")


def trained(dataset: Path, out: Path, **changes: Any) -> TrainedImageClassifier:
    return train(ImageClassificationSettings(corpus=str(dataset), **{**QUICK, **changes}), out)


def records(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden": "32,16", "epochs": 25},
        {"hidden": "32", "batch_norm": True, "dropout": 0.1, "epochs": 25, "weight_init": "xavier"},
        {"model": "simple-cnn", "filters": "6", "filter_size": 3, "epochs": 6},
        {"model": "deep-cnn", "filters": "4,8,8", "hidden": "16", "dropout": 0.1, "epochs": 20},
    ],
    ids=lambda changes: changes.get("model", "mlp") + "-norm" * ("batch_norm" in changes),
)
def test_it_learns_and_opens_as_what_was_trained(
    stripes: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    run = trained(stripes, tmp_path / "run", **changes)
    scores = run.evaluate("train")
    assert scores.accuracy > 0.9
    assert scores.accuracy == np.trace(scores.confusion) / scores.examples
    again = seqkit.load(tmp_path / "run")
    assert isinstance(again, TrainedImageClassifier)
    images = run.corpus().images("test").images[:7]
    np.testing.assert_array_equal(again.log_probs(images), run.log_probs(images))
    said = run.classify(images)
    assert all(one.probability == max(one.probabilities.values()) for one in said)
    assert sum(said[0].probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert 0 <= run.filters().min() < run.filters().max() <= 1


def test_scores_by_epoch_and_the_best_model(stripes: Path, tmp_path: Path) -> None:
    run = trained(stripes, tmp_path / "run", epochs=4, test_accuracy=True, train_accuracy=True)
    epochs = [record for record in records(tmp_path / "run") if "valid_loss" in record]
    assert [record["epoch"] for record in epochs] == [1, 2, 3, 4]
    for record in epochs:
        for name in ("valid_accuracy", "test_accuracy", "train_accuracy"):
            assert 0 <= record[name] <= 1
    best = min(epochs, key=lambda record: record["valid_loss"])
    scores = run.evaluate("valid")
    assert (scores.loss, scores.accuracy) == (best["valid_loss"], best["valid_accuracy"])
    assert run.evaluate().accuracy == best["test_accuracy"]


def test_other_images_are_evaluated_with_the_classes_of_the_run(stripes: Path, tmp_path: Path) -> None:
    run = trained(stripes, tmp_path / "run")
    other = write_stripes(tmp_path / "other", seed=1)
    scores = run.evaluate(corpus=other)
    assert (scores.split, scores.examples) == ("test", 40)
    labelled = open_images(other, validation=0).images("test")
    assert scores.accuracy == (run.log_probs(labelled.images).argmax(axis=1) == labelled.labels).mean()
    assert run.evaluate("train", corpus=other).examples == 120
    with pytest.raises(DataError, match="expected split to be one of train, test, got 'valid'"):
        run.evaluate("valid", corpus=other)
    with pytest.raises(
        DataError, match=r"expected images of 10 by 10 pixels and 1 channel.*got 8 by 8 and 1"
    ):
        run.evaluate(corpus=write_stripes(tmp_path / "small", size=8))
    more = np.arange(40, dtype=np.uint8) % 4
    strange = write_idx(
        tmp_path / "strange",
        train_images=np.zeros((40, 10, 10), np.uint8),
        train_labels=more,
        test_images=np.zeros((40, 10, 10), np.uint8),
        test_labels=more,
    )
    with pytest.raises(DataError, match=r"the class '3' of the t.* split is not among the 3 of training"):
        run.evaluate(corpus=strange)


def test_without_validation_the_last_model_is_kept(stripes: Path, tmp_path: Path) -> None:
    run = trained(stripes, tmp_path / "run", validation=0, epochs=3, test_accuracy=True, log_interval=1)
    log = records(tmp_path / "run")
    last = [record for record in log if "train_loss" in record][-1]
    assert "valid_loss" not in last
    assert run.evaluate().accuracy == last["test_accuracy"]
    assert len([record for record in log if "grad_norm" in record]) == 3 * 8  # a line a step; 120 images
    with pytest.raises(DataError, match="no valid split"):
        run.evaluate("valid")


@pytest.mark.parametrize(
    "changes",
    [{"dropout": 0.3, "batch_norm": True, "optimizer": "momentum"}, {"model": "simple-cnn"}],
    ids=str,
)
def test_a_stopped_run_goes_on_with_the_same_bits(
    stripes: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    settings = ImageClassificationSettings(corpus=str(stripes), **{**QUICK, "epochs": 3, **changes})
    whole = train(settings, tmp_path / "whole")
    with pytest.raises(TrainingInterrupted):
        train(settings, tmp_path / "run", callbacks=Notes(stop_after=1))
    done = train(settings, tmp_path / "run", resume=True)
    state = whole.model.state_dict()
    assert state.keys() == done.model.state_dict().keys()
    for name, array in state.items():
        np.testing.assert_array_equal(done.model.state_dict()[name], array)


def test_weight_decay_leaves_biases_alone(stripes: Path, tmp_path: Path) -> None:
    strong: dict[str, Any] = {"optimizer": "sgd", "lr": 0.1, "weight_decay": 9.9, "batch_norm": True}
    state = trained(stripes, tmp_path / "run", epochs=3, **strong).model.state_dict()
    for name, array in state.items():
        if name.endswith(".weight") and array.ndim > 1:
            assert abs(array).mean() < 0.02
        elif name.endswith(".weight"):
            assert array.min() > 0.8


def test_files_are_classified(stripes: Path, tmp_path: Path) -> None:
    Image: Any = pytest.importorskip("PIL.Image")
    run = trained(stripes, tmp_path / "run", epochs=25)
    part = run.corpus().images("test")
    paths = [tmp_path / f"{n}.png" for n in range(5)]
    for path, image in zip(paths, part.images, strict=False):
        Image.fromarray(image[..., 0]).save(path)
    assert run.classify_files(paths) == run.classify(part.images[:5])
    Image.fromarray(part.images[0, ..., 0]).resize((20, 20)).save(paths[0])
    with pytest.raises(DataError, match=r"expected 10 by 10 pixels, got 20 by 20.*resize=True"):
        run.classify_files(paths)
    assert [one.label for one in run.classify_files(paths, resize=True)] == [
        one.label for one in run.classify(part.images[:5])
    ]
    with pytest.raises(UsageError, match="expected image files, got none"):
        run.classify_files([])


def test_mistakes_are_what_evaluation_counts(stripes: Path, tmp_path: Path) -> None:
    run = trained(stripes, tmp_path / "run", epochs=1)
    scores, mistakes = run.evaluate(), run.mistakes()
    assert len(mistakes) == scores.examples - np.trace(scores.confusion) > 0
    assert [m.probability for m in mistakes] == sorted((m.probability for m in mistakes), reverse=True)
    part = run.corpus().images("test")
    for one in mistakes:
        assert one.label == run.classes[part.labels[one.row]] != one.predicted
        np.testing.assert_array_equal(one.image, part.images[one.row])


def test_the_textbooks_subset_is_cut_before_validation(stripes: Path, tmp_path: Path) -> None:
    run = trained(stripes, tmp_path / "run", train_size=50, validation=0.2, epochs=1)
    assert run.run.config["corpus"]["images"] == {"train": 40, "valid": 10, "test": 40}


@pytest.mark.parametrize("name", ["config.json", "labels.txt", "standardization.json", "model.safetensors"])
def test_a_damaged_run_is_refused(stripes: Path, tmp_path: Path, name: str) -> None:
    trained(stripes, tmp_path / "run", epochs=1)
    path = tmp_path / "run" / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(DamagedFileError, match=name):
        seqkit.load(tmp_path / "run")


def test_images_that_changed_are_refused(stripes: Path, tmp_path: Path) -> None:
    run = trained(stripes, tmp_path / "run", epochs=1)
    path = stripes / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    with pytest.raises(DataError, match="has changed since"):
        run.evaluate()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"model": "resnet"}, "expected model to be one of mlp, simple-cnn, deep-cnn"),
        ({"normalize": "half"}, "expected normalize to be one of"),
        ({"hidden": "10,x"}, "expected hidden to be numbers above 0 separated by commas"),
        ({"hidden": "10,0"}, "expected hidden to be numbers above 0 separated by commas"),
        ({"validation": 1.0}, "expected validation to be at least 0 and below 1"),
        ({"train_size": 0}, "expected train_size to be above 0"),
        ({"model": "simple-cnn", "batch_norm": True}, "simple-cnn has no setting batch_norm"),
        ({"model": "simple-cnn", "hidden": "10,10"}, "expected hidden to be one number for simple-cnn"),
        ({"model": "deep-cnn", "filters": "8"}, "expected filters to be three numbers"),
        ({"activation": "selu"}, "expected activation to be one of"),
        ({"weight_init": "zeros"}, "expected weight_init to be one of"),
        ({"filter_size": 3}, "mlp has no setting filter_size"),
    ],
)
def test_settings_that_cannot_be_leave_no_run(
    stripes: Path, tmp_path: Path, values: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        train(ImageClassificationSettings.from_values({"corpus": str(stripes), **values}), tmp_path / "run")
    assert not (tmp_path / "run").exists()
