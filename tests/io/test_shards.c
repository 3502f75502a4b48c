#include "tests/support/support.h"

#include <stdio.h>
#include <unistd.h>

#include "io/file.h"
#include "io/tensors.h"

static void write_text(const char *name, const char *text)
{
    assert_ok(io_file_write(support_at(name), text, strlen(text)));
}

static void write_part(const char *name, const char *first, const char *second)
{
    IoTensors *part;
    assert_ok(io_tensors_create(&part));
    assert_ok(io_tensors_add(part, first, IO_F32, 1, (int64_t[]){2}, (float[]){1, 2}));
    if (second) assert_ok(io_tensors_add(part, second, IO_F16, 1, (int64_t[]){1}, (uint16_t[]){0x3c00}));
    assert_ok(io_tensors_set_meta(part, "format", "pt"));
    assert_ok(io_tensors_write(part, support_at(name)));
    io_tensors_free(part);
}

#define INDEX "in.safetensors.index.json"
/* As Hugging Face's libraries write it: the map sorted by name, the second shard first. */
static const char MAP[] = "{\"metadata\": {\"total_size\": 22, \"more\": [1, null]}, \"weight_map\": {"
                          "\"module.a\": \"in-2.safetensors\", \"module.b\": \"in-1.safetensors\", "
                          "\"module.c\": \"in-1.safetensors\", \"module.d\": \"in-2.safetensors\"}}";

static void make_input(void)
{
    write_part("in-1.safetensors", "module.c", "module.b");
    write_part("in-2.safetensors", "module.d", "module.a");
    write_text(INDEX, MAP);
}

static void test_read_and_write_back(void **state)
{
    (void)state;
    IoTensors *a, *b;
    char *bytes;
    size_t size;
    make_input();
    assert_ok(io_tensors_read(support_at(INDEX), &a));
    assert_string_equal(io_tensors_container(a), "safetensors shards");
    assert_int_equal(a->count, 4);
    assert_string_equal(a->prefix, "module.");
    static const char *const ORDER[] = {"d", "a", "c", "b"};
    for (int i = 0; i < 4; i++) assert_string_equal(a->items[i].name, ORDER[i]);
    assert_string_equal(io_tensors_meta(a, "format"), "pt");
    ((float *)a->items[2].data)[1] = 5;
    assert_ok(io_tensors_set_meta(a, "expunge.unlearned", "x"));
    assert_ok(io_tensors_write(a, support_at("out.safetensors.index.json")));
    assert_ok(io_file_read(support_at("out.safetensors.index.json"), 0, &bytes, &size));
    assert_non_null(strstr(bytes, "\"metadata\": {\"total_size\": 22, \"more\": [1, null]}"));
    assert_non_null(strstr(bytes, "\"module.d\": \"out-00001-of-00002.safetensors\""));
    assert_non_null(strstr(bytes, "\"module.b\": \"out-00002-of-00002.safetensors\""));
    base_free(bytes);
    assert_ok(io_tensors_read(support_at("out.safetensors.index.json"), &b));
    for (int i = 0; i < 4; i++) {
        const IoTensor *x = &a->items[i], *y = &b->items[i];
        assert_string_equal(x->name, y->name);
        assert_int_equal(x->dtype, y->dtype);
        assert_memory_equal(x->data, y->data, (size_t)x->count * io_dtype_size(x->dtype));
    }
    assert_string_equal(io_tensors_meta(b, "expunge.unlearned"), "x");
    io_tensors_free(b);
    /* into one file, and from one file into shards */
    assert_ok(io_tensors_write(a, support_at("one.safetensors")));
    io_tensors_free(a);
    assert_ok(io_tensors_read(support_at("one.safetensors"), &a));
    assert_ok(io_tensors_write(a, support_at("new.safetensors.index.json")));
    assert_true(io_path_exists(support_at("new-00001-of-00001.safetensors")));
    io_tensors_free(a);
    assert_ok(io_tensors_read(support_at("new.safetensors.index.json"), &b));
    assert_int_equal(b->count, 4);
    assert_true(((float *)io_tensors_find(b, "c")->data)[1] == 5);
    io_tensors_free(b);
}

