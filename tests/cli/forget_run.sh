# An experiment that forgets listed images: what is stored and shown, what retraining saw, and the command of a row.
. "$EXPUNGE_TESTS/cli/common"

mkdir sub
printf '100-399\n7\n' >sub/list.txt
config() { # config FORGET METHODS
    cat >sub/c.yaml <<YAML
name: t
data: gaussians
arch: mlp
seeds: [0]
forget: $1
train: {epochs: 2, batch_size: 64, lr: 0.05}
methods: $2
attacks: [{name: loss, wiring: forget}]
YAML
}
config '[{index: list.txt}, {class: 2, random: 0.25}]' '[none, retrain, {name: svd, search: {alpha_f: [1, 3]}}, finetune]'
ok run sub/c.yaml --threads 1
has stdout "9 done, 0 already complete, 0 failed"
has stdout "forgotten images: training set"
has stdout "ACC_f train"
ok run sub/c.yaml --threads 1
has stdout "0 done, 9 already complete"
ls results/t/retrain-images-301-*.h5 results/t/models/retrain-images-*.safetensors >/dev/null || fail "files are not named by their images"
grep -q "images of 2 (" results/t/classes.csv || fail "the part of class 2 is not named"
grep -q "301 images of 4 classes" results/t/classes.csv || fail "the list is not named"
# of metrics that ask for whole classes nothing is stored
grep -q "^none" results/t/runs.csv || fail "no row"
head -1 results/t/runs.csv | grep -q composite && fail "composite of images"
# order of lines and words do not count: the same images are the same runs
printf '7\n200-399\n100-199\n' >sub/list.txt
ok run sub/c.yaml --threads 1
has stdout "0 done, 9 already complete"

# the command in runs.csv makes the row again
. "$EXPUNGE_TESTS/scripts/python"
need_python numpy
"$python" - <<'PY' >again.sh
import csv
for row in csv.DictReader(open("results/t/runs.csv")):
    if row["label"] == "svd" and row["forget_names"].startswith("301"):
        print(row["again"].replace("expunge run", '"$EXPUNGE" run', 1))
PY
[ "$(wc -l <again.sh)" -eq 1 ] || fail "no command"
sh ./again.sh >/dev/null 2>"$logs/stderr" || fail "the command fails: $(cat "$logs/stderr")"
"$python" - <<'PY' || fail "the command makes another row"
import csv
def row(path):
    return [r for r in csv.DictReader(open(path)) if r["label"] == "svd" and r["forget_names"].startswith("301")][0]
a, b = row("results/t/runs.csv"), row("again/t/runs.csv")
assert a["weights_hash"] == b["weights_hash"] and a["acc_forget_train"] == b["acc_forget_train"], (a, b)
PY

# what cannot be done is said with its line, before anything is written
config '{random: 0.1}' '[retrain, mask_logit]'
refuses 2 "sub/c.yaml:7: mask_logit removes whole classes only, not single images" run sub/c.yaml --results r2
config '{random: 0.1}' '[{name: svd, in_turn: true}]'
refuses 2 "in_turn takes classes one after another" run sub/c.yaml --results r2
config '{index: nosuch.txt}' '[none]'
refuses 1 "sub/nosuch.txt" run sub/c.yaml --results r2
[ -e r2 ] && fail "something was written"
true
