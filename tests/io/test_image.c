/* Decoding: the committed images against Pillow's pixels (through data/prepare, tests/data/test_resize.c, too), damaged
 * and cut files, limits, and running out of memory. */
#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>

#include <zlib.h>

#include "io/file.h"
#include "io/image.h"

static const char *const FILES[] = {"rgb.jpg",           "rgb420.jpg",    "progressive.jpg", "grey.jpg",
                                    "cmyk.jpg",          "rgb.png",       "rgba.png",        "grey.png",
                                    "rgb16.png",         "grey16.png",    "grey_alpha.png",  "palette.png",
                                    "palette_alpha.png", "bits.png",      "grey16_dark.png", "lossy.webp",
                                    "lossy_alpha.webp",  "lossless.webp", "animation.webp"};
enum { FILE_COUNT = sizeof FILES / sizeof *FILES };

static char *read_fixture(const char *name, size_t *size)
{
    char path[4400], *bytes;
    const char *tests = getenv("EXPUNGE_TESTS");
    snprintf(path, sizeof path, "%s/fixtures/images/%s", tests ? tests : "tests", name);
    assert_ok(io_file_read(path, 0, &bytes, size));
    return bytes;
}

static void test_limits(void **state)
{
    (void)state;
    IoImage image;
    size_t size;
    char *jpeg = read_fixture("rgb.jpg", &size); /* 57 x 40 */
    assert_ok(io_image_decode(jpeg, size, "a.jpg", 57 * 40, &image));
    assert_int_equal(image.W, 57);
    assert_int_equal(image.H, 40);
    assert_false(image.damaged);
    io_image_free(&image);
    int64_t before = base_memory_live();
    assert_fails(io_image_decode(jpeg, size, "a.jpg", 57 * 40 - 1, &image), BASE_ELIMIT, "a.jpg: an image of 57 x 40");
    assert_null(image.rgb);
    assert_int_equal(base_memory_live(), before);
    base_free(jpeg);

    /* a header that claims 100000 x 100000 pixels takes no memory for them */
    char *png = read_fixture("rgb.png", &size);
    static const uint8_t HUGE_HEAD[] = {0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0, 8, 2, 0, 0, 0, 0x0f, 0xbf, 0x2f, 0xbf};
    memcpy(png + 16, HUGE_HEAD, sizeof HUGE_HEAD);
    BaseStatus st = io_image_decode(png, size, "b.png", IO_IMAGE_PIXELS, &image);
    assert_true(st == BASE_ELIMIT || st == BASE_EFORMAT); /* the checksum of that header is wrong as well */
    assert_fails(io_image_decode("GIF89b", 3, "c.gif", 100, &image), BASE_EFORMAT, "c.gif: does not start");
    char *webp = read_fixture("animation.webp", &size); /* 24 x 20 */
    assert_fails(io_image_decode(webp, size, "f.webp", 24 * 20 - 1, &image), BASE_ELIMIT,
                 "f.webp: an image of 24 x 20");
    base_free(webp);
    assert_fails(io_image_decode("", 0, "d.jpg", 100, &image), BASE_EFORMAT, "d.jpg: is empty");
    assert_fails(io_image_read("/nowhere/e.jpg", &image), BASE_EIO, "/nowhere/e.jpg");
    base_free(png);
}

/* Every cut of every file: an image or one clear line, the same image only where nothing of it is missing. */
static void test_cut(void **state)
{
    (void)state;
    for (size_t f = 0; f < FILE_COUNT; f++) {
        size_t size, refused = 0;
        char *bytes = read_fixture(FILES[f], &size);
        IoImage whole, image;
        assert_ok(io_image_decode(bytes, size, FILES[f], IO_IMAGE_PIXELS, &whole));
        for (size_t cut = 0; cut < size; cut += cut < 200 ? 1 : 13) {
            char *part; /* of just that size, so that the sanitizer sees a read behind it */
            assert_ok(base_alloc_raw(cut, 1, (void **)&part));
            memcpy(part, bytes, cut);
            BaseStatus st = io_image_decode(part, cut, FILES[f], IO_IMAGE_PIXELS, &image);
            refused += st != BASE_OK;
            if (st == BASE_OK)
                assert_memory_equal(image.rgb, whole.rgb, (size_t)(3 * whole.W * whole.H));
            else
                assert_non_null(strstr(base_error_text(), FILES[f]));
            io_image_free(&image);
            base_free(part);
        }
        assert_true(refused > 100);
        io_image_free(&whole);
        base_free(bytes);
    }
}

