#include "tests/support/support.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/text.h"
#include "io/file.h"
#include "io/tensors.h"

/* The fixture's tensors against the same network stored as HDF5 by another program. */
static void test_reads_what_pytorch_users_have(void **state)
{
    (void)state;
    IoTensors *tensors;
    IoHdf5 *file;
    assert_ok(io_tensors_read(support_fixture("small.safetensors"), &tensors));
    assert_ok(io_hdf5_open(support_fixture("network.h5"), &file));
    assert_true(tensors->count >= 10);
    for (size_t i = 0; i < tensors->count; i++) {
        const IoTensor *t = &tensors->items[i];
        char path[200];
        int64_t n;
        if (t->dtype != IO_F32) continue;
        snprintf(path, sizeof path, "/params/%s", t->name);
        double *want = support_read_f64(file, path, &n);
        assert_int_equal(n, t->count);
        for (int64_t k = 0; k < n; k++) assert_near((double)((float *)t->data)[k], want[k], 0, 1e-7);
        base_free(want);
    }
    io_hdf5_close(file);
    io_tensors_free(tensors);
}

/* Each is written as the other is, and is its own; what both were read from goes with the last of them. */
static BaseStatus copy_and_write(void *user)
{
    BaseStatus st = BASE_OK;
    IoTensors *tensors = NULL, *copy = NULL;
    BASE_TRY(io_tensors_read(user, &tensors));
    BASE_TRY(io_tensors_copy(tensors, &copy));
    BASE_TRY(io_tensors_set_meta(copy, "of", "the copy"));
    BASE_TRY(io_tensors_write(tensors, support_at("first.pt")));
    io_tensors_free(tensors);
    tensors = NULL;
    BASE_TRY(io_tensors_write(copy, support_at("second.pt")));
out:
    io_tensors_free(tensors);
    io_tensors_free(copy);
    return st;
}

static void test_copy(void **state)
{
    (void)state;
    char from[4096];
    IoTensors *first, *second;
    snprintf(from, sizeof from, "%s", support_fixture("pytorch_beside.pt"));
    assert_ok(copy_and_write(from));
    assert_ok(io_tensors_read(support_at("first.pt"), &first));
    assert_ok(io_tensors_read(support_at("second.pt"), &second));
    assert_null(io_tensors_meta(first, "of"));
    assert_string_equal(io_tensors_meta(second, "of"), "the copy");
    assert_int_equal(first->count, second->count);
    for (size_t i = 0; i < first->count; i++) {
        const IoTensor *a = &first->items[i], *b = &second->items[i];
        assert_string_equal(a->name, b->name);
        assert_memory_equal(a->data, b->data, (size_t)a->count * io_dtype_size(a->dtype));
    }
    assert_int_equal(first->copy_count, 1);
    assert_int_equal(second->copy_count, 1);
    assert_string_equal(second->copies[0].where, "model_ema");
    assert_string_equal(first->stale, second->stale);
    io_tensors_free(first), io_tensors_free(second);
    support_fail_some_allocations(copy_and_write, from, 7, 5000);
}

/* Small files that took minutes: the work is linear in the bytes (base/index.h counts it), and a file's own count of
 * tensors decides no more. */
static void test_many_names(void **state)
{
    (void)state;
    enum { KEYS = 60000 };
    BaseText text = {0};
    IoTensors *tensors;
    unsigned char length[8] = {0};
    for (int kind = 0; kind < 2; kind++) {
        text.size = 0;
        base_text_append(&text, (const char *)length, sizeof length);
        base_text_add(&text, kind ? "{" : "{\"__metadata__\":{");
        for (int i = 0; i < (kind ? IO_TENSORS_MOST + 100 : KEYS); i++)
            base_text_add(
                &text, kind ? "%s\"t%d\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}" : "%s\"k%d\":\"v\"",
                i ? "," : "", i);
        base_text_add(&text, kind ? "}" : "}}");
        assert_ok(text.st);
        for (int i = 0; i < 8; i++) text.data[i] = (char)((text.size - 8) >> 8 * i);
        assert_ok(io_file_write(support_at("many.safetensors"), text.data, text.size));
        if (kind) {
            assert_fails(io_tensors_read(support_at("many.safetensors"), &tensors), BASE_ELIMIT,
                         "many.safetensors: more than 65536 tensors");
            continue;
        }
        assert_ok(io_tensors_read(support_at("many.safetensors"), &tensors));
        assert_int_equal(tensors->meta_count, KEYS);
        assert_true(tensors->keys.steps < 8 * (uint64_t)KEYS);
        assert_string_equal(io_tensors_meta(tensors, "k59999"), "v");
        assert_ok(io_tensors_set_meta(tensors, "k0", "w"));
        assert_int_equal(tensors->meta_count, KEYS);
        assert_string_equal(io_tensors_meta(tensors, "k0"), "w");
        io_tensors_free(tensors);
    }
    base_text_free(&text);
}

