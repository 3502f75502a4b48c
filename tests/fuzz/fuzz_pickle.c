/* A pickle, under the rules of data sets, in opcodes of any protocol, and under those of checkpoints. What was read and
 * is written again must be read again, whatever names are in it, and a tree of the same height come back where no value
 * contains itself. What is left when strange names are taken out has none. */
#include <string.h>

#include "base/memory.h"
#include "io/pickle.h"
#include "io/pytorch.h"
#include "tests/fuzz/fuzz.h"

static void visit_arrays(const IoPickleValue *root)
{
    IoPickleArray array;
    int64_t whole;
    if (!io_pickle_is_dict(root)) return;
    for (size_t i = 1; i < root->count; i += 2) {
        io_pickle_whole(root->items[i], &whole);
        if (io_pickle_array(root->items[i], "fuzz", &array) == BASE_OK && array.count) {
            int64_t last = 0;
            for (int d = 0; d < array.ndim; d++) last += (array.shape[d] - 1) * array.stride[d];
            FUZZ_CHECK(last == array.count - 1);
            io_pickle_array_whole(&array, 0, &whole);
            io_pickle_array_whole(&array, last, &whole);
        }
    }
}

static void write_again(IoPickle *pickle, bool round)
{
    BaseText text = {0};
    IoPickle *again;
    if (io_pickle_write(pickle, &text) == BASE_OK) {
        FUZZ_CHECK(io_pickle_read(text.data, text.size, &io_pytorch_rules, "again", &again) == BASE_OK);
        FUZZ_CHECK(round || io_pickle_root(again)->height == io_pickle_root(pickle)->height);
        io_pickle_free(again);
    }
    base_text_free(&text);
}

/* As the writer does it. */
static void leave_out(IoPickle *pickle)
{
    IoPytorchSurvey survey, after;
    BaseText text = {0};
    IoPickle *again = NULL;
    if (io_pytorch_survey(pickle, "fuzz", &survey) == BASE_OK) {
        bool *dropped = NULL;
        if (BASE_ALLOC(survey.copy_count, &dropped) == BASE_OK) io_pytorch_sieve(&survey, dropped);
        if (dropped && !io_pytorch_is_bad(io_pickle_root(pickle)) && io_pickle_write(pickle, &text) == BASE_OK) {
            FUZZ_CHECK(io_pickle_read(text.data, text.size, &io_pytorch_rules, "again", &again) == BASE_OK);
            if (io_pytorch_survey(again, "again", &after) == BASE_OK) {
                io_pytorch_sieve(&after, NULL);
                FUZZ_CHECK(!after.strange_count);
                io_pytorch_survey_free(&after);
            }
        }
        base_free(dropped);
        io_pytorch_survey_free(&survey);
    }
    io_pickle_free(again);
    base_text_free(&text);
}

/* Under rules that refuse it, a value that contains itself is found. */
static bool is_round(const uint8_t *data, size_t size)
{
    IoPickle *pickle;
    IoPickleRules rules = io_pytorch_rules;
    rules.inert = false;
    bool fine = io_pickle_read(data, size, &rules, "fuzz", &pickle) == BASE_OK;
    io_pickle_free(pickle);
    return !fine;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    IoPickle *pickle;
    char *copy;
    size_t copied = size;
    if (BASE_ALLOC_RAW(size + 1, &copy) != BASE_OK) return 0;
    memcpy(copy, data, size);
    if (io_pickle_modern(&copy, &copied, "fuzz") == BASE_OK &&
        io_pickle_read(copy, copied, &io_pickle_numpy, "fuzz", &pickle) == BASE_OK) {
        visit_arrays(io_pickle_root(pickle));
        io_pickle_free(pickle);
    }
    base_free(copy);
    if (io_pickle_read(data, size, &io_pytorch_rules, "fuzz", &pickle) == BASE_OK) {
        write_again(pickle, is_round(data, size));
        leave_out(pickle);
        io_pickle_free(pickle);
    }
    return 0;
}
