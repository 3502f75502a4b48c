/* PNG through libpng: every colour type, depth and interlacing becomes 8-bit RGB. */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <png.h>

#include "base/memory.h"
#include "io/image_private.h"

enum { SIDE_MAX = 1000000 };

typedef struct {
    png_structp png;
    png_infop info;
    const uint8_t *bytes;
    size_t size, at;
    const char *where;
    char text[160];
    bool no_memory;
    png_bytep *rows; /* [H] */
    IoImage *out;
} Decoder;

static void escape(png_structp png, png_const_charp text)
{
    Decoder *d = png_get_error_ptr(png);
    snprintf(d->text, sizeof d->text, "%s", text);
    png_longjmp(png, 1);
}

static void ignore(png_structp png, png_const_charp text) { (void)png, (void)text; }

static png_voidp take(png_structp png, png_alloc_size_t size)
{
    Decoder *d = png_get_mem_ptr(png);
    void *block = NULL;
    d->no_memory |= base_alloc_raw(size, 1, &block) != BASE_OK;
    return block;
}

static void give(png_structp png, png_voidp block)
{
    (void)png;
    base_free(block);
}

static void read_bytes(png_structp png, png_bytep to, size_t count)
{
    Decoder *d = png_get_io_ptr(png);
    if (count > d->size - d->at) png_error(png, "the file ends too early");
    memcpy(to, d->bytes + d->at, count);
    d->at += count;
}

/* Alpha is dropped and the upper byte of sixteen bits taken: Pillow's convert("RGB"). */
static void set_conversions(Decoder *d)
{
    png_byte type = png_get_color_type(d->png, d->info);
    if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(d->png);
    if (!(type & PNG_COLOR_MASK_COLOR)) {
        png_set_expand_gray_1_2_4_to_8(d->png);
        png_set_gray_to_rgb(d->png);
    }
    png_set_strip_16(d->png);
    png_set_strip_alpha(d->png);
    png_set_interlace_handling(d->png);
    png_read_update_info(d->png, d->info);
}

/* All that can escape; what must survive it is in *d. */
static BaseStatus decode(Decoder *d, int64_t most)
{
    if (setjmp(png_jmpbuf(d->png))) {
        if (d->no_memory) return base_error_set(BASE_ENOMEM, "%s: not enough memory to decode", d->where);
        return base_error_set(BASE_EFORMAT, "%s: damaged PNG image: %s", d->where, d->text);
    }
    d->info = png_create_info_struct(d->png);
    if (!d->info) return base_error_set(BASE_ENOMEM, "%s: not enough memory to decode", d->where);
    png_set_read_fn(d->png, d, read_bytes);
    png_set_user_limits(d->png, SIDE_MAX, SIDE_MAX);
    png_read_info(d->png, d->info);
    BaseStatus st = io_image_room(png_get_image_width(d->png, d->info), png_get_image_height(d->png, d->info), d->where,
                                  most, d->out);
    if (st != BASE_OK) return st;
    set_conversions(d);
    if (png_get_rowbytes(d->png, d->info) != 3 * (size_t)d->out->W) png_error(d->png, "a colour type that is not RGB");
    if ((st = BASE_ALLOC_RAW(d->out->H, &d->rows)) != BASE_OK) return st;
    for (int64_t y = 0; y < d->out->H; y++) d->rows[y] = d->out->rgb + y * d->out->W * 3;
    png_read_image(d->png, d->rows);
    return BASE_OK;
}

BaseStatus io_png_decode(const void *bytes, size_t size, const char *where, int64_t most, IoImage *out)
{
    Decoder d = {.bytes = bytes, .size = size, .where = where, .out = out};
    d.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &d, escape, ignore, &d, take, give);
    if (!d.png) return base_error_set(BASE_ENOMEM, "%s: not enough memory to decode", where);
    BaseStatus st = decode(&d, most);
    png_destroy_read_struct(&d.png, &d.info, NULL);
    base_free(d.rows);
    return st;
}

BaseStatus io_png_encode(const IoImage *image, char **out, size_t *size)
{
    BaseStatus st = BASE_OK;
    png_image png = {.version = PNG_IMAGE_VERSION,
                     .width = (png_uint_32)image->W,
                     .height = (png_uint_32)image->H,
                     .format = PNG_FORMAT_RGB};
    png_alloc_size_t bytes = 0;
    *out = NULL;
    *size = 0;
    BASE_CHECK(image->W > 0 && image->H > 0 && image->W <= SIDE_MAX && image->H <= SIDE_MAX, BASE_EARG,
               "an image of %lld x %lld pixels; a PNG has 1 to %d on each side", (long long)image->W,
               (long long)image->H, SIDE_MAX);
    bytes = PNG_IMAGE_PNG_SIZE_MAX(png);
    BASE_TRY(base_alloc_raw(bytes, 1, (void **)out));
    bool done = png_image_write_to_memory(&png, *out, &bytes, 0, image->rgb, 0, NULL);
    BASE_CHECK(done, BASE_EBACKEND, "libpng: %s", png.message);
    *size = bytes;
out:
    png_image_free(&png);
    if (st != BASE_OK) {
        base_free(*out);
        *out = NULL;
    }
    return st;
}
