/* What a program that was compiled against libexpunge.so.0 relies on: the calls with their arguments, the numbers of
 * enumerations, the layout of structs. A line here is only added, never changed, while the library is .so.0. */
#include "tests/api/api.h"

static void test_calls(void **state)
{
    (void)state;
    int found = 0;
    /* clang-format off */
    { const char *(*f)(expunge_status status) = expunge_status_name; found += f != NULL; }
    { const char *(*f)(void) = expunge_error_text; found += f != NULL; }
    { const char *(*f)(void) = expunge_notices; found += f != NULL; }
    { const char *(*f)(void) = expunge_version; found += f != NULL; }
    { void (*f)(char *text) = expunge_free; found += f != NULL; }
    { void (*f)(void) = expunge_trim; found += f != NULL; }
    { expunge_status (*f)(int64_t features, int64_t rows, const char *route, expunge_space **space) = expunge_space_create; found += f != NULL; }
    { void (*f)(expunge_space *space) = expunge_space_free; found += f != NULL; }
    { expunge_status (*f)(expunge_space *space, const void *rows, int64_t count, int64_t stride, expunge_type type) = expunge_space_add; found += f != NULL; }
    { expunge_status (*f)(expunge_space *space, const void *gram, int64_t stride, expunge_type type, int64_t rows) = expunge_space_add_gram; found += f != NULL; }
    { expunge_status (*f)(expunge_space *space) = expunge_space_finish; found += f != NULL; }
    { int64_t (*f)(const expunge_space *space) = expunge_space_rows; found += f != NULL; }
    { double (*f)(const expunge_space *space) = expunge_space_trace; found += f != NULL; }
    { double (*f)(const expunge_space *space) = expunge_space_rank; found += f != NULL; }
    { expunge_status (*f)(const expunge_space *space, double *s, int64_t room, int64_t *count) = expunge_space_spectrum; found += f != NULL; }
    { expunge_status (*f)(const expunge_space *space, double alpha, const void *weight, int64_t outputs, int64_t stride, expunge_type type, void *result, int64_t result_stride) = expunge_space_project; found += f != NULL; }
    { expunge_status (*f)(const expunge_space *retain, const expunge_space *forget, const void *weight, int64_t outputs, int64_t stride, expunge_type type, double alpha_retain, double alpha_forget, void *result, int64_t result_stride, expunge_edit_info *info) = expunge_edit; found += f != NULL; }
    { expunge_status (*f)(const double *score, const uint8_t *member, int64_t n, double level, expunge_estimate *auc) = expunge_auc; found += f != NULL; }
    { expunge_status (*f)(const double *score, const uint8_t *member, int64_t n, double fpr, expunge_estimate *tpr) = expunge_tpr_at_fpr; found += f != NULL; }
    { expunge_status (*f)(const double *score, const uint8_t *member, int64_t n, double *fpr, double *tpr, double *threshold, int64_t room, int64_t *count) = expunge_roc; found += f != NULL; }
    { expunge_status (*f)(const char *method, const double *score, const uint8_t *member, int64_t n, double delta, double alpha, uint64_t seed, expunge_epsilon_bound *bound) = expunge_epsilon; found += f != NULL; }
    { expunge_status (*f)(const double *score, const uint8_t *member, int64_t n, int64_t in, int64_t out, bool independent_coins, double delta, double alpha, uint64_t seed, expunge_epsilon_bound *bound) = expunge_epsilon_one_run; found += f != NULL; }
    { expunge_status (*f)(expunge_signals **signals) = expunge_signals_create; found += f != NULL; }
    { expunge_status (*f)(const char *path, expunge_signals **signals) = expunge_signals_open; found += f != NULL; }
    { void (*f)(expunge_signals *signals) = expunge_signals_free; found += f != NULL; }
    { expunge_status (*f)(expunge_signals *signals, const char *name, const void *data, expunge_type type, int ndim, const int64_t *shape, const int64_t *stride) = expunge_signals_set; found += f != NULL; }
    { expunge_status (*f)(expunge_signals *signals, const char *name, const char *const *texts, int64_t count) = expunge_signals_set_texts; found += f != NULL; }
    { expunge_status (*f)(const expunge_signals *signals, const char *names, const char *const *parameters, size_t parameter_count, uint64_t seed, expunge_attacks **attacks) = expunge_attack; found += f != NULL; }
    { const char *(*f)(const expunge_attacks *attacks) = expunge_attacks_json; found += f != NULL; }
    { expunge_status (*f)(const expunge_attacks *attacks, const char *name, double *scores, int64_t count) = expunge_attacks_scores; found += f != NULL; }
    { void (*f)(expunge_attacks *attacks) = expunge_attacks_free; found += f != NULL; }
    { expunge_status (*f)(const expunge_signals *signals, const char *out, const char *const *options, size_t option_count, char **json) = expunge_audit; found += f != NULL; }
    { expunge_status (*f)(const char *path) = expunge_set_helper; found += f != NULL; }
    { expunge_status (*f)(uint64_t seed, const char *purpose, uint64_t index, const int64_t *limits, int64_t count, int64_t *numbers) = expunge_random_below; found += f != NULL; }
    { expunge_status (*f)(uint64_t seed, const char *purpose, uint64_t index, int64_t n, int64_t count, int64_t *numbers) = expunge_random_choose; found += f != NULL; }
    { expunge_status (*f)(expunge_space *space, const void *rows, int64_t count, int64_t stride, expunge_type type, const int64_t *first, const int64_t *width, int span_count) = expunge_space_add_columns; found += f != NULL; }
    { void (*f)(void) = expunge_cancel; found += f != NULL; }
    { expunge_status (*f)(const char *spec, const char *const *options, size_t option_count, expunge_data **data) = expunge_data_open; found += f != NULL; }
    { expunge_status (*f)(const expunge_split *train, const expunge_split *test, expunge_type type, const int64_t *shape, int64_t classes, const char *const *class_names, const char *const *options, size_t option_count, expunge_data **data) = expunge_data_create; found += f != NULL; }
    { void (*f)(expunge_data *data) = expunge_data_free; found += f != NULL; }
    { int64_t (*f)(const expunge_data *data, const char *split) = expunge_data_count; found += f != NULL; }
    { int64_t (*f)(const expunge_data *data) = expunge_data_classes; found += f != NULL; }
    { expunge_status (*f)(const expunge_data *data, const char *split, int32_t *labels, int64_t count) = expunge_data_labels; found += f != NULL; }
    { expunge_status (*f)(const char *weights, const char *arch, const expunge_data *data, const char *const *options, size_t option_count, expunge_model **model) = expunge_model_open; found += f != NULL; }
    { void (*f)(expunge_model *model) = expunge_model_free; found += f != NULL; }
    { const char *(*f)(const expunge_model *model) = expunge_model_arch; found += f != NULL; }
    { int64_t (*f)(const expunge_model *model) = expunge_model_classes; found += f != NULL; }
    { expunge_status (*f)(expunge_model *model, const char *split, float *logits, int64_t count, int64_t classes) = expunge_model_logits; found += f != NULL; }
    { expunge_status (*f)(expunge_model *model, const char *split, const char *forget, char **json) = expunge_model_evaluate; found += f != NULL; }
    { expunge_status (*f)(expunge_model *original, const char *method, const char *forget, const char *const *options, size_t option_count, expunge_model **unlearned, char **json) = expunge_unlearn; found += f != NULL; }
    { expunge_status (*f)(expunge_model *model, const int64_t *images, int64_t count, char **json) = expunge_model_evaluate_images; found += f != NULL; }
    { expunge_status (*f)(expunge_model *original, const char *method, const int64_t *images, int64_t count, const char *const *options, size_t option_count, expunge_model **unlearned, char **json) = expunge_unlearn_images; found += f != NULL; }
    { expunge_status (*f)(const expunge_model *model, const char *path) = expunge_model_save; found += f != NULL; }
    { expunge_status (*f)(const char *weights, const char *data, const char *forget, const char *out, const char *const *options, size_t option_count, char **json) = expunge_audit_models; found += f != NULL; }
    { expunge_status (*f)(int64_t count, int64_t n, double level, expunge_estimate *share) = expunge_share; found += f != NULL; }
    /* clang-format on */
    assert_int_equal(found, 55);
}

