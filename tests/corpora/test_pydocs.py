import json
import platform
import shutil
from functools import partial
from itertools import chain

import pytest

from seqkit.corpora import REGISTRY, open_corpus
from seqkit.corpora.readers import pydocs
from seqkit.corpora.readers.lines import BadLines
from seqkit.corpora.readers.pydocs import paragraphs, words_of
from seqkit.errors import CorpusNotFoundError
from seqkit.text import get_tokenizer

read = partial(pydocs.read_pydocs, REGISTRY["pydocs"], BadLines("error"))


@pytest.fixture(scope="module")
def corpus(cache_folder):
    return read(cache=cache_folder / "pydocs")


def test_no_paragraph_of_eight_words_stands_on_two_sides(corpus) -> None:
    sides = {s: {words_of(line) for line in corpus.lines(s)} for s in corpus.splits}
    for one, other in (("train", "valid"), ("train", "test"), ("valid", "test")):
        assert not {p for p in sides[one] & sides[other] if len(p.split()) >= 8}
    for split in corpus.splits:
        assert len(sides[split]) == len(list(corpus.lines(split)))  # once each


def test_it_is_english_of_a_useful_size(corpus) -> None:
    tokenizer = get_tokenizer(corpus.defaults.tokenizer, lowercase=corpus.defaults.lowercase)
    tokens = {s: sum(len(tokenizer.tokenize(line)) + 1 for line in corpus.lines(s)) for s in corpus.splits}
    assert tokens["train"] > 200_000
    assert min(tokens["valid"], tokens["test"]) > 5_000
    for split in corpus.splits:
        for line in corpus.lines(split):
            assert not line.startswith((">>>", "---", "==="))
            assert "\n" not in line
            assert line == " ".join(line.split())


def test_version_and_hash_go_with_it(corpus) -> None:
    read = json.loads(json.dumps(corpus.provenance()))
    assert read["python"] == platform.python_version()
    assert len(read["sha256"]) == 64
    assert "key" not in read


def small_library(folder):
    (folder / "pydoc_data").mkdir(parents=True)
    (folder / "pydoc_data" / "topics.py").write_text(
        "raise SystemExit('never run')\n"
        "topics = {'if': 'The if statement is used for conditional execution of code.\\n\\n'\n"
        "                'Shared words of eight or more on every one of the sides here.\\n'}\n"
    )
    for n in range(120):
        (folder / f"mod{n}.py").write_text(
            f'"""Module number {n} does something useful.\n\n'
            'Shared words of eight or more on every one of the sides here.\n"""\n'
            f"def f():\n    '''Return the thing called {n} to its caller.'''\n"
        )
    (folder / "broken.py").write_text("def (:\n")
    (folder / "test").mkdir()
    (folder / "test" / "inner.py").write_text('"""This docstring of a test is not wanted."""\n')
    return folder


def test_sources_are_read_without_being_run(tmp_path) -> None:
    parts = pydocs.collect(small_library(tmp_path / "lib"))
    everything = list(chain(*parts.values()))
    assert len(everything) == 1 + 1 + 120 + 120
    assert everything.count("Shared words of eight or more on every one of the sides here.") == 1
    assert not any("not wanted" in line for line in everything)
    assert all(parts.values())


def test_the_cache_is_used_checked_and_renewed(tmp_path, monkeypatch) -> None:
    library, cache = small_library(tmp_path / "lib"), tmp_path / "cache"
    first = read(stdlib=library, cache=cache)
    (kept,) = cache.iterdir()
    collect = pydocs.collect
    calls = []
    monkeypatch.setattr(pydocs, "collect", lambda stdlib: calls.append(1) or collect(stdlib))
    assert read(stdlib=library, cache=cache).content_key() == first.content_key()
    assert calls == []
    kept.write_bytes(kept.read_bytes().replace(b"useful", b"usefux", 1))
    assert read(stdlib=library, cache=cache).content_key() == first.content_key()
    assert calls == [1]
    (library / "mod3.py").write_text('"""An entirely new text about something else."""\n')
    assert read(stdlib=library, cache=cache).content_key() != first.content_key()
    assert calls == [1, 1]


def test_a_cache_that_cannot_be_written_only_costs_time(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    made = read(stdlib=small_library(tmp_path / "lib"), cache=tmp_path / "file" / "cache")
    assert next(made.lines("train"))


def test_missing_sources_are_named(tmp_path) -> None:
    library = small_library(tmp_path / "lib")
    shutil.rmtree(library / "pydoc_data")
    with pytest.raises(CorpusNotFoundError, match=r"122 modules|topics\.py absent, looked in .*lib; install"):
        read(stdlib=library, cache=tmp_path / "cache")


def test_pydocs_is_opened_by_name(folders, monkeypatch) -> None:
    library = small_library(folders / "lib")
    monkeypatch.setattr(pydocs.sysconfig, "get_paths", lambda: {"stdlib": str(library)})
    corpus = open_corpus("pydocs")
    assert corpus.splits == ("train", "valid", "test")
    assert (corpus.defaults.tokenizer, corpus.defaults.lowercase, corpus.defaults.min_count) == (
        "word",
        True,
        3,
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Return the sum\n    of both values.", ["Return the sum of both values."]),
        ("One paragraph of words.\n\nAnd a second one.", ["One paragraph of words.", "And a second one."]),
        ("An example follows here:\n>>> f(1)\n2\n\nMore words follow it.",
         ["An example follows here:", "More words follow it."]),
        ("Title of this part\n------------------\nThe words below the rule.",
         ["Title of this part", "The words below the rule."]),
        ("a    1     x\nb    2     y\nc    3     z", []),
        ("| many words in | a table of words |\n| more words in | a table of words |", []),
        ("x = f(a, b)[3] + {1: 2}", []),
        ("* the ``name`` of *this* thing", ["the name of this thing"]),
        ("", []),
    ],
)  # fmt: skip
def test_prose_is_told_from_the_rest(text, expected) -> None:
    assert list(paragraphs(text)) == expected
