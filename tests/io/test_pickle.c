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
        {P("\x80\x02X\x01\x00\x00\x00x)R."), "calls a value that is no constructor"},
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
        {P("\x80\x02."), "just one value"},
        {P("\x80\x02NN."), "just one value"},
        {P("\x80\x02N(."), "just one value"},
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
        {P("\x80\x02t."), "a mark is wanted"},
        {P("\x80\x02N\x86."), "more values than there are"},
        {P("\x80\x02N(\x85."), "more values than there are"},
        {P("\x80\x02NNa."), "no list"},
        {P("\x80\x02](Ne(Neu."), "a mark is wanted"},
        {P("\x80\x02]NNs."), "no dict"},
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
        {P("\x80\x02" RECONSTRUCT "(K\x01K\x06\x85" DTYPE("|", "u1") "\x88U\x06"
                                                                     "abcdeftb."),
         "Fortran"},
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
    cmocka_unit_test(test_plain_values),    cmocka_unit_test(test_containers), cmocka_unit_test(test_code_is_refused),
    cmocka_unit_test(test_damage),          cmocka_unit_test(test_limits),     cmocka_unit_test(test_numpy),
    cmocka_unit_test(test_cut_and_changed), cmocka_unit_test(test_no_memory),
};
SUPPORT_MAIN(tests)
