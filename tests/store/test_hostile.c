/* Run files whose sums are right and whose maker is not to be trusted: anyone can hash. */
#include "tests/support/support.h"

#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/hash.h"
#include "base/text.h"
#include "io/file.h"
#include "store/store.h"

static void put_text(hid_t id, const char *name, const char *value)
{
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, strlen(value));
    hid_t attribute = H5Acreate2(id, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(attribute, type, value);
    H5Aclose(attribute), H5Sclose(space), H5Tclose(type);
}

/* The start of a run file, made with libhdf5 itself. The caller closes. */
static hid_t run_begin(const char *path)
{
    hid_t id = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), space = H5Screate(H5S_SCALAR);
    hid_t schema = H5Acreate2(id, "schema", H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(schema, H5T_NATIVE_INT64, &(int64_t){STORE_SCHEMA});
    H5Aclose(schema), H5Sclose(space);
    put_text(id, "id", "abc");
    put_text(id, "status", "ok");
    return id;
}

/* Adds the line that says that the file is as it was written. */
static void put_sum(const char *path, const char *light, size_t light_size)
{
    char *bytes, hex[BASE_HASH_HEX];
    size_t size;
    BaseText all = {0};
    assert_ok(io_file_read(path, 0, &bytes, &size));
    base_text_append(&all, bytes, size);
    if (light) {
        base_text_append(&all, light, light_size);
        base_hash_bytes(light, light_size, hex);
        base_text_add(&all, "\nexpunge light %016zu %s\n", light_size, hex);
    }
    base_hash_bytes(all.data, all.size, hex);
    base_text_add(&all, "\nexpunge sha256 %s\n", hex);
    assert_ok(all.st);
    assert_ok(io_file_write(path, all.data, all.size));
    base_text_free(&all);
    base_free(bytes);
}

static void assert_refused(const char *path, const char *words)
{
    StoreRun *run;
    assert_fails(store_run_read(path, &run), BASE_EFORMAT, words);
    assert_fails(store_run_read_light(path, &run), BASE_EFORMAT, words);
    assert_false(store_run_complete(path, "abc"));
}

/* The array's numbers are another file's bytes. */
static void test_storage_elsewhere(void **state)
{
    (void)state;
    char path[4300], secret[4300];
    snprintf(path, sizeof path, "%s", support_at("outside.h5"));
    snprintf(secret, sizeof secret, "%s", support_at("secret"));
    assert_ok(io_file_write(secret, "0123456789abcdef", 16));
    hid_t id = run_begin(path), space = H5Screate_simple(1, &(hsize_t){2}, NULL);
    hid_t outside = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(outside, secret, 0, 16);
    H5Dclose(H5Dcreate2(id, "x", H5T_STD_I64LE, space, H5P_DEFAULT, outside, H5P_DEFAULT));
    H5Pclose(outside), H5Fclose(id);
    put_sum(path, NULL, 0);
    assert_refused(path, "x is stored in other files, which are not read");

    /* a virtual array: even its shape is another file's */
    id = run_begin(path);
    hid_t virtual = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_virtual(virtual, space, secret, "/x", space);
    H5Dclose(H5Dcreate2(id, "x", H5T_STD_I64LE, space, H5P_DEFAULT, virtual, H5P_DEFAULT));
    H5Pclose(virtual), H5Fclose(id), H5Sclose(space);
    put_sum(path, NULL, 0);
    assert_refused(path, "x is stored in other files, which are not read");

    id = run_begin(path);
    H5Lcreate_external(secret, "/x", id, "x", H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(id);
    put_sum(path, NULL, 0);
    assert_refused(path, "x links to another file, which is not read");
}

/* Attributes of kinds that a run has none of, before and after its own: they are somebody else's. */
static void test_attributes_of_other_kinds(void **state)
{
    (void)state;
    enum { TWO_TEXTS, OPAQUE, NONE, TWO_NUMBERS, KINDS };
    char path[4300];
    snprintf(path, sizeof path, "%s", support_at("kinds.h5"));
    hid_t types[KINDS] = {H5Tcopy(H5T_C_S1), H5Tcreate(H5T_OPAQUE, 8), H5Tcopy(H5T_STD_I64LE), H5Tcopy(H5T_STD_I64LE)};
    hid_t two = H5Screate_simple(1, &(hsize_t){2}, NULL), one = H5Screate(H5S_SCALAR), none = H5Screate(H5S_NULL);
    const hid_t spaces[KINDS] = {two, one, none, two};
    H5Tset_size(types[TWO_TEXTS], 8);
    for (int kind = 0; kind < KINDS; kind++)
        for (int last = 0; last < 2; last++) {
            StoreRun *run;
            hid_t id = run_begin(path), meta = H5Gcreate2(id, "meta", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
            put_text(meta, "command", "made by hand");
            hid_t at[] = {id, meta};
            for (int i = 0; i < 2; i++) {
                hid_t attribute =
                    H5Acreate2(at[i], last ? "zzz" : "aaa", types[kind], spaces[kind], H5P_DEFAULT, H5P_DEFAULT);
                assert_true(attribute >= 0);
                H5Awrite(attribute, types[kind], "sixteen bytes...");
                H5Aclose(attribute);
            }
            H5Gclose(meta), H5Fclose(id);
            put_sum(path, NULL, 0);
            for (int light = 0; light < 2; light++) {
                assert_ok(light ? store_run_read_light(path, &run) : store_run_read(path, &run));
                assert_string_equal(store_run_text(run, "/", "status"), "ok");
                assert_string_equal(store_run_text(run, "/meta", "command"), "made by hand");
                assert_null(store_run_text(run, "/meta", last ? "zzz" : "aaa"));
                assert_near(store_run_f64(run, "/meta", last ? "zzz" : "aaa"), NAN, 0, 0);
                store_run_free(run);
            }
        }
    for (int kind = 0; kind < KINDS; kind++) H5Tclose(types[kind]);
    H5Sclose(two), H5Sclose(one), H5Sclose(none);
}

/* The bytes that kill libhdf5: another process meets them, whatever the sum says. */
static void test_damage_with_a_right_sum(void **state)
{
    (void)state;
    char *bytes, path[4300];
    size_t size;
    snprintf(path, sizeof path, "%s", support_at("crash.h5"));
    assert_ok(io_file_read(support_fixture("damaged_crash.h5"), 0, &bytes, &size));
    assert_ok(io_file_write(path, bytes, size));
    put_sum(path, NULL, 0);
    assert_refused(path, "crash.h5: not a readable HDF5 file (");
    base_free(bytes);
}

/* Four links to the root are 4^16 paths. */
static void test_circles(void **state)
{
    (void)state;
    char path[4300], name[16];
    snprintf(path, sizeof path, "%s", support_at("circle.h5"));
    for (int soft = 0; soft < 2; soft++) {
        hid_t id = run_begin(path);
        for (int i = 0; i < 4; i++) {
            snprintf(name, sizeof name, "r%d", i);
            if (soft)
                H5Lcreate_soft("/", id, name, H5P_DEFAULT, H5P_DEFAULT);
            else
                H5Lcreate_hard(id, "/", id, name, H5P_DEFAULT, H5P_DEFAULT);
        }
        H5Fclose(id);
        put_sum(path, NULL, 0);
        assert_refused(path, "/r0 is a link to another group of the run");
    }
}

static void put_number(BaseText *out, int64_t number) { base_text_append(out, (const char *)&number, sizeof number); }

/* A light copy of a hundred thousand attributes, the last name first, so that each is inserted before all others. It is
 * given up after 4096 of them, and the HDF5 image tells. */
static void test_light_copy_that_never_ends(void **state)
{
    (void)state;
    StoreRun *run;
    BaseText light = {0};
    char path[4300], name[16];
    snprintf(path, sizeof path, "%s", support_at("light.h5"));
    H5Fclose(run_begin(path));
    put_number(&light, STORE_SCHEMA);
    base_text_append(&light, "G", 1);
    put_number(&light, 1);
    base_text_append(&light, "/", 1);
    for (int i = 100000; i > 0; i--) {
        snprintf(name, sizeof name, "n%06d", i);
        base_text_append(&light, "A", 1);
        put_number(&light, 7);
        base_text_append(&light, name, 7);
        put_number(&light, 0);
        put_number(&light, i);
    }
    assert_ok(light.st);
    put_sum(path, light.data, light.size);
    base_text_free(&light);
    assert_ok(store_run_read_light(path, &run));
    assert_string_equal(store_run_text(run, "/", "id"), "abc");
    assert_true(isnan(store_run_f64(run, "/", "n000001")));
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "n%06d", i);
        BaseStatus st = store_run_set_f64(run, "/meta", name, i);
        assert_int_equal(st, i < 4096 ? BASE_OK : BASE_ELIMIT);
    }
    store_run_free(run);
}

