/* HDF5 files that libhdf5 itself makes as the input's bytes say: a right file of signals, images or weights, picked by
 * the first byte, then one change after the other to shapes, types, storage, values, links and attributes.
 *
 * One input in 64 goes through the child process of io/hdf5.h, and only those may declare arrays of any size; the
 * Makefile has the linker put __wrap_io_hdf5_probe in the probe's place. Weights that were read are written back and
 * must be the same when they are read again. */
#include <hdf5.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "data/data.h"
#include "io/containers.h"
#include "io/hdf5.h"
#include "io/hdf5_probe.h"
#include "session/signals.h"
#include "tests/fuzz/files.h"
#include "tests/fuzz/fuzz.h"

enum { ARRAYS = 16, ATTRIBUTES = 12, DIMS = 10, SMALL = 2048, SMALL_CHUNK = 1 << 14, SMALL_ATTRIBUTE = 256 };
enum { F32, F64, F16, BF16, I64, I32, U8, BOOL, TEXT, TYPES = 24 };
enum { AS_ARRAY, AS_GROUP, AS_TYPE, AS_SOFT_LINK, AS_OUTER_LINK, AS_ROOT, AS_NOTHING, AS_COUNT };

/* ---- the probe, most of the time left out ---- */

static bool probed;
BaseStatus __real_io_hdf5_probe(const char *path, int64_t size);
BaseStatus __wrap_io_hdf5_probe(const char *path, int64_t size);
BaseStatus __wrap_io_hdf5_probe(const char *path, int64_t size)
{
    return probed ? __real_io_hdf5_probe(path, size) : BASE_OK;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    if (*argc == 3 && strcmp((*argv)[1], IO_HDF5_PROBE) == 0) exit(io_hdf5_probe_main((*argv)[2]));
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    /* libhdf5 keeps what it freed: every open file takes a megabyte of tables, and new pages would be most of the work */
    H5set_free_list_limits(-1, -1, -1, -1, -1, -1);
    return 0;
}

/* ---- the plan of a file ---- */

typedef struct {
    const char *path;
    unsigned type, values, as;
    int ndim; /* -1: of no extent at all */
    hsize_t dims[DIMS];
    unsigned storage; /* 0: in one piece, 1: in the header, 2: in chunks; more bits: filters and the like */
    hsize_t chunk[DIMS];
    unsigned grow; /* rows added or taken once it is there */
} Array;

typedef struct {
    const char *name;
    int owner; /* an array; -1: the root */
    unsigned type, values;
    int ndim;
    hsize_t dims[3];
} Attribute;

typedef struct {
    Array arrays[ARRAYS];
    Attribute attributes[ATTRIBUTES];
    int array_count, attribute_count;
} Plan;

static const Array SIGNALS[] = {
    {.path = "/target/logits", .type = F64, .ndim = 2, .dims = {4, 3}},
    {.path = "/target/labels", .type = I32, .ndim = 1, .dims = {4}},
    {.path = "/target/role", .type = U8, .ndim = 1, .dims = {4}},
    {.path = "/shadow/logits", .type = F32, .ndim = 3, .dims = {2, 4, 3}},
    {.path = "/shadow/keep", .type = U8, .ndim = 2, .dims = {2, 4}, .values = 1},
    {.path = "/population/logits", .type = F64, .ndim = 2, .dims = {2, 3}},
    {.path = "/population/labels", .type = I64, .ndim = 1, .dims = {2}},
    {.path = "/shadow/population_logits", .type = F64, .ndim = 3, .dims = {2, 2, 3}},
    {.path = "/unlearned/logits", .type = F32, .ndim = 3, .dims = {1, 4, 3}},
    {.path = "/unlearned/keep", .type = BOOL, .ndim = 2, .dims = {1, 4}, .values = 1},
    {.path = "/retrained/logits", .type = F64, .ndim = 3, .dims = {2, 4, 3}},
    {.path = "/target/rolls", .type = U8, .ndim = 1, .dims = {4}, .as = AS_NOTHING},
};
static const Array IMAGES[] = {
    {.path = "/train/images", .type = U8, .ndim = 4, .dims = {4, 1, 3, 3}},
    {.path = "/train/labels", .type = I64, .ndim = 1, .dims = {4}},
    {.path = "/test/images", .type = U8, .ndim = 4, .dims = {2, 1, 3, 3}},
    {.path = "/test/labels", .type = I32, .ndim = 1, .dims = {2}},
};
static const Array WEIGHTS[] = {
    {.path = "/conv1/weight", .type = F32, .ndim = 4, .dims = {2, 3, 3, 3}},
    {.path = "/conv1/bias", .type = F64, .ndim = 1, .dims = {2}},
    {.path = "/bn/num_batches_tracked", .type = I64, .ndim = 0},
    {.path = "/fc.weight", .type = F16, .ndim = 2, .dims = {3, 2}},
    {.path = "/fc.bias", .type = BF16, .ndim = 1, .dims = {3}},
    {.path = "/model/mask", .type = BOOL, .ndim = 1, .dims = {5}},
    {.path = "/model/notes", .type = TEXT, .ndim = 1, .dims = {2}},
};
static const Attribute IMAGE_ATTRIBUTES[] = {
    {.name = "mean", .owner = -1, .type = F64, .ndim = 1, .dims = {1}},
    {.name = "std", .owner = -1, .type = F64, .ndim = 1, .dims = {1}, .values = 2},
    {.name = "classes", .owner = -1, .type = TEXT, .ndim = 1, .dims = {3}},
};
static const Attribute WEIGHT_ATTRIBUTES[] = {
    {.name = "format", .owner = -1, .type = TEXT, .ndim = 0},
    {.name = "epoch", .owner = -1, .type = I64, .ndim = 0},
};

