/* A network from a graph file that says how its images are normalised: the library prepares them so, as the program does
 * ($EXPUNGE), unless its host has said something else. */
#include <stdio.h>
#include <stdlib.h>

#include "io/file.h"
#include "nn/arch/arch.h"
#include "tests/api/world.h"

enum { IMAGES = 48, SIDE = 6, PIXELS = SIDE * SIDE, KINDS = 3 };
static uint8_t images[IMAGES][PIXELS];
static float pixels[IMAGES][PIXELS];
static int32_t labels[IMAGES];
static const int64_t SHAPE[] = {1, SIDE, SIDE};
static const expunge_split BYTES = {images, labels, IMAGES}, FLOATS = {pixels, labels, IMAGES};
static char spec[1100], weights[1024], arch[1100];
static float wanted[IMAGES * KINDS];

/* The program's words, with where its files are put in; its standard output into out.json. */
static void program(const char *words)
{
    char line[16384];
    snprintf(line, sizeof line,
             "\"$EXPUNGE\" %s --arch '%s' --data '%s' --weights '%s' --split test --quiet >'%s' 2>/dev/null", words,
             arch, spec, weights, support_at("out.json"));
    if (system(line)) fail_msg("%s", line);
}

static expunge_data *data_of(const char *const *options, size_t count)
{
    expunge_data *data;
    assert_done(expunge_data_open(spec, options, count, &data));
    return data;
}

static int make_files(void **state)
{
    (void)state;
    static const char GRAPH[] =
        "{\"format\": \"expunge-graph\", \"version\": 1, \"input\": [1, 6, 6], \"classes\": 3,\n"
        "\"normalize\": {\"mean\": [0.4], \"std\": [0.25]}, \"nodes\": [\n"
        "{\"name\": \"conv\", \"op\": \"conv2d\", \"inputs\": [\"input\"], \"attributes\": {\"out_channels\": 4, "
        "\"kernel_size\": 3}},\n"
        "{\"name\": \"flat\", \"op\": \"flatten\", \"inputs\": [\"conv\"]},\n"
        "{\"name\": \"fc\", \"op\": \"linear\", \"inputs\": [\"flat\"], \"attributes\": {\"out_features\": 3}}\n"
        "], \"output\": \"fc\"}\n";
    BaseRandom random = base_random_make(5, "test_graph", 0);
    const int64_t shape[] = {IMAGES, 1, SIDE, SIDE};
    char line[8192], predicted[1024];
    IoHdf5 *file;
    int64_t n;
    for (int i = 0; i < IMAGES; i++) {
        labels[i] = i % KINDS;
        for (int p = 0; p < PIXELS; p++) {
            images[i][p] = (uint8_t)base_random_below(&random, 256);
            pixels[i][p] = ((float)images[i][p] / 255 - 0.4F) / 0.25F;
        }
    }
    snprintf(spec, sizeof spec, "hdf5:%s", support_at("images.h5"));
    snprintf(arch, sizeof arch, "graph:%s", support_at("graph.json"));
    snprintf(weights, sizeof weights, "%s", support_at("weights.safetensors"));
    snprintf(predicted, sizeof predicted, "%s", support_at("predicted.h5"));
    assert_ok(io_file_write(arch + strlen("graph:"), GRAPH, strlen(GRAPH)));
    assert_ok(io_hdf5_create(&file));
    for (int test = 0; test < 2; test++) {
        assert_ok(io_hdf5_write(file, test ? "/test/images" : "/train/images", IO_H5_U8, 4, shape, images));
        assert_ok(io_hdf5_write(file, test ? "/test/labels" : "/train/labels", IO_H5_I32, 1, shape, labels));
    }
    assert_ok(io_hdf5_save_take(file, spec + strlen("hdf5:")));
    snprintf(line, sizeof line,
             "\"$EXPUNGE\" train --arch '%s' --data '%s' --set epochs=1 --set batch_size=16 --quiet -o '%s' "
             ">/dev/null 2>&1",
             arch, spec, weights);
    if (system(line)) fail_msg("%s", line);
    snprintf(line, sizeof line, "predict -o '%s'", predicted);
    program(line);
    expunge_data_free(data_of(NULL, 0)); /* from here on the library's helper looks at files first */
    assert_ok(io_hdf5_open(predicted, &file));
    float *theirs = support_read_f32(file, "/logits", &n);
    io_hdf5_close(file);
    assert_int_equal(n, IMAGES * KINDS);
    memcpy(wanted, theirs, sizeof wanted);
    base_free(theirs);
    program("eval --json");
    return 0;
}

