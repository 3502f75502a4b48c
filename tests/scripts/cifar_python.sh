# CIFAR in the Python distribution, as Python 3 itself pickles it by the protocols 0 to 5, labels as lists, tuples, arrays
# and numpy's numbers, data in either order and as [n, 3, 32, 32] or [n, 32, 32, 3], against the binary one.
set -eu
. "$EXPUNGE_TESTS/scripts/python"
need_python numpy
"$python" - <<'PY'
import os, pickle
import numpy as np
rng = np.random.default_rng(0)
same = lambda a: a
planes = lambda a: a.reshape(-1, 3, 32, 32)
last = lambda a: planes(a).transpose(0, 2, 3, 1)
forms = {f"p{p}": (p, same, list) for p in range(6)}
forms.update(tuple=(4, same, tuple), array=(2, same, np.array), array0=(0, same, np.array), array5=(5, same, np.uint8),
             numpy=(4, same, lambda y: [np.int64(v) for v in y]), byte=(5, same, lambda y: [np.uint8(v) for v in y]),
             fortran=(4, np.asfortranarray, list), fortran5=(5, np.asfortranarray, list), planes=(4, planes, list),
             last=(4, lambda a: last(a).copy(), list), last5=(5, lambda a: last(a).copy(), list), moved=(5, last, list),
             moved4=(4, last, list))
for form in forms:
    os.makedirs(form, exist_ok=True)
os.makedirs("binary", exist_ok=True)
for split, n in (("train", 30), ("test", 20)):
    fine = rng.integers(0, 100, n)
    data = rng.integers(0, 256, (n, 3072)).astype(np.uint8)
    with open(f"binary/{split}.bin", "wb") as f:
        for y, x in zip(fine, data):
            f.write(bytes([y // 5, y]) + x.tobytes())
    batch = {b"data": data, b"fine_labels": [int(y) for y in fine], b"coarse_labels": [int(y) // 5 for y in fine],
             b"filenames": [b"some.png"] * n, b"batch_label": b"a batch"}
    for n, (form, (protocol, pixels, labels)) in enumerate(forms.items()):
        made = {**batch, b"data": pixels(data), b"fine_labels": labels(batch[b"fine_labels"]),
                b"coarse_labels": labels(batch[b"coarse_labels"])}
        with open(f"{form}/{split}", "wb") as f:
            pickle.dump(made if n % 2 else {k.decode(): v for k, v in made.items()}, f, protocol=protocol)
open("forms", "w").write("\n".join(forms) + "\n")
PY
for kind in cifar100 cifar100-coarse; do
    "$EXPUNGE" train --arch mlp --data $kind:binary --set epochs=1 --set batch_size=10 --quiet -o w.safetensors >/dev/null
    want=$("$EXPUNGE" inspect w.safetensors | grep data_hash)
    while read -r form; do
        "$EXPUNGE" train --arch mlp --data $kind:$form --set epochs=1 --set batch_size=10 --quiet -o p.safetensors >/dev/null
        [ "$("$EXPUNGE" inspect p.safetensors | grep data_hash)" = "$want" ] || { echo "$kind, $form: other data"; exit 1; }
    done <forms
    [ "$(wc -l <forms)" -eq 19 ]
done
