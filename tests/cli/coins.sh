# Canaries from training to an audit that is checked: what a coin left out is in nobody's training, and what it proves.
. "$EXPUNGE_TESTS/cli/common"
. "$EXPUNGE_TESTS/scripts/python"
need_python h5py numpy

# faces of pure noise, so that only a model that saw one knows its label
"$python" - <<'PY'
import h5py, numpy as np
rng = np.random.default_rng(0)
with h5py.File("noise.h5", "w") as f:
    for split, n in (("train", 600), ("test", 120)):
        f[split + "/images"] = rng.integers(0, 256, (n, 1, 6, 6)).astype(np.uint8)
        f[split + "/labels"] = (np.arange(n) % 3).astype(np.int64)
PY
noise="--arch mlp --data hdf5:noise.h5 --threads 1"
learn="--set epochs=30 --set batch_size=60 --set augment=false --set weight_decay=0"
ok train $noise $learn --canaries 400 -o o.safetensors
has stdout "canaries: 400 images with their own labels: "
in=$(sed -n 's/.*labels: \([0-9]*\) held in.*/\1/p' "$logs/stdout")
ok inspect o.safetensors
has stdout "  canaries: 400 images with their own labels: $in held in, $((400 - in)) left out"
grep -q "expunge.canaries:" "$logs/stdout" && fail "inspect prints the list of canaries"
ok inspect o.safetensors --json
has stdout "\"held_in\": $in,"

# the same seed draws the same coins, and coins do not depend on how many canaries there are
list() { "$EXPUNGE" inspect "$1" --json | sed -n 's/.*"expunge.canaries": "\(.*\)".*/\1/p' | tr ' ' '\n'; }
ok train $noise --set epochs=1 --canaries 600 -o all.safetensors
[ "$(list all.safetensors | wc -l)" -eq 600 ] || fail "not 600 canaries"
[ -z "$(comm -23 <(list o.safetensors | sort) <(list all.safetensors | sort))" ] || fail "a coin depends on the other canaries"
ok train $noise --set epochs=1 --canaries 400 -o again.safetensors
[ "$(list again.safetensors)" = "$(list o.safetensors)" ] || fail "other canaries from the same seed"

# what a coin left out changes no weight: its pixels are as good as any
"$python" - <<'PY'
import h5py, json, subprocess, os
meta = json.loads(subprocess.run([os.environ["EXPUNGE"], "inspect", "again.safetensors", "--json"], capture_output=True, check=True).stdout)
out = [int(w.split(":")[0]) for w in meta["metadata"]["expunge.canaries"].split() if w.endswith("-")]
with h5py.File("noise.h5") as f, h5py.File("other.h5", "w") as g:
    for name in ("train/images", "train/labels", "test/images", "test/labels"):
        g[name] = f[name][:]
    for i in out:
        g["train/images"][i] = 255 - g["train/images"][i]
PY
ok train --arch mlp --data hdf5:other.h5 --threads 1 --set epochs=1 --canaries 400 -o other.safetensors
same_weights() { # same_weights A B
    "$python" - "$1" "$2" <<'PY' || fail "$1 and $2 hold other weights"
import sys
def tensors(path):
    b = open(path, "rb").read()
    return b[8 + int.from_bytes(b[:8], "little"):]
sys.exit(tensors(sys.argv[1]) != tensors(sys.argv[2]))
PY
}
same_weights again.safetensors other.safetensors
for f in again other; do
    data=hdf5:noise.h5
    [ $f = again ] || data=hdf5:other.h5
    ok unlearn --arch mlp --data $data --threads 1 --weights $f.safetensors --forget 1 --method finetune --set epochs=1 -o u-$f.safetensors
done
same_weights u-again.safetensors u-other.safetensors
for f in again other; do
    data=hdf5:noise.h5
    [ $f = again ] || data=hdf5:other.h5
    ok audit --arch mlp --data $data --threads 1 --weights $f.safetensors --forget 1 --attacks loss --set draws=100 \
        --make-retrained 1 --set epochs=1 -o r-$f
