# Checkpoints that PyTorch made go through `expunge unlearn` and load in PyTorch again: same structure, names, order,
# dtypes and strides, and only the edited layers differ.
set -eu
export OMP_NUM_THREADS=1
. "$EXPUNGE_TESTS/scripts/python"
need_python torch
"$EXPUNGE" train --arch mlp --data gaussians --set epochs=1 --set batch_size=2048 --set augment=false --quiet \
    -o start.pt >/dev/null
cat >variants.py <<'PY'
import torch
state = torch.load("start.pt")
assert type(state).__name__ == "OrderedDict"
floats = {k: v for k, v in state.items() if v.dtype == torch.float32}
assert 0 < len(floats) < len(state)
torch.save(state, "plain.pt")
params = [torch.nn.Parameter(v.clone()) for v in floats.values()]
adam = torch.optim.Adam(params, lr=0.01)
sum(p.square().sum() for p in params).backward()
adam.step()
torch.save({"epoch": 7, "state_dict": {"module." + k: v for k, v in state.items()}, "optimizer": adam.state_dict(),
            "best": 0.25}, "nested.pt")
torch.save({"model": {k: v.half() if k in floats else v for k, v in state.items()}}, "half.pt")
torch.save({"net": {k: v.bfloat16() if k in floats else v for k, v in state.items()}}, "bfloat16.pt")
flat = torch.cat([v.reshape(-1) for v in floats.values()])
shared, at = {}, 0
for k, v in state.items():
    shared[k] = flat[at:at + v.numel()].view(v.shape) if k in floats else v
    at += v.numel() if k in floats else 0
torch.save(shared, "shared.pt")
torch.save({k: v.t().contiguous().t() if v.dim() == 2 else v for k, v in state.items()}, "turned.pth")
torch.save({k: torch.nn.Parameter(v) if k in floats and "running" not in k else v for k, v in state.items()},
           "parameters.pt")
torch.save(state, "old.pt", _use_new_zipfile_serialization=False)
# an average beside the weights, equal to them; what training scripts keep; an object that no checkpoint needs
import argparse, collections, datetime, pathlib
import numpy as np
ema = {"n_averaged": torch.tensor(3), **{"module." + k: v.clone() for k, v in state.items()}}
torch.save({"model": state, "model_ema": ema, "counter": collections.Counter({91: 1}), "set": {3, 7},
            "args": argparse.Namespace(lr=0.1, data=pathlib.PosixPath("/d")), "best": np.float64(93.1), "when": datetime.date(2026, 1, 2),
            "losses": np.arange(3.0).tolist(), "history": collections.defaultdict(list, loss=[1.0]), "empty": None}, "beside.pt")
torch.save({"model": state, "model_ema": ema, "hook": argparse.ArgumentTypeError("x")}, "strange.pt")
torch.save(torch.nn.Linear(2, 2), "module.pt")
PY
"$python" variants.py
for name in plain nested half bfloat16 shared turned parameters old beside; do
    in=$name.pt
    [ -f $in ] || in=$name.pth
    "$EXPUNGE" eval --arch mlp --weights $in --data gaussians --quiet >/dev/null
    "$EXPUNGE" unlearn --arch mlp --weights $in --data gaussians --forget 3 --method svd --set alpha_f=30 --quiet \
        -o "out-$in" >/dev/null
    "$EXPUNGE" inspect "out-$in" | grep -q pytorch
done
if "$EXPUNGE" inspect module.pt 2>error; then echo "module.pt was read"; exit 1; fi
[ "$(wc -l <error)" -eq 1 ]
for how in unlearn drop keep; do
    "$EXPUNGE" unlearn --arch mlp --weights strange.pt --data gaussians --forget 3 --method svd --set alpha_f=30 \
        --beside $how -o $how.pt >/dev/null 2>error
    grep -q "the file refers to argparse.ArgumentTypeError; none of this is run" error
done
"$EXPUNGE" inspect module.pt 2>&1 | grep -q "torch.nn.modules.linear.Linear"
cat >check.py <<'PY'
import glob, inspect, torch
def load(path, **more): # our own files; since 2.6 only tensors are read if nothing else is said
    if "weights_only" in inspect.signature(torch.load).parameters:
        more.setdefault("weights_only", False)
    return torch.load(path, **more)
def same(a, b, path, edited):
    assert type(a) is type(b), path
    if isinstance(a, torch.Tensor):
        assert (a.dtype, a.shape, a.stride(), a.requires_grad) == (b.dtype, b.shape, b.stride(), b.requires_grad), path
        if not torch.equal(a, b):
            edited.append(path)
    elif isinstance(a, dict):
        assert list(a) == list(b), path
        for k in a:
            same(a[k], b[k], path + "/" + str(k), edited)
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b), path
        for i, (x, y) in enumerate(zip(a, b)):
            same(x, y, path + "/" + str(i), edited)
    else:
        assert a == b, path
files = glob.glob("out-*")
assert len(files) == 9, files
for out in files:
    edited = []
    before, after = load(out[4:]), load(out)
    same(before, after, "", edited)
    assert edited and all(e.endswith(".weight") for e in edited), (out, edited)
    assert not any("optimizer" in e for e in edited)
    if "weights_only" in inspect.signature(torch.load).parameters and "nested" not in out and "beside" not in out: # 1.13's knows no floats
        torch.load(out, weights_only=True)
both = load("out-beside.pt")
for k, v in both["model"].items(): # the average was the same, and is the same
    assert torch.equal(v, both["model_ema"]["module." + k]), k
was, new = load("strange.pt"), {how: load(how + ".pt") for how in ("unlearn", "drop", "keep")}
assert list(new["unlearn"]) == ["model", "model_ema"] and list(new["drop"]) == ["model"]
assert list(new["keep"]) == ["model", "model_ema", "hook"] and type(new["keep"]["hook"]) is type(was["hook"])
for how, copy in new.items():
    edited = []
    same(was["model"], copy["model"], "", edited)
    assert edited, how
    if how != "drop":
        edited = []
        same(was["model_ema"], copy["model_ema"], "", edited)
        assert bool(edited) == (how == "unlearn"), how
PY
"$python" check.py
