"""Tagged sentences from columns, CoNLL-U and NLTK: what is read, how it is split, what is refused."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from seqkit.corpora import REGISTRY, TaggedCorpus, corpus_names, open_tagged
from seqkit.corpora.readers.columns import Columns
from seqkit.corpora.split import split_of
from seqkit.errors import CorpusNotFoundError, DataError, UsageError
from tests.exhaustive import exhaustive

TEXT = "The DT B-NP\ndog NN I-NP\nbarks VBZ B-VP\n. . O\n\nIt PRP B-NP\nsleeps VBZ B-VP\n"
SENTENCES = [("The", "dog", "barks", "."), ("It", "sleeps")]
TAGS = [("B-NP", "I-NP", "B-VP", "O"), ("B-NP", "B-VP")]


def folder_of(path: Path, text: str | bytes, name: str = "train.conll") -> Path:
    path.mkdir(exist_ok=True)
    for each in (name, name.replace("train", "valid")):
        (path / each).write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def read(path: Path, **columns: Any) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    sentences = list(open_tagged(path, **columns).sentences("train"))
    return [s.words for s in sentences], [s.tags for s in sentences]


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT.replace(" ", "\t"),
        TEXT.replace(" ", "  \t "),  # blanks around cells
        TEXT.replace("\n", "\r\n"),
        "\ufeff" + TEXT,
        TEXT + "\n\n\n",
        "\n\n" + TEXT.removesuffix("\n"),
        "-DOCSTART- -X- O\n\n" + TEXT,
        "# a comment of any length\n" + TEXT.replace("\n\n", "\n \t \n# text = It sleeps .\n"),
        TEXT.replace("barks VBZ B-VP", "barks\tVBZ\tB-VP"),
    ],
    ids=["blanks", "tabs", "both", "crlf", "bom", "blank end", "no end", "docstart", "comments", "mixed"],
)
def test_columns(text: str, tmp_path: Path) -> None:
    assert read(folder_of(tmp_path / "a", text)) == (SENTENCES, TAGS)
    numbers = [s.lines[0] for s in open_tagged(tmp_path / "a").sentences("train")]
    assert [text.splitlines()[number - 1].strip("\ufeff\t ")[:2] for number in numbers] == ["Th", "It"]


def test_other_columns_and_compression(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "a", gzip.compress(TEXT.encode()), "train.txt.gz")
    assert read(folder, tag_column="2")[1][0] == ("DT", "NN", "VBZ", ".")
    assert read(folder, tag_column="-2")[1] == read(folder, tag_column="2")[1]
    assert read(folder, word_column="2", tag_column="1")[1] == SENTENCES


def test_a_number_sign_is_a_word_too(tmp_path: Path) -> None:
    text = "# # B-NP\n5 CD I-NP\n\nonly RB B-NP\n# # I-NP\n"
    assert read(folder_of(tmp_path / "a", "the DT O\n\n" + text))[0][1:] == [("#", "5"), ("only", "#")]


CONLLU = """# sent_id = 1
# text = Vámonos al mar
1-2\tVámonos\t_\t_\t_\t_\t_\t_\t_\t_
1\tVamos\tir\tVERB\tVMI\t_\t0\troot\t_\t_
2\tnos\tnosotros\tPRON\tPP\t_\t1\tobj\t_\t_
3-4\tal\t_\t_\t_\t_\t_\t_\t_\t_
3\ta\ta\tADP\tSP\t_\t5\tcase\t_\t_
4\tel\tel\tDET\tDA\t_\t5\tdet\t_\t_
4.1\tgran\tgrande\tADJ\tAQ\t_\t_\t_\t_\t_
5\tmar azul\tmar\tNOUN\tNC\t_\t1\tobl\t_\t_

