/* nn/naming.h - other people's names for the tensors of the networks in nn/arch. */
#ifndef NN_NAMING_H
#define NN_NAMING_H

#include "io/tensors.h"

enum { NN_NAMING_SIZE = 256 };
/** What nn/arch calls the tensor that others call @p name: kuangliu's ResNet ("shortcut", "linear"), weiaicunzai's
 *  ("conv2_x.0.residual_function.0"), timm's vision transformer ("blocks.0.attn.qkv.weight"), torchvision's before 0.13
 *  ("mlp.linear_1") and of DenseNet files ("denselayer1.norm.1"), transformers' ViT, DeiT and ResNet. False where there is
 *  no such rule; @p name may be right as it is. Where others have several tensors for one of ours, as transformers has
 *  queries, keys and values, the name begins with the part's number between colons: ":0:encoder...in_proj_weight".
 *  nn/weights.h joins and splits them. */
bool nn_naming_canonical(const char *name, char out[NN_NAMING_SIZE]);
/** Sets the alias of every tensor that has another name here, by that rule or as one of a network of timm
 *  (nn/naming_timm.h), where that is not taken. BASE_ENOMEM. */
BaseStatus nn_naming_apply(IoTensors *tensors);

#endif
