# docs/paper.md names every config of configs/paper and configs/analyses, and each of them plans on a set of the right form:
# CIFAR and Fashion-MNIST in their own file formats with few images; ImageNet's are imagenet_configs.sh's. Vision transformers
# in the long tier.
. "$EXPUNGE_TESTS/cli/common"
. "$EXPUNGE_TESTS/cli/common_cifar"
configs=$(cd "$EXPUNGE_TESTS/../configs" && pwd)
page=$EXPUNGE_TESTS/../docs/paper.md

grep -oE '`(paper|analyses)/[a-z0-9_-]+`|`gaussians`' <(grep '^|' "$page") | tr -d '`' | LC_ALL=C sort -u >named
(cd "$configs" && ls paper/*.yaml analyses/*.yaml gaussians.yaml) | sed 's|\.yaml$||' | LC_ALL=C sort >there
diff there named || fail "docs/paper.md and the configs differ (<: a config without a row; >: a row without a config)"
# no experiment is named twice for one config by mistake, and no row lacks what it is to say
grep -E '^\| [^|]*\| `paper/' "$page" | awk -F' *[|] *' 'NF != 7 || !$2 || !$4 || !$5 || !$6 { print "incomplete: " $0; bad = 1 } END { exit bad }' || fail "a row of docs/paper.md"
[ -z "$(grep -E '^\| [^|]*\| `paper/' "$page" | cut -d'|' -f2 | sort | uniq -d)" ] || fail "an experiment stands twice in docs/paper.md"
# names of experiments are folders of results: no two configs may share one
[ -z "$(sed -n 's/^name: //p' "$configs"/*.yaml "$configs"/*/*.yaml | sort | uniq -d)" ] || fail "two configs of one name"

cifar_stand_ins
mkdir fashion
# idx NAME COUNT: images and labels of Fashion-MNIST's form
idx() {
    local count=$(printf '\\%03o\\%03o\\%03o\\%03o' $(($2 >> 24)) $(($2 >> 16 & 255)) $(($2 >> 8 & 255)) $(($2 & 255)))
    { printf "\\0\\0\\010\\003$count\\0\\0\\0\\034\\0\\0\\0\\034" && grey $(($2 * 784)) 90; } >"fashion/$1-images-idx3-ubyte"
    { printf "\\0\\0\\010\\001$count" && printf '\0\1\2\3\4\5\6\7\10\11%.0s' $(seq $(($2 / 10))); } >"fashion/$1-labels-idx1-ubyte"
}
idx train 60000 # as many as the lists of images in configs name
idx t10k 10000

plans() { # plans CONFIG SET..: a dry run
    local name=$1
    shift
    ok run "$name" --results r --dry-run --set train.batch_size=4 "$@"
    has stdout "Plan of $(sed -n 's/^name: //p' "$configs/$name.yaml"): "
    has stdout "images/s (measured now)"
    [ ! -e r ] || fail "$name: a dry run wrote something"
}
for name in $(cat named); do
    case $name in
    *imagenet*) ;; # imagenet_configs.sh
    *vit_b_16)
        [ ! "${EXPUNGE_LONG:-}" ] || plans "$name" --set "data=$(basename "${name%-*}"):$PWD/$(basename "${name%-*}")"
        ;;
    paper/*cifar100-*) plans "$name" --set data=cifar100:$PWD/cifar100 ;;
    paper/*) plans "$name" --set data=cifar10:$PWD/cifar10 ;;
    analyses/*) plans "$name" --set data=fashion-mnist:$PWD/fashion ;;
    *) plans "$name" ;;
    esac
done
exit 0
