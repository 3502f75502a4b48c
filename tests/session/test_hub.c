/* What a folder of weights says becomes the options of the data; options that say something else are errors. */
#include "tests/support/support.h"

#include <stdio.h>

#include "io/file.h"
#include "nn/arch/arch.h"
#include "session/hub.h"

static void write_text(const char *name, const char *text)
{
    assert_ok(io_file_write(support_at(name), text, strlen(text)));
}

static void make_folder(const char *preparation)
{
    assert_ok(io_folder_make(support_at("in")));
    write_text("in/model.safetensors", ""); /* not read here */
    write_text("in/config.json", "{\"model_type\": \"vit\", \"id2label\": {\"0\": \"cat\", \"1\": \"dog\"}}");
    write_text("in/preprocessor_config.json", preparation);
}

static const char VIT[] = "{\"image_processor_type\": \"ViTImageProcessor\", \"size\": 32}";
#define OPTIONS(...) ((DataOptions){__VA_ARGS__})

static void check_open(DataOptions o, bool override, const char *mean, const char *resize)
{
    SessionHub hub;
    assert_ok(session_hub_open(support_at("in"), override, &o, &hub));
    assert_string_equal(o.mean, mean);
    assert_string_equal(o.resize, resize);
    assert_string_equal(o.std, "0.5,0.5,0.5");
    assert_string_equal(o.crop, "none");
    assert_string_equal(o.interpolation, "bilinear");
    assert_string_equal(o.crop_start, "below");
    assert_ptr_equal(o.model, &hub.model);
    assert_true(hub.model.prepared && hub.model.label_count == 2 && hub.model.override == override);
    assert_string_equal(hub.model.labels[1], "dog");
    session_hub_free(&hub);
}

static void refuse(DataOptions o, BaseStatus status, const char *part)
{
    SessionHub hub;
    assert_fails(session_hub_open(support_at("in"), false, &o, &hub), status, part);
    assert_null(hub.hub);
}

static void test_options(void **state)
{
    (void)state;
    make_folder(VIT);
    check_open(OPTIONS(0), false, "0.5,0.5,0.5", "32x32");
    check_open(OPTIONS(.mean = "0.5", .resize = "32x32", .interpolation = "bilinear"), false, "0.5", "32x32");
    check_open(OPTIONS(.mean = "[0.5, 0.5, 0.5]"), false, "[0.5, 0.5, 0.5]", "32x32");
    refuse(OPTIONS(.mean = "0.4"), BASE_EUSAGE, "--mean 0.4 is not what ");
    refuse(OPTIONS(.mean = "0.5,0.5,0.4"), BASE_EUSAGE,
           "which is 0.5,0.5,0.5: leave the option out (the program's --override lets it count)");
    refuse(OPTIONS(.mean = "none"), BASE_EUSAGE, "--mean none is not what ");
    refuse(OPTIONS(.std = "0.25"), BASE_EUSAGE, "--std 0.25 is not what ");
    refuse(OPTIONS(.resize = "32"), BASE_EUSAGE, "--resize 32 is not what ");
    refuse(OPTIONS(.crop = "30"), BASE_EUSAGE, "--crop 30 is not what ");
    refuse(OPTIONS(.interpolation = "bicubic"), BASE_EUSAGE, "--interpolation bicubic is not what ");
    refuse(OPTIONS(.crop_start = "nearest"), BASE_EUSAGE, "--crop-start nearest is not what ");
    refuse(OPTIONS(.mean = "x"), BASE_EUSAGE, "mean 'x'");
    check_open(OPTIONS(.mean = "0.4", .resize = "40x50"), true, "0.4", "40x50");
}

/* A preparation that is not known must be said in full. */
static void test_unknown(void **state)
{
    (void)state;
    SessionHub hub;
    make_folder("{\"image_processor_type\": \"SamImageProcessor\"}");
    refuse(OPTIONS(0), BASE_EFORMAT, "image_processor_type is SamImageProcessor, which is not known here: say how");
    refuse(OPTIONS(.mean = "0.5", .std = "0.5", .resize = "9"), BASE_EFORMAT, "--crop");
    DataOptions o = {.mean = "0.5", .std = "0.5", .resize = "9", .crop = "none"};
    assert_ok(session_hub_open(support_at("in"), false, &o, &hub));
    assert_string_equal(o.mean, "0.5");
    assert_null(o.interpolation);
    assert_false(hub.model.prepared);
    session_hub_free(&hub);
    write_text("in/preprocessor_config.json", "{}"); /* of something else */
    o = (DataOptions){0};
    assert_ok(session_hub_open(support_at("in"), false, &o, &hub));
    assert_null(o.mean);
    assert_int_equal(hub.model.label_count, 2);
    session_hub_free(&hub);
}

static void test_files_say_nothing(void **state)
{
    (void)state;
    SessionHub hub;
    DataOptions o = {0};
    const char *const FILES[] = {NULL, support_at("in/model.safetensors"), "/nowhere"};
    make_folder(VIT);
    for (int i = 0; i < 3; i++) {
        assert_ok(session_hub_open(FILES[i], false, &o, &hub));
        assert_true(!hub.hub && !o.model && !o.mean);
        session_hub_free(&hub);
    }
}

static BaseStatus open_once(void *user)
{
    SessionHub hub;
    DataOptions o = {.mean = "0.5"};
    (void)user;
    BaseStatus st = session_hub_open(support_at("in"), false, &o, &hub);
    session_hub_free(&hub);
    return st;
}

static void test_no_memory(void **state)
{
    (void)state;
    make_folder(VIT);
    support_fail_allocations(open_once, NULL, 1000);
}

/* The same of a graph file's mean and std. */
static void test_graph_file(void **state)
{
    (void)state;
    char name[512];
    DataOptions none = {0}, same = {.mean = "[0.25]", .std = "0.5"}, other = {.mean = "0.3"}, kept = {.mean = "0.3"};
    write_text("net.json",
               "{\"format\": \"expunge-graph\", \"version\": 1, \"input\": [1, 4, 4], \"classes\": 2, \"output\": "
               "\"b\", \"normalize\": {\"mean\": [0.25], \"std\": [0.5]}, \"nodes\": [{\"name\": \"a\", \"op\": "
               "\"flatten\", \"inputs\": [\"input\"]}, {\"name\": \"b\", \"op\": \"linear\", \"inputs\": "
               "[\"a\"], \"attributes\": {\"out_features\": 2}}]}");
    snprintf(name, sizeof name, NN_ARCH_GRAPH "%s", support_at("net.json"));
    assert_ok(session_graph_open(NULL, false, &none));
    assert_ok(session_graph_open("resnet18", false, &none));
    assert_null(none.mean);
    assert_ok(session_graph_open(name, false, &none));
    assert_string_equal(none.mean, "0.25");
    assert_string_equal(none.std, "0.5");
    assert_ok(session_graph_open(name, false, &same));
    assert_string_equal(same.mean, "[0.25]");
    assert_fails(session_graph_open(name, false, &other), BASE_EUSAGE, "--mean 0.3 is not what graph:");
    assert_ok(session_graph_open(name, true, &kept));
    assert_string_equal(kept.mean, "0.3");
    assert_string_equal(kept.std, "0.5");
    assert_fails(session_graph_open("graph:/no/such.json", false, &none), BASE_EIO, "/no/such.json");
    nn_arch_release();
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_options), cmocka_unit_test(test_graph_file),
                                          cmocka_unit_test(test_unknown), cmocka_unit_test(test_files_say_nothing),
                                          cmocka_unit_test(test_no_memory)};
SUPPORT_MAIN(tests)
