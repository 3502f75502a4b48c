# docs/from-pytorch.md, "A network of your own", block by block as it stands there: a network that is no row of the list is trained
# and exported by PyTorch, checked, unlearned, audited and loaded again.
. "$EXPUNGE_TESTS/cli/common"
. "$EXPUNGE_TESTS/scripts/python"
need_python torch.export h5py PIL
"$python" "$EXPUNGE_TESTS/cli/photos.py"
mkdir bin && ln -s "$EXPUNGE" bin/expunge && PATH=$PWD/bin:$PATH
export PYTHONPATH=$EXPUNGE_TESTS/../python

# the section's blocks: 1.python, 2.sh, 3.python, of which the third goes on where the first ended
awk '/^## /  { here = /A network of your own/ }
     !here   { next }
     /^```/ { if (open) { open = 0; close(file) } else { open = 1; file = ++n "." substr($0, 4) }; next }
     open { print > file }' "$EXPUNGE_TESTS/../docs/from-pytorch.md"
[ "$(ls -- *.python *.sh | tr '\n' ' ')" = "1.python 2.sh 3.python " ] || fail "the section has other blocks"
[ "$(grep -o '^expunge [a-z]*' 2.sh | tr '\n' ' ')" = "expunge eval expunge unlearn expunge predict expunge audit " ] ||
    fail "the section does not have its commands"
mkfifo more
{ cat 1.python && printf 'open("trained", "w").close()\nopen("more").read()\n' && cat 3.python; } >whole.python
"$python" whole.python >python.out 2>python.error &
torch=$!
trap 'kill $torch 2>/dev/null' EXIT
while [ ! -e trained ] && kill -0 $torch 2>/dev/null; do sleep 0.1; done
[ -e trained ] || { cat python.error; fail "1.python"; }
bash -eu 2.sh >out 2>error </dev/null || { cat error; fail "2.sh"; }
! grep warning error | grep -vE "warning: ACC_[rf] .*: try a |no better than guessing" || { cat error; fail "2.sh warns"; }
: >more
wait $torch || { cat python.error; fail "3.python"; }
cat out
exit 0
