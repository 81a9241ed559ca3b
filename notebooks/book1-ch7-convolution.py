# %% [markdown] lang="en"
# # Volume 1, chapter 7: convolutional networks
# A fully connected layer does not know which pixels are neighbours. A convolution does: it moves a small
# filter over the image and asks at each place how well it fits.
# %% [markdown] lang="zh"
# # 第一本 第 7 章 卷积神经网络
# 全连接层不知道哪些像素彼此相邻。卷积层知道：它让一个小滤波器在图像上滑动，在每个位置上看看吻合的程度。
# %%
import os

import matplotlib.pyplot as plt
import numpy as np

from seqkit import Generator, nn, ops
from seqkit.autograd import no_grad
from seqkit.corpora import open_images
from seqkit.models import MLP, MLPConfig, SimpleConvNet, SimpleConvNetConfig
from seqkit.optim import Adam
from seqkit.plotting import plot_images

SIZE = os.environ.get("NOTEBOOK_SIZE", "small")  # "book": the largest; "test": the smallest
IMAGES = {"test": "digits", "small": "digits", "book": "mnist"}[SIZE]
EPOCHS = {"test": 3, "small": 25, "book": 20}[SIZE]
FILTER = {"test": 3, "small": 3, "book": 5}[SIZE]

# %% [markdown] lang="en"
# ## A filter at work
# Three filters of 3×3, chosen by hand: brightness on the left minus right, top minus bottom, and a blur.
# Light means that the filter fits. The op is [seqkit/ops/convolution.py](../seqkit/ops/convolution.py);
# images are (batch, height, width, channels).
# %% [markdown] lang="zh"
# ## 滤波器的作用
# 手工挑三个 3×3 的滤波器：左边亮度减右边、上边减下边、求平均。图中越亮，说明该处与滤波器越吻合。运算在
# [seqkit/ops/convolution.py](../seqkit/ops/convolution.py)，图像的形状是（批，高，宽，通道）。
# %%
corpus = open_images(IMAGES)
train, test = corpus.images("train"), corpus.images("test")
x_train, x_test = (each.images.astype(np.float32) / 255 for each in (train, test))
H, W, C = corpus.shape

edge = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]], np.float32) / 4
filters = np.stack([edge, edge.T, np.full((3, 3), 1 / 9, np.float32)])[..., None]
with no_grad():
    maps = ops.conv2d(x_test[:4], filters, None, padding=1).numpy()
rows = np.concatenate([x_test[:4, ..., 0, None], 0.5 + maps / 2], axis=-1).transpose(0, 3, 1, 2)
plot_images(
    rows.reshape(-1, H, W, 1).clip(0, 1), ["image", "left - right", "top - bottom", "blur"] * 4, columns=8
)

# %% [markdown] lang="en"
# ## Sizes
# With padding P and stride S a side of H becomes ⌊(H + 2P - K)/S⌋ + 1. The number of weights depends on the
# filters alone, not on the image. Formula and layer agree:
# [seqkit/lab/convolution_shapes.py](../seqkit/lab/convolution_shapes.py) tries hundreds of cases.
# %% [markdown] lang="zh"
# ## 大小
# 填充为 P、步幅为 S 时，边长 H 变成 ⌊(H + 2P - K)/S⌋ + 1。权重的个数只取决于滤波器，与图像大小无关。公式与
# 实际一致，[seqkit/lab/convolution_shapes.py](../seqkit/lab/convolution_shapes.py) 试了几百种情况。
# %%
print("side  kernel  padding  stride  formula  layer  weights of 30 filters")
for side, K, P, S in ((28, 5, 0, 1), (28, 5, 2, 1), (28, 3, 1, 2), (8, 3, 0, 1), (8, 3, 1, 2)):
    layer = nn.Conv2d(1, 30, K, padding=P, stride=S, generator=0)
    with no_grad():
        height = layer(np.zeros((1, side, side, 1), np.float32)).shape[1]
    formula = (side + 2 * P - K) // S + 1
    print(f"{side:4}  {K:6}  {P:7}  {S:6}  {formula:7}  {height:5}  {layer.parameter_count():8}")

