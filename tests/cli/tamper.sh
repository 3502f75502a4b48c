# Every line that `audit --verify` can print. An audit is changed in one way and everything hashed anew, as one would who has no
# key to sign with: what follows from its signals must be told.
. "$EXPUNGE_TESTS/cli/common"
. "$EXPUNGE_TESTS/scripts/python"
need_python h5py

make_faces
faces="--arch mlp --data hdf5:faces.h5 --threads 1"
small="--set epochs=2 --set batch_size=60 --set augment=false"
ok train $faces $small -o o.safetensors
ok train $faces $small --seed 7 -o u.safetensors
for i in 1 2; do ok train $faces $small --exclude 1 --seed $i -o r$i.safetensors; done
ok audit $faces --weights u.safetensors --original o.safetensors --retrained r1.safetensors,r2.safetensors --forget 1 \
    --attacks loss,entropy --set draws=100 --pictures 2 --seed 1 -o whole
cp -r whole now

# rehash [keep-config] [FILE...]: a manifest that fits the files as they are now
rehash() {
    "$python" - "$@" <<'PY'
import hashlib, json, re, sys
m = open("now/manifest.json").read()
keep = "keep-config" in sys.argv
for name in [n for n in sys.argv[1:] if n != "keep-config"]:
    h = hashlib.sha256(open("now/" + name, "rb").read()).hexdigest()
    if '"file": "%s"' % name not in m:
        m = m.replace('"results": [', '"results": [\n    {"file": "%s", "sha256": ""},' % name)
    m = re.sub(r'("%s",\s*"sha256": ")[0-9a-f]*' % re.escape(name), lambda k: k[1] + h, m)
config = re.search(r'"config": ("(?:[^"\\]|\\.)*")', m)
if not keep:
    h = hashlib.sha256(json.loads(config[1]).encode()).hexdigest()
    m = re.sub(r'("config_sha256": ")[0-9a-f]*', lambda k: k[1] + h, m)
m = re.sub(r'("manifest_sha256": ")[0-9a-f]*', lambda k: k[1] + "0" * 64, m)
m = re.sub(r'("manifest_sha256": ")[0-9a-f]*', lambda k, h=hashlib.sha256(m.encode()).hexdigest(): k[1] + h, m)
open("now/manifest.json", "w").write(m)
PY
}
verify() { # verify STATUS [OPTION..]
    local want=$1 rc
    shift
    "$EXPUNGE" audit --verify now "$@" >"$logs/stdout" 2>"$logs/stderr"
    rc=$?
    [ $rc -eq "$want" ] || { cat "$logs/stdout" "$logs/stderr"; fail "--verify $*: exit $rc, not $want"; }
}
last() { # last TEXT: of the last line
    tail -1 "$logs/stdout" | grep -qF -- "$1" || fail "the last line is '$(tail -1 "$logs/stdout")', without '$1'"
}
whole() { rm -r now && cp -r whole now; }
# told TEXT [LINES|more]: it is said, in as many lines with the last one, which says that this is not as the audit wrote it
told() {
    verify 1
    has stdout "$1"
    has stderr "from what the audit wrote"
    last "now: not as the audit wrote it; unsigned"
    [ "${2:-2}" = more ] || [ "$(wc -l <"$logs/stdout")" -eq "${2:-2}" ] || { cat "$logs/stdout"; fail "other lines than '$1'"; }
    whole
}
changed() { ! cmp -s "now/$1" "whole/$1" || fail "$1: nothing was forged"; }
manifest() { # manifest SED TEXT [LINES]: the manifest alone
    sed -i "$1" now/manifest.json
    changed manifest.json
    rehash
    told "$2" "${3:-2}"
}
forge() { # forge FILE SED TEXT [LINES]
    sed -i "$2" "now/$1"
    changed "$1"
    rehash "$1"
    told "$3" "${4:-2}"
}
verify 0
last "5 inputs are unchanged, 0 were not checked, and numbers, pages and figures follow from signals.h5; unsigned"
[ "$(wc -l <"$logs/stdout")" -eq 1 ] || { cat "$logs/stdout"; fail "lines about an audit that is whole"; }
ls whole/figures | grep -v '^exposed-' | grep '\.png$' && fail "a bitmap of a drawing, which nobody can check"
verify 0 -o same
cmp -s same/report.html whole/report.html || fail "-o makes another page where nothing differs"
[ "$(stat -c %a same/report.html)" = 600 ] || fail "a page with pictures that others may read"