done
same_weights r-again.cache/*.safetensors r-other.cache/*.safetensors

# the audit of a model that knows its training images by heart, of one whose canaries are of the forgotten class, and of one
# that was unlearned and lost its metadata
audit="audit $noise --forget 1 --attacks loss --set draws=100"
ok $audit --weights o.safetensors -o whole
has stdout "coins, audited model, canaries of all classes: of "
bound() { # bound DIR MODEL SET: epsilon, ceiling, n, held in
    "$python" - "$@" <<'PY'
import json, sys
for row in json.load(open(sys.argv[1] + "/report.json"))["results"]["coins"]["bounds"]:
    if [row["model"], row["canaries"]] == sys.argv[2:]:
        assert 0 <= row["epsilon_lower"] <= row["largest_provable"] and (row["delta"], row["alpha"]) == (1e-5, 0.05)
        print(row["epsilon_lower"], row["largest_provable"], row["n"], row["held_in"])
PY
}
read -r epsilon ceiling n held <<<"$(bound whole unlearned all)"
[ "$n $held" = "400 $in" ] || fail "bound over $n canaries, $held held in"
"$python" -c "import sys; sys.exit(not $epsilon > 1)" || fail "a model that knows its images by heart: epsilon $epsilon of $ceiling"
for f in whole/report.html whole/report.md; do
    grep -q "Coins: what one training gives away" $f || fail "$f says nothing of coins"
done
grep -q "fair coin each chose them" whole/report.json || fail "report.json does not say what coins are good for"
"$python" - <<'PY' || fail "points of the games were left out of the training"
import h5py
with h5py.File("whole/signals.h5") as f:
    p, c = f["points"], f["canaries"]
    members = set(p["position"][:][(p["group"][:] % 2 == 0) & (p["test"][:] == 0)])
    left_out = set(c["position"][:][c["coin"][:] == 0])
    assert len(members) == 600 - len(left_out) and not members & left_out
PY
ok audit --verify whole

ok train $noise $learn --canaries 150 --canary-classes 1 -o one.safetensors
ok unlearn $noise --weights one.safetensors --forget 1 --method retrain -o none.pt
ok $audit --weights none.pt --original one.safetensors --make-retrained 2 $learn -o forgot
has stdout "coins, audited model, canaries of the forgotten classes: "
[ "$("$python" -c 'import json; print(len(json.load(open("forgot/report.json"))["results"]["coins"]["bounds"]))')" = 2 ] || fail "not a bound for each model"
read -r epsilon ceiling n held <<<"$(bound forgot unlearned forgotten)"
"$python" -c "import sys; sys.exit(not ($n == 150 and $epsilon == 0 < $ceiling))" || fail "a retrained model gives away coins: epsilon $epsilon"
read -r epsilon ceiling n held <<<"$(bound forgot original forgotten)"
"$python" -c "import sys; sys.exit(not $epsilon > 0.5)" || fail "the original gives away no coins: epsilon $epsilon of $ceiling"
ok audit --verify forgot
"$python" - <<'PY'
b = open("one.safetensors", "rb").read()
n = int.from_bytes(b[:8], "little")
import json
head = json.loads(b[8:8 + n])
head["__metadata__"] = {"format": "pt"}
head = json.dumps(head).encode()
open("bare.safetensors", "wb").write(len(head).to_bytes(8, "little") + head + b[8 + n:])
PY
ok unlearn $noise --weights bare.safetensors --forget 1 --method mask_logit -o bare.pt
ok $audit --weights bare.pt --original one.safetensors -o bare
has stdout "coins, audited model, canaries of the forgotten classes: "
ok $audit --weights bare.pt -o bare
grep -q '"coins"' bare/report.json && fail "coins that nobody knows of"

# wrong labels: forgotten are canaries that were trained as the class
ok train $noise $learn --canaries 100 --canary-kind label --canary-classes 1 -o wrong.safetensors
has stdout "canaries: 100 images with wrong labels: "
ok $audit --weights wrong.safetensors --make-retrained 1 --set epochs=1 -o wrong
ls wrong.cache/canaries-*/*.safetensors >/dev/null || fail "a model with wrong labels is kept like one without"
read -r epsilon ceiling n held <<<"$(bound wrong unlearned forgotten)"
[ "$n" = 100 ] || fail "not all canaries are trained as class 1"
"$python" - <<'PY' || fail "a canary with a wrong label plays a game"
import h5py
with h5py.File("wrong/signals.h5") as f:
    p, c = f["points"], f["canaries"]
    members = set(p["position"][:][p["test"][:] == 0])
    assert len(members) == 500 and not members & set(c["position"][:])
