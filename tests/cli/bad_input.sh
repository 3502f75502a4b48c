# Wrong input: one clear line, exit 1 or 2, nothing written.
. "$EXPUNGE_TESTS/cli/common"

# the command line
refuses 2 "a command is missing"
refuses 2 "did you mean 'unlearn'" unlern
refuses 2 "did you mean '--weights'" eval $toy --wieghts w.safetensors
refuses 2 "--arch A is missing" eval --data gaussians --weights w.safetensors
refuses 2 "-o PATH is missing" train $toy
refuses 2 "needs a value" train $toy -o
refuses 2 "forget needs a value" eval $toy --weights w.safetensors --forget --json
refuses 2 "given twice" train $toy --data mnist -o w.safetensors
refuses 2 "one argument too many" train $toy -o w.safetensors more
refuses 2 "NAME or FILE.yaml is missing" run
refuses 2 "takes no value" run c.yaml --force=yes
refuses 2 "must be a whole number" train $toy -o w.safetensors --threads many
refuses 2 "must be a whole number from 1" train $toy -o w.safetensors --threads 0
refuses 2 "must be train or test" predict $toy --weights w --split valid -o p.h5
refuses 2 "f32" train $toy --precision f16 -o w.safetensors
refuses 2 "did you mean 'methods'" list method

# every option that a command's help lists is found again from a misspelling of it, the first and the last too
(
    eval "$("$EXPUNGE" --environment | sed "s/=/='/; s/$/'/; s/^/export /")" # so that each start is one
    for c in run report train unlearn eval predict attack audit inspect bench list cache; do
        options=$("$EXPUNGE" $c --help | sed -n 's/^  \(-[a-z], \)*--\([a-z-]*\).*/\2/p')
        [[ "$options" == *seed*help* ]] || fail "$c --help lists '$options'"
        for o in $options; do
            "$EXPUNGE" $c --${o}x 2>"$logs/stderr" && fail "$c --${o}x"
            has stderr "$c: unknown option '--${o}x'; did you mean '--$o'?; see \`expunge $c --help\`"
        done
    done
) || exit 1

# names and values
refuses 2 "did you mean 'mlp'" bench --arch mlpp
refuses 2 "did you mean 'mlp'" train --arch mlpp --data gaussians -o w.safetensors
refuses 2 "did you mean 'gaussians'" train --arch mlp --data gausians -o w.safetensors
refuses 2 "gaussians" train --arch mlp --data gaussians:/tmp -o w.safetensors
refuses 2 "mnist" train --arch mlp --data mnist -o w.safetensors
refuses 2 "did you mean 'epochs'" train $toy --set epoch=3 -o w.safetensors
refuses 2 "epochs = 'three'" train $toy --set epochs=three -o w.safetensors
refuses 2 "epochs = '0'" train $toy --set epochs=0 -o w.safetensors
refuses 2 "must be key=value" train $toy --set epochs -o w.safetensors
refuses 2 "val_fraction = '1'" train $toy --set val_fraction=1 -o w.safetensors
refuses 2 "7" train $toy --exclude 7 -o w.safetensors
refuses 2 ".txt" train $toy -o w.txt
refuses 1 "nowhere" train $toy -o nowhere/w.safetensors

# weights
ok train $tiny_train -o w.safetensors
un="unlearn $toy --weights w.safetensors"
refuses 2 "did you mean 'svd'" $un --forget 3 --method svdd -o u.safetensors
refuses 2 "did you mean 'alpha_r'" $un --forget 3 --method svd --set alpha_rr=3 -o u.safetensors
refuses 2 "alpha_r = '-1'" $un --forget 3 --method svd --set alpha_r=-1 -o u.safetensors
refuses 2 "route = 'fast'" $un --forget 3 --method svd --set route=fast -o u.safetensors
refuses 2 "nolayer" $un --forget 3 --method svd --set layers=[nolayer] -o u.safetensors
refuses 2 "4" $un --forget 4 --method svd -o u.safetensors
refuses 2 "at least one must be kept" $un --forget 0,1,2,3 --method svd -o u.safetensors
refuses 2 "twice" $un --forget 1,1 --method svd -o u.safetensors
refuses 1 "nowhere" $un --forget 1 --method svd -o nowhere/u.safetensors
refuses 1 "missing.safetensors" eval $toy --weights missing.safetensors
head -c 2000 w.safetensors >half.safetensors
refuses 1 "half.safetensors" eval $toy --weights half.safetensors
head -c 5 w.safetensors >stub.safetensors
refuses 1 "stub.safetensors" eval $toy --weights stub.safetensors
echo "no weights at all, just a line of text" >text.safetensors
refuses 1 "text.safetensors" eval $toy --weights text.safetensors
refuses 1 "text.safetensors" inspect text.safetensors
refuses 1 "missing" inspect missing.h5
for name in lfs.safetensors lfs.pt lfs; do
    printf 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 42\n' >$name
    refuses 1 "$name: is a Git LFS pointer" eval $toy --weights $name