static void add_all(Plan *plan, const Array *arrays, size_t count, const Attribute *attributes, size_t attribute_count)
{
    memcpy(plan->arrays, arrays, count * sizeof *arrays);
    plan->array_count = (int)count;
    if (attribute_count) memcpy(plan->attributes, attributes, attribute_count * sizeof *attributes);
    plan->attribute_count = (int)attribute_count;
}

typedef struct {
    const uint8_t *at, *end;
} Bytes;

static unsigned next_byte(Bytes *b) { return b->at < b->end ? *b->at++ : 0; }

/* Mostly what a byte says; from 200 on a power of two, which a real file could only claim. */
static hsize_t next_size(Bytes *b)
{
    unsigned byte = next_byte(b);
    return byte < 200 ? byte % 20 : (hsize_t)1 << (byte - 200);
}

static void change_array(Array *a, unsigned what, Bytes *b)
{
    unsigned d;
    switch (what) {
    case 0: a->type = next_byte(b) % TYPES; break;
    case 1: a->ndim = (int)(next_byte(b) % (DIMS + 2)) - 1; break;
    case 2:
        d = next_byte(b) % DIMS;
        a->dims[d] = next_size(b);
        break;
    case 3: a->storage = next_byte(b); break;
    case 4:
        d = next_byte(b) % DIMS;
        a->chunk[d] = next_size(b);
        break;
    case 5: a->values = next_byte(b); break;
    case 6: a->as = next_byte(b) % AS_COUNT; break;
    default: a->grow = next_byte(b);
    }
}

static void change_attribute(Plan *plan, unsigned what, Bytes *b)
{
    static const char *const NAMES[] = {"mean", "std", "classes", "format", "epoch", "x", "expunge.preprocessing"};
    unsigned which = next_byte(b);
    if (what == 0) {
        if (plan->attribute_count == ATTRIBUTES) return;
        plan->attributes[plan->attribute_count++] = (Attribute){
            .name = NAMES[which % 7], .ndim = 1, .dims = {2}, .owner = (int)(which >> 3) % (plan->array_count + 1) - 1};
        return;
    }
    if (!plan->attribute_count) return;
    Attribute *a = &plan->attributes[which % (unsigned)plan->attribute_count];
    if (what == 1) a->type = next_byte(b) % TYPES;
    if (what == 2) a->ndim = (int)(next_byte(b) % 5) - 1;
    if (what == 3) a->dims[which >> 6 & 1] = next_byte(b);
    if (what == 4) a->values = next_byte(b);
    if (what == 5) a->name = ""; /* not made */
}

