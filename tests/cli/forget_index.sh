# Single images are forgotten by unlearn and counted by eval; what cannot do that says so in one sentence.
. "$EXPUNGE_TESTS/cli/common"

gaussians="--arch mlp --data gaussians --threads 1"
ok train $gaussians --set epochs=3 -o o.safetensors
printf '10-29\n3\n' >list.txt
ok eval $gaussians --weights o.safetensors --forget-index list.txt
has stdout "train split of gaussians"
has stdout "forgotten: 21 images of 4 classes"
grep -q "^ACC_f .* n = 21$" "$logs/stdout" || fail "ACC_f is not of the 21 images"
ok eval $gaussians --weights o.safetensors --forget-index list.txt --json
has stdout '"n_forget": 21'
has stdout '"id": "images-21-'

for method in svd finetune random_label; do
    ok unlearn $gaussians --weights o.safetensors --forget-index list.txt --method $method -o $method.safetensors
    has stdout "forgotten: 21 images of 4 classes"
    grep -q "^ACC_f (n =    21)" "$logs/stdout" || fail "$method: ACC_f is not of the 21 images"
    cmp -s o.safetensors $method.safetensors && fail "$method: nothing changed"
    ok unlearn $gaussians --weights o.safetensors --forget-index list.txt --method $method -o again.safetensors
    cmp -s again.safetensors $method.safetensors || fail "$method: the same seed gives other bits"
done
ok unlearn $gaussians --weights o.safetensors --forget-index list.txt --method svd --json -o svd.safetensors
has stdout '"samples_forget": 21'
has stdout '"forget": []'

# retraining never sees them: other pixels in their place change no weight
. "$EXPUNGE_TESTS/scripts/python"
need_python h5py numpy
"$python" - <<'PY'
import h5py, numpy as np
rng = np.random.default_rng(0)
x, y = rng.integers(0, 256, (90, 1, 6, 6)).astype(np.uint8), (np.arange(90) % 3).astype(np.int64)
for name in ("a.h5", "b.h5"):
    with h5py.File(name, "w") as f:
        f["train/images"], f["train/labels"] = x, y
        f["test/images"], f["test/labels"] = x[:30], y[:30]
    x = x.copy()
    x[[2, 5, 6, 80]] = 255 - x[[2, 5, 6, 80]]
PY
printf '2\n5-6\n80\n' >four.txt
learn="--arch mlp --threads 1"
ok train $learn --data hdf5:a.h5 --set epochs=2 -o ha.safetensors
ok train $learn --data hdf5:b.h5 --set epochs=2 -o hb.safetensors
ok unlearn $learn --data hdf5:a.h5 --weights ha.safetensors --forget-index four.txt --method retrain -o ra.safetensors
ok unlearn $learn --data hdf5:b.h5 --weights hb.safetensors --forget-index four.txt --method retrain -o rb.safetensors
weights() { # of a safetensors file: what stands behind its header
    "$python" -c "import sys; b = open(sys.argv[1], 'rb').read(); sys.stdout.buffer.write(b[8 + int.from_bytes(b[:8], 'little'):])" "$1" | sha256sum
}
[ "$(weights ra.safetensors)" = "$(weights rb.safetensors)" ] || fail "retraining saw a forgotten image"
[ "$(weights ha.safetensors)" != "$(weights hb.safetensors)" ] || fail "this test could not have failed"

# refused
refused() { # refused TEXT OPTION...
    text=$1 && shift
    "$EXPUNGE" "$@" >"$logs/stdout" 2>"$logs/stderr" && fail "$*: not refused"
    [ "$(wc -l <"$logs/stderr")" -eq 1 ] || fail "$*: not one line"
    has stderr "$text"
}
unlearn="unlearn $gaussians --weights o.safetensors -o x.safetensors --quiet"
for method in mask_logit unsir boundary_shrink boundary_expand; do
    refused "$method removes whole classes only, not single images" $unlearn --forget-index list.txt --method $method
    "$EXPUNGE" list methods | grep -A3 "^$method " | grep -q "whole classes only" || fail "the list does not say it of $method"
done
refused "--forget and --forget-index exclude each other" $unlearn --forget 1 --forget-index list.txt --method svd
refused "what is to be forgotten is missing" $unlearn --method svd
refused "leave --split out" eval $gaussians --weights o.safetensors --forget-index list.txt --split test --quiet
echo 999999 >far.txt
refused "far.txt: image 999999 of the train split is not among" $unlearn --forget-index far.txt --method svd
[ -e x.safetensors ] && fail "something was written"
true
