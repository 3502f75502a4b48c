#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>

#include "io/file.h"
#include "io/tensors.h"

static void assert_same_tensors(const IoTensors *a, const IoTensors *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        const IoTensor *x = &a->items[i], *y = &b->items[i];
        assert_string_equal(x->name, y->name);
        assert_int_equal(x->dtype, y->dtype);
        assert_int_equal(x->ndim, y->ndim);
        assert_memory_equal(x->shape, y->shape, sizeof x->shape);
        assert_int_equal(memcmp(x->data, y->data, (size_t)x->count * io_dtype_size(x->dtype)), 0);
    }
}

/* Every dtype, scalars and nothing at all, in the order of a state dict, through HDF5 and back. */
static void test_every_dtype(void **state)
{
    (void)state;
    IoTensors *a, *b;
    assert_ok(io_tensors_read(support_fixture("pytorch_mixed.pt"), &a));
    assert_ok(io_tensors_set_meta(a, "expunge.train", "seed 1"));
    /* halves that are no ordinary numbers keep their bits too */
    assert_ok(io_tensors_add(a, "odd", IO_F16, 1, (int64_t[]){4}, (uint16_t[]){0x7c00, 0x0001, 0x8000, 0xfc00}));
    assert_ok(io_tensors_add(a, "odd_bf", IO_BF16, 1, (int64_t[]){4}, (uint16_t[]){0x7f80, 0x0001, 0x8000, 0xff80}));
    assert_ok(io_tensors_write(a, support_at("w.h5")));
    assert_ok(io_tensors_read(support_at("w.h5"), &b));
    assert_string_equal(io_tensors_container(b), "HDF5");
    assert_same_tensors(a, b);
    assert_string_equal(io_tensors_meta(b, "expunge.train"), "seed 1");
    /* and once more from the file that was read, with an edit */
    ((float *)io_tensors_find(b, "tied2")->data)[1] = -4;
    assert_ok(io_tensors_set_meta(b, "expunge.train", "seed 2"));
    io_tensors_free(a);
    assert_ok(io_tensors_write(b, support_at("v.hdf5")));
    assert_ok(io_tensors_read(support_at("v.hdf5"), &a));
    assert_same_tensors(b, a);
    assert_string_equal(io_tensors_meta(a, "expunge.train"), "seed 2");
    io_tensors_free(a);
    io_tensors_free(b);
}

/* What a user's own file holds beside the weights stays there. */
static void test_foreign_file(void **state)
{
    (void)state;
    IoHdf5 *file;
    IoTensors *tensors;
    const char *const labels[] = {"x", "y"};
    char **texts;
    double *rate;
    size_t count;
    assert_ok(io_hdf5_create(&file));
    assert_ok(io_hdf5_write(file, "/model/conv1/weight", IO_H5_F32, 2, (int64_t[]){1, 2}, (float[]){1, 2}));
    assert_ok(io_hdf5_write(file, "/model/conv1/bias", IO_H5_F64, 1, (int64_t[]){1}, (double[]){3}));
    assert_ok(io_hdf5_write_texts(file, "/labels", labels, 2));
    assert_ok(io_hdf5_set_f64(file, "/", "rate", 0.5));
    assert_ok(io_hdf5_set_text(file, "/", "note", "mine"));
    assert_ok(io_hdf5_save_take(file, support_at("foreign.h5")));
    assert_ok(io_tensors_read(support_at("foreign.h5"), &tensors));
    assert_int_equal(tensors->count, 2);
    assert_string_equal(tensors->items[0].name, "conv1.bias"); /* by name: the file knows no order */
    assert_string_equal(tensors->items[1].name, "conv1.weight");
    assert_string_equal(io_tensors_meta(tensors, "note"), "mine");
    ((float *)tensors->items[1].data)[0] = 7;
    assert_ok(io_tensors_write(tensors, support_at("edited.h5")));
    io_tensors_free(tensors);
    assert_ok(io_hdf5_open(support_at("edited.h5"), &file));
    float *weight = support_read_f32(file, "/model/conv1/weight", NULL),
          *bias = support_read_f32(file, "/model/conv1/bias", NULL);
    assert_true(weight[0] == 7 && weight[1] == 2 && bias[0] == 3);
    assert_ok(io_hdf5_read_texts(file, "/labels", &texts, &count));
    assert_string_equal(texts[1], "y");
    assert_ok(io_hdf5_get_f64s(file, "/", "rate", &rate, &(size_t){0}));
    assert_true(rate[0] == 0.5);
    base_free(weight);
    base_free(bias);
    base_free(rate);
    io_names_free(texts, count);
    io_hdf5_close(file);
}

static void test_refused(void **state)
{
    (void)state;
    IoHdf5 *file;
    IoTensors *tensors;
    assert_ok(io_hdf5_create(&file));
    assert_ok(io_hdf5_set_text(file, "/", "note", "mine"));
    assert_ok(io_hdf5_save_take(file, support_at("none.h5")));
    assert_fails(io_tensors_read(support_at("none.h5"), &tensors), BASE_EFORMAT, "none.h5: holds no arrays of numbers");
    assert_ok(io_hdf5_create(&file));
    assert_ok(io_hdf5_write(file, "/a/b", IO_H5_F32, 0, NULL, (float[]){1}));
    assert_ok(io_hdf5_write(file, "/a.b", IO_H5_F32, 0, NULL, (float[]){1}));
    assert_ok(io_hdf5_save_take(file, support_at("twice.h5")));
    assert_fails(io_tensors_read(support_at("twice.h5"), &tensors), BASE_EFORMAT, "two tensors named 'a.b'");
    assert_fails(io_tensors_read(support_fixture("damaged_crash.h5"), &tensors), BASE_EFORMAT, "damaged_crash.h5");
    assert_ok(io_file_write(support_at("text.h5"), "hello", 5));
    assert_fails(io_tensors_read(support_at("text.h5"), &tensors), BASE_EFORMAT, "text.h5: not a readable HDF5 file");
    assert_ok(io_tensors_create(&tensors));
    assert_ok(io_tensors_add(tensors, "a/b", IO_F32, 0, NULL, NULL));
    assert_fails(io_tensors_write(tensors, support_at("x.h5")), BASE_EFORMAT, "cannot hold an array of this name");
    io_tensors_free(tensors);
}

static BaseStatus round_trip(void *user) { return support_rewrite(user, support_at("memory2.h5")); }

static void test_no_memory(void **state)
{
    (void)state;
    char path[4200];
    IoTensors *tensors;
    assert_ok(io_tensors_create(&tensors));
    assert_ok(io_tensors_add(tensors, "a.b", IO_F16, 1, (int64_t[]){3}, NULL));
    assert_ok(io_tensors_set_meta(tensors, "key", "value"));
    snprintf(path, sizeof path, "%s", support_at("memory.h5"));
    assert_ok(io_tensors_write(tensors, path));
    io_tensors_free(tensors);
    support_fail_allocations(round_trip, path, 200);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_every_dtype),
    cmocka_unit_test(test_foreign_file),
    cmocka_unit_test(test_refused),
    cmocka_unit_test(test_no_memory),
};
SUPPORT_MAIN(tests)
