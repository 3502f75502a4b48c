/* io/png.c - PNG through libpng: every colour type, depth and interlacing becomes 8-bit RGB, as Pillow's convert("RGB")
 * makes it. */
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

/* Pillow checks no sum of pixel data, so neither do we, but it is told: nothing else may stand for what was stored. */
static void notice(png_structp png, png_const_charp text)
{
    Decoder *d = png_get_error_ptr(png);
    if (d->rows && strstr(text, "CRC error")) d->out->damaged = true;
}

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

/* Alpha is dropped, and of sixteen bits the upper byte taken; but grey of sixteen bits without alpha stays as it is: it
 * is the one form that Pillow keeps (mode I;16) and clips. */
static void set_conversions(Decoder *d, bool wide)
{
    png_byte type = png_get_color_type(d->png, d->info);
    png_set_interlace_handling(d->png);
    if (wide) {
        png_read_update_info(d->png, d->info);
        return;
    }
    if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(d->png);
    if (!(type & PNG_COLOR_MASK_COLOR)) {
        png_set_expand_gray_1_2_4_to_8(d->png);
        png_set_gray_to_rgb(d->png);
    }
    png_set_strip_16(d->png);
    png_set_strip_alpha(d->png);
    png_read_update_info(d->png, d->info);
}

/* Grey of sixteen bits, big-endian, in the last two thirds of the image's room, becomes RGB in place: pixel i is
 * written up to byte 3 i + 2, and what is not read yet begins after it. Values over 255 become 255. */
static void clip_grey(IoImage *image)
{
    int64_t n = image->W * image->H;
    for (int64_t i = 0; i < n; i++) {
        const uint8_t *from = image->rgb + n + 2 * i;
        bool over = from[0] != 0;
        image->clipped |= over;
        memset(image->rgb + 3 * i, over ? 255 : from[1], 3);
    }
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
    int64_t W = d->out->W, H = d->out->H;
    bool wide = png_get_color_type(d->png, d->info) == PNG_COLOR_TYPE_GRAY && png_get_bit_depth(d->png, d->info) == 16;
    set_conversions(d, wide);
    int64_t width = (wide ? 2 : 3) * W;
    if (png_get_rowbytes(d->png, d->info) != (size_t)width) png_error(d->png, "a colour type that is not RGB");
    if ((st = BASE_ALLOC_RAW(H, &d->rows)) != BASE_OK) return st;
    for (int64_t y = 0; y < H; y++) d->rows[y] = d->out->rgb + (wide ? W * H : 0) + y * width;
    png_set_crc_action(d->png, PNG_CRC_WARN_USE, PNG_CRC_WARN_USE);
    png_read_image(d->png, d->rows);
    if (wide) clip_grey(d->out);
    return BASE_OK;
}

BaseStatus io_png_decode(const void *bytes, size_t size, const char *where, int64_t most, IoImage *out)
{
    Decoder d = {.bytes = bytes, .size = size, .where = where, .out = out};
    d.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &d, escape, notice, &d, take, give);
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
