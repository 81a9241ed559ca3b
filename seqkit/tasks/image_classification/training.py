"""Train an image classifier into a run directory, or go on with one."""

from __future__ import annotations

import time

from seqkit.backend import make_current
from seqkit.corpora import ImageCorpus
from seqkit.data import Standardization
from seqkit.tasks.classes import LABELS, labels_to_bytes
from seqkit.tasks.descent import Descent
from seqkit.tasks.image_classification.job import ImageClassificationJob
from seqkit.tasks.image_classification.making import complete, make_model, model_config, open_dataset
from seqkit.tasks.image_classification.settings import ImageClassificationSettings
from seqkit.tasks.image_classification.trained import STANDARDIZATION, TASK, load
from seqkit.tasks.training import Prepared, Training
from seqkit.training import Watcher


def prepare(settings: ImageClassificationSettings, corpus: ImageCorpus, watcher: Watcher) -> Prepared:
    """The images made ready, and how the model learns them."""
    started = time.perf_counter()
    counts = {split: len(corpus.images(split)) for split in corpus.splits}
    sizes = ", ".join(f"{split} {count:,}" for split, count in counts.items())
    shape = "×".join(map(str, corpus.shape))
    watcher.message(
        f"{corpus.name}: {sizes} images of {shape}, {len(corpus.classes)} classes "
        f"({time.perf_counter() - started:.1f} s)"
    )
    config = model_config(settings, corpus)
    model = make_model(settings, config)
    assert settings.device is not None
    model.to(make_current(settings.device))
    standardization = Standardization.of(settings.normalize, corpus.images("train").images)
    job = ImageClassificationJob(model, corpus, standardization, settings)
    return Prepared(
        Descent(settings, job, len(job.batches)).go,
        texts={STANDARDIZATION: standardization.to_bytes(), LABELS: labels_to_bytes(corpus.classes)},
        config={"model": config.to_dict()},
    )


train = Training(TASK, open_corpus=open_dataset, complete=complete, prepare=prepare, load=load)
