"""A graph file (docs/graph.md) computed by PyTorch, operation by operation: what the exporter wrote, without the program."""

import torch
from torch.nn import functional as F


def evaluate(graph, state, x):
    """Logits [n, classes] of images [n, C, H, W]; state: name to tensor."""
    at = {"input": x.reshape(len(x), *graph["input"])}
    if "normalize" in graph:
        mean, std = (torch.tensor(graph["normalize"][k], dtype=x.dtype)[:, None, None] for k in ("mean", "std"))
        at["input"] = (at["input"] - mean) / std
    for node in graph["nodes"]:
        a = dict(node.get("attributes", {}))
        at[node["name"]] = OPERATIONS[node["op"]](node["name"], state, a, *(at[i] for i in node.get("inputs", [])))
        assert not a, f"{node}: {a} was not looked at"
    return at[graph["output"]].flatten(1)


def convolution(name, s, a, x):
    weight = s[name + ".weight"]
    assert list(weight.shape[0:1]) == [a.pop("out_channels")] and list(weight.shape[2:]) == pair(a.pop("kernel_size"))
    bias = s[name + ".bias"] if a.pop("bias", True) else None
    before, extra = pair(a.pop("padding", 0)), pair(a.pop("extra_padding", 0))
    x = F.pad(x, (before[1], before[1] + extra[1], before[0], before[0] + extra[0]))
    return F.conv2d(x, weight, bias, **{k: a.pop(k) if isinstance(a[k], int) else tuple(a.pop(k)) for k in list(a)})


def linear(name, s, a, x):
    end = "_" if a.pop("packed", False) else "."
    weight = s[name + end + "weight"]
    assert len(weight) == a.pop("out_features")
    return F.linear(x.movedim(1, -1), weight, s[name + end + "bias"] if a.pop("bias", True) else None).movedim(-1, 1)


def norm(name, s, a, x):
    a.pop("momentum", None)
    names = (name + end for end in (".running_mean", ".running_var", ".weight", ".bias"))
    return F.batch_norm(x, *(s[n] for n in names), eps=a.pop("eps"))


def layer_norm(name, s, a, x):
    return F.layer_norm(x.movedim(1, -1), x.shape[1:2], s[name + ".weight"], s[name + ".bias"], a.pop("eps")).movedim(-1, 1)


def attention(name, s, a, *inputs):
    q, k, v = inputs if len(inputs) == 3 else inputs[0].chunk(3, 1)
    n, E, T, _ = q.shape
    q, k, v = (t.reshape(n, a["num_heads"], -1, T) for t in (q, k, v))
    a.pop("num_heads")
    weights = torch.softmax(q.transpose(2, 3) @ k / q.shape[2] ** 0.5, -1)
    return (v @ weights.transpose(2, 3)).reshape(n, E, T, 1)


def tokens(name, s, a, x, token=None):
    x = x.flatten(2)
    if token is not None:
        x = torch.cat([token.expand(len(x), -1, -1), x], 2)
    return (x + s[name].transpose(1, 2))[..., None]


def class_token(name, s, a, *before):
    assert list(s[name].shape) == [1, a.pop("num_tokens", 1), a.pop("embed_dim")]
    return torch.cat([*before, s[name].transpose(1, 2)], 2)


def parameter(name, s, a):
    channels = a.pop("channels")
    assert list(s[name].shape) == a.pop("shape", [channels, 1, 1])
    return s[name].reshape(1, channels, 1, 1)


def position_bias(name, s, a):
    n, heads = a.pop("window_size"), a.pop("num_heads")
    assert list(s[name].shape) == [(2 * n - 1) ** 2, heads]
    return s[name].view(2 * n - 1, 2 * n - 1, heads)


def window_attention(name, s, a, x, bias):
    """Each pixel by itself: it sees those of its window in the rolled map which were that near before."""
    shift, to = pair(a.pop("shift_size", 0)), pair(a.pop("output_size"))
    n, heads = (len(bias) + 1) // 2, bias.shape[2]
    images, E, (high, wide) = len(x), x.shape[1] // 3, x.shape[2:]
    q, k, v = x.flatten(2).reshape(images, 3, heads, E // heads, high * wide).unbind(1)
    scores = q.transpose(2, 3) @ k / (E // heads) ** 0.5
    rows, columns = torch.arange(high).repeat_interleave(wide), torch.arange(wide).repeat(high)
    seen = torch.ones(high * wide, high * wide, dtype=bool)
    positions = []
    for at, side, by in ((rows, high, shift[0]), (columns, wide, shift[1])):
        rolled = (at - by) % side
        apart = (rolled[:, None] // n != rolled // n) | ((at[:, None] < by) != (at < by)) & (by > 0)
        seen &= ~apart
        positions.append((rolled[:, None] - rolled + n - 1).clamp(0, 2 * n - 2))
    scores = scores + bias[positions[0], positions[1]].permute(2, 0, 1)
    weights = scores.masked_fill(~seen, -torch.inf).softmax(-1)
    return (v @ weights.transpose(2, 3)).reshape(images, E, high, wide)[:, :, : to[0], : to[1]]


def padded(name, s, a, x):
    to = pair(a.pop("output_size"))
    return F.pad(x, (0, to[1] - x.shape[3], 0, to[0] - x.shape[2]))


def merged(name, s, a, x):
    x = F.pad(x, (0, x.shape[3] % 2, 0, x.shape[2] % 2))
    return torch.cat([x[:, :, i::2, j::2] for j in (0, 1) for i in (0, 1)], 1)


def prelu(name, s, a, x):
    assert a.pop("num_parameters") == s[name + ".weight"].numel()
    return F.prelu(x, s[name + ".weight"])


def pair(value):
    return value if isinstance(value, list) else [value] * 2


def dropout(name, s, a, x):
    a.pop("p")
    return x


def plain(function, *keys):
    return lambda name, s, a, x: function(x, **{key: a.pop(key) for key in keys if key in a})


OPERATIONS = {
    **{name: plain(getattr(F, name)) for name in ("relu", "relu6", "silu", "hardsigmoid", "hardswish")},
    **{name: plain(getattr(torch, name)) for name in ("sigmoid", "tanh")},
    "gelu": plain(F.gelu, "approximate"),
    "leaky_relu": plain(F.leaky_relu, "negative_slope"),
    "max_pool2d": plain(F.max_pool2d, "kernel_size", "stride", "padding"),
    "avg_pool2d": plain(F.avg_pool2d, "kernel_size", "stride"),
    "adaptive_avg_pool2d": lambda name, s, a, x: F.adaptive_avg_pool2d(x, pair(a.pop("output_size"))),
    "flatten": lambda name, s, a, x: x.flatten(1)[..., None, None],
    "add": lambda name, s, a, x, y: x + y,
    "mul": lambda name, s, a, x, y: x * y,
    "concat": lambda name, s, a, *xs: torch.cat(xs, 1),
    "first_token": lambda name, s, a, x: x[:, :, [a.pop("index", 0)]],
    "half": lambda name, s, a, x: x / 2,
    "pad": padded,
    "patch_merging": merged,
    "relative_position_bias": position_bias,
    "window_attention": window_attention,
    "group_norm": lambda name, s, a, x: F.group_norm(x, a.pop("num_groups"), s[name + ".weight"], s[name + ".bias"], a.pop("eps")),
    "conv2d": convolution,
    "linear": linear,
    "batch_norm": norm,
    "layer_norm": layer_norm,
    "scaled_dot_product_attention": attention,
    "tokens": tokens,
    "class_token": class_token,
    "parameter": parameter,
    "prelu": prelu,
    "dropout": dropout,
}
