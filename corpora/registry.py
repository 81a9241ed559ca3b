"""The registry of corpora: to add one of any type, add a row.

A row names the function that reads the corpus; :mod:`seqkit.corpora.readers` has one for each format.
Addresses, sizes and hashes are facts about published files, pinned to a commit where they live in a public
repository. Nothing here is shipped with seqkit.
"""

from seqkit.corpora.corpus import TextDefaults
from seqkit.corpora.entry import CorpusEntry, RemoteFile
from seqkit.corpora.readers.generated import Generated, draw_dates, draw_sums
from seqkit.corpora.readers.idx import read_idx_set
from seqkit.corpora.readers.nltk_tagged import NltkTagged
from seqkit.corpora.readers.pairs import read_pair_table
from seqkit.corpora.readers.pydocs import read_pydocs
from seqkit.corpora.readers.scikit_learn import read_digits
from seqkit.corpora.readers.tables import read_class_files
from seqkit.corpora.readers.text_files import read_90_percent, read_splits
from seqkit.corpora.readers.textbook import read_textbook_pairs
from seqkit.errors import UsageError

_GITHUB = "https://raw.githubusercontent.com/"
_PTB = _GITHUB + "tomsercu/lstm/3b312e3601f5af0d9eb46e99e65e1ddd587a8a05/data/"
_EXAMPLES = _GITHUB + "pytorch/examples/77f55b912142e11fcfdf5b530231fb9c52f181e8/"
_WIKITEXT = _EXAMPLES + "word_language_model/data/wikitext-2/"
_CHAR_RNN = _GITHUB + "karpathy/char-rnn/6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/"
_WORD2VEC = _GITHUB + "tmikolov/word2vec/20c129af10659f7c50e86e3be406df663beff438/"
_GENSIM = _GITHUB + "piskvorky/gensim/37f90ec121eb7cd401448a947e80953e0c53ccdc/"
_CNN_TEXT = _GITHUB + "dennybritz/cnn-text-classification-tf/18762b459e21d9c70e5c242f8d43fc4e6db37a0d/"
_POLARITY = _CNN_TEXT + "data/rt-polaritydata/"
_TEXTBOOK = _GITHUB + "oreilly-japan/deep-learning-from-scratch-2/842ae31c2bb070f5116275606ed90396626a2c17/"
_BOOK = _TEXTBOOK + "dataset/"
_MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist/"
_FASHION = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"  # the publisher offers no https

_SHARED_TASK = {"train": "train", "valid": "testa", "test": "testb"}
_CHARACTERS = TextDefaults(tokenizer="char", min_count=1)
_TOKENS = TextDefaults(tokenizer="whitespace", min_count=1)  # text that was tokenized before
_CLOTHES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip


def _files(base: str, *rows: tuple[str, int, str]) -> tuple[RemoteFile, ...]:
    """Files below one address: name, size in bytes, sha256."""
    return tuple(RemoteFile(name, base + name, size, sha256) for name, size, sha256 in rows)


