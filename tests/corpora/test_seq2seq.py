import bz2
import dataclasses
import datetime
import gzip
import hashlib
import json
import lzma
from collections import Counter

import numpy as np
import pytest
from click.testing import CliRunner

from seqkit.backend.paths import data_dir
from seqkit.cli.corpora import command
from seqkit.corpora import REGISTRY, corpus_names, generated_seq2seq, open_seq2seq
from seqkit.corpora.readers.generated import FIRST, LAST, spellings
from seqkit.corpora.readers.lines import MAX_EXAMPLE
from seqkit.corpora.readers.pairs import aligned_rows
from seqkit.corpora.split import split_of
from seqkit.errors import CorpusNotFoundError, DataError, UsageError
from tests.exhaustive import exhaustive

PAIRS = [(f"source {n}", f"cible {n}") for n in range(400)]


def table(pairs):
    return "".join(f"{source}\t{target}\n" for source, target in pairs).encode()


def write(path, data):
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def parts(corpus):
    return {split: list(corpus.pairs(split)) for split in corpus.splits}


def together(corpus):
    return [pair for pairs in parts(corpus).values() for pair in pairs]


# Files


def test_a_table_is_split_by_the_hash_of_its_sources(tmp_path) -> None:
    again = [(source, f"autre {n}") for n, (source, _) in enumerate(PAIRS)]
    corpus = open_seq2seq(write(tmp_path / "a.tsv", table(PAIRS + again)))
    made = parts(corpus)
    assert Counter(together(corpus)) == Counter(PAIRS + again)
    sides = [{source for source, _ in pairs} for pairs in made.values()]
    assert sum(map(len, sides)) == 400
    for split, pairs in made.items():
        for source, _ in pairs:  # the rule, spelled out: the first 8 bytes of the sha256, modulo 20
            number = int(hashlib.sha256(source.encode()).hexdigest()[:16], 16) % 20
            assert split == ("valid" if number == 0 else "test" if number == 1 else "train")
    assert [len(pairs) for pairs in made.values()] == list(corpus.provenance()["pairs"].values())
    assert corpus.splits == ("train", "valid", "test")
    assert corpus.skipped == ()
    assert corpus.defaults.tokenizer == "word"


def test_the_split_of_a_known_hash() -> None:
    """The sha256 of "abc" begins with ba7816bf8f01cfea (FIPS 180-2, appendix B.1).

    Its last digit, a, is 2 modulo 4; its digits sum to 144, which is 4 modulo 5 as 16 is 1: 14 modulo 20.
    """
    assert 0xBA7816BF8F01CFEA % 20 == 14
    assert split_of("abc") == "train"


def test_order_and_new_lines_move_no_pair(tmp_path) -> None:
    first = parts(open_seq2seq(write(tmp_path / "a.tsv", table(PAIRS))))
    second = parts(open_seq2seq(write(tmp_path / "b.tsv", table([("neu", "new"), *reversed(PAIRS)]))))
    for split, pairs in first.items():
        assert set(pairs) <= set(second[split])


def test_further_columns_and_outer_blanks_are_dropped(tmp_path) -> None:
    rows = "".join(f" {s}  \t{t} \tCC-BY 2.0\t(someone)\n" for s, t in PAIRS)
    assert set(together(open_seq2seq(write(tmp_path / "a.tsv", rows)))) == set(PAIRS)


@pytest.mark.parametrize(
    ("name", "pack"),
    [("a.tsv", bytes), ("a.tsv.gz", gzip.compress), ("a.bz2", bz2.compress), ("a.xz", lzma.compress)],
)
def test_bom_crlf_and_compressed_files(tmp_path, name, pack) -> None:
    data = b"\xef\xbb\xbf" + table(PAIRS).replace(b"\n", b"\r\n").removesuffix(b"\r\n")
    assert set(together(open_seq2seq(write(tmp_path / name, pack(data))))) == set(PAIRS)


def test_two_files_equal_the_table(tmp_path) -> None:
    left = write(tmp_path / "a.en", "".join(f"{s}\r\n" for s, _ in PAIRS))
    right = write(tmp_path / "a.fr.gz", gzip.compress("".join(f"{t}\n" for _, t in PAIRS).encode()))
    corpus = open_seq2seq(left, target=right)
    assert parts(corpus) == parts(open_seq2seq(write(tmp_path / "a.tsv", table(PAIRS))))
    assert [file.path for file in corpus.files] == [left, right]