static void test_numbers(void **state)
{
    (void)state;
    static const int STATUS[] = {EXPUNGE_OK,       EXPUNGE_EUSAGE,    EXPUNGE_EARG,   EXPUNGE_ESHAPE,
                                 EXPUNGE_EFORMAT,  EXPUNGE_EIO,       EXPUNGE_ENOMEM, EXPUNGE_ENUMERIC,
                                 EXPUNGE_EBACKEND, EXPUNGE_ENOTFOUND, EXPUNGE_ELIMIT, EXPUNGE_ECANCEL};
    static const int TYPE[] = {EXPUNGE_F32, EXPUNGE_F64, EXPUNGE_F16, EXPUNGE_BF16,
                               EXPUNGE_I32, EXPUNGE_I64, EXPUNGE_U8};
    for (int i = 0; i < (int)BASE_COUNT(STATUS); i++) assert_int_equal(STATUS[i], i);
    for (int i = 0; i < (int)BASE_COUNT(TYPE); i++) assert_int_equal(TYPE[i], i);
    assert_int_equal(sizeof(expunge_status), 4);
    assert_int_equal(sizeof(expunge_type), 4);
    assert_string_equal(expunge_status_name(EXPUNGE_ENOTFOUND), "ENOTFOUND");
    assert_string_equal(expunge_status_name((expunge_status)99), "?");
}

static void test_structs(void **state)
{
    (void)state;
    assert_int_equal(sizeof(expunge_edit_info), 24);
    assert_int_equal(offsetof(expunge_edit_info, forget_share), 8);
    assert_int_equal(offsetof(expunge_edit_info, changed), 16);
    assert_int_equal(sizeof(expunge_estimate), 24);
    assert_int_equal(offsetof(expunge_estimate, lo), 8);
    assert_int_equal(offsetof(expunge_estimate, hi), 16);
    assert_int_equal(sizeof(expunge_epsilon_bound), 24);
    assert_int_equal(offsetof(expunge_epsilon_bound, largest), 8);
    assert_int_equal(offsetof(expunge_epsilon_bound, threshold), 16);
    assert_int_equal(sizeof(expunge_split), 24);
    assert_int_equal(offsetof(expunge_split, labels), 8);
    assert_int_equal(offsetof(expunge_split, count), 16);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_calls), cmocka_unit_test(test_numbers),
                                          cmocka_unit_test(test_structs)};
SUPPORT_MAIN(tests)
