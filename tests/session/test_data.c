/* Data is known by its hash, and by the one that folders of images had before; and what may be written beside it. */
#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/param.h"
#include "data/set/build.h"
#include "io/file.h"
#include "session/data.h"

static void put(const char *folder, const char *image)
{
    char path[4800], *bytes;
    size_t size;
    const char *tests = getenv("EXPUNGE_TESTS");
    snprintf(path, sizeof path, "%s/fixtures/images/%s", tests ? tests : "tests", image);
    assert_ok(io_file_read(path, 0, &bytes, &size));
    assert_ok(io_folder_make(folder));
    snprintf(path, sizeof path, "%s/%s", folder, image);
    assert_ok(io_file_write(path, bytes, size));
    base_free(bytes);
}

static void in_memory(const DataSet *set, char hex[BASE_HASH_HEX])
{
    DataSet *copy;
    assert_ok(data_set_create("memory", DATA_U8, set->N, set->C, set->H, set->W, set->K, &copy));
    assert_ok(data_fetch(set, NULL, set->N, copy->images));
    memcpy(copy->labels, set->labels, (size_t)set->N * sizeof *set->labels);
    data_set_normalise(copy, set->mean, set->std);
    assert_ok(data_set_finish(copy, "memory", "memory"));
    memcpy(hex, copy->hash, BASE_HASH_HEX);
    data_set_free(copy);
}

static void test_earlier_hash(void **state)
{
    (void)state;
    static const char *const FOLDERS[] = {"train/a", "train/b", "test/a"};
    char folder[4600], spec[4600], train[BASE_HASH_HEX], test[BASE_HASH_HEX], before[BASE_HASH_HEX];
    SessionData data;
    BaseHash *hash;
    bool same;
    for (int i = 0; i < 3; i++) {
        snprintf(folder, sizeof folder, "%s/d/%s", support_scratch(), FOLDERS[i]);
        put(folder, i ? "rgb.png" : "rgb.jpg");
    }
    snprintf(spec, sizeof spec, "imagefolder:%s/d", support_scratch());
    assert_ok(session_data_open(spec, &(DataOptions){.resize = "16", .crop = "12"}, &data));
    in_memory(data.train, train);
    in_memory(data.test, test);
    assert_ok(base_hash_create(&hash)); /* as session/data.c makes one of two */
    base_hash_add_text(hash, train);
    base_hash_add_text(hash, test);
    base_hash_finish(hash, before);
    base_hash_free(hash);
    assert_string_not_equal(before, data.hash);
    assert_ok(session_data_is(&data, data.hash, &same));
    assert_true(same);
    assert_ok(session_data_is(&data, before, &same));
    assert_true(same);
    before[0] = before[0] == 'a' ? 'b' : 'a';
    assert_ok(session_data_is(&data, before, &same));
    assert_false(same);
    session_data_free(&data);
}

/* Weights are not written among the images of a folder, by any name of that place; beside its splits they may be. */
static void test_output(void **state)
{
    (void)state;
    char folder[4600], spec[4600], out[4800];
    static const char *const AMONG[] = {"train/w.h5",    "train/a/w.h5", "test/a/new",
                                        "a/../val/w.h5", "link/w.h5",    "train"};
    snprintf(folder, sizeof folder, "%s/o/train/a", support_scratch());
    put(folder, "rgb.png");
    snprintf(folder, sizeof folder, "%s/o/trained", support_scratch());
    assert_ok(io_folder_make(folder));
    snprintf(folder, sizeof folder, "%s/o/a", support_scratch());
    assert_ok(io_folder_make(folder));
    snprintf(folder, sizeof folder, "%s/o/link", support_scratch());
    assert_int_equal(symlink("train/a", folder), 0);
    snprintf(spec, sizeof spec, "imagefolder:%s/o", support_scratch());
    for (size_t i = 0; i < BASE_COUNT(AMONG); i++) {
        snprintf(out, sizeof out, "%s/o/%s", support_scratch(), AMONG[i]);
        assert_fails(session_output_check(out, spec, NULL), BASE_EUSAGE, "is in the image folder");
    }
    snprintf(out, sizeof out, "%s/o/w.h5", support_scratch());
    assert_ok(session_output_check(out, spec, NULL));
    snprintf(out, sizeof out, "%s/o/trained/w.h5", support_scratch());
    assert_ok(session_output_check(out, spec, NULL));
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_earlier_hash), cmocka_unit_test(test_output)};
SUPPORT_MAIN(tests)