LONG = "x" * 10_001
BAD = [
    (b"no tab\n", "no tab between source and target", ""),
    (b"\n", "no tab between source and target", ""),
    (b"\tcible\n", "the source is empty", ""),
    (b"  \tcible\n", "the source is empty", ""),
    (b"source\t\n", "the target is empty", ""),
    (b"source\t \t x\n", "the target is empty", ""),
    (f"source\t{LONG}\n".encode(), "a line of more than 10,000 characters", ""),
    (b"s\t" + b"x" * 3_000_000 + b"\n", "a line of more than 10,000 characters", ""),
    (b"\xe9t\xe9\tsummer\n", "byte 0xe9 is not UTF-8", ", byte 34"),
]


@pytest.mark.parametrize(("bad", "reason", "byte"), BAD, ids=range(len(BAD)))
def test_a_bad_line_is_named_or_skipped(tmp_path, bad, reason, byte) -> None:
    good = table(PAIRS)
    path = write(tmp_path / "a.tsv", table(PAIRS[:2]) + bad + table(PAIRS[2:]))
    assert len(table(PAIRS[:2])) == 34
    with pytest.raises(DataError) as caught:
        open_seq2seq(path)
    assert str(caught.value).startswith(f"{reason}, {path}, line 3{byte}; ")
    assert 'on_bad_line="skip"' in str(caught.value)
    assert "--on-bad-line skip" in caught.value.for_command()
    corpus = open_seq2seq(path, on_bad_line="skip")
    assert corpus.skipped == ((3, reason),)
    assert corpus.skipped_count == corpus.provenance()["skipped"] == 1
    assert parts(corpus) == parts(open_seq2seq(write(tmp_path / "good.tsv", good)))


def test_many_bad_lines_are_counted_and_the_first_told(tmp_path) -> None:
    path = write(tmp_path / "a.tsv", table(PAIRS) + b"bad\n" * 1000)
    corpus = open_seq2seq(path, on_bad_line="skip")
    assert corpus.skipped_count == 1000
    assert [line for line, _ in corpus.skipped] == list(range(401, 421))
    assert len(together(corpus)) == 400
    assert corpus.skipped_count == 1000


def test_the_longest_line_that_is_taken(tmp_path) -> None:
    longest = "é" * 4_999 + "\t" + "日" * 5_000
    assert len(longest) == MAX_EXAMPLE
    for end in ("\n", "\r\n", ""):
        path = write(tmp_path / "a.tsv", table(PAIRS) + (longest + end).encode())
        assert tuple(longest.split("\t")) in together(open_seq2seq(path))
        path = write(tmp_path / "a.tsv", table(PAIRS) + ("x" + longest + end).encode())
        with pytest.raises(DataError, match=r"more than 10,000 characters, .*line 401"):
            open_seq2seq(path)


@pytest.mark.parametrize("swap", [False, True])
def test_files_of_unequal_length(tmp_path, swap) -> None:
    left = write(tmp_path / "a.txt", "".join(f"{s}\n" for s, _ in PAIRS))
    right = write(tmp_path / "b.txt", "".join(f"{t}\n" for _, t in PAIRS[:398]))
    first, second = (right, left) if swap else (left, right)
    with pytest.raises(
        DataError, match=r"without a partner: .*b\.txt ends at line 398, .*a\.txt, line 399; make the files"
    ):
        open_seq2seq(first, target=second)
    corpus = open_seq2seq(first, target=second, on_bad_line="skip")
    assert [line for line, _ in corpus.skipped] == [399, 400]
    assert len(together(corpus)) == 398


def test_bad_lines_of_two_files_name_their_file(tmp_path) -> None:
    left = write(tmp_path / "a.txt", "a\nb\n\nd\ne\nf\n")
    right = write(tmp_path / "b.txt", b"1\n\n3\n\xff\n" + LONG.encode() + b"\n6\n")
    with pytest.raises(DataError, match=r"the target is empty, .*b\.txt, line 2"):
        open_seq2seq(left, target=right)
    with pytest.raises(DataError, match=r"no pair|too few"):
        open_seq2seq(left, target=right, on_bad_line="skip")
    rows = list(aligned_rows(left, right))
    assert [row for _, row in rows if isinstance(row, tuple)] == [("a", "1"), ("f", "6")]
    places = [row.place.removeprefix(f"{tmp_path}/") for _, row in rows if not isinstance(row, tuple)]
    assert places == ["b.txt, line 2", "a.txt, line 3", f"b.txt, line 4, byte {5}", "b.txt, line 5"]