static void make_plan(Bytes *b, Plan *plan)
{
    unsigned kind = next_byte(b) % 3;
    *plan = (Plan){.array_count = 0};
    if (kind == 0) add_all(plan, SIGNALS, BASE_COUNT(SIGNALS), NULL, 0);
    if (kind == 1) add_all(plan, IMAGES, BASE_COUNT(IMAGES), IMAGE_ATTRIBUTES, BASE_COUNT(IMAGE_ATTRIBUTES));
    if (kind == 2) add_all(plan, WEIGHTS, BASE_COUNT(WEIGHTS), WEIGHT_ATTRIBUTES, BASE_COUNT(WEIGHT_ATTRIBUTES));
    while (b->at < b->end) {
        unsigned what = next_byte(b) % 14;
        if (what < 8)
            change_array(&plan->arrays[next_byte(b) % (unsigned)plan->array_count], what, b);
        else
            change_attribute(plan, what - 8, b);
    }
}

/* ---- its making ---- */

static hid_t fields(size_t bytes, size_t sign, size_t exponent, size_t exponent_bits, size_t mantissa_bits)
{
    hid_t type = H5Tcopy(H5T_IEEE_F64LE);
    H5Tset_fields(type, sign, exponent, exponent_bits, 0, mantissa_bits);
    H5Tset_size(type, bytes);
    H5Tset_ebias(type, ((size_t)1 << (exponent_bits - 1)) - 1);
    return type;
}

static hid_t text_type(size_t size)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, size);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

static hid_t enumeration(hid_t base, int members)
{
    hid_t type = H5Tenum_create(base);
    char name[8] = "V0";
    for (long long i = 0; i < members; i++, name[1]++) H5Tenum_insert(type, name, &i);
    return type;
}

static hid_t make_type(unsigned pick)
{
    hid_t type;
    switch (pick) {
    case F32: return H5Tcopy(H5T_IEEE_F32LE);
    case F64: return H5Tcopy(H5T_IEEE_F64LE);
    case F16: return fields(2, 15, 10, 5, 10);
    case BF16: return fields(2, 15, 7, 8, 7);
    case I64: return H5Tcopy(H5T_STD_I64LE);
    case I32: return H5Tcopy(H5T_STD_I32LE);
    case U8: return H5Tcopy(H5T_STD_U8LE);
    case BOOL: return enumeration(H5T_STD_I8LE, 2);
    case TEXT: return text_type(H5T_VARIABLE);
    case 9: return text_type(5);
    case 10: return H5Tcopy(H5T_STD_U64BE);
    case 11: return H5Tcopy(H5T_IEEE_F64BE);
    case 12: return H5Tcopy(H5T_STD_I16BE);
    case 13: return H5Tcopy(H5T_NATIVE_LDOUBLE);
    case 14: return enumeration(H5T_STD_I64LE, 5);
    case 15:
        type = H5Tcreate(H5T_COMPOUND, 16);
        H5Tinsert(type, "r", 0, H5T_IEEE_F64LE);
        H5Tinsert(type, "i", 8, H5T_IEEE_F64LE);
        return type;
    case 16: return H5Tarray_create2(H5T_IEEE_F32LE, 1, &(hsize_t){2});
    case 17: return H5Tcreate(H5T_OPAQUE, 3);
    case 18: return H5Tcopy(H5T_STD_REF_OBJ);
    case 19: return H5Tvlen_create(H5T_IEEE_F32LE);
    case 20: return H5Tcopy(H5T_STD_B8LE);
    case 21:
        type = H5Tcopy(H5T_STD_I32LE); /* 13 bits somewhere in 4 bytes */
        H5Tset_precision(type, 13);
        H5Tset_offset(type, 7);
        return type;
    case 22:
        type = H5Tcopy(H5T_STD_U32LE);
        H5Tset_size(type, 3);
        return type;
    default: return fields(7, 55, 50, 5, 30);
    }
}

static double value(unsigned pattern, size_t i)
{
    switch (pattern % 12) {
    case 0: return (double)(i % 3);
    case 1: return (double)(i % 2);
    case 2: return 0.5;
    case 3: return i % 2 ? (double)NAN : 1;
    case 4: return i % 4 ? 0 : (double)INFINITY;
    case 5: return -1;
    case 6: return 1e300;
    case 7: return 255 + (double)(i % 2);
    case 8: return 2147483648.0;
    case 9: return -9.3e18;
    case 10: return 0;
    default: return (double)pattern * (double)i;
    }
}

