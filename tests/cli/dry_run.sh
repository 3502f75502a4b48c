# `expunge run --dry-run`: the plan and an estimate on stdout, nothing written; then the same plan when it is done.
. "$EXPUNGE_TESTS/cli/common"
cat >c.yaml <<'YAML'
name: t
data: gaussians
arch: mlp
forget: [0]
train: {epochs: 1, batch_size: 512, augment: false}
search: {strategy: random, trials: 2}
relearn: false
methods: [none, retrain, {name: svd, search: {alpha_r: [10, 30], alpha_f: [1, 3]}}]
YAML
ok run c.yaml --results r --dry-run
has stdout "Plan of t: 4 jobs, 0 complete"
has stdout "0 of 1"
has stdout "images/s (measured now)"
grep -qx 'method  *jobs  *complete  *networks cached  *searches cached  *hours  *estimated from *' "$logs/stdout" || fail "the head of the plan"
grep -qE '^original +1 +0 +0 of 1 +- +[0-9.]+ +its epochs' "$logs/stdout" || fail "the plan of the original"
grep -qE '^svd +1 +0 +- +0 of 1 +[0-9.]+ +assumed: one pass' "$logs/stdout" || fail "the plan of svd"
[ ! -e r ] || fail "a dry run wrote something"
# where the time of each method is taken from
ok run c.yaml --results r --dry-run --set 'methods=[none, svd, ssd, finetune]'
for from in "none .*nothing to compute" "svd .*assumed: one pass" "ssd .*assumed: one epoch" "finetune .*its epochs"; do
    grep -q "^$from" "$logs/stdout" || { cat "$logs/stdout"; fail "no '$from'"; }
done
ok run c.yaml --results r
# what is said of each job when it is done is what its row of the table says
for m in none retrain svd; do
    read -r retain forget < <(awk -v m=$m '$1 == m { for (i = 2; i <= NF; i++) if ($i ~ /^[0-9.]+$/) print $i }' "$logs/stdout" | tr '\n' ' ')
    has stderr "] $m, forget 0 ((1,1)), seed 0: ACC_r $retain%, ACC_f ${forget%% *}% on the test set, "
done
ok run c.yaml --results r --dry-run
has stdout "Plan of t: 4 jobs, 4 complete, about 0.00 hours to go"
grep -qE '^svd +1 +1 +- +- +0.000' "$logs/stdout" || { cat "$logs/stdout"; fail "the plan of what is done"; }
ok run c.yaml --results r --dry-run --force --json
has stdout '"jobs": 4'
has stdout '"complete": 0'
has stdout '"hours": '
ok run c.yaml --results r --dry-run --force
grep -q "^svd .*its earlier runs" "$logs/stdout" || { cat "$logs/stdout"; fail "svd's time is not that of its earlier run"; }
refuses 2 "exceeds the budget of 3 trials" run c.yaml --results r --set search.strategy=grid --set search.trials=3
exit 0
