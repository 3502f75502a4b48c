/* IDX files, plain and gzipped: two bytes say where the images end and the labels begin; both splits get the same. */
#include "tests/fuzz/files.h"

#include "data/data.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char *const PARTS[] = {"train", "t10k"};
    char spec[160], name[64];
    DataSet *train, *test;
    if (size < 2) return 0;
    size_t images = (size_t)bytes[0] << 8 | bytes[1];
    if (images > size - 2) images = size - 2;
    for (int p = 0; p < 2; p++) {
        snprintf(name, sizeof name, "%s-images-idx3-ubyte", PARTS[p]);
        fuzz_write(name, bytes + 2, images);
        snprintf(name, sizeof name, "%s-labels-idx1-ubyte", PARTS[p]);
        fuzz_write(name, bytes + 2 + images, size - 2 - images);
    }
    snprintf(spec, sizeof spec, "mnist:%s", fuzz_files());
    if (data_open(spec, NULL, &train, &test) != BASE_OK) return 0;
    data_set_free(train);
    data_set_free(test);
    return 0;
}
