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

# again FOLDER EXPERIMENT ROW [OTHER]: the row, made by its own command, and the other one that is made along
again() {
    local first command file
    first=$(basename "$1"/"$2"/"$3"-*.h5)
    command=$(grep "$first" "$1"/"$2"/runs.csv | grep -o '"expunge run.*]'"'"'"' | sed 's/^"//; s/"$//; s/""/"/g')
    [ -n "$command" ] || fail "no command for $3"
    rm -rf again
    (eval "${command/#expunge/\"$EXPUNGE\"}") >stdout 2>stderr || fail "$command: $(cat stderr)"
    for file in "${@:3}"; do
        facts "$1"/"$2"/"$file"-*.h5 >one
        facts again/"$2"/"$file"-*.h5 >two
        grep -q '"acc' one || fail "$file: nothing to compare"
        cmp one two || fail "$file: other digits: $command"
    done
}
again first t the-published-method-svd-1-2-s5 retrain-1-2-s5
again first t finetune-0-s5 retrain-0-s5

# of weights that a config lists by seed those of the row, and classes that are forgotten one after another
model() { echo "$PWD"/first/t/models/"$1"-*.safetensors; }
cat >w.yaml <<YAML
name: w
data: gaussians
arch: mlp
seeds: [5, 6]
forget: [[1, 2]]
train: {epochs: 1}
original: {weights: [$(model original-s5), $(model retrain-0-s5)]}
retrained: {weights: [$(model retrain-1-2-s5), $(model finetune-1-2-s5)]}
methods:
  - none
  - retrain
  - {name: external, label: mine, weights: ["$(model finetune-1-2-s5)", "$(model finetune-0-s5)"]}
  - {name: svd, label: turns, in_turn: true}
probe: false
YAML
ok run w.yaml --results second --threads 1
again second w mine-1-2-s6
again second w turns-1-2-s6
again second w retrain-1-2-s5
again second w original-s6