@pytest.mark.parametrize("n", [3, 4, 21, 60])
def test_a_small_file_fills_every_part(tmp_path, n) -> None:
    pairs = [(f"s{k}", f"t{k}") for k in range(n)] * 2
    corpus = open_seq2seq(write(tmp_path / "a.tsv", table(pairs)))
    made = parts(corpus)
    assert Counter(together(corpus)) == Counter(pairs)
    assert all(made.values())
    assert {split: len(pairs) for split, pairs in made.items()} == corpus.provenance()["pairs"]
    sides = [{source for source, _ in pairs} for pairs in made.values()]
    assert sum(map(len, sides)) == n


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        (b"a\tb\n" * 9, r"only 1 different source text\(s\)"),
    ],
)
def test_too_little(tmp_path, data, message) -> None:
    for option in ("error", "skip"):
        with pytest.raises(DataError, match=rf"{message}.*a\.tsv"):
            open_seq2seq(write(tmp_path / "a.tsv", data), on_bad_line=option)


def test_nothing_but_bad_lines(tmp_path) -> None:
    path = write(tmp_path / "a.txt", "just a text\nof two lines\n")
    with pytest.raises(
        DataError, match=r"no pair is left: 2 bad line\(s\), the first is line 1 \(no tab.*a\.txt"
    ):
        open_seq2seq(path, on_bad_line="skip")


def test_a_damaged_archive(tmp_path) -> None:
    for data in (gzip.compress(table(PAIRS))[:-20], b"no archive"):
        for option in ("error", "skip"):
            with pytest.raises(DataError, match=r"damaged compressed file.*a\.tsv\.gz"):
                open_seq2seq(write(tmp_path / "a.tsv.gz", data), on_bad_line=option)


def test_a_line_that_turns_bad_later_is_not_passed_over(tmp_path) -> None:
    path = write(tmp_path / "a.tsv", table(PAIRS))
    corpus = open_seq2seq(path)
    write(path, table(PAIRS) + b"bad\n")
    with pytest.raises(DataError, match="line 401"):
        together(corpus)


def test_the_key_follows_content_but_not_the_place(tmp_path) -> None:
    key = open_seq2seq(write(tmp_path / "a.tsv", table(PAIRS))).content_key()
    assert open_seq2seq(write(tmp_path / "b.tsv", table(PAIRS))).content_key() == key
    assert open_seq2seq(write(tmp_path / "b.tsv", table(PAIRS[1:]))).content_key() != key
    read = json.loads(json.dumps(open_seq2seq(tmp_path / "a.tsv").provenance()))
    assert read["files"][0]["bytes"] == len(table(PAIRS))
    assert "key" not in read


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("date", "did you mean dates"),
        ("tatoeba", "registered: dates, addition|did you mean tatoeba"),
        ("no/such.tsv", "neither a registered name nor a file"),
        ("x" * 5000, "cannot be read"),
        ("a\0b", "cannot be read|no corpus"),
        (".", "expected a file of pairs, got a folder"),
    ],
)
def test_what_is_not_a_task(folders, spec, message) -> None:
    with pytest.raises(DataError, match=message):
        open_seq2seq(spec)
    if spec != ".":
        with pytest.raises(DataError):
            open_seq2seq(__file__, target=spec)


def test_what_cannot_be_asked(tmp_path) -> None:
    with pytest.raises(UsageError, match="empty name"):
        open_seq2seq("")
    with pytest.raises(UsageError, match="expected on_bad_line error or skip, got 'drop'"):
        open_seq2seq("dates", on_bad_line="drop")
    corpus = open_seq2seq("dates")
    with pytest.raises(UsageError, match="got 'dev'"):
        corpus.pairs("dev")
    with pytest.raises(UsageError, match="expected a count of 20 to 100,000, got 19"):
        generated_seq2seq("dates", count=19)
    with pytest.raises(UsageError, match=r"expected a generated corpus .*, got 'sums'"):
        generated_seq2seq("sums")


# Generated


@exhaustive
@pytest.mark.parametrize("name", ["addition", "dates"])
def test_generated_pairs_share_no_key(name) -> None:
    def key(source, answer):
        return answer if name == "dates" else frozenset(source.split("+"))

    corpus = open_seq2seq(name)
    made = parts(corpus)
    assert {split: len(pairs) for split, pairs in made.items()} == {
        "train": 45_000,
        "valid": 2_500,
        "test": 2_500,
    }
    assert corpus.provenance()["pairs"] == {split: len(pairs) for split, pairs in made.items()}
    sources = [source for source, _ in together(corpus)]
    assert len(set(sources)) == 50_000
    keys = {split: {key(*pair) for pair in pairs} for split, pairs in made.items()}
    assert not keys["train"] & keys["valid"]
    assert not keys["train"] & keys["test"]
    assert not keys["valid"] & keys["test"]
    if name == "dates":
        answers = {split: {answer for _, answer in pairs} for split, pairs in made.items()}
        assert answers == keys
    other = generated_seq2seq(name, seed=1)
    assert other.content_key() != corpus.content_key()
    for split in ("valid", "test"):
        assert not keys["train"] & {key(*pair) for pair in other.pairs(split)}
    assert parts(open_seq2seq(name)) == made
    assert corpus.defaults.tokenizer == "char"