/* Whether the options leave it to the file or say the same: the bits of `expunge predict`, and its report; the data stay as they were. */
static void test_applied(void **state)
{
    (void)state;
    static const char *const SAID[] = {"std=0.25", "mean=0.4"};
    for (size_t said = 0; said <= BASE_COUNT(SAID); said += BASE_COUNT(SAID)) {
        expunge_data *data = data_of(SAID, said);
        for (int again = 0; again < 2; again++) {
            float logits[IMAGES * KINDS];
            expunge_model *model, *unlearned;
            char *json, *want;
            size_t size;
            assert_done(expunge_model_open(weights, arch, data, NULL, 0, &model));
            assert_done(expunge_model_logits(model, "test", logits, IMAGES, KINDS));
            assert_memory_equal(logits, wanted, sizeof wanted);
            assert_done(expunge_model_evaluate(model, "test", NULL, &json));
            assert_ok(io_file_read(support_at("out.json"), 0, &want, &size));
            want[size - 1] = '\0'; /* its line end */
            assert_string_equal(json, want);
            expunge_free(json);
            assert_done(expunge_unlearn(model, "none", "1", NULL, 0, &unlearned, NULL));
            expunge_model_free(model);
            assert_done(expunge_model_evaluate(unlearned, "test", NULL, &json));
            assert_non_null(strstr(json, "mean: [0.4]"));
            expunge_free(json), base_free(want);
            expunge_model_free(unlearned);
        }
        expunge_data_free(data);
    }
}

static void test_said_otherwise(void **state)
{
    (void)state;
    static const char *const OTHER[] = {"mean=0.5", "std=0.25"}, *const NONE[] = {"mean=none"};
    expunge_data *data = data_of(OTHER, 2);
    expunge_model *model;
    assert_refused(expunge_model_open(weights, arch, data, NULL, 0, &model), EUSAGE, "--mean 0.5 is not what graph:");
    assert_null(model);
    expunge_data_free(data);
    data = data_of(NONE, 1);
    assert_refused(expunge_model_open(weights, arch, data, NULL, 0, &model), EUSAGE, "which is 0.4");
    expunge_data_free(data);
}

/* Float32 arrays are as the network takes them. */
static void test_floats(void **state)
{
    (void)state;
    float logits[IMAGES * KINDS];
    expunge_data *data;
    expunge_model *model;
    assert_done(expunge_data_create(&FLOATS, &FLOATS, EXPUNGE_F32, SHAPE, KINDS, NULL, NULL, 0, &data));
    assert_done(expunge_model_open(weights, arch, data, NULL, 0, &model));
    assert_non_null(strstr(expunge_notices(), "holds float32, which is taken as it is"));
    assert_done(expunge_model_logits(model, "test", logits, IMAGES, KINDS));
    for (int i = 0; i < IMAGES * KINDS; i++) assert_near(logits[i], wanted[i], 1e-5, 1e-5);
    expunge_model_free(model);
    expunge_data_free(data);
    assert_done(expunge_data_create(&BYTES, &BYTES, EXPUNGE_U8, SHAPE, KINDS, NULL, NULL, 0, &data));
    assert_done(expunge_model_open(weights, arch, data, NULL, 0, &model));
    assert_done(expunge_model_logits(model, "test", logits, IMAGES, KINDS));
    assert_memory_equal(logits, wanted, sizeof wanted);
    expunge_model_free(model);
    expunge_data_free(data);
}

static BaseStatus open_once(void *user)
{
    (void)user;
    static const char *const SAID[] = {"mean=0.4", "std=0.25"};
    expunge_data *data = NULL;
    expunge_model *model = NULL;
    BaseStatus st = (BaseStatus)expunge_data_create(&BYTES, &BYTES, EXPUNGE_U8, SHAPE, KINDS, NULL, SAID, 2, &data);
    if (st == BASE_OK) st = (BaseStatus)expunge_model_open(weights, arch, data, NULL, 0, &model);
    expunge_model_free(model);
    expunge_data_free(data);
    return st;
}

static void test_no_memory(void **state)
{
    (void)state;
    support_fail_some_allocations(open_once, NULL, 7, 4000);
}

static int release(void **state)
{
    (void)state;
    nn_arch_release(); /* of the networks that the library has read; a host ends with them */
    return 0;
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest ALL[] = {cmocka_unit_test(test_applied), cmocka_unit_test(test_said_otherwise),
                                            cmocka_unit_test(test_floats), cmocka_unit_test(test_no_memory)};
    (void)argv;
    if (argc > 1) return 3; /* the library starts its helper, never the host */
    return support_end(cmocka_run_group_tests(ALL, make_files, release));
}
