# Networks that PyTorch made, with shaken batch-norm statistics: `--arch auto` recognises each from the names in its state
# dict, and its logits are PyTorch's in float64 to 1e-4 of the largest. Small images; under EXPUNGE_LONG native sizes too.
# limit: 2400 s
set -eu
. "$EXPUNGE_TESTS/scripts/python"
need_python torch h5py numpy
check() { # check NAME:SIDE...
    "$python" "$EXPUNGE_TESTS/scripts/architectures.py" make . "$@"
    for word; do
        name=${word%:*} arch=auto
        [ "${name#tf_}" = "$name" ] || arch=$name # its tensors are those of another network
        "$EXPUNGE" predict --arch $arch --weights "$name.pt" --data "hdf5:$name.h5" --split test --quiet \
            -o "$name-out.h5" >out 2>&1 || { cat out; exit 1; } # it warns that random weights guess
    done
    "$python" "$EXPUNGE_TESTS/scripts/architectures.py" compare . "$@"
    rm -f ./*.pt ./*.h5 ./*.npy
}
check mobilenet_v2:64 mobilenet_v3_small:64 mobilenet_v3_large:40 efficientnet_b0:48 regnet_x_400mf:33 regnet_y_400mf:64 \
    resnext50_32x4d:64 densenet121:50 preact_resnet18:32 preact_resnet18_bn:40 convnext_tiny:64 swin_t:70 squeezenet1_0:21 squeezenet1_1:46 \
    timm_efficientnet_b5:33 tf_efficientnet_b0:63 tf_mobilenetv3_small_100:50
[ "${EXPUNGE_LONG-}" ] || exit 0
check mobilenet_v2:224 mobilenet_v3_small:224 mobilenet_v3_large:224 regnet_x_400mf:224 regnet_y_400mf:224 \
    resnext50_32x4d:224 wide_resnet50_2:224 densenet121:224 convnext_tiny:224 swin_t:224 swin_s:224 swin_b:224 \
    squeezenet1_0:224 squeezenet1_1:224 alexnet:224 vgg11_bn_imagenet:300
check efficientnet_b0:224 efficientnet_b1:240 efficientnet_b2:288 efficientnet_b3:300 efficientnet_b4:380 efficientnet_b5:456 \
    efficientnet_b6:528 efficientnet_b7:600
check timm_efficientnet_b5:448 tf_efficientnet_b0:224 tf_efficientnet_b2:260 tf_efficientnet_b5:456 tf_mobilenetv3_small_100:224
check alexnet:70 vgg11_bn_imagenet:70 swin_t:232 swin_s:64 swin_b:40 tf_efficientnet_b0:64
