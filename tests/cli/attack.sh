# `expunge attack`: the examples of docs/signals.md as they stand there, the JSON contract, and one line for every broken file.
. "$EXPUNGE_TESTS/cli/common"
refuses 2 "--name LIST is missing" attack --signals s.h5
refuses 2 "--signals F is missing" attack --name loss
refuses 1 "none.h5" attack --name loss --signals none.h5
. "$EXPUNGE_TESTS/scripts/python"
python_with h5py torch || need_python h5py

# blocks FILE: writes the page's n-th python block to blocks/n.py
mkdir blocks
awk '/^```python/ { n++; on = 1; next } /^```/ { on = 0 } on { print > ("blocks/" n ".py") }' "$EXPUNGE_TESTS/../docs/signals.md"
[ "$(ls blocks | wc -l)" -eq 2 ] || fail "docs/signals.md has not two Python blocks"
"$python" blocks/1.py || fail "the NumPy example"
files=signals.h5
if "$python" -c 'import torch' 2>/dev/null; then
    "$python" blocks/2.py || fail "the PyTorch example"
    files="$files signals_torch.h5"
fi
rm -r blocks
for f in $files; do
    ok attack --name loss,svc --signals $f
    has stdout "loss"
    has stdout "svc: fitted to"
done

# numbers against an independent computation
ok attack --name loss,svc --signals signals.h5 --set svc.features=entropy --json -o scores.h5
cp "$logs/stdout" out.json
"$python" - <<'PY' || fail "the JSON or the scores are not what docs/signals.md says"
import h5py, json, numpy as np
f, s = h5py.File("signals.h5"), h5py.File("scores.h5")
z, y, role = f["target/logits"][:], f["target/labels"][:], f["target/role"][:]
loss = np.log(np.exp(z).sum(1)) - z[np.arange(len(y)), y]
got = s["loss/score"][:]
assert got.dtype == np.float64 and np.allclose(got, -loss, rtol=1e-9, atol=0)
out = json.load(open("out.json"))
assert [a["name"] for a in out["attacks"]] == ["loss", "svc"]
assert (out["members"], out["non_members"], out["audited"], out["classes"]) == (500, 500, 100, 10)
a, svc = out["attacks"]
m, n = got[role == 1], got[role == 0]
auc = ((m[:, None] > n).mean() + (m[:, None] >= n).mean()) / 2
assert abs(a["auc"] - auc) < 1e-12 and a["auc_ci"][0] < auc < a["auc_ci"][1]
for fpr in ("0.001", "0.01", "0.1"):
    t = a["tpr_at_fpr"][fpr]
    assert set(t) == {"value", "ci", "within_fpr", "fpr", "n"} and t["n"] == 500
    if fpr == "0.001": # fewer than 999 non-members
        assert t["value"] is None and t["within_fpr"] is None
        continue
    best = max((m >= c).mean() for c in np.r_[got, np.inf] if (n >= c).mean() <= float(fpr))
    assert abs(t["within_fpr"] - best) < 1e-12, (fpr, t, best)
    k, edge = float(fpr) * 501, np.sort(n)[::-1] # between the k-th largest non-member and the next, ties half
    above = [((m > c).mean() + (m >= c).mean()) / 2 for c in edge[int(k) - 1 : int(k) + 1]]
    want = above[0] + (k - int(k)) * (above[1] - above[0])
    assert abs(t["value"] - want) < 1e-9 and t["ci"][0] <= want <= t["ci"][1], (fpr, t, want)
assert a["tpr_at_fpr"]["0.001"]["ci"] is None
share = (got[role == 2] >= a["threshold"]).mean()
assert abs(a["member_share"] - share) < 1e-12 and abs(a["efficacy"] + share - 1) < 1e-12
tpr, tnr = (m >= a["threshold"]).mean(), (n < a["threshold"]).mean()
assert abs(a["balanced_accuracy"] - (tpr + tnr) / 2) < 1e-12
e = a["epsilon"]
assert [x["method"] for x in e] == ["simultaneous", "gaussian"] and a["epsilon_lower"] == e[0]["lower"] >= 0
assert 0 < e[0]["largest_provable"] < np.log(500) and (e[0]["delta"], e[0]["alpha"]) == (1e-5, 0.05)
assert a["fitted"] == "no" and svc["fitted"] == "to these points" and svc["epsilon_lower"] is None
h = a["balanced_accuracy_holdout"]
assert h["ci"][0] < h["value"] < h["ci"][1] and h["n"] == 500 and svc["balanced_accuracy_holdout"]["value"] is None
assert svc["params"]["features"] == "entropy" and svc["threshold"] == 0 and svc["own_threshold"]
for attack in out["attacks"]: # its own parameters, each once
    text = s[attack["name"]].attrs["params"]
    assert text == "{" + ", ".join(f"{k}: {v}" for k, v in attack["params"].items()) + "}", (text, attack["params"])
