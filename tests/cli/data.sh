# Preparing images from the command line and from a config: what is used is stored, compared with the weights' metadata,
# and an accuracy that guessing reaches is told with its causes. Class names stand wherever numbers do.
. "$EXPUNGE_TESTS/cli/common"
images=$EXPUNGE_TESTS/fixtures/images
for split in train val; do
    for i in 1 2 3 4 5 6; do
        mkdir -p d/$split/ankle_boot "d/$split/big cat" d/$split/owl
        cp "$images/bits.png" d/$split/ankle_boot/$i.png
        cp "$images/grey.jpg" "d/$split/big cat/$i.jpg"
        cp "$images/rgb.png" d/$split/owl/$i.png
    done
done
data="--data imagefolder:d --resize 12 --crop 10"
prep="resize: 12, crop: 10, interpolation: bilinear"
ok train --arch mlp $data --set epochs=30 --set batch_size=6 --set augment=false -o w.safetensors
has stdout "test accuracy 100.00%"
ok inspect w.safetensors
has stdout "expunge.preprocessing: {mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], $prep}"
ok eval --arch mlp $data --weights w.safetensors --forget "BIG cat" --json
[ ! -s "$logs/stderr" ] || { cat "$logs/stderr"; fail "a warning where there is nothing to warn of"; }
has stdout '"big cat"'
has stdout "$prep"
has stdout '"n_forget": 6'
ok predict --arch mlp $data --weights w.safetensors --split test -o p.h5
ok inspect p.h5
has stdout "/logits"

# other preparation than the weights': told, and still done
ok eval --arch mlp $data --weights w.safetensors --mean 0.5 --std "0.25"
has stderr "w.safetensors: its images were prepared with {mean: [0.485, 0.456, 0.406]"
has stderr "now prepared with {mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25]"
ok eval --arch mlp $data --weights w.safetensors --interpolation bicubic
has stderr "interpolation: bicubic}"

# the model's order of classes
printf 'owl\nankle_boot\tAnkle boot\nbig cat\n' >map.txt
ok eval --arch mlp $data --weights w.safetensors --class-map map.txt
has stderr "seems to number its classes in another order"
has stdout "1 Ankle boot"
ok train --arch mlp $data --class-map map.txt --exclude "ankle boot" --set epochs=20 --set batch_size=6 --set augment=false -o m.safetensors
has stdout "excluded classes 0.00% [0.00, 45.93] (n = 6)"

# near chance, told before the unlearning
ok train --arch mlp --data gaussians --set epochs=1 --set batch_size=4096 --set lr=1e-9 --set augment=false -o bad.safetensors
ok unlearn --arch mlp --data gaussians --weights bad.safetensors --forget 1 --method mask_logit -o bad2.safetensors
has stderr "no better than guessing; likely causes"

# what unlearn writes keeps what the weights were trained with; part of the images by index
printf '0\n1\n6\n7\n12\n13\n' >some.txt
ok unlearn --arch mlp $data --weights w.safetensors --forget owl --method mask_logit --train-index some.txt --json -o u.safetensors
has stdout '"acc_forget": 0'
ok inspect u.safetensors
has stdout "expunge.preprocessing: {mean: [0.485"
ok eval --arch mlp $data --weights w.safetensors --split train --train-index some.txt --json
has stdout '"n": 6'

# broken images
head -c 300 "$images/grey.jpg" >"d/train/big cat/half.jpg"
refuses 1 "big cat/half.jpg: damaged JPEG image" eval --arch mlp $data --weights w.safetensors
has stderr "broken: skip"
ok eval --arch mlp $data --weights w.safetensors --split train --broken skip --json
has stderr "left out: d/train/big cat/half.jpg"
has stdout '"n": 18'
rm "d/train/big cat/half.jpg"

# a budget decides what stays in memory, and nothing else
for memory in 1K 1.5G; do
    ok eval --arch mlp $data --weights w.safetensors --split train --memory $memory --json
    cp "$logs/stdout" $memory.json
