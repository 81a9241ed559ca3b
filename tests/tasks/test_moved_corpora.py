"""A corpus that moved is found when its run is resumed; another content is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seqkit.errors import DataError
from seqkit.tasks import language_modeling, seq2seq
from seqkit.tasks.language_modeling import LanguageModelSettings
from seqkit.tasks.seq2seq import Seq2SeqSettings
from tests.tasks.test_seq2seq import write_pairs
from tests.training.tiny import write_corpus

TINY: dict[str, Any] = {"embedding_size": 4, "hidden_size": 4, "batch_size": 4, "epochs": 1}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run whose corpus was moved to new/text."""
    write_corpus(tmp_path / "text", lines=30, seed=0)
    language_modeling.train(LanguageModelSettings(corpus=str(tmp_path / "text"), **TINY), tmp_path / "run")
    (tmp_path / "new").mkdir()
    (tmp_path / "text").rename(tmp_path / "new" / "text")
    return tmp_path / "run"


def test_a_moved_corpus_is_found_by_its_new_place(run: Path, tmp_path: Path) -> None:
    new = str(tmp_path / "new" / "text")
    with pytest.raises(DataError, match=r"corpus of .*run is no longer at .*text; restore it, or"):
        language_modeling.train(LanguageModelSettings(), run, resume=True, changes={"epochs": 2})
    changed = language_modeling.train(
        LanguageModelSettings(), run, resume=True, changes={"epochs": 2, "corpus": new}
    )
    assert changed.run.log.records()[-1]["epoch"] == 2
    assert changed.settings.corpus == language_modeling.load(run).settings.corpus == new
    assert language_modeling.load(run).evaluate("test").predictions > 0  # the run keeps the new place
    Path(new).rename(tmp_path / "third")
    settings = LanguageModelSettings(corpus=str(tmp_path / "third"))
    again = language_modeling.train(settings, run, resume=True, changes={"epochs": 3})
    assert again.run.log.records()[-1]["epoch"] == 3


def test_another_content_is_refused_with_both_keys(run: Path, tmp_path: Path) -> None:
    other = write_corpus(tmp_path / "other", lines=30, seed=1)
    key = language_modeling.load(run).run.config["content_key"]
    with pytest.raises(
        DataError, match=rf"has changed since .*expected the content {key[:16]}…, got [0-9a-f]{{16}}…"
    ):
        language_modeling.train(LanguageModelSettings(), run, resume=True, changes={"corpus": str(other)})
    assert language_modeling.load(run).run.log.records()[-1]["epoch"] == 1


def test_sources_and_targets_may_both_move(tmp_path: Path) -> None:
    rows = [
        line.split("\t") for line in write_pairs(tmp_path / "p", count=40, seed=0).read_text().splitlines()
    ]
    for side, name in enumerate(("sources", "targets")):
        (tmp_path / name).write_text("".join(f"{row[side]}\n" for row in rows))
    files = {"corpus": str(tmp_path / "sources"), "target": str(tmp_path / "targets")}
    seq2seq.train(Seq2SeqSettings(**files, **TINY, min_count=1), tmp_path / "run")
    moved = {}
    for name, path in files.items():
        moved[name] = f"{path}-2"
        Path(path).rename(moved[name])
    with pytest.raises(DataError, match=r"the target of .* is no longer at"):
        seq2seq.train(Seq2SeqSettings(corpus=moved["corpus"]), tmp_path / "run", resume=True)
    done = seq2seq.train(Seq2SeqSettings(**moved), tmp_path / "run", resume=True, changes={"epochs": 2})
    assert done.run.log.records()[-1]["epoch"] == 2
