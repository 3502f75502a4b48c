# The n-th allocation fails, and all later ones, or it alone: a sentence or the result, never a signal.
# limit: 3000 s
. "$EXPUNGE_TESTS/cli/common"
. "$EXPUNGE_TESTS/scripts/python"
[ -n "${EXPUNGE_LONG:-}" ] || { echo "long: make check-long"; exit 77; }
ldd "$EXPUNGE" | grep -q libasan && { echo "the sanitizer has an allocator of its own"; exit 77; }
${CC:-cc} -shared -fPIC -O1 -o shim.so "$EXPUNGE_TESTS/cli/shim/allocation.c" || fail "the library to preload cannot be built"
cat >c.yaml <<'YAML'
name: t
data: gaussians
arch: mlp
forget: [0]
train: {epochs: 1, batch_size: 1024, augment: false}
relearn: false
probe: false
methods: [none, retrain]
YAML
ok run c.yaml --threads 1
ok train $tiny_train --threads 1 --quiet -o w.safetensors
ok unlearn --arch mlp --data gaussians --weights w.safetensors --forget 3 --method none --quiet -o w.pt
need_python h5py
"$python" - <<'PY'
import h5py, numpy as np
rng = np.random.default_rng(0)
with h5py.File("signals.h5", "w") as f:
    f["target/logits"] = rng.normal(size=(60, 3))
    f["target/labels"] = rng.integers(0, 3, 60).astype(np.int32)
    f["target/role"] = (np.arange(60) % 2).astype(np.uint8)
PY
ok attack --name loss --signals signals.h5

# try MOST STEP COMMAND...: every STEP-th of its allocations, MOST of them at most
try() {
    local most=$1 step=$2 n rc mode met=0 all
    shift 2
    rm -f count
    env LD_PRELOAD="$PWD/shim.so" SHIM_COUNT=count "$EXPUNGE" "$@" --threads 1 >"$logs/stdout" 2>"$logs/stderr" || fail "$*: $(cat "$logs/stderr")"
    all=$(sort -n count | tail -1)
    [ "$all" -gt 20 ] || fail "'$*' has $all allocations: the preloaded library counts none"
    [ $most -lt $all ] || most=$all
    for mode in SHIM_ALL_LATER=1 SHIM_ONCE=1; do
        for ((n = 1; n <= most; n += step)); do
            env LD_PRELOAD="$PWD/shim.so" SHIM_ALLOCATION=$n $mode timeout 120 "$EXPUNGE" "$@" --threads 1 >"$logs/stdout" 2>"$logs/stderr"
            rc=$?
            [ $rc -le 2 ] || fail "$mode, allocation $n of '$*': exit status $rc: $(tail -1 "$logs/stderr")"
            grep -q "died of signal\|worker died" "$logs/stderr" && fail "$mode, allocation $n of '$*': $(cat "$logs/stderr")"
            grep -qi "memory" "$logs/stderr" && met=$((met + 1))
            [ $rc -eq 0 ] || tail -1 "$logs/stderr" | grep -q "^expunge: " || fail "$mode, allocation $n of '$*': no sentence: $(tail -1 "$logs/stderr")"
        done
    done
    echo "$1: $all allocations, one in $step of $most failed, $met times told"
    [ $met -gt 5 ] || fail "'$*' met the end of memory $met times only: the preloaded library does nothing"
}
try 2000 1 inspect w.safetensors
try 2000 1 inspect w.pt --json
try 2000 1 inspect results/t/none*.h5
try 2000 1 attack --name loss,entropy --signals signals.h5
try 2000 1 report results/t -o r
try 4000 7 eval --arch mlp --data gaussians --weights w.safetensors
try 4000 41 unlearn --arch mlp --data gaussians --weights w.safetensors --forget 3 --method svd -o u.safetensors
try 4000 97 run c.yaml --results r2
exit 0
