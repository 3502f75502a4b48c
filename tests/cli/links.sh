# Links: what the user names as output is written where it leads; what the program writes in place is never reached through one.
. "$EXPUNGE_TESTS/cli/common"
mkdir far
ok train $tiny_train --quiet -o w.safetensors
cp w.safetensors far/old.safetensors
ln -s far/old.safetensors out.safetensors
ok unlearn $toy --weights w.safetensors --forget 3 --method mask_logit -o out.safetensors
[ -L out.safetensors ] || fail "-o replaced a link"
cmp -s w.safetensors far/old.safetensors && fail "-o did not write where the link leads"
[ -z "$(find . -name '*.tmp')" ] || fail "a temporary file is left"
ln -s nowhere.safetensors dangling.safetensors
refuses 1 "dangling.safetensors: is a link that leads to nothing" train $tiny_train -o dangling.safetensors
[ -L dangling.safetensors ] || fail "a link that leads to nothing was replaced"
ln -s /dev/full full.h5
refuses 1 "full.h5: exists and is not a regular file" predict $toy --weights w.safetensors --split test -o full.h5

# the queue of a sweep
cat >c.yaml <<'YAML'
name: t
data: gaussians
arch: mlp
forget: [0]
train: {epochs: 1, batch_size: 1024, augment: false}
relearn: false
probe: false
methods: [none]
YAML
ok run c.yaml
rm results/t/jobs.board
echo precious >precious
ln -s ../../precious results/t/jobs.board
refuses 1 "jobs.board: is a link, and what it leads to would be overwritten: remove it" run c.yaml
rm results/t/jobs.board
ln precious results/t/jobs.board
refuses 1 "jobs.board: has 2 names (hard links)" run c.yaml
[ "$(cat precious)" = precious ] || fail "a file was overwritten through jobs.board"
rm results/t/jobs.board
ok run c.yaml

# a folder of figures that leads elsewhere
rm -r results/t/figures
mkdir elsewhere
echo precious >elsewhere/accuracy.csv
ln -s ../../elsewhere results/t/figures
refuses 1 "figures: is a link, and files in the folder that it leads to would be overwritten" report results/t
[ "$(cat elsewhere/accuracy.csv)" = precious ] || fail "a file was overwritten through figures"
exit 0
