# Every command once, from training to inspection, on data that needs no files.
. "$EXPUNGE_TESTS/cli/common"

keys() { # keys WORD...: all that the JSON of the last command calls its values
    local got
    got=$(grep -oE '"[A-Za-z0-9_.]+":' "$logs/stdout" | sort -u | tr -d '":' | tr '\n' ' ')
    [ "$got" = "$* " ] || fail "the JSON has $got, not $*"
}

ok --version
has stdout "expunge 0.1.0"
has stdout "libdnnl"
has stdout "BLAS core: "
ok --environment
has stdout "GOMP_SPINCOUNT="
for c in run report train unlearn eval predict attack audit inspect bench list cache; do
    ok --help
    has stdout "  $c"
    ok $c --help
    [ ! -s "$logs/stderr" ] || fail "$c --help writes to stderr"
    "$EXPUNGE" $c --help | grep -q "^Usage: expunge $c" || fail "$c --help shows no usage"
    for columns in 80 60; do # of a terminal; 80 where there is none; examples stay whole
        COLUMNS=$([ $columns = 80 ] || echo $columns) "$EXPUNGE" $c --help | sed '/^Examples:/,$d' | awk -v w=$columns 'length > w { bad = 1 } END { exit bad }' ||
            fail "$c --help is wider than $columns columns"
    done
    "$EXPUNGE" $c --help | grep -A9 '^Examples:' | grep -c '  expunge' | grep -qx 2 || fail "$c --help shows no two examples"
done

ok help eval
"$EXPUNGE" eval --help | cmp -s - "$logs/stdout" || fail "help eval is not eval's help"
ok help
has stdout "The documents that help pages name, docs/*.md, are in $(cd "$EXPUNGE_TESTS/.." && pwd)."
refuses 2 "did you mean 'eval'" help evl
refuses 2 "one argument too many" help eval eval

ok train $tiny_train --quiet -o w.safetensors
has stdout "test accuracy"
has stdout "% ["
[ ! -s "$logs/stderr" ] || fail "train --quiet is not quiet"
ok train $tiny_train --exclude 1 -o without1.safetensors
has stdout "excluded classes 0.00%"
ok train $tiny_train --json -o w2.safetensors
has stdout '"accuracy_ci": ['
has stdout '"acc_exclude_ci": null'
keys acc_exclude acc_exclude_ci acc_retain acc_retain_ci accuracy accuracy_ci epoch epochs loss lr n seconds weights_hash
cmp w.safetensors w2.safetensors >/dev/null && fail "the command is part of the metadata, so the files must differ"
ok predict $toy --weights w.safetensors --split test -o a.h5
ok inspect a.h5
has stdout "[4000,4]"
accuracies() { "$EXPUNGE" eval $toy --weights "$1" --json; }
[ "$(accuracies w.safetensors)" = "$(accuracies w2.safetensors)" ] || fail "the same seed gave another network"

ok eval $toy --weights w.safetensors
has stdout "accuracy"
# each share is of the counts beside it, and the JSON's are the same
awk '/^ *right / { on = 1; next }
    on && NF { n = 0; for (k = 4; k <= NF; k++) n += $k; all += n; right += $($1 + 4)
               print $3; if ($3 != sprintf("%.2f%%", 100 * $($1 + 4) / n)) bad = 1 }
    END { printf "%.2f%%\n", 100 * right / all; exit bad || all != 4000 }' "$logs/stdout" >shares || fail "$(cat "$logs/stdout")"
[ "$(sed -n 's/^accuracy *\([0-9.]*%\) .*/\1/p' "$logs/stdout")" = "$(tail -1 shares)" ] || fail "accuracy: $(cat "$logs/stdout")"
"$EXPUNGE" eval $toy --weights w.safetensors --json --quiet >json || fail "eval --json"
json_shares() { sed -n "s/.*\"$1\": \[*\([0-9., ]*\).*/\1/p" json | tr ',' '\n' | awk 'NF { printf "%.2f%%\n", $1 }'; }
[ "$(json_shares per_class && json_shares accuracy)" = "$(cat shares)" ] || fail "$(cat shares json)"

