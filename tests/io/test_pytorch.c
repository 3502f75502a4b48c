#include "tests/support/support.h"

#include <stdio.h>
#include <unistd.h>
#include <zip.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "io/archive.h"
#include "io/file.h"
#include "io/tensors.h"

static IoTensors *read_fixture(const char *name)
{
    IoTensors *tensors;
    assert_ok(io_tensors_read(support_fixture(name), &tensors));
    assert_string_equal(io_tensors_container(tensors), "pytorch");
    return tensors;
}

static size_t bytes_of(const IoTensor *t) { return (size_t)t->count * io_dtype_size(t->dtype); }

/* Same names, shapes, dtypes and bytes, but for the tensor named @p but. */
static void assert_same_tensors(const IoTensors *a, const IoTensors *b, const char *but)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        const IoTensor *x = &a->items[i], *y = &b->items[i];
        assert_string_equal(x->name, y->name);
        assert_int_equal(x->dtype, y->dtype);
        assert_int_equal(x->ndim, y->ndim);
        assert_memory_equal(x->shape, y->shape, sizeof x->shape);
        if (!but || strcmp(x->name, but) != 0) assert_int_equal(memcmp(x->data, y->data, bytes_of(x)), 0);
    }
}

static void test_small(void **state)
{
    (void)state;
    IoTensors *a = read_fixture("small.pt"), *b;
    assert_ok(io_tensors_read(support_fixture("small.safetensors"), &b));
    assert_int_equal(a->count, 18);
    assert_null(a->prefix);
    for (size_t i = 0; i < a->count; i++) { /* the .safetensors may have another order */
        const IoTensor *x = &a->items[i], *y = io_tensors_find(b, x->name);
        assert_non_null(y);
        assert_int_equal(x->dtype, y->dtype);
        assert_memory_equal(x->shape, y->shape, sizeof x->shape);
        assert_memory_equal(x->data, y->data, bytes_of(x));
    }
    assert_string_equal(a->items[0].name, "conv1.weight");
    assert_string_equal(a->items[17].name, "fc2.bias");
    io_tensors_free(a);
    io_tensors_free(b);
}

#define V(type, ...) ((const type[]){__VA_ARGS__})
static void test_dtypes_and_strides(void **state)
{
    (void)state;
    IoTensors *t = read_fixture("pytorch_mixed.pt");
    const struct {
        const char *name;
        IoDtype dtype;
        const void *values;
        size_t size;
    } PLAIN[] = {
        {"half", IO_F16, V(uint16_t, 0x3c00, 0xc000, 0x3800), 6},
        {"bfloat16", IO_BF16, V(uint16_t, 0x3f80, 0xc000, 0x3f00), 6},
        {"double", IO_F64, V(double, 0.1, 0.2), 16},
        {"int64", IO_I64, V(int64_t, 1, -2), 16},
        {"int32", IO_I32, V(int32_t, 1, -2), 8},
        {"int16", IO_I16, V(int16_t, 1, -2), 4},
        {"int8", IO_I8, V(int8_t, 1, -2), 2},
        {"uint8", IO_U8, V(uint8_t, 1, 254), 2},
        {"bool", IO_BOOL, V(uint8_t, 1, 0), 2},
        {"scalar", IO_I64, V(int64_t, 5), 8},
        {"parameter", IO_F32, V(float, 1, 2), 8},
        {"repeated", IO_F32, V(float, 7, 7, 7, 7, 7, 7), 24},
        {"empty", IO_F32, NULL, 0},
    };
    assert_int_equal(t->count, 18);
    for (size_t i = 0; i < sizeof PLAIN / sizeof PLAIN[0]; i++) {
        const IoTensor *x = io_tensors_find(t, PLAIN[i].name);
        assert_non_null(x);
        assert_int_equal(x->dtype, PLAIN[i].dtype);
        assert_int_equal(bytes_of(x), PLAIN[i].size);
        if (PLAIN[i].size) assert_memory_equal(x->data, PLAIN[i].values, PLAIN[i].size);
    }
    const IoTensor *turned = io_tensors_find(t, "turned"), *other = io_tensors_find(t, "every_other");
    assert_true(turned->shape[0] == 8 && turned->shape[1] == 6 && other->count == 49);
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 6; j++) assert_true(((float *)turned->data)[6 * i + j] == (float)(50 + 8 * j + i));
    for (int i = 0; i < 49; i++) assert_true(((float *)other->data)[i] == (float)(1 + 2 * i));
    assert_int_equal(io_tensors_find(t, "scalar")->ndim, 0);
    assert_null(io_tensors_find(t, "_version"));
    io_tensors_free(t);
}