/* @p write: of a data set or an attribute. What cannot be written stays as libhdf5 fills it. */
static void put_values(hid_t object, bool attribute, hid_t type, unsigned pattern, size_t count)
{
    static const char *const WORDS[] = {"cat", "dog", "", "b\xc3\xa9", "cat", "\xff\xfe", "a\nb"};
    double numbers[SMALL] = {0};
    const char *texts[SMALL];
    hid_t memory = H5T_NATIVE_DOUBLE;
    const void *from = numbers;
    if (count > SMALL) return;
    for (size_t i = 0; i < count; i++) {
        numbers[i] = value(pattern, i);
        texts[i] = WORDS[(i + pattern) % BASE_COUNT(WORDS)];
    }
    if (H5Tis_variable_str(type) > 0) memory = type, from = texts;
    if (H5Tget_class(type) == H5T_STRING && memory != type) memory = type;
    if (attribute)
        H5Awrite(object, memory, from);
    else
        H5Dwrite(object, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, from);
}

/* Elements of the shape; without the probe it is made small first. */
static size_t bound(int ndim, hsize_t *dims, size_t most)
{
    for (;;) {
        hsize_t count = 1;
        int largest = 0;
        bool over = false;
        for (int d = 0; d < ndim; d++) {
            over |= __builtin_mul_overflow(count, dims[d], &count);
            if (dims[d] > dims[largest]) largest = d;
        }
        if (probed || (!over && count <= most)) return over || count > SIZE_MAX / 64 ? SIZE_MAX / 64 : (size_t)count;
        dims[largest] /= 2;
    }
}

static hid_t make_space(int ndim, const hsize_t *dims, const hsize_t *most)
{
    if (ndim < 0) return H5Screate(H5S_NULL);
    return ndim ? H5Screate_simple(ndim, dims, most) : H5Screate(H5S_SCALAR);
}

static void make_array(hid_t file, hid_t links, Array *a)
{
    hsize_t most[DIMS], chunk[DIMS];
    size_t count = bound(a->ndim, a->dims, SMALL), chunk_count = 1;
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE), type = make_type(a->type);
    if (a->storage % 3 == 1) H5Pset_layout(creation, H5D_COMPACT);
    for (int d = 0; d < DIMS; d++) {
        most[d] = a->storage & 128 ? H5S_UNLIMITED : a->dims[d];
        chunk[d] = a->chunk[d] ? a->chunk[d] : a->dims[d] ? a->dims[d] : 1;
    }
    if (a->storage % 3 == 2 && a->ndim > 0) {
        chunk_count = bound(a->ndim, chunk, SMALL_CHUNK);
        H5Pset_chunk(creation, a->ndim, chunk);
        if (a->storage & 4) H5Pset_shuffle(creation);
        if (a->storage & 8) H5Pset_deflate(creation, 1);
        if (a->storage & 16) H5Pset_fletcher32(creation);
    }
    if (a->storage & 64) H5Pset_fill_value(creation, H5T_NATIVE_DOUBLE, &(double){7});
    bool chunked = a->storage % 3 == 2 && a->ndim > 0;
    hid_t space = make_space(a->ndim, a->dims, chunked ? most : NULL);
    hid_t data = H5Dcreate2(file, a->path, type, space, links, creation, H5P_DEFAULT);
    if (data >= 0) {
        if (a->ndim >= 0 && chunk_count <= SMALL_CHUNK) put_values(data, false, type, a->values, count);
        if (chunked && a->grow) {
            a->dims[0] = a->grow & 1 ? a->dims[0] + a->grow / 2 : a->dims[0] / 2;
            H5Dset_extent(data, a->dims);
        }
        H5Dclose(data);
    }
    if (space >= 0) H5Sclose(space);
    H5Tclose(type);
    H5Pclose(creation);
}

static void make_member(hid_t file, hid_t links, const Plan *plan, Array *a)
{
    hid_t id = H5I_INVALID_HID;
    switch (a->as) {
    case AS_ARRAY: make_array(file, links, a); break;
    case AS_GROUP: H5Gclose(H5Gcreate2(file, a->path, links, H5P_DEFAULT, H5P_DEFAULT)); break;
    case AS_TYPE:
        id = make_type(a->type);
        H5Tcommit2(file, a->path, id, links, H5P_DEFAULT, H5P_DEFAULT);
        H5Tclose(id);
        break;
    case AS_SOFT_LINK:
        H5Lcreate_soft(plan->arrays[a->values % (unsigned)plan->array_count].path, file, a->path, links, H5P_DEFAULT);
        break;
    case AS_OUTER_LINK: H5Lcreate_external("none.h5", "/x", file, a->path, links, H5P_DEFAULT); break;
    case AS_ROOT: H5Lcreate_hard(file, "/", file, a->path, links, H5P_DEFAULT); break;
    default: break;
    }
}