# files
sed -i 's/"threads": 1/"threads": 2/' now/manifest.json
changed manifest.json
told "manifest.json: is not as the audit wrote it (its own SHA-256 differs)"
sed -i 's/Verdict: [a-z]*/Verdict: indistinguished/' now/report.md
changed report.md
told "report.md: is not the file that the audit wrote (SHA-256 differs)" 3
for name in ../o.safetensors /etc/hostname figures/../../o.safetensors; do
    manifest "s|\"results\": \[|&\n    {\"file\": \"$name\", \"sha256\": \"\"},|" "$name: is not the name of a result file"
done
rm now/report.md
told "report.md: is missing" 3 # and that an audit writes it
rm now/report.md && mkdir now/report.md && touch now/report.md/x
told "report.md: cannot be read" 4
touch now/stranger
told "stranger: is not part of the audit"
echo '<b>no leak</b>' >now/figures/more.html
rehash figures/more.html
told "figures/more.html: is not one of the files that an audit of these signals writes"
cp now/figures/exposed-001.png now/figures/roc-forget.png
rehash figures/roc-forget.png
told "figures/roc-forget.png: is not one of the files that an audit of these signals writes"

# inputs and data
cp r2.safetensors keep.safetensors
printf x >>r2.safetensors
told "r2.safetensors: is not the input that was audited (SHA-256 differs)"
rm r2.safetensors
verify 0
has stdout "note: input r2.safetensors (retrained) is missing and was not checked"
last "4 inputs are unchanged, 1 were not checked"
mv keep.safetensors r2.safetensors
cp faces.h5 keep.h5
"$python" -c 'import h5py
with h5py.File("faces.h5", "r+") as f: f["train/images"][50, 0, 0, 0] ^= 1'
told "hdf5:faces.h5: holds other images or labels than were audited, or images prepared in another way" 4 # and the pictures are not held against them
cp keep.h5 faces.h5
manifest '0,/"hdf5:faces.h5"/s//"hdf5:else.h5"/' "note: data hdf5:else.h5 cannot be opened and were not checked" more

# what the manifest says, against the signals
judged="manifest.json config: is not what signals.h5 was judged with"
manifest 's/"config": "arch: mlp/"config": "arch: convnet/' "$judged"
manifest 's/\\nseed: 1\\n/\\nseed: 2\\n/' "$judged"
manifest 's/alpha: 0.05/alpha: 0.01/' "$judged"
manifest 's/\\n  entropy: /\\n  loss: /' "$judged"
manifest 's/\\nattacks:/\\nretrained_by_us: 2&/' "$judged"
sed -i 's/precision: [a-z0-9]*/precision: f64/' now/manifest.json
changed manifest.json
rehash keep-config
told "manifest.json: the SHA-256 of its config is not the one it states"
manifest 's/^  "format"/  "certified": "by nobody",\n&/' "manifest.json certified: is not what an audit writes there"
manifest 's/"forget": "1"/"forget": "0"/' "manifest.json page.forget: names other classes than those that were forgotten in signals.h5" more
manifest 's/"role": "retrained"/"role": "original"/' "manifest.json inputs: are not the models whose answers are in signals.h5" more
manifest 's/"retrained_by_us": 0/"retrained_by_us": 3/' "manifest.json inputs: are not the models" more
hash_of() { sed -n "/\"role\": \"$1\"/,/weights_sha256/s/.*\"weights_sha256\": \"\([0-9a-f]*\)\".*/\1/p" whole/manifest.json | head -1; }
manifest "s/$(hash_of unlearned)/$(hash_of original)/" "but their answers differ" more
"$python" - <<'PY'
import h5py
with h5py.File("now/signals.h5", "r+") as f: # another name of the class that was forgotten
    names = f["class_names"].asstr()[:]
    del f["class_names"]
    f["class_names"] = ["nobody" if i == 1 else str(n) for i, n in enumerate(names)]
PY
rehash signals.h5
told "manifest.json page: or signals.h5 names classes differently from the data" more
manifest 's/"attack_seconds": \[/&"soon", /' "numbers and pages cannot be made again: manifest.json"
manifest 's/"page": {/"pages": {/' "numbers and pages cannot be made again: manifest.json: has no 'page'"

# another build of the program made it: a note, since an honest audit can be older
sed -i '/"program": {/,/}/s/\("sha256": "\)[0-9a-f]\{8\}/\100000000/' now/manifest.json
changed manifest.json
for f in report.html report.md; do # and whoever says so on the pages too is believed
    "$python" - now/$f <<'PY'
import json, sys
old, new = (json.load(open(d + "/manifest.json"))["program"]["sha256"] for d in ("whole", "now"))
text = open(sys.argv[1]).read()
assert old in text
open(sys.argv[1], "w").write(text.replace(old, new))
PY
done
rehash report.html report.md
verify 0
has stdout "note: the audit was made by another build of the program (version "
whole