def test_sums_are_right_and_of_all_lengths() -> None:
    corpus = open_seq2seq("addition")
    lengths = Counter()
    for source, answer in together(corpus):
        a, b = source.split("+")
        assert int(a) + int(b) == int(answer)
        assert [str(int(a)), str(int(b)), str(int(answer))] == [a, b, answer]
        assert 0 <= int(a) <= 999
        lengths[len(a), len(b)] += 1
    assert lengths.keys() == {(i, j) for i in (1, 2, 3) for j in (1, 2, 3)}


def test_the_spellings_of_a_date_by_hand() -> None:
    made = spellings(datetime.date(1998, 3, 7))  # a Saturday
    assert sorted(set(made)) == sorted(
        [
            *("3/7/98", "Mar 7, 1998", "mar 7, 1998", "MAR 7, 1998"),
            *("March 7, 1998", "march 7, 1998", "MARCH 7, 1998"),
            *("Saturday, March 7, 1998", "saturday, march 7, 1998", "SATURDAY, MARCH 7, 1998"),
        ]
    )
    assert len(made) == 16
    assert "1/1/00" in spellings(datetime.date(2000, 1, 1))
    assert "12/31/05" in spellings(datetime.date(2005, 12, 31))


def test_no_spelling_stands_for_two_dates() -> None:
    seen: dict[str, int] = {}
    for day in range(FIRST.toordinal(), LAST.toordinal() + 1):
        for text in set(spellings(datetime.date.fromordinal(day))):
            assert seen.setdefault(text, day) == day


def test_dates_come_in_every_spelling_in_every_part() -> None:
    for split, pairs in parts(open_seq2seq("dates")).items():
        forms = Counter()
        for source, answer in pairs:
            date = datetime.date.fromisoformat(answer)
            assert FIRST <= date <= LAST
            forms[spellings(date).index(source)] += 1
        assert forms.keys() == {0, 4, 6, 7, 8, 10, 11, 12, 14, 15}, split
        assert all(n > 0.02 * len(pairs) for n in forms.values())


def test_the_first_draws() -> None:
    """Regression values: the same on every machine."""
    assert list(generated_seq2seq("addition").pairs("train"))[:2] == [("40+595", "635"), ("30+772", "802")]
    assert next(generated_seq2seq("dates").pairs("test")) == ("7/14/16", "2016-07-14")


@pytest.mark.parametrize("name", ["addition", "dates"])
def test_other_counts(name) -> None:
    for count, sizes in ((20, [18, 1, 1]), (999, [901, 49, 49]), (4_000, [3_600, 200, 200])):
        corpus = generated_seq2seq(name, count=count, seed=3)
        assert [len(pairs) for pairs in parts(corpus).values()] == sizes


# Registered


@pytest.mark.parametrize("name", ["book:addition", "book:dates", "tatoeba-eng-fra"])
def test_absent_files_name_folder_and_command(folders, name) -> None:
    folder = "book-tasks" if name.startswith("book") else name
    with pytest.raises(CorpusNotFoundError) as caught:
        open_seq2seq(name)
    for part in (str(folders / folder), f"seqkit corpora fetch {name}", "SEQKIT_DATA"):
        assert part in str(caught.value)


def test_names_and_their_rows() -> None:
    names = ["dates", "addition", "book:dates", "book:addition", "tatoeba-eng-fra"]
    assert corpus_names("seq2seq") == names
    assert not set(names) & set(corpus_names("text"))


def test_the_command_lists_and_describes_pairs(folders) -> None:
    def seqkit(*arguments):
        done = CliRunner().invoke(command, arguments)
        assert done.exit_code == 0, done.output
        return done.stdout

    rows = map(str.split, seqkit("list").splitlines())  # click 8.1 adds lines of standard error
    types = {row[0]: row[1:3] for row in rows if row}
    assert types["dates"] == types["addition"] == ["present", "seq2seq"]
    assert types["book:dates"] == types["tatoeba-eng-fra"] == ["absent", "seq2seq"]
    made = json.loads(seqkit("info", "addition", "--json"))
    assert made["pairs"] == {"train": 45_000, "valid": 2_500, "test": 2_500}
    assert made["defaults"]["tokenizer"] == "char"
    assert "state" not in made
    assert made["sums"] == "none: the corpus is generated or comes with a package"
    row = json.loads(seqkit("info", "tatoeba-eng-fra", "--json"))
    assert row["sums"] == "not verified: files are absent"
    assert (row["present"], row["licence"]) == (False, "CC BY 2.0")
    assert "pairs" not in row


