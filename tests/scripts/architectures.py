"""Networks of architectures.sh, as PyTorch runs them: torchvision's own where it can be imported, else written here from
the papers with torchvision's names. Each gets random weights and shaken batch-norm statistics; FOLDER/NAME.pt is its state
dict and FOLDER/NAME.h5 holds images and, beside them, what it answers."""
import functools
import math
import sys

import h5py
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

CLASSES, IMAGES = 10, 3
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def divisible(v, d=8):
    new = max(d, int(v + d / 2) // d * d)
    return new + d if new < 0.9 * v else new


class Norm(nn.Sequential):
    """Convolution, batch norm and function, as torchvision.ops.Conv2dNormActivation."""
    def __init__(self, i, o, k=1, s=1, g=1, act=nn.ReLU, **bn):
        super().__init__(nn.Conv2d(i, o, k, s, (k - 1) // 2, groups=g, bias=False), nn.BatchNorm2d(o, **bn),
                         *([act()] if act else []))


class Squeeze(nn.Module):
    def __init__(self, c, squeeze, act, gate):
        super().__init__()
        self.fc1, self.fc2, self.act, self.gate = nn.Conv2d(c, squeeze, 1), nn.Conv2d(squeeze, c, 1), act(), gate()

    def forward(self, x):
        return x * self.gate(self.fc2(self.act(self.fc1(x.mean((2, 3), keepdim=True)))))


class Residual(nn.Module):
    def __init__(self, name, inner, skip):
        super().__init__()
        setattr(self, name, inner)
        self.name, self.skip = name, skip

    def forward(self, x):
        y = getattr(self, self.name)(x)
        return x + y if self.skip else y


class Pooled(nn.Module):
    """Features, global average, classifier."""
    def __init__(self, features, classifier):
        super().__init__()
        self.features, self.classifier = features, classifier

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


def mobilenet_v2():
    layers, c = [Norm(3, 32, 3, 2, act=nn.ReLU6)], 32
    for t, o, n, s in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
                       (6, 320, 1, 1)):
        for i in range(n):
            s, h = s if i == 0 else 1, c * t
            inner = [Norm(c, h, act=nn.ReLU6)] if t != 1 else []
            inner += [Norm(h, h, 3, s, h, nn.ReLU6), nn.Conv2d(h, o, 1, bias=False), nn.BatchNorm2d(o)]
            layers.append(Residual("conv", nn.Sequential(*inner), s == 1 and c == o))
            c = o
    layers.append(Norm(c, 1280, act=nn.ReLU6))
    return Pooled(nn.Sequential(*layers), nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, CLASSES)))


