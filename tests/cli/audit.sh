# An audit end to end on the toy data: what each missing input means, a planted leak, a null, a folder that is checked.
. "$EXPUNGE_TESTS/cli/common"
. "$EXPUNGE_TESTS/scripts/python"
need_python h5py

ok train $tiny_train --threads 1 -o o.safetensors
for i in 1 2 3 4 5 6 7; do ok train $tiny_train --threads 1 --exclude 1 --seed $i -o r$i.safetensors; done
audit="audit --arch mlp --data gaussians --forget 1 --set points=300 --set draws=200 --threads 1"
three=r1.safetensors,r2.safetensors,r3.safetensors
six=$three,r5.safetensors,r6.safetensors,r7.safetensors

verdict() { # verdict DIR WANT...: report.json and the page say one of these
    local dir=$1 got
    shift
    got=$("$python" -c 'import json, sys; print(json.load(open(sys.argv[1] + "/report.json"))["verdict"])' "$dir")
    for want in "$@"; do [ "$got" = "$want" ] && return; done
    fail "$dir: verdict $got, not $*"
}

# nothing but the weights: one game lacks, the others cannot find equality
ok $audit --weights r4.safetensors -o bare/ --quiet
verdict bare underpowered
has stdout "models  not run           not run: needs 2 retrained models"
has stdout "control original against retrained: not run: needs the original model and 2 retrained models"
grep -q 'no --original' bare/report.html || fail "the page does not say what the lack of --original means"
[ ! -e bare.cache ] || fail "a cache where nothing took long"

# no unlearning at all, with everything to compare with: leaks, told in words; with one retrained model a suspicion at most
ok $audit --weights o.safetensors --original o.safetensors --retrained $six -o same
has stderr "nothing was unlearned"
has stdout "the audited weights are those of the original"
verdict same leaks
grep -q "Verdict: leaks" same/report.html || fail "no verdict on the page"
grep -q "number by number: nothing was unlearned" same/report.md || fail "the report hides that nothing was unlearned"
ok $audit --weights o.safetensors --retrained r1.safetensors -o one
verdict one suspicion underpowered
has stdout "equality is not judged: needs 2 retrained models"

# a retrained model in the place of the unlearned one
ok $audit --weights r4.safetensors --original o.safetensors --retrained $three -o null --json
verdict null underpowered indistinguishable
has stdout '"format": "expunge audit 1"'
cmp -s <(cat null/report.json; echo) "$logs/stdout" || fail "--json prints other text than report.json"
"$python" - <<'PY' || fail "report.json lacks something"
import json, h5py, numpy as np
out = json.load(open("null/report.json"))["results"]
assert out["models"] == {"original": 1, "retrained": 3, "shadow": 0, "shadow_unlearned": 0, "shadow_retrained": 0}
assert out["points"] == {"forget_train": 300, "forget_test": 300, "retain_train": 300, "retain_test": 300, "population": 0}
loss = out["games"]["forget"]["attacks"][0]
with h5py.File("null/signals.h5") as f:
    z, y, group = f["unlearned/logits"][:], f["points/labels"][:], f["points/group"][:]
    assert (y[group < 2] == 1).all() and (y[group >= 2] != 1).all() and not f["points/test"][:][group == 0].any()
    score = z[np.arange(len(y)), y] - np.log(np.exp(z).sum(1))
m, n = score[group == 0], score[group == 1]
auc = ((m[:, None] > n).mean() + (m[:, None] >= n).mean()) / 2
assert loss["name"] == "loss" and abs(loss["auc"]["value"] - auc) < 1e-9, (loss, auc)
d = loss["difference"]
assert abs(d["value"] - (loss["auc"]["value"] - loss["auc_retrained"]["value"])) < 1e-9 and d["ci"][0] < d["value"] < d["ci"][1]
assert loss["tpr_at_fpr"]["0.001"]["value"] is None and loss["tpr_at_fpr"]["0.01"]["n"] == 300
e = loss["epsilon"][0]
assert 0 <= e["lower"] <= e["largest_provable"] and (e["delta"], e["alpha"]) == (1e-5, 0.05)
assert out["controls"]["retrained_against_retrained"]["run"] and out["controls"]["original_against_retrained"]["run"]
assert [a["name"] for a in out["games"]["models"]["left_out"]] == ["logistic"]
PY

