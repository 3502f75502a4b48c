# The architecture holds, the docs say the same of it, and the check itself can fail: an upward include, a circle, a
# foreign header, a plug-in's name in a report and a row without a file are each found in a copy of the tree.
set -eu
root=$EXPUNGE_TESTS/..
"$root/scripts/check-layers"
grep '^[a-z]*:' "$root/scripts/layers.txt" >layers
sed -n '/^Who may include whom/,/^`unlearn/p' "$root/docs/design.md" | grep '^[a-z]*:' | diff layers - || { echo 'docs/design.md, section 2: not scripts/layers.txt'; exit 1; }
mkdir copy
(cd "$root" && tar cf - --exclude='*.o' scripts bench tests $(sed -n 's/^\([a-z]*\):.*/\1/p' scripts/layers.txt)) | tar xf - -C copy
expect() {
    if copy/scripts/check-layers >out; then echo "not found: $1"; exit 1; fi
    grep -q "$1" out || { cat out; echo "not named: $1"; exit 1; }
}
echo '#include "nn/net.h"' >copy/mia/wrong.c
expect 'mia/wrong.c:1: mia/ may not include nn/net.h'
expect 'mia/wrong.c: a plug-in file without a row'
rm copy/mia/wrong.c
echo '#include <dnnl.h>' >copy/session/wrong.c
expect 'session/wrong.c:1'
rm copy/session/wrong.c
echo '#include <dnnl.h>' >copy/nn/onednn/wrong.c
expect 'nn/onednn/wrong.c:1'
rm copy/nn/onednn/wrong.c
echo '#include "nn/onednn/program.h"' >copy/nn/kernels/wrong.c
expect 'nn/kernels/wrong.c:1'
rm copy/nn/kernels/wrong.c
echo '#include "nn/onednn/compile.h"' >>copy/nn/onednn/program.c
expect 'in a circle: nn/onednn/program'
sed -i '$d' copy/nn/onednn/program.c
echo '#include "io/file.h"' >>copy/io/names.c
expect 'in a circle: io/names'
sed -i '$d' copy/io/names.c
sed -i 's/^io: base/io: base sweep/' copy/scripts/layers.txt
expect 'io stands on sweep'
sed -i 's/^io: base sweep/io: base/' copy/scripts/layers.txt
printf '"%s"\n' wall_seconds tow lira_offline svd >copy/report/wrong.c # a family's, a metric's, an attack's, a method's
expect 'report/wrong.c:1:"wall_seconds"   (report/ knows no plug-in by name)'
[ "$(grep -c report/wrong.c out)" = 4 ] || { cat out; exit 1; }
rm copy/report/wrong.c
sed -i 's/X(none)/X(none) X(no_such_method)/' copy/unlearn/list.h
expect 'no_such_method'