assert abs(svc["efficacy"] - (s["svc/score"][:][role == 2] < 0).mean()) < 1e-12
PY
ok attack --name loss,svc --signals signals.h5 --set svc.features=entropy -o again.h5 --threads 2
"$python" - <<'PY' || fail "other scores with two threads"
import h5py
a, b = h5py.File("scores.h5"), h5py.File("again.h5")
assert all((a[k + "/score"][:] == b[k + "/score"][:]).all() for k in a)
PY
ok attack --name all --signals signals.h5
has stdout "bal. acc. [95%]"
grep -q '^loss *[01][.][0-9]* \[[0-9., ]*\] *[01][.][0-9]* \[' "$logs/stdout" || fail "no held-out balanced accuracy"
awk '/^attack/, NF == 0 { if (length > 100) exit 1 }' "$logs/stdout" || fail "the table is over 100 columns"
has stdout "svc"

# float32 logits, integer types of every width, booleans; no audited points; strangers
"$python" - <<'PY'
import h5py, numpy as np
rng = np.random.default_rng(1)
N, K, S = 60, 4, 3
def write(name, drop=(), **more):
    a = {"target/logits": rng.normal(size=(N, K)).astype(np.float32), "target/labels": rng.integers(0, K, N),
         "target/role": np.arange(N) % 3}
    a.update({k.replace("__", "/"): v for k, v in more.items()})
    with h5py.File(name + ".h5", "w") as f:
        for k, v in a.items():
            if k not in drop: f[k] = v
write("good", target__labels=rng.integers(0, K, N).astype(np.int16), shadow__logits=rng.normal(size=(S, N, K)),
      shadow__keep=rng.integers(0, 2, (S, N)).astype(bool), shadows__logits=[1.0], target__rolls=[1], **{"ta\x1b[2Jr\ngot__x": [1]})
write("noaudit", target__role=np.arange(N) % 2)
write("constant", target__logits=np.zeros((N, K)))
nan = np.zeros((N, K)); nan[7, 2] = np.nan
write("nan", target__logits=nan)
write("norole", drop=["target/role"])
write("nologits", drop=["target/logits"])
write("flat", target__logits=np.zeros(N))
write("short", target__labels=np.zeros(N - 1, int))
write("label", target__labels=np.full(N, K))
write("floatlabel", target__labels=np.zeros(N))
write("intlogits", target__logits=np.zeros((N, K), int))
write("role3", target__role=np.full(N, 256))
write("nobody", target__role=np.zeros(N, int))
write("onlyaudited", target__role=np.full(N, 2))
write("oneclass", target__logits=np.zeros((N, 1)), target__labels=np.zeros(N, int))
write("empty", target__logits=np.zeros((0, K)), target__labels=np.zeros(0, int), target__role=np.zeros(0, int))
write("text", target__logits="hello")
write("shadowshape", shadow__logits=np.zeros((S, N, K + 1)), shadow__keep=np.zeros((S, N), int))
write("nokeep", shadow__logits=np.zeros((S, N, K)))
write("keep2", shadow__logits=np.zeros((S, N, K)), shadow__keep=np.full((S, N), 2))
write("onlykeep", shadow__keep=np.zeros((S, N), int))
write("poplabels", population__logits=np.zeros((5, K)))
write("shadowpop", shadow__logits=np.zeros((S, N, K)), shadow__keep=np.zeros((S, N), int), shadow__population_logits=np.zeros((S, 5, K)))
write("oneshadow", shadow__logits=np.zeros((1, N, K)), shadow__keep=np.ones((1, N), int))
models = lambda n: rng.normal(size=(6, n, K))
every = dict(shadow__logits=models(N), shadow__keep=np.add.outer(np.arange(6), np.arange(N)) % 2, population__logits=models(50)[0],
             population__labels=rng.integers(0, K, 50), shadow__population_logits=models(50), unlearned__logits=models(N),
             retrained__logits=models(N), original__logits=models(N)[0])
write("every", **every)
write("unlearnedkeep", **every, unlearned__keep=np.add.outer(np.arange(6), np.arange(N)) % 2)
write("unlearnedkeep2", **every, unlearned__keep=np.full((6, N), 2))
write("keepalone", unlearned__keep=np.ones((6, N), int))
write("ownshadow", **{**every, "unlearned__logits": np.stack([every["retrained__logits"][0]] * 3),
                      "target__logits": every["retrained__logits"][0]})
