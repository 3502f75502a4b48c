#include "tests/support/support.h"

#include <stdio.h>

#include "io/pickle.h"

/* A pickle as a C string, its size without the closing NUL. */
#define P(text) (text), sizeof(text) - 1

static const char *const NAMES[] = {"collections.OrderedDict", "torch._utils._rebuild_tensor_v2", "torch.FloatStorage",
                                    "_codecs.encode", NULL};
static const IoPickleRules RULES = {.names = NAMES, .persistent = true, .bytes = true, .operations = 1000, .depth = 8};

static IoPickle *parsed(const char *bytes, size_t size, IoPickleValue **root)
{
    IoPickle *pickle;
    assert_ok(io_pickle_read(bytes, size, &RULES, "t", &pickle));
    *root = io_pickle_root(pickle);
    assert_non_null(*root);
    return pickle;
}

static void test_plain_values(void **state)
{
    (void)state;
    IoPickleValue *v;
    /* [None, True, False, 7, 300, -2, 2**40, -2**40, 0 as LONG1 of no bytes, 1.5, "é", py2 'ab', bytes, 2**70] */
    IoPickle *p = parsed(P("\x80\x02](N\x88\x89K\x07M\x2c\x01J\xfe\xff\xff\xff"
                           "\x8a\x06\x00\x00\x00\x00\x00\x01\x8a\x06\x00\x00\x00\x00\x00\xff\x8a\x00"
                           "G\x3f\xf8\x00\x00\x00\x00\x00\x00"
                           "X\x02\x00\x00\x00\xc3\xa9U\x02"
                           "abC\x03x\x00y\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x40"
                           "e."),
                         &v);
    assert_int_equal(v->kind, IO_PICKLE_LIST);
    assert_int_equal(v->count, 14);
    static const IoPickleKind KINDS[] = {IO_PICKLE_NONE,  IO_PICKLE_BOOL,  IO_PICKLE_BOOL, IO_PICKLE_INT,
                                         IO_PICKLE_INT,   IO_PICKLE_INT,   IO_PICKLE_INT,  IO_PICKLE_INT,
                                         IO_PICKLE_INT,   IO_PICKLE_FLOAT, IO_PICKLE_TEXT, IO_PICKLE_STRING,
                                         IO_PICKLE_BYTES, IO_PICKLE_LONG};
    for (size_t i = 0; i < v->count; i++) assert_int_equal(v->items[i]->kind, KINDS[i]);
    assert_true(v->items[1]->truth && !v->items[2]->truth);
    static const int64_t WHOLE[] = {7, 300, -2, (int64_t)1 << 40, -((int64_t)1 << 40), 0};
    for (size_t i = 0; i < 6; i++) assert_int_equal(v->items[3 + i]->whole, WHOLE[i]);
    assert_true(v->items[9]->real == 1.5);
    assert_true(io_pickle_spells(v->items[10], "é"));
    assert_true(io_pickle_spells(v->items[11], "ab"));
    assert_false(io_pickle_spells(v->items[11], "abc"));
    assert_int_equal(v->items[12]->count, 3);
    assert_memory_equal(v->items[12]->bytes, "x\0y", 3);
    assert_int_equal(v->items[13]->count, 9);
    assert_int_equal(v->height, 2);
    io_pickle_free(p);
}

