# Networks of ImageNet's size through the commands: one step of training, then unlearning by svd, of a residual network
# and a transformer, at 224 x 224. Minutes: the long tier.
. "$EXPUNGE_TESTS/cli/common"
only_long
unset OMP_NUM_THREADS # common's; here there is work for all
images=$EXPUNGE_TESTS/fixtures/images
for split in train val; do
    for i in 1 2 3; do
        mkdir -p d/$split/boot d/$split/cat d/$split/owl
        cp "$images/bits.png" d/$split/boot/$i.png
        cp "$images/grey.jpg" d/$split/cat/$i.jpg
        cp "$images/rgb.png" d/$split/owl/$i.png
    done
done
data="--data imagefolder:d --resize 224"
names() { "$EXPUNGE" inspect "$1" | grep -E '^[^ ]+ +[FI][0-9]+ +\['; }
for arch in resnet50_imagenet vit_b_16; do
    ok train --arch $arch $data --set epochs=1 --set batch_size=9 --set augment=false --quiet -o $arch.pt
    ok unlearn --arch auto --weights $arch.pt $data --forget cat --method svd --set alpha_f=10 --quiet -o forgot.pt
    ok inspect forgot.pt
    has stdout "expunge.unlearned: svd"
    [ -n "$(names $arch.pt)" ] || fail "$arch: no tensors are listed"
    [ "$(names $arch.pt)" = "$(names forgot.pt)" ] || fail "$arch: other names, order or types"
    cmp -s $arch.pt forgot.pt && fail "$arch: nothing was edited"
    ok eval --arch $arch --weights forgot.pt $data --forget cat --json
    has stdout '"n_forget": 3'
    rm $arch.pt forgot.pt
done