static BaseStatus build(IoTensors **out)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(io_tensors_create(out));
    BASE_TRY(io_tensors_add(*out, "z.weight", IO_F32, 2, (int64_t[]){2, 2}, (float[]){1, -2, 3, -4}));
    BASE_TRY(io_tensors_add(*out, "count", IO_I64, 0, NULL, &(int64_t){42}));
    BASE_TRY(io_tensors_add(*out, "empty", IO_F32, 2, (int64_t[]){0, 5}, NULL));
    BASE_TRY(io_tensors_add(*out, "half \"q\" \\ \n é", IO_F16, 1, (int64_t[]){3}, (uint16_t[]){0x3c00, 0xc000, 1}));
    BASE_TRY(io_tensors_add(*out, "odd", IO_U8, 1, (int64_t[]){3}, "abc"));
    BASE_TRY(io_tensors_add(*out, "a", IO_BF16, 1, (int64_t[]){1}, (uint16_t[]){0x3f80}));
    BASE_TRY(io_tensors_add(*out, "zeros", IO_F64, 1, (int64_t[]){2}, NULL));
    BASE_TRY(io_tensors_set_meta(*out, "format", "pt"));
    BASE_TRY(io_tensors_set_meta(*out, "arch", "small"));
    BASE_TRY(io_tensors_set_meta(*out, "format", "np"));
out:
    return st;
}

static void test_round_trip(void **state)
{
    (void)state;
    IoTensors *a, *b;
    char first[BASE_HASH_HEX], second[BASE_HASH_HEX], *bytes;
    size_t size;
    assert_ok(build(&a));
    assert_fails(io_tensors_add(a, "a", IO_F32, 0, NULL, NULL), BASE_EARG, "two tensors named 'a'");
    assert_fails(io_tensors_add(a, "b", IO_F32, 9, NULL, NULL), BASE_EARG, "9 dimensions");
    assert_fails(io_tensors_add(a, "b", IO_F32, 1, (int64_t[]){-1}, NULL), BASE_EARG, "impossible");
    assert_fails(io_tensors_add(a, "b", IO_F32, 2, (int64_t[]){INT64_MAX / 2, 3}, NULL), BASE_EARG, "impossible");
    assert_ok(io_tensors_write(a, support_at("a.safetensors")));
    assert_ok(io_tensors_read(support_at("a.safetensors"), &b));
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        const IoTensor *x = &a->items[i], *y = &b->items[i];
        assert_string_equal(x->name, y->name);
        assert_int_equal(x->dtype, y->dtype);
        assert_int_equal(x->ndim, y->ndim);
        assert_memory_equal(x->shape, y->shape, sizeof x->shape);
        assert_int_equal(x->count, y->count);
        if (x->count) assert_memory_equal(x->data, y->data, (size_t)x->count * io_dtype_size(x->dtype));
    }
    assert_int_equal(b->meta_count, 2);
    assert_string_equal(io_tensors_meta(b, "format"), "np");
    assert_string_equal(io_tensors_meta(b, "arch"), "small");
    assert_null(io_tensors_meta(b, "none"));
    assert_null(io_tensors_find(b, "none"));
    assert_int_equal(*(int64_t *)io_tensors_find(b, "count")->data, 42);
    assert_ok(io_tensors_write(b, support_at("b.safetensors")));
    assert_ok(base_hash_file(support_at("a.safetensors"), first));
    assert_ok(base_hash_file(support_at("b.safetensors"), second));
    assert_string_equal(first, second);
    assert_ok(io_file_read(support_at("a.safetensors"), 0, &bytes, &size));
    assert_int_equal((unsigned char)bytes[0] % 8, 0); /* the data starts on 8 bytes */
    base_free(bytes);
    io_tensors_free(a);
    io_tensors_free(b);
    /* nothing at all is a file too */
    assert_ok(io_tensors_create(&a));
    assert_ok(io_tensors_write(a, support_at("none.safetensors")));
    io_tensors_free(a);
    assert_ok(io_tensors_read(support_at("none.safetensors"), &b));
    assert_int_equal(b->count, 0);
    io_tensors_free(b);
    io_tensors_free(NULL);
}

/* A side of 0 before others whose product is beyond 64 bits: an empty tensor, in each format, and again from what each
 * format wrote. Behind them it is refused, as PyTorch and safetensors would refuse what is written here. */
