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
torch.save(torch.nn.Linear(2, 2), "module.pt")
PY
"$python" variants.py
for name in plain nested half bfloat16 shared turned parameters; do
    in=$name.pt
    [ -f $in ] || in=$name.pth
    "$EXPUNGE" eval --arch mlp --weights $in --data gaussians --quiet >/dev/null
    "$EXPUNGE" unlearn --arch mlp --weights $in --data gaussians --forget 3 --method svd --set alpha_f=30 --quiet \
        -o "out-$in" >/dev/null
    "$EXPUNGE" inspect "out-$in" | grep -q pytorch
done
for in in old.pt module.pt; do
    if "$EXPUNGE" inspect $in 2>error; then echo "$in was read"; exit 1; fi
    [ "$(wc -l <error)" -eq 1 ]
done
"$EXPUNGE" inspect module.pt 2>&1 | grep -q "torch.nn.modules.linear.Linear"
cat >check.py <<'PY'
import glob, inspect, torch
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
assert len(files) == 7, files
for out in files:
    edited = []
    before, after = torch.load(out[4:]), torch.load(out)
    same(before, after, "", edited)
    assert edited and all(e.endswith(".weight") for e in edited), (out, edited)
    assert not any("optimizer" in e for e in edited)
    if "weights_only" in inspect.signature(torch.load).parameters and "nested" not in out: # 1.13's knows no floats
        torch.load(out, weights_only=True)
PY
"$python" check.py
