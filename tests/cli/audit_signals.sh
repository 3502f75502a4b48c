# Audits of logits from anywhere: verdicts whose truth is known, what a file must hold, and a folder that is checked.
. "$EXPUNGE_TESTS/cli/common"
. "$EXPUNGE_TESTS/scripts/python"
need_python h5py numpy

nulls="$EXPUNGE_TESTS/cli/nulls.py"
if [ -n "${EXPUNGE_LONG:-}" ]; then
    "$python" "$nulls" "$EXPUNGE" 200 >"$logs/nulls" || fail "$(cat "$logs/nulls")"
else # a few trials of what once was wrong
    "$python" "$nulls" "$EXPUNGE" 3 alike-0 unlike_levels-2 other_mix-3 pairs-0 unlike_shapes-0 few_exposed-6 forgot_nothing-4 leaking-5 >"$logs/nulls" ||
        fail "$(cat "$logs/nulls")"
fi

cat >maker.py <<'PY'
import os, sys, h5py, numpy as np
exec(open(sys.argv[1]).read().replace("main(*sys.argv[1:])\n", ""))
def text():
    return b"".join(iter(lambda: os.read(0, 1).strip(b"\0"), b"")).decode()
while name := text():
    change, rng = text(), np.random.default_rng(3)
    x = Signals(rng, 5, each=400)
    if change.startswith("x."): exec(change)
    x.write(name, False)
    if not change.startswith("x."):
        with h5py.File(name, "a") as file: exec(change)
    os.write(1, b".")
PY
coproc MAKER { exec "$python" maker.py "$nulls"; } # one for all files: Python and its packages start slowly
make() { # make FILE CHANGE: a file of logits, changed by lines of Python on x, rng, file
    local answer
    printf '%s\0%s\0' "$1" "$2" >&"${MAKER[1]}"
    read -r -n 1 -u "${MAKER[0]}" answer && [ "$answer" = . ] || fail "no file $1"
}
word() { "$python" -c 'import json, sys; print(json.load(open(sys.argv[1] + "/report.json"))["verdict"])' "$1"; }

make plain.h5 ""
ok audit --signals plain.h5 --forget 0 -o plain
has stdout "asked to forget: 0 (0)"
grep -q "Audited: the logits in plain.h5" plain/report.md || fail "the page does not say what was audited"
ok audit --verify plain
has stdout "follow from signals.h5"
grep -q '"assumes"' plain/report.json || fail "assumptions are not listed"

# one retrained model saw the forgotten images: nothing can be concluded, and the status says so too
make leaky.h5 "x.s[4, x.group == 0] += 1.5"
"$EXPUNGE" audit --signals leaky.h5 -o leaky >"$logs/stdout" 2>"$logs/stderr" && fail "an invalid audit ends with status 0"
has stderr "the audit is invalid"
has stdout "invalid: CONTROL FAILED (retrained model 3 differs"
[ "$(word leaky)" = invalid ] || fail "report.json says $(word leaky)"
ok audit --verify leaky

# logits that are the original's: nothing was unlearned, and the check finds the same without weights
make same.h5 "file['unlearned/logits'][:] = file['original/logits'][:]"
ok audit --signals same.h5 --attacks loss -o same
has stderr "same.h5: the unlearned model's logits are the original's: nothing was unlearned"
grep -q '"unlearned_equals_original": true' same/report.json || fail "the report hides that nothing was unlearned"
ok audit --verify same

# held-out images of other classes than the trained-on ones: those games are left out, and the others are judged
apart() { # apart DIR GAME GROUP IN OUT: points of GROUP are all of class IN, and those of the next of class OUT
    make apart.h5 "l, g = file['points/labels'][:], file['points/group'][:]
l[g == $3] = $4; l[g == $3 + 1] = $5; file['points/labels'][:] = l"
    ok audit --signals apart.h5 --attacks loss -o "$1"
    "$python" - "$1" "$2" <<'PY' || fail "game $2 is not left out by itself"
import json, sys
games = json.load(open(sys.argv[1] + "/report.json"))["results"]["games"]
for name, game in games.items():
    assert bool(game["attacks"]) == (name != sys.argv[2]), (name, game)
    if name == sys.argv[2]: assert game["left_out"][0]["why"] == "needs a class with both trained-on and held-out points", game
PY
    ok audit --verify "$1"
}
apart apart-retain retain 2 1 2
apart apart-forget forget 0 0 1

# equality by an attack that could not have seen more says so in its first word
make blind.h5 "x.s[0, x.label == 0] -= 30"
ok audit --signals blind.h5 --attacks correctness --margin 0.2 -o blind
case "$(word blind)" in indistinguishable) fail "equality by correctness alone is not qualified" ;; esac