static void test_empty_shapes(void **state)
{
    (void)state;
    static const int64_t SHAPES[][3] = {{0, (int64_t)1 << 62, 8}, {(int64_t)1 << 40, 0, (int64_t)1 << 40}, {0, 0, 0}};
    static const char *const FILES[] = {"empty.safetensors", "empty.pt", "again.pt", "again.safetensors", "empty.h5"},
                             *const NAMES[] = {"a", "b", "c"};
    for (size_t f = 0; f < sizeof FILES / sizeof *FILES; f++) {
        IoTensors *tensors;
        size_t count = 3;
        if (f == 1 || f == 2 || f == 3) /* what the format before wrote */
            assert_ok(io_tensors_read(support_at(FILES[f - 1]), &tensors));
        else
            assert_ok(io_tensors_create(&tensors));
        for (size_t i = 0; tensors->count < count; i++)
            assert_ok(io_tensors_add(tensors, NAMES[i], IO_F64, 3, SHAPES[i], NULL));
        assert_ok(io_tensors_write(tensors, support_at(FILES[f])));
        io_tensors_free(tensors);
        assert_ok(io_tensors_read(support_at(FILES[f]), &tensors));
        assert_int_equal(tensors->count, count);
        for (size_t i = 0; i < count; i++) {
            const IoTensor *t = io_tensors_find(tensors, NAMES[i]);
            assert_non_null(t);
            assert_int_equal(t->count, 0);
            assert_memory_equal(t->shape, SHAPES[i], sizeof SHAPES[i]);
        }
        io_tensors_free(tensors);
    }
    IoTensors *tensors;
    assert_ok(io_tensors_create(&tensors));
    assert_fails(io_tensors_add(tensors, "d", IO_F32, 3, (int64_t[]){(int64_t)1 << 62, 8, 0}, NULL), BASE_EARG,
                 "impossible");
    io_tensors_free(tensors);
}

static void test_names_of_files(void **state)
{
    (void)state;
    IoTensors *tensors;
    assert_ok(build(&tensors));
    assert_ok(io_tensors_writable("x.SafeTensors", NULL));
    assert_fails(io_tensors_writable("x.bim", NULL), BASE_EUSAGE,
                 "x.bim: a checkpoint's name must end in: .safetensors");
    assert_fails(io_tensors_write(tensors, ".safetensors"), BASE_EUSAGE, "must end in");
    assert_ok(io_tensors_write(tensors, support_at("x.safetensors")));
    assert_int_equal(rename(support_at("x.safetensors"), support_at("x.weights")), 0); /* told by its content */
    io_tensors_free(tensors);
    assert_ok(io_tensors_read(support_at("x.weights"), &tensors));
    io_tensors_free(tensors);
    assert_ok(io_file_write(support_at("text.weights"), "hello, this is no checkpoint", 28));
    assert_fails(io_tensors_read(support_at("text.weights"), &tensors), BASE_EFORMAT,
                 "not a checkpoint that can be read");
    assert_fails(io_tensors_read(support_at("no.safetensors"), &tensors), BASE_EIO, "no.safetensors");
}

/* header: JSON; data: n zero bytes. */
static BaseStatus read_made(const char *header, size_t n)
{
    char bytes[4096] = {0};
    size_t size = strlen(header);
    for (int i = 0; i < 8; i++) bytes[i] = (char)(size >> 8 * i);
    memcpy(bytes + 8, header, size);
    assert_ok(io_file_write(support_at("made.safetensors"), bytes, 8 + size + n));
    IoTensors *tensors;
    BaseStatus st = io_tensors_read(support_at("made.safetensors"), &tensors);
    if (st == BASE_OK)
        io_tensors_free(tensors);
    else
        assert_null(tensors);
    return st;
}

#define T(name, dtype, shape, from, to)                                                                                \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #from "," #to "]}"

