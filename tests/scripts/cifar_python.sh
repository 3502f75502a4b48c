# CIFAR in the Python distribution, as Python 3 itself pickles it by the protocols 2 to 4, against the binary one.
set -eu
. "$EXPUNGE_TESTS/scripts/python"
need_python numpy
"$python" - <<'PY'
import os, pickle
import numpy as np
rng = np.random.default_rng(0)
for protocol in (2, 3, 4):
    os.makedirs(f"p{protocol}", exist_ok=True)
os.makedirs("binary", exist_ok=True)
for split, n in (("train", 30), ("test", 20)):
    fine = rng.integers(0, 100, n)
    data = rng.integers(0, 256, (n, 3072)).astype(np.uint8)
    with open(f"binary/{split}.bin", "wb") as f:
        for y, x in zip(fine, data):
            f.write(bytes([y // 5, y]) + x.tobytes())
    batch = {b"data": data, b"fine_labels": [int(y) for y in fine], b"coarse_labels": [int(y) // 5 for y in fine],
             b"filenames": [b"some.png"] * n, b"batch_label": b"a batch"}
    for protocol in (2, 3, 4):
        with open(f"p{protocol}/{split}", "wb") as f:
            pickle.dump(batch if protocol % 2 else {k.decode(): v for k, v in batch.items()}, f, protocol=protocol)
PY
for kind in cifar100 cifar100-coarse; do
    "$EXPUNGE" train --arch mlp --data $kind:binary --set epochs=1 --set batch_size=10 --quiet -o w.safetensors >/dev/null
    want=$("$EXPUNGE" inspect w.safetensors | grep data_hash)
    for protocol in 2 3 4; do
        "$EXPUNGE" train --arch mlp --data $kind:p$protocol --set epochs=1 --set batch_size=10 --quiet -o p.safetensors >/dev/null
        [ "$("$EXPUNGE" inspect p.safetensors | grep data_hash)" = "$want" ] || { echo "$kind, protocol $protocol: other data"; exit 1; }
    done
done
