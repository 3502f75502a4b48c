/* io/image.c - an image in memory. */
#include "io/image.h"

#include "base/memory.h"

BaseStatus io_image_room(int64_t W, int64_t H, const char *where, int64_t most, IoImage *out)
{
    if (W < 1 || H < 1)
        return base_error_set(BASE_EFORMAT, "%s: an image of %lld x %lld pixels", where, (long long)W, (long long)H);
    if (W > most / H)
        return base_error_set(BASE_ELIMIT, "%s: an image of %lld x %lld pixels; at most %lld pixels are decoded", where,
                              (long long)W, (long long)H, (long long)most);
    out->W = W, out->H = H;
    BaseStatus st = base_alloc_raw((size_t)(W * H), 3, (void **)&out->rgb);
    return st == BASE_OK ? st : base_error_prefix(st, "%s", where);
}

void io_image_free(IoImage *image)
{
    base_free(image->rgb);
    *image = (IoImage){0};
}
