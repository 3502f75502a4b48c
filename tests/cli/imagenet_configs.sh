# The configurations of ImageNet plan on a folder of its shape: 1000 classes, here of two images each. ResNet-18 in the quick
# tier, all in the long one.
. "$EXPUNGE_TESTS/cli/common"
unset OMP_NUM_THREADS # common's; here there is work for all
for k in $(seq -w 0 999); do
    mkdir -p "d/train/c$k" "d/val/c$k"
    for file in train/c$k/1 train/c$k/2 val/c$k/1; do ln -s "$EXPUNGE_TESTS/fixtures/images/rgb.png" "d/$file.png"; done
done
configs=$EXPUNGE_TESTS/../configs/paper
for config in "$configs"/*imagenet-*.yaml; do
    case $config in *resnet18*) ;; *) [ "$EXPUNGE_LONG" = 1 ] || continue ;; esac
    ok run "$config" --set data=imagefolder:$PWD/d --set train.batch_size=2 --results r --dry-run
    has stdout "Plan of $(sed -n 's/^name: //p' "$config"): "
    has stdout "images/s (measured now)"
    methods='retrain svd random_projection' classes=10
    case $config in *confusion*) methods='svd mask_logit' classes=1 ;; esac
    for method in $methods; do
        grep -qE "^$method +$classes +0 " "$logs/stdout" || { cat "$logs/stdout"; fail "$config: no plan of $method for $classes classes"; }
    done
    [ ! -e r ] || fail "a dry run wrote something"
done