/* How many records of the two archives differ, and the name of the last one. */
static int different_records(const char *a, const char *b, char name[256])
{
    IoArchive *x, *y;
    int count = 0;
    assert_ok(io_archive_open(a, &x));
    assert_ok(io_archive_open(b, &y));
    for (size_t i = 0; i < io_archive_count(x); i++) {
        size_t size = io_archive_size(x, i);
        char *one, *two;
        assert_true(i < io_archive_count(y));
        assert_string_equal(io_archive_name(x, i), io_archive_name(y, i));
        assert_ok(BASE_ALLOC(size, &one));
        assert_ok(BASE_ALLOC(io_archive_size(y, i), &two));
        assert_ok(io_archive_read(x, i, one));
        assert_ok(io_archive_read(y, i, two));
        if (size != io_archive_size(y, i) || memcmp(one, two, size) != 0) {
            snprintf(name, 256, "%s", io_archive_name(x, i));
            count++;
        }
        base_free(one);
        base_free(two);
    }
    io_archive_close(x);
    io_archive_close(y);
    return count;
}

static void test_round_trip(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"small.pt", "pytorch_mixed.pt", "pytorch_nested.pt"};
    for (int i = 0; i < 3; i++) {
        char fixture[4096], name[256];
        snprintf(fixture, sizeof fixture, "%s", support_fixture(NAMES[i]));
        IoTensors *a = read_fixture(NAMES[i]), *b;
        assert_ok(io_tensors_write(a, support_at("same.pt")));
        assert_int_equal(different_records(fixture, support_at("same.pt"), name), 0);
        assert_ok(io_tensors_read(support_at("same.pt"), &b));
        assert_same_tensors(a, b, NULL);
        io_tensors_free(b);
        io_tensors_free(a);
    }
}

static void test_edit_in_place(void **state)
{
    (void)state;
    char fixture[4096], name[256];
    snprintf(fixture, sizeof fixture, "%s", support_fixture("pytorch_nested.pt"));
    IoTensors *a = read_fixture("pytorch_nested.pt"), *b;
    assert_string_equal(a->prefix, "module.");
    assert_string_equal(a->items[0].name, "0.weight");
    ((float *)io_tensors_find(a, "0.weight")->data)[5] += 1;
    assert_ok(io_tensors_set_meta(a, "expunge.unlearned", "x \"y\""));
    assert_ok(io_tensors_write(a, support_at("edited.pt")));
    assert_ok(io_tensors_write(a, support_at("again.pt"))); /* writing changes nothing */
    assert_int_equal(different_records(support_at("edited.pt"), support_at("again.pt"), name), 0);
    assert_int_equal(different_records(fixture, support_at("edited.pt"), name), 1);
    assert_non_null(strstr(name, "/data/"));
    assert_ok(io_tensors_read(support_at("edited.pt"), &b));
    assert_same_tensors(a, b, NULL);
    assert_string_equal(b->prefix, "module.");
    assert_string_equal(io_tensors_meta(b, "expunge.unlearned"), "x \"y\"");
    assert_ok(io_tensors_set_meta(b, "expunge.unlearned", "z"));
    assert_ok(io_tensors_write(b, support_at("third.pt")));
    io_tensors_free(b);
    assert_ok(io_tensors_read(support_at("third.pt"), &b));
    assert_string_equal(io_tensors_meta(b, "expunge.unlearned"), "z");
    io_tensors_free(b);
    io_tensors_free(a);
}

