#include "tests/support/support.h"

#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"
#include "io/file.h"
#include "io/hdf5_refused.h"

static BaseStatus save_small(const char *path)
{
    IoHdf5 *file = NULL;
    BaseStatus st = io_hdf5_create(&file);
    if (st != BASE_OK) return st;
    const char *texts[] = {"plane", "vélo", ""};
    double wave[600];
    for (int i = 0; i < 600; i++) wave[i] = 0.25 * (i % 17) - 1;
    BASE_TRY(io_hdf5_write(file, "/a/b/f32", IO_H5_F32, 2, (int64_t[]){2, 3}, (float[]){1, -2.5f, 3, 4, 5, 6}));
    BASE_TRY(io_hdf5_write(file, "/a/i64", IO_H5_I64, 1, (int64_t[]){3}, (int64_t[]){INT64_MIN, 0, INT64_MAX}));
    BASE_TRY(io_hdf5_write(file, "/a/i32", IO_H5_I32, 1, (int64_t[]){2}, (int32_t[]){-7, 7}));
    BASE_TRY(io_hdf5_write(file, "/a/u8", IO_H5_U8, 1, (int64_t[]){2}, (uint8_t[]){0, 255}));
    BASE_TRY(io_hdf5_write(file, "/scalar", IO_H5_F64, 0, NULL, &(double){2.5}));
    BASE_TRY(io_hdf5_write(file, "/empty", IO_H5_F64, 2, (int64_t[]){0, 4}, NULL));
    BASE_TRY(io_hdf5_write(file, "/wave", IO_H5_F64, 2, (int64_t[]){30, 20}, wave));
    BASE_TRY(io_hdf5_write_texts(file, "/texts", texts, 3));
    BASE_TRY(io_hdf5_set_text(file, "/", "title", "first"));
    BASE_TRY(io_hdf5_set_text(file, "/", "title", "a title"));
    BASE_TRY(io_hdf5_set_f64(file, "/a", "x", -0.125));
    BASE_TRY(io_hdf5_set_i64(file, "/a/i32", "n", 1234567890123));
    BASE_TRY(io_hdf5_set_i64(file, "/made/for/it", "n", 1));
    return io_hdf5_save_take(file, path);
out:
    io_hdf5_close(file);
    return st;
}

static void check_small(IoHdf5 *file)
{
    IoH5Info info;
    int64_t n;
    char **texts, *text;
    size_t count;
    assert_ok(io_hdf5_info(file, "/a/b/f32", &info));
    assert_int_equal(info.stored, IO_H5_F32);
    assert_true(info.is_float && info.ndim == 2 && info.shape[0] == 2 && info.shape[1] == 3 && info.count == 6);
    double *f = support_read_f64(file, "/a/b/f32", &n);
    assert_true(f[1] == -2.5 && f[5] == 6);
    base_free(f);
    int64_t i64[3];
    assert_ok(io_hdf5_read(file, "/a/i64", IO_H5_I64, i64));
    assert_true(i64[0] == INT64_MIN && i64[1] == 0 && i64[2] == INT64_MAX);
    uint8_t u8[2];
    assert_ok(io_hdf5_read(file, "/a/u8", IO_H5_U8, u8));
    assert_true(u8[0] == 0 && u8[1] == 255);
    int32_t *i32 = support_read_i32(file, "a/i32", &n);
    assert_true(i32[0] == -7 && i32[1] == 7);
    base_free(i32);
    double scalar;
    assert_ok(io_hdf5_info(file, "/scalar", &info));
    assert_true(info.ndim == 0 && info.count == 1);
    assert_ok(io_hdf5_read(file, "/scalar", IO_H5_F64, &scalar));
    assert_near(scalar, 2.5, 0, 0);
    assert_ok(io_hdf5_info(file, "/empty", &info));
    assert_int_equal(info.count, 0);
    assert_ok(io_hdf5_read(file, "/empty", IO_H5_F64, &scalar));
    double *wave = support_read_f64(file, "/wave", &n);
    assert_int_equal(n, 600);
    for (int i = 0; i < 600; i++) assert_near(wave[i], 0.25 * (i % 17) - 1, 0, 0);
    base_free(wave);
    assert_ok(io_hdf5_read_texts(file, "/texts", &texts, &count));
    assert_int_equal(count, 3);
    assert_string_equal(texts[1], "vélo");
    assert_string_equal(texts[2], "");
    io_names_free(texts, count);
    assert_ok(io_hdf5_get_text(file, "/", "title", &text));
    assert_string_equal(text, "a title");
    base_free(text);
    assert_near(support_attr(file, "/a", "x"), -0.125, 0, 0);
    assert_near(support_attr(file, "/a/i32", "n"), 1234567890123, 0, 0);
    assert_ok(io_hdf5_list(file, "/a", &texts, &count));
    assert_int_equal(count, 4);
    assert_string_equal(texts[0], "b");
    assert_string_equal(texts[3], "u8");
    io_names_free(texts, count);
    assert_ok(io_hdf5_attributes(file, "/a", &texts, &count));
    assert_true(count == 1 && strcmp(texts[0], "x") == 0);
    io_names_free(texts, count);
    assert_ok(io_hdf5_list(file, "/made/for/it", &texts, &count));
    assert_int_equal(count, 0);
    io_names_free(texts, count);
    assert_true(io_hdf5_has(file, "/") && io_hdf5_has(file, "/a/b") && io_hdf5_has(file, "/a/b/f32"));
    assert_false(io_hdf5_has(file, "/a/c/f32") || io_hdf5_has(file, "/a/u8/x") || io_hdf5_has(file, ""));
}

