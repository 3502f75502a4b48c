/* CIFAR-100 files: the first byte picks the binary or the Python distribution and the labels, the rest is the file. */
#include "tests/fuzz/files.h"

#include "data/data.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char *const FOLDERS[] = {"cifar-100-binary", "cifar-100-python"},
                             *const TRAIN[] = {"train.bin", "train"}, *const TEST[] = {"test.bin", "test"};
    static bool made;
    char spec[160], name[80];
    DataSet *train, *test;
    if (size < 1) return 0;
    int python = bytes[0] & 1;
    for (int p = 0; !made && p < 2; p++) {
        snprintf(name, sizeof name, "%s/%s", fuzz_files(), FOLDERS[p]);
        if (mkdir(name, 0700) != 0) exit(2);
    }
    made = true;
    snprintf(name, sizeof name, "%s/%s", FOLDERS[python], TRAIN[python]);
    fuzz_write(name, bytes + 1, size - 1);
    snprintf(name, sizeof name, "%s/%s", FOLDERS[python], TEST[python]);
    fuzz_write(name, bytes + 1, size - 1);
    snprintf(spec, sizeof spec, "%s:%s/%s", bytes[0] & 2 ? "cifar100-coarse" : "cifar100", fuzz_files(),
             FOLDERS[python]);
    if (data_open(spec, NULL, &train, &test) != BASE_OK) return 0;
    data_set_free(train);
    data_set_free(test);
    return 0;
}