/* Each float tensor edited in turn, in a file where storages are shared in every way: no other tensor may move. */
static void test_edit_shared(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"first",    "turned", "every_other", "tied1", "tied2", "repeated",
                                        "bfloat16", "double", "parameter",   "int64", "empty"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        IoTensors *before = read_fixture("pytorch_mixed.pt"), *a = read_fixture("pytorch_mixed.pt"), *b;
        IoTensor *t = io_tensors_find(a, NAMES[i]);
        for (size_t k = 0; k < bytes_of(t); k++) ((unsigned char *)t->data)[k] ^= (unsigned char)(1 + k % 7);
        assert_ok(io_tensors_write(a, support_at("edited.pt")));
        assert_ok(io_tensors_read(support_at("edited.pt"), &b));
        assert_same_tensors(a, b, NULL);
        assert_same_tensors(before, b, NAMES[i]);
        io_tensors_free(before);
        io_tensors_free(a);
        io_tensors_free(b);
    }
    /* both of a pair, to the same values: they still share one storage, and nothing is added */
    char fixture[4096], name[256];
    snprintf(fixture, sizeof fixture, "%s", support_fixture("pytorch_mixed.pt"));
    IoTensors *a = read_fixture("pytorch_mixed.pt");
    ((float *)io_tensors_find(a, "tied1")->data)[3] = ((float *)io_tensors_find(a, "tied2")->data)[3] = 99;
    assert_ok(io_tensors_write(a, support_at("pair.pt")));
    assert_int_equal(different_records(fixture, support_at("pair.pt"), name), 1);
    assert_int_equal(different_records(support_at("pair.pt"), fixture, name), 1);
    io_tensors_free(a);
}

static char warning[400];
static void keep_warning(void *user, BaseLogLevel level, const char *text)
{
    (void)user, (void)level;
    snprintf(warning, sizeof warning, "%s", text);
}

static void test_other_containers(void **state)
{
    (void)state;
    BaseLogSink sink = {.message = keep_warning};
    IoTensors *a = read_fixture("pytorch_nested.pt"), *b, *c;
    base_log_sink(&sink);
    assert_ok(io_tensors_set_meta(a, "arch", "é\n"));
    assert_ok(io_tensors_write(a, support_at("x.safetensors")));
    assert_non_null(strstr(warning, "epoch, optimizer, best"));
    warning[0] = '\0';
    assert_ok(io_tensors_read(support_at("x.safetensors"), &b));
    assert_string_equal(b->prefix, "module.");
    assert_same_tensors(a, b, NULL);
    assert_ok(io_tensors_write(b, support_at("y.pth")));
    assert_ok(io_tensors_read(support_at("y.pth"), &c));
    assert_string_equal(io_tensors_container(c), "pytorch");
    assert_string_equal(c->prefix, "module.");
    assert_string_equal(io_tensors_meta(c, "arch"), "é\n");
    assert_same_tensors(a, c, NULL);
    assert_string_equal(warning, "");
    base_log_sink(NULL);
    io_tensors_free(a);
    io_tensors_free(b);
    io_tensors_free(c);
    a = read_fixture("pytorch_mixed.pt"); /* every dtype, and a scalar and nothing at all */
    assert_ok(io_tensors_write(a, support_at("x.safetensors")));
    assert_ok(io_tensors_read(support_at("x.safetensors"), &b));
    assert_ok(io_tensors_write(b, support_at("y.pt")));
    assert_ok(io_tensors_read(support_at("y.pt"), &c));
    assert_same_tensors(a, c, NULL);
    io_tensors_free(a);
    io_tensors_free(b);
    io_tensors_free(c);
}

/* ---- what is refused ---- */

typedef struct {
    const char *pickle;
    size_t pickle_size;
    const char *storage;         /* name of its record */
    const char *extra, *content; /* one more record */
} Made;

