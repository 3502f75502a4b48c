# The n-th allocation fails, and all later ones, or it alone: a sentence or the result, never a signal.
# limit: 3000 s
. "$EXPUNGE_TESTS/cli/common"
. "$EXPUNGE_TESTS/scripts/python"
only_long
shim allocation
toy_config 'forget: [0]' 'train: {epochs: 1, batch_size: 1024, augment: false}' 'methods: [none, retrain]'
ok run c.yaml --threads 1
ok train $tiny_train --threads 1 --quiet -o w.safetensors
ok unlearn $toy --weights w.safetensors --forget 3 --method none --quiet -o w.pt
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

timeless() { sed -E 's/[0-9]+\.[0-9]+ s\>/T s/g'; }
# try MOST STEP COMMAND...: every STEP-th of its allocations, MOST of them at most. What ends well prints what it always
# prints, where that is the same each time. ./new is gone before each.
try() {
    local most=$1 step=$2 n rc mode met=0 all same
    shift 2
    rm -rf count new
    "$EXPUNGE" "$@" --threads 1 2>/dev/null | timeless >first
    rm -rf new
    env LD_PRELOAD="$PWD/shim.so" SHIM_COUNT="$PWD/count" "$EXPUNGE" "$@" --threads 1 >"$logs/stdout" 2>"$logs/stderr" || fail "$*: $(cat "$logs/stderr")"
    timeless <"$logs/stdout" | cmp -s first - && same=1
    all=$(sort -n count | tail -1)
    [ "$all" -gt 20 ] || fail "'$*' has $all allocations: the preloaded library counts none"
    [ $most -lt $all ] || most=$all
    for mode in SHIM_ALL_LATER=1 SHIM_ONCE=1; do
        for ((n = 1; n <= most; n += step)); do
            rm -rf new
            env LD_PRELOAD="$PWD/shim.so" SHIM_ALLOCATION=$n $mode timeout 120 "$EXPUNGE" "$@" --threads 1 >"$logs/stdout" 2>"$logs/stderr"
            rc=$?
            [ $rc -le 2 ] || fail "$mode, allocation $n of '$*': exit status $rc: $(tail -1 "$logs/stderr")"
            grep -q "killed by signal\|worker was killed" "$logs/stderr" && fail "$mode, allocation $n of '$*': $(cat "$logs/stderr")"
            grep -qi "memory" "$logs/stderr" && met=$((met + 1))
            [ $rc -eq 0 ] || tail -1 "$logs/stderr" | grep -q "^expunge: " || fail "$mode, allocation $n of '$*': no sentence: $(tail -1 "$logs/stderr")"
            [ $rc -ne 0 ] || [ ! "$same" ] || timeless <"$logs/stdout" | cmp -s first - || fail "$mode, allocation $n of '$*': another answer: $(timeless <"$logs/stdout" | diff first -)"
        done
    done
    echo "$1: $all allocations, one in $step of $most failed, $met times told"
    [ $met -gt 5 ] || fail "'$*' met the end of memory $met times only: the preloaded library does nothing"
}
try 2000 1 inspect w.safetensors
try 2000 1 inspect w.pt --json
try 2000 1 inspect results/t/none*.h5
try 2000 1 attack --name loss,entropy --signals signals.h5
try 2000 1 report results/t -o new
try 4000 7 eval $toy --weights w.safetensors
try 4000 41 unlearn $toy --weights w.safetensors --forget 3 --method svd -o u.safetensors
try 4000 97 run c.yaml --results new
try 2000 1 list methods
try 2000 7 cache list
try 2000 7 cache prune results --unused --dry-run
try 4000 41 train $tiny_train --quiet -o t.safetensors
try 4000 17 predict $toy --weights w.safetensors --split test -o p.h5
try 4000 41 bench --arch mlp --precision f32
audit="$toy --forget 1 --set points=100 --set draws=100"
try 20000 499 audit $audit --weights w.safetensors -o a
try 20000 199 audit --verify a
exit 0