"""


def test_conllu(tmp_path: Path) -> None:
    """Ranges and empty nodes are no words; a word may hold a blank."""
    folder = folder_of(tmp_path / "a", CONLLU, "es-train.conllu")
    words, tags = read(folder_of(tmp_path / "b", CONLLU, "x.train.conllu"))
    assert words == [("Vamos", "nos", "a", "el", "mar azul")]
    assert tags == [("VERB", "PRON", "ADP", "DET", "NOUN")]
    assert read(tmp_path / "b", tag_column="XPOS")[1][0] == ("VMI", "PP", "SP", "DA", "NC")
    assert read(tmp_path / "b", word_column="LEMMA")[0][0][0] == "ir"
    with pytest.raises(DataError, match="no column 'UPOSS' among ID, FORM"):
        read(tmp_path / "b", tag_column="UPOSS")
    with pytest.raises(DataError, match=r"expected 10 columns as CoNLL-U has, got 9, .*conllu, line 4;"):
        read(folder_of(tmp_path / "c", CONLLU.replace("\troot\t_\t_", "\troot\t_"), "train.conllu"))
    with pytest.raises(DataError, match="expected a number as ID, got 'one'"):
        read(folder_of(tmp_path / "d", CONLLU.replace("\n1\t", "\none\t"), "train.conllu"))
    assert folder.is_dir()


def test_conllu_plus(tmp_path: Path) -> None:
    text = "# global.columns = FORM NER\nParis\tB-LOC\n"
    assert read(folder_of(tmp_path / "a", text)) == ([("Paris",)], [("B-LOC",)])
    assert read(tmp_path / "a", tag_column="NER")[1] == [("B-LOC",)]


def write(path: Path, count: int) -> Path:
    path.write_text("".join(f"word{n} A\nend B\n\n" for n in range(count)))
    return path


def test_a_file_is_split_by_the_hash_of_its_sentences(tmp_path: Path) -> None:
    corpus = open_tagged(write(tmp_path / "a.conll", 200))
    for split in corpus.splits:
        for sentence in corpus.sentences(split):
            assert split == split_of(" ".join(sentence.words), 10)
    assert corpus.provenance()["split_rule"] == "80/10/10 by the hash of the sentence"
    path = tmp_path / "b.conll"
    path.write_text((tmp_path / "a.conll").read_text().replace(" ", " X "))
    assert open_tagged(path, tag_column="2").content_key() != open_tagged(path).content_key()


def test_repeated_sentences_stay_together(tmp_path: Path) -> None:
    text = write(tmp_path / "a.conll", 50).read_text()
    (tmp_path / "a.conll").write_text(text * 3)
    corpus = open_tagged(tmp_path / "a.conll")
    sides = [{s.words for s in corpus.sentences(split)} for split in corpus.splits]
    assert sum(map(len, sides)) == 50


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("The DT\ndog\n", r"expected 2 columns as in line 1, got 1, .*train\.conll, line 2; write the same"),
        ("The\tDT\ndog NN VBZ\n", "expected 2 columns as in line 1, got 3, .*line 2"),
        ("The DT\ndog\tNN\tX\n", "expected 2 columns as in line 1, got 3, .*line 2"),
        ("The\tDT\n\tNN\n", "the word is empty, .*line 2"),
        ("The\tDT\ndog\t\n", "the tag is empty, .*line 2"),
        ("The DT\n\nb\u00e4r NN".encode("latin-1"), r"byte 0xe4 is not UTF-8, .*line 3, byte 9"),
        ("\ufeff", "the file is empty"),
        ("", "the file is empty"),
    ],
)
def test_bad_lines_are_named(text: str | bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said):
        read(folder_of(tmp_path / "a", text))


def test_bad_sentences_may_be_skipped(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "a", "a X\nb\nc X\n\nd X\n\ne\n")
    corpus = open_tagged(folder, on_bad_line="skip")
    assert [s.words for s in corpus.sentences("train")] == [("d",)]
    assert corpus.skipped_count == 4  # two in each split
    assert corpus.skipped[0] == (2, "expected 2 columns as in line 1, got 1")
    with pytest.raises(DataError, match="no sentence is left: 2 bad line"):
        open_tagged(folder_of(tmp_path / "b", "a X\nb\n\n\nc\n"), on_bad_line="skip")


def test_a_sentence_of_ten_thousand_words(tmp_path: Path) -> None:
    words, _ = read(folder_of(tmp_path / "a", "word X\n" * 10_000))
    assert len(words[0]) == 10_000


def test_mistakes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.conll", 5)
    with pytest.raises(DataError, match="only 2 columns, no column 3"):
        open_tagged(path, tag_column="3")
    with pytest.raises(DataError, match="no names of columns before it, and so no column 'NER'"):
        open_tagged(path, tag_column="NER")
    with pytest.raises(CorpusNotFoundError, match="did you mean nltk:conll2000"):
        open_tagged("nltk:conll200")
    with pytest.raises(UsageError, match="tag_column has no effect here: it is for files"):
        open_tagged("nltk:conll2000", tag_column="2")
    with pytest.raises(DataError, match=r"expected a corpus of the type tagged, got ptb"):
        open_tagged("ptb")
    write(tmp_path / "b.conll", 2)
    with pytest.raises(DataError, match="only 2 different sentence"):
        open_tagged(tmp_path / "b.conll")


# NLTK


def test_without_data_the_error_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQKIT_DATA", str(tmp_path))
    assert not REGISTRY["nltk:treebank"].installed
    with pytest.raises(CorpusNotFoundError, match=r"python -m nltk\.downloader -d .* treebank"):
        open_tagged("nltk:treebank")  # no other test opens it, after which NLTK would have it


def counts(corpus: TaggedCorpus) -> dict[str, tuple[int, int]]:
    sizes = {}
    for split in corpus.splits:
        lengths = [len(s.words) for s in corpus.sentences(split)]
        sizes[split] = (len(lengths), sum(lengths))
    return sizes


@exhaustive
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nltk:conll2000", {"train": (8475, 200_812), "valid": (461, 10_915), "test": (2012, 47_377)}),
        ("nltk:conll2002-esp", {"train": (8323, 264_715), "valid": (1915, 52_923), "test": (1517, 51_533)}),
    ],
)
def test_published_splits(name: str, expected: dict[str, tuple[int, int]]) -> None:
    """Counts of words as published: 211,727 and 47,377 of CoNLL-2000."""
    if not REGISTRY[name].installed:
        pytest.skip(f"{name} is not here")
    corpus = open_tagged(name)
    assert counts(corpus) == expected
    if name == "nltk:conll2000":
        assert 200_812 + 10_915 == 211_727


def test_names() -> None:
    assert corpus_names("tagged")[0] == "nltk:conll2000"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("word tag\n" + TEXT, "a header row: 'word' and 'tag'"),
        ("Token\tPOS\n" + TEXT.replace(" ", "\t"), "a header row: 'Token' and 'POS'"),
        (TEXT.replace(" ", ","), "expected the word and the tag in two columns, got 'The,DT,B-NP' for both"),
    ],
)
def test_a_header_row_and_a_single_column_are_refused(text: str, problem: str, tmp_path: Path) -> None:
    text = text.replace(" DT", "").replace(" NN", "") if "word tag" in text else text
    with pytest.raises(DataError, match=problem):
        read(folder_of(tmp_path / "a", text))


def test_the_word_and_its_tag_are_two_columns(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="in two columns"):
        read(folder_of(tmp_path / "a", TEXT), word_column="-1")


def features(path: Path, *columns: str) -> list[tuple[tuple[str, ...], ...]]:
    return [s.feature_columns for s in open_tagged(path, feature_columns=columns).sentences("train")]


def test_feature_columns(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "a", TEXT)
    assert features(folder, "2") == [(("DT", "NN", "VBZ", "."),), (("PRP", "VBZ"),)]
    assert features(folder) == [(), ()]
    conllu = folder_of(tmp_path / "b", CONLLU, "train.conllu")
    assert features(conllu, "LEMMA", "5")[0] == (
        ("ir", "nosotros", "a", "el", "mar"),
        ("VMI", "PP", "SP", "DA", "NC"),
    )


def test_feature_columns_decide_the_content(tmp_path: Path) -> None:
    """Those of other columns differ; without any, runs of versions that knew none go on."""
    folder = folder_of(tmp_path / "a", TEXT)
    keys = [open_tagged(folder, feature_columns=chosen).content_key() for chosen in ((), ("2",))]
    assert len(set(keys)) == 2
    assert "features" not in repr(Columns())
    assert Columns().reading == (Columns(),)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (("3",), "expected the tag and the value in column 3 in two columns, got 'B-NP' for both"),
        (("1",), "expected the word and the value in column 1 in two columns"),
        (("2", "2"), "feature column 2 is given twice"),
        (("4",), "only 3 columns, no column 4"),
        (("POS",), "no names of columns before it, and so no column 'POS'"),
    ],
)
def test_wrong_feature_columns_are_refused(columns: tuple[str, ...], said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"{said}, .*line 1; choose among its 3 columns: The DT B-NP"):
        features(folder_of(tmp_path / "a", TEXT), *columns)


def test_an_empty_value_of_a_feature_column_is_refused(tmp_path: Path) -> None:
    text = TEXT.replace(" ", "\t").replace("\tNN\t", "\t\t")
    with pytest.raises(DataError, match=r"the value in column 2 is empty, .*train\.conll, line 2;"):
        features(folder_of(tmp_path / "a", text), "2")


def test_feature_columns_of_registered_corpora() -> None:
    with pytest.raises(UsageError, match="feature_columns has no effect here: nltk:brown has words and tags"):
        open_tagged("nltk:brown", feature_columns=("2",))
    try:
        plain = open_tagged("nltk:conll2000")
    except CorpusNotFoundError:
        pytest.skip("needs NLTK's conll2000")
    corpus = open_tagged("nltk:conll2000", feature_columns=("2",))
    sentence = next(iter(corpus.sentences("test")))
    assert sentence.words[:2] == ("Rockwell", "International")
    assert sentence.feature_columns[0][:2] == ("NNP", "NNP")
    assert corpus.content_key() != plain.content_key()


def test_conllu_is_known_by_its_first_line(tmp_path: Path) -> None:
    """Of other names, and CoNLL-X, which has ten columns too. Ten columns of something else are not."""
    assert read(folder_of(tmp_path / "a", CONLLU)) == read(folder_of(tmp_path / "b", CONLLU, "train.conllu"))
    other = CONLLU.replace("\n1-2\t", "\nx\t").replace("\n1\t", "\ny\t")
    assert read(folder_of(tmp_path / "c", other))[0][0][:2] == ("x", "y")


def test_carriage_returns_within_lines_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"a carriage return within a line, .*, line 1; convert the line ends"
    ):
        read(folder_of(tmp_path / "a", TEXT.replace("\n", "\r")))