static BaseStatus read_made(const Made *made)
{
    IoArchiveWriter *writer;
    IoTensors *tensors = NULL;
    assert_ok(io_archive_create(support_at("made.pt"), &writer));
    if (made->pickle) assert_ok(io_archive_add(writer, "a/data.pkl", made->pickle, made->pickle_size));
    if (made->storage) assert_ok(io_archive_add(writer, made->storage, "abcdefgh", 8));
    if (made->extra) assert_ok(io_archive_add(writer, made->extra, made->content, strlen(made->content)));
    assert_ok(io_archive_finish_take(writer));
    BaseStatus st = io_tensors_read(support_at("made.pt"), &tensors);
    assert_true((st == BASE_OK) == (tensors != NULL));
    io_tensors_free(tensors);
    return st;
}

#define REBUILD       "ctorch._utils\n_rebuild_tensor_v2\n"
#define ORDERED       "ccollections\nOrderedDict\n)R"
#define TEXT(n, text) "X" n "\x00\x00\x00" text
#define STORAGE(type, key, count)                                                                                      \
    "(" TEXT("\x07", "storage") "ctorch\n" type "\n" TEXT("\x01", key) TEXT("\x03", "cpu") count "tQ"
/* {"w": tensor of @p storage, the rest as given} */
#define STATE(storage, rest) "\x80\x02}" TEXT("\x01", "w") REBUILD "(" storage rest "\x89" ORDERED "tRs."
#define PICKLE(text)         .pickle = text, .pickle_size = sizeof(text) - 1
#define GOOD                 STATE(STORAGE("FloatStorage", "0", "K\x02"), "K\x00K\x02\x85K\x01\x85")
#define HUGE_INT             "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f"
#define DATA                 .storage = "a/data/0"

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        Made made;
        const char *part;
    } CASES[] = {
        {{PICKLE("\x80\x02"
                 "cos\nsystem\n" TEXT("\x02", "ls") "\x85R."),
          DATA},
         "an object of 'os.system'"},
        {{PICKLE(STATE("c__builtin__\neval\n" TEXT("\x01", "1") "\x85R", "K\x00K\x02\x85K\x01\x85")), DATA},
         "__builtin__.eval, which the file asks for and which is refused"},
        {{PICKLE("\x80\x02"
                 "ctorch.nn.modules.linear\nLinear\n)\x81."),
          DATA},
         "save model.state_dict()"},
        {{PICKLE("\x80\x02"
                 "ctorch._utils\n_rebuild_qtensor\n)R."),
          DATA},
         "'torch._utils._rebuild_qtensor'"},
        {{DATA}, "without the <folder>/data.pkl"},
        {{PICKLE(GOOD)}, "has no record a/data/0"},
        {{PICKLE(GOOD), .storage = "b/data/0"}, "has no record a/data/0"},
        {{PICKLE(GOOD), DATA, "b/data.pkl", ""}, "two records data.pkl"},
        {{PICKLE(GOOD), DATA, "a/constants.pkl", ""}, "TorchScript"},
        {{PICKLE(GOOD), DATA, "a/byteorder", "big"}, "byte order 'big'"},
        {{PICKLE(GOOD), DATA, "a/extra/expunge.json", "[]"}, "must be an object"},
        {{PICKLE(GOOD), DATA, "a/extra/expunge.json", "{"}, "is not JSON"},
        {{PICKLE(GOOD), DATA, "a/extra/expunge.json", "{\"a\": 1}"}, "must be text"},
        {{PICKLE("\x80\x02]."), DATA}, "holds no state dict"},
        {{PICKLE("\x80\x02}."), DATA}, "it is empty"},
        {{PICKLE("\x80\x02}" TEXT("\x03", "abc") "K\x01s."), DATA}, "its keys are: abc"},
        {{PICKLE("\x80\x02}" TEXT("\x03", "net") "}" TEXT("\x01", "x") "Nss."), DATA}, "its keys are: net"},
        {{PICKLE(STATE("N", "K\x00K\x02\x85K\x01\x85")), DATA}, "has no storage"},
        {{PICKLE(STATE("NQ", "K\x00K\x02\x85K\x01\x85")), DATA}, "has no storage"},
        {{PICKLE(STATE(STORAGE("Size", "0", "K\x02"), "K\x00K\x02\x85K\x01\x85")), DATA}, "is not a storage"},
        {{PICKLE(STATE(STORAGE("FloatStorage", "0", "K\x03"), "K\x00K\x02\x85K\x01\x85")), DATA}, "must be 3 elements"},
        {{PICKLE(STATE(STORAGE("FloatStorage", "0", HUGE_INT), "K\x00K\x02\x85K\x01\x85")), DATA}, "must be"},
        {{PICKLE(STATE(STORAGE("DoubleStorage", "0", "K\x02"), "K\x00K\x02\x85K\x01\x85")), DATA}, "elements of F64"},
        {{PICKLE(STATE(STORAGE("FloatStorage", "0", "K\x02"), "K\x01K\x02\x85K\x01\x85")), DATA}, "is not within"},
        {{PICKLE(STATE(STORAGE("FloatStorage", "0", "K\x02"), "K\x00K\x02\x85K\x02\x85")), DATA}, "is not within"},
        {{PICKLE(STATE(STORAGE("FloatStorage", "0", "K\x02"), "K\x00K\x03\x85K\x01\x85")), DATA}, "is not within"},
        {{PICKLE(STATE(STORAGE("FloatStorage", "0", "K\x02"), "J\xff\xff\xff\xffK\x02\x85K\x01\x85")), DATA},
         "is not within"},
        {{PICKLE(STATE(STORAGE("FloatStorage", "0", "K\x02"), "K\x00J\xff\xff\xff\xff\x85K\x01\x85")), DATA},
         "is not within"},
        {{PICKLE(STATE(STORAGE("FloatStorage", "0", "K\x02"), "K\x00K\x02\x85J\xff\xff\xff\xff\x85")), DATA},
         "is not within"},
        {{PICKLE(STATE(STORAGE("FloatStorage", "0", "K\x02"), "K\x00K\x02\x85" HUGE_INT "\x85")), DATA},
         "is not within"},
        {{PICKLE(STATE(STORAGE("FloatStorage", "0", "K\x02"), HUGE_INT "K\x02\x85K\x01\x85")), DATA}, "is not within"},
        {{PICKLE(STATE(STORAGE("FloatStorage", "0", "K\x02"), "K\x00" HUGE_INT "K\x03\x86K\x00K\x00\x86")), DATA},
         "is not within"},
        {{PICKLE(STATE(STORAGE("FloatStorage", "0", "K\x02"), "K\x00K\x02\x85K\x01K\x01\x86")), DATA},
         "as many strides"},
        {{PICKLE("\x80\x02}K\x05" REBUILD
                 "(" STORAGE("FloatStorage", "0", "K\x02") "K\x00K\x02\x85K\x01\x85\x89" ORDERED "tRs."),
          DATA},
         "a key that is not a name"},
        {{PICKLE("\x80\x02}" TEXT("\x03", "a\0b") REBUILD
                 "(" STORAGE("FloatStorage", "0", "K\x02") "K\x00K\x02\x85K\x01\x85\x89" ORDERED "tRs."),
          DATA},
         "a key that is not a name"},
        {{PICKLE("\x80\x02}(" TEXT("\x01", "w") REBUILD
                 "(" STORAGE("FloatStorage", "0", "K\x02") "K\x00K\x02\x85K\x01\x85\x89" ORDERED
                                                           "tRq\x01" TEXT("\x01", "w") "h\x01u."),
          DATA},
         "two tensors named 'w'"},
        {{PICKLE("\x80\x02}" TEXT("\x01", "w") REBUILD "(" STORAGE("FloatStorage", "0", "K\x02") "tRs."), DATA},
         "made from 1 values"},
    };
    Made good = {PICKLE(GOOD), DATA}, bomb = good;
    assert_ok(read_made(&good));
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        assert_fails(read_made(&CASES[i].made), BASE_EFORMAT, CASES[i].part);
    /* 2^40 elements out of two, by strides of 0 */
    static const char BOMB[] =
        STATE(STORAGE("FloatStorage", "0", "K\x02"), "K\x00\x8a\x06\x00\x00\x00\x00\x00\x01K\x02\x86K\x00K\x01\x86");
    bomb.pickle = BOMB, bomb.pickle_size = sizeof BOMB - 1;
    assert_fails(read_made(&bomb), BASE_ELIMIT, "tensor 'w': the tensors so far have more than");
    /* an empty tensor with impossible strides reads nothing */
    static const char EMPTY[] =
        STATE(STORAGE("FloatStorage", "0", "K\x02"), "K\x02K\x00K\x01\x86" HUGE_INT HUGE_INT "\x86");
    bomb.pickle = EMPTY, bomb.pickle_size = sizeof EMPTY - 1;
    assert_ok(read_made(&bomb));
    assert_int_equal(base_memory_live(), 0);
}

