# docs/from-pytorch.md, block by block as it stands there: a model that PyTorch trains on a small folder of images is
# checked, unlearned, audited and loaded into PyTorch again.
. "$EXPUNGE_TESTS/cli/common"
. "$EXPUNGE_TESTS/scripts/python"
need_python torchvision h5py
"$python" "$EXPUNGE_TESTS/cli/photos.py"
mkdir bin && ln -s "$EXPUNGE" bin/expunge && PATH=$PWD/bin:$PATH

# the fenced blocks, in their order: 1.python, 2.sh, ...
awk '/^## /  { skip = /A network of your own/ }
     skip    { next }
     /^```/ { if (open) { open = 0; close(file) } else { open = 1; file = ++n "." substr($0, 4) }; next }
     open { print > file }' "$EXPUNGE_TESTS/../docs/from-pytorch.md"
blocks=$(ls -- *.python *.sh | sort -n)
[ "$(cat -- *.sh | grep -c '^expunge ')" -eq 5 ] || fail "the page does not have its commands"
for block in $blocks; do
    case $block in
    *.python) "$python" "$block" >out 2>error </dev/null || { cat "$block" error; fail "$block"; } ;;
    *.sh) bash -eu "$block" >out 2>error </dev/null || { cat "$block" error; fail "$block"; } ;;
    esac
    # what PyTorch trains differs between its versions, and with it how well one pair of alphas suits: that is advice
    ! grep warning error | grep -v "optimizer (momentum_buffer, 21 tensors)\$" | grep -qvE "warning: ACC_[rf] .*: try a |no better than guessing" ||
        { cat "$block" error; fail "$block warns"; }
    mv out "$block.out"
done
grep -q "architecture: resnet18_imagenet, 4 classes" 2.sh.out || fail "inspect: another architecture"
awk '/^ACC_[rf]/ && $2 + 0 < 90 { bad = 1 } END { exit bad }' 3.sh.out || { cat 3.sh.out; fail "the model was not learned"; }
grep -q "^leaks\|^underpowered\|^over-forgotten" 6.sh.out || { cat 6.sh.out; fail "audit: no verdict"; }
[ -s audit/report.html ] || fail "audit: no report"
ok audit --verify audit
awk '{ exit !(/^forgotten class/ && $3 + 0 < 60 && $5 + 0 > $3 + 30) }' 7.python.out || { cat 7.python.out; fail "not forgotten"; }
exit 0