/* {"a": (1, [2]), "a": x, b"k": OrderedDict(y=..)}: marks, memo, SETITEM, SETITEMS, tuples of each spelling. */
static void test_containers(void **state)
{
    (void)state;
    IoPickleValue *v;
    IoPickle *p = parsed(P("\x80\x04}\x94(\x8c\x01"
                           "aK\x01]\x94K\x02"
                           "a\x86\x8c\x01"
                           "ah\x01\x85"
                           "C\x01kccollections\nOrderedDict\n)R\x8c\x01y(K\x01K\x02K\x03K\x04ts"
                           "}b"
                           "u."),
                         &v);
    assert_int_equal(v->kind, IO_PICKLE_DICT);
    assert_int_equal(v->count, 6);
    const IoPickleValue *pair = v->items[1], *last = io_pickle_get(v, "a"), *ordered = io_pickle_get(v, "k");
    assert_int_equal(pair->kind, IO_PICKLE_TUPLE);
    assert_int_equal(pair->items[1]->items[0]->whole, 2);
    assert_true(last->count == 1 && last->items[0] == pair->items[1]); /* the same list */
    assert_true(io_pickle_calls(ordered, "collections.OrderedDict") && io_pickle_is_dict(ordered));
    assert_int_equal(io_pickle_get(ordered, "y")->count, 4);
    assert_int_equal(ordered->state->kind, IO_PICKLE_DICT);
    assert_null(io_pickle_get(ordered, "z"));
    assert_null(io_pickle_get(pair, "a"));
    io_pickle_free(p);
    p = parsed(P("\x80\x02"
                 "c_codecs\nencode\nX\x04\x00\x00\x00"
                 "a\xc3\xbf\x7fX\x06\x00\x00\x00latin1\x86R."),
               &v);
    assert_int_equal(v->kind, IO_PICKLE_BYTES);
    assert_int_equal(v->count, 3);
    assert_memory_equal(v->bytes, "a\xff\x7f", 3);
    io_pickle_free(p);
    io_pickle_free(NULL);
}

/* Each names what it asked for. None of these may run: a file that os.system would make is looked for. */
static void test_code_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *part;
    } CASES[] = {
        {P("\x80\x02"
           "cos\nsystem\nX\x13\x00\x00\x00touch pickle-was-run\x85R."),
         "asks for 'os.system'"},
        {P("\x80\x02"
           "cposix\nsystem\nX\x01\x00\x00\x00x\x85R."),
         "asks for 'posix.system'"},
        {P("\x80\x02"
           "c__builtin__\neval\nX\x01\x00\x00\x00x\x85R."),
         "asks for '__builtin__.eval'"},
        {P("\x80\x04\x8c\x08"
           "builtins\x8c\x04"
           "eval\x93\x8c\x01x\x85R."),
         "asks for 'builtins.eval'"},
        {P("\x80\x02(X\x01\x00\x00\x00xios\nsystem\n."), "asks for 'os.system'"},
        {P("\x80\x02(X\x01\x00\x00\x00xicollections\nOrderedDict\n."), "opcode INST is refused"},
        /* getattr(os, "system")("x") and the same hidden in the arguments of what is allowed */
        {P("\x80\x02"
           "cbuiltins\ngetattr\ncos\nos\nX\x06\x00\x00\x00system\x86RX\x01\x00\x00\x00x\x85R."),
         "asks for 'builtins.getattr'"},
        {P("\x80\x02"
           "ccollections\nOrderedDict\n(cos\nsystem\nX\x01\x00\x00\x00x\x85RtR."),
         "asks for 'os.system'"},
        {P("\x80\x02"
           "ccollections\nOrderedDict\n)R)R."),
         "calls the result of calling collections.OrderedDict"},
        {P("\x80\x02X\x01\x00\x00\x00x)R."), "calls a value that is not a constructor"},
        {P("\x80\x02"
           "ccollections\nOrderedDict\nN\x81."),
         "opcode 0x81 (NEWOBJ) is refused"},
        {P("\x80\x02\x82\x01."), "(EXT1) is refused"},
        {P("\x80\x02"
           "ccollections\nOrderedDict\nNR."),
         "without a tuple"},
        {P("\x80\x02"
           "ctorch._utils\n_rebuild_tensor_v3\n)R."),
         "'torch._utils._rebuild_tensor_v3'"},
        {P("\x80\x02"
           "ctorch\n_utils._rebuild_tensor_v2\n)R."),
         "asks for 'torch._utils._rebuild_tensor_v2', which"},
        {P("\x80\x02"
           "cbad\x1b[31m\n\r\n)R."),
         "asks for 'bad?[31m.?'"},
        {P("\x80\x02}}b."), "a state is given"},
        {P("\x80\x02"
           "ccollections\nOrderedDict\n)R}b}b."),
         "a state is given"},
        {P("\x80\x02"
           "ccollections\nOrderedDict\n]R."),
         "without a tuple"},
        {P("\x80\x02"
           "c_codecs\nencode\nX\x01\x00\x00\x00"
           "aX\x03\x00\x00\x00hex\x86R."),
         "'latin1' only"},
        {P("\x80\x02"
           "c_codecs\nencode\nX\x02\x00\x00\x00\xd0\x90X\x06\x00\x00\x00latin1\x86R."),
         "not latin1"},
    };
    remove("pickle-was-run");
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        IoPickle *pickle;
        assert_fails(io_pickle_read(CASES[i].bytes, CASES[i].size, &RULES, "t", &pickle), BASE_EFORMAT, CASES[i].part);
        assert_null(pickle);
        assert_int_equal(base_memory_live(), 0);
    }
    assert_null(fopen("pickle-was-run", "r"));
}