/* 8 bytes more than 2 GiB of zeros, each chunk the same 8 KiB: a small file, and more than any run holds. */
static void test_an_array_of_more_than_two_gigabytes(void **state)
{
    (void)state;
    enum { CHUNK = 1 << 20, CHUNKS = 256 };
    StoreRun *run;
    char path[4300];
    snprintf(path, sizeof path, "%s", support_at("large.h5"));
    char *zeros = NULL, *packed = NULL;
    uLongf size = compressBound(CHUNK * sizeof(int64_t));
    assert_ok(BASE_ALLOC(CHUNK * sizeof(int64_t), &zeros));
    assert_ok(BASE_ALLOC(size, &packed));
    assert_int_equal(compress2((Bytef *)packed, &size, (Bytef *)zeros, CHUNK * sizeof(int64_t), 9), Z_OK);
    hid_t id = run_begin(path), space = H5Screate_simple(1, &(hsize_t){(hsize_t)CHUNKS * CHUNK + 1}, NULL);
    hid_t chunked = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(chunked, 1, &(hsize_t){CHUNK});
    H5Pset_deflate(chunked, 9);
    hid_t data = H5Dcreate2(id, "x", H5T_STD_I64LE, space, H5P_DEFAULT, chunked, H5P_DEFAULT);
    for (int i = 0; i <= CHUNKS; i++)
        assert_true(H5Dwrite_chunk(data, H5P_DEFAULT, 0, &(hsize_t){(hsize_t)i * CHUNK}, size, packed) >= 0);
    H5Dclose(data), H5Pclose(chunked), H5Sclose(space), H5Fclose(id);
    put_sum(path, NULL, 0);
    assert_fails(store_run_read(path, &run), BASE_ELIMIT, "x holds 268435457 values: more than 2 GiB");
    base_free(zeros);
    base_free(packed);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_storage_elsewhere),
    cmocka_unit_test(test_an_array_of_more_than_two_gigabytes),
    cmocka_unit_test(test_attributes_of_other_kinds),
    cmocka_unit_test(test_damage_with_a_right_sum),
    cmocka_unit_test(test_circles),
    cmocka_unit_test(test_light_copy_that_never_ends),
};
SUPPORT_MAIN(tests)