def mobilenet_v3(rows, hidden):
    bn = dict(eps=0.001, momentum=0.01)
    layers, c = [Norm(3, 16, 3, 2, act=nn.Hardswish, **bn)], 16
    for k, h, o, se, hs, s in rows:
        act = nn.Hardswish if hs else nn.ReLU
        inner = [Norm(c, h, act=act, **bn)] if h != c else []
        inner.append(Norm(h, h, k, s, h, act, **bn))
        if se:
            inner.append(Squeeze(h, divisible(h // 4), nn.ReLU, nn.Hardsigmoid))
        inner.append(Norm(h, o, act=None, **bn))
        layers.append(Residual("block", nn.Sequential(*inner), s == 1 and c == o))
        c = o
    layers.append(Norm(c, 6 * c, act=nn.Hardswish, **bn))
    return Pooled(nn.Sequential(*layers), nn.Sequential(nn.Linear(6 * c, hidden), nn.Hardswish(), nn.Dropout(0.2),
                                                        nn.Linear(hidden, CLASSES)))


def mobilenet_v3_small():
    return mobilenet_v3(((3, 16, 16, 1, 0, 2), (3, 72, 24, 0, 0, 2), (3, 88, 24, 0, 0, 1), (5, 96, 40, 1, 1, 2),
                         (5, 240, 40, 1, 1, 1), (5, 240, 40, 1, 1, 1), (5, 120, 48, 1, 1, 1), (5, 144, 48, 1, 1, 1),
                         (5, 288, 96, 1, 1, 2), (5, 576, 96, 1, 1, 1), (5, 576, 96, 1, 1, 1)), 1024)


def mobilenet_v3_large():
    return mobilenet_v3(((3, 16, 16, 0, 0, 1), (3, 64, 24, 0, 0, 2), (3, 72, 24, 0, 0, 1), (5, 72, 40, 1, 0, 2),
                         (5, 120, 40, 1, 0, 1), (5, 120, 40, 1, 0, 1), (3, 240, 80, 0, 1, 2), (3, 200, 80, 0, 1, 1),
                         (3, 184, 80, 0, 1, 1), (3, 184, 80, 0, 1, 1), (3, 480, 112, 1, 1, 1), (3, 672, 112, 1, 1, 1),
                         (5, 672, 160, 1, 1, 2), (5, 960, 160, 1, 1, 1), (5, 960, 160, 1, 1, 1)), 1280)


def efficientnet(width, depth, **bn):
    c = divisible(32 * width)
    layers = [Norm(3, c, 3, 2, act=nn.SiLU, **bn)]
    for t, k, s, o, n in ((1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3),
                          (6, 5, 2, 192, 4), (6, 3, 1, 320, 1)):
        stage, o = [], divisible(o * width)
        for i in range(math.ceil(n * depth)):
            s, h = s if i == 0 else 1, divisible(c * t)
            inner = [Norm(c, h, act=nn.SiLU, **bn)] if h != c else []
            inner += [Norm(h, h, k, s, h, nn.SiLU, **bn), Squeeze(h, max(1, c // 4), nn.SiLU, nn.Sigmoid),
                      Norm(h, o, act=None, **bn)]
            stage.append(Residual("block", nn.Sequential(*inner), s == 1 and c == o))
            c = o
        layers.append(nn.Sequential(*stage))
    layers.append(Norm(c, 4 * c, act=nn.SiLU, **bn))
    return Pooled(nn.Sequential(*layers), nn.Sequential(nn.Dropout(0.2), nn.Linear(4 * c, CLASSES)))


class Even(nn.Conv2d):
    """Half a kernel around the map."""
    def __init__(self, i, o, k, s=1, **named):
        super().__init__(i, o, k, s, (k - 1) // 2, bias=False, **named)


class Same(nn.Conv2d):
    """TensorFlow's padding, which may be larger below and on the right."""
    def __init__(self, i, o, k, s=1, **named):
        super().__init__(i, o, k, s, bias=False, **named)

    def forward(self, x):
        sides = []
        for side, k, s in zip((x.shape[3], x.shape[2]), self.kernel_size, self.stride):
            over = max((math.ceil(side / s) - 1) * s + k - side, 0)
            sides += [over // 2, over - over // 2]
        return super().forward(F.pad(x, sides))


class TimmSqueeze(nn.Module):
    def __init__(self, c, squeeze, act, gate):
        super().__init__()
        self.conv_reduce, self.conv_expand, self.act, self.gate = nn.Conv2d(c, squeeze, 1), nn.Conv2d(squeeze, c, 1), act(), gate()

    def forward(self, x):
        return x * self.gate(self.conv_expand(self.act(self.conv_reduce(x.mean((2, 3), keepdim=True)))))


class TimmBlock(nn.Module):
    """timm's inverted residual, or without a first layer its depthwise separable convolution."""
    def __init__(self, conv, c, h, o, k, s, act, se, **bn):
        super().__init__()
        rows = [("conv_dw", conv(h, h, k, s, groups=h), h, act), ("conv_pwl" if h != c else "conv_pw", conv(h, o, 1), o, None)]
        if h != c:
            rows.insert(0, ("conv_pw", conv(c, h, 1), h, act))
        self.rows, self.skip = [], s == 1 and c == o
        for n, (name, layer, width, function) in enumerate(rows, 1):
            setattr(self, name, layer)
            setattr(self, f"bn{n}", nn.BatchNorm2d(width, **bn))
            self.rows.append((name, f"bn{n}", function))
        self.se = se

    def forward(self, x):
        y = x
        for conv, norm, act in self.rows:
            y = getattr(self, norm)(getattr(self, conv)(y))
            y = act()(y) if act else y
            if conv == "conv_dw" and self.se:
                y = self.se(y)
        return x + y if self.skip else y


class Timm(nn.Module):
    """timm's EfficientNet, or its MobileNet V3, whose last convolution is behind the pooling."""
    def __init__(self, conv, stem, blocks, last, head, act, pooled, **bn):
        super().__init__()
        self.conv_stem, self.bn1, self.blocks = conv(3, stem, 3, 2), nn.BatchNorm2d(stem, **bn), blocks
        self.conv_head = nn.Conv2d(last, head, 1, bias=pooled)
        if not pooled:
            self.bn2 = nn.BatchNorm2d(head, **bn)
        self.classifier, self.act, self.pooled = nn.Linear(head, CLASSES), act(), pooled

    def forward(self, x):
        x = self.blocks(self.act(self.bn1(self.conv_stem(x))))
        if self.pooled:
            return self.classifier(self.act(self.conv_head(x.mean((2, 3), keepdim=True))).flatten(1))
        return self.classifier(self.act(self.bn2(self.conv_head(x))).mean((2, 3)))


def timm_efficientnet(conv, width, depth, **bn):
    blocks, stem = nn.Sequential(), divisible(32 * width)
    c = stem
    for t, k, s, o, n in ((1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3),
                          (6, 5, 2, 192, 4), (6, 3, 1, 320, 1)):
        stage, o = [], divisible(o * width)
        for i in range(math.ceil(n * depth)):
            h = c * t
            stage.append(TimmBlock(conv, c, h, o, k, 1 if i else s, nn.SiLU, TimmSqueeze(h, c // 4, nn.SiLU, nn.Sigmoid), **bn))
            c = o
        blocks.append(nn.Sequential(*stage))
    return Timm(conv, stem, blocks, c, 4 * c, nn.SiLU, False, **bn)


for number, scale in enumerate(((1.0, 1.0), (1.0, 1.1), (1.1, 1.2), (1.2, 1.4), (1.4, 1.8), (1.6, 2.2), (1.8, 2.6), (2.0, 3.1))):
    theirs = dict(eps=0.001, momentum=0.01) if number > 4 else {}
    globals()[f"efficientnet_b{number}"] = functools.partial(efficientnet, *scale, **theirs)
    globals()[f"timm_efficientnet_b{number}"] = functools.partial(timm_efficientnet, Even, *scale)
    globals()[f"tf_efficientnet_b{number}"] = functools.partial(timm_efficientnet, Same, *scale, eps=0.001)


class TimmLast(nn.Module):
    def __init__(self, c, o, **bn):
        super().__init__()
        self.conv, self.bn1 = nn.Conv2d(c, o, 1, bias=False), nn.BatchNorm2d(o, **bn)

    def forward(self, x):
        return F.hardswish(self.bn1(self.conv(x)))


def tf_mobilenetv3_small_100():
    bn, blocks, c = dict(eps=0.001), nn.Sequential(), 16
    for stage in (((3, 16, 16, 1, 0, 2),), ((3, 72, 24, 0, 0, 2), (3, 88, 24, 0, 0, 1)),
                  ((5, 96, 40, 1, 1, 2), (5, 240, 40, 1, 1, 1), (5, 240, 40, 1, 1, 1)),
                  ((5, 120, 48, 1, 1, 1), (5, 144, 48, 1, 1, 1)), ((5, 288, 96, 1, 1, 2), (5, 576, 96, 1, 1, 1), (5, 576, 96, 1, 1, 1))):
        layers = []
        for k, h, o, se, hs, s in stage:
            gate = TimmSqueeze(h, divisible(h // 4), nn.ReLU, nn.Hardsigmoid) if se else None
            layers.append(TimmBlock(Same, c, h, o, k, s, nn.Hardswish if hs else nn.ReLU, gate, **bn))
            c = o
        blocks.append(nn.Sequential(*layers))
    blocks.append(nn.Sequential(TimmLast(c, 6 * c, **bn)))
    return Timm(Same, 16, blocks, 6 * c, 1024, nn.Hardswish, True, **bn)


class RegNetBlock(nn.Module):
    def __init__(self, i, o, s, group, gate):
        super().__init__()
        self.proj = Norm(i, o, 1, s, act=None) if i != o or s != 1 else None
        self.f = nn.Sequential()
        self.f.add_module("a", Norm(i, o))
        self.f.add_module("b", Norm(o, o, 3, s, o // group))
        if gate:
            self.f.add_module("se", Squeeze(o, round(0.25 * i), nn.ReLU, nn.Sigmoid))
        self.f.add_module("c", Norm(o, o, act=None))

    def forward(self, x):
        return F.relu((x if self.proj is None else self.proj(x)) + self.f(x))


class RegNet(nn.Module):
    def __init__(self, widths, depths, group, gate):
        super().__init__()
        self.stem, self.trunk_output, c = Norm(3, 32, 3, 2), nn.Sequential(), 32
        for s, (w, d) in enumerate(zip(widths, depths), 1):
            stage = nn.Sequential()
            for i in range(d):
                stage.add_module(f"block{s}-{i}", RegNetBlock(c, w, 2 if i == 0 else 1, group, gate))
                c = w
            self.trunk_output.add_module(f"block{s}", stage)
        self.fc = nn.Linear(c, CLASSES)

    def forward(self, x):
        return self.fc(self.trunk_output(self.stem(x)).mean((2, 3)))


def regnet_x_400mf():
    return RegNet((32, 64, 160, 400), (1, 2, 7, 12), 16, False)


def regnet_y_400mf():
    return RegNet((48, 104, 208, 440), (1, 3, 6, 6), 8, True)


class Bottleneck(nn.Module):
    def __init__(self, i, width, s, groups, base):
        super().__init__()
        inner = int(width * base / 64) * groups
        self.conv1, self.bn1 = nn.Conv2d(i, inner, 1, bias=False), nn.BatchNorm2d(inner)
        self.conv2, self.bn2 = nn.Conv2d(inner, inner, 3, s, 1, groups=groups, bias=False), nn.BatchNorm2d(inner)
        self.conv3, self.bn3 = nn.Conv2d(inner, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width)
        self.downsample = Norm(i, 4 * width, 1, s, act=None) if s != 1 or i != 4 * width else None

    def forward(self, x):
        y = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        return F.relu(self.bn3(self.conv3(y)) + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    def __init__(self, groups, base):
        super().__init__()
        self.conv1, self.bn1, c = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), 64
        for s, n in enumerate((3, 4, 6, 3), 1):
            blocks, width = [], 64 << (s - 1)
            for i in range(n):
                blocks.append(Bottleneck(c, width, 2 if s > 1 and i == 0 else 1, groups, base))
                c = 4 * width
            setattr(self, f"layer{s}", nn.Sequential(*blocks))
        self.fc = nn.Linear(c, CLASSES)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        return self.fc(self.layer4(self.layer3(self.layer2(self.layer1(x)))).mean((2, 3)))


def resnext50_32x4d():
    return ResNet(32, 4)


def wide_resnet50_2():
    return ResNet(1, 128)


class DenseLayer(nn.Module):
    def __init__(self, i, growth):
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(i), nn.Conv2d(i, 4 * growth, 1, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(4 * growth), nn.Conv2d(4 * growth, growth, 3, 1, 1, bias=False)

    def forward(self, x):
        return torch.cat([x, self.conv2(F.relu(self.norm2(self.conv1(F.relu(self.norm1(x))))))], 1)


def densenet121():
    f, c = nn.Sequential(), 64
    f.add_module("conv0", nn.Conv2d(3, c, 7, 2, 3, bias=False))
    f.add_module("norm0", nn.BatchNorm2d(c))
    f.add_module("relu0", nn.ReLU())
    f.add_module("pool0", nn.MaxPool2d(3, 2, 1))
    for b, n in enumerate((6, 12, 24, 16), 1):
        block = nn.Sequential()
        for i in range(n):
            block.add_module(f"denselayer{i + 1}", DenseLayer(c, 32))
            c += 32
        f.add_module(f"denseblock{b}", block)
        if b < 4:
            t = nn.Sequential()
            t.add_module("norm", nn.BatchNorm2d(c))
            t.add_module("relu", nn.ReLU())
            t.add_module("conv", nn.Conv2d(c, c // 2, 1, bias=False))
            t.add_module("pool", nn.AvgPool2d(2))
            f.add_module(f"transition{b}", t)
            c //= 2
    f.add_module("norm5", nn.BatchNorm2d(c))
    f.add_module("relu5", nn.ReLU())
    return Pooled(f, nn.Linear(c, CLASSES))


class Sized(nn.Module):
    """Features, adaptive average pooling to a size, classifier."""
    def __init__(self, features, side, classifier):
        super().__init__()
        self.features, self.avgpool, self.classifier = features, nn.AdaptiveAvgPool2d(side), classifier

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def alexnet():
    return Sized(
        nn.Sequential(nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(64, 192, 5, 1, 2), nn.ReLU(),
                      nn.MaxPool2d(3, 2), nn.Conv2d(192, 384, 3, 1, 1), nn.ReLU(), nn.Conv2d(384, 256, 3, 1, 1),
                      nn.ReLU(), nn.Conv2d(256, 256, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(3, 2)), 6,
        nn.Sequential(nn.Dropout(), nn.Linear(9216, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(),
                      nn.Linear(4096, CLASSES)))


def vgg11_bn_imagenet():
    layers, c = [], 3
    for o in (64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0):
        layers += [nn.Conv2d(c, o, 3, 1, 1), nn.BatchNorm2d(o), nn.ReLU()] if o else [nn.MaxPool2d(2)]
        c = o or c
    return Sized(nn.Sequential(*layers), 7,
                 nn.Sequential(nn.Linear(25088, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(),
                               nn.Dropout(), nn.Linear(4096, CLASSES)))


class Fire(nn.Module):
    def __init__(self, i, squeeze):
        super().__init__()
        self.squeeze = nn.Conv2d(i, squeeze, 1)
        self.expand1x1, self.expand3x3 = nn.Conv2d(squeeze, 4 * squeeze, 1), nn.Conv2d(squeeze, 4 * squeeze, 3, 1, 1)

    def forward(self, x):
        x = F.relu(self.squeeze(x))
        return F.relu(torch.cat([self.expand1x1(x), self.expand3x3(x)], 1))


class SqueezeNet(nn.Module):
    def __init__(self, first, kernel, steps):
        super().__init__()
        layers, c = [nn.Conv2d(3, first, kernel, 2), nn.ReLU()], first
        for squeeze in (0, *steps):
            layers.append(Fire(c, squeeze) if squeeze else nn.MaxPool2d(3, 2, ceil_mode=True))
            c = 8 * squeeze or c
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(), nn.Conv2d(c, CLASSES, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1))

    def forward(self, x):
        return self.classifier(self.features(x)).flatten(1)


def squeezenet1_0():
    return SqueezeNet(96, 7, (16, 16, 32, 0, 32, 48, 48, 64, 0, 64))


def squeezenet1_1():
    return SqueezeNet(64, 3, (16, 16, 0, 32, 32, 0, 48, 48, 64, 64))


class PreActBlock(nn.Module):
    """kuangliu's names."""
    def __init__(self, i, o, s):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(i), nn.Conv2d(i, o, 3, s, 1, bias=False)
        self.bn2, self.conv2 = nn.BatchNorm2d(o), nn.Conv2d(o, o, 3, 1, 1, bias=False)
        if s != 1 or i != o:
            self.shortcut = nn.Sequential(nn.Conv2d(i, o, 1, s, bias=False))

    def forward(self, x):
        y = F.relu(self.bn1(x))
        skip = self.shortcut(y) if hasattr(self, "shortcut") else x
        return self.conv2(F.relu(self.bn2(self.conv1(y)))) + skip


class PreAct(nn.Module):
    def __init__(self, norm):
        super().__init__()
        self.conv1, c = nn.Conv2d(3, 64, 3, 1, 1, bias=False), 64
        for s in range(1, 5):
            o = 64 << (s - 1)
            setattr(self, f"layer{s}", nn.Sequential(PreActBlock(c, o, 2 if s > 1 else 1), PreActBlock(o, o, 1)))
            c = o
        self.bn = nn.BatchNorm2d(c) if norm else None
        self.linear = nn.Linear(c, CLASSES)

    def forward(self, x):
        x = self.layer4(self.layer3(self.layer2(self.layer1(self.conv1(x)))))
        return self.linear((x if self.bn is None else F.relu(self.bn(x))).mean((2, 3)))


def preact_resnet18():
    return PreAct(False)


def preact_resnet18_bn():
    return PreAct(True)


class LayerNorm2d(nn.LayerNorm):
    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Permute(nn.Module):
    def __init__(self, *order):
        super().__init__()
        self.order = order

    def forward(self, x):
        return x.permute(self.order)


class ConvNextBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.layer_scale = nn.Parameter(torch.randn(c, 1, 1))
        self.block = nn.Sequential(nn.Conv2d(c, c, 7, 1, 3, groups=c), Permute(0, 2, 3, 1), nn.LayerNorm(c, eps=1e-6),
                                   nn.Linear(c, 4 * c), nn.GELU(), nn.Linear(4 * c, c), Permute(0, 3, 1, 2))

    def forward(self, x):
        return x + self.layer_scale * self.block(x)


class ConvNext(nn.Module):
    def __init__(self):
        super().__init__()
        layers, c = [nn.Sequential(nn.Conv2d(3, 96, 4, 4), LayerNorm2d(96, eps=1e-6))], 96
        for s, n in enumerate((3, 3, 9, 3)):
            if s:
                layers.append(nn.Sequential(LayerNorm2d(c, eps=1e-6), nn.Conv2d(c, 2 * c, 2, 2)))
                c *= 2
            layers.append(nn.Sequential(*(ConvNextBlock(c) for _ in range(n))))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(LayerNorm2d(c, eps=1e-6), nn.Flatten(), nn.Linear(c, CLASSES))

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3), keepdim=True))


def convnext_tiny():
    return ConvNext()


class WindowAttention(nn.Module):
    def __init__(self, c, heads, window, shift):
        super().__init__()
        self.heads, self.window, self.shift = heads, window, shift
        self.qkv, self.proj = nn.Linear(c, 3 * c), nn.Linear(c, c)
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        rows, columns = torch.arange(window).repeat_interleave(window), torch.arange(window).repeat(window)
        index = (rows[:, None] - rows + window - 1) * (2 * window - 1) + columns[:, None] - columns + window - 1
        self.register_buffer("relative_position_index", index.flatten())

    def cut(self, x):
        """[B, H, W, C] -> [B, windows, pixels, C]"""
        b, h, w, c, n = *x.shape, self.window
        return x.view(b, h // n, n, w // n, n, c).transpose(2, 3).reshape(b, -1, n * n, c)

    def forward(self, x):
        b, h, w, c, n = *x.shape, self.window
        x = F.pad(x, (0, 0, 0, -w % n, 0, -h % n))
        high, wide = x.shape[1:3]
        moves = [0 if side <= n else self.shift for side in (high, wide)]
        # Which pixels may look at each other: those that lie in one window and, where the map was rolled, side by side before.
        parts = [torch.tensor([(at >= side - n) + (at >= side - move) if move else 0 for at in range(side)])
                 for side, move in zip((high, wide), moves)]
        part = self.cut((3 * parts[0][:, None] + parts[1]).view(1, high, wide, 1)).squeeze(3)[0]
        mask = -100.0 * (part[:, :, None] != part[:, None, :]).to(x.dtype)
        y = self.qkv(self.cut(x.roll([-m for m in moves], (1, 2))))
        q, k, v = y.view(*y.shape[:3], 3, self.heads, -1).permute(3, 0, 1, 4, 2, 5)  # [B, windows, heads, pixels, features]
        bias = self.relative_position_bias_table[self.relative_position_index].view(n * n, n * n, -1).permute(2, 0, 1)
        y = (q @ k.transpose(3, 4) / math.sqrt(c // self.heads) + bias + mask[:, None]).softmax(4) @ v
        y = self.proj(y.transpose(2, 3).flatten(3))
        y = y.view(b, high // n, wide // n, n, n, c).transpose(2, 3).reshape(b, high, wide, c)
        return y.roll(moves, (1, 2))[:, :h, :w]


class SwinBlock(nn.Module):
    def __init__(self, c, heads, shift):
        super().__init__()
        self.norm1, self.attn, self.norm2 = nn.LayerNorm(c), WindowAttention(c, heads, 7, shift), nn.LayerNorm(c)
        self.mlp = nn.Sequential(nn.Linear(c, 4 * c), nn.GELU(), nn.Dropout(0), nn.Linear(4 * c, c), nn.Dropout(0))

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchMerging(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.reduction, self.norm = nn.Linear(4 * c, 2 * c, bias=False), nn.LayerNorm(4 * c)

    def forward(self, x):
        x = F.pad(x, (0, 0, 0, x.shape[2] % 2, 0, x.shape[1] % 2))
        return self.reduction(self.norm(torch.cat([x[:, i::2, j::2] for j in (0, 1) for i in (0, 1)], 3)))


class Swin(nn.Module):
    def __init__(self, c, heads, depths):
        super().__init__()
        layers = [nn.Sequential(nn.Conv2d(3, c, 4, 4), Permute(0, 2, 3, 1), nn.LayerNorm(c))]
        for s, n in enumerate(depths):
            if s:
                layers.append(PatchMerging(c))
                c, heads = 2 * c, 2 * heads
            layers.append(nn.Sequential(*(SwinBlock(c, heads, 3 * (i % 2)) for i in range(n))))
        self.features, self.norm, self.head = nn.Sequential(*layers), nn.LayerNorm(c), nn.Linear(c, CLASSES)

    def forward(self, x):
        return self.head(self.norm(self.features(x)).mean((1, 2)))


def swin_t():
    return Swin(96, 3, (2, 2, 6, 2))


def swin_s():
    return Swin(96, 3, (2, 2, 18, 2))


def swin_b():
    return Swin(128, 4, (2, 2, 18, 2))


def make(name):
    try:
        import torchvision.models
        return getattr(torchvision.models, name.removesuffix("_imagenet"))(num_classes=CLASSES)
    except (ImportError, AttributeError):
        return globals()[name]()


def shake(net):
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, (nn.BatchNorm2d, nn.LayerNorm)):
                module.weight.add_(0.2 * torch.randn_like(module.weight))
                module.bias.add_(0.2 * torch.randn_like(module.bias))
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.2)
                module.running_var.uniform_(0.5, 1.5)
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
        # Rounding would grow from block to block, and in the deepest networks be as large as the logits, in PyTorch's float32 too.
        for module in net.modules():
            if getattr(module, "skip", False) or getattr(module, "use_res_connect", False):  # ours; torchvision's
                norms = [norm for norm in module.modules() if isinstance(norm, nn.BatchNorm2d)]
                norms[-1].weight.mul_(0.3)
        for name, parameter in net.named_parameters():
            if name.endswith("relative_position_bias_table"):
                parameter.normal_(0, 1)
            if ".qkv." in name:  # sharp answers, which show which pixels look at which
                parameter.mul_(2)


def main(folder, names):
    for name, side in (word.split(":") for word in names):
        torch.manual_seed(sum(map(ord, name)))
        net = make(name)
        shake(net)
        torch.save(net.state_dict(), f"{folder}/{name}.pt")
        net = net.double().eval()
        pixels = np.random.default_rng(1).integers(0, 256, (IMAGES, 3, int(side), int(side)), dtype=np.uint8)
        x = (torch.from_numpy(pixels / 255.0) - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
        with torch.no_grad():
            logits = net(x.double()).numpy()
        with h5py.File(f"{folder}/{name}.h5", "w") as f:
            for split in ("train", "test"):
                f[split + "/images"], f[split + "/labels"] = pixels, np.arange(IMAGES) % CLASSES
            f.attrs.create("classes", [f"c{k}" for k in range(CLASSES)], dtype=h5py.string_dtype())
            f.attrs["mean"], f.attrs["std"] = MEAN, STD
        np.save(f"{folder}/{name}.npy", logits)


def compare(folder, names):
    bad = 0
    for name in (word.split(":")[0] for word in names):
        want = np.load(f"{folder}/{name}.npy")
        with h5py.File(f"{folder}/{name}-out.h5") as f:
            got, arch = f["logits"][...], f.attrs["arch"]
        off = np.abs(got - want).max() / np.abs(want).max()
        print(f"{name}: recognised as {arch}, {off:.1e} of the largest logit")
        bad += not off <= 1e-4 or arch != name
    sys.exit(bad > 0)


if __name__ == "__main__":
    torch.set_num_threads(1)
    (main if sys.argv[1] == "make" else compare)(sys.argv[2], sys.argv[3:])
