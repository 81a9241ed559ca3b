# %% [markdown] lang="en"
# # Volume 2, chapter 4: word2vec at speed
# With many words the softmax is the bottleneck: every step touches all of them. Negative sampling asks a
# smaller question, whether two words belong together, of the true word and of a few drawn at random.
# %% [markdown] lang="zh"
# # 第二本 第 4 章 word2vec 的高速化
# 词一多，softmax 就成了瓶颈：每一步都要算到所有的词。负采样改问一个更小的问题：这两个词该不该在一起？只问正
# 确的词和随机抽出的几个词。
# %%
import os
import time
from collections import Counter
from itertools import islice

import matplotlib.pyplot as plt
import numpy as np

from seqkit import Generator, Tensor, Word2Vec, ops
from seqkit.corpora import open_corpus
from seqkit.data import NegativeSampler
from seqkit.models import Word2VecConfig, Word2VecModel
from seqkit.plotting import plot_word_map, project_to_plane
from seqkit.text import get_tokenizer

SIZE = os.environ.get("NOTEBOOK_SIZE", "small")  # "book": the largest; "test": the smallest
CORPUS = {"test": "pydocs", "small": "pydocs", "book": "ptb"}[SIZE]
LINES = {"test": 1_500, "small": None, "book": None}[SIZE]
EPOCHS = {"test": 2, "small": 20, "book": 10}[SIZE]
VOCABULARIES = {"test": (200, 1_000), "small": (500, 2_000, 8_000), "book": (1_000, 10_000, 50_000)}[SIZE]

# %% [markdown] lang="en"
# ## One question instead of 10,000
# For the true word the answer should be yes, σ(h·v) near 1; for the drawn words no. The sum of these losses
# replaces the softmax: [seqkit/ops/negative_sampling.py](../seqkit/ops/negative_sampling.py).
# %% [markdown] lang="zh"
# ## 用一个是非题代替一万选一
# 对正确的词应当回答“是”，即 σ(h·v) 接近 1；对抽出来的词应当回答“否”。这些损失加起来就代替了 softmax：
# [seqkit/ops/negative_sampling.py](../seqkit/ops/negative_sampling.py)。
# %%
random = Generator(seed=0)
h, v = random.normal((1, 8), dtype=np.float64), random.normal((50, 8), dtype=np.float64)
true, drawn = np.array([3]), np.array([[10, 20, 30, 40, 41]])
loss = ops.negative_sampling(Tensor(h), Tensor(v), true, drawn).item()
by_hand = np.log1p(np.exp(-h[0] @ v[3])) + np.log1p(np.exp(v[drawn[0]] @ h[0])).sum()
print(f"ops.negative_sampling {loss:.6f}, by hand {by_hand:.6f}")

# %% [markdown] lang="en"
# ## Which words to draw
# In proportion to their frequency, but to the power of 0.75, which gives rare words a better chance.
# %% [markdown] lang="zh"
# ## 抽哪些词
# 按出现频率抽，但频率先取 0.75 次方，让低频词多一点机会。
# %%
tokenizer = get_tokenizer("word", lowercase=True)
sentences = [tokenizer.tokenize(line) for line in islice(open_corpus(CORPUS).lines("train"), LINES)]
frequency = np.array(sorted(Counter(word for line in sentences for word in line).values())[::-1])
figure, axes = plt.subplots(figsize=(5, 3), layout="constrained")
for exponent, style in ((1.0, "--"), (0.75, "-")):
    sampler = NegativeSampler(frequency, exponent=exponent, seed=0)
    seen = np.bincount(sampler.draw((100_000,), epoch=0, index=0), minlength=len(frequency))
    shares = np.add.reduceat(seen, [0, 10, 100, 1000]) / seen.sum()
    print(
        f"power {exponent}: drawn from ranks 1-10, 11-100, 101-1000, beyond:", *(f"{s:.0%}" for s in shares)
    )
    p = frequency**exponent / (frequency**exponent).sum()
    axes.loglog(np.arange(1, len(p) + 1), p, style, label=f"frequency to the power of {exponent}")
