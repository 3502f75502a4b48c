/* nn/arch/list.h - one row per architecture; X(name) is nn/arch/name.c exporting nn_arch_name. */
#ifndef NN_ARCH_LIST_H
#define NN_ARCH_LIST_H

#define NN_ARCH_LIST(X)                                                                                                \
    X(mlp)                                                                                                             \
    X(convnet)                                                                                                         \
    X(allcnn)                                                                                                          \
    X(vgg11)                                                                                                           \
    X(vgg11_bn)                                                                                                        \
    X(vgg13)                                                                                                           \
    X(vgg13_bn)                                                                                                        \
    X(vgg16)                                                                                                           \
    X(vgg16_bn)                                                                                                        \
    X(vgg19)                                                                                                           \
    X(vgg19_bn)                                                                                                        \
    X(resnet18)                                                                                                        \
    X(resnet34)                                                                                                        \
    X(resnet50)                                                                                                        \
    X(resnet101)                                                                                                       \
    X(resnet152)                                                                                                       \
    X(vgg11_imagenet)                                                                                                  \
    X(vgg11_bn_imagenet)                                                                                               \
    X(vgg13_imagenet)                                                                                                  \
    X(vgg13_bn_imagenet)                                                                                               \
    X(vgg16_imagenet)                                                                                                  \
    X(vgg16_bn_imagenet)                                                                                               \
    X(vgg19_imagenet)                                                                                                  \
    X(vgg19_bn_imagenet)                                                                                               \
    X(resnet18_imagenet)                                                                                               \
    X(resnet34_imagenet)                                                                                               \
    X(resnet50_imagenet)                                                                                               \
    X(resnet101_imagenet)                                                                                              \
    X(resnet152_imagenet)                                                                                              \
    X(vit_b_16)                                                                                                        \
    X(vit_b_32)                                                                                                        \
    X(vit_l_16)

#endif
