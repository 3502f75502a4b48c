# kill -9 in the middle of `expunge run`, then the same command: the results of an undisturbed run.
. "$EXPUNGE_TESTS/cli/common"
cat >c.yaml <<'YAML'
name: t
data: gaussians
arch: mlp
seeds: [0, 1]
forget: [0, [1, 2]]
train: {epochs: 6, batch_size: 512, augment: false}
methods:
  - none
  - retrain
  - {name: svd, set: {spectra: true}, search: {alpha_r: [10, 30, 100], alpha_f: [1, 10, 100]}}
  - mask_logit
attacks:
  - {name: svc, wiring: paper, set: {max_points: 300}}
  - {name: loss, wiring: forget}
YAML
ok run c.yaml --results calm
has stdout "18 done, 0 already complete, 0 failed"

kills=0
for try in $(seq 1 8); do
    killed $((RANDOM % 9 * 100 + 100)) run c.yaml --results stormy || break
    kills=$((kills + 1))
done
[ $kills -gt 0 ] || fail "not one kill struck"
ok run c.yaml --results stormy
has stdout "0 failed"
[ "$(facts calm/t)" = "$(facts stormy/t)" ] || {
    diff <(facts calm/t) <(facts stormy/t) | head -20
    fail "results differ after $kills kills"
}
[ -z "$(find stormy -name '*.tmp')" ] || fail "a killed run left temporary files"
[ -f stormy/t/report.html ] || fail "no report"

# complete jobs are skipped; another config sets the old runs aside, and they come back with it
ok run c.yaml --results calm
has stdout "0 done, 18 already complete, 0 failed"
ok run c.yaml --results calm --set seeds=[0] --set train.epochs=2 --set methods=[none]
has stdout "3 done"
[ "$(ls calm/t/*.h5 | wc -l)" -eq 3 ] || fail "runs of two configs in one folder"
ok run c.yaml --results calm
has stdout "0 done, 18 already complete, 0 failed"
ok run c.yaml --results calm --force --json
has stdout '"done": 18'

# a job that fails is a row with its reason, and the sweep goes on
"$EXPUNGE" run c.yaml --results failing --set train.lr=100 --set train.schedule=constant >"$logs/stdout" 2>"$logs/stderr"
rc=$?
[ $rc -eq 1 ] || fail "exit $rc for a sweep whose jobs failed"
has stderr "18 of 18 jobs failed"
has stdout "smaller lr"
[ "$(ls failing/t/*.h5 | wc -l)" -eq 18 ] || fail "a failed job left no row"
exit 0