static void test_damage(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *part;
    } CASES[] = {
        {P(""), "protocol 2 to 5"},
        {P("(lp0\n."), "protocol 2 to 5"},
        {P("\x80\x06N."), "protocol 2 to 5"},
        {P("\x80\x02"), "ends without STOP"},
        {P("\x80\x02."), "exactly one value"},
        {P("\x80\x02NN."), "exactly one value"},
        {P("\x80\x02N(."), "exactly one value"},
        {P("\x80\x02N.N"), "bytes follow"},
        {P("\x80\x02X\xff\xff\xff\xffx."), "middle of a value"},
        {P("\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\xffx."), "middle of a value"},
        {P("\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7fx."), "middle of a value"},
        {P("\x80\x02J\x01\x02"), "middle of a value"},
        {P("\x80\x02G\x01\x02"), "middle of a value"},
        {P("\x80\x02\x8a\x05x."), "middle of a value"},
        {P("\x80\x02"
           "cos"),
         "middle of a name"},
        {P("\x80\x02h\x05."), "never set"},
        {P("\x80\x02Nr\xff\xff\xff\xff."), "impossibly large"},
        {P("\x80\x02q\x00."), "empty stack"},
        {P("\x80\x02N(0."), "empty stack"},
        {P("\x80\x02t."), "a mark is needed"},
        {P("\x80\x02N\x86."), "more values than there are"},
        {P("\x80\x02N(\x85."), "more values than there are"},
        {P("\x80\x02NNa."), "non-list"},
        {P("\x80\x02](Ne(Neu."), "a mark is needed"},
        {P("\x80\x02]NNs."), "non-dict"},
        {P("\x80\x02}(Nu."), "without its value"},
        {P("\x80\x02]q\x00h\x00"
           "a."),
         "contains itself"},
        {P("\x80\x02]]]]]]]]]aaaaaaaa."), "nested too deeply"},
        {P("\x80\x02\xfe."), "0xfe (unknown)"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        IoPickle *pickle;
        assert_fails(io_pickle_read(CASES[i].bytes, CASES[i].size, &RULES, "t", &pickle), BASE_EFORMAT, CASES[i].part);
        assert_int_equal(base_memory_live(), 0);
    }
}

static void test_limits(void **state)
{
    (void)state;
    IoPickle *pickle;
    IoPickleValue *v;
    char bytes[1100] = "\x80\x02]";
    IoPickleRules strict = RULES;
    memset(bytes + 3, 'N', sizeof bytes - 3);
    assert_fails(io_pickle_read(bytes, sizeof bytes, &RULES, "t", &pickle), BASE_ELIMIT, "more than 1000 operations");
    strict.persistent = strict.bytes = false;
    assert_fails(io_pickle_read(P("\x80\x02NQ."), &strict, "t", &pickle), BASE_EFORMAT, "data outside itself");
    assert_fails(io_pickle_read(P("\x80\x03"
                                  "C\x01x."),
                                &strict, "t", &pickle),
                 BASE_EFORMAT, "bytes object");
    assert_fails(io_pickle_read(P("\x80\x02"
                                  "c_codecs\nencode\nX\x01\x00\x00\x00"
                                  "aX\x06\x00\x00\x00latin1\x86R."),
                                &strict, "t", &pickle),
                 BASE_EFORMAT, "bytes object");
    pickle = parsed(P("\x80\x02K\x05Q."), &v);
    assert_int_equal(v->kind, IO_PICKLE_PERSISTENT);
    assert_int_equal(v->args->whole, 5);
    io_pickle_free(pickle);
    pickle = parsed(P("\x80\x02]]]]]]]]aaaaaaa."), &v); /* just as deep as is allowed */
    assert_int_equal(v->height, 8);
    io_pickle_free(pickle);
    /* each list holds the one before twice: 2^30 paths, 31 values */
    size_t size = 2;
    strict.depth = 40;
    bytes[size++] = ']';
    for (int i = 0; i < 30; i++) { /* x: memo i; then [x, x] */
        const char more[] = {'q', (char)i, '0', ']', 'h', (char)i, 'a', 'h', (char)i, 'a'};
        memcpy(bytes + size, more, sizeof more);
        size += sizeof more;
    }
    bytes[size++] = '.';
    assert_ok(io_pickle_read(bytes, size, &strict, "t", &pickle));
    assert_int_equal(io_pickle_root(pickle)->height, 31);
    io_pickle_free(pickle);
}

