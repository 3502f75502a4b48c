/* A whole audit and its verification while single allocations fail: an error that a step drops is seen by the next line
 * of its report, or by nobody. */
#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>

#include "audit/audit.h"
#include "audit/verify.h"
#include "base/random.h"
#include "io/file.h"
#include "models/retrained.h"
#include "session/program.h"

typedef struct {
    char *path[3], *out;
    AuditTask task;
} Work;

static Work w;

/* The last network as if it had been trained with canaries. */
static void add_canaries(const SessionData *data)
{
    IoTensors *tensors;
    SessionCanaries canaries;
    DataView all = data_view_all(data->train);
    assert_ok(io_tensors_read(w.path[2], &tensors));
    assert_ok(session_canaries_draw(data, &all, 40, SESSION_CANARY_LABEL, NULL, NULL, 8, &canaries));
    assert_ok(io_tensors_set_meta(tensors, "expunge.seed", "8"));
    assert_ok(io_tensors_set_meta(tensors, "expunge.data_hash", data->hash));
    assert_ok(session_canaries_write(&canaries, tensors));
    assert_ok(io_tensors_write(tensors, w.path[2]));
    session_canaries_free(&canaries);
    io_tensors_free(tensors);
}

/* Three networks of the toy data, of which one has seen the class. */
static int make(void **state)
{
    (void)state;
    SessionData data;
    DataForget forget, none;
    NnTrainConfig train;
    ModelCost costs[2];
    char *folder = NULL;
    assert_int_equal(setenv("PATH", "/nonexistent", 1), 0); /* figures without gnuplot: it allocates nothing of ours */
    assert_ok(session_threads_set(1, NULL));
    assert_ok(session_data_open("gaussians", NULL, &data));
    assert_ok(data_forget_classes(data.train, "1", &forget));
    assert_ok(data_forget_classes(data.train, "3", &none));
    assert_ok(base_format(&folder, "%s/models", support_scratch()));
    base_param_defaults(nn_train_params, nn_train_param_count, &train);
    train.epochs = 1, train.batch_size = 512, train.augment = false;
    DataView all = data_view_all(data.train);
    ModelRetrainTask task = {.recipe = {.arch = "mlp", .data = &data, .training = &train, .seed = 8},
                             .train = &all,
                             .forget = &forget,
                             .count = 2,
                             .folder = folder};
    assert_ok(model_retrained_make(&task, w.path, costs));
    model_cost_free(&costs[0]);
    model_cost_free(&costs[1]);
    task.forget = &none;
    task.count = 1;
    assert_ok(model_retrained_make(&task, &w.path[2], costs));
    model_cost_free(costs);
    add_canaries(&data);
    data_forget_free(&forget);
    data_forget_free(&none);
    session_data_free(&data);
    base_free(folder);
    assert_ok(base_format(&w.out, "%s/audit", support_scratch()));
    static const char *const meta[] = {"auditor=A. Smith"};
    w.task = (AuditTask){.arch = "auto",
                         .weights = w.path[2],
                         .data = "gaussians",
                         .forget = "1",
                         .retrained = (const char *const *)w.path,
                         .retrained_count = 1,
                         .attacks = "loss,correctness",
                         .precision = NN_F32,
                         .seed = 3,
                         .out = w.out,
                         .command = "expunge audit",
                         .date = "2026-11-30 12:00 UTC",
                         .meta = meta,
                         .meta_count = 1};
    base_param_defaults(audit_params, audit_param_count, &w.task.options);
    w.task.options.points = 30;
    w.task.options.draws = 100;
    return 0;
}

static int clean(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) base_free(w.path[i]);
    base_free(w.out);
    return 0;
}

static BaseStatus audit_once(void *user)
{
    (void)user;
    char *json;
    BaseText terminal = {0};
    MiaVerdict verdict;
    BaseStatus st = audit_run(&w.task, &json, &terminal, &verdict);
    base_free(json);
    base_text_free(&terminal);
    return st;
}

/* A difference that lack of memory made is an error too. */
static BaseStatus verify_once(void *user)
{
    (void)user;
    const AuditSigner nobody = {NULL, NULL};
    AuditVerdict verdict;
    BaseText lines = {0};
    BaseStatus st = audit_verify(w.out, &nobody, NULL, &lines, &verdict);
    if (st == BASE_OK && (verdict.differences || verdict.pictures)) {
        print_error("%s", lines.data);
        st = BASE_EFORMAT;
    }
    base_text_free(&lines);
    return st;
}

static void test_audit(void **state)
{
    (void)state;
    assert_ok(audit_once(NULL));
    support_fail_some_allocations(audit_once, NULL, 71, 100000);
}

static void test_verify(void **state)
{
    (void)state;
    assert_ok(audit_once(NULL));
    assert_ok(verify_once(NULL));
    support_fail_some_allocations(verify_once, NULL, 71, 100000);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_audit),
    cmocka_unit_test(test_verify),
};

int main(int argc, char **argv)
{
    base_system_started(argv[0]);
    if (argc == 3 && strcmp(argv[1], IO_HDF5_PROBE) == 0) return io_hdf5_probe_main(argv[2]);
    return cmocka_run_group_tests(tests, make, clean);
}
