# scripts/draw-subset: the same count of each class, without repetition, by the seed alone; the committed lists are its
# own, and the configs that compare the same methods do compare the same.
. "$EXPUNGE_TESTS/cli/common"
draw=$EXPUNGE_TESTS/../scripts/draw-subset configs=$EXPUNGE_TESTS/../configs
{ # an IDX file of 400 labels: 0 1 2 3 0 1 2 3 ...
    printf '\0\0\10\1\0\0\1\220'
    for _ in $(seq 100); do printf '\0\1\2\3'; done
} >labels
"$draw" labels 7 0 >zero
gzip -k labels
"$draw" labels.gz 7 0 | cmp zero - || fail "a packed file gives another list"
"$draw" labels 7 1 | cmp -s zero - && fail "another seed gives the same list"
[ "$(sort -nu zero | wc -l)" = 28 ] && sort -nuc zero || fail "no list of 28 positions"
for class in 0 1 2 3; do
    [ "$(awk -v k=$class '$1 % 4 == k' zero | wc -l)" = 7 ] || fail "not 7 of class $class"
done
"$draw" labels 100 3 | cmp - <(seq 0 399) || fail "all of them are not all of them"
"$draw" labels 101 0 2>"$logs/stderr" >/dev/null && fail "101 of 100"
has stderr "class 0 has only 100 images"
"$draw" labels many 0 2>"$logs/stderr" && fail "'many' is no number"
has stderr "'many': must be a whole number"

for config in fashion-mnist/resnet18 mnist/baselines; do
    base=$(sed -n 's/^extends: //p' "$configs/$config.yaml")
    [ "$configs/${config%/*}/$base" -ef "$configs/fashion-mnist/baselines.yaml" ] && ! grep -q '^methods:' "$configs/$config.yaml" ||
        fail "$config.yaml: other methods than fashion-mnist/baselines.yaml"
done
labels=/usr/share/datasets/fashion-mnist/train-labels-idx1-ubyte.gz
[ -f $labels ] || { echo "Fashion-MNIST is not installed"; exit 77; }
for count in 250 500; do
    "$draw" $labels $count 0 | cmp - "$configs/fashion-mnist/subset-$count.txt" || fail "subset-$count.txt is another"
    "$draw" ${labels/train/t10k} $count 0 | cmp - "$configs/fashion-mnist/test-$count.txt" || fail "test-$count.txt is another"
done
