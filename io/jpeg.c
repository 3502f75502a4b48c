/* io/jpeg.c - JPEG through libjpeg-turbo, with its defaults (slow integer DCT, smooth upsampling): the pixels that
 * Pillow gives. */
#include <setjmp.h>
#include <stdio.h>

#include <jerror.h>
#include <jpeglib.h>

#include "base/memory.h"
#include "io/image_private.h"

/* A progressive file of many scans over many pixels could work for hours; encoders write about ten. */
enum { SCANS_MAX = 500, LIBRARY_MEMORY = 1 << 30 };

typedef struct {
    struct jpeg_error_mgr errors; /* first: libjpeg hands back its address */
    struct jpeg_progress_mgr progress;
    struct jpeg_decompress_struct c;
    jmp_buf escape;
    char text[JMSG_LENGTH_MAX];
    const char *where;
    uint8_t *row; /* one line of CMYK */
    IoImage *out;
} Decoder;

static void escape(j_common_ptr c)
{
    Decoder *d = (Decoder *)c->err;
    d->errors.format_message(c, d->text);
    longjmp(d->escape, 1);
}

/* A file that is cut off is refused, as Pillow does; damage inside is decoded on, as Pillow does. */
static void notice(j_common_ptr c, int level)
{
    Decoder *d = (Decoder *)c->err;
    if (level >= 0) return;
    if (d->errors.msg_code == JWRN_JPEG_EOF) escape(c);
    d->out->damaged = true;
}

static void count_scans(j_common_ptr c)
{
    Decoder *d = (Decoder *)c->err;
    if (((j_decompress_ptr)c)->input_scan_number <= SCANS_MAX) return;
    snprintf(d->text, sizeof d->text, "more than %d scans", SCANS_MAX);
    longjmp(d->escape, 1);
}

/* Ink on white: R = (255 - K)(255 - C) / 255, from bytes stored inverted; the division rounds as Pillow's. */
static void cmyk_to_rgb(const uint8_t *in, int64_t n, uint8_t *out)
{
    for (int64_t i = 0; i < n; i++)
        for (int c = 0; c < 3; c++) {
            int light = in[4 * i + 3], ink = 255 - in[4 * i + c];
            int t = ink * light + 128, covered = ((t >> 8) + t) >> 8;
            out[3 * i + c] = (uint8_t)(light - covered);
        }
}

/* All that can escape; what must survive it is in *d. */
static BaseStatus decode(Decoder *d, const void *bytes, size_t size, int64_t most)
{
    if (setjmp(d->escape)) {
        BaseStatus code = d->errors.msg_code == JERR_OUT_OF_MEMORY ? BASE_ENOMEM : BASE_EFORMAT;
        return base_error_set(code, "%s: damaged JPEG image: %s", d->where, d->text);
    }
    jpeg_create_decompress(&d->c);
    d->c.progress = &d->progress;
    d->c.mem->max_memory_to_use = LIBRARY_MEMORY;
    jpeg_mem_src(&d->c, bytes, (unsigned long)size);
    jpeg_read_header(&d->c, TRUE);
    BaseStatus st = io_image_room(d->c.image_width, d->c.image_height, d->where, most, d->out);
    if (st != BASE_OK) return st;
    bool ink = d->c.num_components == 4;
    d->c.out_color_space = ink ? JCS_CMYK : JCS_RGB;
    if (ink && (st = base_alloc_raw((size_t)d->out->W, 4, (void **)&d->row)) != BASE_OK) return st;
    jpeg_start_decompress(&d->c);
    while (d->c.output_scanline < d->c.output_height) {
        uint8_t *to = d->out->rgb + (size_t)d->c.output_scanline * (size_t)d->out->W * 3;
        JSAMPROW row = ink ? d->row : to;
        if (jpeg_read_scanlines(&d->c, &row, 1) != 1) break; /* a source in memory never suspends */
        if (ink) cmyk_to_rgb(d->row, d->out->W, to);
    }
    return BASE_OK;
}

BaseStatus io_jpeg_decode(const void *bytes, size_t size, const char *where, int64_t most, IoImage *out)
{
    Decoder *d;
    BaseStatus st = BASE_ALLOC(1, &d);
    if (st != BASE_OK) return st;
    d->where = where;
    d->out = out;
    d->c.err = jpeg_std_error(&d->errors);
    d->errors.error_exit = escape;
    d->errors.emit_message = notice;
    d->progress.progress_monitor = count_scans;
    st = decode(d, bytes, size, most);
    jpeg_destroy_decompress(&d->c);
    base_free(d->row);
    base_free(d);
    return st;
}
