/* data/prepare/resize.h - one 8-bit image to its resized and centre-cropped form, with torchvision's sizes and Pillow's
 * antialiased filters, bit for bit. */
#ifndef DATA_PREPARE_RESIZE_H
#define DATA_PREPARE_RESIZE_H

#include "data/set/set.h"

/** Pixels that somebody else holds: channel c of (y, x) is at[c * plane + y * row + x * pixel]. */
typedef struct {
    const uint8_t *at;
    int64_t C, H, W;
    size_t plane, row, pixel; /* bytes */
} DataPixels;

/** Size of the result; BASE_ELIMIT where it would be larger than an image can be, naming @p where. */
BaseStatus data_resize_shape(const DataPrep *prep, int64_t H, int64_t W, const char *where, int64_t *out_h,
                             int64_t *out_w);
/** @p out [C, out_h, out_w]. A crop larger than the image is filled with zeros around it, as torchvision's CenterCrop.
 *  Only the pixels inside the crop are computed. O(C (H out_w + out_h out_w) taps) time. */
BaseStatus data_resize(const DataPixels *in, const DataPrep *prep, uint8_t *out);

#endif
