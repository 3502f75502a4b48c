/* The models of an experiment go on from the position of a training that was stopped, which goes once they are kept. */
#include "tests/support/support.h"

#include <string.h>

#include "base/cancel.h"
#include "base/log.h"
#include "io/file.h"
#include "models/make.h"
#include "nn/train.h"
#include "session/model.h"
#include "session/params.h"

typedef struct {
    SessionData data;
    SessionModel model;
    NnTrainConfig training;
    ModelRecipe recipe;
    DataView train;
    char *folder;
} World;

static World world_open(const char *name)
{
    World w = {0};
    const DataOptions plain = {0};
    base_param_defaults(nn_train_params, nn_train_param_count, &w.training);
    w.training.epochs = 3;
    w.training.batch_size = 1000;
    assert_ok(session_data_open("gaussians", &plain, &w.data));
    assert_ok(session_model_create("mlp", &w.data, &w.model));
    assert_ok(base_format(&w.folder, "%s/%s", support_scratch(), name));
    assert_ok(io_folder_make(w.folder));
    w.train = data_view_all(w.data.train);
    return w;
}

static ModelRecipe recipe_of(World *w)
{
    return (ModelRecipe){.arch = "mlp", .data = &w->data, .training = &w->training, .precision = NN_F32, .seed = 4};
}

static void world_close(World *w)
{
    session_model_free(&w->model);
    session_data_free(&w->data);
    base_free(w->folder);
}

static void stop_soon(void *user, const char *label, int64_t done, int64_t total, const char *detail)
{
    (void)label, (void)done, (void)total, (void)detail;
    if (++*(int *)user == 2) base_cancel_ask();
}

/* Whether a training went on: it says so. */
static void hear(void *user, BaseLogLevel level, const char *text)
{
    (void)level;
    *(bool *)user = *(bool *)user || strstr(text, "goes on at epoch 1 of 3, step 3");
}

/* What a process that was killed after two steps leaves beside @p file. Owned. */
static char *leave_position(World *w, const DataView *view, const char *file, const char *key)
{
    int steps = 0;
    char *path;
    const BaseLogSink sink = {.progress = stop_soon, .user = &steps};
    assert_ok(base_format(&path, "%.*s" NN_KEEP_ENDING, (int)(strlen(file) - strlen(".safetensors")), file));
    NnTrainKeep keep = {.path = path, .key = key};
    nn_net_init(w->model.net, 4);
    *nn_net_batches_tracked(w->model.net) = 0;
    base_log_thread_sink(&sink);
    base_cancel_begin();
    assert_int_equal(nn_train_kept(w->model.net, view, &w->training, NN_F32, 4, "test", NULL, &keep), BASE_ECANCEL);
    base_cancel_end();
    base_log_thread_sink(NULL);
    assert_true(io_path_exists(path));
    return path;
}

static void test_original(void **state)
{
    (void)state;
    char key[BASE_HASH_HEX], want[BASE_HASH_HEX], got[BASE_HASH_HEX], *path;
    ModelCost cost;
    World calm = world_open("calm"), w = world_open("stopped");
    ModelRecipe recipe = recipe_of(&calm);
    assert_ok(model_original(&recipe, &calm.train, calm.folder, calm.model.net, &cost, &path));
    assert_ok(nn_net_hash(calm.model.net, want));
    model_cost_free(&cost);
    base_free(path);

    recipe = recipe_of(&w);
    assert_ok(model_original_path(&recipe, w.folder, key, &path));
    char *left = leave_position(&w, &w.train, path, key);
    base_free(path);
    bool went_on = false;
    const BaseLogSink sink = {.message = hear, .user = &went_on};
    base_log_thread_sink(&sink);
    assert_ok(model_original(&recipe, &w.train, w.folder, w.model.net, &cost, &path));
    assert_ok(nn_net_hash(w.model.net, got));
    assert_string_equal(got, want);
    base_log_thread_sink(NULL);
    assert_true(went_on);
    assert_int_equal(cost.epochs, 3);
    double seconds = 0; /* of the epochs, one of which another process began */
    for (int i = 0; i < 3; i++) seconds += cost.history[i].seconds;
    assert_true(cost.wall_seconds >= seconds - 1e-6);
    assert_false(io_path_exists(left));
    assert_true(io_path_exists(path));
    model_cost_free(&cost);
    base_free(path);
    base_free(left);
    world_close(&w);
    world_close(&calm);
}

static void retrain(World *w, ModelMaking *making, char hash[BASE_HASH_HEX])
{
    UnlearnReport report;
    ModelCost cost;
    char *path;
    assert_ok(model_unlearned(making, w->model.net, &report, &cost, &path));
    assert_ok(nn_net_hash(w->model.net, hash));
    assert_true(io_path_exists(path));
    unlearn_report_free(&report);
    model_cost_free(&cost);
    base_free(path);
}

static void test_retrained(void **state)
{
    (void)state;
    char key[BASE_HASH_HEX], want[BASE_HASH_HEX], got[BASE_HASH_HEX], *path;
    World calm = world_open("calm retrained"), w = world_open("stopped retrained");
    World *worlds[] = {&calm, &w};
    ModelMaking making[2];
    UnlearnContext context[2];
    DataForget forget;
    DataIndex gone, kept;
    void *params;
    const UnlearnMethod *method;
    assert_ok(unlearn_find("retrain", &method));
    assert_ok(session_params_defaults(&method->entry, &params));
    forget = (DataForget){0};
    assert_ok(data_classes_parse(w.data.train, "1", &forget.classes));
    for (int i = 0; i < 2; i++) {
        context[i] = (UnlearnContext){.original = worlds[i]->model.net,
                                      .train = worlds[i]->train,
                                      .forget = &forget,
                                      .training = &worlds[i]->training,
                                      .precision = NN_F32,
                                      .seed = 4};
        making[i] = (ModelMaking){.recipe = recipe_of(worlds[i]),
                                  .method = method,
                                  .params = params,
                                  .context = &context[i],
                                  .forget = "1",
                                  .folder = worlds[i]->folder};
    }
    retrain(&calm, &making[0], want);
    assert_ok(model_unlearned_path(&making[1], key, &path));
    assert_ok(data_forget_partition(&w.train, &forget, &gone, &kept));
    DataView view = data_view_of(w.data.train, &kept);
    char *left = leave_position(&w, &view, path, key);
    bool went_on = false;
    const BaseLogSink sink = {.message = hear, .user = &went_on};
    base_log_thread_sink(&sink);
    retrain(&w, &making[1], got);
    base_log_thread_sink(NULL);
    assert_true(went_on);
    assert_string_equal(got, want);
    assert_false(io_path_exists(left));
    data_index_free(&gone);
    data_index_free(&kept);
    data_classes_free(&forget.classes);
    base_free(params);
    base_free(path);
    base_free(left);
    world_close(&w);
    world_close(&calm);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_original), cmocka_unit_test(test_retrained)};

SUPPORT_MAIN(tests)
