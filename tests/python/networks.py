"""Networks that the program knows by name, written in PyTorch, and random weights for them."""

import torch
from torch import nn
from torch.nn import functional as F


def vgg11_bn(classes, width=512):
    layers, inputs = [], 3
    for step in (64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"):
        if step == "M":
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(inputs, step, 3, padding=1), nn.BatchNorm2d(step), nn.ReLU()]
            inputs = step
    head = [nn.Linear(512, 512), nn.ReLU(), nn.Dropout(), nn.Linear(512, 512), nn.ReLU(), nn.Dropout(), nn.Linear(512, classes)]
    model = nn.Sequential()
    model.features, model.flatten, model.classifier = nn.Sequential(*layers), nn.Flatten(), nn.Sequential(*head)
    return model


class Basic(nn.Module):
    expansion = 1

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = shortcut(inputs, width, stride)

    def forward(self, x):
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (y + (x if self.downsample is None else self.downsample(x))).relu()


class Bottleneck(nn.Module):
    """As in torchvision, the 3 x 3 convolution has the stride."""

    expansion = 4

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width)
        self.downsample = shortcut(inputs, 4 * width, stride)

    def forward(self, x):
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu())).relu()
        y = self.bn3(self.conv3(y))
        return (y + (x if self.downsample is None else self.downsample(x))).relu()


def shortcut(inputs, outputs, stride):
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


class ResNet(nn.Module):
    """The form for images of 32 x 32, or else torchvision's, with a stem of 7 x 7 and a max pool."""

    def __init__(self, block, counts, classes, imagenet=False):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False) if imagenet else nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1) if imagenet else nn.Identity()
        inputs = 64
        for i, count in enumerate(counts):
            blocks = []
            for j in range(count):
                blocks.append(block(inputs, 64 << i, 2 if i > 0 and j == 0 else 1))
                inputs = (64 << i) * block.expansion
            setattr(self, f"layer{i + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = self.maxpool(self.bn1(self.conv1(x)).relu())
        for i in range(1, 5):
            x = getattr(self, f"layer{i}")(x)
        return self.fc(x.mean((2, 3)))


def resnet18(classes, imagenet=False):
    return ResNet(Basic, (2, 2, 2, 2), classes, imagenet)


def resnet50(classes, imagenet=False):
    return ResNet(Bottleneck, (3, 4, 6, 3), classes, imagenet)


class EncoderLayer(nn.Module):
    def __init__(self, features, heads, hidden):
        super().__init__()
        self.ln_1 = nn.LayerNorm(features, eps=1e-6)
        self.self_attention = nn.MultiheadAttention(features, heads, batch_first=True)
        self.ln_2 = nn.LayerNorm(features, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(features, hidden), nn.GELU(), nn.Dropout(), nn.Linear(hidden, features), nn.Dropout())

    def forward(self, x):
        y = self.ln_1(x)
        x = x + self.self_attention(y, y, y, need_weights=False)[0]
        return x + self.mlp(self.ln_2(x))


class VisionTransformer(nn.Module):
    """torchvision's."""

    def __init__(self, classes, size=224, patch=16, features=768, blocks=12, heads=12, hidden=3072):
        super().__init__()
        self.class_token = nn.Parameter(torch.zeros(1, 1, features))
        self.conv_proj = nn.Conv2d(3, features, patch, patch)
        self.encoder = nn.Module()
        self.encoder.pos_embedding = nn.Parameter(torch.empty(1, (size // patch) ** 2 + 1, features).normal_(std=0.02))
        self.encoder.layers = nn.Sequential()
        for i in range(blocks):
            self.encoder.layers.add_module(f"encoder_layer_{i}", EncoderLayer(features, heads, hidden))
        self.encoder.ln = nn.LayerNorm(features, eps=1e-6)
        self.heads = nn.Sequential()
        self.heads.add_module("head", nn.Linear(features, classes))

    def forward(self, x):
        x = self.conv_proj(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.expand(len(x), -1, -1), x], 1) + self.encoder.pos_embedding
        return self.heads(self.encoder.ln(self.encoder.layers(x))[:, 0])


def fill(model, seed):
    """Random weights whose activations neither vanish nor explode, and norms, tokens and positions that differ."""
    torch.manual_seed(seed)
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight)
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.2)
            nn.init.normal_(module.running_mean, 0, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 2)
        if isinstance(module, nn.LayerNorm):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.2)
        if isinstance(module, VisionTransformer):
            nn.init.normal_(module.class_token, 0, 0.5)
            nn.init.normal_(module.encoder.pos_embedding, 0, 0.5)
    return model.eval()


