"""Worker process of the word2vec benchmarks: one training by seqkit or gensim.

``PYTHON -m benchmarks.word2vec_worker '{"system": "gensim", ...}'`` prints one JSON object. The training by
gensim does not use seqkit, and vice versa.
"""

import json
import sys
import time
from typing import Any

SETTINGS = {"vector_size": 100, "window": 5, "negative": 5, "sample": 1e-3, "min_count": 5}


def ours(job: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """Train with seqkit, after a training of a few words that compiles the kernels or loads them."""
    import numpy as np

    import seqkit
    from seqkit.vectors import Word2Vec

    start = time.perf_counter()
    few_words = [["one", "two", "three", "four"]] * 20
    Word2Vec(
        few_words, vector_size=settings["vector_size"], min_count=1, sg=settings["sg"], workers=1, epochs=1
    )
    compiled = time.perf_counter()
    model = Word2Vec(**settings)
    model.build_vocab(corpus_file=job["text"])
    scanned = time.perf_counter()
    model.train(corpus_file=job["text"])
    trained = time.perf_counter()
    model.wv.save_word2vec_format(job["vectors"], binary=True)
    return {
        "words": model.corpus_total_words,
        "vocabulary": len(model.wv),
        "compile_s": compiled - start,
        "scan_s": scanned - compiled,
        "train_s": trained - scanned,
        "save_s": time.perf_counter() - trained,
        "versions": {"seqkit": seqkit.__version__, "numpy": np.__version__},
    }


def gensim(job: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """Train with gensim; ``reading`` is corpus_file, or iterable for its LineSentence reader."""
    import gensim
    import numpy as np
    from gensim.models.word2vec import LineSentence, Word2Vec

    if job["reading"] == "corpus_file":
        source: dict[str, Any] = {"corpus_file": job["text"]}
    else:
        source = {"corpus_iterable": LineSentence(job["text"])}
    start = time.perf_counter()
    model = Word2Vec(**settings)
    model.build_vocab(**source)
    scanned = time.perf_counter()
    model.train(
        **source,
        total_examples=model.corpus_count,
        total_words=model.corpus_total_words,
        epochs=model.epochs,
    )
    trained = time.perf_counter()
    model.wv.save_word2vec_format(job["vectors"], binary=True)
    result = {
        "words": model.corpus_total_words,
        "vocabulary": len(model.wv),
        "compile_s": 0.0,
        "scan_s": scanned - start,
        "train_s": trained - scanned,
        "save_s": time.perf_counter() - trained,
        "versions": {"gensim": gensim.__version__, "numpy": np.__version__},
    }
    if job.get("evaluate"):
        pairs, analogies = job["evaluate"]
        result["wordsim"] = float(model.wv.evaluate_word_pairs(pairs)[1][0])
        result["analogies"] = float(model.wv.evaluate_word_analogies(analogies)[0])
    return result


def main() -> None:
    """Run the job given as a JSON argument."""
    job = json.loads(sys.argv[1])
    settings = {**SETTINGS, **job["settings"]}
    print(json.dumps((ours if job["system"] == "ours" else gensim)(job, settings)))


if __name__ == "__main__":
    main()