done
cmp 1K.json 1.5G.json || fail "the budget changes results"
refuses 2 "--memory 'much': must be bytes, or a number with K, M, G or T" eval --arch mlp $data --weights w.safetensors --memory much
refuses 2 "--memory '0'" eval --arch mlp $data --weights w.safetensors --memory 0

# a text as editors of Windows write it
printf '\357\273\277owl\r\nbig cat\r\nankle_boot\r\n' >windows.txt
ok eval --arch mlp $data --class-map windows.txt --weights w.safetensors
has stdout "    0 owl "

# wrong options
refuses 2 "divide by 255 (0.498)" eval --arch mlp $data --mean 127 --std 0.3 --weights w.safetensors
refuses 2 "divide by 255 (0.2471)" eval --arch mlp $data --mean 0.5 --std 63 --weights w.safetensors
refuses 2 "resize 'big'" eval --arch mlp --data imagefolder:d --resize big --weights w.safetensors
refuses 2 "must be bilinear or bicubic" eval --arch mlp $data --interpolation cubic --weights w.safetensors
refuses 2 "did you mean '--interpolation'" eval --arch mlp $data --interpolatoin bicubic --weights w.safetensors
refuses 2 "given twice" eval --arch mlp $data --crop 5 --weights w.safetensors
refuses 2 "holds float32" train --arch mlp --data gaussians --resize 4 -o x.safetensors
refuses 1 "missing.txt" eval --arch mlp $data --class-map missing.txt --weights w.safetensors
refuses 1 "nowhere" train --arch mlp --data imagefolder:nowhere -o x.safetensors
refuses 1 "d/val/train" train --arch mlp --data imagefolder:d/val -o x.safetensors
refuses 2 "unknown option" inspect w.safetensors --mean 0.5

# the same keys in a config
cat >c.yaml <<'YAML'
name: t
data: imagefolder:d
resize: 12
crop: 10
mean: [0.5, 0.4, 0.3]
std: 0.25
class_map: map.txt
arch: mlp
validation: 0
forget: [ankle boot, [owl, big cat]]
train: {epochs: 2, batch_size: 6, augment: false}
methods: [none, mask_logit]
YAML
ok run c.yaml --results r
has stdout "0 failed"
ok inspect "$(ls r/t/none-*.h5 | head -1)"
has stdout "{mean: [0.5, 0.4, 0.3], std: [0.25, 0.25, 0.25], $prep}"
ok inspect "$(ls r/t/models/*.safetensors | head -1)"
has stdout "expunge.preprocessing: {mean: [0.5, 0.4, 0.3]"
# paths in a config are beside it, wherever the program runs; those of --set are the working directory's
mkdir -p far/away && printf 'extends: ../c.yaml\nname: u\n' >far/u.yaml
(cd far/away && ok run ../u.yaml --results "$OLDPWD/r") || exit 1
same_rows() { "$EXPUNGE" inspect "$(ls r/$1/none-*.h5 | head -1)" --json | grep -E '"(id|data_hash)"'; }
[ "$(same_rows t)" = "$(same_rows u)" ] && same_rows t | grep -q '"id"' || fail "a config elsewhere reads other images"
cp map.txt far/away/own.txt
(cd far/away && ok run ../u.yaml --results "$OLDPWD/r" --set class_map=own.txt) || exit 1
refuses 1 "expunge: --set: class_map: $PWD/own.txt does not exist" run far/u.yaml --set class_map=own.txt --results r2
rm far/away/own.txt
mv map.txt other.txt
refuses 1 "c.yaml:7: class_map: $PWD/map.txt does not exist; a path in a config" run far/u.yaml --results r2
mv other.txt map.txt
rm -r far
refuses 2 "did you mean 'resize'" run c.yaml --set resise=3 --results r2
refuses 2 "expunge: --set: resize 'x'" run c.yaml --set resize=x --results r2
ok list datasets
has stdout "--interpolation"
has stdout "cifar100-coarse"
exit 0
