#!/bin/bash
# scripts/make-wheel: its wheel works in a fresh environment, with no library of this system but those that every system has,
# and shares torch's OpenMP runtime.
[ "${EXPUNGE_LONG:-}" ] || { echo "long: make check-long"; exit 77; }
. "$EXPUNGE_TESTS/scripts/python"
root=$(cd "$EXPUNGE_TESTS/.." && pwd)
# shellcheck disable=SC2329
fail() { echo "$1"; exit 1; }
"$root/scripts/make-wheel" "$PWD" >log 2>&1 || { grep -q "package index" log && { tail -n 1 log; exit 77; }; cat log; exit 1; }
/usr/bin/python3 -m venv fresh || exit 1
fresh/bin/python -m pip install --quiet --only-binary :all: ./expunge-*.whl || fail "the wheel cannot be installed"
sed -n '/^```pycon$/,/^```$/p' "$root/README.md" | grep -v '^```' >five.txt
{ echo '>>> import hashlib, json, numpy.random
>>> def libraries(): return {line.split()[-1] for line in open("/proc/self/maps") if ".so" in line}
>>> before = libraries()'; cat five.txt; } >run.txt
cat >>run.txt <<'E2'
>>> loaded = libraries()
>>> base = "libc libm libgcc_s libstdc++ libpthread libresolv librt libdl libz".split()
>>> sorted(p for p in loaded - before if "/site-packages/" not in p and "/lib-dynload/" not in p and p.split("/")[-1].split(".so")[0] not in base)
[]
>>> len([p for p in loaded if "/expunge.libs/libopenblas" in p])
1
E2
fresh/bin/python -I -m doctest run.txt || fail "the five lines of README.md"
[ "$(fresh/bin/expunge list methods)" = "$("$EXPUNGE" list methods)" ] || fail "expunge list methods: not the program's answer"
libs=$(echo "$PWD"/fresh/lib/python3*/site-packages/expunge.libs)
for file in "$libs"/*.so* "${libs%.libs}"/{bin/expunge,lib/*,libexec/expunge/*}; do
    ldd "$file" | awk '/=>/ && $3 !~ /\/expunge.libs\// && $1 !~ /^lib(c|m|gcc_s|stdc\+\+|pthread|resolv|rt|dl|z)\.so/ { print; wrong = 1 } END { exit wrong }' ||
        fail "$file: needs these of the system"
done
[ "$(find "$libs" -name '*.so*' | wc -l)" -gt 20 ] && [ -s "$libs/copyright/libopenblas0-openmp" ] || fail "too few libraries, or licences"
# a file that the helper has to look at
fresh/bin/python -I - <<'PY' || fail "the helper"
import expunge, numpy as np
group = np.repeat([0, 1, 2, 3], 100)
labels = np.where(group < 2, 0, 1 + np.arange(400) % 2)
logits = np.random.default_rng(0).normal(size=(400, 3)) + 2 * np.eye(3)[labels]
first = expunge.audit("a", labels, group, logits, attacks="loss", draws=100)
again = expunge.audit("b", signals="a/signals.h5", attacks="loss", draws=100)
assert first["verdict"] == again["verdict"]
PY
python_with torch numpy || exit 0
theirs=$("$python" -c 'import torch, os; print(os.path.dirname(os.path.dirname(torch.__file__)))')
for first in torch expunge; do
    PYTHONPATH=$theirs OMP_NUM_THREADS=2 timeout 120 fresh/bin/python - $first <<'PY' || fail "beside torch, $first first"
import importlib, sys, threading
importlib.import_module(sys.argv[1])
import numpy, expunge
expunge.version()
import torch
with open("/proc/self/maps") as maps:
    runtimes = {line.split()[-1] for line in maps if "libgomp" in line}
assert expunge.__file__.startswith(sys.prefix) and len(runtimes) == 1, runtimes
x, w = torch.randn(600, 128), torch.randn(64, 128)
product, edited = x @ x.T, expunge.edit(w, x, x[:99])
def multiply():
    for _ in range(50): assert torch.equal(x @ x.T, product)
threads = [threading.Thread(target=multiply) for _ in range(2)]
[t.start() for t in threads]
for _ in range(20): assert torch.equal(expunge.edit(w, x, x[:99]), edited)
[t.join() for t in threads]
PY
done