/* A name that is refused is shown on one line, whatever bytes are in it, and cut where it is long. */
static void test_names_shown(void **state)
{
    (void)state;
    char bytes[512], want[256];
    IoPickle *pickle;
    for (int byte = 0; byte < 256; byte++) {
        char shown = byte >= ' ' && byte <= '~' ? (char)byte : '?';
        if (byte == '\n') continue; /* ends a name */
        int size = snprintf(bytes, sizeof bytes,
                            "\x80\x02"
                            "cm_\n_n\n.");
        bytes[4] = bytes[6] = (char)byte;
        snprintf(want, sizeof want, "asks for 'm%c.%cn', which is refused", shown, shown);
        assert_fails(io_pickle_read(bytes, (size_t)size, &RULES, "t", &pickle), BASE_EFORMAT, want);
    }
    int size = snprintf(bytes, sizeof bytes,
                        "\x80\x02"
                        "c%0200d\n%0200d\n.",
                        1, 2);
    snprintf(want, sizeof want, ".%0159d', which is refused", 0);
    assert_fails(io_pickle_read(bytes, (size_t)size, &RULES, "t", &pickle), BASE_EFORMAT, want);
}

#define RECONSTRUCT                                                                                                    \
    "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01"                                            \
    "b\x87R"
#define DTYPE(order, type)                                                                                             \
    "cnumpy\ndtype\n(U\x02" type "K\x00K\x01tR(K\x03U\x01" order "NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
/* As Python 2 wrote CIFAR: {'data': uint8 [2, 3], 'labels': [6, 9]}. */
static const char CIFAR[] =
    "\x80\x02}q\x01(U\x04"
    "dataq\x02" RECONSTRUCT "(K\x01K\x02K\x03\x86" DTYPE("|", "u1") "\x89U\x06"
                                                                    "abcdef"
                                                                    "tbU\x06labelsq\x03](K\x06K\x09"
                                                                    "eu.";