/* Damage anywhere: no crash, no leak; a file whose pixels changed silently is none of the checksummed kind. */
static void test_damaged(void **state)
{
    (void)state;
    int64_t damaged = 0;
    for (size_t f = 0; f < FILE_COUNT; f++) {
        size_t size;
        char *bytes = read_fixture(FILES[f], &size);
        for (size_t at = 0; at < size; at += 7) {
            IoImage image;
            bytes[at] = (char)(bytes[at] ^ (1 << at % 8));
            if (io_image_decode(bytes, size, FILES[f], 1 << 20, &image) == BASE_OK) damaged += image.damaged;
            io_image_free(&image);
            bytes[at] = (char)(bytes[at] ^ (1 << at % 8));
        }
        base_free(bytes);
    }
    assert_true(damaged > 0);
}

/* What is read of no folder is named, with what to do. A text that begins with BM is none. */
static void test_foreign(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *name;
        size_t size;
    } CASES[] = {{"GIF89a\1\0\1\0", "is a GIF image, which is not read; convert it to PNG", 10},
                 {"BM\x36\x0c\0\0\0\0\0\0\x36", "is a BMP image, which is not read; convert it to PNG", 11},
                 {"II*\0\10\0\0\0", "is a TIFF image, which is not read; convert it to PNG", 8},
                 {"MM\0*\0\0\0\10", "is a TIFF image, which is not read; convert it to PNG", 8},
                 {"\0\0\0\x1c"
                  "ftypavif",
                  "is an AVIF image", 12},
                 {"P6\n1 1\n255\nabc", "is a PPM image", 14},
                 {"BMW and others.", "does not start like a JPEG, PNG or WebP image", 15},
                 {"RIFF\4\0\0\0WAVE", "does not start like a JPEG", 12},
                 {"BM", "does not start like a JPEG", 2}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        IoImage image;
        assert_fails(io_image_decode(CASES[i].bytes, CASES[i].size, "a.jpg", 100, &image), BASE_EFORMAT, CASES[i].name);
        assert_null(image.rgb);
    }
}