/* Neither the parts of the input nor half an output. */
static void test_nothing_is_overwritten(void **state)
{
    (void)state;
    IoTensors *a;
    write_part("w-00001-of-00001.safetensors", "a", NULL);
    write_text("other.safetensors.index.json", "{\"weight_map\": {\"a\": \"w-00001-of-00001.safetensors\"}}");
    assert_ok(io_tensors_read(support_at("other.safetensors.index.json"), &a));
    assert_fails(io_tensors_write(a, support_at("w.safetensors.index.json")), BASE_EUSAGE, "is part of the input");
    assert_false(io_path_exists(support_at("w.safetensors.index.json")));
    assert_fails(io_tensors_write(a, support_at("w-00001-of-00001.safetensors")), BASE_EUSAGE, "is part of the input");
    io_tensors_free(a);
    make_input();
    assert_ok(io_tensors_read(support_at(INDEX), &a));
    assert_ok(io_folder_make(support_at("f-00002-of-00002.safetensors"))); /* a folder is in the way of the second */
    assert_fails(io_tensors_write(a, support_at("f.safetensors.index.json")), BASE_EIO, "f-00002-of-00002.safetensors");
    assert_false(io_path_exists(support_at("f-00001-of-00002.safetensors")));
    assert_false(io_path_exists(support_at("f.safetensors.index.json")));
    io_tensors_free(a);
}

static void test_wrong_indexes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } CASES[] = {
        {"{", "not JSON"},
        {"{}", "must have a weight_map"},
        {"{\"weight_map\": {}}", "must have a weight_map"},
        {"{\"weight_map\": []}", "must have a weight_map"},
        {"{\"weight_map\": {\"module.c\": 1}}", "must name a file next to the index"},
        {"{\"weight_map\": {\"module.c\": \"\"}}", "must name a file next to the index"},
        {"{\"weight_map\": {\"module.c\": \"../in-1.safetensors\"}}", "not '../in-1.safetensors'"},
        {"{\"weight_map\": {\"module.c\": \"/etc/passwd\"}}", "not '/etc/passwd'"},
        {"{\"weight_map\": {\"module.c\": \"in-1.safetensors\"}}", "'module.b' is in in-1.safetensors, but"},
        {"{\"weight_map\": {\"module.c\": \"in-1.safetensors\", \"module.b\": \"in-2.safetensors\"}}",
         "has it in in-2"},
        {"{\"weight_map\": {\"module.c\": \"in-1.safetensors\", \"module.b\": \"in-1.safetensors\", \"x\": "
         "\"in-1.safetensors\"}}",
         "names 3 tensors, but its files hold 2"},
        {"{\"weight_map\": {\"a\": \"bad.safetensors.index.json\"}}", "not a"},
    };
    IoTensors *tensors;
    make_input();
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        write_text("bad.safetensors.index.json", CASES[i].text);
        assert_fails(io_tensors_read(support_at("bad.safetensors.index.json"), &tensors), BASE_EFORMAT, CASES[i].part);
        assert_null(tensors);
    }
    write_text("bad.safetensors.index.json", "{\"weight_map\": {\"a\": \"missing.safetensors\"}}");
    assert_fails(io_tensors_read(support_at("bad.safetensors.index.json"), &tensors), BASE_EIO, "missing.safetensors");
}

static BaseStatus round_trip(void *user) { return support_rewrite(user, support_at("memory.safetensors.index.json")); }

static void test_no_memory(void **state)
{
    (void)state;
    char path[4200];
    make_input();
    snprintf(path, sizeof path, "%s", support_at(INDEX));
    support_fail_allocations(round_trip, path, 500);
}

/* Shards of torch.save, as older models come; written as safetensors. */
static void test_bin_shards(void **state)
{
    (void)state;
    IoTensors *a, *b;
    write_part("part.pt", "module.a", "module.b");
    assert_int_equal(rename(support_at("part.pt"), support_at("part-1.bin")), 0);
    write_text("pytorch_model.bin.index.json",
               "{\"metadata\": {}, \"weight_map\": {\"module.a\": \"part-1.bin\", \"module.b\": \"part-1.bin\"}}");
    assert_ok(io_tensors_read(support_at("pytorch_model.bin.index.json"), &a));
    assert_string_equal(io_tensors_meta(a, "format"), "pt");
    assert_int_equal(a->count, 2);
    assert_string_equal(a->items[0].name, "a");
    assert_true(((float *)a->items[0].data)[1] == 2);
    assert_ok(io_tensors_write(a, support_at("out.safetensors.index.json")));
    assert_ok(io_tensors_read(support_at("out.safetensors.index.json"), &b));
    assert_string_equal(b->items[1].name, "b");
    io_tensors_free(a);
    io_tensors_free(b);
    write_text("part-1.bin", "hello");
    assert_fails(io_tensors_read(support_at("pytorch_model.bin.index.json"), &a), BASE_EFORMAT,
                 "not a PyTorch checkpoint");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_bin_shards),
    cmocka_unit_test(test_read_and_write_back),
    cmocka_unit_test(test_nothing_is_overwritten),
    cmocka_unit_test(test_wrong_indexes),
    cmocka_unit_test(test_no_memory),
};
SUPPORT_MAIN(tests)
