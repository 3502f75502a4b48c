/* An experiment's config, through every check that needs neither data nor network; after zero bytes, assignments. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "experiment/canonical.h"
#include "experiment/read.h"
#include "tests/fuzz/fuzz.h"

enum { SETS_MOST = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ExperimentConfig *experiment = NULL;
    char *sets[SETS_MOST], *text = fuzz_next_text(&data, &size);
    size_t count = 0;
    if (!text) return 0;
    while (count < SETS_MOST && (sets[count] = fuzz_next_text(&data, &size))) count++;
    const char *path = fuzz_file((const uint8_t *)text, strlen(text));
    if (experiment_config_read(path, (const char *const *)sets, count, &experiment) == BASE_OK) {
        BaseText canonical = {0};
        experiment_config_canonical(experiment, NULL, NULL, &canonical);
        for (size_t m = 0; m < experiment->method_count; m++)
            experiment_config_canonical(experiment, &experiment->methods[m], NULL, &canonical);
        FUZZ_CHECK(canonical.st == BASE_OK && canonical.size);
        base_text_free(&canonical);
        experiment_config_free(experiment);
    } else {
        fuzz_check_error();
    }
    for (size_t i = 0; i < count; i++) free(sets[i]);
    free(text);
    return 0;
}
