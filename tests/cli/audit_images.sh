# An audit of weights that were to forget a list of images: who stands in which group, retrained models and shadow models
# without exactly these images, a folder that is checked, and what is refused.
. "$EXPUNGE_TESTS/cli/common"
. "$EXPUNGE_TESTS/scripts/python"
need_python h5py numpy

# two sets that differ only in the images of the list: class 2 of three is forgotten whole, of the others some
"$python" - <<'PY'
import h5py, numpy as np
rng = np.random.default_rng(0)
y = (np.arange(360) % 3).astype(np.int64)
x = np.clip(rng.normal(100 + 60 * y[:, None, None, None], 60, (360, 1, 6, 6)), 0, 255).astype(np.uint8)
at = np.arange(240)
listed = np.sort(np.concatenate([at[y[:240] == 2], at[y[:240] == 0][:20], at[y[:240] == 1][5:15]]))
open("list.txt", "w").writelines(f"{i}\n" for i in listed)
for name in ("a.h5", "b.h5"):
    with h5py.File(name, "w") as f:
        f["train/images"], f["train/labels"] = x[:240], y[:240]
        f["test/images"], f["test/labels"] = x[240:], y[240:]
    x = x.copy()
    x[listed] ^= 1
PY
learn="--arch mlp --threads 1"
audit="--attacks loss,logistic --make-retrained 2 --set epochs=3 --set batch_size=32 --set draws=100 --forget-index list.txt"
for set in a b; do
    ok train $learn --data hdf5:$set.h5 --set epochs=3 --set batch_size=32 -o $set.safetensors
    ok unlearn $learn --data hdf5:$set.h5 --weights $set.safetensors --forget-index list.txt --method finetune --set epochs=1 -o $set-f.safetensors
    ok audit $learn --data hdf5:$set.h5 --weights $set-f.safetensors --original $set.safetensors $audit -o audit-$set
done
has stdout "asked to forget: images-110-"
grep -q "forgetting 110 images of 0,1,2" audit-a/report.md || fail "the page does not say what was to be forgotten: $(head -3 audit-a/report.md)"
grep -q "trained on all classes" audit-a/report.md && fail "models retrained without a list must see all classes"
"$python" - <<'PY' || fail "the groups are not the list's"
import h5py, json, numpy as np
listed = np.array([int(line) for line in open("list.txt")])
with h5py.File("audit-a/signals.h5") as f:
    group, label, at = (f["points/" + name][:] for name in ("group", "labels", "position"))
    assert (np.sort(at[group == 0]) == listed).all()
    assert (np.sort(at[group == 2]) == np.setdiff1d(np.arange(240), listed)).all()
    held = [(g, c, int(((group == g) & (label == c)).sum())) for g in (1, 3) for c in range(3)]
    assert held == [(1, 0, 20), (1, 1, 20), (1, 2, 40), (3, 0, 20), (3, 1, 20), (3, 2, 0)], held
    assert (np.sort(at[(group == 1) | (group == 3)]) == np.arange(120)).all()
    assert f["retrained/logits"].shape[0] == 2
report = json.load(open("audit-a/report.json"))
assert report["forget"].startswith("images-110-") and report["forget_names"][0].startswith("110 images of 0,1,2"), report["forget_names"]
assert sorted(report["results"]["games"]) == ["forget", "models", "retain"]
PY
weights() { # of a safetensors file: what stands behind its header
    "$python" -c "import sys; b = open(sys.argv[1], 'rb').read(); sys.stdout.buffer.write(b[8 + int.from_bytes(b[:8], 'little'):])" "$1" | sha256sum
}
for i in 00 01; do
    [ "$(weights audit-a.cache/retrained-*-$i-*.safetensors)" = "$(weights audit-b.cache/retrained-*-$i-*.safetensors)" ] ||
        fail "retrained model $i saw an image of the list"
done
[ "$(weights a.safetensors)" != "$(weights b.safetensors)" ] || fail "this test could not have failed"

# the folder is checked, with the list as one of its inputs
ok audit --verify audit-a
has stdout "follow from signals.h5"
sed -i 's/"forget": "images-110-[0-9a-f]*"/"forget": "images-110-0123456789abcdef"/' audit-a/manifest.json
"$EXPUNGE" audit --verify audit-a >"$logs/stdout" 2>&1 && fail "another list passes"
has stdout "page.forget: names other images than those that were forgotten"
cp list.txt whole.txt && tail -n +2 whole.txt >list.txt
"$EXPUNGE" audit --verify audit-b >"$logs/stdout" 2>&1 && fail "a list that was changed passes"
has stdout "list.txt: is not the input that was audited"
mv whole.txt list.txt

# shadow models of the same list: which of them are taken, and what they were trained on
cat >s.yaml <<'YAML'
name: s
data: gaussians
arch: mlp
forget: [{random: 0.1, seed: 1}]
validation: 0
relearn: false
probe: false
train: {epochs: 2, batch_size: 64, augment: false}
shadows: {pairs: 4, pool: 800, retrained: 2}
methods: [retrain, {name: finetune, set: {epochs: 1}}]
YAML
ok run s.yaml --results r --threads 1
S=r/s/shadows
list=$(basename $S/target-forget-images-*.txt)
"$python" - $S "$list" <<'PY' || fail "the lists of the shadow models are not those of the halves"
import json, sys
folder, target = sys.argv[1:]
read = lambda name: set(open(f"{folder}/{name}"))
rows = json.load(open(folder + "/shadows.json"))["models"]
made = [row for row in rows if row["role"] != "original"]
assert len(made) == 8 and all("forget" not in row for row in made), made
listed = read(made[0]["forget_index"])
assert all(row["forget_index"] == made[0]["forget_index"] for row in made)
assert read(target) == listed & read("target-in.txt") and 0 < len(read(target)) < len(listed)
PY
shadow="$learn --data gaussians --weights $(echo $S/../models/finetune-*.safetensors) --train-index $S/target-in.txt --test-index $S/target-out.txt --shadow $S --set draws=100"
ok audit $shadow --attacks ulira,lira_online --forget-index "$S/$list" -o shadowed
"$python" - <<'PY' || fail "the shadow models of the list were not taken"
import h5py
with h5py.File("shadowed/signals.h5") as f:
    assert [f[name + "/logits"].shape[0] for name in ("shadow", "shadow_unlearned", "shadow_retrained")] == [4, 4, 4]
PY
ok audit --verify shadowed
head -n 5 "$S/$list" >few.txt
ok audit $shadow --attacks lira_online --forget-index few.txt -o few
"$python" -c 'import h5py, sys; sys.exit("shadow_unlearned" in h5py.File("few/signals.h5"))' || fail "shadow models of another list were taken"

refuses 2 "exclude each other" audit $learn --data hdf5:a.h5 --weights a-f.safetensors --forget 1 --forget-index list.txt -o x
refuses 2 "no models, data or pictures" audit --signals audit-b/signals.h5 --forget-index list.txt -o x
echo 999 >far.txt
refuses 2 "image 999 of the train split" audit $learn --data hdf5:a.h5 --weights a-f.safetensors --forget-index far.txt -o x
exit 0