static void test_numpy(void **state)
{
    (void)state;
    IoPickle *pickle;
    IoPickleArray array;
    assert_ok(io_pickle_read(CIFAR, sizeof CIFAR - 1, &io_pickle_numpy, "t", &pickle));
    const IoPickleValue *root = io_pickle_root(pickle);
    assert_ok(io_pickle_array(io_pickle_get(root, "data"), "t", &array));
    assert_int_equal(array.kind, 'u');
    assert_int_equal(array.item_bytes, 1);
    assert_int_equal(array.ndim, 2);
    assert_int_equal(array.shape[0], 2);
    assert_int_equal(array.shape[1], 3);
    assert_int_equal(array.count, 6);
    assert_memory_equal(array.data, "abcdef", 6);
    assert_int_equal(io_pickle_get(root, "labels")->items[1]->whole, 9);
    assert_fails(io_pickle_array(io_pickle_get(root, "labels"), "f: labels", &array), BASE_EFORMAT,
                 "f: labels: not a numpy array");
    io_pickle_free(pickle);
    static const struct {
        const char *bytes;
        size_t size;
        const char *part;
    } CASES[] = {
        {P("\x80\x02" RECONSTRUCT "."), "without its state"},
        {P("\x80\x02" RECONSTRUCT "(K\x01K\x06\x85" DTYPE("|", "u1") "NU\x06"
                                                                     "abcdeftb."),
         "does not state its order"},
        {P("\x80\x02" RECONSTRUCT "(K\x01K\x07\x85" DTYPE("|", "u1") "\x89U\x06"
                                                                     "abcdeftb."),
         "do not fit"},
        {P("\x80\x02" RECONSTRUCT "(K\x01K\x03\x85" DTYPE(">", "u2") "\x89U\x06"
                                                                     "abcdeftb."),
         "dtype"},
        {P("\x80\x02" RECONSTRUCT "(K\x01K\x03\x85" DTYPE("|", "O8") "\x89U\x06"
                                                                     "abcdeftb."),
         "dtype"},
        {P("\x80\x02" RECONSTRUCT "(K\x01J\xff\xff\xff\xff\x85" DTYPE("|", "u1") "\x89U\x06"
                                                                                 "abcdeftb."),
         "shape"},
        {P("\x80\x02" RECONSTRUCT "(K\x01(K\x01K\x01K\x01K\x01K\x01K\x01K\x01K\x01K\x01t" DTYPE("|", "u1") "\x89U\x01"
                                                                                                           "atb."),
         "more than 8"},
        {P("\x80\x02" RECONSTRUCT "(K\x01(\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x40K\x04t" DTYPE("|", "u1") "\x89U\x01"
                                                                                                           "atb."),
         "impossible shape"},
        {P("\x80\x02" RECONSTRUCT "(K\x01\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x40\x85" DTYPE("<", "u8") "\x89U\x01"
                                                                                                        "atb."),
         "do not fit"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        assert_ok(io_pickle_read(CASES[i].bytes, CASES[i].size, &io_pickle_numpy, "t", &pickle));
        assert_fails(io_pickle_array(io_pickle_root(pickle), "t", &array), BASE_EFORMAT, CASES[i].part);
        io_pickle_free(pickle);
    }
}

#define FROM_BUFFER(module, bytes, type, rest)                                                                         \
    "\x80\x05\x8c" module "\x8c\x0b_frombuffer\x93(\x96" bytes DTYPE("|", type) rest "tR."

/* [2, 3] of "abcdef" in each order in memory: item (y, x) is want[3 y + x]. */
static void check_order(const char *bytes, size_t size, const char *want)
{
    char *owned;
    IoPickle *pickle;
    IoPickleArray array;
    assert_ok(BASE_ALLOC_RAW(size + 1, &owned));
    memcpy(owned, bytes, size);
    assert_ok(io_pickle_modern(&owned, &size, "t"));
    assert_ok(io_pickle_read(owned, size, &io_pickle_numpy, "t", &pickle));
    assert_ok(io_pickle_array(io_pickle_root(pickle), "t", &array));
    assert_int_equal(array.ndim, 2);
    assert_int_equal(array.shape[0], 2);
    assert_int_equal(array.shape[1], 3);
    for (int64_t y = 0; y < 2; y++)
        for (int64_t x = 0; x < 3; x++)
            assert_int_equal(((const char *)array.data)[y * array.stride[0] + x * array.stride[1]], want[3 * y + x]);
    io_pickle_free(pickle);
    base_free(owned);
}

static void test_orders(void **state)
{
    (void)state;
    check_order(P("\x80\x02" RECONSTRUCT "(K\x01K\x02K\x03\x86" DTYPE("|", "u1") "\x88U\x06"
                                                                                 "abcdeftb."),
                "acebdf");
#define BUFFER(rest)                                                                                                   \
    P(FROM_BUFFER("\x12numpy.core.numeric",                                                                            \
                  "\x06\0\0\0\0\0\0\0"                                                                                 \
                  "abcdef",                                                                                            \
                  "u1", rest))
    check_order(BUFFER("K\x02K\x03\x86\x8c\x01"
                       "C"),
                "abcdef");
    check_order(BUFFER("K\x02K\x03\x86\x8c\x01"
                       "F"),
                "acebdf");
    check_order(BUFFER("K\x03K\x02\x86\x8c\x01K"
                       "K\x01K\x00\x86"),
                "acebdf");
    static const struct {
        const char *bytes;
        size_t size;
        const char *part;
    } CASES[] = {{BUFFER("K\x02K\x03\x86\x8c\x01"
                         "A"),
                  "in an order that is not read"},
                 {BUFFER("K\x03K\x02\x86\x8c\x01K"
                         "K\x01K\x01\x86"),
                  "axes are not those"},
                 {BUFFER("K\x03K\x02\x86\x8c\x01K"
                         "K\x01K\x02\x86"),
                  "axes are not those"},
                 {BUFFER("K\x03K\x02\x86\x8c\x01K"
                         "K\x00\x85"),
                  "axes are not those"},
                 {BUFFER("K\x02K\x03\x86"), "without its parts"},
                 {BUFFER("K\x02K\x04\x86\x8c\x01"
                         "C"),
                  "do not fit"}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char *owned;
        size_t size = CASES[i].size;
        IoPickle *pickle;
        IoPickleArray array;
        assert_ok(BASE_ALLOC_RAW(size + 1, &owned));
        memcpy(owned, CASES[i].bytes, size);
        assert_ok(io_pickle_modern(&owned, &size, "t"));
        assert_ok(io_pickle_read(owned, size, &io_pickle_numpy, "t", &pickle));
        assert_fails(io_pickle_array(io_pickle_root(pickle), "t", &array), BASE_EFORMAT, CASES[i].part);
        io_pickle_free(pickle);
        base_free(owned);
    }
}

/* An empty array's other sides may be anything: [0, 2^62, 8], whose product of the last two is beyond 64 bits. */
static void test_empty_array(void **state)
{
    (void)state;
    IoPickle *pickle;
    IoPickleArray array;
    static const char *const ORDERS[] = {"\x89", "\x88"};
    for (size_t i = 0; i < 2; i++) {
        char bytes[300];
        size_t size = 0;
        static const char HEAD[] = "\x80\x02" RECONSTRUCT "(K\x01K\x00\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x40K\x08"
                                   "\x87" DTYPE("<", "f8");
        memcpy(bytes, HEAD, sizeof HEAD - 1), size = sizeof HEAD - 1;
        memcpy(bytes + size, ORDERS[i], 1), size += 1;
        memcpy(bytes + size, "U\x00tb.", 5), size += 5;
        assert_ok(io_pickle_read(bytes, size, &io_pickle_numpy, "t", &pickle));
        assert_ok(io_pickle_array(io_pickle_root(pickle), "t", &array));
        assert_int_equal(array.count, 0);
        assert_int_equal(array.shape[1], (int64_t)1 << 62);
        for (int d = 0; d < 3; d++) assert_int_equal(array.stride[d], 0);
        io_pickle_free(pickle);
    }
}

static void test_whole(void **state)
{
    (void)state;
#define SCALAR(type, order, bytes) P("\x80\2cnumpy._core.multiarray\nscalar\n" DTYPE(order, type) bytes "\x86R.")
    static const struct {
        const char *bytes;
        size_t size;
        int64_t want;
        bool good;
    } CASES[] = {{P("\x80\x02K\x07."), 7, true},
                 {SCALAR("i8", "<", "U\x08\xff\xff\xff\xff\xff\xff\xff\xff"), -1, true},
                 {SCALAR("u1", "|", "U\x01\xc8"), 200, true},
                 {SCALAR("i1", "|", "U\x01\x80"), INT8_MIN, true},
                 {SCALAR("i1", "|", "U\x01\x7f"), INT8_MAX, true},
                 {SCALAR("i2", "<", "U\x02\xfe\xff"), -2, true},
                 {SCALAR("i2", "<", "U\x02\x00\x80"), INT16_MIN, true},
                 {SCALAR("i2", "<", "U\x02\xff\x7f"), INT16_MAX, true},
                 {SCALAR("u2", "<", "U\x02\xff\xff"), UINT16_MAX, true},
                 {SCALAR("i4", "<", "U\x04\x00\x00\x00\x80"), INT32_MIN, true},
                 {SCALAR("i4", "<", "U\x04\xff\xff\xff\x7f"), INT32_MAX, true},
                 {SCALAR("u4", "<", "U\x04\xff\xff\xff\xff"), UINT32_MAX, true},
                 {SCALAR("i8", "<", "U\x08\x00\x00\x00\x00\x00\x00\x00\x80"), INT64_MIN, true},
                 {SCALAR("i8", "<", "U\x08\xff\xff\xff\xff\xff\xff\xff\x7f"), INT64_MAX, true},
                 {SCALAR("u8", "<", "U\x08\xff\xff\xff\xff\xff\xff\xff\x7f"), INT64_MAX, true},
                 {SCALAR("b1", "|", "U\x01\x01"), 1, true},
                 {SCALAR("u8", "<", "U\x08\xff\xff\xff\xff\xff\xff\xff\xff"), 0, false},
                 {SCALAR("f4", "<", "U\x04\x00\x00\x80\x3f"), 0, false},
                 {SCALAR("i4", "<", "U\x02\x00\x00"), 0, false},
                 {P("\x80\x02X\x01\x00\x00\x00"
                    "7."),
                  0, false}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        IoPickle *pickle;
        int64_t whole = 0;
        assert_ok(io_pickle_read(CASES[i].bytes, CASES[i].size, &io_pickle_numpy, "t", &pickle));
        assert_int_equal(io_pickle_whole(io_pickle_root(pickle), &whole), CASES[i].good);
        if (CASES[i].good) assert_int_equal(whole, CASES[i].want);
        io_pickle_free(pickle);
    }
}

/* Protocols 0 and 1 as Python 3.11 and (S, I01) Python 2.7's pickle modules write them. */
static void test_modern(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *want; /* NULL: refused */
        size_t want_size;
        const char *part;
    } CASES[] = {{P("(dp0\nVa\np1\n(lp2\nI1\naI-70000\naL1099511627776L\nas."),
                  P("\x80\2}r\0\0\0\0X\1\0\0\0ar\1\0\0\0]r\2\0\0\0J\1\0\0\0aJ\x90\xee\xfe\xff"
                    "a\x8a\x08\0\0\0\0\0\1\0\0as."),
                  NULL},
                 {P("(I01\nI00\nF1.5\nNg3\nt."), P("\x80\2(\x88\x89G\x3f\xf8\0\0\0\0\0\0Nj\3\0\0\0t."), NULL},
                 {P("Va\xe9\\u1234\\u000a\\U0001f600\\x\n."),
                  P("\x80\2X\x0d\0\0\0a\xc3\xa9\xe1\x88\xb4\n\xf0\x9f\x98\x80\\x."), NULL},
                 {P("S'it\\'s\\x00\\n\\\\'\n."), P("\x80\2T\7\0\0\0it's\0\n\\."), NULL},
                 {P("S\"'\"\n."), P("\x80\2T\1\0\0\0'."), NULL},
                 {P("]q\0(K\1U\1ae."), P("\x80\2]q\0(K\1U\1ae."), NULL},
                 {P("\x80\3(d."), P("\x80\3(d."), NULL}, /* not of these protocols: untouched */
                 {P("\x80\5\x96\1\0\0\0\0\0\0\0\x96."), P("\x80\5\x8e\1\0\0\0\0\0\0\0\x96."), NULL},
                 {P("\x80\5\x96\2\0\0\0\0\0\0\0\x96"), NULL, 0, "in the middle of a value"},
                 {P("(I1\nI2\nd."), NULL, 0, "which Python does not write"},
                 {P("L123456789012345678901L\n."), NULL, 0, "at most 64 bits"},
                 {P("I1"), NULL, 0, "in the middle of a line"},
                 {P("S'a\n."), NULL, 0, "without quotes"},
                 {P("S'\\x4'\n."), NULL, 0, "an invalid escape"},
                 {P("V\\u12\n."), NULL, 0, "an invalid escape"},
                 {P("Np99999999999\n."), NULL, 0, "memo index"},
                 {P("U\5ab."), NULL, 0, "in the middle of a value"},
                 {P("N0"), NULL, 0, "without STOP"}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char *bytes;
        size_t size = CASES[i].size;
        assert_ok(BASE_ALLOC_RAW(size, &bytes)); /* no byte more, so that the sanitizer sees a read behind it */
        memcpy(bytes, CASES[i].bytes, size);
        if (CASES[i].want) {
            assert_ok(io_pickle_modern(&bytes, &size, "t"));
            assert_int_equal(size, CASES[i].want_size);
            assert_memory_equal(bytes, CASES[i].want, size);
        } else
            assert_fails(io_pickle_modern(&bytes, &size, "t"), BASE_EFORMAT, CASES[i].part);
        base_free(bytes);
    }
}