static size_t add_chunk(uint8_t *to, const char *kind, const void *data, size_t size, uint32_t spoil)
{
    uint32_t length = (uint32_t)size;
    for (int i = 0; i < 4; i++) to[i] = (uint8_t)(length >> (24 - 8 * i));
    memcpy(to + 4, kind, 4);
    memcpy(to + 8, data, size);
    uint32_t sum = (uint32_t)crc32_z(0, to + 4, size + 4) ^ spoil;
    for (int i = 0; i < 4; i++) to[8 + size + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
    return size + 12;
}

/* A PNG of 4 x 1 by hand: @p row without its filter byte; spoil: of the sum of its pixel data. */
static size_t make_png(int depth, int colour, const void *palette, size_t palette_size, const uint8_t *row,
                       size_t row_size, uint32_t spoil, uint8_t out[512])
{
    uint8_t head[13] = {0, 0, 0, 4, 0, 0, 0, 1, (uint8_t)depth, (uint8_t)colour}, raw[64] = {0}, packed[128];
    uLongf packed_size = sizeof packed;
    memcpy(out, "\x89PNG\r\n\x1a\n", 8);
    size_t size = 8 + add_chunk(out + 8, "IHDR", head, sizeof head, 0);
    if (palette) size += add_chunk(out + size, "PLTE", palette, palette_size, 0);
    memcpy(raw + 1, row, row_size);
    assert_int_equal(compress(packed, &packed_size, raw, row_size + 1), Z_OK);
    size += add_chunk(out + size, "IDAT", packed, packed_size, spoil);
    return size + add_chunk(out + size, "IEND", "", 0, 0);
}

static void expect(const uint8_t *bytes, size_t size, const uint8_t want[12], bool clipped, bool damaged)
{
    IoImage image;
    assert_ok(io_image_decode(bytes, size, "a.png", 100, &image));
    assert_memory_equal(image.rgb, want, 12);
    assert_int_equal(image.clipped, clipped);
    assert_int_equal(image.damaged, damaged);
    io_image_free(&image);
}

/* Pillow 13.0: 16-bit grey is mode I;16, and convert("RGB") clips it at 255; grey with alpha is read as RGBA, and that,
 * RGB and RGBA by the upper byte. A wrong sum of pixel data is passed over; an index behind the palette is black. */
static void test_pillow(void **state)
{
    (void)state;
    uint8_t png[512];
    static const uint8_t DEEP[] = {0, 0, 0, 200, 0, 255, 0, 1}, BRIGHT[] = {0, 254, 1, 0, 0x7f, 1, 0xff, 0xff};
    static const uint8_t DEEP_WANT[] = {0, 0, 0, 200, 200, 200, 255, 255, 255, 1, 1, 1},
                         BRIGHT_WANT[] = {254, 254, 254, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    expect(png, make_png(16, 0, NULL, 0, DEEP, sizeof DEEP, 0, png), DEEP_WANT, false, false);
    expect(png, make_png(16, 0, NULL, 0, BRIGHT, sizeof BRIGHT, 0, png), BRIGHT_WANT, true, false);
    static const uint8_t GREY_ALPHA[] = {1, 200, 9, 9, 0, 255, 0, 0, 0xff, 0xff, 1, 1, 0x80, 0, 0xff, 0xff},
                         UPPER[] = {1, 1, 1, 0, 0, 0, 255, 255, 255, 128, 128, 128};
    expect(png, make_png(16, 4, NULL, 0, GREY_ALPHA, sizeof GREY_ALPHA, 0, png), UPPER, false, false);
    uint8_t colour[24], colours_want[12], with_alpha[32];
    for (size_t i = 0; i < 24; i++) colour[i] = (uint8_t)(i * 41 + 7);
    for (size_t i = 0; i < 12; i++) colours_want[i] = colour[2 * i];
    for (size_t p = 0; p < 4; p++) memcpy(with_alpha + 8 * p, colour + 6 * p, 6), with_alpha[8 * p + 6] = 3;
    for (size_t p = 0; p < 4; p++) with_alpha[8 * p + 7] = (uint8_t)p;
    expect(png, make_png(16, 2, NULL, 0, colour, sizeof colour, 0, png), colours_want, false, false);
    expect(png, make_png(16, 6, NULL, 0, with_alpha, sizeof with_alpha, 0, png), colours_want, false, false);
    static const uint8_t PALETTE[] = {9, 8, 7, 100, 110, 120}, INDICES[] = {0, 1, 2, 255},
                         PALETTE_WANT[] = {9, 8, 7, 100, 110, 120, 0, 0, 0, 0, 0, 0};
    expect(png, make_png(8, 3, PALETTE, sizeof PALETTE, INDICES, 4, 0, png), PALETTE_WANT, false, false);
    expect(png, make_png(8, 2, NULL, 0, colour, 12, 0x5a, png), colour, false, true);
}

typedef struct {
    const char *bytes;
    size_t size;
} File;

static BaseStatus decode_once(void *user)
{
    File *file = user;
    IoImage image;
    BaseStatus st = io_image_decode(file->bytes, file->size, "x", IO_IMAGE_PIXELS, &image);
    io_image_free(&image);
    return st;
}

static void test_no_memory(void **state)
{
    (void)state;
    static const char *const SOME[] = {"rgb.jpg",   "cmyk.jpg",   "progressive.jpg", "palette_alpha.png",
                                       "rgb16.png", "grey16.png", "lossy.webp",      "animation.webp"};
    for (size_t f = 0; f < sizeof SOME / sizeof *SOME; f++) {
        File file;
        char *bytes = read_fixture(SOME[f], &file.size);
        file.bytes = bytes;
        support_fail_allocations(decode_once, &file, 100);
        base_free(bytes);
    }
}

static void test_png_written(void **state)
{
    (void)state;
    uint8_t rgb[5 * 3 * 3];
    IoImage image = {.W = 5, .H = 3, .rgb = rgb}, back;
    char *bytes, *again;
    size_t size, again_size;
    for (size_t i = 0; i < sizeof rgb; i++) rgb[i] = (uint8_t)(i * 37);
    assert_ok(io_png_encode(&image, &bytes, &size));
    assert_ok(io_png_encode(&image, &again, &again_size));
    assert_int_equal(size, again_size);
    assert_memory_equal(bytes, again, size);
    assert_ok(io_image_decode(bytes, size, "x", IO_IMAGE_PIXELS, &back));
    assert_true(back.W == 5 && back.H == 3 && !back.damaged);
    assert_memory_equal(back.rgb, rgb, sizeof rgb);
    io_image_free(&back);
    base_free(bytes);
    base_free(again);
    image.H = 0;
    assert_fails(io_png_encode(&image, &bytes, &size), BASE_EARG, "5 x 0 pixels");
    assert_null(bytes);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_limits),     cmocka_unit_test(test_cut),
                                          cmocka_unit_test(test_damaged),    cmocka_unit_test(test_no_memory),
                                          cmocka_unit_test(test_foreign),    cmocka_unit_test(test_pillow),
                                          cmocka_unit_test(test_png_written)};
SUPPORT_MAIN(tests)
