# Which class a person means: a name first, '#3' an index, a number of two classes refused with both readings; the same for
# every option, key and file that names one; and whatever is printed or stored says index and name.
. "$EXPUNGE_TESTS/cli/common"
images=$EXPUNGE_TESTS/fixtures/images
tune="--set epochs=1 --set batch_size=8 --set augment=false"
colours=(bits.png grey.jpg rgb.png)

folders() { # folders DIR NAME...: two images per class and split
    local root=$1 split n=0
    shift
    for name; do
        for split in train val; do
            mkdir -p "$root/$split/$name"
            cp "$images/${colours[$((n % 3))]}" "$root/$split/$name/a.${colours[$((n % 3))]##*.}"
            cp "$images/${colours[$(((n + 1) % 3))]}" "$root/$split/$name/b.${colours[$(((n + 1) % 3))]##*.}"
        done
        n=$((n + 1))
    done
}
folders one 1 2 3 4 5
folders twelve 0 1 2 3 4 5 6 7 8 9 10 11
one="--data imagefolder:one --resize 8 --crop 8"
twelve="--data imagefolder:twelve --resize 8 --crop 8"

# ------------------------------------------------------------ options
ok train --arch mlp $one $tune -o w.safetensors
unlearn() { ok unlearn --arch mlp $one --weights w.safetensors --method mask_logit --forget "$@" -o o.safetensors; }
both="'1' can be read as two classes: index 0 is the class named '1', and index 1 is the class named '2'; write name:1 or '#0'"
for command in "unlearn --method mask_logit -o x.safetensors" eval "audit -o x"; do
    refuses 2 "$both for the first, '#1' for the second" $command --arch mlp $one --weights w.safetensors --forget 1
done
refuses 2 "$both" train --arch mlp $one --exclude 1 $tune -o x.safetensors
refuses 2 "there are, by index and name: 0 '1', 1 '2'" eval --arch mlp $one --weights w.safetensors --forget 6
refuses 2 "there are #0 to #4" eval --arch mlp $one --weights w.safetensors --forget '#5'

# row K of the last layer is what mask_logit changes: the class named 5, and by the index 5 - 1 the same one
said() { # said INDEX NAME: the JSON and the metadata of the last `unlearn --json`
    tr -d ' \n' <"$logs/stdout" | grep -qF "\"forget\":[$1],\"forget_names\":[\"$2\"]" || { cat "$logs/stdout"; fail "no $1 ($2)"; }
    ok inspect o.safetensors
    has stdout "expunge.unlearned: mask_logit {}, forget $1 ($2), seed 0"
}
for word in 5 name:5 '#4' '"#4"' 05; do
    unlearn "$word" --json
    said 4 5
    sha256sum <o.safetensors >>same
done
[ "$(sort -u same | wc -l)" -eq 1 ] || fail "five words for one class make different files"
unlearn name:1 --json
said 0 1
unlearn '#1' --json
said 1 2
unlearn '#1,name:1'
has stdout "forgotten: 0,1 (1, 2)"
if grep -q "ACC_f is still" "$logs/stderr"; then has stderr "after forgetting 0,1 (1, 2)"; fi
ok eval --arch mlp $one --weights w.safetensors --forget name:3
has stdout "forgotten: 2 (3)"
ok eval --arch mlp $one --weights w.safetensors --forget name:3 --json
has stdout '"forget_names"'
has stdout '"n_forget": 2'
ok train --arch mlp $one --exclude name:4,5 $tune -o r.safetensors
has stdout "excluded: 3,4 (4, 5)"
ok inspect r.safetensors
has stdout "expunge.exclude: name:4,5"
has stdout "expunge.excluded: 3,4 (4, 5)"
ok train --arch mlp $one --exclude name:4 $tune -o r.safetensors --json
tr -d ' \n' <"$logs/stdout" | grep -qF '"exclude":[3],"exclude_names":["4"]' || fail "train --json"

# 0..11 as text sorts them: 0, 1, 10, 11, 2, ...; the file that is written tells which row was masked
ok train --arch mlp $twelve $tune -o t.safetensors
for word in 2 3 9 10 11; do refuses 2 "can be read as two classes" eval --arch mlp $twelve --weights t.safetensors --forget $word; done
ok eval --arch mlp $twelve --weights t.safetensors --forget 1
has stdout "forgotten: 1 (1)"
ok eval --arch mlp $twelve --weights t.safetensors --forget name:10
has stdout "forgotten: 2 (10)"
ok eval --arch mlp $twelve --weights t.safetensors --forget '#10'
has stdout "forgotten: 10 (8)"
refuses 2 "retain_without: twelve/train: '10' can be read as two classes" unlearn --arch mlp $twelve --weights t.safetensors --forget 0 \
    --method svd --set retain_without=10 -o x.safetensors

# some of the classifier's classes: the message names the cure, and the cure works
folders three 0 10 7
three="--data imagefolder:three --resize 8 --crop 8"
refuses 1 "the classifier has 12 classes, but the data imagefolder:three has 3; if these are some of the classifier's classes, --class-map FILE" \
    eval --arch mlp $three --weights t.safetensors