static void make_attribute(hid_t file, const Plan *plan, Attribute *a)
{
    size_t count = 1;
    hid_t object = H5Oopen(file, a->owner < 0 ? "/" : plan->arrays[a->owner].path, H5P_DEFAULT);
    if (object < 0) return;
    for (int d = 0; d < a->ndim; d++) count *= a->dims[d] %= 32;
    if (a->ndim >= 0 && count > SMALL_ATTRIBUTE) a->dims[0] = a->dims[1] = a->dims[2] = 2, count = 1u << a->ndim;
    hid_t type = make_type(a->type), space = make_space(a->ndim, a->dims, NULL);
    hid_t attribute = H5Acreate2(object, a->name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute >= 0) {
        if (a->ndim >= 0) put_values(attribute, true, type, a->values, count);
        H5Aclose(attribute);
    }
    H5Sclose(space);
    H5Tclose(type);
    H5Oclose(object);
}

static void make_file(Plan *plan, unsigned how)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), links = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_fapl_core(access, 1 << 14, false);
    if (how & 1) H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
    H5Pset_create_intermediate_group(links, 1);
    hid_t file = H5Fcreate("fuzz", H5F_ACC_TRUNC, H5P_DEFAULT, access);
    FUZZ_CHECK(file >= 0);
    for (int i = 0; i < plan->array_count; i++) make_member(file, links, plan, &plan->arrays[i]);
    for (int i = 0; i < plan->attribute_count; i++) make_attribute(file, plan, &plan->attributes[i]);
    H5Fflush(file, H5F_SCOPE_GLOBAL);
    ssize_t size = H5Fget_file_image(file, NULL, 0);
    uint8_t *image = malloc(size > 0 ? (size_t)size : 1);
    FUZZ_CHECK(size > 0 && image && H5Fget_file_image(file, image, (size_t)size) == size);
    fuzz_write("fuzz.h5", image, (size_t)size);
    free(image);
    H5Fclose(file);
    H5Pclose(links);
    H5Pclose(access);
}

/* ---- its readers ---- */

static void write_again(const IoTensors *tensors)
{
    char path[160];
    IoTensors *again = NULL;
    snprintf(path, sizeof path, "%s/again.h5", fuzz_files());
    FUZZ_CHECK(io_container_hdf5.write(tensors, path) == BASE_OK);
    FUZZ_CHECK(io_container_hdf5.read(path, &again) == BASE_OK && again->count == tensors->count);
    for (size_t i = 0; i < tensors->count; i++) {
        const IoTensor *a = &tensors->items[i], *b = &again->items[i];
        FUZZ_CHECK(strcmp(a->name, b->name) == 0 && a->dtype == b->dtype && a->count == b->count);
        FUZZ_CHECK(!a->count || memcmp(a->data, b->data, (size_t)a->count * io_dtype_size(a->dtype)) == 0);
    }
    io_tensors_free(again);
}

static void read_all(const char *path, bool again)
{
    char spec[180];
    SessionSignals signals;
    DataSet *train = NULL, *test = NULL;
    IoTensors *tensors = NULL;
    if (session_signals_read(path, &signals) != BASE_OK)
        fuzz_check_error();
    else if (mia_input_check(&signals.input, 0) != BASE_OK)
        fuzz_check_error();
    session_signals_free(&signals);
    snprintf(spec, sizeof spec, "hdf5:%s", path);
    if (data_open(spec, NULL, &train, &test) != BASE_OK) fuzz_check_error();
    data_set_free(train);
    data_set_free(test);
    if (io_container_hdf5.read(path, &tensors) != BASE_OK)
        fuzz_check_error();
    else if (again)
        write_again(tensors);
    io_tensors_free(tensors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Bytes bytes = {data, data + size};
    Plan plan;
    char path[160];
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < size; i++) hash = (hash ^ data[i]) * 16777619u; /* FNV-1a */
    probed = (hash >> 8) % 64 == 0;
    make_plan(&bytes, &plan);
    make_file(&plan, hash >> 16);
    snprintf(path, sizeof path, "%s/fuzz.h5", fuzz_files());
    read_all(path, hash >> 24 & 1);
    return 0;
}