# numbers and pages
forge report.html 's/Verdict: [a-z]*/Verdict: indistinguished/' "report.html: is not what follows from the signals and the manifest"
forge report.md 's/Verdict: [a-z]*/Verdict: indistinguished/' "report.md: is not what follows from the signals and the manifest"
forge report.json '0,/"headline": "/s//&No leak. /' "report.json headline: the report says No leak."
forge report.json 's/"forget_train": [0-9][0-9]*/"forget_train": 41/' "report.json results.points.forget_train: the report says 41, but the signals give 40"
forge report.json '1s/$/ # nothing to see here/' "report.json: holds more than an audit writes there, or writes it in another form"
forge report.json 's/\("n": \)\([0-9]\)/\19\2/' " more" 22 # twenty lines, how many more, and the last
forge figures/roc-forget.csv '3s/0,/0,1/' "figures/roc-forget.csv: is not what follows from the signals and the manifest"
forge figures/roc-forget.gp 's/set xrange/set yrange [0:9]; &/' "figures/roc-forget.gp: is not what follows from the signals and the manifest"
cp now/figures/exposed-002.png now/figures/exposed-001.png # another face
rehash figures/exposed-001.png
told "figures/exposed-001.png: is not what follows from the signals and the manifest"

# pictures that cannot be made here are not verified, whatever they say of themselves
seen() { # seen TEXT PICTURES: it is said, status 1; with -o NEW pages are made here
    verify 1
    has stdout "$1"
    has stderr "cannot be checked here; -o NEW makes the pages again"
    last "now: not verified: $2 pictures in figures/ and on the page may show anything; otherwise "
    rm -rf new
    verify 0 -o new
    has stdout "$1"
    last ", but $2 pictures may show anything: read new/report.html instead of its page; unsigned"
    grep -q 'FORGED' new/report.html new/figures/* && fail "a forged picture in the pages that were made here"
    grep -q 'Verdict: ' new/report.html || fail "no page was made here"
}
mv faces.h5 away.h5
"$python" - <<'PY'
open("now/figures/exposed-001.png", "ab").write(b"FORGED")
import base64, re
png = open("now/figures/exposed-001.png", "rb").read()
old = base64.b64encode(png[:-6]).decode()
text = open("now/report.html").read()
assert old in text
open("now/report.html", "w").write(text.replace(old, base64.b64encode(png).decode()))
PY
rehash figures/exposed-001.png report.html
seen "figures/exposed-001.png: shows an image that is missing, and cannot be checked here" 2
grep -q 'data:image/png' new/report.html && fail "a picture of an image that is not there"
mv away.h5 faces.h5
whole
if [ -e whole/figures/roc-forget.svg ]; then
    drawn=$(ls whole/figures/*.svg | wc -l)
    forge_drawing() { # forge_drawing SED: in the file and on the page that shows it
        "$python" - "$1" "$2" <<'PY'
import sys
svg, page = open("now/figures/roc-forget.svg").read(), open("now/report.html").read()
assert sys.argv[1] in svg
shown = svg[svg.index("<svg"):]
assert shown in page
new = shown.replace(sys.argv[1], sys.argv[2])
open("now/figures/roc-forget.svg", "w").write(svg.replace(shown, new))
open("now/report.html", "w").write(page.replace(shown, new))
PY
        rehash figures/roc-forget.svg report.html
    }
    forge_drawing "</svg>" "<!-- FORGED --></svg>"
    told "figures/roc-forget.svg: is not what follows from its numbers"
    forge_drawing "</desc>" " FORGED</desc>"
    seen "figures/roc-forget.svg: says that it was drawn by another version of gnuplot, and cannot be checked here" 1
    refuses 2 "-o new: exists already" audit --verify now -o new
    sed -i 's/Verdict: [a-z]*/Verdict: indistinguished/' now/report.html
    rehash report.html
    rm -r new
    verify 1 -o new
    [ ! -e new ] || fail "pages of an audit that differs"
    whole
    rm now/figures/roc-forget.svg
    told "figures/roc-forget.svg: is missing" more # twice, and the pages show it
    mkdir -p none
    PATH=$PWD/none verify 1
    has stdout "figures/roc-forget.svg: needs gnuplot to be drawn again, and cannot be checked here"
    last "now: not verified: $drawn pictures in figures/ and on the page may show anything; otherwise "
    PATH=$PWD/none "$EXPUNGE" audit $faces --weights u.safetensors --forget 1 --attacks loss --set draws=100 -o undrawn \
        >"$logs/stdout" 2>"$logs/stderr" || fail "no audit without gnuplot"
    rm -r now && cp -r undrawn now
    verify 0
    has stdout "note: figures/roc-forget.svg is missing (there was no gnuplot), and was not checked"
fi
exit 0