_ENTRIES = (
    # Text; the first one is the default
    CorpusEntry(
        "pydocs",
        "text",
        "the English of the Python installation: reference topics and docstrings",
        "PSF-2.0",
        read=read_pydocs,
        defaults=TextDefaults(tokenizer="word", lowercase=True, min_count=3),
    ),
    CorpusEntry(
        "ptb",
        "text",
        "Penn Treebank in Mikolov's preprocessing: 929,589 / 73,760 / 82,430 tokens, 10,000 types",
        "LDC text: for research, never to be redistributed",
        _files(
            _PTB,
            ("ptb.train.txt", 5_101_618, "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf"),
            ("ptb.valid.txt", 399_782, "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2"),
            ("ptb.test.txt", 449_945, "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0"),
        ),
        read=read_splits(train="ptb.train.txt", valid="ptb.valid.txt", test="ptb.test.txt"),
        defaults=_TOKENS,
    ),
    CorpusEntry(
        "wikitext-2",
        "text",
        "WikiText-2: verified good articles of Wikipedia, tokenized, rare words as <unk>",
        "CC BY-SA (Wikipedia)",
        _files(
            _WIKITEXT,
            ("train.txt", 10_797_148, "9e9fa1ad55b1c2c95b08e37dd8e653f638fac2c6de904b79e813611eefbc985f"),
            ("valid.txt", 1_121_681, "f0737ed31fc1329026e95cb8b98e19c2a182c39c240ab909dc31abf2f8af58e8"),
            ("test.txt", 1_256_449, "d790b833ef8cf03a90db7bf1271b7520b83c45ce07ba3c1a9699df81e239eca0"),
        ),
        read=read_splits(train="train.txt", valid="valid.txt", test="test.txt"),
        defaults=_TOKENS,
    ),
    CorpusEntry(
        "tinyshakespeare",
        "text",
        "Tiny Shakespeare, 1,115,394 characters: the first 90 % train, the last 10 % validate, no test split",
        "public domain",
        _files(
            _CHAR_RNN + "data/tinyshakespeare/",
            ("input.txt", 1_115_394, "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"),
        ),
        read=read_90_percent,
        defaults=_CHARACTERS,
    ),
    # Pairs of source and target; the first one is the default
    CorpusEntry(
        "dates",
        "seq2seq",
        "dates of 1970 to 2020 as people write them, to ISO 8601",
        "generated",
        read=Generated(draw_dates, "date"),
        defaults=_CHARACTERS,
    ),
    CorpusEntry(
        "addition",
        "seq2seq",
        "sums of two numbers of 0 to 999",
        "generated",
        read=Generated(draw_sums, "unordered pair of operands"),
        defaults=_CHARACTERS,
    ),
    CorpusEntry(
        "book:dates",
        "seq2seq",
        "the textbook's dates (many in both splits), with its 45,000 for training and 5,000 held out",
        "MIT",
        _files(
            _BOOK,
            ("date.txt", 2_050_000, "62e66a301ce8537868e725512d2a45663fc366526b7e42028cb703bda2b1c79a"),
        ),
        read=read_textbook_pairs,
        defaults=_CHARACTERS,
        folder_name="book-tasks",
    ),
    CorpusEntry(
        "book:addition",
        "seq2seq",
        "the textbook's sums, with its 45,000 for training and 5,000 held out",
        "MIT",
        _files(
            _BOOK,
            ("addition.txt", 650_000, "34e0746f5014c11311c9452ee9050bf14e38eca44ec4aaf4d81eba2b38674009"),
        ),
        read=read_textbook_pairs,
        defaults=_CHARACTERS,
        folder_name="book-tasks",
    ),
    CorpusEntry(
        "tatoeba-eng-fra",
        "seq2seq",
        "142,787 pairs of English and French sentences, tab-separated",
        "CC BY 2.0",
        (
            RemoteFile(
                "fra.txt",
                _GITHUB + "genimind/seq2seq/4f3f8eb0adde54fcc8b89394336b002e7961244c/fra-eng.zip",
                10_009_515,
                "2546838ae46e0eac4c02ab7032ea0a02a006074a5340077a36a9444f41e02888",
                member="fra.txt",
                archive_size=2_951_390,
            ),
        ),
        read=read_pair_table,
    ),
    # Labelled texts
    CorpusEntry(
        "rt-polarity",
        "labelled",
        "sentences of movie reviews, 5,331 positive and 5,331 negative",
        "Pang and Lee 2005",
        _files(
            _POLARITY,
            ("rt-polarity.pos", 626_395, "4134882974a28d0c7b5151256f0e33a6169984ee7372c279e673f1114f475d58"),
            ("rt-polarity.neg", 612_506, "2d11cfbc790f1cd96d78339f41ce53ced1efa83cd22d37d6788fa3fe3d17e2fd"),
        ),
        read=read_class_files,
        defaults=TextDefaults(tokenizer="whitespace", min_count=2),
    ),
    # Tagged sentences; the first one is the default
    CorpusEntry(
        "nltk:conll2000",
        "tagged",
        "CoNLL-2000: chunks of the Wall Street Journal, 211,727 and 47,377 words",
        "see its README",
        read=NltkTagged({"train": "train.txt", "test": "test.txt"}),
        nltk_name="conll2000",
    ),
    *(
        CorpusEntry(
            f"nltk:conll2002-{language}",
            "tagged",
            f"CoNLL-2002: named entities in {name} news, {size} words",
            "see its README",
            read=NltkTagged({split: f"{language}.{file}" for split, file in _SHARED_TASK.items()}),
            nltk_name="conll2002",
        )
        for language, name, size in (
            ("esp", "Spanish", "264,715, 52,923 and 51,533"),
            ("ned", "Dutch", "202,644, 37,687 and 68,875"),
        )
    ),
    CorpusEntry(
        "nltk:treebank",
        "tagged",
        "parts of speech: 3,914 sentences of the Penn Treebank",
        "non-commercial",
        read=NltkTagged(),
        nltk_name="treebank",
    ),
    CorpusEntry(
        "nltk:brown",
        "tagged",
        "parts of speech: the Brown corpus, 1,161,192 words",
        "non-commercial",
        read=NltkTagged(),
        nltk_name="brown",
    ),
    # Images; the first one is the default
    CorpusEntry(
        "digits",
        "images",
        "scikit-learn's 1,797 handwritten digits of 8×8, shades of 0 to 16 spread over 0 to 255",
        "BSD-3-Clause (scikit-learn)",
        read=read_digits,
        package="sklearn",
    ),
    CorpusEntry(
        "mnist",
        "images",
        "MNIST: 60,000 and 10,000 handwritten digits of 28×28",
        "not stated at its source",
        _files(
            _MNIST,
            (
                "train-images-idx3-ubyte.gz",
                9_912_422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            ),
            (
                "train-labels-idx1-ubyte.gz",
                28_881,
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            ),
            (
                "t10k-images-idx3-ubyte.gz",
                1_648_877,
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            ),
            (
                "t10k-labels-idx1-ubyte.gz",
                4_542,
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            ),
        ),
        read=read_idx_set(tuple("0123456789")),
    ),
    CorpusEntry(
        "fashion-mnist",
        "images",
        "Fashion-MNIST: 60,000 and 10,000 pictures of clothes, 28×28",
        "not stated at its source",
        tuple(
            RemoteFile(name, _FASHION + name, md5=md5)
            for name, md5 in (
                ("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
                ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
                ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
                ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"),
            )
        ),
        read=read_idx_set(_CLOTHES),
    ),
    # Data for evaluation
    CorpusEntry(
        "questions-words",
        "evaluation",
        "Google's word analogies: 19,544 questions in 14 sections",
        "Apache-2.0",
        _files(
            _WORD2VEC,
            (
                "questions-words.txt",
                603_955,
                "8c29b3332afc46f3fb8be04cb5297bf96f39aa7131272dff57869b4485b22a36",
            ),
        ),
    ),
    CorpusEntry(
        "wordsim353",
        "evaluation",
        "WordSim-353: 353 word pairs with human judgements of similarity",
        "see the file",
        _files(
            _GENSIM + "gensim/test/test_data/",
            ("wordsim353.tsv", 7_186, "f92a022fc2537793a15bc3a8c162ebcd74990e033a228bb6388cb71e4c0b1e1d"),
        ),
    ),
)

REGISTRY: dict[str, CorpusEntry] = {entry.name: entry for entry in _ENTRIES}
"""The registered corpora by name."""


def registered(name: str) -> CorpusEntry:
    """Return the entry of a registered corpus. Raises UsageError listing the names."""
    if name not in REGISTRY:
        raise UsageError(f"no registered corpus {name!r}", remedy=f"use {', '.join(REGISTRY)}")
    return REGISTRY[name]


def corpus_names(type: str) -> list[str]:  # noqa: A002
    """Return the names of the registered corpora of a type, the default first.

    Example:
        >>> corpus_names("images")
        ['digits', 'mnist', 'fashion-mnist']
    """
    return [entry.name for entry in REGISTRY.values() if entry.type == type]