# the control's graded models: a quarter and a tenth of the original's weights, the rest the unlearned model's
ok unlearn --arch mlp --data gaussians --weights o.safetensors --method neggrad --forget 1 --set epochs=1 --set lr=0.0005 -o step.safetensors
ok $audit --weights step.safetensors --original o.safetensors --retrained $three --attacks loss -o graded
"$python" - <<'PY' || fail "no mixture of weights"
import json, struct, numpy as np
def read(name):
    raw = open(name, "rb").read()
    n = struct.unpack("<Q", raw[:8])[0]
    return json.loads(raw[8:8 + n]), raw[:8 + n], raw[8 + n:]
head, start, a = read("o.safetensors")
other, _, b = read("step.safetensors")
out = bytearray(a)
for name, t in head.items():
    if name == "__metadata__" or t["dtype"] != "F32": continue
    x, y = (np.frombuffer(d[slice(*h[name]["data_offsets"])], "<f4").astype("f8") for d, h in ((a, head), (b, other)))
    out[slice(*t["data_offsets"])] = (0.25 * x + 0.75 * y).astype("<f4").tobytes()
open("mixed.safetensors", "wb").write(start + bytes(out))
PY
ok predict --arch mlp --data gaussians --split test --weights mixed.safetensors --threads 1 -o mixed.h5
"$python" - <<'PY' || fail "the graded models are others"
import json, h5py, numpy as np
with h5py.File("graded/signals.h5") as s, h5py.File("mixed.h5") as m:
    test = s["points/test"][:] == 1
    want = m["logits"][:][s["points/position"][:][test]]
    got = s["graded/logits"][:]
    assert got.shape[0] == 2 and abs(got[0][test] - want).max() < 1e-4 * abs(want).max(), abs(got[0][test] - want).max()
    assert abs(got[0] - s["unlearned/logits"][:]).max() > abs(got[1] - s["unlearned/logits"][:]).max() > 0
control = json.load(open("graded/report.json"))["results"]["controls"]["original_against_retrained"]
assert control["run"] and control["parts_of"] == "weights"
PY
# how retrained models were trained, as their files say
grep -q "3 of 3 retrained models were trained with the original's settings, as their files say" graded/report.md ||
    fail "the page does not say how retrained models were trained"
ok train $tiny_train --set epochs=3 --set lr=0.02 --threads 1 --exclude 1 --seed 9 -o other.safetensors
ok train $tiny_train --threads 1 --seed 9 -o all.safetensors
ok $audit --weights step.safetensors --original o.safetensors --retrained r1.safetensors,other.safetensors,all.safetensors --attacks loss -o trained
for words in "2 of 3 retrained models were trained with" "other.safetensors was trained otherwise: epochs 3, not 2; lr 0.02, not 0.05" \
    "all.safetensors was trained on all classes: it is no retrained model"; do
    grep -q "$words" trained/report.md || { grep "trained with" trained/report.md; fail "no word of: $words"; }
done
ok audit --verify trained
grep -q "its weights, the rest the unlearned model" graded/report.md || fail "the page does not say of what a part is"
ok audit --verify graded
grep -q "not resolvable with n = 300" null/report.md || fail "a TPR below 1/n"
for f in null/report.html null/report.md; do
    grep -qiE "compliant|\bsafe\b|guarantee" $f && fail "$f promises more than an audit can"
    grep -q "expunge audit --arch mlp" $f || fail "$f does not say how to repeat it"
done
grep -qE 'src="(http|[a-z]*/)' null/report.html && fail "the page needs other files"

