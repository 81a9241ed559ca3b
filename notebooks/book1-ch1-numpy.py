# %% [markdown] lang="en"
# # Volume 1, chapter 1: Python, NumPy and Matplotlib
# Everything in this course is arithmetic on arrays. This notebook has the few operations that all later
# chapters use: arithmetic with broadcasting, random numbers that can be repeated, figures, images as
# arrays, and, as a preview, an array that can differentiate what was done with it.
# %% [markdown] lang="zh"
# # 第一本 第 1 章 Python、NumPy 与 Matplotlib
# 本书的一切计算都是数组运算。这里先熟悉后面各章都要用到的几样东西：带广播的四则运算、可以重现的随机数、画
# 图、用数组表示图像；最后提前看一眼会“自己求导”的数组。
# %%
import matplotlib.pyplot as plt
import numpy as np

from seqkit import Generator, Tensor
from seqkit.corpora import open_images
from seqkit.plotting import plot_images

SAMPLES = 10_000

# %% [markdown] lang="en"
# ## Arrays
# Arithmetic works element by element. Where shapes differ, an axis of length 1 is stretched to fit the
# other array: this is broadcasting. A row and a column together make a table.
# %% [markdown] lang="zh"
# ## 数组
# 四则运算逐元素进行。形状不同时，长度为 1 的轴会自动扩展到与对方一致，这叫做广播。一行加一列，就得到一张
# 表。
# %%
row, column = np.arange(1, 10), np.arange(1, 10)[:, None]
print(row.shape, column.shape, (row * column).shape)
print(row * column)

# %% [markdown] lang="en"
# ## Figures
# An array in, an array out: a function of NumPy applied to 200 points makes a curve.
# %% [markdown] lang="zh"
# ## 画图
# 函数接收一个数组，返回一个数组：把 200 个点一次送进去，就得到一条曲线。
# %%
x = np.linspace(0, 2 * np.pi, 200)
figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
axes.plot(x, np.sin(x), label="sin")
axes.plot(x, np.cos(x), "--", label="cos")
axes.set_xlabel("x")
axes.set_ylabel("y")
axes.legend()
axes.grid(alpha=0.3)

# %% [markdown] lang="en"
# ## Random numbers
# Initial weights, the order of the examples and dropout are random. The generator of this library counts
# instead of keeping a hidden state, so a seed and a name are enough to get the same numbers again, on a GPU
# too: [seqkit/backend/random.py](../seqkit/backend/random.py).
# %% [markdown] lang="zh"
# ## 随机数
# 权重的初始值、样本的顺序、Dropout 都要用随机数。本库的生成器靠计数产生随机数，没有隐藏的状态，所以只要种子
# 和名字相同，得到的数就相同，换到 GPU 上也一样： [seqkit/backend/random.py](../seqkit/backend/random.py)。
# %%
print(Generator(seed=1).normal(4), Generator(seed=1).normal(4), Generator(seed=2).normal(4), sep="\n")
figure, panels = plt.subplots(1, 2, figsize=(7, 2.6), layout="constrained")
for axes, name in zip(panels, ("uniform", "normal"), strict=True):
    axes.hist(getattr(Generator(seed=1), name)(SAMPLES), bins=40)
    axes.set_title(f"{SAMPLES:,} numbers, {name}")
    axes.set_xlabel("value")
    axes.set_ylabel("count")

# %% [markdown] lang="en"
# ## Images are arrays
# A grey image is a table of brightness; a set of images has one axis more. These are the handwritten digits
# that come with scikit-learn, 8×8 pixels; MNIST, which the book uses, opens the same way as
# `open_images("mnist")` after `seqkit corpora fetch mnist`.
# %% [markdown] lang="zh"
# ## 图像也是数组
# 灰度图像是一张亮度表，一组图像再多一个轴。这里用 scikit-learn 自带的 8×8 手写数字；书中的 MNIST 也一样打
# 开：先执行 `seqkit corpora fetch mnist`，再写 `open_images("mnist")`。
# %%
digits = open_images("digits").images("train")
print(digits.images.shape, digits.images.dtype, "labels:", digits.labels[:20])
print(digits.images[0, :, :, 0])
plot_images(digits.images[:20], [str(label) for label in digits.labels[:20]], columns=10)

# %% [markdown] lang="en"
# ## A preview: arrays that differentiate
# A `Tensor` holds an array and remembers the operations that made it. `backward` follows them in reverse
# and leaves the gradient in `grad`; for the sum of squares it is 2x. Chapter 5 shows how this works, and
# the code is [seqkit/autograd/tensor.py](../seqkit/autograd/tensor.py).
# %% [markdown] lang="zh"
# ## 预告：会求导的数组
# `Tensor` 里有一个数组，还记着它是怎样算出来的。调用 `backward`，就沿着这些运算倒着走一遍，把梯度存进
# `grad`；平方和的梯度是 2x。其中的原理留到第 5 章，代码在
# [seqkit/autograd/tensor.py](../seqkit/autograd/tensor.py)。
# %%
t = Tensor(np.array([1.0, 2.0, 3.0]), requires_grad=True)
(t * t).sum().backward()
print("value:", t.numpy(), "gradient of the sum of squares:", t.grad)
