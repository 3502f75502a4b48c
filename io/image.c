#include "io/image.h"

#include <string.h>

#include "base/memory.h"
#include "io/file.h"
#include "io/image_private.h"

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

BaseStatus io_image_decode(const void *bytes, size_t size, const char *where, int64_t most, IoImage *out)
{
    static const unsigned char JPEG[] = {0xff, 0xd8, 0xff}, PNG[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    BaseStatus st;
    *out = (IoImage){0};
    if (size >= sizeof JPEG && memcmp(bytes, JPEG, sizeof JPEG) == 0)
        st = io_jpeg_decode(bytes, size, where, most, out);
    else if (size >= sizeof PNG && memcmp(bytes, PNG, sizeof PNG) == 0)
        st = io_png_decode(bytes, size, where, most, out);
    else if (size == 0)
        st = base_error_set(BASE_EFORMAT, "%s: is empty; must be a JPEG or PNG image", where);
    else
        st = base_error_set(BASE_EFORMAT, "%s: starts neither as a JPEG nor as a PNG image", where);
    if (st != BASE_OK) io_image_free(out);
    return st;
}

BaseStatus io_image_read(const char *path, IoImage *out)
{
    char *bytes;
    size_t size;
    *out = (IoImage){0};
    BaseStatus st = io_file_read(path, IO_IMAGE_BYTES, &bytes, &size);
    if (st != BASE_OK) return st;
    st = io_image_decode(bytes, size, path, IO_IMAGE_PIXELS, out);
    base_free(bytes);
    return st;
}

void io_image_free(IoImage *image)
{
    base_free(image->rgb);
    *image = (IoImage){0};
}
