# expunge bench, and what a tuning table changes: bits, metadata, run ids.
. "$EXPUNGE_TESTS/cli/common"
images=$EXPUNGE_TESTS/fixtures/images
for split in train val; do
    for i in 1 2 3 4; do
        mkdir -p d/$split/a d/$split/b
        cp "$images/bits.png" d/$split/a/$i.png
        cp "$images/rgb.png" d/$split/b/$i.png
    done
done
data="--arch convnet --data imagefolder:d --resize 12 --crop 12"

ok bench $data --batch-size 4 --precision f32 --tune -o t.txt
has stdout "convnet on 3x12x12, 2 classes"
has stdout "products f32"
has stdout "$(sha256sum t.txt | cut -d' ' -f1) in t.txt"
ok bench $data --batch-size 4 --precision f32 --tuning t.txt --json
has stdout "\"tuning_hash\": \"$(sha256sum t.txt | cut -d' ' -f1)\""
has stdout '"images_per_second_tuned": null'
grep -q "^[a-z0-9_]* 1 f32 weights 4 32 6 6 64 3 1 1 [a-z]*$" t.txt || { cat t.txt; fail "no row for the second convolution"; }
refuses 2 "is for the table of --tune" bench $data -o no.txt
refuses 2 "give only one of them" bench $data --tune --tuning t.txt

# without --data: images of random numbers
ok bench --arch mlp --precision f32 --batch-size 4
has stdout "mlp on 3x32x32, 10 classes"

# another algorithm, other bits; the same table, the same bits
sed -E 's/ [a-z]+$/ direct/' t.txt | sed '1s/.*/expunge-tuning 1/' >direct.txt
sed -E 's/ [a-z]+$/ unfold/' t.txt | sed '1s/.*/expunge-tuning 1/' >unfold.txt
train="train $data --set epochs=2 --set batch_size=4 --set augment=false"
for t in direct unfold; do
    for i in 1 2; do
        ok $train --tuning $t.txt --json -o $t$i.safetensors
        grep '"weights_hash"' "$logs/stdout" >$t$i
    done
    cmp "${t}1" "${t}2" || fail "the same table gave other bits"
    ok inspect "${t}1.safetensors"
    has stdout "expunge.tuning: $(sha256sum $t.txt | cut -d' ' -f1)"
done
cmp -s direct1 unfold1 && fail "the table changed nothing"
ok eval $data --weights direct1.safetensors --tuning unfold.txt --json
has stdout "\"tuning_hash\": \"$(sha256sum unfold.txt | cut -d' ' -f1)\""
ok eval $data --weights direct1.safetensors --json
has stdout '"tuning_hash": null'
ok predict $data --weights direct1.safetensors --tuning unfold.txt --split test -o p.h5
grep -qaF "$(sha256sum unfold.txt | cut -d' ' -f1)" p.h5 || fail "the logits do not name the table"
ok unlearn $data --weights direct1.safetensors --forget 1 --method svd --tuning unfold.txt -o u.safetensors
ok inspect u.safetensors
has stdout "tuning $(sha256sum unfold.txt | cut -d' ' -f1)"

# a table of another machine: said, not followed
sed 's/^[a-z0-9_]* 1 /sse41 3 /' direct.txt >foreign.txt
ok eval $data --weights direct1.safetensors --tuning foreign.txt
has stderr "foreign.txt: no row for"
echo "sse41 1 f32 data 8 32 8 8 32 3 2 1 winograd" >>foreign.txt
refuses 1 "foreign.txt:$(wc -l <foreign.txt): winograd cannot run the pass data" eval $data --weights direct1.safetensors --tuning foreign.txt
refuses 1 "w.txt" $train --tuning w.txt -o no.safetensors

# run ids and the cache of networks
cat >c.yaml <<'YAML'
name: t
data: imagefolder:d
resize: 12
crop: 12
arch: convnet
forget: [1]
validation: 0
train: {epochs: 1, batch_size: 4, augment: false}
probe: false
relearn: false
methods: [mask_logit]
YAML
ok run c.yaml --results plain
refuses 1 "it's.txt" run c.yaml --results none --tuning "it's.txt"
mv unfold.txt "it's.txt"
ok run c.yaml --results tuned --tuning "it's.txt"
ok run c.yaml --results key --set tuning=direct.txt
ok run c.yaml --results key2 --set tuning=direct.txt
for r in plain tuned key key2; do (cd $r/t && ls *.h5 models/*) >ids.$r; done
cmp -s ids.plain ids.tuned && fail "the run id is the same with a table"
cmp -s ids.key ids.tuned && fail "the run id is the same with another table"
cmp ids.key ids.key2 || fail "the run id is another with the same table"
for pair in plain:tuned tuned:key; do
    for f in $(cat ids.${pair%:*}); do grep -qxF "$f" ids.${pair#*:} && fail "$f is there with both tables"; done
done
ok inspect "$(ls tuned/t/original*.h5)"
has stdout "$(sha256sum "it's.txt" | cut -d' ' -f1)"

# an audit names the table, and trains and judges by it
audit="audit $data --weights direct1.safetensors --forget 1 --make-retrained 2 --set epochs=2 --set batch_size=4 --set augment=false --set draws=100"
for t in direct "it's"; do
    ok $audit --tuning "$t.txt" -o "a-$t"
    grep -q "tuning: $(sha256sum "$t.txt" | cut -d' ' -f1)" "a-$t/manifest.json" || fail "the manifest does not name $t.txt"
    (cd "a-$t.cache" && ls) >"ids.$t"
done
cat "ids.direct" "ids.it's" | sort | uniq -d >twice
[ -s twice ] && fail "both tables share $(cat twice)"
ok audit --verify a-direct
