/* bench/rows/images.c - a set of generated JPEGs in the place of ImageNet, for measurements of reading: seeded noise, in which
 * each class has shapes of its own colours and places.
 *
 *   images DIR CLASSES TRAIN VAL    writes DIR/train/<class>/ with TRAIN and DIR/val/<class>/ with VAL images per class, of about
 *                                   500 x 400 pixels; what is there is left alone, so that a stopped run goes on
 *
 * The stand-in of docs/performance.md is `images DIR 1000 190 10`: 200000 files, 14 GB.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "base/memory.h"
#include "base/random.h"
#include "data/prepare/parallel.h"
#include "io/file.h"

enum { FIELD = 1024, SHAPES = 6, QUALITY = 75 };

typedef struct {
    const char *folder;
    int64_t each[2]; /* images per class, of train and val */
    const uint8_t *noise;
} Task;

static int between(BaseRandom *r, int low, int high)
{
    return low + (int)(base_random_u64(r) % (uint64_t)(high - low + 1));
}

/* Boxes and ellipses of the class, moved a little for each image. */
static void draw(int64_t class, BaseRandom *image, int W, int H, uint8_t *rgb)
{
    BaseRandom r = base_random_make(1, "shapes", (uint64_t) class);
    for (int s = 0; s < SHAPES; s++) {
        int x = between(&r, 0, W - 1) + between(image, -30, 30), y = between(&r, 0, H - 1) + between(image, -30, 30);
        int a = between(&r, 20, 120), b = between(&r, 20, 120), round = between(&r, 0, 1);
        int colour[3] = {between(&r, -90, 90), between(&r, -90, 90), between(&r, -90, 90)};
        for (int v = y - b < 0 ? 0 : y - b; v < y + b && v < H; v++)
            for (int u = x - a < 0 ? 0 : x - a; u < x + a && u < W; u++) {
                if (round && (u - x) * (u - x) * b * b + (v - y) * (v - y) * a * a > a * a * b * b) continue;
                for (int c = 0; c < 3; c++) {
                    int value = rgb[(v * W + u) * 3 + c] + colour[c];
                    rgb[(v * W + u) * 3 + c] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
                }
            }
    }
}

static BaseStatus write_jpeg(const char *path, int W, int H, uint8_t *rgb)
{
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr errors; /* its default ends the program, which is right for a tool */
    unsigned char *bytes = NULL;
    unsigned long size = 0;
    c.err = jpeg_std_error(&errors);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &bytes, &size);
    c.image_width = (JDIMENSION)W, c.image_height = (JDIMENSION)H;
    c.input_components = 3;
    c.in_color_space = JCS_RGB;
    jpeg_set_defaults(&c);
    jpeg_set_quality(&c, QUALITY, TRUE);
    jpeg_start_compress(&c, TRUE);
    while (c.next_scanline < c.image_height) {
        JSAMPROW row = rgb + (size_t)c.next_scanline * (size_t)W * 3;
        jpeg_write_scanlines(&c, &row, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    FILE *file = fopen(path, "wb"); /* without the sync of io_file_write: these are 200000 */
    bool written = file && fwrite(bytes, 1, size, file) == size;
    if (file && fclose(file) != 0) written = false;
    free(bytes);
    return written ? BASE_OK : base_error_set(BASE_EIO, "%s: cannot be written", path);
}

static BaseStatus make_one(const Task *t, int64_t class, int val, int64_t number)
{
    BaseStatus st = BASE_OK;
    char path[4096];
    uint8_t *rgb = NULL;
    snprintf(path, sizeof path, "%s/%s/class%04lld/%05lld.jpg", t->folder, val ? "val" : "train", (long long)class,
             (long long)number);
    if (io_path_exists(path)) return BASE_OK;
    BaseRandom r = base_random_make(2, val ? "val" : "train", (uint64_t)(class * 1000000 + number));
    int W = between(&r, 460, 540), H = between(&r, 360, 440);
    int left = between(&r, 0, FIELD - 1), top = between(&r, 0, FIELD - 1);
    BASE_TRY(BASE_ALLOC_RAW(W * H * 3, &rgb));
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            memcpy(rgb + (y * W + x) * 3, t->noise + (((y + top) % FIELD) * FIELD + (x + left) % FIELD) * 3, 3);
    draw(class, &r, W, H, rgb);
    BASE_TRY(write_jpeg(path, W, H, rgb));
out:
    base_free(rgb);
    return st;
}

static BaseStatus make_class(void *user, int64_t class)
{
    BaseStatus st = BASE_OK;
    const Task *t = user;
    for (int val = 0; val < 2; val++) {
        char folder[4096];
        snprintf(folder, sizeof folder, "%s/%s/class%04lld", t->folder, val ? "val" : "train", (long long)class);
        BASE_TRY(io_folder_make(folder));
        for (int64_t i = 0; i < t->each[val]; i++) BASE_TRY(make_one(t, class, val, i));
    }
out:
    return st;
}

/* Noise of two scales: so fine that a JPEG of it is as large as a photograph's, so coarse that it survives resizing. */
static BaseStatus make_noise(uint8_t **out)
{
    BaseRandom r = base_random_make(3, "noise", 0);
    uint8_t coarse[64][64][3];
    for (size_t i = 0; i < sizeof coarse; i++) ((uint8_t *)coarse)[i] = (uint8_t)between(&r, 60, 195);
    BaseStatus st = BASE_ALLOC_RAW(FIELD * FIELD * 3, out);
    for (int64_t i = 0; st == BASE_OK && i < (int64_t)FIELD * FIELD; i++) {
        int fine = between(&r, -18, 18);
        for (int c = 0; c < 3; c++) (*out)[3 * i + c] = (uint8_t)(coarse[i / FIELD / 16][i % FIELD / 16][c] + fine);
    }
    return st;
}

int main(int argc, char **argv)
{
    uint8_t *noise = NULL;
    int64_t classes = argc == 5 ? atoll(argv[2]) : 0;
    if (classes < 1) {
        fprintf(stderr,
                "images DIR CLASSES TRAIN VAL: the number of classes, and of images per class in either split\n");
        return 2;
    }
    Task t = {.folder = argv[1], .each = {atoll(argv[3]), atoll(argv[4])}};
    BaseStatus st = make_noise(&noise);
    t.noise = noise;
    if (st == BASE_OK) st = data_parallel(classes, make_class, &t, "images");
    base_free(noise);
    if (st != BASE_OK) fprintf(stderr, "images: %s\n", base_error_text());
    return st == BASE_OK ? 0 : 1;
}
