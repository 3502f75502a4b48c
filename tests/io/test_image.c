/* Decoding: the committed images against Pillow's pixels (through data/prepare, tests/data/test_resize.c, too), damaged
 * and cut files, limits, and running out of memory. */
#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>

#include "io/file.h"
#include "io/image.h"

static const char *const FILES[] = {"rgb.jpg",        "rgb420.jpg",  "progressive.jpg",   "grey.jpg",  "cmyk.jpg",
                                    "rgb.png",        "rgba.png",    "grey.png",          "rgb16.png", "grey16.png",
                                    "grey_alpha.png", "palette.png", "palette_alpha.png", "bits.png"};
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
    assert_fails(io_image_decode("GIF89a", 6, "c.gif", 100, &image), BASE_EFORMAT, "c.gif: starts neither");
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
    static const char *const SOME[] = {"rgb.jpg", "cmyk.jpg", "progressive.jpg", "palette_alpha.png", "rgb16.png"};
    for (size_t f = 0; f < 5; f++) {
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

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_limits), cmocka_unit_test(test_cut),
                                          cmocka_unit_test(test_damaged), cmocka_unit_test(test_no_memory),
                                          cmocka_unit_test(test_png_written)};
SUPPORT_MAIN(tests)
