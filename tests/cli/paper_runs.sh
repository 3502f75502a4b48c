# The experiments of the paper that have no smaller form among configs/analyses run from end to end on a set of CIFAR's form with
# few images and a small network, and their reports have the tables and figures that docs/paper.md speaks of; in the long
# tier the shadow models of U-LiRA and its attack, with docs/paper.md's own command.
. "$EXPUNGE_TESTS/cli/common"
. "$EXPUNGE_TESTS/cli/common_cifar"
cifar_stand_ins
configs=$(cd "$EXPUNGE_TESTS/../configs" && pwd)
small="--set arch=convnet --set precision=f32 --set train.epochs=1 --set train.batch_size=50 --set train.lr=0.05 --set train.schedule=constant --set train.augment=false"
runs() { # runs CONFIG DATA SET..: with its report
    local name=$1 data=$2
    shift 2
    ok run "paper/$name" $small --set data="$data:$PWD/$data" "$@" --results r
    has stdout " 0 failed"
}
made() { # made CONFIG FILE..: they lie beside the report
    local name=$1 file
    shift
    for file; do [ -s "r/paper-$name/$file" ] || fail "$name: no $file"; done
}

runs grid-cifar10-vgg11_bn cifar10 --set 'forget=[0, 1]' --set 'methods.1.set.retain_per_class=3'
made grid-cifar10-vgg11_bn figures/searches.csv search.csv
[ "$(grep -c '^[01],[01],' r/paper-grid-cifar10-vgg11_bn/figures/searches.csv)" -eq 50 ] || fail "the grid has not 25 pairs of each class"

runs several-cifar10-vgg11_bn cifar10 --set 'forget=[[0], [0, 1]]'
made several-cifar10-vgg11_bn figures/several.csv

runs missing-cifar10-vgg11_bn cifar10
made missing-cifar10-vgg11_bn figures/missing.csv
[ "$(cut -d, -f1 r/paper-missing-cifar10-vgg11_bn/figures/missing.csv | sort -u | wc -l)" -eq 10 ] || fail "not nine classes were left out"
[ "$(grep -c '^set label ' r/paper-missing-cifar10-vgg11_bn/figures/pareto.gp)" -eq 1 ] || fail "values of one method crowd in the figure of costs"

runs weights-cifar10-vgg11_bn cifar10 --set 'methods=[none, retrain, svd, finetune]'
made weights-cifar10-vgg11_bn figures/weights.csv
for method in retrain svd finetune; do grep -q ",$method,0,features.0," r/paper-weights-cifar10-vgg11_bn/figures/weights.csv || fail "no change of the weights by $method"; done

# the paper's "Stable Ascent" is a row of its own, with its own rule, where the cost and where the accuracy is compared
row=$(grep -o '{name: neggrad_plus, label: Stable Ascent.*' "$configs/paper/cost-cifar10-vgg11_bn.yaml") || fail "no Stable Ascent in the experiment of costs"
runs cost-cifar10-vgg11_bn cifar10 --set 'forget=[0]' --set "methods=[none, retrain, $row, neggrad_plus]"
grep -q 'rule: stable_ascent' r/paper-cost-cifar10-vgg11_bn/report.html || fail "Stable Ascent ran by another rule"
for name in "$configs"/paper/{cifar10,cifar100,imagenet}-*.yaml; do grep -A1 'label: Stable Ascent' "$name" | grep -q 'rule: stable_ascent' || fail "$name: no Stable Ascent"; done

# of ImageNet's experiment what it asks of the report, on a hundred classes
sed -e 's/imagenet-vit_b_16.yaml/cifar100-vgg11_bn.yaml/' -e 's/#200/#60/' "$configs/paper/confusion-imagenet-vit_b_16.yaml" >"dogs.yaml"
sed -i "s|^extends: |extends: $configs/paper/|" dogs.yaml
ok run dogs.yaml $small --set data="cifar100:$PWD/cifar100" --set 'confusion={first: 51, last: 98}' --results r
made confusion-imagenet-vit_b_16 changes.csv changes.tex figures/confusion.csv
[ "$(grep -c ',all classes,' r/paper-confusion-imagenet-vit_b_16/changes.csv)" -eq 20 ] || fail "not ten falls and ten rises"
[ "$(grep -c ',classes 51 to 98,' r/paper-confusion-imagenet-vit_b_16/changes.csv)" -eq 40 ] || fail "not twenty and twenty within the range"
[ "$(wc -l <r/paper-confusion-imagenet-vit_b_16/figures/confusion.csv)" -eq $((48 * 48 + 1)) ] || fail "the figure does not keep to the range"

[ "${EXPUNGE_LONG:-}" ] || exit 0
runs ulira-cifar100-resnet18 cifar100 --set 'forget=[0]' --set shadows.pairs=4 --set 'methods=[none, retrain, svd]' --set 'shadows.methods=[svd]'
sed -n '/^```sh$/,/^```$/p' "$EXPUNGE_TESTS/../docs/paper.md" | grep -v '^```' >command
grep -q 'expunge audit ' command || fail "docs/paper.md has no command for U-LiRA"
mkdir bin && ln -s "$EXPUNGE" bin/expunge
sed -i -e 's|results/|r/|g' -e 's/--arch resnet18/--arch convnet/' -e "s|cifar100:data/cifar100|cifar100:$PWD/cifar100|" command
PATH=$PWD/bin:$PATH bash -e command >out 2>&1 || { cat out; fail "the command for U-LiRA"; }
grep -q '^models .*ulira, AUC' out || { cat out; fail "no AUC of U-LiRA"; }
exit 0
