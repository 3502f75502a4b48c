/* Tar files of images and labels: both splits get the same one, and the first image is read. */
#include "tests/fuzz/files.h"

#include "base/memory.h"
#include "data/data.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char spec[160];
    DataSet *train, *test;
    void *pixels = NULL;
    int64_t first = 0;
    fuzz_write("train.tar", bytes, size);
    fuzz_write("test.tar", bytes, size);
    snprintf(spec, sizeof spec, "wds:%s", fuzz_files());
    if (data_open(spec, &(DataOptions){.resize = "8", .crop = "8"}, &train, &test) != BASE_OK) {
        fuzz_check_error();
        return 0;
    }
    if (base_alloc_raw(1, data_image_bytes(train), &pixels) == BASE_OK) (void)data_fetch(train, &first, 1, pixels);
    base_free(pixels);
    data_set_free(train);
    data_set_free(test);
    return 0;
}