axes.set(xlabel="rank of the word", ylabel="probability to be drawn")
axes.legend()
axes.grid(alpha=0.3)

# %% [markdown] lang="en"
# ## What it saves
# The time of one step by vocabulary: the softmax grows with it, negative sampling hardly does. A verdict is
# in [seqkit/lab/word2vec_sampling.py](../seqkit/lab/word2vec_sampling.py).
# %% [markdown] lang="zh"
# ## 省下多少
# 一步所用的时间随词表怎样变化：softmax 随词表增长，负采样几乎不变。判定见
# [seqkit/lab/word2vec_sampling.py](../seqkit/lab/word2vec_sampling.py)。
# %%
seconds = {"softmax": [], "negative-sampling": []}
for V in VOCABULARIES:
    contexts, centres, negatives = (random.integers(0, V, shape) for shape in ((100, 10), 100, (100, 5)))
    for name, times in seconds.items():
        model = Word2VecModel(Word2VecConfig(V, 100, loss=name, weight_init="normal"), generator=0)
        taken = []
        for _ in range(8):
            start = time.perf_counter()
            model.loss(contexts, centres, negatives if name == "negative-sampling" else None).backward()
            taken.append(time.perf_counter() - start)
            model.zero_grad()
        times.append(1e3 * min(taken))
figure, axes = plt.subplots(figsize=(5, 3), layout="constrained")
for name, times in seconds.items():
    axes.loglog(VOCABULARIES, times, "o-", label=name.replace("-", " "))
axes.set_xticks(VOCABULARIES, [f"{V:,}" for V in VOCABULARIES])
axes.minorticks_off()
axes.set(xlabel="words in the vocabulary", ylabel="milliseconds per step")
axes.legend()
axes.grid(alpha=0.3)

# %% [markdown] lang="en"
# ## Training
# The fast trainer is compiled and has gensim's name and arguments:
# [seqkit/vectors/word2vec](../seqkit/vectors/word2vec). More about it:
# [docs/embeddings.md](../docs/embeddings.md).
# %% [markdown] lang="zh"
# ## 训练
# 快速训练器是编译过的，名字和参数与 gensim 相同：[seqkit/vectors/word2vec](../seqkit/vectors/word2vec)；详
# 细用法见 [docs/embeddings.md](../docs/embeddings.md)。
# %%
model = Word2Vec(sentences, vector_size=50, min_count=5, alpha=0.05, epochs=EPOCHS, seed=1, workers=1)
print(f"{len(model.wv.index_to_key):,} words of {sum(map(len, sentences)):,} tokens")
queries = [
    word for word in ("function", "list", "true", "is", "two", "file") if word in model.wv.key_to_index
]
for word in queries:
    near = ", ".join(f"{other} {score:.2f}" for other, score in model.wv.most_similar(word, topn=5))
    print(f"{word:>10}: {near}")

# %% [markdown] lang="en"
# ## Analogies
# *a* is to *b* as *c* is to what? The answer is the word nearest to b - a + c. A manual of a programming
# language is a small and narrow text, so expect some failures; `seqkit eval-embeddings` measures it with
# thousands of questions.
# %% [markdown] lang="zh"
# ## 类比
# *a* 之于 *b*，正如 *c* 之于什么？答案是离 b - a + c 最近的词。编程语言的手册篇幅小、题材窄，答错几题并不奇
# 怪；用 `seqkit eval-embeddings` 可以拿几千道题来评测。
# %%
for a, b, c in (
    ("is", "are", "was"),
    ("list", "lists", "string"),
    ("first", "second", "one"),
    ("get", "set", "read"),
):
    if all(word in model.wv.key_to_index for word in (a, b, c)):
        answers = model.wv.most_similar(positive=[b, c], negative=[a], topn=4)
        print(f"{a} : {b} = {c} :", ", ".join(word for word, _ in answers))

groups = {word: group for group, word in enumerate(queries)}
for word in queries:
    for other, _ in model.wv.most_similar(word, topn=6):
        groups.setdefault(other, groups[word])
points = project_to_plane(np.stack([model.wv[word] for word in groups]))
plot_word_map(list(groups), points, list(groups.values()), queries)
