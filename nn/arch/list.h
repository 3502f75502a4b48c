/* nn/arch/list.h - one row per file of architectures: X(name) exports `const NnArch nn_arch_<name>`, F(name) a family,
 * `const BaseRows nn_arch_<name>`. The order is that of `expunge list`. */
X(mlp)
X(convnet)
X(allcnn)
X(alexnet)
F(vgg)
F(resnet)
F(preact)
F(densenet)
F(squeezenet)
F(mobilenet)
F(efficientnet)
F(regnet)
F(convnext)
F(swin)
F(vit)
#undef X
#undef F
