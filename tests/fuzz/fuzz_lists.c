/* The text files beside a data set, one after the other with a zero byte between: positions of training images, of
 * test images, and the model's classes in order; the data set has 6 training and 4 test images of 10 classes. */
#include <stdlib.h>
#include <string.h>

#include "data/data.h"
#include "tests/fuzz/files.h"
#include "tests/fuzz/fuzz.h"

static void write_idx(const char *part, uint8_t n)
{
    char name[64];
    uint8_t images[16 + 6 * 4] = {0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, 2, 0, 0, 0, 2},
                            labels[8 + 6] = {0, 0, 8, 1, 0, 0, 0, n, 0, 3, 9, 3};
    snprintf(name, sizeof name, "%s-images-idx3-ubyte", part);
    fuzz_write(name, images, 16 + (size_t)n * 4);
    snprintf(name, sizeof name, "%s-labels-idx1-ubyte", part);
    fuzz_write(name, labels, 8 + (size_t)n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const NAMES[] = {"train.txt", "test.txt", "classes.txt"};
    static bool made;
    char paths[3][160], spec[160], *text;
    const char *given[3] = {NULL};
    DataSet *train = NULL, *test = NULL;
    if (!made) write_idx("train", 6), write_idx("t10k", 4);
    made = true;
    for (int i = 0; i < 3 && (text = fuzz_next_text(&data, &size)); i++) {
        snprintf(paths[i], sizeof paths[i], "%s/%s", fuzz_files(), NAMES[i]);
        if (*text) given[i] = paths[i];
        fuzz_write(NAMES[i], (const uint8_t *)text, strlen(text));
        free(text);
    }
    snprintf(spec, sizeof spec, "mnist:%s", fuzz_files());
    DataOptions options = {.train_index = given[0], .test_index = given[1], .class_map = given[2]};
    if (data_open(spec, &options, &train, &test) != BASE_OK) fuzz_check_error();
    data_set_free(train);
    data_set_free(test);
    return 0;
}