printf '%s\n' 0 1 10 11 2 3 4 5 6 7 8 9 >map.txt
ok eval --arch mlp $three --weights t.safetensors --class-map map.txt --forget name:10
has stdout "forgotten: 2 (10)"
printf '10\tten\n0\tnone\n7\tseven\n' >map.txt # folders that are numbers, shown by other names
ok train --arch mlp $three $tune --class-map map.txt -o small.safetensors
refuses 2 "index 1 is the class named 'none', and index 0 is the class named 'ten'" \
    eval --arch mlp $three --weights small.safetensors --class-map map.txt --forget 0
ok eval --arch mlp $three --weights small.safetensors --class-map map.txt --forget 7
has stdout "forgotten: 2 (seven)"
ok train --arch mlp $three $tune -o small.safetensors
refuses 1 "the classifier has 3 classes, but the data imagefolder:twelve has 12" eval --arch mlp $twelve --weights small.safetensors
if grep -q class-map "$logs/stderr"; then fail "--class-map cannot make a classifier larger"; fi

# ------------------------------------------------------------ HDF5
hdf5="--data hdf5:$EXPUNGE_TESTS/fixtures/names.h5"
ok train --arch mlp $hdf5 $tune -o h.safetensors
refuses 2 "index 0 is the class named '3', and index 3 is the class named '2'" eval --arch mlp $hdf5 --weights h.safetensors --forget 3
ok eval --arch mlp $hdf5 --weights h.safetensors --forget 1
has stdout "forgotten: 1 (1)"
ok eval --arch mlp $hdf5 --weights h.safetensors --forget name:3
has stdout "forgotten: 0 (3)"

# ------------------------------------------------------------ configs, and what is named in results
cat >c.yaml <<'YAML'
name: t
data: imagefolder:one
resize: 8
crop: 8
arch: mlp
validation: 0
forget: [[5], ["name:1", "#1"]]
train: {epochs: 1, batch_size: 8, augment: false}
methods: [none, retrain, mask_logit]
YAML
ok run c.yaml --results r
has stderr "mask_logit, forget 4 (5), seed 0: "
has stderr "mask_logit, forget 0,1 (1, 2), seed 0: "
has stdout "7 done, 0 already complete, 0 failed"
ok inspect r/t/mask_logit-0-1-s0-*.h5
has stdout "forget_names"
head -1 r/t/runs.csv | grep -q '^label,forget,forget_names,seed' || fail "runs.csv lacks the names"
grep -q '^mask_logit,4,5,0,' r/t/runs.csv || { cat r/t/runs.csv; fail "runs.csv: no 4 (5)"; }
grep -qF '"#0"",""#1""' r/t/runs.csv || fail "the command of a row names classes by what may be names"
ok inspect r/t/models/retrain-4-s0-*.safetensors
has stdout "classes 4 (5)"
# other words for the same sets are the same runs
ok run c.yaml --results r --set 'forget=[["#4"], ["#0", name:2]]'
has stdout "0 done, 7 already complete, 0 failed"
sed 's/^forget:.*/forget: [5, 1]/' c.yaml >d.yaml
refuses 2 "d.yaml:7: forget" run d.yaml --results x
has stderr "$both"
sed 's/^forget:.*/forget: [name:1]/; s/mask_logit\]/{name: mask_logit, label: turns, in_turn: true}]/' c.yaml >e.yaml
ok run e.yaml --results r2
has stderr "turns, forget 0 (1), seed 0"
refuses 2 "forget" run c.yaml --results x --set 'search={forget: [1]}'
has stderr "$both"
# each class in turn is each index
ok run c.yaml --results all --set forget=all --set methods=[none]
has stdout "6 done"
has stderr "none, forget 1 (2), seed 0"

# ------------------------------------------------------------ audit and shadow models
cat >s.yaml <<'YAML'
name: s
data: imagefolder:many
resize: 8
crop: 8
arch: mlp
validation: 0
forget: [["#1"]]
train: {epochs: 1, batch_size: 8, augment: false}
methods: [none, retrain, mask_logit]
shadows: {pairs: 4, methods: [mask_logit]}
YAML
for split in train val; do
    for name in 1 2 3; do
        mkdir -p many/$split/$name
        for i in 1 2 3 4 5 6; do cp "$images/${colours[$(((name + i) % 3))]}" "many/$split/$name/$i.${colours[$(((name + i) % 3))]##*.}"; done
    done
done
ok run s.yaml --results r
grep -q '"forget": "#1"' r/s/shadows/shadows.json || { cat r/s/shadows/shadows.json; fail "shadows.json: 1 may be a name"; }
grep -q '"forget_names"' r/s/shadows/shadows.json || fail "shadows.json lacks the name"
many="--data imagefolder:many --resize 8 --crop 8"
ok unlearn --arch mlp $many --weights "$(echo r/s/models/original-s0-*.safetensors)" --forget '#1' --method mask_logit -o m.safetensors
ok audit --arch mlp $many --train-index r/s/shadows/target-in.txt --weights m.safetensors --forget name:2 --shadow r/s/shadows -o a
has stdout "asked to forget: 1 (2)"
grep -q '"forget": "1"' a/report.json || fail "report.json: another forget"
tr -d ' \n' <a/report.json | grep -q '"forget_names":\["2"\]' || fail "report.json lacks the name"
grep -q "forgetting 1 (2)" a/report.md || { head -3 a/report.md; fail "the page's title lacks index or name"; }
grep -q 'forget: #1' a/manifest.json || fail "the manifest names a class by what may be a name"
ok audit --verify a
refuses 2 "can be read as two classes" audit --arch mlp $many --weights m.safetensors --forget 1 -o b
