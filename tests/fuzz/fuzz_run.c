/* A run file whose sums are right: the input's first byte says what is done to a right run, then
 *   below 240  the rest is the light copy (store/light.h), with its line made for it
 *   from 240   the rest changes the HDF5 image, three bytes a change (where, and to what), and the child process of
 *              io/hdf5.h meets it first. A child takes a tenth of a second, so libFuzzer does that only with
 *              FUZZ_CHILD=1 around it, in runs of its own
 * Either way the last line is made anew over everything, so no sum keeps a reader from what the input holds. What is
 * read of the light copy alone is written and read again as the same, and the image beside it is read whole, where the
 * first byte is a multiple of 16: libhdf5 takes most of the time, and the light copy changes nothing for it. The
 * Makefile has the linker put __wrap_io_hdf5_probe in the probe's place, since a right image needs no child. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/system.h"
#include "base/text.h"
#include "io/file.h"
#include "io/hdf5.h"
#include "io/hdf5_probe.h"
#include "store/store.h"
#include "tests/fuzz/files.h"
#include "tests/fuzz/fuzz.h"

enum { IMAGE = 240 };
static char *image;
static size_t image_size;
static bool probed;

BaseStatus __real_io_hdf5_probe(const char *path, int64_t size);
BaseStatus __wrap_io_hdf5_probe(const char *path, int64_t size);
BaseStatus __wrap_io_hdf5_probe(const char *path, int64_t size)
{
    return probed ? __real_io_hdf5_probe(path, size) : BASE_OK;
}

static const char *path_of(const char *name)
{
    static char path[160];
    snprintf(path, sizeof path, "%s/%s", fuzz_files(), name);
    return path;
}

/* The image of a run with one of each kind of member. */
static void make_image(void)
{
    StoreRun *run;
    const double number[] = {0.5, 1};
    const char *const text[] = {"Dress", ""};
    FUZZ_CHECK(store_run_create(&run) == BASE_OK);
    FUZZ_CHECK(store_run_set_text(run, "/", "id", "abc") == BASE_OK);
    FUZZ_CHECK(store_run_set_text(run, "/", "status", "ok") == BASE_OK);
    FUZZ_CHECK(store_run_set_f64(run, "/attacks/svc", "auc", 0.5) == BASE_OK);
    FUZZ_CHECK(store_run_set_array(run, "/metrics/value", STORE_F64, 1, (int64_t[]){2}, number) == BASE_OK);
    FUZZ_CHECK(store_run_set_texts(run, "/class_names", text, 2) == BASE_OK);
    FUZZ_CHECK(store_run_write(run, path_of("whole.h5")) == BASE_OK);
    store_run_free(run);
    FUZZ_CHECK(io_file_read(path_of("whole.h5"), 0, &image, &image_size) == BASE_OK);
    const char *line = memmem(image, image_size, "\nexpunge light ", 15);
    FUZZ_CHECK(line);
    image_size = (size_t)(line - image) - (size_t)strtoull(line + 15, NULL, 10);
    char *copy = malloc(image_size); /* outside the blocks that the driver counts */
    FUZZ_CHECK(copy);
    memcpy(copy, image, image_size);
    base_free(image);
    image = copy;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    base_system_started((*argv)[0]);
    if (*argc == 3 && strcmp((*argv)[1], IO_HDF5_PROBE) == 0) exit(io_hdf5_probe_main((*argv)[2]));
    make_image();
    return 0;
}

static void write_run(const uint8_t *data, size_t size)
{
    BaseText all = {0};
    char hex[BASE_HASH_HEX];
    base_text_append(&all, image, image_size);
    for (size_t i = 0; probed && i + 3 <= size; i += 3)
        all.data[((size_t)data[i] | (size_t)data[i + 1] << 8) % image_size] = (char)data[i + 2];
    if (!probed) {
        base_text_append(&all, (const char *)data, size);
        base_hash_bytes(data, size, hex);
        base_text_add(&all, "\nexpunge light %016zu %s\n", size, hex);
    }
    base_hash_bytes(all.data, all.size, hex);
    base_text_add(&all, "\nexpunge sha256 %s\n", hex);
    FUZZ_CHECK(all.st == BASE_OK);
    fuzz_write("run.h5", (const uint8_t *)all.data, all.size);
    base_text_free(&all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    StoreRun *run = NULL, *again = NULL;
    if (size < 1) return 0;
    probed = data[0] >= IMAGE;
    if (probed && !getenv("FUZZ_CHILD")) return -1;
    write_run(data + 1, size - 1);
    BaseStatus st = store_run_read_light(path_of("run.h5"), &run);
    if (st != BASE_OK) {
        fuzz_check_error();
        return 0;
    }
    store_run_complete(path_of("run.h5"), "abc");
    bool whole = probed || data[0] % 16 == 0;
    if (!probed && whole && store_run_write(run, path_of("again.h5")) == BASE_OK) {
        FUZZ_CHECK(store_run_read_light(path_of("again.h5"), &again) == BASE_OK);
        FUZZ_CHECK(strcmp(store_run_text(run, "/", "id"), store_run_text(again, "/", "id")) == 0);
        store_run_free(again);
    }
    store_run_free(run);
    run = NULL;
    if (whole && store_run_read(path_of("run.h5"), &run) != BASE_OK) fuzz_check_error();
    store_run_free(run);
    return 0;
}
