# docs/own-method.md, block by block as it stands there: a method in PyTorch as a row, run by expunge, given as weights and as logits;
# then what a failing command leaves, and what makes a row again.
. "$EXPUNGE_TESTS/cli/common"
. "$EXPUNGE_TESTS/scripts/python"
need_python torch h5py
mkdir tmp && export TMPDIR=$PWD/tmp # other tests' commands have folders, too
mkdir -p bin && ln -s "$EXPUNGE" bin/expunge && printf '#!/bin/sh\nexec "%s" "$@"\n' "$python" >bin/python3 && chmod +x bin/python3
PATH=$PWD/bin:$PATH
export PYTHONPATH=$EXPUNGE_TESTS/../python
"$python" - <<'PY'
import h5py, numpy as np
rng = np.random.default_rng(0)
with h5py.File("images.h5", "w") as file:  # stripes in four directions
    for split, n in (("train", 1200), ("test", 400)):
        labels = np.arange(n) % 4
        y, x = np.mgrid[0:16, 0:16] / 16
        along = np.cos(labels * np.pi / 4)[:, None, None] * x + np.sin(labels * np.pi / 4)[:, None, None] * y
        wave = np.sin(6 * np.pi * along + rng.uniform(0, 2 * np.pi, n)[:, None, None])
        file[f"{split}/images"] = np.clip(128 + 60 * wave + rng.normal(0, 40, wave.shape), 0, 255).astype(np.uint8)[:, None]
        file[f"{split}/labels"] = labels
PY
# the fenced blocks, in their order: those with a name are files, shell blocks are run
awk '/^```/ { if (open) { open = 0; close(file); if (file ~ /[.]sh$/) print file; next }
              open = 1; n++; file = NF > 1 ? $2 : n ".sh"; next } open { print > file }' "$EXPUNGE_TESTS/../docs/own-method.md" >order
[ "$(wc -l <order)" -eq 4 ] || fail "the page does not have its commands"
while read -r block; do
    bash -eu "$block" >"$block.out" 2>&1 </dev/null || { cat "$block" "$block.out"; fail "$block"; }
done <order

row() { grep "^$2," "results/$1/runs.csv" || fail "$1 has no row $2"; }
column() { # column EXPERIMENT LABEL NAME
    "$python" - "$@" <<'PY'
import csv, sys
experiment, label, name = sys.argv[1:]
print(*(row[name] for row in csv.DictReader(open(f"results/{experiment}/runs.csv")) if row["label"] == label))
PY
}
acc=$(column compare ascent acc_forget_test)
[ "${acc%.*}" -lt 50 ] || fail "ascent forgot nothing: $acc"
[ "$acc" = "$(column elsewhere mine acc_forget_test)" ] || fail "the same method, run by hand, gives another row"
for cost in wall_seconds cpu_seconds peak_memory; do
    [ "$(column compare ascent ${cost}_test)" ] || fail "the command's $cost is not there"
    [ -z "$(column elsewhere mine ${cost}_test)" ] || fail "of external weights $cost is known"
done
"$python" - results/compare/ascent-3-s0-*.h5 <<'PY' || fail "what the command said is not kept"
import h5py, sys
assert h5py.File(sys.argv[1])["command"].attrs["said"].startswith("last loss")
PY

for metric in acc_retain_test acc_forget_test acc_forget_train; do
    [ "$(column outputs mine $metric)" = "$(column elsewhere mine $metric)" ] || fail "$metric: logits and weights of one network make other rows"
