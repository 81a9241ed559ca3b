"""Kneser-Ney models fitted by several processes: those of one process to the bit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqkit.distributed.group import ProcessGroup
from seqkit.errors import UsageError
from seqkit.models.ngrams import NGramConfig, NGramModel, fit_kneser_ney
from seqkit.models.ngrams.kneser_ney import fit_in_group
from tests.distributed.stand_in import together
from tests.distributed.test_groups import run
from tests.training.tiny import python, write_corpus

V = 23


def text(seed: int, length: int) -> np.ndarray:
    """Ids of which some follow one another often; one in eight or so ends a line."""
    rng = np.random.default_rng(seed)
    ids = rng.zipf(1.3, length) % V
    follows = rng.random(length) < 0.5
    ids[1:] = np.where(follows[1:], (5 * ids[:-1] + 1) % V, ids[1:])
    return ids.astype(np.uint16)


def fitted(ids: np.ndarray, size: int, order: int = 4, **options: Any) -> NGramModel:
    def fit(group: ProcessGroup) -> NGramModel | None:
        return fit_in_group(ids, NGramConfig(V, order=order, eos_id=1), group, **options)

    first, *others = together(size, fit)
    assert first is not None
    assert others == [None] * (size - 1)
    return first


def require_equal(model: NGramModel, expected: NGramModel) -> None:
    arrays, wanted = model.state_dict(), expected.state_dict()
    assert arrays.keys() == wanted.keys()
    for name, array in wanted.items():
        assert arrays[name].dtype == array.dtype, name
        assert arrays[name].tobytes() == array.tobytes(), name


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"prune": (0, 0, 1), "dtype": np.float64},
        {"discount_fallback": (0.4, 0.9, 1.2)},
        {"memory": 1 << 20},
    ],
)
def test_any_number_of_processes_fits_the_same_model(size: int, options: dict[str, Any]) -> None:
    ids = text(7, 9001)
    expected = fit_kneser_ney(ids, NGramConfig(V, order=4, eos_id=1), **options)
    require_equal(fitted(ids, size, **options), expected)


@pytest.mark.parametrize(
    "ids",
    [
        np.array([2]),  # fewer tokens than processes: pieces without any
        np.array([2, 3, 2, 3]),
        np.array([1, 1, 1, 1, 1, 1]),  # empty lines
        np.array([2] * 40),  # a single n-gram of each order, in one line across all pieces
        np.array([2, 3, 1] * 11 + [4]),
    ],
    ids=lambda ids: f"{len(ids)}",
)
@pytest.mark.parametrize("size", [2, 5])
def test_tiny_texts(ids: np.ndarray, size: int) -> None:
    expected = fit_kneser_ney(ids, NGramConfig(V, order=3, eos_id=1))
    require_equal(fitted(ids, size, order=3), expected)


def test_quantised_models_are_equal_as_well() -> None:
    ids = text(3, 4000)
    require_equal(fitted(ids, 3).quantized(5), fitted(ids, 1).quantized(5))


def test_what_is_sent_grows_with_the_text_not_with_its_square() -> None:
    sent: list[int] = []
    for length in (3000, 6000):
        ids = text(5, length)

        def fit(group: ProcessGroup, ids: np.ndarray = ids) -> int:
            exchanged = 0
            exchange = group.exchange

            def counted(parts: Any) -> Any:
                nonlocal exchanged
                exchanged += sum(part.nbytes for part in parts)
                return exchange(parts)

            group.exchange = counted  # type: ignore[method-assign]
            fit_in_group(ids, NGramConfig(V, order=3, eos_id=1), group)
            return exchanged

        sent.append(sum(together(2, fit)))
    assert sent[1] < 2.2 * sent[0]


def test_ids_out_of_range_are_named() -> None:
    with pytest.raises(UsageError, match="ids"):
        fitted(np.array([0, 1, 2, V]), 2)


def test_the_command(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "text.txt")
    command = [
        "-m",
        "seqkit",
        "train-lm",
        str(corpus),
        "--model",
        "kneser-ney",
        "--order",
        "3",
        "--bits",
        "8",
    ]
    done = python(*command, "--out", str(tmp_path / "one"))
    assert done.returncode == 0, done.stderr
    code, said, err = run(2, *command, "--memory", "1M", "--out", str(tmp_path / "two"))
    assert (code, said.count("best validation perplexity")) == (0, done.stdout.count("best validation")), err
    models = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "two")]
    assert models[0] == models[1]