static void test_other_formats(void **state)
{
    (void)state;
    IoTensors *tensors;
    static const char OLD[] = "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.";
    assert_ok(io_file_write(support_at("old.pt"), OLD, sizeof OLD - 1));
    assert_fails(io_tensors_read(support_at("old.pt"), &tensors), BASE_EFORMAT, "cut short");
    assert_ok(io_file_write(support_at("text.pth"), "hello", 5));
    assert_fails(io_tensors_read(support_at("text.pth"), &tensors), BASE_EFORMAT, "no zip archive");
    assert_ok(io_file_write(support_at("head.pt"), "PK\3\4xxxx", 8));
    assert_fails(io_tensors_read(support_at("head.pt"), &tensors), BASE_EFORMAT, "not a readable zip archive");
}

static char *archive_bytes(size_t *size)
{
    char *bytes;
    Made good = {PICKLE(GOOD), DATA};
    assert_ok(read_made(&good));
    assert_ok(io_file_read(support_at("made.pt"), 0, &bytes, size));
    return bytes;
}

/* The directory's entry of the storage, which is the second record. */
static unsigned char *directory_entry(char *bytes, size_t size)
{
    char *found = NULL;
    for (size_t i = 0; i + 46 < size; i++)
        if (memcmp(bytes + i, "PK\1\2", 4) == 0) found = bytes + i;
    assert_non_null(found);
    return (unsigned char *)found;
}

