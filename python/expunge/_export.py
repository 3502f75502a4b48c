"""A model as a graph file of the program: traced by torch.export, translated (_graph_translate.py), read back, written."""

from __future__ import annotations

import contextlib
import ctypes
import inspect
import json
import os
import subprocess
import tempfile
import warnings
from typing import Any, Dict, List, Tuple

import numpy as np
import torch
from torch import nn

from . import _arrays, _library, _program
from ._graph_layout import axis
from ._library import ArgumentError, Error
from ._modules import answer, place, preserved, unwrapped
from ._graph_translate import Translator
from ._graph_values import BATCH, Constant, Refused, Tensor, plain_dims

VERSION = 1
MOST = 10**8  # numbers of a model that is also run by the library: half a gigabyte, and a few seconds
NEAR, NEAR_TF32 = 1e-3, 2e-2  # of the largest logit: float32 is off by less than 1e-4, an accelerator's by 2^-11 a product
WAY_ON = "expunge.torch.unlearn edits any model in Python, without a graph file"


class _Logits(nn.Module):
    """A model that answers with its logits alone."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return answer(self.model(x), len(x))


def export_graph(model: nn.Module, example: Any, path: _program.Path) -> Dict[str, Any]:
    """Writes the model's network as a graph file, which the program takes as `--arch graph:FILE` with the model's state dict as
    `--weights`: any network whose operations docs/graph.md lists. Batch norms stay layers of their own.

    Args:
        model: the module, also inside of DataParallel, DistributedDataParallel or torch.compile. It stays as it is.
        example: images prepared as for the model, a tensor [n, C, H, W] (or [n, features]); only their shape matters.
        path: the file to write, such as "graph.json".

    Returns:
        What the file holds.

    Raises:
        Error: a ValueError, with the first module whose operation a graph file cannot have, or where the library computes other logits
            of random images than the model (float32, of up to 1e8 numbers). Then no file is written.

    >>> import tempfile
    >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, groups=1), torch.nn.GELU(), torch.nn.Flatten(), torch.nn.Linear(288, 5))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     graph = export_graph(model, torch.zeros(1, 3, 8, 8), folder + "/graph.json")
    >>> [(node["name"], node["op"]) for node in graph["nodes"]], graph["classes"]
    ([('0', 'conv2d'), ('gelu_1', 'gelu'), ('flatten_1', 'flatten'), ('3', 'linear')], 5)
    """
    if not isinstance(model, nn.Module):
        raise ArgumentError(f"model is of type {type(model).__name__}: must be a torch.nn.Module")
    if not isinstance(example, torch.Tensor) or example.ndim not in (2, 4) or not example.numel() or not example.is_floating_point():
        said = f"shape {tuple(example.shape)}, {example.dtype}" if isinstance(example, torch.Tensor) else type(example).__name__
        raise ArgumentError(f"example is {said}: must be a tensor of numbers [n, C, H, W], or [n, features]")
    inner = unwrapped(model)
    device, dtype = place(inner)
    images = example[:1].detach().to(device, dtype).repeat(BATCH, *[1] * (example.ndim - 1))
    with preserved(inner), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = _translated(inner, _traced(inner, images), tuple(images.shape[1:]))
        _write(graph, os.fspath(path), inner, images)
    return graph


def _traced(model: nn.Module, images: torch.Tensor) -> Any:
    keywords = {"strict": False} if "strict" in inspect.signature(torch.export.export).parameters else {}
    try:
        program = torch.export.export(_Logits(model), (images,), **keywords)  # type: ignore[arg-type]
        if any(getattr(getattr(n.target, "_schema", None), "is_mutable", False) for n in program.graph.nodes):
            program = program.run_decompositions({})  # nothing changes in place any more
    except ArgumentError:
        raise
    except Exception as error:
        said = " ".join(str(error).split())[:300]
        raise ArgumentError(f"torch.export cannot follow the model on images {tuple(images.shape[1:])} ({said}); {WAY_ON}") from error
    return program


def _translated(model: nn.Module, program: Any, shape: Tuple[int, ...]) -> Dict[str, Any]:
    signature = program.graph_signature
    numbers: Dict[str, torch.Tensor] = {
        **dict(model.named_parameters(remove_duplicate=False)),
        **dict(model.named_buffers(remove_duplicate=False)),
    }
    kept = set(model.state_dict())
    prefix = len("model.")
    names = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    first: Dict[int, str] = {}  # a tensor of several names goes by its first
    canonical = {name: first.setdefault(id(tensor), name) for name, tensor in numbers.items()}
    names = {node: canonical[name[prefix:]] for node, name in names.items()}
    lifted = dict(getattr(signature, "inputs_to_lifted_tensor_constants", {}))
    tensors = {
        name: Tensor(name, tuple(numbers[name].shape), plain_dims(numbers[name].shape)) for name in names.values() if name in kept
    }
    work = Translator(shape, tensors, lambda name: numbers[name].detach().float().cpu())
    env: Dict[Any, Any] = {}
    (result,) = (n for n in program.graph.nodes if n.op == "output")
    last = result.args[0][0]
    needed = _leading_to(last)
    for node in program.graph.nodes:
        if node not in needed:
            continue
        if node.op == "placeholder":
            if node.name in names:
                name = names[node.name]
                env[node] = tensors[name] if name in tensors else Constant(numbers[name].detach())
            else:
                env[node] = Constant(program.constants[lifted[node.name]]) if node.name in lifted else work.input
            continue
        work.path = _path_of(node)
        try:
            if node.op != "call_function":
                raise Refused(f"{node.op} {node.target} is no operation of graph files")
            env[node] = work.run(node, env)
        except Refused as error:
            raise _sentence(work.path, node, error) from None
        except (AttributeError, IndexError, KeyError, TypeError, ValueError, ZeroDivisionError) as error:  # a form that nobody thought of
            raise _sentence(work.path, node, Refused(f"{node.target} in this form is no operation of graph files")) from error
    try:
        out = work.whole(env[last])
        if out.node == "input" or out.dims != (axis("N", BATCH), axis("C", out.shape[0])) or out.shape[1:] != (1, 1):
            raise Refused("the model's answer is no vector of logits per image")
    except Refused as error:
        raise _sentence("", last, error) from None
    at = {out.node}
    for row in reversed(work.nodes):  # such as an activation of which only a part of another was wanted
        if row["name"] in at:
            at.update(row.get("inputs", []))
    work.nodes = [row for row in work.nodes if row["name"] in at]
    used = {name for row in work.nodes for name in _tensors_of(row)}
    for name in model.state_dict():
        if canonical.get(name, name) != name and canonical[name] in used:
            raise ArgumentError(f"{canonical[name]} is also called {name}: graph files cannot have a tensor of two names; {WAY_ON}")
    graph: Dict[str, Any] = {"format": "expunge-graph", "version": VERSION}
    graph["description"] = f"{type(model).__module__}.{type(model).__qualname__}, by expunge.torch.export_graph"
    graph["input"] = list(work.input.shape)
    graph["classes"] = out.shape[0]
    if work.normalize is not None:
        graph["normalize"] = work.normalize
    unused = [name for name, tensor in model.state_dict().items() if isinstance(tensor, torch.Tensor) and name not in used]
    if unused:
        graph["unused"] = unused
    return {**graph, "nodes": work.nodes, "output": out.node}


def _tensors_of(row: Dict[str, Any]) -> List[str]:
    """What a node has in the state dict."""
    name, attributes = row["name"], row.get("attributes", {})
    if row["op"] in ("parameter", "class_token", "tokens", "relative_position_bias"):
        return [name]
    if row["op"] not in ("conv2d", "linear", "batch_norm", "layer_norm", "group_norm", "prelu"):
        return []
    ends = ["weight"] + ["bias"] * (attributes.get("bias", True) and row["op"] != "prelu")
    if row["op"] == "batch_norm":
        ends += ["running_mean", "running_var", "num_batches_tracked"]
    return [f"{name}{'_' if attributes.get('packed') else '.'}{end}" for end in ends]


def _leading_to(last: Any) -> Any:
    needed, waiting = set(), [last]
    while waiting:
        node = waiting.pop()
        if node not in needed:
            needed.add(node)
            waiting += node.all_input_nodes
    return needed


def _path_of(node: Any) -> str:
    """The module that a node of torch's graph belongs to, as its state dict calls it."""
    stack = node.meta.get("nn_module_stack") or {}
    path = [entry[0] for entry in stack.values()][-1:] or [""]
    name = path[0].replace("L['self']", "").lstrip(".")
    return name[len("model.") :] if name.startswith("model.") else ("" if name == "model" else name)


