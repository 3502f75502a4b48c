# docs/extending.md, followed as it stands in a copy of the tree: each block goes where its info line says, and its commands
# run, which build, list, test and use all that is new.
# limit: 1200 s
set -eu
root=$(cd "$EXPUNGE_TESTS/.." && pwd)
fail() { echo "FAILED: $*"; exit 1; }
[ "$EXPUNGE_BUILD" = build/release ] || { echo "the release build's alone"; exit 77; }
mkdir copy
# with the objects, so that only what changes is compiled, and of the tests those that the page runs
(cd "$root" && tar cf - Makefile include scripts bench $(sed -n 's/^\([a-z]*\):.*/\1/p' scripts/layers.txt) tests/support \
    docs/deviations.md tests/contract tests/fixtures tests/nn/*.h tests/nn/test_engine.c build/expunge \
    --exclude='build/release/tests/*' build/release) | tar xf - -C copy
(cd "$root" && find build/release/tests/contract build/release/tests/support build/release/tests/nn/test_engine.[od] -name '*.[od]' |
    tar cf - -T -) | tar xf - -C copy
cd copy
# the caller's CC and flags stay, or all would be compiled anew; its T and its jobs do not
MAKEFLAGS=$(printf ' %s' "${MAKEFLAGS-}" | sed -E 's/^ [a-zA-Z]+//; s/ --?[a-z][^ ]*//g; s/ T=([^ \\]|\\.)*//')
export MAKEFLAGS
unset MFLAGS MAKELEVEL EXPUNGE EXPUNGE_TESTS EXPUNGE_BUILD

mkdir blocks # 1, 2, ...: the blocks; 1.info, ...: their info lines
awk '/^```/ { inside = !inside; if (inside) { name = "blocks/" ++n; print substr($0, 4) >(name ".info"); next } close(name); next }
     inside { print >name } END { exit inside || n < 15 }' "$root/docs/extending.md" || fail "docs/extending.md has too few blocks, or one without an end"

# place BLOCK FILE [before|after TEXT]: the block is the file, or goes before or after its first line that holds the text
place() {
    if [ $# -eq 2 ]; then
        [ ! -e "$2" ] || fail "docs/extending.md: $2 is there already"
        mkdir -p "$(dirname "$2")" && cp "$1" "$2"
        return
    fi
    line=$(grep -nF -m 1 -- "$4" "$2" | cut -d : -f 1)
    [ "$line" ] || fail "docs/extending.md: $2 has no line '$4'"
    [ "$3" = after ] || line=$((line - 1))
    { head -n "$line" "$2"; cat "$1"; tail -n +$((line + 1)) "$2"; } >placed
    cat placed >"$2"
}
i=0
while [ -e blocks/$((i += 1)) ]; do
    read -r language file where text <blocks/$i.info
    case $language:$where in
    sh:) bash -eux blocks/$i >out 2>&1 || { tail -n 40 out; fail "a command of docs/extending.md"; } ;;
    *:before | *:after) place blocks/$i "$file" "$where" "$text" ;;
    *:) place blocks/$i "$file" ;;
    *) fail "docs/extending.md: a block's info line is not 'LANGUAGE FILE [before|after TEXT]': $(cat blocks/$i.info)" ;;
    esac
done
for new in fade hellinger_retrained margin; do
    grep -q "$new" results/stripes/results.csv || { cat out; fail "the experiment has nothing of the new $new"; }
done