static void test_damaged_archives(void **state)
{
    (void)state;
    size_t size;
    IoTensors *tensors;
    char *bytes = archive_bytes(&size), *sum = memmem(bytes, size, "abcdefgh", 8);
    unsigned char *entry = directory_entry(bytes, size);
    sum[0] ^= 1;
    assert_ok(io_file_write(support_at("x.pt"), bytes, size));
    assert_fails(io_tensors_read(support_at("x.pt"), &tensors), BASE_EFORMAT, "x.pt");
    sum[0] ^= 1;
    entry[10] = 8; /* deflated, it says */
    assert_ok(io_file_write(support_at("x.pt"), bytes, size));
    assert_fails(io_tensors_read(support_at("x.pt"), &tensors), BASE_EFORMAT, "x.pt");
    entry[10] = 12; /* bzip2 */
    assert_ok(io_file_write(support_at("x.pt"), bytes, size));
    assert_fails(io_tensors_read(support_at("x.pt"), &tensors), BASE_EFORMAT,
                 "compressed by another method than deflate");
    entry[10] = 0;
    entry[23] = entry[27] = 0x7f; /* two billion bytes */
    assert_ok(io_file_write(support_at("x.pt"), bytes, size));
    assert_fails(io_tensors_read(support_at("x.pt"), &tensors), BASE_EFORMAT, "x.pt");
    base_free(bytes);
}

static void copy_file(const char *from, const char *to)
{
    char *bytes;
    size_t size;
    assert_ok(io_file_read(from, 0, &bytes, &size));
    assert_ok(io_file_write(to, bytes, size));
    base_free(bytes);
}

/* Every record of @p path packed anew; with one more of @p zeros bytes. */
static void deflate_records(const char *path, size_t zeros)
{
    zip_t *zip = zip_open(path, 0, NULL);
    assert_non_null(zip);
    char *more = NULL;
    assert_ok(BASE_ALLOC(zeros + 1, &more));
    if (zeros) {
        zip_source_t *source = zip_source_buffer(zip, more, zeros, 0);
        assert_true(zip_file_add(zip, "zeros", source, 0) >= 0);
    }
    for (zip_int64_t i = 0; i < zip_get_num_entries(zip, 0); i++)
        assert_int_equal(zip_set_file_compression(zip, (zip_uint64_t)i, ZIP_CM_DEFLATE, 9), 0);
    assert_int_equal(zip_close(zip), 0);
    base_free(more);
}

