/* nn/naming_timm.h - timm's names for networks that torchvision has too; nn/naming.c alone needs it. */
#ifndef NN_NAMING_TIMM_H
#define NN_NAMING_TIMM_H

#include "io/tensors.h"

/** The table for these tensors, which belong to a network of timm; NULL: they do not, or to one that is not known. */
const void *nn_naming_timm_rules(const IoTensors *tensors);
/** What nn/arch calls the tensor that the table's family calls @p name, in @p out [size]; false: no other name. */
bool nn_naming_timm(const void *rules, const char *name, char *out, size_t size);

#endif