write("unlearned", unlearned__logits=np.zeros((2, N + 1, K)))
pairs = dict(unlearned__pair=np.arange(6), retrained__pair=np.arange(6)[::-1])
write("pairs", **every, **pairs)
write("pairless", **every, **{**pairs, "retrained__pair": np.arange(5)})
write("pairalone", unlearned__pair=np.arange(6))
write("retrained", retrained__logits=np.zeros((N, K)))
write("original", original__logits=np.zeros((1, N, K)))
PY
ok attack --name loss --signals good.h5
has stderr "good.h5: /shadows is not part of a signals file and is ignored; did you mean /shadow?"
has stderr "did you mean /target/role?"
has stderr 'ta\u001b[2Jr\u000agot is not part of a signals file'
ok attack --name loss --signals noaudit.h5 --json
has stdout '"member_share": null'
has stdout '"efficacy_ci": null'
ok attack --name loss --signals constant.h5 --json
has stderr "it distinguishes none of them"
has stdout '"auc": 0.5'

# probabilities are taken as logits, but not without a word; logits and log p are not suspected
"$python" - <<'PY'
import h5py, numpy as np
with h5py.File("every.h5") as f:
    arrays = {n: f[n][:] for n in ("target/logits", "target/labels", "target/role", "shadow/logits", "shadow/keep")}
def softmax(z): e = np.exp(z); return e / e.sum(-1, keepdims=True)
def write(name, change):
    with h5py.File(name + ".h5", "w") as f:
        for k, v in arrays.items(): f[k] = change(v) if k.endswith("logits") else v
write("probabilities", softmax)
write("rounded", lambda z: np.round(softmax(z), 3))
write("logp", lambda z: np.log(softmax(z)))
write("some", lambda z: np.where((np.arange(z.shape[-2]) < 30)[:, None], softmax(z), z))
write("few", lambda z: np.where((np.arange(z.shape[-2]) < 29)[:, None], softmax(z), z))
PY
for f in probabilities rounded; do
    ok attack --name loss,lira_online --signals $f.h5 --json
    has stderr "expunge: warning: $f.h5: 60 of 60 rows of /target/logits, 360 of 360 rows of /shadow/logits are in 0..1 and sum to 1: they look like probabilities, but are taken as logits; pass log p"
    has stdout '"notes": "60 of 60 rows of /target/logits, 360 of 360'
done
ok attack --name loss --signals some.h5
has stderr "30 of 60 rows of /target/logits, 180 of 360 rows"
for f in logp few every; do
    ok attack --name loss --signals $f.h5 --json
    ! grep -q "probabilities" "$logs/stderr" || fail "$f.h5 is taken for probabilities"
    has stdout '"notes": ""'
done

# one that cannot be made leaves the others' results; where none can, the last line says so
ok attack --name lira_online,loss,rmia_online --signals probabilities.h5 --json -o left.h5
has stderr "left out: attack rmia_online: this attack needs a population"
"$python" - "$logs/stdout" <<'PY' || fail "the attacks of a list that can be made, and what became of the other"
import h5py, json, sys
out = json.load(open(sys.argv[1]))
assert [a["name"] for a in out["attacks"]] == ["lira_online", "loss"]
assert [a["name"] for a in out["left_out"]] == ["rmia_online"]
assert "attack rmia_online: this attack needs a population: /population/logits" in out["left_out"][0]["reason"]
assert sorted(h5py.File("left.h5")) == ["lira_online", "loss"]
PY
"$EXPUNGE" attack --name rmia_online,ulira --signals probabilities.h5 >"$logs/stdout" 2>"$logs/stderr" && fail "none could be made, and status 0"
has stderr "left out: attack ulira: this attack needs unlearned models"
has stderr "expunge: probabilities.h5: no attack could be run: the warnings say why"
[ ! -s "$logs/stdout" ] || fail "none could be made, and a table"

bad() { # bad TEXT FILE: one line that names the file
    refuses 1 "$1" attack --name loss --signals "$2.h5" --json
    has stderr "$2.h5"
}
bad "row 7, class 2 is nan" nan
bad "/target/role [N] is missing" norole
bad "/target/logits [N,K] is missing" nologits
bad "/target/logits is [60]; it must be [N,K]" flat
bad "/target/labels is [59]; it must be [N], no dimension being 0, here [60]" short
bad "label of point 0 is 4; the logits have classes 0..3" label
bad "/target/labels holds floating-point numbers; it must hold whole numbers" floatlabel
bad "/target/logits holds whole numbers; it must hold float32 or float64" intlogits
bad "/target/role holds 256 at place 0" role3
bad "is a member (role 1)" nobody
bad "is a non-member (role 0)" onlyaudited
bad "at least 2 classes" oneclass
bad "/target/logits is [0,4]" empty
bad "/target/logits" text
bad "/shadow/logits is [3,60,5]; it must be [S,N,K]" shadowshape
bad "/shadow/keep [S,N] is missing" nokeep
bad "/shadow/keep holds 2 at place 0; it must be 0 or 1" keep2
bad "/shadow/logits [S,N,K] is missing" onlykeep
bad "/population/labels [Z] is missing" poplabels
bad "needs /shadow/logits and /population/logits" shadowpop
bad "/unlearned/logits is [2,61,4]" unlearned
bad "/retrained/logits is [60,4]; it must be [R,N,K]" retrained
bad "/original/logits is [1,60,4]; it must be [N,K], no dimension being 0, here [60,4]" original
bad "/unlearned/keep holds 2 at place 0; it must be 0 or 1" unlearnedkeep2
bad "there is /unlearned/keep, but /unlearned/logits [U,N,K] is missing" keepalone
head -c 1500 good.h5 >half.h5
bad "half.h5" half
echo "no HDF5" >words.h5
bad "words.h5" words