/* As other tools zip a checkpoint again, and PyTorch reads it. */
static void test_deflated(void **state)
{
    (void)state;
    IoTensors *a = read_fixture("small.pt"), *b;
    copy_file(support_fixture("small.pt"), support_at("deflated.pt"));
    deflate_records(support_at("deflated.pt"), 0);
    assert_ok(io_tensors_read(support_at("deflated.pt"), &b));
    assert_same_tensors(a, b, NULL);
    ((float *)b->items[0].data)[0] += 1;
    assert_ok(io_tensors_write(b, support_at("stored.pt")));
    io_tensors_free(b);
    assert_ok(io_tensors_read(support_at("stored.pt"), &b));
    assert_same_tensors(a, b, a->items[0].name);
    io_tensors_free(b);
    io_tensors_free(a);
    deflate_records(support_at("deflated.pt"), (size_t)16 << 20);
    assert_fails(io_tensors_read(support_at("deflated.pt"), &b), BASE_EFORMAT, "more than 16 times the bytes");
}

static void test_cut_and_changed(void **state)
{
    (void)state;
    size_t size;
    IoTensors *tensors;
    char *bytes = archive_bytes(&size);
    const char *path = support_at("cut.pt");
    int64_t refused = 0;
    for (size_t n = 0; n < size; n++) {
        assert_ok(io_file_write(path, bytes, n));
        assert_fails(io_tensors_read(path, &tensors), BASE_EFORMAT, "cut.pt");
        assert_null(tensors);
    }
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (char)(bytes[i] ^ 0x11);
        assert_ok(io_file_write(path, bytes, size));
        BaseStatus st = io_tensors_read(path, &tensors);
        if (st != BASE_OK) refused++;
        if (st != BASE_OK && st != BASE_ELIMIT) assert_fails(st, BASE_EFORMAT, "");
        io_tensors_free(tensors);
        bytes[i] = (char)(bytes[i] ^ 0x11);
    }
    assert_true(refused > (int64_t)size / 2); /* the rest is padding, times and letters of names */
    base_free(bytes);
}

static BaseStatus round_trip(void *user)
{
    IoTensors *tensors = NULL;
    BaseStatus st = io_tensors_read(support_fixture("pytorch_mixed.pt"), &tensors);
    if (st == BASE_OK) {
        ((float *)io_tensors_find(tensors, "tied1")->data)[0] = 5;
        ((float *)io_tensors_find(tensors, "first")->data)[0] = 5;
        st = io_tensors_set_meta(tensors, "a", "b");
    }
    if (st == BASE_OK) st = io_tensors_write(tensors, user);
    if (st == BASE_OK) {
        struct IoOrigin *origin = tensors->origin;
        tensors->origin = NULL; /* as if made here */
        st = io_tensors_write(tensors, user);
        tensors->origin = origin;
    }
    io_tensors_free(tensors);
    return st;
}

static void test_no_memory(void **state)
{
    (void)state;
    char path[4200];
    snprintf(path, sizeof path, "%s", support_at("memory.pt"));
    support_fail_allocations(round_trip, path, 2000);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_small),
    cmocka_unit_test(test_dtypes_and_strides),
    cmocka_unit_test(test_round_trip),
    cmocka_unit_test(test_edit_in_place),
    cmocka_unit_test(test_edit_shared),
    cmocka_unit_test(test_other_containers),
    cmocka_unit_test(test_refused),
    cmocka_unit_test(test_other_formats),
    cmocka_unit_test(test_damaged_archives),
    cmocka_unit_test(test_deflated),
    cmocka_unit_test(test_deflated),
    cmocka_unit_test(test_cut_and_changed),
    cmocka_unit_test(test_no_memory),
};
SUPPORT_MAIN(tests)