static void test_wrong_headers(void **state)
{
    (void)state;
    static const struct {
        const char *header, *part;
    } CASES[] = {
        {"", "no {"},
        {"[]", "no {"},
        {"{", "not JSON"},
        {"{}x", "not JSON"},
        {"{}", "8 bytes follow"},
        {"{" T("a", "F32", "[1]", 0, 4) "}", "4 bytes follow"},
        {"{" T("a", "F32", "[3]", 0, 12) "}", "of 8 bytes of data"},
        {"{" T("a", "F32", "[1]", 0, 8) "}", "do not fit its shape"},
        {"{" T("a", "F32", "[2]", 8, 0) "}", "of 8 bytes of data"},
        {"{" T("a", "F32", "[2]", -8, 0) "}", "of 8 bytes of data"},
        {"{" T("a", "F32", "[1]", 0, 4) "," T("b", "F32", "[1]", 3, 7) "}", "overlaps"},
        {"{" T("a", "F32", "[1]", 0, 4) "," T("b", "F32", "[1]", 0, 4) "}", "overlaps"},
        {"{" T("a", "U8", "[1]", 0, 1) "," T("b", "U8", "[1]", 7, 8) "}", "a gap before it"},
        {"{" T("a", "F32", "[2]", 0, 8) "," T("a", "F32", "[0]", 8, 8) "}", "not JSON: duplicate"},
        {"{" T("a", "Q4", "[2]", 0, 8) "}", "dtype 'Q4'"},
        {"{" T("a", "F32", "[-2]", 0, 8) "}", "dimension 0"},
        {"{" T("a", "F32", "[2.0]", 0, 8) "}", "dimension 0"},
        {"{" T("a", "F32", "2", 0, 8) "}", "must have exactly"},
        {"{" T("a", "F32", "[2,1,1,1,1,1,1,1,1]", 0, 8) "}", "9 dimensions"},
        {"{" T("a", "F32", "[4294967296,4294967296,2]", 0, 8) "}", "do not fit its shape"},
        {"{" T("a", "F32", "[9223372036854775807]", 0, 8) "}", "do not fit its shape"},
        {"{" T("a", "F32", "[99999999999999999999]", 0, 8) "}", "not JSON: too big"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}", "must have exactly"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"more\":1}}", "must have exactly"},
        {"{\"a\":1}", "not an object"},
        {"{\"__metadata__\":{\"x\":1}," T("a", "F32", "[2]", 0, 8) "}", "must be text"},
        {"{\"__metadata__\":[]," T("a", "F32", "[2]", 0, 8) "}", "not an object"},
        {"{\"a\\u0000b\":"
         "{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
         "not JSON"},
    };
    assert_ok(read_made(
        "{" T("b", "F32", "[1]", 4, 8) "," T("a", "F32", "[1]", 0, 4) "," T("e", "F32", "[0]", 4, 4) "}  ", 8));
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        assert_fails(read_made(CASES[i].header, 8), BASE_EFORMAT, CASES[i].part);
    IoTensors *tensors;
    assert_ok(io_file_write(support_at("made.safetensors"), "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10));
    assert_fails(io_tensors_read(support_at("made.safetensors"), &tensors), BASE_EFORMAT,
                 "not a complete safetensors file");
}

static void copy_fixture(const char *path, size_t *size)
{
    char *bytes;
    assert_ok(io_file_read(support_fixture("small.safetensors"), 0, &bytes, size));
    assert_ok(io_file_write(path, bytes, *size));
    base_free(bytes);
}

static void test_cut_at_every_length(void **state)
{
    (void)state;
    size_t size;
    IoTensors *tensors;
    copy_fixture(support_at("cut.safetensors"), &size);
    const char *path = support_at("cut.safetensors");
    while (size-- > 0) {
        assert_int_equal(truncate(path, (off_t)size), 0);
        assert_fails(io_tensors_read(path, &tensors), BASE_EFORMAT, "cut.safetensors");
        assert_null(tensors);
    }
}

/* Every bit of the header turned over: read as something else, or refused in one line; never more. */
static void test_every_header_bit(void **state)
{
    (void)state;
    size_t size;
    unsigned char head[8];
    copy_fixture(support_at("bit.safetensors"), &size);
    const char *path = support_at("bit.safetensors");
    int fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, head, 8, 0), 8);
    int64_t length = 8 + head[0] + 256 * head[1], refused = 0;
    assert_true(length < (int64_t)size);
    for (int64_t i = 0; i < length; i++) {
        unsigned char byte, changed;
        assert_int_equal(pread(fd, &byte, 1, i), 1);
        for (int bit = 0; bit < 8; bit++) {
            IoTensors *tensors;
            changed = (unsigned char)(byte ^ 1 << bit);
            assert_int_equal(pwrite(fd, &changed, 1, i), 1);
            BaseStatus st = io_tensors_read(path, &tensors);
            if (st != BASE_OK) {
                refused++;
                assert_fails(st, BASE_EFORMAT, "bit.safetensors");
            }
            io_tensors_free(tensors);
        }
        assert_int_equal(pwrite(fd, &byte, 1, i), 1);
    }
    close(fd);
    assert_true(refused > 4 * length); /* the rest are letters of names */
}

