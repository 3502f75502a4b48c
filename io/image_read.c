/* io/image_read.c - tells a format by its first bytes, names those it does not read, and hands on to the decoder. */
#include "io/image.h"

#include <string.h>

#include "base/memory.h"
#include "io/file.h"
#include "io/image_private.h"

static bool starts(const unsigned char *bytes, size_t size, size_t at, const char *with, size_t length)
{
    return size >= at + length && memcmp(bytes + at, with, length) == 0;
}

/* What a file is that is none of those read, by its first bytes; NULL: unknown. */
static const char *foreign_name(const unsigned char *bytes, size_t size)
{
    static const struct {
        const char *name, *with;
        size_t length, at;
    } KINDS[] = {{"a GIF image", "GIF8", 4, 0},
                 {"a TIFF image", "II*\0", 4, 0},
                 {"a TIFF image", "MM\0*", 4, 0},
                 {"a BigTIFF image", "II+\0", 4, 0},
                 {"a JPEG 2000 image", "\0\0\0\x0cjP  ", 8, 0},
                 {"an AVIF image", "ftypavif", 8, 4},
                 {"a HEIC image", "ftypheic", 8, 4},
                 {"a PGM image", "P5\n", 3, 0},
                 {"a PPM image", "P6\n", 3, 0}};
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
        if (starts(bytes, size, KINDS[i].at, KINDS[i].with, KINDS[i].length)) return KINDS[i].name;
    /* two letters begin many a text: four bytes that are always zero must follow the size */
    if (starts(bytes, size, 0, "BM", 2) && starts(bytes, size, 6, "\0\0\0\0", 4)) return "a BMP image";
    return NULL;
}

BaseStatus io_image_decode(const void *bytes, size_t size, const char *where, int64_t most, IoImage *out)
{
    BaseStatus st;
    const char *foreign = foreign_name(bytes, size);
    *out = (IoImage){0};
    if (starts(bytes, size, 0, "\xff\xd8\xff", 3))
        st = io_jpeg_decode(bytes, size, where, most, out);
    else if (starts(bytes, size, 0, "\x89PNG\r\n\x1a\n", 8))
        st = io_png_decode(bytes, size, where, most, out);
    else if (starts(bytes, size, 0, "RIFF", 4) && starts(bytes, size, 8, "WEBP", 4))
        st = io_webp_decode(bytes, size, where, most, out);
    else if (size == 0)
        st = base_error_set(BASE_EFORMAT, "%s: is empty; must be a JPEG, PNG or WebP image", where);
    else if (foreign)
        st = base_error_set(BASE_EFORMAT, "%s: is %s, which is not read; convert it to PNG", where, foreign);
    else
        st = base_error_set(BASE_EFORMAT, "%s: does not start like a JPEG, PNG or WebP image", where);
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
