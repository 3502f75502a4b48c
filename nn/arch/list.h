/* nn/arch/list.h - one row per architecture; X(name) is nn/arch/name.c exporting nn_arch_name. */
#ifndef NN_ARCH_LIST_H
#define NN_ARCH_LIST_H

#define NN_ARCH_LIST(X)                                                                                                \
    X(mlp)                                                                                                             \
    X(convnet)                                                                                                         \
    X(vgg11_bn)                                                                                                        \
    X(vgg16_bn)                                                                                                        \
    X(resnet18)                                                                                                        \
    X(resnet50)                                                                                                        \
    X(vgg11_bn_imagenet)                                                                                               \
    X(resnet18_imagenet)                                                                                               \
    X(resnet50_imagenet)

#endif
