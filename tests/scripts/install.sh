# make install into an empty prefix, below DESTDIR and then moved: the program, started from /, does what its help says by example,
# and every file that help names is there. make uninstall leaves nothing behind, and strangers' files alone.
mode=$(basename "$EXPUNGE_BUILD")
if [ "$mode" = asan ]; then
    echo "MODE=asan: what is tested is where files lie"
    exit 77
fi
. "$EXPUNGE_TESTS/cli/common"
root=$(cd "$EXPUNGE_TESTS/.." && pwd)
version=$(sed -n 's/^.define SESSION_PROGRAM_VERSION "\(.*\)"/\1/p' "$root/session/program.h")
# the caller's CC and flags stay, or all would be compiled anew; its T and its jobs do not
MAKEFLAGS=$(printf ' %s' "${MAKEFLAGS-}" | sed -E 's/^ [a-zA-Z]+//; s/ --?[a-z][^ ]*//g; s/ T=([^ \\]|\\.)*//')
export MAKEFLAGS
unset MFLAGS MAKELEVEL
make_() { make -s -C "$root" MODE="$mode" "$@" >"$logs/make" 2>&1 || { cat "$logs/make"; fail "make $*"; }; }

make_ install PREFIX=/opt/expunge DESTDIR="$PWD/staged"
[ "$(ls staged)" = opt ] || fail "something outside PREFIX: $(ls staged)"
mv staged/opt/expunge moved
here=$PWD
program=$here/moved/bin/expunge
from_root() { (cd / && "$program" "$@") >"$logs/stdout" 2>"$logs/stderr" || { cat "$logs/stderr"; fail "expunge $*, from /"; }; }
make -s -C "$root" MODE="$mode" install PREFIX=here DESTDIR="$PWD/x" >"$logs/make" 2>&1 && fail "PREFIX=here is no full path"
grep -q '^PREFIX=here: must be a full path' "$logs/make" && [ ! -e x ] || fail "PREFIX=here: $(cat "$logs/make")"

# ---- what stands where
share=$here/moved/share
for file in man/man1/expunge.1 man/man1/expunge-run.1 bash-completion/completions/expunge zsh/site-functions/_expunge fish/vendor_completions.d/expunge.fish \
    doc/expunge/LICENSE doc/expunge/README.md expunge/configs/README.md; do
    [ -s "$share/$file" ] || fail "$file is missing"
done
[ "$(stat -c %a "$program" "$share/man/man1/expunge.1" | tr '\n' ' ')" = "755 644 " ] || fail "modes"
from_root --help
has stdout "docs/*.md, are in $share/doc/expunge."
from_root list configs
has stdout "They lie in $share/expunge/configs; README.md there"
from_root --version
has stdout "expunge $version"
commands=$(sed -n 's/^X*.*X(run)/X(run)/; /^ *X(run)/s/ *X(\([a-z]*\))/\1 /gp' "$root/cli/commands.h")
[ "$(wc -w <<<"$commands")" -ge 12 ] || fail "no commands: $commands"
for command in $commands; do
    from_root help "$command"
    cat "$logs/stdout"
done >pages
"$program" --help >>pages
for file in $(grep -oE '(docs|configs|examples)/[A-Za-z0-9_./-]*[A-Za-z0-9_]' pages | sort -u); do
    [ -e "$share/doc/expunge/$file" ] || fail "help names $file, which is not installed"
done
for kind in $(grep -oE 'expunge +list +[a-z]+' pages | awk '{ print $3 }' | sort -u); do from_root list "$kind"; done
# links of the installed README lead somewhere, but for those to sources
for file in $(grep -oE '\]\([a-zA-Z][^):#]*' "$share/doc/expunge/README.md" | cut -c3- | sort -u); do
    [ "$file" = CONTRIBUTING.md ] || [ -e "$share/doc/expunge/$file" ] || fail "README.md names $file, which is not installed"
