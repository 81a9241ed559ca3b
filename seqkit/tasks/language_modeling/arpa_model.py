"""ARPA files in the commands that take language models: scores, perplexity and generation."""

from pathlib import Path

from seqkit.corpora import open_corpus
from seqkit.data import encode_corpus
from seqkit.errors import DataError
from seqkit.files.compressed import plain_name
from seqkit.progress import with_progress
from seqkit.tasks.language_modeling import evaluation
from seqkit.tasks.language_modeling.arpa import read_arpa
from seqkit.tasks.language_modeling.evaluation import Evaluation
from seqkit.tasks.language_modeling.text_model import TextLanguageModel
from seqkit.tasks.runs import choose_split, require_cpu
from seqkit.text import Vocabulary, get_tokenizer
from seqkit.text.special_tokens import EOS, UNK

SUFFIX = ".arpa"


def is_arpa(path: str | Path) -> bool:
    """Return whether a path is an ARPA file by its name, maybe compressed, or a file that begins as one."""
    path = Path(path)
    if Path(plain_name(path)).suffix == SUFFIX:
        return not path.is_dir()
    try:
        with path.open("rb") as file:
            return file.read(6) == b"\\data\\"
    except OSError:
        return False


class ArpaLanguageModel(TextLanguageModel):
    """The n-gram model of an ARPA file, of any tool; words have blanks between them.

    The end of a line, ``</s>`` in the file, is ``<eos>`` as in other models.

    Args:
        path: The file, maybe compressed.

    Raises:
        DamagedFileError: The file is damaged.
        DataError: The file cannot be read, or has ``<eos>`` as a word.
    """

    def __init__(self, path: str | Path) -> None:
        model, words = read_arpa(path)
        if EOS in words:
            raise DataError(
                f"expected words other than {EOS}, which stands for the end of a line here", where=str(path)
            )
        words[model.config.eos_id] = EOS
        self.path = str(path)
        super().__init__(model, Vocabulary(words, unk=UNK, eos=EOS), get_tokenizer("whitespace"))

    def __repr__(self) -> str:
        return f"ArpaLanguageModel({self.path!r}: {len(self.vocabulary):,} words)"

    @with_progress
    def evaluate(
        self,
        split: str | None = None,
        *,
        corpus: str,
        text_column: int | str | None = None,
        progress: bool = False,
    ) -> Evaluation:
        """Return the perplexity on a split of a text corpus, with the end of each line.

        Args:
            split: train, valid or test; by default "test", or "valid" if there is none, and all of a file.
            corpus: The corpus, named as in `train-lm`.
            text_column: The column of the texts of that corpus, if it is a table; by default it is found.
            progress: Whether to show a progress bar.

        Raises:
            DataError: The corpus is absent, or has no such split.
        """
        source = open_corpus(corpus, text_column=text_column, whole=split is None)
        encoded = encode_corpus(
            source.sources,
            self.tokenizer,
            key=source.content_key(),
            vocabulary=self.vocabulary,
            require_unchanged=source.require_unchanged,
        )
        split = choose_split(split, encoded.splits, corpus)
        ids, info = encoded.splits[split], encoded.info[split]
        return evaluation.evaluation(
            split,
            evaluation.stream_loss(self.model, ids, self.eos_id),
            len(ids),
            characters=info.characters,
            vocab_size=len(self.vocabulary),
            unk=info.unk,
            hidden=info.hidden,
            tokenizer=self.tokenizer.name,
            batch_size=1,
            protocol="exact",
        )


def load_arpa(path: str | Path, *, device: str | None = None) -> ArpaLanguageModel:
    """Open an ARPA file. Raises as :class:`ArpaLanguageModel`; UsageError for a device but the CPU."""
    require_cpu(device, "n-gram models")
    return ArpaLanguageModel(path)
