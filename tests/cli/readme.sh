# The commands of README.md's "Quick start", as they stand there, on a small data set and a model made here.
set -eu
. "$EXPUNGE_TESTS/scripts/python"
need_python h5py
"$python" - <<'PY'
import h5py, numpy as np
rng = np.random.default_rng(0)
with h5py.File("images.h5", "w") as f:
    for split, n in (("train", 80), ("test", 40)):
        y = np.arange(n) % 4
        f[split + "/labels"] = y
        f[split + "/images"] = (rng.integers(0, 80, (n, 3, 32, 32)) + 40 * y[:, None, None, None]).astype(np.uint8)
    f.attrs["mean"], f.attrs["std"] = [0.5] * 3, [0.25] * 3
PY
mkdir bin && ln -s "$EXPUNGE" bin/expunge && PATH=$PWD/bin:$PATH
expunge train --arch vgg11_bn --data hdf5:images.h5 --set epochs=1 --set batch_size=20 --quiet -o model.safetensors
sed -n '/^## Quick start/,/^## What/p' "$EXPUNGE_TESTS/../README.md" | grep '^expunge ' >commands
[ "$(wc -l <commands)" -ge 4 ] || { echo "the README's commands are not where they were"; exit 1; }
while read -r command; do
    echo "$command"
    $command </dev/null >out || { echo "failed: $command"; exit 1; }
done <commands
[ -s forgot.safetensors ] && [ -s audit/report.html ]
"$python" - <<'PY'
import json, struct
def parts(name):
    b = open(name, "rb").read()
    n = struct.unpack("<Q", b[:8])[0]
    head = json.loads(b[8:8 + n])
    head.pop("__metadata__", None)
    return {k: (v["dtype"], v["shape"], b[8 + n + v["data_offsets"][0]:8 + n + v["data_offsets"][1]]) for k, v in head.items()}
a, b = parts("model.safetensors"), parts("forgot.safetensors")
assert list(a) == list(b) and all(a[k][:2] == b[k][:2] for k in a)
edited = {k for k in a if a[k][2] != b[k][2]}
layers = {k for k in a if k.endswith(".weight") and len(a[k][1]) >= 2}
assert edited and edited <= layers, edited - layers
PY