static void test_round_trip(void **state)
{
    (void)state;
    IoHdf5 *file;
    assert_ok(save_small(support_at("small.h5")));
    assert_ok(io_hdf5_open(support_at("small.h5"), &file));
    check_small(file);
    io_hdf5_close(file);
    char a[BASE_HASH_HEX], b[BASE_HASH_HEX];
    sleep(1); /* HDF5's own times have seconds: none may be stored */
    assert_ok(save_small(support_at("again.h5")));
    assert_ok(base_hash_file(support_at("small.h5"), a));
    assert_ok(base_hash_file(support_at("again.h5"), b));
    assert_string_equal(a, b);
}

static void test_wrong_requests(void **state)
{
    (void)state;
    IoHdf5 *file, *other;
    IoH5Info info;
    char **texts, *text;
    double *values;
    size_t count;
    assert_ok(save_small(support_at("small.h5")));
    assert_ok(io_hdf5_open(support_at("small.h5"), &file));
    assert_fails(io_hdf5_info(file, "/a/none", &info), BASE_EFORMAT, "/a/none");
    assert_fails(io_hdf5_info(file, "/a", &info), BASE_EFORMAT, "group");
    assert_fails(io_hdf5_info(file, "/texts", &info), BASE_EFORMAT, "does not hold numbers");
    assert_fails(io_hdf5_read(file, "/none/x", IO_H5_F32, &info), BASE_EFORMAT, "/none/x");
    assert_fails(io_hdf5_read_texts(file, "/a/i32", &texts, &count), BASE_EFORMAT, "no text");
    assert_fails(io_hdf5_get_text(file, "/", "nothing", &text), BASE_ENOTFOUND, "'nothing'");
    assert_fails(io_hdf5_get_text(file, "/b", "title", &text), BASE_ENOTFOUND, "/b");
    assert_fails(io_hdf5_get_f64s(file, "/", "title", &values, &count), BASE_EFORMAT, "no numbers");
    assert_fails(io_hdf5_get_texts(file, "/a", "x", &texts, &count), BASE_EFORMAT, "no text");
    assert_fails(io_hdf5_list(file, "/a/i32", &texts, &count), BASE_ENOTFOUND, "/a/i32");
    io_hdf5_close(file);
    assert_ok(io_hdf5_create(&file));
    assert_ok(io_hdf5_create(&other)); /* two at a time */
    assert_ok(io_hdf5_write(file, "/x", IO_H5_F32, 1, (int64_t[]){1}, &(float){1}));
    assert_fails(io_hdf5_write(file, "/x", IO_H5_F32, 1, (int64_t[]){1}, &(float){1}), BASE_EARG, "/x");
    assert_fails(io_hdf5_write(file, "/y", IO_H5_F32, 9, (int64_t[9]){1}, &(float){1}), BASE_EARG, "9 dimensions");
    assert_fails(io_hdf5_write(file, "/y", IO_H5_F32, 1, (int64_t[]){-1}, &(float){1}), BASE_EARG, "-1");
    assert_fails(io_hdf5_save_take(file, support_at("no/such/folder.h5")), BASE_EIO, "folder.h5");
    io_hdf5_close(other);
    io_hdf5_close(NULL);
    assert_fails(io_hdf5_open(support_at("none.h5"), &file), BASE_EIO, "none.h5");
    assert_fails(io_hdf5_open(support_scratch(), &file), BASE_EIO, "folder");
    assert_ok(io_file_write(support_at("text.h5"), "not at all", 10));
    assert_fails(io_hdf5_open(support_at("text.h5"), &file), BASE_EFORMAT, "text.h5: not a readable HDF5 file (");
}