done
[ -z "$(column outputs mine weight_distance_test)$(column outputs mine wall_seconds_test)" ] || fail "of logits more is known than they say"
grep -q "mine: judged by its logits. Not measurable" results/outputs/*.md || fail "the report does not say what logits cannot tell"

[ "$(column compare retrain acc_retain_test)" = "$(column mine retrain acc_retain_test)" ] || fail "retrained weights of one's own: another network"
[ -z "$(column mine retrain wall_seconds_test)$(column mine original wall_seconds_test)" ] || fail "the training of weights from files has a cost"

# nothing changed: nothing is made; another script or other weights: their row alone
again() { expunge run "$1" 2>&1 | grep -q "$2" || { expunge run "$1" 2>&1 | tail -n 3; fail "$3"; }; }
again compare.yaml "0 done, 5 already complete" "rows of an unchanged config are made again"
sed -i 's/range(30)/range(3)/' ascent.py
again compare.yaml "1 done, 4 already complete" "a row of an edited script is not made again"
cp original.pt mine-3-s0.pt
again elsewhere.yaml "1 done, 3 already complete" "a row of other weights is not made again"
again mine.yaml "0 done, 4 already complete" "rows of weights that did not change are made again"
cp mine-3-s0.pt retrained-3-s0.pt
again mine.yaml "3 done, 1 already complete" "rows are not made again, whose retrained network is another"

# of a config that extends one in another folder, weights are beside that one
mkdir other && printf 'extends: ../elsewhere.yaml\nname: moved\n' >other/moved.yaml
expunge run other/moved.yaml >moved.out 2>&1 || { cat moved.out; fail "a config in another folder"; }
[ "$(column moved mine acc_forget_test)" = "$(column elsewhere mine acc_forget_test)" ] || fail "weights of an extended config: another network"

# failures: a sentence before anything is done, or a failed row beside good ones
refused() { # refused STATUS TEXT, the method's row in standard input
    cat >row
    { sed '/^methods:/,$d' compare.yaml; grep -v '^ ' row || true; grep -q '^methods' row || printf 'methods:\n  - none\n  - retrain\n'; grep '^ ' row || true; } >bad.yaml
    rc=0 && expunge run bad.yaml >bad.out 2>&1 || rc=$?
    [ $rc -eq "$1" ] && grep -q "$2" bad.out || { cat bad.out; fail "status $rc; expected $1 and: $2"; }
}
refused 2 "missing.pt does not exist" <<<'  - {name: external, weights: missing.pt}'
refused 2 "weights: a file is needed" <<<'  - external'
refused 2 "'{forgets}' in .* stands for nothing: there are {forget}, {seed}" <<<'  - {name: external, weights: "{forgets}.pt"}'
refused 2 "weights: and logits: are both there" <<<'  - {name: external, weights: original.pt, logits: mine-3-s0.h5}'
refused 2 "logits: .*missing.h5 does not exist" <<<'  - {name: external, logits: missing.h5}'
refused 1 "logits: .*images.h5.*/train" <<<'  - {name: external, logits: images.h5}'
refused 2 "in_turn: not with weights" <<<'  - {name: external, weights: original.pt, in_turn: true}'
refused 2 "the command has no {out}" <<<'  - {name: command, run: "true"}'
refused 2 "did you mean 'weights'" <<<'  - {name: external, weight: original.pt}'
refused 2 "in the row and in its 'set'" <<<'  - {name: external, weights: original.pt, set: {weights: x}}'
refused 1 "original: .*missing.pt" <<<'original: {weights: missing.pt}'
refused 2 "retrained has no key 'weight'; did you mean 'weights'" <<<'retrained: {weight: original.pt}'
refused 2 "the methods have no 'retrain'" <<<$'retrained: {weights: original.pt}\nmethods: [none]'
refused 1 "status 3 after .*it said last: no luck" <<<'  - {name: command, run: "echo no luck >&2; exit 3 # {out}"}'
refused 1 "left no file {out}" <<<'  - {name: command, label: idle, run: "true {out}"}'
refused 1 "did not end within 1 s" <<<'  - {name: command, label: slow, run: "sleep 60 # {out}", limit: 1}'
refused 1 "cannot be read\|not a\|neither" <<<'  - {name: command, label: odd, run: "echo x >{out}"}'
[ -z "$(ls -d "$TMPDIR"/expunge-command-* 2>/dev/null)" ] || fail "a command's folder was left"
exit 0