/* All 65536 halves survive to float and back; ties go to even. */
static void test_half_precision(void **state)
{
    (void)state;
    IoTensor half = {.name = "h", .dtype = IO_F16, .count = 1}, bf = {.name = "b", .dtype = IO_BF16, .count = 1};
    uint16_t in, out;
    float value;
    for (uint32_t i = 0; i < 65536; i++) {
        half.data = bf.data = &in;
        in = (uint16_t)i;
        assert_ok(io_tensor_to_f32(&half, &value));
        if (isfinite(value)) {
            half.data = &out;
            assert_ok(io_tensor_from_f32(&half, &value));
            assert_int_equal(in, out);
        }
        assert_ok(io_tensor_to_f32(&bf, &value));
        if (isfinite(value)) {
            bf.data = &out;
            assert_ok(io_tensor_from_f32(&bf, &value));
            assert_int_equal(in, out);
        }
    }
    static const struct {
        float value;
        uint16_t half, bf;
    } CASES[] = {
        {1.0f, 0x3c00, 0x3f80},
        {-2.0f, 0xc000, 0xc000},
        {0x1.002p0f, 0x3c00, 0x3f80}, /* half way between 1 and the next half: to even, down */
        {0x1.006p0f, 0x3c02, 0x3f80}, /* half way: to even, up */
        {0x1.01p0f, 0x3c04, 0x3f80},  /* half way for bfloat16: down */
        {0x1.03p0f, 0x3c0c, 0x3f82},  /* half way for bfloat16: up */
        {0x1p-24f, 0x0001, 0x3380},   /* the smallest subnormal half */
        {0x1p-25f, 0x0000, 0x3300},   /* half of it: to even, zero */
        {0x1.8p-25f, 0x0001, 0x3340},
        {0x1.ff8p-15f, 0x03ff, 0x3880}, /* 1023 of those units, the largest subnormal half */
        {65504.0f, 0x7bff, 0x4780},
    };
    half.data = bf.data = &out;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        assert_ok(io_tensor_from_f32(&half, &CASES[i].value));
        assert_int_equal(out, CASES[i].half);
        assert_ok(io_tensor_from_f32(&bf, &CASES[i].value));
        assert_int_equal(out, CASES[i].bf);
    }
    assert_fails(io_tensor_from_f32(&half, &(float){65520}), BASE_ENUMERIC, "65520, which F16 cannot hold");
    assert_fails(io_tensor_from_f32(&bf, &(float){3.4e38f}), BASE_ENUMERIC, "BF16");
    assert_fails(io_tensor_from_f32(&bf, &(float){NAN}), BASE_ENUMERIC, "nan");
}

static void test_other_dtypes(void **state)
{
    (void)state;
    float values[2] = {0.1f, -3};
    double wide[2];
    int64_t whole[2] = {1, 2};
    IoTensor f64 = {.name = "w", .dtype = IO_F64, .count = 2, .data = wide};
    IoTensor i64 = {.name = "i", .dtype = IO_I64, .count = 2, .data = whole};
    assert_ok(io_tensor_from_f32(&f64, values));
    assert_true(wide[0] == (double)0.1f && wide[1] == -3);
    values[0] = 0;
    assert_ok(io_tensor_to_f32(&f64, values));
    assert_true(values[0] == 0.1f);
    assert_fails(io_tensor_to_f32(&i64, values), BASE_EFORMAT, "'i' holds I64");
    assert_fails(io_tensor_from_f32(&i64, values), BASE_EFORMAT, "'i' holds I64");
    assert_int_equal(whole[0], 1);
}

static BaseStatus round_trip(void *user)
{
    IoTensors *tensors = NULL;
    BaseStatus st = build(&tensors);
    if (st == BASE_OK) st = io_tensors_write(tensors, user);
    io_tensors_free(tensors);
    if (st == BASE_OK) st = io_tensors_read(user, &tensors);
    if (st == BASE_OK) io_tensors_free(tensors);
    return st;
}

static void test_no_memory(void **state)
{
    (void)state;
    char path[4200];
    snprintf(path, sizeof path, "%s", support_at("memory.safetensors"));
    support_fail_allocations(round_trip, path, 200);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_reads_what_pytorch_users_have),
    cmocka_unit_test(test_copy),
    cmocka_unit_test(test_many_names),
    cmocka_unit_test(test_round_trip),
    cmocka_unit_test(test_empty_shapes),
    cmocka_unit_test(test_names_of_files),
    cmocka_unit_test(test_wrong_headers),
    cmocka_unit_test(test_cut_at_every_length),
    cmocka_unit_test(test_every_header_bit),
    cmocka_unit_test(test_half_precision),
    cmocka_unit_test(test_other_dtypes),
    cmocka_unit_test(test_no_memory),
};
SUPPORT_MAIN(tests)
