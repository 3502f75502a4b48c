# Each row of a report's runs.csv holds the command that makes it again; it does, and the digits are the same: of a method
# whose parameters were searched, of one that gradients made, and of the reference.
. "$EXPUNGE_TESTS/cli/common"
cat >c.yaml <<'YAML'
name: t
data: gaussians
arch: mlp
seeds: [5]
forget: [0, [1, 2]]
train: {epochs: 4, batch_size: 512, augment: false}
relearn: {max_steps: 5}
methods:
  - none
  - retrain
  - {name: svd, label: "the published method, svd", search: {alpha_r: [10, 100], alpha_f: [1, 10]}}
  - {name: finetune, set: {epochs: 1}, search: {lr: [0.01, 0.1]}}
attacks:
  - {name: svc, wiring: paper, set: {max_points: 300}}
  - {name: loss, wiring: forget}
YAML
ok run c.yaml --results first --threads 1

# everything that is measured but times and memory; the search is not done again
facts() {
    "$EXPUNGE" inspect "$1" --json | awk '/"(metrics|attacks|confusion|relearn)/ { on = 1 } on' |
        awk '/"name": "(wall_seconds|cpu_seconds|peak_memory)"/ { skip = 7 } skip > 0 { skip--; next } { print }' |
        grep -v '"seconds"'
}

for row in the-published-method-svd-1-2-s5 finetune-0-s5; do
    first=$(basename first/t/$row-*.h5)
    command=$(grep "$first" first/t/runs.csv | grep -o '"expunge run.*]'"'"'"' | sed 's/^"//; s/"$//; s/""/"/g')
    [ -n "$command" ] || fail "no command for $row"
    rm -rf again
    (eval "${command/#expunge/\"$EXPUNGE\"}") >stdout 2>stderr || fail "$command: $(cat stderr)"
    retrained=${row/#*-svd/retrain}
    for file in "$row" "${retrained/#finetune/retrain}"; do
        facts first/t/"$file"-*.h5 >one
        facts again/t/"$file"-*.h5 >two
        grep -q acc_retain one || fail "$file: nothing to compare"
        cmp one two || fail "$file: other digits: $command"
    done
done
