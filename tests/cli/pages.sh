# Manual pages and completion: made from the tables of commands and options, so that nothing is missing in them; without a
# warning of man, and of mandoc, zsh and fish where these are installed.
. "$EXPUNGE_TESTS/cli/common"
commands=$("$EXPUNGE" --help | sed -n 's/^  \([a-z]*\)  *[a-z].*/\1/p' | grep -vE '^(expunge|help)$')
[ "$(wc -w <<<"$commands")" -ge 12 ] || fail "the overview names no commands: $commands"
options() { "$EXPUNGE" "$1" --help | sed -nE '/^Options:/,/^Examples:/s/^  (-[a-z], )?(--[a-z-]+).*/\2/p'; }

# ---- manual pages
SOURCE_DATE_EPOCH=86400 ok help --man man
[ "$(ls man | tr '\n' ' ')" = "$(printf 'expunge-%s.1\n' $commands | LC_ALL=C sort | tr '\n' ' ')expunge.1 " ] || fail "pages: $(ls man)"
grep -qx '\.TH EXPUNGE\\-EVAL 1 1970-01-02 "expunge .*" "expunge"' man/expunge-eval.1 || fail "the date of SOURCE_DATE_EPOCH"
for command in $commands; do
    page=man/expunge-$command.1
    grep -q "^\.BR expunge\\\\-$command (1)" man/expunge.1 || fail "expunge(1) does not name expunge-$command(1)"
    for option in $(options $command); do
        grep -qE "^\\\\fB(\\\\-[a-z], )?${option//-/\\\\-}\\\\fR" $page || fail "$page lacks $option"
    done
    for key in $("$EXPUNGE" $command --help | sed -n '/^Keys of --set/,/^Examples:/s/^    \([a-z_]*\) .*/\1/p'); do
        grep -qx "\\\\fB$key\\\\fR" $page || fail "$page lacks the key $key"
    done
