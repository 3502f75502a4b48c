/* nn/positions.h - a vision transformer's learned positions for images of another size. */
#ifndef NN_POSITIONS_H
#define NN_POSITIONS_H

#include "io/tensors.h"

/** Resamples the grid [from_h, from_w] of @p E features to [to_h, to_w]: bicubic (a = -1/2), each axis by itself, stretched
 *  over the source where it shrinks (antialiased), weights scaled to a sum of 1. This is what timm's
 *  resample_abs_pos_embed does by torch.nn.functional.interpolate(mode="bicubic", antialias=True). BASE_ENOMEM. */
BaseStatus nn_positions_resample(const float *from, int64_t from_h, int64_t from_w, int64_t E, int64_t to_h,
                                 int64_t to_w, float *to);
/** The checkpoint, whose names are ours (nn/naming.h), for images of H x W: its position embedding gets another shape, and
 *  tokens before the patches keep theirs. Nothing changes where it has that grid. BASE_ESHAPE where it is no vision
 *  transformer, or its patches do not fill the image. @p where: the file, for messages. */
BaseStatus nn_positions_resize(IoTensors *tensors, int64_t H, int64_t W, const char *where);

#endif
