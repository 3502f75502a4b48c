/* JPEG and PNG bytes through decoder and resizing, as data/imagefolder.c does it; the size picks the preparation. */
#include "base/memory.h"
#include "data/prepare/resize.h"
#include "io/image.h"
#include "tests/fuzz/fuzz.h"

enum { PIXELS = 1 << 14 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const DataPrep PREPS[] = {{0, 0, 16, 16, DATA_BILINEAR},
                                     {20, 0, 16, 16, DATA_BILINEAR},
                                     {20, 0, 0, 0, DATA_BICUBIC},
                                     {9, 31, 12, 40, DATA_BICUBIC},
                                     {0, 0, 0, 0, DATA_BILINEAR}};
    const DataPrep *prep = &PREPS[size % 5];
    IoImage image;
    int64_t H, W;
    uint8_t *out = NULL;
    if (io_image_decode(bytes, size, "fuzz", PIXELS, &image) != BASE_OK) return 0;
    DataPixels in = {image.rgb, 3, image.H, image.W, 1, (size_t)image.W * 3, 3};
    if (data_resize_shape(prep, image.H, image.W, "fuzz", &H, &W) == BASE_OK && H * W <= PIXELS &&
        BASE_ALLOC_RAW(3 * H * W, &out) == BASE_OK)
        data_resize(&in, prep, out);
    base_free(out);
    io_image_free(&image);
    return 0;
}
