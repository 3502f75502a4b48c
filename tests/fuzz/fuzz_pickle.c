/* A pickle, under the rules of data sets and under those of checkpoints. What was read and is written again must be
 * read again, and a tree of the same height come back. */
#include "io/pickle.h"
#include "io/pytorch.h"
#include "tests/fuzz/fuzz.h"

static void visit_arrays(const IoPickleValue *root)
{
    IoPickleArray array;
    if (!io_pickle_is_dict(root)) return;
    for (size_t i = 1; i < root->count; i += 2)
        if (io_pickle_array(root->items[i], "fuzz", &array) == BASE_OK && array.count) {
            size_t last = (size_t)array.count * (size_t)array.item_bytes - 1;
            volatile char byte = ((const char *)array.data)[0];
            byte = ((const char *)array.data)[last];
            (void)byte;
        }
}

static void write_again(IoPickle *pickle)
{
    BaseText text = {0};
    IoPickle *again;
    if (io_pickle_write(pickle, &text) == BASE_OK) {
        FUZZ_CHECK(io_pickle_read(text.data, text.size, &io_pytorch_rules, "again", &again) == BASE_OK);
        FUZZ_CHECK(io_pickle_root(again)->height == io_pickle_root(pickle)->height);
        io_pickle_free(again);
    }
    base_text_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    IoPickle *pickle;
    if (io_pickle_read(data, size, &io_pickle_numpy, "fuzz", &pickle) == BASE_OK) {
        visit_arrays(io_pickle_root(pickle));
        io_pickle_free(pickle);
    }
    if (io_pickle_read(data, size, &io_pytorch_rules, "fuzz", &pickle) == BASE_OK) {
        io_pytorch_state(io_pickle_root(pickle));
        write_again(pickle);
        io_pickle_free(pickle);
    }
    return 0;
}