def test_info_verifies_the_sums(folders, monkeypatch) -> None:
    entry = REGISTRY["tatoeba-eng-fra"]
    (folders / entry.name).mkdir()
    path = write(folders / entry.name / "fra.txt", table(PAIRS))
    sha = hashlib.sha256(table(PAIRS)).hexdigest()
    for given, said in ((sha, "all verified"), ("0" * 64, "1 of 1 files are not the published ones")):
        file = dataclasses.replace(entry.files[0], size=path.stat().st_size, sha256=given)
        monkeypatch.setitem(REGISTRY, entry.name, dataclasses.replace(entry, files=(file,)))
        done = CliRunner().invoke(command, ["info", entry.name])
        assert f"sums: {said}" in done.stdout
        assert (
            "sha256 verified" if given == sha else f"not the published one: expected sha256 {given}"
        ) in done.stdout


def book_folder(folders, data, name="addition.txt"):
    for file in (*REGISTRY["book:addition"].files, *REGISTRY["book:dates"].files):
        (folders / "book-tasks").mkdir(exist_ok=True)
        content = data if file.name == name else b"."
        (folders / "book-tasks" / file.name).write_bytes(content.ljust(file.size or 0, b"."))


def test_a_damaged_book_file(folders) -> None:
    book_folder(folders, b"16+75  _91  \n1+1 = 2\n")
    with pytest.raises(
        DataError, match=r"expected a question.*addition\.txt, line 2; .*corpora fetch book:addition"
    ):
        list(open_seq2seq("book:addition").pairs("train"))
    book_folder(folders, b"1+1_2\n" * 10 + b"1+1_" * 162_485)
    with pytest.raises(DataError, match="expected 50,000 lines, got 11"):
        list(open_seq2seq("book:addition").pairs("train"))
    (folders / "book-tasks" / "date.txt").write_bytes(b"short")
    with pytest.raises(DataError, match="expected the published file of 2050000 bytes, got 5 bytes"):
        open_seq2seq("book:dates")


@pytest.mark.corpus("book-tasks")
@pytest.mark.parametrize(("name", "file"), [("book:addition", "addition.txt"), ("book:dates", "date.txt")])
def test_the_book_s_split(name, file) -> None:
    lines = (data_dir() / "book-tasks" / file).read_text().splitlines()
    order = np.arange(50_000)
    np.random.RandomState(1984).shuffle(order)
    shuffled = [lines[i] for i in order]
    corpus = open_seq2seq(name)
    assert corpus.splits == ("train", "valid")
    width = lines[0].index("_")
    for split, expected in (("train", shuffled[:45_000]), ("valid", shuffled[45_000:])):
        made = list(corpus.pairs(split))
        for (source, answer), line in zip(made, expected, strict=True):
            assert f"{source:<{width}}_{answer:<{len(line) - width - 1}}" == line
    with pytest.raises(DataError, match="has no test split; use train or valid"):
        corpus.pairs("test")


@pytest.mark.corpus("book-tasks")
def test_the_book_s_dates_repeat_as_published() -> None:
    made = parts(open_seq2seq("book:dates"))
    train = set(made["train"])
    assert len(train | set(made["valid"])) == 41_578
    assert round(100 * sum(pair in train for pair in made["valid"]) / 5_000) == 28
    answers = {answer for _, answer in train}
    assert round(100 * sum(answer in answers for _, answer in made["valid"]) / 5_000) == 93


@exhaustive
@pytest.mark.corpus("tatoeba-eng-fra")
def test_tatoeba_has_its_published_size_and_no_sentence_on_two_sides() -> None:
    corpus = open_seq2seq("tatoeba-eng-fra")
    made = parts(corpus)
    assert sum(map(len, made.values())) == 142_787
    sides = [{source for source, _ in pairs} for pairs in made.values()]
    assert sum(map(len, sides)) == len(set.union(*sides))
    assert [round(100 * len(pairs) / 142_787) for pairs in made.values()] == [90, 5, 5]
    assert made["train"][0] == ("Go.", "Va !")