static void test_fixtures(void **state)
{
    (void)state;
    IoHdf5 *file;
    static const char *const NAMES[] = {"architectures.h5", "attacks.h5", "network.h5", "projection.h5"};
    for (int i = 0; i < 4; i++) {
        assert_ok(io_hdf5_open(support_fixture(NAMES[i]), &file));
        char **names;
        size_t count;
        assert_ok(io_hdf5_list(file, "/", &names, &count));
        assert_true(count > 0);
        io_names_free(names, count);
        io_hdf5_close(file);
    }
}

/* Kinds of storage that other programs write; made with HDF5's own functions. */
static void make_foreign(const char *path)
{
    hid_t id = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hsize_t three = 3, big[2] = {3000, 2000}, chunk[2] = {700, 900};
    hid_t space = H5Screate_simple(1, &three, NULL);
    hid_t boolean = H5Tenum_create(H5T_STD_I8LE), half = H5Tcopy(H5T_IEEE_F32BE), fixed = H5Tcopy(H5T_C_S1);
    H5Tenum_insert(boolean, "FALSE", &(int8_t){0});
    H5Tenum_insert(boolean, "TRUE", &(int8_t){1});
    H5Tset_fields(half, 15, 10, 5, 0, 10);
    H5Tset_size(half, 2);
    H5Tset_ebias(half, 15);
    H5Tset_size(fixed, 4);
    H5Tset_strpad(fixed, H5T_STR_NULLPAD);
    hid_t set = H5Dcreate2(id, "bool", boolean, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(set, boolean, H5S_ALL, H5S_ALL, H5P_DEFAULT, (int8_t[]){1, 0, 1});
    H5Dclose(set);
    set = H5Dcreate2(id, "big_endian", H5T_STD_I16BE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(set, H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, (int[]){-2, 300, 5});
    H5Dclose(set);
    set = H5Dcreate2(id, "half", half, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, (float[]){1.5f, -0.25f, 1024});
    H5Dclose(set);
    set = H5Dcreate2(id, "fixed", fixed, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(set, fixed, H5S_ALL, H5S_ALL, H5P_DEFAULT, "abcdx\0\0\0yz\0\0");
    H5Dclose(set);
    hid_t plane = H5Screate_simple(2, big, NULL), packed = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(packed, 2, chunk);
    H5Pset_deflate(packed, 1);
    set = H5Dcreate2(id, "packed", H5T_NATIVE_FLOAT, plane, H5P_DEFAULT, packed, H5P_DEFAULT);
    float *values = calloc(6000000, sizeof *values);
    for (int i = 0; i < 6000000; i++) values[i] = (float)(i % 1000);
    H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    free(values);
    H5Dclose(set);
    H5Lcreate_hard(id, "/", id, "circle", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/nowhere", id, "dangling", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/bool", id, "alias", H5P_DEFAULT, H5P_DEFAULT);
    H5Pclose(packed), H5Sclose(plane), H5Sclose(space), H5Tclose(boolean), H5Tclose(half), H5Tclose(fixed);
    H5Fclose(id);
}

static void test_foreign_kinds(void **state)
{
    (void)state;
    IoHdf5 *file;
    IoH5Info info;
    uint8_t bools[3];
    int32_t ints[3];
    float floats[3];
    char **texts;
    size_t count;
    make_foreign(support_at("foreign.h5"));
    assert_ok(io_hdf5_open(support_at("foreign.h5"), &file));
    assert_ok(io_hdf5_info(file, "/bool", &info));
    assert_int_equal(info.stored, IO_H5_U8);
    assert_ok(io_hdf5_read(file, "/alias", IO_H5_U8, bools));
    assert_true(bools[0] == 1 && bools[1] == 0 && bools[2] == 1);
    assert_ok(io_hdf5_read(file, "/bool", IO_H5_F32, floats));
    assert_true(floats[0] == 1 && floats[1] == 0 && floats[2] == 1);
    assert_ok(io_hdf5_read(file, "/big_endian", IO_H5_I32, ints));
    assert_true(ints[0] == -2 && ints[1] == 300 && ints[2] == 5);
    assert_ok(io_hdf5_info(file, "/half", &info));
    assert_true(info.is_float && info.stored == IO_H5_F32);
    assert_ok(io_hdf5_read(file, "/half", IO_H5_F32, floats));
    assert_true(floats[0] == 1.5f && floats[1] == -0.25f && floats[2] == 1024);
    assert_ok(io_hdf5_read_texts(file, "/fixed", &texts, &count));
    assert_int_equal(count, 3);
    assert_string_equal(texts[0], "abcd");
    assert_string_equal(texts[2], "yz");
    io_names_free(texts, count);
    assert_false(io_hdf5_has(file, "/dangling"));
    assert_true(io_hdf5_has(file, "/circle/circle/bool"));
    io_hdf5_close(file);
}

/* A kilobyte may not make the reader take a terabyte, and a file may not read another file. */
static void test_hostile_layouts(void **state)
{
    (void)state;
    IoHdf5 *file;
    hsize_t huge = (hsize_t)1 << 40, small = 8;
    hid_t id = H5Fcreate(support_at("huge.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = H5Screate_simple(1, &huge, NULL), eight = H5Screate_simple(1, &small, NULL);
    H5Dclose(H5Dcreate2(id, "x", H5T_NATIVE_FLOAT, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Fclose(id);
    assert_fails(io_hdf5_open(support_at("huge.h5"), &file), BASE_EFORMAT, "declares 1099511627776 elements");

    assert_ok(io_file_write(support_at("secret"), "01234567", 8));
    hid_t outside = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(outside, support_at("secret"), 0, 8);
    id = H5Fcreate(support_at("outside.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    H5Dclose(H5Dcreate2(id, "x", H5T_NATIVE_UINT8, eight, H5P_DEFAULT, outside, H5P_DEFAULT));
    H5Fclose(id);
    assert_fails(io_hdf5_open(support_at("outside.h5"), &file), BASE_EFORMAT, "in other files");

    id = H5Fcreate(support_at("link.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_external("huge.h5", "/x", id, "x", H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(id);
    assert_fails(io_hdf5_open(support_at("link.h5"), &file), BASE_EFORMAT, "links to another file");

    /* libhdf5's own reading of it goes past its input */
    hid_t packed = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(packed, 1, &small);
    H5Pset_scaleoffset(packed, H5Z_SO_INT, 0);
    id = H5Fcreate(support_at("packed.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    H5Dclose(H5Dcreate2(id, "x", H5T_NATIVE_UINT8, eight, H5P_DEFAULT, packed, H5P_DEFAULT));
    H5Fclose(id);
    H5Pclose(packed);
    assert_fails(io_hdf5_open(support_at("packed.h5"), &file), BASE_EFORMAT,
                 "compressed by filter 6 'scaleoffset'; only deflate");
    packed = H5Pcreate(H5P_DATASET_CREATE); /* h5py's lzf, which libhdf5 does not know */
    H5Pset_chunk(packed, 1, &small);
    H5Pset_filter(packed, 32000, H5Z_FLAG_OPTIONAL, 0, NULL);
    id = H5Fcreate(support_at("lzf.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    H5Dclose(H5Dcreate2(id, "x", H5T_NATIVE_UINT8, eight, H5P_DEFAULT, packed, H5P_DEFAULT));
    H5Fclose(id);
    H5Pclose(packed);
    assert_fails(io_hdf5_open(support_at("lzf.h5"), &file), BASE_EFORMAT, "compressed by filter 32000");
    assert_non_null(strstr(base_error_text(), "write it again with one of them (h5py: compression=\"gzip\")"));

    id = H5Fcreate(support_at("deep.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t group = H5Gcreate2(id, "g", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    for (int i = 0; i < 40; i++) {
        hid_t next = H5Gcreate2(group, "g", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        H5Gclose(group);
        group = next;
    }
    H5Gclose(group);
    H5Fclose(id);
    assert_fails(io_hdf5_open(support_at("deep.h5"), &file), BASE_EFORMAT, "nested");
    H5Pclose(outside), H5Sclose(space), H5Sclose(eight);
}

/* Two files of a few damaged bytes on which libhdf5 1.10.8 itself dies and goes in circles (15 seconds of it, so only
 * in the long tests): one line each, and this process goes on. */
static void test_files_that_kill_libhdf5(void **state)
{
    (void)state;
    IoHdf5 *file;
    assert_fails(io_hdf5_open(support_fixture("damaged_crash.h5"), &file), BASE_EFORMAT,
                 "damaged_crash.h5: not a readable HDF5 file (");
    if (!getenv("EXPUNGE_LONG")) return;
    assert_fails(io_hdf5_open(support_fixture("damaged_circle.h5"), &file), BASE_EFORMAT,
                 "damaged_circle.h5: not a readable HDF5 file (reading it took more than 15 seconds of work)");
}

/* A file that was refused is refused again without another child, until it is another file; a folder that cost a minute
 * gets two seconds per file. */
static void test_refused_once(void **state)
{
    (void)state;
    IoHdf5 *file;
    char text[IO_HDF5_REFUSED_TEXT], *bytes, folder[4300], path[4400];
    size_t size;
    snprintf(folder, sizeof folder, "%s", support_at("spent"));
    assert_ok(io_folder_make(folder));
    snprintf(path, sizeof path, "%s/circle.h5", folder);
    assert_ok(io_file_read(support_fixture("damaged_crash.h5"), 0, &bytes, &size));
    assert_ok(io_file_write(path, bytes, size));
    base_free(bytes);
    assert_false(io_hdf5_refused(path, text));
    assert_fails(io_hdf5_open(path, &file), BASE_EFORMAT, "not a readable");
    assert_true(io_hdf5_refused(path, text));
    assert_non_null(strstr(text, "circle.h5: not a readable HDF5 file ("));
    assert_fails(io_hdf5_open(path, &file), BASE_EFORMAT, text);
    assert_ok(save_small(path)); /* mended */
    assert_false(io_hdf5_refused(path, text));
    assert_ok(io_hdf5_open(path, &file));
    io_hdf5_close(file);
    assert_false(io_hdf5_folder_spent(path));
    io_hdf5_refuse(path, IO_HDF5_FOLDER_SECONDS, "as if");
    assert_true(io_hdf5_folder_spent(path));
    assert_false(io_hdf5_folder_spent(folder)); /* which lies in another one */
    assert_ok(io_file_read(support_fixture("damaged_circle.h5"), 0, &bytes, &size));
    assert_ok(io_file_write(path, bytes, size));
    base_free(bytes);
    assert_fails(io_hdf5_open(path, &file), BASE_EFORMAT,
                 "more than 2 seconds, and other damaged files in its folder took a minute before)");
}

static BaseStatus read_small(void *user)
{
    IoHdf5 *file = NULL;
    char **texts = NULL, *text = NULL;
    size_t count = 0;
    double *values = NULL;
    BaseStatus st = BASE_OK;
    BASE_TRY(io_hdf5_open(user, &file));
    BASE_TRY(io_hdf5_read_texts(file, "/texts", &texts, &count));
    BASE_TRY(io_hdf5_get_text(file, "/", "title", &text));
    io_names_free(texts, count);
    texts = NULL;
    BASE_TRY(io_hdf5_list(file, "/a", &texts, &count));
    BASE_TRY(io_hdf5_get_f64s(file, "/a", "x", &values, &(size_t){0}));
out:
    base_free(values);
    base_free(text);
    io_names_free(texts, count);
    io_hdf5_close(file);
    return st;
}

static BaseStatus save_again(void *user) { return save_small(user); }

static void test_no_memory(void **state)
{
    (void)state;
    char path[4300];
    snprintf(path, sizeof path, "%s/memory.h5", support_scratch());
    support_fail_allocations(save_again, path, 60);
    support_fail_allocations(read_small, path, 60);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_round_trip),      cmocka_unit_test(test_wrong_requests),
    cmocka_unit_test(test_fixtures),        cmocka_unit_test(test_foreign_kinds),
    cmocka_unit_test(test_hostile_layouts), cmocka_unit_test(test_files_that_kill_libhdf5),
    cmocka_unit_test(test_refused_once),    cmocka_unit_test(test_no_memory),
};
SUPPORT_MAIN(tests)
