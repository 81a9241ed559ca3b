# %% [markdown] lang="en"
# # Volume 2, chapter 2: words as vectors, by counting
# A word is known by the company it keeps: words with the same neighbours mean similar things. Counting
# neighbours gives a first kind of word vector, and two improvements make it a good one: mutual information
# and the singular value decomposition.
# %% [markdown] lang="zh"
# # 第二本 第 2 章 单词的向量表示：基于计数的方法
# 看一个词常与哪些词为伴，就大致知道它的意思：邻居相同的词，意思也相近。数一数邻居，就得到第一种词向量；再加
# 上互信息和奇异值分解两项改进，就相当好用了。
# %%
import os
from collections import Counter
from itertools import islice

import matplotlib.pyplot as plt
import numpy as np

from seqkit import KeyedVectors, Vocabulary
from seqkit.corpora import open_corpus
from seqkit.plotting import plot_word_map, project_to_plane
from seqkit.text import get_tokenizer
from seqkit.vectors.counting import cooccurrence, ppmi, svd_vectors

SIZE = os.environ.get("NOTEBOOK_SIZE", "small")  # "book": the largest; "test": the smallest
CORPUS = {"test": "pydocs", "small": "pydocs", "book": "ptb"}[SIZE]
LINES = {"test": 1_500, "small": None, "book": None}[SIZE]
WORDS = {"test": 500, "small": 3_000, "book": 10_000}[SIZE]
DIMENSIONS = {"test": 20, "small": 100, "book": 100}[SIZE]

# %% [markdown] lang="en"
# ## Words to numbers
# A text becomes a sequence of ids: [seqkit/text/vocabulary.py](../seqkit/text/vocabulary.py).
# %% [markdown] lang="zh"
# ## 从单词到编号
# 文本变成一串编号：[seqkit/text/vocabulary.py](../seqkit/text/vocabulary.py)。
# %%
sentence = get_tokenizer("word").tokenize("the cat chased the mouse and the dog chased the cat .")
vocabulary = Vocabulary(sorted(set(sentence)), unk=None, eos=None)
ids = vocabulary.encode(sentence)
print(dict(enumerate(vocabulary.tokens)))
print("ids:", ids)

# %% [markdown] lang="en"
# ## Counting neighbours
# One row per word: how often does each other word stand right beside it? Frequent words such as *the*
# dominate the counts. Pointwise mutual information asks instead: how much more often than by chance?
# Negative values become 0. Code: [seqkit/vectors/counting.py](../seqkit/vectors/counting.py).
# %% [markdown] lang="zh"
# ## 数邻居
# 每个词一行，记下别的词有多少次紧挨着它出现。像 *the* 这样的高频词会左右计数；点互信息改问：比随机情况多出
# 几倍？负值记为 0。代码在 [seqkit/vectors/counting.py](../seqkit/vectors/counting.py)。
# %%
counts = cooccurrence(ids, len(vocabulary), window=1)
information = ppmi(counts)
figure, panels = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for axes, matrix, title in zip(panels, (counts, information), ("counts", "PPMI (bits)"), strict=True):
    dense = matrix.to_dense()
    axes.imshow(dense, cmap="Blues")
    axes.set_xticks(range(len(vocabulary)), vocabulary.tokens, rotation=60)
    axes.set_yticks(range(len(vocabulary)), vocabulary.tokens)
    axes.set_title(title)
    for (i, j), value in np.ndenumerate(dense):
        if value:
            axes.text(
                j, i, f"{value:.2g}", ha="center", va="center", color="w" if value > dense.max() / 2 else "k"
            )

# %% [markdown] lang="en"
# ## Fewer dimensions
# The rows are long and mostly zero. The singular value decomposition finds the few directions along which
# they differ most; two are enough for a picture.
# %% [markdown] lang="zh"
# ## 降维
# 这些行很长，而且大多是零。奇异值分解能找出差异最大的几个方向；只取两个就可以画成图。
# %%
vectors = svd_vectors(information, 2)
plot_word_map(vocabulary.tokens, vectors)

# %% [markdown] lang="en"
# ## A real text
# The same on the English text of the Python installation (the book uses the Penn Treebank,
# `open_corpus("ptb")`): count within five words, weigh by mutual information, reduce. `seqkit
# train-embeddings --model counts` does this for any text.
# %% [markdown] lang="zh"
# ## 真实的文本
# 用 Python 自带的英文文档再做一遍（书中用的是 Penn Treebank，即 `open_corpus("ptb")`）：数出左右五个词以内
# 的邻居，算互信息，再降维。对任意文本，用 `seqkit train-embeddings --model counts` 即可。
# %%
tokenizer = get_tokenizer("word", lowercase=True)
lines = islice(open_corpus(CORPUS).lines("train"), LINES)
tokens = [token for line in lines for token in [*tokenizer.tokenize(line), "<eos>"]]
vocabulary = Vocabulary.from_counts(Counter(tokens), size=WORDS)
ids, V = vocabulary.encode(tokens), len(vocabulary)
counts = cooccurrence(ids, V, window=5, eos_id=vocabulary.eos_id)
information = ppmi(counts)
print(f"{len(ids):,} tokens, {V:,} words; {len(counts.values) / V**2:.1%} of all pairs were seen")
vectors = KeyedVectors(DIMENSIONS)
vectors.add_vectors(list(vocabulary.tokens), svd_vectors(information, DIMENSIONS))

# %% [markdown] lang="en"
# ## Similar words
# Similarity is the cosine of the angle between two vectors:
# [seqkit/vectors/similarity.py](../seqkit/vectors/similarity.py).
# %% [markdown] lang="zh"
# ## 相似的词
# 相似度就是两个向量夹角的余弦：[seqkit/vectors/similarity.py](../seqkit/vectors/similarity.py)。
# %%
queries = [word for word in ("function", "list", "true", "is", "two", "file") if word in vectors.key_to_index]
for word in queries:
    near = ", ".join(f"{other} {score:.2f}" for other, score in vectors.most_similar(word, topn=5))
    print(f"{word:>10}: {near}")

# %% [markdown] lang="en"
# A map of some words and their neighbours, projected to two dimensions.
# %% [markdown] lang="zh"
# 把几个词和它们的邻居投影到平面上，画成一张图。
# %%
groups = {word: group for group, word in enumerate(queries)}
for word in queries:
    for other, _ in vectors.most_similar(word, topn=6):
        groups.setdefault(other, groups[word])
points = project_to_plane(np.stack([vectors[word] for word in groups]))
plot_word_map(list(groups), points, list(groups.values()), queries)