done
if command -v man >/dev/null; then
    MANPATH=$share/man man expunge-run 2>&1 | grep -q 'expunge.run .*- run every job' || fail "man expunge-run"
fi
bash -c '. "$1" && complete -p expunge' - "$share/bash-completion/completions/expunge" >/dev/null || fail "bash completion"

# ---- the examples of help, on a few images of Fashion-MNIST
from_root run gaussians --results "$here/r" --set train.epochs=1 --set 'methods=[none, svd]' --set attacks=[] --set relearn=false --set probe=false
has stdout "0 failed. Report: $here/r/gaussians/report.html"
awk '/^Examples:/ { on = 1; next } !/^  / { on = 0 } on' pages | sed 's/^  expunge //' >examples
[ "$(wc -l <examples)" -eq $((2 * $(wc -w <<<"$commands"))) ] || fail "not two examples of each command"
if [ -d /usr/share/datasets/fashion-mnist ]; then
    mkdir work && cd work || exit 1
    printf '0-499\n' >few
    few="--train-index few --test-index few"
    few_of_run="--set train_index=few --set test_index=few --set relearn=false --set methods=[none,svd] --set attacks=[] --results results"
    run_example() { # with fewer images and epochs
        local words
        words=$(sed "s/--data fashion-mnist/& $few/; s/^run .*/& $few_of_run/; s/--results [^ ]* \(.*--results\)/\1/; s/-o \/tmp/-o tmp/; s/epochs=[0-9]*/epochs=1/" <<<"$1")
        # shellcheck disable=SC2086
        "$program" $words >"$logs/stdout" 2>"$logs/stderr" </dev/null || { cat "$logs/stderr"; fail "expunge $words"; }
    }
    done_=0
    while read -r example; do
        case $example in
        # need a machine of their own, signals of PyTorch, or results with other names
        bench\ * | attack\ * | *vgg* | *-0123456789ab*) continue ;;
        audit\ --verify\ *) [ -d audit ] || continue ;;
        esac
        case $example in
        predict\ *) cp original.safetensors w.safetensors ;;
        audit\ --arch*) for i in 1 2 3; do run_example "train --arch convnet --data fashion-mnist --exclude 3 --seed $i --set epochs=1 -o r$i.safetensors"; done ;;
        esac
        run_example "$example"
        done_=$((done_ + 1))
    done < <(grep '^run ' ../examples; grep '^train ' ../examples; grep '^unlearn ' ../examples; grep -vE '^(run|train|unlearn) ' ../examples)
    [ $done_ -ge 15 ] || fail "only $done_ examples were run"
    ls -d results/demo original.safetensors out.safetensors retrained.safetensors >/dev/null || fail "an example wrote something else"
    cd ..
fi

# ---- make uninstall
mkdir -p staged/opt && mv moved staged/opt/expunge
make_ uninstall PREFIX=/opt/expunge DESTDIR="$PWD/staged"
[ -z "$(ls -A staged/opt/expunge)" ] || fail "make uninstall leaves $(find staged/opt/expunge)"
make_ install PREFIX="$PWD/usr local" LIBDIR="$PWD/usr local/lib64"
touch "usr local/bin/stranger" "usr local/share/expunge/configs/mine.yaml"
"usr local/bin/expunge" list configs --names | grep -qx mine || fail "a config that was put beside the others is not listed"
make_ uninstall PREFIX="$PWD/usr local" LIBDIR="$PWD/usr local/lib64"
[ "$(cd 'usr local' && find . -type f | sort | tr '\n' ' ')" = "./bin/stranger ./share/expunge/configs/mine.yaml " ] || fail "uninstall: $(find 'usr local')"
# a system's own folders stay, expunge's go
make_ install PREFIX=/usr DESTDIR="$PWD/system"
make_ uninstall PREFIX=/usr DESTDIR="$PWD/system"
[ -d system/usr/bin ] && [ -z "$(find system -type f -o -type l -o -name expunge)" ] || fail "uninstall from /usr: $(find system)"
exit 0