# the architecture read off the weights
ok eval --arch auto --data gaussians --weights w.safetensors
has stderr "w.safetensors: recognised as mlp, 4 classes, images of 2x1x1"
ok predict --arch auto --data gaussians --weights w.safetensors --split test -o auto.h5
ok inspect auto.h5
refuses 2 "auto is recognised from a weights file" train --arch auto --data gaussians -o none.safetensors

ok eval $toy --weights w.safetensors --json
has stdout '"acc_retain": null'
has stdout '"split": "test"'
ok eval $toy --weights w.safetensors --split train --forget 3 --json
has stdout '"n": 40000'
has stdout '"n_retain": 30000'
has stdout '"n_forget": 10000'
has stdout '"accuracy_ci": ['
has stdout '"acc_retain_ci": ['
has stdout '"acc_forget_ci": ['
has stdout '"per_class_ci": ['
keys acc_forget acc_forget_ci acc_retain acc_retain_ci accuracy accuracy_ci classes confusion forget forget_names n n_forget n_retain per_class per_class_ci preprocessing split tuning_hash

ok unlearn $toy --weights w.safetensors --forget 3 --method svd --set alpha_f=30 -o u.safetensors
has stdout "layers.0"
has stdout "ACC_f"
[ "$(awk '{ if (length > n) n = length } END { print n }' "$logs/stdout")" -le 100 ] || fail "unlearn: over 100 columns"
[ "$(grep -c '^ACC_[rf] .*% \[.*% \[' "$logs/stdout")" -eq 2 ] || fail "unlearn shows accuracies without intervals"
ok unlearn $toy --weights w.safetensors --forget "(1,-1)" --method mask_logit --json -o m.safetensors
has stdout '"acc_forget": 0'
has stdout '"acc_retain_before"'
has stdout '"acc_forget_ci": [0, 0.3'
has stdout '"acc_retain_before_ci"'
ok unlearn $toy --weights w.safetensors --forget 3 --method svd --json -o m.safetensors
has stdout '"method": "svd"'
keys acc_forget acc_forget_before acc_forget_before_ci acc_forget_ci acc_retain acc_retain_before acc_retain_before_ci acc_retain_ci beside features forget forget_names forget_removed layers left_out method n_forget n_retain name rank_forget rank_retain retain_removed samples_forget samples_retain seconds stale trace_forget trace_retain weight_change
ok unlearn $toy --weights w.safetensors --forget 3 --method retrain -o r.safetensors
ok eval $toy --weights r.safetensors --forget 3 --json
has stdout '"acc_forget": 0'
ok unlearn $toy --weights w.safetensors --forget 3 --method none --set val_fraction=0.5 -o n.safetensors
left=$(sed -n 's/^ACC_f .*% \[.*\] *\([0-9.]*%\) \[.*/\1/p' "$logs/stdout")
has stderr "expunge: warning: ACC_f is still $left after forgetting 3 ((1,-1)): try other parameters (expunge list methods) or --method svd"
has stdout "forgotten: 3 ((1,-1))"

# the same tensors, names, order and types come out
names() { "$EXPUNGE" inspect "$1" | grep '^layers'; }
[ "$(names w.safetensors)" = "$(names u.safetensors)" ] || fail "unlearn changed names, order or types"
ok inspect u.safetensors --json
has stdout '"kind": "weights"'
has stdout '"expunge.unlearned": "svd'
keys arch container copies dtype expunge.arch expunge.command expunge.data expunge.data_hash expunge.exclude expunge.excluded expunge.precision expunge.preprocessing expunge.program expunge.seed expunge.train expunge.tuning expunge.unlearned format kind metadata name prefix sha256 shape stale strange tensors

for k in methods attacks metrics archs datasets; do
    ok list $k
    ok list $k --json
    has stdout "\"$k\""
done
ok list methods --json
keys default meaning methods name note parameters range source summary
ok list methods
has stdout "alpha_r"