# names of classes and of parts that people care about: the page names them, and the part that is exposed most
make named.h5 "
file['class_names'] = ['cat', 'dog', 'newt']
file['points/subgroup'] = np.arange(len(file['points/labels'])) % 4 + 10
g, z = file['points/group'][:], file['unlearned/logits'][:]
z[(g == 0) & (np.arange(len(g)) % 4 == 2) & (rng.random(len(g)) < 0.3), 0] += 9
file['unlearned/logits'][:] = z"
ok audit --signals named.h5 -o named
has stdout "asked to forget: 0 (cat)"
grep -q "Privacy audit: forgetting 0 (cat)" named/report.html || fail "the page does not name the class"
grep -q "by subgroup, 12 stands out most" named/report.md || fail "the page does not name the subgroup that is exposed"
"$python" - <<'PY' || fail "report.json has other parts"
import json
e = json.load(open("named/report.json"))["results"]["exposed_points"]
w = e["worst_subgroup"]
assert e["worst_class"] is None and w["subgroup"] == 12 and w["points"] == 100 and w["p"] < 0.1, w
assert 20 <= w["exposed"] <= e["exposed"] <= w["exposed"] + 8, (w, e)
PY
ok audit --verify named

# the page as a PDF: printed of what was checked, by what is installed
mkdir none fake
for tool in rm cat grep wc head tail sed sort find sh bash env mktemp gnuplot; do
    command -v $tool >"$logs/where" && ln -s "$(cat "$logs/where")" none/ && ln -s "$(cat "$logs/where")" fake/
done
path=$PATH
PATH=$PWD/none
refuses 1 "a PDF is printed by chromium or weasyprint, and neither is installed" audit --signals named.h5 --pdf x.pdf -o x
PATH=$path
[ ! -e x ] && [ ! -e x.pdf ] || fail "something was written before the PDF was refused"
cat >fake/weasyprint <<'SH'
#!/bin/sh
[ -s "$1" ] && echo "%PDF of $1" >"$2"
SH
printf '#!/bin/sh\nexit 3\n' >fake/chromium
chmod +x fake/weasyprint fake/chromium
PATH=$PWD/fake
"$EXPUNGE" audit --verify named --pdf x.pdf >"$logs/stdout" 2>"$logs/stderr"
[ $? -eq 1 ] || fail "a browser that fails"
has stderr "chromium printed no PDF of named/report.html (exit status 3)"
rm fake/chromium
ok audit --verify named --pdf x.pdf
grep -q "^%PDF of .*/named/report.html" x.pdf || fail "no PDF of the page"
rm x.pdf
sed -i 's/Verdict: [a-z]*/Verdict: nothing/' named/report.html
"$EXPUNGE" audit --verify named --pdf x.pdf >"$logs/stdout" 2>"$logs/stderr" && fail "a changed page passes"
PATH=$path
[ ! -e x.pdf ] || fail "a changed page was printed"

# types of other programs, and no more than what is needed
make small.h5 "
for name in ('original', 'retrained'): del file[name]
for name in ('points/labels', 'points/group'): v = file[name][:]; del file[name]; file[name] = v.astype('int64')
v = file['unlearned/logits'][:]; del file['unlearned/logits']; file['unlearned/logits'] = v.astype('float32')"
ok audit --signals small.h5 -o small
has stdout "equality is not judged: needs 2 retrained models"