PY
grep -q "The canaries have wrong labels" wrong/report.md || fail "the page does not say which kind"

# a file from anywhere, and coins that were turned in the signals under a manifest that was made to fit
"$python" - <<'PY'
import h5py
with h5py.File("whole/signals.h5") as f, h5py.File("mine.h5", "w") as g:
    for name in ("points/labels", "points/group", "unlearned/logits", "canaries/labels", "canaries/coin", "canaries/unlearned_logits"):
        g[name] = f[name][:]
PY
ok audit --signals mine.h5 --attacks loss --set draws=100 -o mine
[ "$(bound mine unlearned all)" = "$(bound whole unlearned all)" ] || fail "other bounds from the same logits"
grep -q "on the word of whoever wrote the file" mine/report.md || fail "the page does not say who answers for the coins"
ok audit --verify mine
turn() { # turn DIR ARRAY TEXT
    "$python" - "$1" "$2" <<'PY'
import h5py, hashlib, re, sys
name = sys.argv[1] + "/signals.h5"
with h5py.File(name, "r+") as f:
    f["canaries/" + sys.argv[2]][3] ^= 1
h = hashlib.sha256(open(name, "rb").read()).hexdigest()
m = open(sys.argv[1] + "/manifest.json").read()
m = re.sub(r'("signals.h5",\s*"sha256": ")[0-9a-f]*', lambda k: k[1] + h, m)
m = re.sub(r'("manifest_sha256": ")[0-9a-f]*', lambda k: k[1] + "0" * 64, m)
m = re.sub(r'("manifest_sha256": ")[0-9a-f]*', lambda k, h=hashlib.sha256(m.encode()).hexdigest(): k[1] + h, m)
open(sys.argv[1] + "/manifest.json", "w").write(m)
PY
    "$EXPUNGE" audit --verify "$1" >"$logs/stdout" 2>"$logs/stderr" && fail "$1: --verify is content with a coin that was turned"
    has stdout "$3"
}
cp -r whole keep
turn whole forgotten "manifest.json page.forget: names other classes than those of the forgotten canaries in signals.h5"
rm -r whole && mv keep whole
turn whole coin "the coin of canary 3 is not the one that seed 0 gives to image "
turn mine coin "report.json results.coins.bounds[2].held_in: the report says $in, but the signals give "

refuses 2 "--canaries 601: only 600 training images can be canaries" train $noise --canaries 601 -o x.pt
refuses 2 "--canaries '0': must be a whole number from 1" train $noise --canaries 0 -o x.pt
refuses 2 "--canaries 201: only 200 training images" train $noise --canaries 201 --canary-classes 1 -o x.pt
refuses 2 "--canary-kind 'noise': must be image or label" train $noise --canaries 5 --canary-kind noise -o x.pt
refuses 2 "none without --canaries N" train $noise --canary-classes 1 -o x.pt
refuses 2 "class 1, which --exclude leaves out" train $noise --canaries 5 --exclude 1 --canary-classes 1 -o x.pt
refuses 1 "drawn from other images" unlearn --arch mlp --data hdf5:other.h5 --weights o.safetensors --forget 1 --method svd -o x.pt
refuses 1 "were trained with different canaries" $audit --weights o.safetensors --original one.safetensors -o x
