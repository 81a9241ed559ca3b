"""Data of the image classification task."""

from seqkit.corpora import ImageCorpus, open_images
from seqkit.tasks.image_classification.settings import ImageClassificationSettings


def open_corpus(settings: ImageClassificationSettings) -> ImageCorpus:
    """Open the images that the settings name.

    The training split is cut to its first ``train_size`` images before the validation split is taken from it.
    """
    corpus = open_images(settings.corpus, validation=0, image_size=settings.image_size)
    if settings.train_size is not None:
        corpus = corpus.first(settings.train_size)
    if "valid" in corpus.splits:
        settings.refuse_given("validation split_seed", "corpora without a validation split of their own")
    return corpus.with_validation(settings.validation, settings.split_seed)


def describe(corpus: ImageCorpus) -> str:
    """Return the number of images of each split, their size and the classes, in one line."""
    sizes = ", ".join(f"{split} {len(corpus.images(split)):,}" for split in corpus.splits)
    return f"{sizes} images of {'×'.join(map(str, corpus.shape))}, {len(corpus.classes)} classes"