broken() { # broken TEXT CHANGE
    make broken.h5 "$2"
    refuses 1 "$1" audit --signals broken.h5 -o x
    [ ! -e x ] || fail "$1: something was written"
}
broken "/points/group holds 7 at place 5; groups are 0" "file['points/group'][5] = 7"
broken "/points/labels holds 3 at place 2; the logits have 3 classes" "file['points/labels'][2] = 3"
broken "points/group" "del file['points/group']"
broken "/points/labels does not fit" "v = file['points/labels'][:-1]; del file['points/labels']; file['points/labels'] = v"
broken "/retrained/logits does not fit" "v = file['retrained/logits'][:, :-1]; del file['retrained/logits']; file['retrained/logits'] = v"
broken "unlearned/logits" "del file['unlearned']"
broken "/points/group has no 0" "file['points/group'][:] = 2"
broken "/unlearned/logits of point 3 is nan; logits must be finite" "file['unlearned/logits'][3, 1] = np.nan"
broken "/class_names has 2 names; the logits have 3 classes" "file['class_names'] = ['a', 'b']"
broken "/points/subgroup does not fit" "file['points/subgroup'] = np.zeros(3)"
broken "/graded/logits must hold 2 models" "file['graded/logits'] = file['retrained/logits'][:3]"
as() { echo "v = file['$1'][:]; del file['$1']; file['$1'] = ($2)"; } # as ARRAY EXPRESSION OF v: another array in its place
broken "/points/group holds 0.5 at place 0; it must be a whole number" "$(as points/group 'v + 0.5')"
broken "/points/group holds nan at place 0; it must be a whole number" "$(as points/group 'v * np.nan')"
broken "/points/group holds 256 at place 0; groups are 0" "$(as points/group 'v.astype(int) + 256')"
broken "/points/labels holds 0.25 at place 0; it must be a whole number" "$(as points/labels 'v + 0.25')"
broken "/points/labels holds 4294967296 at place 0; the logits have" "$(as points/labels 'v.astype(int) + 2**32')"
broken "/points/test holds 0.5 at place 0; it must be a whole number" "file['points/test'] = np.full(1600, 0.5)"
broken "/points/position holds 0.5 at place 1; it must be a whole number" "file['points/position'] = np.arange(1600) / 2"
broken "/points/cluster holds nan at place 0; it must be a whole number" "file['points/cluster'] = np.full(1600, np.nan)"
broken "/points/cluster holds 0.5 at place 1; it must be a whole number" "file['points/cluster'] = np.arange(1600) / 2"
broken "/points/subgroup holds 0.5 at place 1; it must be a whole number" "file['points/subgroup'] = np.arange(1600) / 2"
broken "/points/subgroup holds 3000000000 at place 0; the report prints" "file['points/subgroup'] = np.full(1600, 3000000000)"
broken "/points/subgroup holds 9223372036854775808 at place 0; it must be below 2^63" "file['points/subgroup'] = np.full(1600, 2**63, 'u8')"
broken "/shadow/keep holds 0.5 at place 0; it must be a whole number" \
    "file['shadow/logits'] = file['retrained/logits'][:]; file['shadow/keep'] = np.full((5, 1600), 0.5)"
for array in labels coin position; do
    broken "/canaries/$array holds 0.5 at place 0; it must be a whole number" "
for name in ('labels', 'coin', 'position'): file['canaries/' + name] = np.full(4, 0.5 if name == '$array' else 0)
file['canaries/unlearned_logits'] = np.zeros((4, 3))"
done

# numbers of clusters are names, of any kind and up to 64 bits: the same parts give the same audit
for kind in "c" "c.astype('f8') - 7" "c.astype('u8') * np.uint64(0x9E3779B97F4A7C15)"; do
    make cluster.h5 "
c = np.arange(1600) // 2
file['points/cluster'] = $kind
del file['retrained']"
    ok audit --signals cluster.h5 --attacks loss -o cluster
    ok audit --verify cluster
    "$python" - <<'PY' || fail "clusters numbered as $kind are others"
import h5py, json, numpy as np
with h5py.File("cluster/signals.h5") as f: assert (f["points/cluster"][:] == np.arange(1600) // 2).all()
PY
    "$python" -c 'import json; print(json.load(open("cluster/report.json"))["results"])' | sed "s/'seconds': [^,}]*//g" >this
    [ -e first ] || cp this first
    cmp -s this first || fail "clusters numbered as $kind give other numbers"
done

broken "retrained models 1 and 4 have the same logits" "file['retrained/logits'][3] = file['retrained/logits'][0]"
broken "retrained model 2 has the unlearned model's logits" "file['retrained/logits'][1] = file['unlearned/logits'][:]"
refuses 1 "of class 0" audit --signals plain.h5 --forget 1 -o x
refuses 2 "no models, data or pictures" audit --signals plain.h5 --weights w.pt -o x
refuses 2 "-o DIR is missing" audit --signals plain.h5
refuses 1 "none.h5" audit --signals none.h5 -o x

# who audits, for whom, why: on the page, and in what is checked
ok audit --signals plain.h5 --meta auditor="A. <b>Smith</b>" --meta purpose="erasure = request 17" -o stated
grep -q "A. &lt;b&gt;Smith&lt;/b&gt;" stated/report.html || fail "the page does not name the auditor as text"
grep -q "erasure = request 17" stated/report.md || fail "the page does not state the purpose"
grep -Eq '"date": "20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2} UTC"' stated/report.json || fail "no date"
ok audit --verify stated
sed -i 's/request 17/request 18/' stated/manifest.json
"$EXPUNGE" audit --verify stated >"$logs/stdout" 2>&1 && fail "another purpose passes"
refuses 2 "must be key=value" audit --signals plain.h5 --meta purpose -o x
