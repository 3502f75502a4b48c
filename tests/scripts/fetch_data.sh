# scripts/fetch-data without a network: a mirror on this disk, whole and half downloads, wrong files, nothing there.
. "$EXPUNGE_TESTS/cli/common"
fetch=$EXPUNGE_TESTS/../scripts/fetch-data
command -v curl >/dev/null || { echo "curl is not installed"; exit 77; }
expect() { # expect STATUS FILE TEXT NAME DIR
    local want=$1 file=$2 text=$3 rc
    shift 3
    bash "$fetch" "$@" >"$logs/stdout" 2>"$logs/stderr"
    rc=$?
    [ $rc -eq "$want" ] || { cat "$logs/stderr"; fail "exit $rc, not $want: fetch-data $*"; }
    has "$file" "$text"
}
expect 2 stderr "no data set 'cifar'; there are: mnist fashion-mnist cifar10" cifar d
expect 2 stderr "usage" mnist

export EXPUNGE_MIRROR=http://127.0.0.1:9
expect 1 stderr "is there a network?" mnist d
mkdir wrong && echo "no archive" >wrong/cifar-10-binary.tar.gz
export EXPUNGE_MIRROR=file://$PWD/wrong
expect 1 stderr "must be c32a1d4ab5d03f1284b67883e8d87530; the download is removed" cifar10 d
[ -z "$(ls d)" ] || fail "a wrong download was kept: $(ls d)"

# good downloads: a copy of the script with the checksums of files made here
mkdir mirror f
cp "$fetch" copy
for file in train-images-idx3 train-labels-idx1 t10k-images-idx3 t10k-labels-idx1; do
    seq 1 5000 | sed "s/$/ $file/" | gzip -n >mirror/$file-ubyte.gz
    sed -i "s#^\(fashion-mnist .*/$file-ubyte.gz \).*#\1$(md5sum <mirror/$file-ubyte.gz | cut -d' ' -f1)#" copy
done
fetch=copy
export EXPUNGE_MIRROR=file://$PWD/mirror
cp mirror/t10k-labels-idx1-ubyte.gz f                                              # whole
head -c 9000 mirror/train-images-idx3-ubyte.gz >f/train-images-idx3-ubyte.gz.part  # half
cp mirror/train-labels-idx1-ubyte.gz f/train-labels-idx1-ubyte.gz.part             # whole, not yet renamed
expect 0 stdout "--data fashion-mnist:f" fashion-mnist f
has stdout "f/t10k-labels-idx1-ubyte.gz: exists already"
for file in mirror/*; do cmp "$file" "f/${file#mirror/}" || fail "$file came out different"; done
[ "$(ls f | wc -l)" -eq 4 ] || fail "left behind: $(ls f)"
expect 0 stdout "train-images-idx3-ubyte.gz: exists already" fashion-mnist f

mkdir -p cifar-10-batches-bin mirror c
echo records >cifar-10-batches-bin/data_batch_1.bin
tar -czf mirror/cifar-10-binary.tar.gz cifar-10-batches-bin
sed -i "s/c32a1d4ab5d03f1284b67883e8d87530/$(md5sum <mirror/cifar-10-binary.tar.gz | cut -d' ' -f1)/" copy
expect 0 stdout "--data cifar10:c" cifar10 c
cmp cifar-10-batches-bin/data_batch_1.bin c/cifar-10-batches-bin/data_batch_1.bin || fail "not unpacked"
exit 0
