# The shipped configs: listed, and run by name from anywhere; a file of the same name comes first.
. "$EXPUNGE_TESTS/cli/common"
configs=$(cd "$EXPUNGE_TESTS/../configs" && pwd)

ok list configs --names
(cd "$configs" && find . -name '*.yaml' | sed 's|^\./||; s|\.yaml$||' | LC_ALL=C sort) | diff - <(LC_ALL=C sort "$logs/stdout") || fail "other names than files"
[ "$(head -2 "$logs/stdout" | tr '\n' ' ')" = "demo gaussians " ] || fail "the folder's own do not come first"
names=$(cat "$logs/stdout")
COLUMNS=400 ok list configs
has stdout "They lie in $configs; README.md there explains their keys."
for name in $names; do
    first=$(head -1 "$configs/$name.yaml")
    case $first in "# "*[a-zA-Z0-9\)].) ;; *) fail "$name: the first line is no comment of one sentence" ;; esac
    has stdout "${first#\# }"
done
ok list configs --json
[ "$(grep -c '"summary": "[^"]*\."' "$logs/stdout")" -eq "$(wc -w <<<"$names")" ] || fail "a summary is missing in the JSON"
has stdout "\"file\": \"$configs/demo.yaml\""
refuses 2 "exclude each other" list configs --json --names
refuses 2 "did you mean 'configs'" list config
[ "$("$EXPUNGE" list archs --names)" = "$("$EXPUNGE" list archs --json | sed -n 's/^      "name": "\(.*\)",*$/\1/p')" ] || fail "list archs --names"

small=(--set validation=0 --set 'methods=[none]' --set 'attacks=[]' --set relearn=false --set probe=false --set train.epochs=1)
ok run gaussians --results r "${small[@]}"
has stdout "0 failed. Report: r/gaussians/report.html"
has stderr "] none, "
(cd / && ok run gaussians --results "$OLDPWD/r" "${small[@]}" --dry-run) || exit 1
has stdout "Plan of gaussians: 2 jobs, 2 complete"
# by its path, and from a link to the program
mkdir bin && ln -s "$EXPUNGE" bin/expunge
bin/expunge run "$configs/gaussians.yaml" --results r "${small[@]}" --dry-run | grep -q '2 jobs, 2 complete' || fail "the path is another experiment"
# a config in a folder, which reads a list that lies beside it
if [ -d /usr/share/datasets/fashion-mnist ]; then
    ok run analyses/alphas --results r --dry-run
    has stdout "Plan of alphas: "
fi
refuses 1 "mnist/baselines.yaml:" run mnist/baselines --results r
grep -q "data: /.*/data/mnist does not exist; a path in a config is relative to the folder of that config, and --set data=mnist:PATH names another one" "$logs/stderr" || fail "$(cat "$logs/stderr")"

refuses 2 "$PWD/dmeo does not exist, and no shipped config has that name; did you mean the shipped config 'demo'?" run dmeo
refuses 2 "\`expunge list configs\` lists them" run nothing-alike-at-all
refuses 1 "$PWD/configs/demo.yaml does not exist; did you mean the shipped config 'demo'?" run configs/demo.yaml
refuses 1 "$PWD/missing.yaml does not exist" run missing.yaml
# the file here wins, a folder does not
mkdir demo analyses
printf 'extends: %s\nname: own\n' "$configs/gaussians.yaml" >gaussians
ok run gaussians --results r "${small[@]}" --dry-run
has stdout "Plan of own: "
has stderr "gaussians is the file here, not the shipped config of that name"
ok run ./gaussians --results r "${small[@]}" --dry-run
! grep -q 'file here' "$logs/stderr" || fail "./gaussians needs no notice"
rm gaussians && mkdir gaussians
ok run gaussians --results r "${small[@]}" --dry-run
has stdout "Plan of gaussians: "

# a program that was moved away from its configs
cp "$EXPUNGE" bin/copy
if ! [ -d configs ]; then
    ./bin/copy list configs >out 2>&1 && fail "configs out of nowhere"
    grep -qx 'expunge: list: the shipped configs are not where this program is: they are installed in share/expunge/configs beside bin' out || fail "$(cat out)"
    ./bin/copy run demo-x >out 2>&1 && fail "a config out of nowhere"
    mkdir -p share/expunge && cp -r "$configs" share/expunge/
    [ "$(./bin/copy list configs --names)" = "$names" ] || fail "configs beside bin/ are not found"
    ./bin/copy list configs | grep -qx "They lie in $PWD/share/expunge/configs; .*" || fail "where they lie"
fi
exit 0