refuses 1 "oneshadow.h5: attack attack_r: point 0 was left out of 0 of the 1 shadow models" attack --name attack_r --signals oneshadow.h5
refuses 1 "attack attack_p: this attack needs a population: /population/logits" attack --name attack_p --signals noaudit.h5
refuses 1 "noaudit.h5: attack loss: chosen_on=shadows needs shadow models" attack --name loss --signals noaudit.h5 --set loss.chosen_on=shadows
refuses 1 "attack lira_online: 0 of 1 shadow models was not trained on it (point 0)" attack --name lira_online --signals oneshadow.h5
refuses 1 "attack ulira: null never_trained needs /unlearned/keep" attack --name ulira --signals every.h5 --set ulira.null=never_trained
refuses 1 "the target's logits are those of unlearned model 0" attack --name ulira --signals ownshadow.h5
ok attack --name ulira --signals unlearnedkeep.h5 --set ulira.null=never_trained --json
has stdout '"loo_balanced_accuracy"'
nulls() { "$EXPUNGE" attack --name klom --signals "$1" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["attacks"][0]["numbers"]["klom_mean_null"]["n"])'; }
[ "$(nulls every.h5)" = 199 ] || fail "klom does not draw 199 labellings"
[ "$(nulls pairs.h5)" = 64 ] || fail "klom does not take every exchange within six pairs"
refuses 1 "/retrained/pair is [5]; it must be [R]" attack --name klom --signals pairless.h5
refuses 1 "there is /unlearned/pair [U], but its models have no logits" attack --name loss --signals pairalone.h5
ok attack --name all --signals every.h5 --json
has stdout '"attack_r"'
[ ! -s "$logs/stderr" ] || { cat "$logs/stderr"; fail "--name all leaves an attack out of a file that has everything"; }

refuses 2 "did you mean 'loss'" attack --name los --signals good.h5
refuses 2 "given twice" attack --name loss,loss --signals good.h5
refuses 2 "name is missing" attack --name loss, --signals good.h5
refuses 2 "must be attack.key=value" attack --name svc --signals good.h5 --set C=3
refuses 2 "has no attack 'scv'; did you mean 'svc'" attack --name loss,svc --signals good.h5 --set scv.C=3
refuses 2 "did you mean 'features'" attack --name svc --signals good.h5 --set svc.feature=entropy
refuses 2 "C = '-1'" attack --name svc --signals good.h5 --set svc.C=-1
refuses 2 "must end in .h5" attack --name loss --signals good.h5 -o s.csv
refuses 2 "is the input" attack --name loss --signals good.h5 -o ./good.h5
refuses 1 "nowhere" attack --name loss --signals good.h5 -o nowhere/s.h5

# a run stores what its attacks report beside their scores
cat >c.yaml <<'YAML'
name: t
data: gaussians
arch: mlp
forget: [0]
train: {epochs: 1, batch_size: 2048, augment: false}
methods: [none]
attacks: [{name: loss, wiring: forget}, {name: quantile, wiring: retain}]
YAML
ok run c.yaml --results r
"$python" - <<'PY' || fail "the run lacks numbers of its attacks"
import glob, h5py
attacks = [h5py.File(f)["attacks"] for f in glob.glob("r/t/none*.h5")][0]
by_name = {g.attrs["attack"]: g.attrs for g in attacks.values()}
loss, quantile = by_name["loss"], by_name["quantile"]
assert loss["fitted"] == 0 and 0 <= loss["epsilon_lower"] <= loss["epsilon_largest"]
assert loss["balanced_accuracy_holdout_lo"] < loss["balanced_accuracy_holdout"] < loss["balanced_accuracy_holdout_hi"]
assert quantile["fitted"] == 1 and quantile["epsilon_lower"] != quantile["epsilon_lower"]
assert quantile["number_realised_fpr_lo"] < quantile["number_realised_fpr"] < quantile["number_realised_fpr_hi"]
PY
