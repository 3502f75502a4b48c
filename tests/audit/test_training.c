/* The sentence about retrained models: what counts as alike, and what could not be compared. */
#include "tests/support/support.h"

#include <string.h>

#include "audit/training.h"

static void says(const char *retrained, const char *want, const char * not )
{
    AuditInput inputs[] = {{.role = (char *)"unlearned", .path = (char *)"u.pt", .training = (char *)""},
                           {.role = (char *)"original",
                            .path = (char *)"o.pt",
                            .training = (char *)"arch: mlp, epochs: 10, lr: 0.1, excluded: none"},
                           {.role = (char *)"retrained", .path = (char *)"r.pt", .training = (char *)retrained}};
    AuditCollected collected = {.input = inputs, .input_count = BASE_COUNT(inputs), .forget_numbers = (char *)"3"};
    BaseText out = {0};
    assert_ok(audit_training_words(&collected, &out));
    if (!strstr(out.data, want)) fail_msg("'%s' is not in: %s", want, out.data);
    if (not &&strstr(out.data, not )) fail_msg("'%s' is in: %s", not, out.data);
    base_text_free(&out);
}

static void settings_that_one_file_lacks_are_named(void **state)
{
    (void)state;
    says("arch: mlp, epochs: 10, lr: 0.1, excluded: 3", "1 of 1 retrained models was trained with", "Not compared");
    says("arch: mlp, epochs: 10, excluded: 3", "Not compared for r.pt, since only one of the two files says it: lr.",
         NULL);
    says("arch: mlp, epochs: 9, pool: 4, excluded: 3",
         "epochs 9, not 10. Not compared for r.pt, since only one of the two files says it: pool, lr.", "1 of 1");
    says("excluded: 3", "is not known", "was trained with");
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(settings_that_one_file_lacks_are_named)};
SUPPORT_MAIN(tests)
