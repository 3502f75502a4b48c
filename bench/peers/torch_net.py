#!/usr/bin/python3
"""PyTorch's side of the speed comparison: a network at 32x32 on random data, training with 128 images at once,
inference with 500, or one at 224x224 (torch_large.py), inference with 32 (bench/rows/net.c is ours).

  torch_net.py THREADS ARCH check FILE    compares logits and gradients with those in FILE: one JSON line
  torch_net.py THREADS ARCH serve FILE    reads lines "train|infer f32|bf16 SECONDS", answers one JSON line each

Layouts are channels_last. bf16 is autocast, or a network whose weights and images are bfloat16: whichever turns out faster
while it warms up ("form" in the answer says which). Training with bfloat16 weights is less than ours does, whose weights
stay float32; its speed counts all the same.
"""
import contextlib
import copy
import json
import struct
import sys
import time

import numpy as np
import torch
from torch import nn

import torch_large

BATCH, INFER_BATCH, LARGE, LARGE_BATCH, CLASSES, WARM_UP, TRIED = 128, 500, 224, 32, 10, 2, 3
PLAN = [64, "pool", 128, "pool", 256, 256, "pool", 512, 512, "pool", 512, 512, "pool"]
TYPES = {"F32": np.float32, "I32": np.int32, "I64": np.int64}


def read_safetensors(path):
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header, body = json.loads(file.read(size)), file.read()
    out = {}
    for name, info in header.items():
        if name != "__metadata__":
            start, end = info["data_offsets"]
            array = np.frombuffer(body[start:end], TYPES[info["dtype"]]).reshape(info["shape"])
            out[name] = torch.from_numpy(array.copy())
    return out


class Vgg(nn.Module):
    def __init__(self):
        super().__init__()
        layers, channels = [], 3
        for item in PLAN:
            if item == "pool":
                layers.append(nn.MaxPool2d(2))
                continue
            layers += [nn.Conv2d(channels, item, 3, padding=1), nn.BatchNorm2d(item), nn.ReLU(inplace=True)]
            channels = item
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Linear(512, 512), nn.ReLU(True), nn.Dropout(),
                                        nn.Linear(512, 512), nn.ReLU(True), nn.Dropout(),
                                        nn.Linear(512, CLASSES))

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


class Block(nn.Module):
    def __init__(self, channels, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or channels != width:
            self.downsample = nn.Sequential(nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class Resnet(nn.Module):
    """ResNet-18 as it is used at 32x32: a 3x3 first layer, no pooling behind it."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        channels = 64
        for stage in range(4):
            width = 64 << stage
            setattr(self, f"layer{stage + 1}", nn.Sequential(Block(channels, width, 2 if stage else 1),
                                                             Block(width, width, 1)))
            channels = width
        self.fc = nn.Linear(channels, CLASSES)

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(nn.functional.adaptive_avg_pool2d(x, 1), 1))


NETS = {"vgg11_bn": Vgg, "resnet18": Resnet}


def cast(precision):
    return torch.autocast("cpu", torch.bfloat16) if precision == "bf16" else contextlib.nullcontext()


def load(arch, path):
    tensors = read_safetensors(path)
    model = NETS[arch]() if arch in NETS else torch_large.NETS[arch](CLASSES)
    model.load_state_dict({k: v for k, v in tensors.items() if not k.startswith("bench.")})
    return model.to(memory_format=torch.channels_last), tensors


def difference(got, want):
    return float((got - want).abs().max() / want.abs().max())


def check(arch, path):
    model, tensors = load(arch, path)
    model.eval()
    x, y = tensors["bench.x"].contiguous(memory_format=torch.channels_last), tensors["bench.y"].long()
    with torch.no_grad():  # ours in either precision against PyTorch's float32: autocast has rounding of its own
        logits = model(x)
    out = {precision: {"logits": difference(tensors[f"bench.{precision}.logits"], logits)}
           for precision in ("f32", "bf16") if f"bench.{precision}.logits" in tensors}
    if arch in NETS:
        nn.functional.cross_entropy(model(x), y).backward()
        gradients = torch.cat([p.grad.contiguous().flatten() for p in model.parameters()])
        for precision, found in out.items():
            found["gradients"] = difference(tensors[f"bench.{precision}.gradients"], gradients)
    with torch.no_grad(), cast("bf16"):
        out["peer_bf16_logits"] = difference(model(x).float(), logits)
    print(json.dumps(out), flush=True)


class Form:
    """A network with the images, the optimizer and the cast it is run with."""

    def __init__(self, name, model, precision, large, dtype=torch.float32):
        self.name, self.model, self.precision = name, model, precision
        self.optimizer = torch.optim.SGD(model.parameters(), 1e-4, 0.9, weight_decay=5e-4, nesterov=True)
        torch.manual_seed(1)
        side = LARGE if large else 32
        many = torch.randn(LARGE_BATCH if large else INFER_BATCH, 3, side, side).to(dtype)
        self.many = many.contiguous(memory_format=torch.channels_last)
        self.x = many[:BATCH].contiguous(memory_format=torch.channels_last)
        self.y = torch.randint(CLASSES, (BATCH,))

    def step(self, task):
        """Number of images"""
        if task == "infer":
            with torch.inference_mode(), cast(self.precision):
                self.model(self.many)
            return len(self.many)
        self.optimizer.zero_grad(set_to_none=True)
        with cast(self.precision):
            loss = nn.functional.cross_entropy(self.model(self.x), self.y)
        loss.backward()
        self.optimizer.step()
        return BATCH

    def rate(self, task, seconds, steps=1):
        self.model.train(task == "train")
        start, count, spent = time.monotonic(), 0, 0.0
        while spent < seconds or steps > 0:
            count += self.step(task)
            steps -= 1
            spent = time.monotonic() - start
        return count / spent


def serve(arch, path):
    model, _ = load(arch, path)
    large = arch not in NETS
    forms = {"f32": [Form("float32", model, "f32", large)]}
    fastest = {}
    for line in sys.stdin:
        task, precision, seconds = line.split()
        if precision not in forms:
            forms[precision] = [Form("autocast", model, "bf16", large),
                                Form("bf16 weights", copy.deepcopy(model).bfloat16(), "f32", large,
                                     torch.bfloat16)]
        if (task, precision) not in fastest:
            rates = []
            for form in forms[precision]:
                form.rate(task, 0, WARM_UP)
                rates.append((form.rate(task, 0, TRIED) if len(forms[precision]) > 1 else 0, form))
            fastest[task, precision] = max(rates, key=lambda pair: pair[0])[1]
        form = fastest[task, precision]
        print(json.dumps({"images_per_second": form.rate(task, float(seconds)), "form": form.name}), flush=True)


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[1]))
    {"check": check, "serve": serve}[sys.argv[3]](sys.argv[2], sys.argv[4])