def _sentence(path: str, node: Any, error: Refused) -> ArgumentError:
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    kind = stack[-1][1] if stack else ""
    kind = (kind if isinstance(kind, str) else kind.__name__).rpartition(".")[2]
    where = f"{path} ({kind})" if path else "the model's own forward"
    return ArgumentError(f"{where}: {error} (docs/graph.md); {WAY_ON}")


def _text(graph: Dict[str, Any]) -> str:
    """One node a line."""
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in graph.items() if key not in ("nodes", "output")]
    nodes = ",\n".join("    " + json.dumps(node) for node in graph["nodes"])
    lines += [f'  "nodes": [\n{nodes}\n  ]', f'  "output": {json.dumps(graph["output"])}']
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _write(graph: Dict[str, Any], path: str, model: nn.Module, images: torch.Tensor) -> None:
    """The file is at `path` once the program has read it, and the library computed with it what the model does."""
    name = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.{os.getpid()}.json")
    try:
        with open(name, "x") as file:
            file.write(_text(graph))
        _read_back(name)
        _compare(model, graph, images)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise


def _read_back(path: str) -> None:
    try:
        done = subprocess.run(
            [_program.program(), "inspect", "--graph", "graph:" + path], stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
    except OSError:
        return  # a package without the program
    if done.returncode:
        said = done.stderr.strip().rpartition("expunge: ")[2].replace(path, "the graph")
        raise ArgumentError(f"the program does not read the graph: {said}; {WAY_ON}")


def _logits(graph: Dict[str, Any], state: Dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """What the library computes, of images that are normalised here: float32 images are taken as they are."""
    if "normalize" in graph:
        mean, std = (torch.tensor(graph["normalize"][key])[:, None, None] for key in ("mean", "std"))
        x = (x - mean) / std
    pixels, labels = np.ascontiguousarray(x.numpy()), np.zeros(len(x), np.int32)
    split = _library.Split(pixels.ctypes.data, labels.ctypes.data, len(x))
    logits = np.empty((len(x), graph["classes"]), np.float32)
    work = 100.0 * sum(tensor.numel() for tensor in state.values())
    c, data, model = _library.library(), ctypes.c_void_p(), ctypes.c_void_p()
    with tempfile.TemporaryDirectory() as folder:
        weights, arch = os.path.join(folder, "weights.pt"), os.path.join(folder, "graph.json")
        torch.save({name: tensor.detach().cpu() for name, tensor in state.items()}, weights)
        with open(arch, "w") as file:
            file.write(_text({key: value for key, value in graph.items() if key != "normalize"}))
        try:
            form = _arrays.F32, (ctypes.c_int64 * 3)(*graph["input"]), graph["classes"]
            _library.call("expunge_data_create", ctypes.byref(split), ctypes.byref(split), *form, None, None, 0, ctypes.byref(data))
            _library.call_long(
                "expunge_model_open", os.fsencode(weights), os.fsencode("graph:" + arch), data, None, 0, ctypes.byref(model), work=work
            )
            _library.call_long("expunge_model_logits", model, b"test", logits.ctypes.data, *logits.shape, keep=logits, work=work)
        finally:
            c.expunge_model_free(model)
            c.expunge_data_free(data)
    return torch.from_numpy(logits)


def _compare(model: nn.Module, graph: Dict[str, Any], images: torch.Tensor) -> None:
    """Random images, shaped like `images`, through both, unless the model's own numbers are too coarse for that, or too many."""
    device, dtype = place(model)
    state = {name: tensor for name, tensor in model.state_dict().items() if isinstance(tensor, torch.Tensor)}
    if dtype not in (torch.float32, torch.float64) or sum(tensor.numel() for tensor in state.values()) > MOST:
        return
    x = torch.randn(images.shape, generator=torch.Generator().manual_seed(0))
    want = answer(model(x.to(device, dtype, copy=True)), BATCH)
    if not want.isfinite().all():
        return
    try:
        got = _logits(graph, state, x.reshape(BATCH, *graph["input"]))
    except (ImportError, _library.ShortMemoryError):  # a package without the library, and what is no fault of the graph
        return
    except Error as error:
        raise ArgumentError(f"the library does not take the graph with the model's numbers: {error}; {WAY_ON}") from error
    largest, off = float(want.abs().max()), float((got - want).abs().max())
    if not off <= (NEAR if device.type == "cpu" else NEAR_TF32) * largest:
        said = f"logits of random images differ by {off:.2g}, of up to {largest:.2g}"
        raise ArgumentError(f"the graph would not compute what the model does: {said}; {WAY_ON}")