done
grep -q '^\\fBlr\\fR$' man/expunge-train.1 || fail "the keys of --set are not looked at"
for page in man/*.1; do
    if command -v man >/dev/null; then
        MANWIDTH=80 man --warnings -l $page >text 2>warnings || fail "man -l $page: $(cat warnings)"
        [ ! -s warnings ] || fail "man -l $page: $(cat warnings)"
        grep -q '^EXAMPLES\|^COMMANDS' text || fail "$page has no sections"
    fi
    ! command -v mandoc >/dev/null || mandoc -Tlint -W warning $page >warnings || fail "$page: $(cat warnings)"
done
if command -v man >/dev/null; then # the text is that of --help
    words() { sed 's/.\x08//g; s/`//g' | tr -s ' \n' '\n\n' | tr '\n' ' '; }
    MANWIDTH=1000 MAN_KEEP_FORMATTING= man -l --no-hyphenation --no-justification man/expunge-train.1 | words >text
    purpose=$("$EXPUNGE" train --help | sed '/^Usage:/,$d' | words)
    grep -qF -- "$purpose" text || fail "the description of expunge-train(1) is not that of --help"
fi
SOURCE_DATE_EPOCH=x refuses 2 "SOURCE_DATE_EPOCH = 'x'" help --man none
refuses 2 "help: --man needs a value" help --man
refuses 1 "/proc/none" help --man /proc/none
refuses 2 "one argument too many" help --man a b

# ---- completion
for shell in bash zsh fish; do "$EXPUNGE" help --completion $shell >$shell || fail "no completion for $shell"; done
refuses 2 "'csh': must be bash, zsh or fish" help --completion csh
for command in $commands; do
    for shell in bash zsh fish; do
        for option in $(options $command); do
            case $shell in
            bash) sed -n "/^    $command)\$/,/;;/p" bash | grep -q -- "[ ']$option " ;;
            zsh) sed -n "/^    $command)\$/,/;;/p" zsh | grep -qE -- "'\*?$option[=[]" ;;
            fish) grep -q -- "__expunge_command $command'.* -l ${option#--} " fish ;;
            esac || fail "$shell: $command lacks $option"
        done
    done
done
! command -v zsh >/dev/null || zsh -f -n zsh || fail "zsh does not read its script"
if command -v fish >/dev/null; then
    fish --no-config -n fish || fail "fish does not read its script"
    mkdir -p bin && ln -sf "$EXPUNGE" bin/expunge
    by_fish() { PATH=$PWD/bin:$PATH fish --no-config -c 'source fish; complete -C $argv[1]' "$1" | cut -f1 | tr '\n' ' '; }
    [ "$(by_fish "expunge run dem")" = "demo " ] || fail "fish: run: $(by_fish "expunge run dem")"
    [ "$(by_fish "expunge attack --name svc,los")" = "svc,loss " ] || fail "fish: --name: $(by_fish "expunge attack --name svc,los")"
    [ "$(by_fish "expunge eval --split ")" = "test train " ] || fail "fish: --split: $(by_fish "expunge eval --split ")"
fi

bash -n bash || fail "bash does not read its script"
# completes WORDS...: the answers for the last one, as readline would ask for them
completes() {
    bash -c 'source ./bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _expunge 2>/dev/null; printf "%s\n" "${COMPREPLY[@]}"' - "$@" | LC_ALL=C sort | tr '\n' ' '
}
gives() { # gives ANSWERS WORDS...
    local want=$1 got
    shift
    got=$(completes "$@")
    [ "$got" = "$want " ] || fail "$* gives '$got', not '$want'"
}
names() { "$EXPUNGE" list "$1" --names | grep "^$2" | LC_ALL=C sort | tr '\n' ' ' | sed 's/ $//'; }
touch c.yaml w.pt
mkdir results
gives "unlearn" "$EXPUNGE" un
gives "--environment --help --version" "$EXPUNGE" --
gives "--retrained" "$EXPUNGE" audit --ret
gives "" "$EXPUNGE" inspect --ret
gives "$(names archs vgg)" "$EXPUNGE" eval --arch vgg
gives "$(names methods s)" "$EXPUNGE" unlearn --method s
gives "fashion-mnist" "$EXPUNGE" train --data fash
gives "auto" "$EXPUNGE" eval --arch = au
gives "test train" "$EXPUNGE" eval --split t
gives "all" "$EXPUNGE" attack --name al
gives "svc,loss" "$EXPUNGE" attack --name svc,los
gives "demo" "$EXPUNGE" run de
gives "c.yaml" "$EXPUNGE" run c.
gives "$(names configs fashion-mnist/s)" "$EXPUNGE" run fashion-mnist/s
gives "archs attacks" "$EXPUNGE" list a
gives "prune" "$EXPUNGE" cache p
gives "list" "$EXPUNGE" cache l
gives "results" "$EXPUNGE" cache list r
gives "w.pt" "$EXPUNGE" inspect w.
gives "results" "$EXPUNGE" run demo --results r
gives "w.pt" "$EXPUNGE" eval --weights w.
gives "w.pt" "$EXPUNGE" eval --data imagefolder : w.
gives "" "$EXPUNGE" eval --seed c
gives "report run" "$EXPUNGE" help r
# every word that is offered as a value or an operand is one that the program takes
for word in $(completes "$EXPUNGE" list '' ); do ok list "$word" --names; done
for option in split precision; do
    for word in $(completes "$EXPUNGE" eval --$option ''); do
        refuses 2 "--weights F is missing" eval --arch mlp --data gaussians --$option "$word"
    done
done
for word in $(completes "$EXPUNGE" train --canary-kind ''); do
    ok train $tiny_train --canaries 10 --canary-kind "$word" --quiet -o x.safetensors
done
for word in $(completes "$EXPUNGE" unlearn --beside ''); do
    ok unlearn $toy --weights x.safetensors --forget 3 --method mask_logit --beside "$word" --quiet -o y.safetensors
done
exit 0
