"""Models: for each a config, the network and its loss."""

from seqkit.models import bert, gpt2
from seqkit.models.classifier import (
    BagConfig,
    RecurrentConfig,
    SequenceClassifier,
    SequenceClassifierConfig,
)
from seqkit.models.images import (
    MLP,
    DeepConvNet,
    DeepConvNetConfig,
    ImageClassifier,
    ImageConfig,
    MLPConfig,
    SimpleConvNet,
    SimpleConvNetConfig,
    image_config,
    make_image_model,
)
from seqkit.models.language_model import LanguageModel, LanguageModelConfig
from seqkit.models.masked_language_model import MaskedLanguageModel
from seqkit.models.ngrams import NGramConfig, NGramModel, Unigram, fit_kneser_ney
from seqkit.models.seq2seq import Seq2Seq, Seq2SeqConfig, Seq2SeqState
from seqkit.models.tag_counts import CountTagger
from seqkit.models.tagger import (
    EncoderTagger,
    EncoderTaggerConfig,
    PieceInput,
    Tagger,
    TaggerConfig,
    TaggerInput,
)
from seqkit.models.transformer import (
    TransformerEncoder,
    TransformerEncoderConfig,
    TransformerLanguageModel,
    TransformerLanguageModelConfig,
    TransformerSeq2Seq,
    TransformerSeq2SeqConfig,
)
from seqkit.models.word2vec import Word2VecConfig, Word2VecModel
from seqkit.models.word_translation import WordTranslation

__all__ = [
    "MLP",
    "BagConfig",
    "CountTagger",
    "DeepConvNet",
    "DeepConvNetConfig",
    "EncoderTagger",
    "EncoderTaggerConfig",
    "ImageClassifier",
    "ImageConfig",
    "LanguageModel",
    "LanguageModelConfig",
    "MLPConfig",
    "MaskedLanguageModel",
    "NGramConfig",
    "NGramModel",
    "PieceInput",
    "RecurrentConfig",
    "Seq2Seq",
    "Seq2SeqConfig",
    "Seq2SeqState",
    "SequenceClassifier",
    "SequenceClassifierConfig",
    "SimpleConvNet",
    "SimpleConvNetConfig",
    "Tagger",
    "TaggerConfig",
    "TaggerInput",
    "TransformerEncoder",
    "TransformerEncoderConfig",
    "TransformerLanguageModel",
    "TransformerLanguageModelConfig",
    "TransformerSeq2Seq",
    "TransformerSeq2SeqConfig",
    "Unigram",
    "Word2VecConfig",
    "Word2VecModel",
    "WordTranslation",
    "bert",
    "fit_kneser_ney",
    "gpt2",
    "image_config",
    "make_image_model",
]