# %% [markdown] lang="en"
# ## Convolution as a matrix product
# Write every window of the image as a row of a matrix; the filters are the columns of another. Their
# product is the convolution, and a matrix product is what processors do best.
# %% [markdown] lang="zh"
# ## 用矩阵乘法做卷积
# 把图像的每个窗口展开成矩阵的一行，滤波器作为另一个矩阵的列，两者相乘就是卷积；而矩阵乘法正是处理器最拿手
# 的。
# %%
windows = np.lib.stride_tricks.sliding_window_view(x_test[:4, ..., 0], (3, 3), axis=(1, 2))
matrix = windows.reshape(-1, 9)
product = (matrix @ filters.reshape(3, 9).T).reshape(4, H - 2, W - 2, 3)
with no_grad():
    direct = ops.conv2d(x_test[:4], filters, None).numpy()
print("windows as rows:", matrix.shape, " difference from conv2d:", abs(product - direct).max())

# %% [markdown] lang="en"
# ## Pooling
# Keep the largest of each 2×2 square: a quarter of the positions is left, and nothing is learned here. A
# shift by one pixel changes the pooled image less than the image itself, but it does change it.
# %% [markdown] lang="zh"
# ## 池化
# 每个 2×2 的方块只留最大值：位置只剩四分之一，而且没有要学的参数。图像平移一个像素，池化后的变化比原图小，
# 但并不是没有变化。
# %%
shifted = np.roll(x_test, 1, axis=2)
with no_grad():
    pooled, pooled_shifted = (ops.max_pool2d(x, size=2).numpy() for x in (x_test, shifted))
for name, a, b in (("image", x_test, shifted), ("pooled", pooled, pooled_shifted)):
    change = np.linalg.norm(a - b) / np.linalg.norm(a)
    print(f"{name:<7} {a.shape[1:3]}: changes by {change:.0%} when shifted by one pixel")

# %% [markdown] lang="en"
# ## A convolutional network
# Convolution, ReLU, pooling and two linear layers: `SimpleConvNet` of
# [seqkit/models/images/networks.py](../seqkit/models/images/networks.py), beside a fully connected network
# with a hidden layer of the same size.
# %% [markdown] lang="zh"
# ## 卷积神经网络
# 卷积、ReLU、池化，再加两个全连接层，就是
# [seqkit/models/images/networks.py](../seqkit/models/images/networks.py) 中的 `SimpleConvNet`；拿来对照的是
# 隐藏层同样大小的全连接网络。
# %%
models = {
    "convolutional": SimpleConvNet(SimpleConvNetConfig(H, W, C, filter_size=FILTER), generator=0),
    "fully connected": MLP(MLPConfig(H, W, C, hidden=(100,)), generator=0),
}
before = {name: array.copy() for name, array in models["convolutional"].state_dict().items()}
curves = {name: [] for name in models}
for name, model in models.items():
    optimizer, random = Adam(model.parameters(), lr=0.001), Generator(seed=1)
    for _ in range(EPOCHS):
        for rows in np.array_split(random.permutation(len(train)), len(train) // 50):
            loss = model.loss(x_train[rows], train.labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        curves[name].append((model.predict(x_test) == test.labels).mean())

figure, axes = plt.subplots(figsize=(5, 3), layout="constrained")
for name, curve in curves.items():
    axes.plot(range(1, EPOCHS + 1), curve, label=f"{name}: {curve[-1]:.1%}")
axes.set(xlabel="epoch", ylabel="test accuracy")
axes.legend()
axes.grid(alpha=0.3)

# %% [markdown] lang="en"
# ## What the filters learned
# Above the filters before training, below after it. On images of 8×8 they change only in shades; with MNIST
# and filters of 5×5 (SIZE = "book") edges and blobs come out clearly. `seqkit plot filters RUN` draws those
# of any run.
# %% [markdown] lang="zh"
# ## 滤波器学到了什么
# 上排是训练前的滤波器，下排是训练后的。图像只有 8×8，深浅只是略有变化；换成 MNIST 和 5×5 的滤波器（SIZE =
# "book"），就能清楚地看出边缘和斑块。任何一次训练的滤波器都可以用 `seqkit plot filters RUN` 画出来。
# %%
after = models["convolutional"].state_dict()
name = next(key for key, value in after.items() if value.ndim == 4)
both = np.concatenate([before[name][:15], after[name][:15]])
low, high = both.min(axis=(1, 2, 3), keepdims=True), both.max(axis=(1, 2, 3), keepdims=True)
plot_images((both - low) / (high - low), columns=15)
