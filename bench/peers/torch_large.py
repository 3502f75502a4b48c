"""Networks for images of 224x224 in plain PyTorch, with torchvision's names; attention is PyTorch's fused one."""
from torch import nn
from torch.nn import functional as F

import torch


# ---- ViT-B/16 ----

class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.empty(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, x):
        n, tokens, width = x.shape
        parts = F.linear(x, self.in_proj_weight, self.in_proj_bias).view(n, tokens, 3, self.heads, width // self.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v)
        return self.out_proj(y.transpose(1, 2).reshape(n, tokens, width))


class EncoderLayer(nn.Module):
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.ln_1 = nn.LayerNorm(width, eps=1e-6)
        self.self_attention = Attention(width, heads)
        self.ln_2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Dropout(0.0), nn.Linear(hidden, width))

    def forward(self, x):
        x = x + self.self_attention(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class Vit(nn.Module):
    def __init__(self, classes, width=768, heads=12, blocks=12, patch=16, side=224):
        super().__init__()
        self.class_token = nn.Parameter(torch.empty(1, 1, width))
        self.conv_proj = nn.Conv2d(3, width, patch, patch)
        self.encoder = nn.Module()
        self.encoder.pos_embedding = nn.Parameter(torch.empty(1, (side // patch) ** 2 + 1, width))
        self.encoder.layers = nn.Sequential()
        for i in range(blocks):
            self.encoder.layers.add_module(f"encoder_layer_{i}", EncoderLayer(width, heads, 4 * width))
        self.encoder.ln = nn.LayerNorm(width, eps=1e-6)
        self.heads = nn.Sequential()
        self.heads.add_module("head", nn.Linear(width, classes))

    def forward(self, x):
        x = self.conv_proj(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.expand(len(x), -1, -1), x], 1) + self.encoder.pos_embedding
        return self.heads(self.encoder.ln(self.encoder.layers(x)[:, 0]))


# ---- ResNet-50 ----

class Bottleneck(nn.Module):
    def __init__(self, channels, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or channels != 4 * width:
            self.downsample = nn.Sequential(nn.Conv2d(channels, 4 * width, 1, stride, bias=False),
                                            nn.BatchNorm2d(4 * width))

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(self.relu(self.bn2(self.conv2(y)))))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class Resnet50(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        channels = 64
        for stage, blocks in enumerate((3, 4, 6, 3)):
            layers = []
            for i in range(blocks):
                layers.append(Bottleneck(channels, 64 << stage, 2 if stage and not i else 1))
                channels = 256 << stage
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layers))
        self.fc = nn.Linear(channels, classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


# ---- ConvNeXt-T ----

class LayerNorm2d(nn.LayerNorm):
    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Permute(nn.Module):
    def __init__(self, *dims):
        super().__init__()
        self.dims = dims

    def forward(self, x):
        return x.permute(*self.dims)


class CnBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layer_scale = nn.Parameter(torch.empty(width, 1, 1))
        self.block = nn.Sequential(nn.Conv2d(width, width, 7, padding=3, groups=width), Permute(0, 2, 3, 1),
                                   nn.LayerNorm(width, eps=1e-6), nn.Linear(width, 4 * width), nn.GELU(),
                                   nn.Linear(4 * width, width), Permute(0, 3, 1, 2))

    def forward(self, x):
        return self.layer_scale * self.block(x) + x


class ConvNext(nn.Module):
    def __init__(self, classes, blocks=(3, 3, 9, 3), width=96):
        super().__init__()
        layers = [nn.Sequential(nn.Conv2d(3, width, 4, 4), LayerNorm2d(width, eps=1e-6))]
        for stage, count in enumerate(blocks):
            if stage:
                layers.append(nn.Sequential(LayerNorm2d(width, eps=1e-6), nn.Conv2d(width, 2 * width, 2, 2)))
                width *= 2
            layers.append(nn.Sequential(*(CnBlock(width) for _ in range(count))))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(LayerNorm2d(width, eps=1e-6), nn.Flatten(1), nn.Linear(width, classes))

    def forward(self, x):
        return self.classifier(F.adaptive_avg_pool2d(self.features(x), 1))


# ---- EfficientNet-B0 and MobileNet V3 ----

def conv_norm(channels, K, kernel=1, stride=1, groups=1, act=None, epsilon=1e-5):
    layers = [nn.Conv2d(channels, K, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(K, epsilon)]
    return nn.Sequential(*layers, *([act(inplace=True)] if act else []))


class Squeeze(nn.Module):
    def __init__(self, channels, squeeze, act, gate):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, squeeze, 1)
        self.fc2 = nn.Conv2d(squeeze, channels, 1)
        self.act, self.gate = act(inplace=True), gate()

    def forward(self, x):
        return self.gate(self.fc2(self.act(self.fc1(F.adaptive_avg_pool2d(x, 1))))) * x


class Inverted(nn.Module):
    def __init__(self, channels, wide, K, kernel, stride, act, squeeze, epsilon=1e-5):
        super().__init__()
        layers = [conv_norm(channels, wide, act=act, epsilon=epsilon)] if wide != channels else []
        layers.append(conv_norm(wide, wide, kernel, stride, wide, act, epsilon))
        layers += squeeze
        layers.append(conv_norm(wide, K, epsilon=epsilon))
        self.block = nn.Sequential(*layers)
        self.adds = stride == 1 and channels == K

    def forward(self, x):
        return self.block(x) + x if self.adds else self.block(x)


class EfficientNetB0(nn.Module):
    STAGES = ((1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3),
              (6, 5, 2, 192, 4), (6, 3, 1, 320, 1))

    def __init__(self, classes):
        super().__init__()
        layers, channels = [conv_norm(3, 32, 3, 2, act=nn.SiLU)], 32
        for expand, kernel, stride, K, count in self.STAGES:
            blocks = []
            for i in range(count):
                wide = channels * expand
                squeeze = [Squeeze(wide, channels // 4, nn.SiLU, nn.Sigmoid)]
                blocks.append(Inverted(channels, wide, K, kernel, 1 if i else stride, nn.SiLU, squeeze))
                channels = K
            layers.append(nn.Sequential(*blocks))
        layers.append(conv_norm(channels, 1280, act=nn.SiLU))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, classes))

    def forward(self, x):
        return self.classifier(torch.flatten(F.adaptive_avg_pool2d(self.features(x), 1), 1))


class MobileNetV3Large(nn.Module):
    BLOCKS = ((3, 16, 16, 0, 0, 1), (3, 64, 24, 0, 0, 2), (3, 72, 24, 0, 0, 1), (5, 72, 40, 1, 0, 2),
              (5, 120, 40, 1, 0, 1), (5, 120, 40, 1, 0, 1), (3, 240, 80, 0, 1, 2), (3, 200, 80, 0, 1, 1),
              (3, 184, 80, 0, 1, 1), (3, 184, 80, 0, 1, 1), (3, 480, 112, 1, 1, 1), (3, 672, 112, 1, 1, 1),
              (5, 672, 160, 1, 1, 2), (5, 960, 160, 1, 1, 1), (5, 960, 160, 1, 1, 1))

    def __init__(self, classes):
        super().__init__()
        layers, channels = [conv_norm(3, 16, 3, 2, act=nn.Hardswish, epsilon=1e-3)], 16
        for kernel, wide, K, gate, swish, stride in self.BLOCKS:
            inner = (wide // 4 + 4) // 8 * 8
            inner += 8 if inner < 0.9 * (wide // 4) else 0
            squeeze = [Squeeze(wide, inner, nn.ReLU, nn.Hardsigmoid)] if gate else []
            layers.append(Inverted(channels, wide, K, kernel, stride, nn.Hardswish if swish else nn.ReLU, squeeze, 1e-3))
            channels = K
        layers.append(conv_norm(channels, 960, act=nn.Hardswish, epsilon=1e-3))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Linear(960, 1280), nn.Hardswish(inplace=True), nn.Dropout(0.2),
                                        nn.Linear(1280, classes))

    def forward(self, x):
        return self.classifier(torch.flatten(F.adaptive_avg_pool2d(self.features(x), 1), 1))


# ---- Swin-T, 224x224: windows of 7x7 fill every map; biases and masks are added up once for all batches ----

class WindowAttention(nn.Module):
    def __init__(self, width, heads, side, shift, window=7):
        super().__init__()
        self.heads, self.window, self.shift = heads, window, shift if side > window else 0
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        at = torch.arange(window)
        rows, columns = at.repeat_interleave(window), at.repeat(window)
        index = (rows[:, None] - rows + window - 1) * (2 * window - 1) + columns[:, None] - columns + window - 1
        self.register_buffer("relative_position_index", index.flatten())
        place = torch.arange(side)
        part = (place >= side - window).int() + (place >= side - self.shift).int() if self.shift else place * 0
        part = self.cut((3 * part[:, None] + part).view(1, side, side, 1)).view(-1, window ** 2)
        self.far = part[:, :, None] != part[:, None]  # not side by side before the map was rolled
        self.added = None

    def cut(self, x):
        """[N, H, W, C] -> [N windows, pixels, C]"""
        n, h, w, c = x.shape
        x = x.view(n, h // self.window, self.window, w // self.window, self.window, c).transpose(2, 3)
        return x.reshape(-1, self.window ** 2, c)

    def forward(self, x):
        n, h, w, c = x.shape
        pixels = self.window ** 2
        x = torch.roll(x, (-self.shift, -self.shift), (1, 2)) if self.shift else x
        q, k, v = self.qkv(self.cut(x)).view(n, -1, pixels, 3, self.heads, c // self.heads).permute(3, 0, 1, 4, 2, 5)
        if self.added is None or self.added.dtype != q.dtype:
            bias = self.relative_position_bias_table[self.relative_position_index].view(pixels, pixels, -1)
            self.added = (bias.permute(2, 0, 1) + self.far[:, None] * -100.0).to(q.dtype)
        added = self.added.expand(n, *self.added.shape).flatten(0, 1)
        y = F.scaled_dot_product_attention(q.flatten(0, 1), k.flatten(0, 1), v.flatten(0, 1), attn_mask=added)
        y = self.proj(y.transpose(1, 2).reshape(-1, pixels, c))
        y = y.view(n, h // self.window, w // self.window, self.window, self.window, c).transpose(2, 3).reshape(n, h, w, c)
        return torch.roll(y, (self.shift, self.shift), (1, 2)) if self.shift else y


class SwinBlock(nn.Module):
    def __init__(self, width, heads, side, shift):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(width), WindowAttention(width, heads, side, shift)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Dropout(0.0), nn.Linear(4 * width, width))

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchMerging(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.reduction, self.norm = nn.Linear(4 * width, 2 * width, bias=False), nn.LayerNorm(4 * width)

    def forward(self, x):
        return self.reduction(self.norm(torch.cat([x[:, i::2, j::2] for j in (0, 1) for i in (0, 1)], 3)))


class ChannelsLast(nn.Module):
    def forward(self, x):
        return x.permute(0, 2, 3, 1)


class SwinT(nn.Module):
    def __init__(self, classes):
        super().__init__()
        width, heads, side = 96, 3, 56
        layers = [nn.Sequential(nn.Conv2d(3, width, 4, 4), ChannelsLast(), nn.LayerNorm(width))]
        for stage, count in enumerate((2, 2, 6, 2)):
            if stage:
                layers.append(PatchMerging(width))
                width, heads, side = 2 * width, 2 * heads, side // 2
            layers.append(nn.Sequential(*(SwinBlock(width, heads, side, 3 * (i % 2)) for i in range(count))))
        self.features, self.norm, self.head = nn.Sequential(*layers), nn.LayerNorm(width), nn.Linear(width, classes)

    def forward(self, x):
        return self.head(self.norm(self.features(x)).mean((1, 2)))


NETS = {"vit_b_16": Vit, "resnet50_imagenet": Resnet50, "convnext_tiny": ConvNext, "efficientnet_b0": EfficientNetB0,
        "mobilenet_v3_large": MobileNetV3Large, "swin_t": SwinT}
