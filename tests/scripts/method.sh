#!/bin/sh
# Every line that docs/method.md quotes stands where it says: "- `file:line` `code`".
cd "$(dirname "$0")/../.." || exit 1
quoted=$(sed -n 's/^- `\([^`:]*\):\([0-9]*\)` `\([^`]*\)`.*/\1 \2 \3/p' docs/method.md)
[ "$(echo "$quoted" | wc -l)" -eq "$(grep -c '^- `' docs/method.md)" ] || { echo "method.md: a bullet is not of the form - \`file:line\` \`code\`"; exit 1; }
echo "$quoted" | {
    bad=0
    while read -r file line code; do
        sed -n "${line}p" "$file" | grep -qF -- "$code" && continue
        echo "docs/method.md: $file:$line is not '$code'; that is line $(grep -nF -- "$code" "$file" | cut -d: -f1 | tr '\n' ' ')"
        bad=1
    done
    exit $bad
}