/* Every shorter file and every changed byte: read, or refused in one line. */
static void test_cut_and_changed(void **state)
{
    (void)state;
    char bytes[sizeof CIFAR];
    IoPickle *pickle;
    for (size_t n = 0; n < sizeof CIFAR - 1; n++)
        assert_fails(io_pickle_read(CIFAR, n, &io_pickle_numpy, "t", &pickle), BASE_EFORMAT, "t");
    for (size_t n = 0; n < sizeof CIFAR - 1; n++)
        for (int change = 1; change < 256; change++) {
            memcpy(bytes, CIFAR, sizeof bytes);
            bytes[n] = (char)(bytes[n] ^ change);
            BaseStatus st = io_pickle_read(bytes, sizeof bytes - 1, &io_pickle_numpy, "t", &pickle);
            if (st != BASE_OK) assert_fails(st, BASE_EFORMAT, "t");
            IoPickleArray array;
            if (st == BASE_OK) io_pickle_array(io_pickle_get(io_pickle_root(pickle), "data"), "t", &array);
            io_pickle_free(pickle);
        }
    assert_int_equal(base_memory_live(), 0);
}

/* What belongs to an opcode is passed over whole: its bytes look like the end of the pickle (protocol 0) or like a
 * BYTEARRAY8 (protocol 5), and the opcode behind them is found, which is then written in another way. */