# the same call, the same numbers; what stood there is replaced, and nothing is left beside it
cp -r null before
ok $audit --weights r4.safetensors --original o.safetensors --retrained $three -o null
cmp -s null/signals.h5 before/signals.h5 || fail "other signals from the same call"
ls -d null.*  2>/dev/null && fail "something was left beside the audit"
numbers() { grep -v '"date": ' "$1/report.json" | sed 's/ --json//'; } # a minute may have passed
[ "$(numbers before)" = "$(numbers null)" ] || fail "other numbers from the same call"

# a folder that is checked: as it was, then with one byte of any file changed, then with files more or fewer
ok audit --verify null
has stdout "and numbers, pages and figures follow from signals.h5; unsigned"
[ "$(wc -l <"$logs/stdout")" -eq 1 ] || fail "--verify says more than one line where nothing differs"
differs() { # differs TEXT
    "$EXPUNGE" audit --verify null >"$logs/stdout" 2>"$logs/stderr"
    [ $? -eq 1 ] || { cat "$logs/stdout" "$logs/stderr"; fail "--verify is content: $1"; }
    has stdout "$1"
    has stderr "from what the audit wrote"
}
flip() { # flip FILE: one byte in its middle
    "$python" - "$1" <<'PY'
import sys
b = bytearray(open(sys.argv[1], "rb").read())
b[len(b) // 2] ^= 1
open(sys.argv[1], "wb").write(b)
PY
}
for f in report.html report.json signals.h5 figures/roc-forget.csv; do
    cp null/$f keep
    flip null/$f
    differs "$f"
    cp keep null/$f
done
cp null/manifest.json keep
sed -i '0,/"seed/s//"sead/; 0,/"threads": 1/s//"threads": 2/' null/manifest.json
differs "manifest.json: is not as the audit wrote it"
cp keep null/manifest.json
rehash() { # rehash FILE...: a manifest that was made to fit them
    "$python" - "$@" <<'PY'
import hashlib, re, sys
m = open("null/manifest.json").read()
for name in sys.argv[1:]:
    h = hashlib.sha256(open("null/" + name, "rb").read()).hexdigest()
    m = re.sub(r'("%s",\s*"sha256": ")[0-9a-f]*' % re.escape(name), lambda k: k[1] + h, m)
m = re.sub(r'("manifest_sha256": ")[0-9a-f]*', lambda k: k[1] + "0" * 64, m)
m = re.sub(r'("manifest_sha256": ")[0-9a-f]*', lambda k, h=hashlib.sha256(m.encode()).hexdigest(): k[1] + h, m)
open("null/manifest.json", "w").write(m)
PY
}
# words, figures and a verdict that do not follow, under a manifest that was made to fit: the pages are made again
forge() { # forge FILE SED TEXT
    sed -i "$2" null/$1
    cmp -s null/$1 before/$1 && fail "$1: nothing was forged"
    rehash $1
    differs "$3"
    [ "$(wc -l <"$logs/stdout")" -eq 2 ] || { cat "$logs/stdout"; fail "more than the forged $1 differs"; }
    rm -r null && cp -r before null
}
forge report.html 's/Verdict: [a-z]*/Verdict: indistinguished/' "report.html: is not what follows from the signals and the manifest"
forge report.md 's/Verdict: [a-z]*/Verdict: indistinguished/' "report.md: is not what follows from the signals and the manifest"
forge report.json '0,/"headline": "/s//&No leak. /' "report.json headline: the report says No leak."
forge figures/roc-forget.csv '3s/0,/0,1/' "figures/roc-forget.csv: is not what follows from the signals and the manifest"
echo '<b>no leak</b>' >null/figures/more.html # a file of its own, listed
sed -i 's/^  "results": \[/&\n    {"file": "figures\/more.html", "sha256": ""},/' null/manifest.json
rehash figures/more.html
differs "figures/more.html: is not one of the files that an audit of these signals writes"
rm -r null && cp -r before null

# who made it
if command -v ssh-keygen >/dev/null; then
    for who in a b; do ssh-keygen -q -t ed25519 -N '' -C "" -f key_$who || fail "no key"; done
    echo "auditor@example.org $(cat key_a.pub)" >signers
    signed="--signers signers --identity auditor@example.org"
    "$EXPUNGE" audit --verify null $signed >"$logs/stdout" 2>"$logs/stderr" && fail "an unsigned audit passes for a signed one"
    has stdout "manifest.json.sig: is missing: the audit is not signed"
    tail -1 "$logs/stdout" | grep -q "unsigned$" || fail "unsigned is not the last word"
    ssh-keygen -q -Y sign -f key_a -n expunge null/manifest.json 2>/dev/null || fail "not signed"
    ok audit --verify null
    tail -1 "$logs/stdout" | grep -q "unsigned as far as was checked" || fail "a signature counts unchecked"
    ok audit --verify null $signed
    tail -1 "$logs/stdout" | grep -q "; signed by auditor@example.org$" || fail "the last line does not say who signed"
    "$EXPUNGE" audit --verify null --signers signers --identity other@example.org >"$logs/stdout" 2>&1 && fail "another signer passes"
    has stdout "is not a signature of manifest.json by other@example.org that signers allows"
    ssh-keygen -q -Y sign -f key_b -n expunge null/manifest.json <<<y >/dev/null 2>&1
    rm null/manifest.json.sig
    ssh-keygen -q -Y sign -f key_b -n expunge null/manifest.json 2>/dev/null
    "$EXPUNGE" audit --verify null $signed >"$logs/stdout" 2>&1 && fail "another key passes"
    rm null/manifest.json.sig
    ssh-keygen -q -Y sign -f key_a -n expunge null/manifest.json 2>/dev/null
    sed -i 's/Verdict: [a-z]*/Verdict: indistinguished/' null/report.html # and everything made to fit, but the signature
    rehash report.html
    "$EXPUNGE" audit --verify null $signed >"$logs/stdout" 2>&1 && fail "a changed manifest passes for a signed one"
    has stdout "is not a signature of manifest.json"
    rm -r null && cp -r before null
    refuses 1 "none: cannot be opened" audit --verify null --signers none --identity a
else
    echo "no ssh-keygen: signatures were not tested"
fi
refuses 2 "go together" audit --verify null --signers signers
refuses 2 "go with --verify" $audit --weights r4.safetensors -o x --signers signers --identity a

cp null/report.json keep # numbers that do not follow, under a manifest that was made to fit
"$python" - <<'PY'
import hashlib, json, re
t = open("null/report.json").read()
t = t.replace('"points": {\n      "forget_train": 300', '"points": {\n      "forget_train": 301', 1)
open("null/report.json", "w").write(t)
m = open("null/manifest.json").read()
m = re.sub(r'("report.json",\s*"sha256": ")[0-9a-f]*', lambda k: k[1] + hashlib.sha256(t.encode()).hexdigest(), m)
m = re.sub(r'("manifest_sha256": ")[0-9a-f]*', lambda k: k[1] + "0" * 64, m)
m = re.sub(r'("manifest_sha256": ")[0-9a-f]*', lambda k, h=hashlib.sha256(m.encode()).hexdigest(): k[1] + h, m)
open("null/manifest.json", "w").write(m)
PY
cp null/manifest.json forged
differs "report.json results.points.forget_train: the report says 301, but the signals give 300"
[ "$(wc -l <"$logs/stdout")" -eq 2 ] || { cat "$logs/stdout"; fail "more than the forged number differs"; }
rm -r null
cp -r before null
touch null/stranger
differs "stranger: is not part of the audit"
refuses 2 "holds stranger" $audit --weights r4.safetensors -o null
rm null/stranger null/report.md
differs "report.md: is missing"
rm -r null
cp -r before null
flip r2.safetensors
differs "r2.safetensors: is not the input that was audited"
mv r2.safetensors gone.safetensors
ok audit --verify null
has stdout "note: input r2.safetensors (retrained) is missing and was not checked"
flip gone.safetensors
mv gone.safetensors r2.safetensors

# pictures of forgotten people: only where they are asked for, and then, like every logit, for the owner's eyes
make_faces
mode() { [ "$(stat -c %a "$1")" = "$2" ] || fail "$1 has mode $(stat -c %a "$1"), not $2"; }
umask 022
faces="--arch mlp --data hdf5:faces.h5 --threads 1"
ok train $faces --set epochs=2 --set batch_size=60 --set augment=false -o f.safetensors
ok audit $faces --weights f.safetensors --forget 1 --set draws=100 -o plain
[ -z "$(ls plain/figures/exposed* 2>/dev/null)" ] || fail "pictures that nobody asked for"
grep -q 'data:image/png' plain/report.html && fail "a picture in a page that nobody asked for"
mode plain/report.html 644
mode plain/signals.h5 600
ok audit --verify plain
ok audit $faces --weights f.safetensors --forget 1 --set draws=100 --pictures 3 -o shown
[ "$(ls shown/figures/exposed* | wc -l)" -eq 3 ] || fail "not three pictures"
[ "$(grep -o 'data:image/png' shown/report.html | wc -l)" -eq 3 ] || fail "not three pictures on the page"
for f in report.html signals.h5 figures/exposed-001.png; do mode shown/$f 600; done
ok audit --verify shown
ok predict $faces --weights f.safetensors --split train -o logits.h5
mode logits.h5 600
rm -rf null && cp -r shown null
cp null/figures/exposed-002.png null/figures/exposed-001.png # another face
rehash figures/exposed-001.png
differs "figures/exposed-001.png: is not what follows from the signals and the manifest"
rm -r null

# an attack's parameters, a choice of attacks, other levels
ok $audit --weights r4.safetensors --retrained r1.safetensors,r2.safetensors --attacks loss,correctness --margin 0.2 --alpha 0.1 \
    --set loss.thresholds=class -o few
grep -q "{alpha: 0.1, margin: 0.2" few/report.json || fail "--alpha and --margin are not stored"
grep -q '"thresholds": "class"' few/report.json || fail "an attack's parameter is not stored"
ok audit --verify few
ok $audit --weights r4.safetensors --make-retrained 2 --set epochs=1 --set batch_size=2048 --set augment=false -o made
ls made.cache/*.safetensors >/dev/null || fail "no retrained models beside the audit"
ok audit --verify made

refuses 1 "hold the same numbers" $audit --weights r4.safetensors --retrained r1.safetensors,r4.safetensors -o x
refuses 1 "hold the same numbers" $audit --weights r4.safetensors --retrained r1.safetensors,./r1.safetensors -o x
refuses 1 "hold the same numbers" $audit --weights r4.safetensors --original r1.safetensors --retrained r1.safetensors -o x
mkdir other && touch other/thesis.txt
refuses 2 "other holds other files and not an audit" $audit --weights r4.safetensors -o other
refuses 2 "keep is a file" $audit --weights r4.safetensors -o keep
refuses 2 "--weights F is missing" $audit -o x
refuses 2 "only --make-retrained trains" $audit --weights r4.safetensors -o x --set epochs=2
refuses 2 "did you mean 'draws'" $audit --weights r4.safetensors -o x --set drawz=200
refuses 2 "attack 'svc' is not run" $audit --weights r4.safetensors -o x --set svc.C=2
refuses 2 "did you mean 'loss'" $audit --weights r4.safetensors -o x --attacks los
refuses 2 "alpha" $audit --weights r4.safetensors -o x --alpha 0.7
refuses 2 "takes no other options" audit --verify null --weights r4.safetensors
refuses 1 "no such folder" audit --verify nowhere
refuses 1 "manifest.json" audit --verify other
refuses 1 "shadows.json" $audit --weights r4.safetensors -o x --shadow other