done
echo '<!DOCTYPE html><html>404</html>' >page.pt
refuses 1 "page.pt: is a web page" eval $toy --weights page.pt
refuses 1 "its tensors are those of mlp (--arch auto)" eval --arch convnet --data gaussians --weights w.safetensors
refuses 1 "no architecture of" eval --arch auto --data gaussians --weights "$EXPUNGE_TESTS/fixtures/small.pt"
refuses 1 "small.pt" eval --arch vgg11_bn --data gaussians --weights "$EXPUNGE_TESTS/fixtures/small.pt"
refuses 2 "-o is empty" train $toy -o ""
refuses 2 "--weights is empty" eval $toy --weights=
refuses 1 "vgg11_bn" train --arch vgg11_bn --data gaussians -o v.safetensors
refuses 1 "." eval $toy --weights .
refuses 2 "is the input" $un --forget 1 --method svd -o ./w.safetensors
cp w.safetensors w.h5
refuses 2 "is the input" predict $toy --weights w.h5 --split test -o w.h5
refuses 2 "must end in .h5" predict $toy --weights w.safetensors --split test -o p.csv
mkfifo pipe
refuses 1 "pipe" inspect pipe
refuses 1 "pipe" run pipe

# data
refuses 1 "missing.h5" train --arch mlp --data hdf5:missing.h5 -o d.safetensors
"$EXPUNGE" predict $toy --weights w.safetensors --split test -o p.h5 >/dev/null || fail predict
refuses 1 "train" train --arch mlp --data hdf5:p.h5 -o d.safetensors
head -c 3000 p.h5 >half.h5
refuses 1 "half.h5" train --arch mlp --data hdf5:half.h5 -o d.safetensors
refuses 1 "half.h5" inspect half.h5
refuses 1 "text.safetensors" train --arch mlp --data hdf5:text.safetensors -o d.safetensors
mkdir empty
refuses 1 "empty" train --arch convnet --data mnist:empty -o d.safetensors
head -c 100 w.safetensors >empty/train-images-idx3-ubyte
refuses 1 "empty" train --arch convnet --data mnist:empty -o d.safetensors

# configs
config() { # config LINE TEXT: the good one with a line replaced
    cat >c.yaml <<'YAML'
name: t
data: gaussians
arch: mlp
forget: [0]
train: {epochs: 1, batch_size: 2048, augment: false}
methods: [none, {name: svd, set: {alpha_r: 30}}]
attacks: [{name: loss, wiring: forget}]
YAML
    [ -z "$1" ] || awk -v n="$1" -v t="$2" 'NR == n { print t; next } { print }' c.yaml >c2.yaml && mv c2.yaml c.yaml 2>/dev/null
}
bad_config() { # bad_config STATUS TEXT LINE REPLACEMENT
    config "$3" "$4"
    refuses "$1" "c.yaml:$3" run c.yaml --results r
    has stderr "$2"
}
bad_config 2 "did you mean 'forget'" 4 "forgot: [0]"
bad_config 2 "epochs = 'x'" 5 "train: {epochs: x}"
bad_config 2 "must be" 5 "train: [1]"
bad_config 2 "epochs = '-3'" 5 "train: {epochs: -3}"
bad_config 2 "9" 4 "forget: [9]"
bad_config 2 "at least one must be kept" 4 "forget: [[0, 1, 2, 3]]"
bad_config 2 "did you mean 'svd'" 6 "methods: [svdd]"
bad_config 2 "did you mean 'alpha_r'" 6 "methods: [{name: svd, set: {alpha_z: 1}}]"
bad_config 2 "nolayer" 6 "methods: [{name: svd, set: {layers: [nolayer]}}]"
bad_config 2 "in both set and search" 6 "methods: [{name: svd, set: {alpha_r: 30}, search: {alpha_r: [10, 100]}}]"
bad_config 2 "did you mean 'gaussians'" 2 "data: gaussian"
bad_config 2 "did you mean 'mlp'" 3 "arch: mpl"
config 7 "train_index: rows.txt"
echo x >rows.txt
refuses 2 "c.yaml:7: rows.txt:1: 'x'" run c.yaml --results r
config 7 "resize: big"
refuses 2 "c.yaml:7: resize 'big'" run c.yaml --results r
bad_config 1 "c.yaml:2: data: $PWD/missing.h5 does not exist; a path in a config is relative to the folder of that config, and --set data=hdf5:PATH names another one" 2 "data: hdf5:missing.h5"
bad_config 1 "vgg11_bn" 3 "arch: vgg11_bn"
config "" ""
refuses 2 "did you mean 'epochs'" run c.yaml --set train.epoch=3 --results r
refuses 1 "missing.yaml" run missing.yaml
printf 'name: [t\n' >broken.yaml
refuses 2 "broken.yaml:" run broken.yaml
refuses 1 "w.safetensors" run c.yaml --results w.safetensors
refuses 1 "/proc" run c.yaml --results /proc/none
refuses 2 "empty" report empty
refuses 1 "missing" report missing

# a wrong checkpoint is refused before images are read: there are none
ok train $tiny_train --quiet -o mlp.safetensors
for command in "eval" "predict --split test -o x.h5" "unlearn --forget 0 --method none -o x.safetensors" "audit --forget 0 -o x"; do
    refuses 1 "mlp.safetensors does not fit the network" $command --arch convnet --weights mlp.safetensors --data imagefolder:nowhere
    refuses 2 "did you mean 'convnet'" $command --arch convnett --weights mlp.safetensors --data imagefolder:nowhere
    refuses 1 "nowhere: there is no such folder" $command --arch mlp --weights mlp.safetensors --data imagefolder:nowhere
    refuses 1 "nowhere: there is no such folder" $command --arch auto --weights mlp.safetensors --data imagefolder:nowhere
done
