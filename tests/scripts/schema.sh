# Every path of a run file that the sources write or read is in the table of docs/results.md, which
# tests/store/test_schema.c holds to store/schema.c; and the reader of signals files knows just those of docs/signals.md.
set -eu
scratch=$PWD
cd "$EXPUNGE_TESTS/.."
rows=$(sed -n 's/^| `\(\/[^`]*\)` | .*/\1/p' docs/results.md)
table=$(echo "$rows" | sed 's/<[a-z]*>/x/g')
tops=$(echo "$table" | sed -n 's|^/\([a-z_]*\).*|\1|p' | sort -u | paste -sd '|')
folders=$(sed -n 's/^\([a-z]*\):.*/\1/p' scripts/layers.txt)
bad=0
# what a format fills in may be any name
for path in $(grep -rhE --include='*.c' "\"/($tops)[/\"%]" $folders | grep -v 'io_hdf5_' | grep -oE "\"/($tops)(/[a-z_%]*)*\"" | tr -d '"' | sort -u); do
    pattern=$(echo "$path" | sed -e 's|/$||' -e 's/%s%s/%s/g' -e 's/%s/[^\/]*/g')
    echo "$table" | grep -qE "^$pattern(/|\$)" && continue
    depth=$(($(echo "$path" | tr -cd / | wc -c) + 1)) # a name where the table has <set>, say
    echo "$rows" | cut -d / -f 1-$depth | sed 's/<[a-z]*>/[^\/]*/g' | grep -v '^/\[' | sort -u >"$scratch/patterns"
    echo "$path" | grep -qxEf "$scratch/patterns" || { echo "docs/results.md has no $path"; bad=1; }
done
while read -r group name; do
    grep -F "| \`$group\` | attributes |" docs/results.md | grep -q "\`$name\`" || { echo "docs/results.md: $group has no attribute $name"; bad=1; }
done <<END
$(grep -rhoE --include='*.c' 'store_run_(set_)?(text|f64|i64)\([^"]*"/[a-z_]*", "[a-z_]+"' $folders | sed 's/[^"]*"\([^"]*\)", "\([^"]*\)"/\1 \2/' | sort -u)
END
[ "$(echo "$table" | wc -l)" -ge 50 ] || { echo "the table has only $(echo "$table" | wc -l) rows"; bad=1; }
reader=$(grep -rl --include='*.c' 'part of a signals file' $folders)
grep -oE '"/[a-z]+/[a-z_]+"' "$reader" | tr -d '"' | sort -u >"$scratch/read"
grep '^| `/' docs/signals.md | cut -d '|' -f 2 | grep -oE '/[a-z]+/[a-z_]+' | sort -u >"$scratch/told"
diff "$scratch/read" "$scratch/told" || { echo "docs/signals.md and $reader differ"; bad=1; }
exit $bad
