# %% [markdown] lang="en"
# # Volume 1, chapter 8: deep learning
# More layers, smaller filters: this notebook counts what depth saves, trains the book's deep network on
# small images, looks at its mistakes, and tries augmentation, ensembles and half precision.
# %% [markdown] lang="zh"
# # 第一本 第 8 章 深度学习
# 层更多，滤波器更小：这里先算一算加深能省下多少，再用小图像训练书中的深层网络，看看它认错了哪些，最后试一试
# 数据扩充、集成和半精度。
# %%
import os

import matplotlib.pyplot as plt
import numpy as np

from seqkit import Generator
from seqkit.corpora import open_images
from seqkit.models import DeepConvNet, DeepConvNetConfig
from seqkit.optim import Adam
from seqkit.plotting import plot_images

SIZE = os.environ.get("NOTEBOOK_SIZE", "small")  # "book": the largest; "test": the smallest
IMAGES = {"test": "digits", "small": "digits", "book": "mnist"}[SIZE]
EPOCHS = {"test": 1, "small": 15, "book": 20}[SIZE]
TRAIN = {"test": 200, "small": 600, "book": None}[SIZE]
MODELS = {"test": 2, "small": 3, "book": 5}[SIZE]

# %% [markdown] lang="en"
# ## Why deep
# Two filters of 3×3 in a row see as far as one of 5×5, three as far as one of 7×7, with fewer weights and
# with more nonlinearities in between. With C channels in and out a K×K filter layer has C·(C·K² + 1) of
# them.
# %% [markdown] lang="zh"
# ## 为什么要加深
# 连着用两个 3×3 的滤波器，看到的范围与一个 5×5 的一样大，三个则相当于一个 7×7；权重更少，中间的非线性还更
# 多。输入、输出都是 C 个通道时，K×K 的卷积层有 C·(C·K² + 1) 个参数。
# %%
channels = 64
print("sees   one layer      layers of 3×3")
for layers in (1, 2, 3, 4):
    side = 2 * layers + 1
    one, several = channels * (channels * side**2 + 1), layers * channels * (channels * 9 + 1)
    print(f"{side}×{side}  {one:>10,}  {layers} × = {several:>8,}   saves {1 - several / one:.0%}")

# %% [markdown] lang="en"
# ## The deep network
# Six 3×3 convolutions, pooled after each pair, a hidden layer and dropout: `DeepConvNet` of
# [seqkit/models/images/networks.py](../seqkit/models/images/networks.py). In full size it is `seqkit
# train-images mnist --recipe textbook-deep-cnn`.
# %% [markdown] lang="zh"
# ## 深层网络
# 六个 3×3 卷积，每两个之后池化一次，再加一个隐藏层和 Dropout，即
# [seqkit/models/images/networks.py](../seqkit/models/images/networks.py) 中的 `DeepConvNet`。完整规模的训练
# 是 `seqkit train-images mnist --recipe textbook-deep-cnn`。
# %%
corpus = open_images(IMAGES)
train, test = corpus.images("train"), corpus.images("test")
x_train, x_test = (each.images.astype(np.float32) / 255 for each in (train, test))
x_train, labels = x_train[:TRAIN], train.labels[:TRAIN]


def fit(seed=0, augment=None):
    model = DeepConvNet(DeepConvNetConfig(*corpus.shape, dropout=0.3), generator=seed)
    optimizer, random, curve = Adam(model.parameters(), lr=0.002), Generator(seed, "batches"), []
    for _ in range(EPOCHS):
        for rows in np.array_split(random.permutation(len(labels)), len(labels) // 50):
            images = x_train[rows] if augment is None else augment(x_train[rows], random)
            loss = model.loss(images, labels[rows], generator=random)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        curve.append((model.predict(x_test) == test.labels).mean())
    return model, curve


model, curve = fit()
print(f"{model.parameter_count():,} weights; {curve[-1]:.1%} of the test images right")

# %% [markdown] lang="en"
# ## Its mistakes
# The images to which the network gives the true class the lowest probability. Some are hard for a person,
# too. `seqkit plot mistakes RUN` draws this for any run.
# %% [markdown] lang="zh"
# ## 它认错了哪些
# 下面是网络给正确类别的概率最低的图像，有些连人也难以辨认。对任何一次训练，都可以用
# `seqkit plot mistakes RUN` 画出这样的图。
# %%
log_probs = model.log_probs(x_test)
hardest = np.argsort(log_probs[np.arange(len(test)), test.labels])[:12]
says = log_probs[hardest].argmax(axis=1)
titles = [f"says {guess}, is {test.labels[i]}" for guess, i in zip(says, hardest, strict=True)]
plot_images(test.images[hardest], titles, columns=6)


# %% [markdown] lang="en"
# ## More data from the same images
# A digit moved by one pixel is still that digit. Moving the training images at random is the simplest
# augmentation; it adds variety, not information, and pays most when images are few and training is long.
# %% [markdown] lang="zh"
# ## 用同样的图像造出更多数据
# 数字挪动一个像素，还是那个数字。随机平移训练图像是最简单的数据扩充：增加的是变化，不是信息；图像越少、训练
# 越久，越有用。
# %%
def shift(images, random):
    down, right = random.integers(-1, 2, 2)
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    _, H, W, _ = images.shape
    return padded[:, 1 - down : 1 - down + H, 1 - right : 1 - right + W]


_, shifted_curve = fit(augment=shift)
figure, axes = plt.subplots(figsize=(5, 3), layout="constrained")
axes.plot(range(1, EPOCHS + 1), curve, label=f"as they are: {curve[-1]:.1%}")
axes.plot(range(1, EPOCHS + 1), shifted_curve, "--", label=f"moved: {shifted_curve[-1]:.1%}")
axes.set(xlabel="epoch", ylabel="test accuracy")
axes.legend()
axes.grid(alpha=0.3)

# %% [markdown] lang="en"
# ## Ensembles
# Networks that differ only in their seed make different mistakes; the mean of their probabilities makes
# fewer.
# %% [markdown] lang="zh"
# ## 集成
# 只有随机种子不同的网络，犯的错误也各不相同；把它们的概率取平均，错误就少一些。
# %%
networks = [model, *(fit(seed)[0] for seed in range(1, MODELS))]
probabilities = np.stack([np.exp(each.log_probs(x_test)) for each in networks])
single = (probabilities.argmax(axis=2) == test.labels).mean(axis=1)
together = (probabilities.mean(axis=0).argmax(axis=1) == test.labels).mean()
print("one by one:", *(f"{each:.1%}" for each in single), " together:", f"{together:.1%}")

# %% [markdown] lang="en"
# ## Half precision
# Inference is robust: with the weights rounded to 16 bits, hardly any prediction changes.
# %% [markdown] lang="zh"
# ## 半精度
# 推理对精度并不敏感：把权重舍入成 16 位，几乎没有哪个预测会变。
# %%
before = model.predict(x_test)
for parameter in model.parameters():
    parameter.data[...] = parameter.data.astype(np.float16)
print(f"equal predictions with 16 bits: {(model.predict(x_test) == before).mean():.2%}")