static void test_sizes_of_opcodes(void **state)
{
    (void)state;
    static const struct {
        unsigned char code, length; /* length: bytes of a count, which is 3 */
        size_t size;
    } CODES[] = {{'K', 0, 1},  {'q', 0, 1},  {'h', 0, 1},  {0x80, 0, 1}, {0x82, 0, 1}, {'M', 0, 2},  {0x83, 0, 2},
                 {'J', 0, 4},  {'r', 0, 4},  {'j', 0, 4},  {0x84, 0, 4}, {'G', 0, 8},  {0x95, 0, 8}, {'U', 1, 3},
                 {'C', 1, 3},  {0x8a, 1, 3}, {0x8c, 1, 3}, {'T', 4, 3},  {'X', 4, 3},  {'B', 4, 3},  {0x8b, 4, 3},
                 {0x8d, 8, 3}, {0x8e, 8, 3}, {'N', 0, 0},  {'a', 0, 0},  {0x85, 0, 0}};
    for (size_t i = 0; i < sizeof CODES / sizeof *CODES; i++)
        for (int fifth = 0; fifth < 2; fifth++) {
            char in[64] = "]]", want[64], *bytes = NULL;
            size_t n = 2, size;
            if (fifth) memcpy(in, "\x80\x05", 2);
            in[n++] = (char)CODES[i].code;
            if (CODES[i].length) in[n] = 3;
            n += CODES[i].length;
            for (size_t j = 0; j < CODES[i].size; j++) in[n++] = fifth ? '\x96' : '.';
            size_t tail = n;
            if (fifth) {
                in[n] = '\x96';
                in[n + 9] = '.';
                n += 10; /* no bytes */
                memcpy(want, in, n);
                want[tail] = '\x8e';
                size = n;
            } else {
                memcpy(in + n, "I5\n.", 4);
                n += 4;
                memcpy(want, "\x80\x02", 2);
                memcpy(want + 2, in, tail);
                memcpy(want + 2 + tail, "J\5\0\0\0.", 6);
                size = tail + 8;
            }
            assert_ok(BASE_ALLOC(n, &bytes));
            memcpy(bytes, in, n);
            assert_ok(io_pickle_modern(&bytes, &n, "t"));
            assert_int_equal(n, size);
            assert_memory_equal(bytes, want, size);
            base_free(bytes);
        }
}

static BaseStatus read_once(void *user)
{
    IoPickle *pickle;
    BaseStatus st = io_pickle_read(CIFAR, sizeof CIFAR - 1, user, "t", &pickle);
    io_pickle_free(pickle);
    return st;
}

static void test_no_memory(void **state)
{
    (void)state;
    IoPickleRules rules = io_pickle_numpy;
    support_fail_allocations(read_once, &rules, 100);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_plain_values),    cmocka_unit_test(test_containers),  cmocka_unit_test(test_code_is_refused),
    cmocka_unit_test(test_damage),          cmocka_unit_test(test_limits),      cmocka_unit_test(test_numpy),
    cmocka_unit_test(test_orders),          cmocka_unit_test(test_empty_array), cmocka_unit_test(test_whole),
    cmocka_unit_test(test_names_shown),     cmocka_unit_test(test_modern),      cmocka_unit_test(test_sizes_of_opcodes),
    cmocka_unit_test(test_cut_and_changed), cmocka_unit_test(test_no_memory),
};
SUPPORT_MAIN(tests)