class ShiftedWindowAttention(nn.Module):
    """As torchvision's function has it: the map padded to whole windows, rolled, cut, and back."""

    def __init__(self, width, heads, window, shift):
        super().__init__()
        self.heads, self.window, self.shift = heads, window, shift
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.relative_position_bias_table = nn.Parameter(torch.randn((2 * window - 1) ** 2, heads))
        at = torch.stack(torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")).flatten(1)
        offset = at[:, :, None] - at[:, None, :] + window - 1
        self.register_buffer("relative_position_index", (offset[0] * (2 * window - 1) + offset[1]).flatten())

    def forward(self, x):
        n, (B, H, W, C) = self.window, x.shape
        x = F.pad(x, (0, 0, 0, (n - W % n) % n, 0, (n - H % n) % n))
        _, high, wide, _ = x.shape
        shift = [0 if n >= side else self.shift for side in (high, wide)]
        if sum(shift):
            x = torch.roll(x, shifts=(-shift[0], -shift[1]), dims=(1, 2))
        count = (high // n) * (wide // n)
        x = x.view(B, high // n, n, wide // n, n, C).permute(0, 1, 3, 2, 4, 5).reshape(B * count, n * n, C)
        qkv = self.qkv(x).reshape(B * count, n * n, 3, self.heads, C // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        y = (q * (C // self.heads) ** -0.5).matmul(k.transpose(-2, -1))
        bias = self.relative_position_bias_table[self.relative_position_index].view(n * n, n * n, -1)
        y = y + bias.permute(2, 0, 1).contiguous().unsqueeze(0)
        if sum(shift):
            mask, number = x.new_zeros((high, wide)), 0
            parts = [((0, -n), (-n, -s), (-s, None)) for s in shift]
            for top, bottom in parts[0]:
                for left, right in parts[1]:
                    mask[top:bottom, left:right] = number
                    number += 1
            mask = mask.view(high // n, n, wide // n, n).permute(0, 2, 1, 3).reshape(count, n * n)
            mask = mask.unsqueeze(1) - mask.unsqueeze(2)
            mask = mask.masked_fill(mask != 0, -100.0).masked_fill(mask == 0, 0.0)
            y = y.view(B, count, self.heads, n * n, n * n) + mask.unsqueeze(1).unsqueeze(0)
            y = y.view(-1, self.heads, n * n, n * n)
        y = F.dropout(F.softmax(y, dim=-1), p=0.0, training=self.training)
        y = self.proj(y.matmul(v).transpose(1, 2).reshape(B * count, n * n, C))
        y = y.view(B, high // n, wide // n, n, n, C).permute(0, 1, 3, 2, 4, 5).reshape(B, high, wide, C)
        if sum(shift):
            y = torch.roll(y, shifts=(shift[0], shift[1]), dims=(1, 2))
        return y[:, :H, :W, :].contiguous()


class SwinBlock(nn.Module):
    def __init__(self, width, heads, window, shift):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(width), ShiftedWindowAttention(width, heads, window, shift)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Dropout(0.0), nn.Linear(4 * width, width), nn.Dropout(0.0))

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchMerging(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.reduction, self.norm = nn.Linear(4 * width, 2 * width, bias=False), nn.LayerNorm(4 * width)

    def forward(self, x):
        x = F.pad(x, (0, 0, 0, x.shape[-2] % 2, 0, x.shape[-3] % 2))
        pixels = [x[..., 0::2, 0::2, :], x[..., 1::2, 0::2, :], x[..., 0::2, 1::2, :], x[..., 1::2, 1::2, :]]
        return self.reduction(self.norm(torch.cat(pixels, -1)))


class Channels(nn.Module):
    def __init__(self, *order):
        super().__init__()
        self.order = order

    def forward(self, x):
        return torch.permute(x, self.order)


class Swin(nn.Module):
    """torchvision's names: Swin-T is (96, 3, (2, 2, 6, 2), 7)."""

    def __init__(self, classes, width, heads, depths, window):
        super().__init__()
        stages = [nn.Sequential(nn.Conv2d(3, width, 4, 4), Channels(0, 2, 3, 1), nn.LayerNorm(width))]
        for s, depth in enumerate(depths):
            if s:
                stages.append(PatchMerging(width))
                width, heads = 2 * width, 2 * heads
            stages.append(nn.Sequential(*(SwinBlock(width, heads, window, window // 2 * (i % 2)) for i in range(depth))))
        self.features, self.norm, self.permute = nn.Sequential(*stages), nn.LayerNorm(width), Channels(0, 3, 1, 2)
        self.avgpool, self.flatten, self.head = nn.AdaptiveAvgPool2d(1), nn.Flatten(1), nn.Linear(width, classes)

    def forward(self, x):
        return self.head(self.flatten(self.avgpool(self.permute(self.norm(self.features(x))))))
