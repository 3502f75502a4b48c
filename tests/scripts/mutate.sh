# scripts/mutate chooses the same lines for the same seed and says how each would change; the long tier runs it.
# limit: 21600 s
set -eu
mutate=$EXPUNGE_TESTS/../scripts/mutate
/usr/bin/python3 -c '' 2>/dev/null || { echo "no /usr/bin/python3"; exit 77; }
fail() { echo "FAILED: $*"; exit 1; }

"$mutate" --help | grep -q 'scripts/mutate --seed 1 --count 150' || fail "--help shows no example"
"$mutate" --list --seed 7 --count 60 >one
"$mutate" --list --seed 7 --count 60 >two
"$mutate" --list --seed 8 --count 60 >three
cmp one two || fail "one seed, two lists"
cmp -s one three && fail "two seeds, one list"
[ "$(wc -l <one)" -eq 120 ] || fail "60 mutants are not 120 lines"
"$mutate" --list --seed 7 --count 2000 >many
for operator in relational arithmetic logical constant condition 'deleted statement' status; do
    grep -q "^[a-z_/0-9]*\.c:[0-9]*: $operator: \[.*\] -> \[.*\]$" many || fail "no mutant is of the kind: $operator"
done
# what is said to stand there stands there
grep -v '^ ' one | sed -E 's/^([^:]*):([0-9]*): [a-z ]*: \[(.*)\] -> \[.*\]$/\1 \2 \3/' | while read -r file line text; do
    sed -n "${line}p" "$EXPUNGE_TESTS/../$file" | grep -qF -- "$text" || fail "$file:$line does not hold '$text'"
done
rc=0 && "$mutate" nothing >out 2>&1 || rc=$?
[ $rc -eq 2 ] && grep -q "no folder 'nothing'" out || fail "a folder that is none: status $rc"

[ "${EXPUNGE_LONG:-}" ] || exit 0
"$mutate" --seed 1 --count "${EXPUNGE_MUTANTS:-150}" --progress "$PWD/progress"
