# %% [markdown] lang="en"
# # Volume 1, chapter 3: neural networks
# From perceptrons to networks: smooth activation functions, layers as matrix products, softmax for
# probabilities, and the recognition of handwritten digits in batches.
# %% [markdown] lang="zh"
# # 第一本 第 3 章 神经网络
# 从感知机到神经网络：平滑的激活函数，用矩阵乘法表示的层，把分数变成概率的 softmax，以及成批地识别手写数字。
# %%
import os
import time

import matplotlib.pyplot as plt
import numpy as np

from seqkit import Generator, Tensor, nn, ops
from seqkit.autograd import no_grad
from seqkit.corpora import open_images
from seqkit.models import MLP, MLPConfig
from seqkit.optim import Adam
from seqkit.plotting import plot_images

SIZE = os.environ.get("NOTEBOOK_SIZE", "small")  # "book": the largest; "test": the smallest
IMAGES = {"test": "digits", "small": "digits", "book": "mnist"}[SIZE]
EPOCHS = {"test": 5, "small": 20, "book": 10}[SIZE]
ROUNDS = {"test": 5, "small": 50, "book": 50}[SIZE]

# %% [markdown] lang="en"
# ## Activation functions
# The step of a perceptron jumps; its successors bend. All are in
# [seqkit/ops/activations.py](../seqkit/ops/activations.py), each with its derivative beside it, which is
# drawn dashed.
# %% [markdown] lang="zh"
# ## 激活函数
# 感知机的阶跃函数是突变的，后来的激活函数都是逐渐变化的。它们都在
# [seqkit/ops/activations.py](../seqkit/ops/activations.py)，导数就写在旁边；图中虚线是导数。
# %%
points = np.linspace(-5, 5, 201)
figure, panels = plt.subplots(1, 4, figsize=(11, 2.6), layout="constrained")
panels[0].plot(points, points > 0, color="C0")
panels[0].set_title("step")
for axes, function in zip(panels[1:], (ops.sigmoid, ops.tanh, ops.relu), strict=True):
    x = Tensor(points, requires_grad=True)
    y = function(x)
    y.sum().backward()
    axes.plot(points, y.numpy(), color="C0")
    axes.plot(points, x.grad, "--", color="C1")
    axes.set_title(function.__name__)
for axes in panels:
    axes.set_xlabel("x")
    axes.set_ylim(-1.2, 2)
    axes.grid(alpha=0.3)

# %% [markdown] lang="en"
# ## Layers are matrix products
# A layer with 3 outputs for 2 inputs has a (3, 2) weight matrix, and a batch of 5 inputs goes through at
# once. Follow the shapes: neighbouring sizes must agree. Without an activation between them, two layers
# would be no more than one.
# %% [markdown] lang="zh"
# ## 层就是矩阵乘法
# 2 个输入、3 个输出的层，权重是 (3, 2) 的矩阵；一批 5 个输入可以一次算完。看看形状怎样变化：相邻的大小必须
# 一致。如果中间没有激活函数，两层叠起来与一层没有区别。
# %%
random = Generator(seed=0)
first, second = nn.Linear(2, 3, generator=random), nn.Linear(3, 2, generator=random)
x = random.normal((5, 2))
with no_grad():
    h = ops.sigmoid(first(x))
    y = second(h)
    both = first.weight.numpy().T @ second.weight.numpy().T
    bias = second(first.bias.numpy()[None]).numpy()
    print("x", x.shape, "weights", first.weight.shape, "→ h", h.shape)
    print("h", h.shape, "weights", second.weight.shape, "→ y", y.shape)
    print("two linear layers = one:", np.allclose(second(first(x)).numpy(), x @ both + bias, atol=1e-6))

# %% [markdown] lang="en"
# ## Softmax
# Softmax turns scores into probabilities: positive, with sum 1, in the same order. Its exponential
# overflows for large scores unless the maximum is subtracted first, which changes nothing else.
# %% [markdown] lang="zh"
# ## softmax
# softmax 把分数变成概率：都是正数，和为 1，大小顺序不变。分数很大时指数会溢出，先减去最大值就没事了，结果不
# 受影响。
# %%
scores = np.array([[0.3, 2.9, 4.0], [1010.0, 1000.0, 990.0]])
with np.errstate(over="ignore", invalid="ignore"):
    naive = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    print("as the formula says:", *naive.round(4), sep="\n")
print("ops.softmax:", *ops.softmax(Tensor(scores)).numpy().round(4), sep="\n")

# %% [markdown] lang="en"
# ## Recognising digits
# The network of the chapter, two hidden layers of 50 and 100, is an `MLP` of
# [seqkit/models/images/networks.py](../seqkit/models/images/networks.py). The book loads trained weights
# here; training them takes seconds, and how it works is the subject of chapter 4. Prediction needs no
# softmax, since the order of scores is all that counts.
# %% [markdown] lang="zh"
# ## 手写数字识别
# 本章的网络有两个隐藏层，分别是 50 和 100 个神经元，即
# [seqkit/models/images/networks.py](../seqkit/models/images/networks.py) 中的 `MLP`。书中在这里直接读取训练
# 好的权重；其实几秒钟就能训练出来，至于怎样训练，是第 4 章的内容。推理时不需要 softmax，因为只看分数的大小
# 顺序。
# %%
corpus = open_images(IMAGES)
train, test = corpus.images("train"), corpus.images("test")
x_train, x_test = (each.images.astype(np.float32) / 255 for each in (train, test))
H, W, C = corpus.shape
model = MLP(MLPConfig(H, W, C, hidden=(50, 100)), generator=0)
optimizer, order = Adam(model.parameters(), lr=0.003), Generator(seed=1)
for _ in range(EPOCHS):
    for rows in np.array_split(order.permutation(len(train)), len(train) // 50):
        loss = model.loss(x_train[rows], train.labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
predicted = model.predict(x_test)
print(f"right: {(predicted == test.labels).mean():.1%} of {len(test)} test images")

wrong = np.flatnonzero(predicted != test.labels)[:6]
shown = np.concatenate([np.arange(12 - len(wrong)), wrong])
titles = [f"says {predicted[i]}, is {test.labels[i]}" for i in shown]
plot_images(test.images[shown], titles, columns=6)

# %% [markdown] lang="en"
# ## Batches
# Many images in one matrix product cost far less than the same images one by one: each call has a fixed
# price, and large products use the processor better. The least of several times is drawn, since other
# programs can only make it longer. The experiment is
# [seqkit/lab/batch_speed.py](../seqkit/lab/batch_speed.py).
# %% [markdown] lang="zh"
# ## 批处理
# 许多图像合成一次矩阵乘法，比逐张计算便宜得多：每次调用都有固定开销，而且矩阵越大，处理器用得越充分。每种大
# 小测几次，取最短的一次，因为别的程序只会让时间变长。对应的实验是
# [seqkit/lab/batch_speed.py](../seqkit/lab/batch_speed.py)。
# %%
sizes, speeds = (1, 3, 10, 30, 100, 300), []
for size in sizes:
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        model.predict(x_test[:size])
        seconds.append(time.perf_counter() - start)
    speeds.append(size / min(seconds))
figure, axes = plt.subplots(figsize=(5, 3), layout="constrained")
axes.loglog(sizes, speeds, "o-")
axes.set_xticks(sizes, sizes)
axes.minorticks_off()
axes.set(xlabel="images in a batch", ylabel="images per second")
axes.grid(alpha=0.3)
