"""Resolve what a user types to a corpus: a registered name, or a file or folder of the user's own."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from seqkit.corpora.corpus import Corpus, LabelledCorpus, Seq2SeqCorpus, TaggedCorpus
from seqkit.corpora.entry import CorpusEntry
from seqkit.corpora.image_corpus import ImageCorpus
from seqkit.corpora.names import (
    existing_path,
    file_of_pairs,
    find_registered,
    path_exists,
    refuse_other_folders,
    without_effect,
)
from seqkit.corpora.readers.columns import Columns, tagged_folder, tagged_table
from seqkit.corpora.readers.generated import Generated
from seqkit.corpora.readers.idx import idx_images, idx_paths
from seqkit.corpora.readers.image_files import folder_images
from seqkit.corpora.readers.lines import BadLines
from seqkit.corpora.readers.nltk import nltk_corpus
from seqkit.corpora.readers.nltk_tagged import NltkTagged
from seqkit.corpora.readers.pairs import pair_corpus, pair_folder
from seqkit.corpora.readers.roles import columns_of
from seqkit.corpora.readers.tables import has_tables, labelled_folder, labelled_table
from seqkit.corpora.readers.text_files import file_corpus, folder_corpus, whole_file_corpus
from seqkit.corpora.readers.text_sources import TextOptions
from seqkit.corpora.registry import REGISTRY
from seqkit.errors import DataError, Remedy, UsageError
from seqkit.files.what_is import what_is


def open_corpus(
    spec: str | os.PathLike[str],
    *,
    held_out: bool = True,
    whole: bool = False,
    text_column: int | str | None = None,
    header: bool | None = None,
    paragraphs: bool = False,
) -> Corpus:
    """Open a corpus of running text.

    A file is a text, or a table with a column of texts: CSV (``.csv``), tabs (``.tsv``), JSON lines
    (``.jsonl``), Parquet or Arrow. It may be compressed (``.gz .bz2 .xz .zst``) and in an archive, as
    ``archive.zip:member``. A folder with train/valid/test files keeps these splits, another folder is split
    by file, and a file is cut 90/5/5. A registered name wins over a file of that name; write ``./NAME`` for
    the file.

    Args:
        spec: A registered name, ``nltk:NAME``, a text file, or a folder of text files.
        held_out: Whether a file needs validation and test data. Without, all of it is for training, and it
            may have few lines and long ones, which are cut.
        whole: Whether a file is test data, all of it.
        text_column: The column of the texts of a table, by number from 1 or by name; found if not given.
        header: Whether the first row of a table has the names of its columns; found if it is not given.
        paragraphs: Whether a paragraph, of lines up to a blank one, makes one line.

    Returns:
        The corpus; its lines are read on use.

    Raises:
        CorpusNotFoundError: If the files are absent.
        DataError: If they cannot be used.

    Example:
        >>> open_corpus("pydocs").splits
        ('train', 'valid', 'test')
    """
    name = os.fspath(spec)
    options = TextOptions(columns_of(header, text=text_column), paragraphs)
    entry = None if name.startswith("nltk:") else find_registered(name, "text")
    if entry is not None or name.startswith("nltk:"):
        given = options.columns.given or ("paragraphs" if paragraphs else None)
        if given is not None:
            raise without_effect(given, "text files and tables", name)
        corpus: Corpus = nltk_corpus(name.removeprefix("nltk:")) if entry is None else entry.open()
        return corpus
    path = existing_path(name, "text")
    if path.is_dir():
        return folder_corpus(path, options)
    if whole or not held_out:
        return whole_file_corpus(path, options, "test" if whole else "train")
    return file_corpus(path, options)


def open_seq2seq(
    spec: str | os.PathLike[str],
    *,
    on_bad_line: str = "error",
    target: str | os.PathLike[str] | None = None,
    source_column: int | str | None = None,
    target_column: int | str | None = None,
    header: bool | None = None,
    whole: bool = False,
) -> Seq2SeqCorpus:
    """Open a corpus of (source, target) pairs.

    A table may be of any format that :func:`open_corpus` reads. Its pairs go to train, valid and test,
    90/5/5, by a hash of the source text, so that equal sources stay in one split; blanks around a text are
    dropped. A registered name wins over a file of that name; write ``./NAME`` for the file.

    Args:
        spec: A registered name; a table with source and target in each line (further columns are ignored), or
            a translation memory (TMX); a folder as published, with train, valid and test tables or with two
            files for each part (``train.en train.de val.en …``); or one part of it, ``FOLDER/test_2016``.
            With ``target``, the file of sources.
        on_bad_line: How to treat a line without a tab, with an empty text, of more than ``MAX_EXAMPLE``
            characters, not UTF-8, or beyond the end of the other file: "error" names the first, "skip" leaves
            them out and lists them in ``skipped``.
        target: The file of targets, whose line n belongs to line n of ``spec``.
        source_column: The column of the sources of a table, by number from 1 or by name; the language of a
            translation memory; the suffix of the files of a folder. It is found if it is not given.
        target_column: That of the targets.
        header: Whether the first row of a table has the names of its columns; found if it is not given.
        whole: Whether files without given splits are test data, all of them.

    Raises:
        CorpusNotFoundError: If the files are absent.
        DataError: If they cannot be used.

    Example:
        >>> next(open_seq2seq("dates").pairs("test"))
        ('7/14/16', '2016-07-14')
    """
    name, bad_lines = os.fspath(spec), BadLines(on_bad_line)
    columns = columns_of(header, source=source_column, target=target_column)
    if columns.given is not None and (target is not None or name in REGISTRY):
        raise without_effect(columns.given, "tables", name)
    if target is not None:
        if name in REGISTRY and not Path(name).exists():
            raise UsageError(
                f"target has no effect here: it is for a file of sources, and {name} is a registered corpus",
                remedy=Remedy("leave target out", command="leave out --target"),
            )
        path, target_path = (file_of_pairs(os.fspath(given)) for given in (name, target))
        description = f"the lines of {path} with those of {target_path}"
        both = f"{path} and {target_path}"
        return pair_corpus(both, path, bad_lines, target=target_path, description=description, whole=whole)
    entry = find_registered(name, "seq2seq")
    if entry is not None:
        corpus: Seq2SeqCorpus = entry.open(on_bad_line)
        return corpus
    folder, part = Path(name), None
    if not path_exists(folder) and path_exists(folder.parent) and folder.name:
        folder, part = folder.parent, folder.name
    if path_exists(folder) and folder.is_dir():
        if what_is(folder).sort in ("run", "checkpoint"):
            refuse_other_folders(folder, "seq2seq")
        corpus_of_folder = pair_folder(folder, columns, bad_lines, part=part, whole=whole)
        if corpus_of_folder is not None:
            return corpus_of_folder
    path = file_of_pairs(name)
    description = f"the pairs of {path}"
    return pair_corpus(name, path, bad_lines, columns=columns, description=description, whole=whole)


def generated_seq2seq(name: str, *, seed: int = 0, count: int = 50_000) -> Seq2SeqCorpus:
    """Draw a generated corpus of pairs with another seed or size.

    Args:
        name: ``dates`` or ``addition``.
        seed: No key of one seed's training data is in another seed's held-out data.
        count: The number of pairs, 20 to 100,000; nine tenths of them train.
    """
    entry = REGISTRY.get(name)
    if entry is None or not isinstance(entry.read, Generated):
        names = [entry.name for entry in REGISTRY.values() if isinstance(entry.read, Generated)]
        raise UsageError(f"expected a generated corpus ({', '.join(names)}), got {name!r}")
    return entry.read.corpus(entry, seed=seed, count=count)


def open_labelled(
    spec: str | os.PathLike[str],
    *,
    on_bad_line: str = "error",
    label_column: int | str | None = None,
    text_column: int | str | None = None,
    header: bool | None = None,
    whole: bool = False,
) -> LabelledCorpus:
    """Open a corpus of (text, label) examples.

    A table may be of any format that :func:`open_corpus` reads, or have lines such as fastText's
    ``__label__x a text`` or ``label a text``. Without given splits, texts go to train, valid and test,
    80/10/10, by a hash of the text without case and repeated blanks, so that duplicates stay in one split. A
    registered name wins over a file of that name; write ``./NAME`` for the file.

    Args:
        spec: A registered name; a tab-separated file with a label and a text in each line; or a folder with
            train, valid and test tables (``.tsv .txt …``), with a text file for each class and an example in
            each of its lines, or with sub-folders train, valid and test of such files.
        on_bad_line: How to treat a line that is not an example, of more than ``MAX_EXAMPLE`` characters,
            or not UTF-8: "error" names the first, "skip" leaves them out and lists them in ``skipped``.
        label_column: The column of the labels of a table, by number from 1 or by name. By default it is found
            by the names in the header row or the cells; without a sign of another it is the first.
        text_column: That of the texts; by default it is found likewise, or the first beside the label's.
        header: Whether the first row of a table has the names of its columns; found if it is not given.
        whole: Whether files without given splits are test data, all of them.

    Raises:
        CorpusNotFoundError: If the files are absent.
        DataError: If they cannot be used.
    """
    name, bad_lines = os.fspath(spec), BadLines(on_bad_line)
    columns = columns_of(header, label=label_column, text=text_column)
    entry = find_registered(name, "labelled")
    path = None if entry is not None else existing_path(name, "labelled")
    if columns.given is not None and (path is None or (path.is_dir() and not has_tables(path))):
        raise without_effect(columns.given, "tables", name)
    if entry is not None:
        corpus: LabelledCorpus = entry.open(on_bad_line)
        return corpus
    assert path is not None
    read = labelled_folder if path.is_dir() else labelled_table
    return read(path, columns, bad_lines, whole=whole)


def open_tagged(
    spec: str | os.PathLike[str],
    *,
    on_bad_line: str = "error",
    word_column: str | None = None,
    tag_column: str | None = None,
    feature_columns: Sequence[str] = (),
    whole: bool = False,
) -> TaggedCorpus:
    """Open a corpus of sentences with a tag for each word.

    A file has a word and its annotations in each line, with tabs or blanks between them, and a blank line
    behind each sentence: the columns of the CoNLL shared tasks, or CoNLL-U (``.conllu``). Without given
    splits, sentences go to train, valid and test, 80/10/10, by a hash of their words, so that repeated ones
    stay in one split. A registered name wins over a file of that name; write ``./NAME`` for the file.

    Args:
        spec: A registered name, a file, or a folder with train, valid and test files, maybe compressed.
        on_bad_line: What to do about a sentence with a line that has a column too few or too many, or is not
            UTF-8: "error" names the first, "skip" leaves them out and lists them in ``skipped``.
        word_column: Number of the words' column, from 1, or its name in CoNLL-U; by default 1 or FORM.
        tag_column: Number of the tags' column, -1 for the last, or its name; by default -1 or UPOS.
        feature_columns: Numbers or names of further columns, such as that of the parts of speech.
        whole: Whether a file is test data, all of it.

    Raises:
        CorpusNotFoundError: If the files are absent.
        DataError: If they cannot be used.
    """
    name, bad_lines = os.fspath(spec), BadLines(on_bad_line)
    columns = Columns(word_column, tag_column, tuple(feature_columns))
    entry = find_registered(name, "tagged")
    if entry is not None:
        given = "tag_column" if word_column is None else "word_column"
        if columns != Columns(features=columns.features):
            raise UsageError(
                f"{given} has no effect here: it is for files, and {name} is a registered corpus",
                remedy=Remedy(f"leave {given} out", command=f"leave out --{given.replace('_', '-')}"),
            )
        corpus: TaggedCorpus = _with_features(entry, columns.features).open(on_bad_line)
        return corpus
    path = existing_path(name, "tagged")
    if path.is_dir():
        return tagged_folder(path, columns, bad_lines)
    return tagged_table(path, columns, bad_lines, whole=whole)


def _with_features(entry: CorpusEntry, features: tuple[str, ...]) -> CorpusEntry:
    """Return the entry, of which further columns are read. Raise UsageError if its corpus has none."""
    if not features:
        return entry
    reader = entry.read
    if not isinstance(reader, NltkTagged) or reader.files is None:
        raise UsageError(
            f"feature_columns has no effect here: {entry.name} has words and tags alone",
            remedy=Remedy("leave feature_columns out", command="leave out --feature-columns"),
        )
    return replace(entry, read=replace(reader, features=features))


def open_images(
    spec: str | os.PathLike[str] = "digits",
    *,
    validation: float = 0.1,
    seed: int = 0,
    image_size: int | None = None,
    whole: bool = False,
) -> ImageCorpus:
    """Open a corpus of labelled images.

    Args:
        spec: A registered name (``digits`` has no test images, so a fixed fifth is set aside), a folder with
            the four idx files of such a set, below it or in further folders, under one of their many names
            (:func:`seqkit.corpora.readers.idx.idx_paths`; ``FOLDER/emnist-letters`` chooses one set of
            several), or a folder of images with one sub-folder for each class
            (:func:`seqkit.corpora.readers.image_files.folder_images` says how it is split). A name wins
            over a folder of that name; write ``./NAME`` for the folder.
        validation: Without a validation split of its own, this fraction of the training images becomes one;
            0 leaves them all in training.
        seed: Draws the validation images.
        image_size: Resize a folder's images to this many pixels per side; without it, all must have one size.
        whole: Whether a folder of images without given splits is test data, all of it.

    Raises:
        CorpusNotFoundError: If the files are absent.
        DataError: If they cannot be used.
        MissingDependencyError: Without scikit-learn or Pillow.
    """
    name = os.fspath(spec)
    if image_size is not None and image_size < 1:
        raise UsageError(f"image_size must be at least 1, got {image_size}")
    entry = find_registered(name, "images")
    corpus: ImageCorpus
    if has_image_files(name):
        corpus = folder_images(existing_path(name, "images"), image_size, whole=whole)
    elif image_size is not None:
        raise UsageError(
            f"the images of {name} have one size already",
            remedy=Remedy("leave image_size out", command="leave --image-size out"),
        )
    elif entry is not None:
        corpus = entry.open()
    else:
        idx = _idx_files(name)
        assert idx is not None
        corpus = idx_images(name, f"the idx files of {name}", idx, None, "see to its files")
    return corpus.with_validation(validation, seed) if "train" in corpus.splits else corpus


def has_image_files(spec: str | os.PathLike[str]) -> bool:
    """Return whether these images are those of a folder, of which each is a file, with a size of its own.

    Raises:
        CorpusNotFoundError: If there is no such corpus.
        DataError: For a file, and for idx files that do not belong together.
    """
    name = os.fspath(spec)
    if find_registered(name, "images") is not None or _idx_files(name) is not None:
        return False
    if not existing_path(name, "images").is_dir():
        raise DataError("expected a folder of images, got a file", where=name, remedy="give its folder")
    return True


def _idx_files(name: str) -> dict[tuple[str, str], Path] | None:
    """Return the idx files of ``FOLDER``, or those of ``FOLDER/PREFIX``; None if there are none."""
    path = Path(name).expanduser()
    if path_exists(path):
        return idx_paths(path) if path.is_dir() else None
    return idx_paths(path.parent, path.name) if path_exists(path.parent) and path.parent.is_dir() else None
