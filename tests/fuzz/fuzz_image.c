/* JPEG, PNG and WebP bytes through decoder and resizing, as data/imagefolder.c does it; the size picks the preparation.
 * The sums of a PNG's chunks are put right first, or hardly a changed byte would get past them. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/memory.h"
#include "data/prepare/resize.h"
#include "io/image.h"
#include "tests/fuzz/fuzz.h"

enum { PIXELS = 1 << 14 };

static uint32_t read_be(const uint8_t *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* A copy with right sums: each chunk is a length, four letters, so many bytes, and the sum of letters and bytes. */
static uint8_t *with_sums(const uint8_t *bytes, size_t size)
{
    static const uint8_t MAGIC[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    uint8_t *copy = malloc(size + 1);
    FUZZ_CHECK(copy);
    memcpy(copy, bytes, size);
    if (size < 8 || memcmp(bytes, MAGIC, 8) != 0) return copy;
    for (size_t at = 8; size - at >= 12;) {
        size_t length = read_be(copy + at);
        if (length > size - at - 12) break;
        uint32_t sum = (uint32_t)crc32_z(0, copy + at + 4, 4 + length);
        for (size_t i = 0; i < 4; i++) copy[at + 8 + length + i] = (uint8_t)(sum >> (24 - 8 * i));
        at += 12 + length;
    }
    return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const DataPrep PREPS[] = {{0, 0, 16, 16, DATA_BILINEAR, false},
                                     {20, 0, 16, 16, DATA_BILINEAR, false},
                                     {20, 0, 0, 0, DATA_BICUBIC, false},
                                     {9, 31, 12, 40, DATA_BICUBIC, false},
                                     {0, 0, 0, 0, DATA_BILINEAR, false}};
    const DataPrep *prep = &PREPS[size % 5];
    IoImage image;
    int64_t H, W;
    uint8_t *out = NULL;
    uint8_t *copy = with_sums(bytes, size);
    BaseStatus st = io_image_decode(copy, size, "fuzz", PIXELS, &image);
    free(copy);
    if (st != BASE_OK) {
        fuzz_check_error();
        return 0;
    }
    DataPixels in = {image.rgb, 3, image.H, image.W, 1, (size_t)image.W * 3, 3};
    if (data_resize_shape(prep, image.H, image.W, "fuzz", &H, &W) == BASE_OK && H * W <= PIXELS &&
        BASE_ALLOC_RAW(3 * H * W, &out) == BASE_OK)
        data_resize(&in, prep, out);
    base_free(out);
    io_image_free(&image);
    return 0;
}
