/* What stands beside the weights in a PyTorch file: read without being run, written back, or left out. */
#include "tests/support/support.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "io/archive.h"
#include "io/file.h"
#include "io/tensors.h"

#define ORDERED       "ccollections\nOrderedDict\n)R"
#define TEXT(n, text) "X" n "\x00\x00\x00" text
#define STORAGE(key)                                                                                                   \
    "(" TEXT("\x07", "storage") "ctorch\nFloatStorage\n" TEXT("\x01", key) TEXT("\x03", "cpu") "K\x04"                 \
                                                                                               "tQ"
/* A float tensor [2, 2] that is all of the storage; the rest may follow requires_grad. */
#define TENSOR_WITH(key, rest)                                                                                         \
    "ctorch._utils\n_rebuild_tensor_v2\n(" STORAGE(key) "K\x00K\x02K\x02\x86K\x02K\x01\x86\x89" rest "tR"
#define TENSOR(key)        TENSOR_WITH(key, ORDERED)
#define COUNT              "ctorch._utils\n_rebuild_tensor_v2\n(" STORAGE("3") "K\x00))\x89" ORDERED "tR"
#define WEIGHTS(key, more) "}(" TEXT("\x08", "a.weight") TENSOR(key) more "u"
#define FILE_OF(entries)   "\x80\x02}(" TEXT("\x0a", "state_dict") WEIGHTS("0", "") entries "u."
#define P(text)            (text), sizeof(text) - 1

static const float VALUES[4][4] = {{1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11, 12}, {13, 14, 15, 16}};

static void make(const char *path, const char *pickle, size_t size)
{
    IoArchiveWriter *writer;
    assert_ok(io_archive_create(path, &writer));
    assert_ok(io_archive_add(writer, "a/data.pkl", pickle, size));
    for (int i = 0; i < 4; i++) {
        char name[32];
        snprintf(name, sizeof name, "a/data/%d", i);
        assert_ok(io_archive_add(writer, name, VALUES[i], sizeof VALUES[i]));
    }
    assert_ok(io_archive_finish_take(writer));
}

static IoTensors *made(const char *pickle, size_t size)
{
    IoTensors *tensors;
    make(support_at("made.pt"), pickle, size);
    assert_ok(io_tensors_read(support_at("made.pt"), &tensors));
    assert_int_equal(tensors->count, 1);
    assert_memory_equal(tensors->items[0].data, VALUES[0], sizeof VALUES[0]);
    return tensors;
}

/* The record's bytes, or NULL. */
static char *record(const char *path, const char *name, size_t *size)
{
    IoArchive *archive;
    char *bytes = NULL;
    assert_ok(io_archive_open(path, &archive));
    int64_t index = io_archive_find(archive, name);
    if (index >= 0) {
        *size = io_archive_size(archive, (size_t)index);
        assert_ok(BASE_ALLOC(*size + 1, &bytes));
        assert_ok(io_archive_read(archive, (size_t)index, bytes));
    }
    io_archive_close(archive);
    return bytes;
}

static bool has_record(const char *path, const char *name)
{
    size_t size;
    char *bytes = record(path, name, &size);
    base_free(bytes);
    return bytes != NULL;
}

static bool pickle_has(const char *path, const char *text)
{
    size_t size;
    char *bytes = record(path, "a/data.pkl", &size);
    bool has = memmem(bytes, size, text, strlen(text)) != NULL;
    base_free(bytes);
    return has;
}

static void assert_pickle(const char *path, const char *pickle, size_t size)
{
    size_t got;
    char *bytes = record(path, "a/data.pkl", &got);
    assert_int_equal(got, size);
    assert_memory_equal(bytes, pickle, size);
    base_free(bytes);
}

/* Everything that PyTorch, numpy, argparse, Lightning and Python put beside weights: read, and written as it came. */
static void familiar(void **state)
{
    (void)state;
    static const char BESIDE[] = FILE_OF(
        /* MultiStepLR: Counter({91: 1}) */
        TEXT("\x01", "m") "ccollections\nCounter\n}K\x5bK\x01s\x85R"
        /* Namespace(lr=0.5) */
        TEXT("\x01", "n") "cargparse\nNamespace\n)\x81}" TEXT("\x02", "lr") "G\x3f\xe0\0\0\0\0\0\0sb"
        /* OneCycleLR */
        TEXT("\x01", "o") "cbuiltins\ngetattr\nctorch.optim.lr_scheduler\nOneCycleLR\n" TEXT("\x0e",
                                                                                             "_annealing_cos") "\x86R"
        /* numpy.float64 */
        TEXT("\x01", "f") "cnumpy._core.multiarray\nscalar\ncnumpy\ndtype\nX\x02\x00\x00\x00"
                          "f8\x89\x88\x87R(K\x03" TEXT("\x01", "<") "NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
                                                                    "c_codecs\nencode\n" TEXT("\x08", "abcdefgh")
                                                                        TEXT("\x06", "latin1") "\x86R\x86R"
        /* defaultdict(list, {1: 2}), {3}, PosixPath('/', 'd'), deque([1]) */
        TEXT("\x01", "d") "ccollections\ndefaultdict\nc__builtin__\nlist\n\x85RK\x01K\x02s" TEXT(
            "\x01", "s") "c__builtin__\nset\n]K\x03"
                         "a\x85R" TEXT("\x01", "p") "cpathlib\nPosixPath\n" TEXT("\x01", "/")
                             TEXT("\x01", "d") "\x86R" TEXT("\x01", "q") "ccollections\ndeque\n)RK\x01"
                                                                         "a"
        /* Lightning's AttributeDict, and an enumeration */
        TEXT("\x01", "h") "cpytorch_lightning.utilities.parsing\nAttributeDict\n)\x81" TEXT("\x01", "x") "K\x01s" TEXT(
            "\x01", "t") "clightning.pytorch.trainer.states\nTrainerFn\n" TEXT("\x03", "fit") "\x85R"
        /* a set as protocol 4 has it, bytes, a bytearray */
        TEXT("\x01", "4") "\x8f(K\x01\x90" TEXT("\x01", "z") "(K\x01\x91" TEXT("\x01", "b") "C\x02xy" TEXT(
            "\x01", "y") "\x96\x02\0\0\0\0\0\0\0xy");
    IoTensors *t = made(P(BESIDE));
    assert_null(t->strange);
    assert_int_equal(t->copy_count, 0);
    assert_ok(io_tensors_write(t, support_at("same.pt")));
    assert_pickle(support_at("same.pt"), P(BESIDE));
    io_tensors_free(t);
    /* and when the pickle has to be written anew, since a stranger is taken out: all of it is still there */
    static const char MORE[] =
        FILE_OF(TEXT("\x01", "o") "cbuiltins\ngetattr\nctorch.optim.lr_scheduler\nOneCycleLR\n" TEXT(
            "\x0e",
            "_annealin"
            "g_cos") "\x86R" TEXT("\x01",
                                  "e") "cos\nsystem\n" TEXT("\x02",
                                                            "ls") "\x85R" TEXT("\x01",
                                                                               "h") "cpytorch_lightning."
                                                                                    "utilities."
                                                                                    "parsing\nAttributeDict"
                                                                                    "\n)"
                                                                                    "\x81" TEXT("\x01", "x") "K\x01s" TEXT(
                                                                                        "\x01",
                                                                                        "q") "ccollections"
                                                                                             "\ndeque"
                                                                                             "\n)RK\x01"
                                                                                             "a" TEXT("\x01",
                                                                                                      "4") "\x8f"
                                                                                                           "("
                                                                                                           "K"
                                                                                                           "\x01"
                                                                                                           "\x90");
    t = made(P(MORE));
    assert_string_equal(t->strange, "os.system");
    assert_ok(io_tensors_write(t, support_at("less.pt")));
    io_tensors_free(t);
    size_t size;
    char *bytes = record(support_at("less.pt"), "a/data.pkl", &size);
    assert_int_equal(bytes[1], 4); /* a set needs protocol 4 */
    assert_null(memmem(bytes, size, "system", 6));
    assert_non_null(memmem(bytes, size, "_annealing_cos", 14));
    assert_non_null(memmem(bytes, size, "AttributeDict\n)\x81", 16)); /* made with NEWOBJ as before */
    assert_non_null(memmem(bytes, size, "deque\n)R", 8));
    assert_non_null(memmem(bytes, size, "\x8f", 1));
    base_free(bytes);
    assert_ok(io_tensors_read(support_at("less.pt"), &t));
    assert_null(t->strange);
    io_tensors_free(t);
}

/* Nothing is run; what is made with a strange name is named, left out with the storages that only it refers to, or
 * kept when asked for. */
static void strange(void **state)
{
    (void)state;
    static const struct {
        const char *pickle;
        size_t size;
        const char *names;
    } CASES[] = {
        {P(FILE_OF(TEXT("\x01", "e") "cos\nsystem\n" TEXT("\x0b", "touch run-x") "\x85R" TEXT("\x01", "t")
                       TENSOR("1"))),
         "os.system"},
        {P(FILE_OF(TEXT("\x01", "e") "cmy\nThing\n)\x81}" TEXT("\x01", "w") TENSOR("2") "sb" TEXT("\x01", "t")
                       TENSOR("1"))),
         "my.Thing"},
        /* hidden in what is familiar: an argument, a key, a state, the result of a call that is called */
        {P(FILE_OF(TEXT("\x01", "e") "ccollections\ndefaultdict\ncos\nsystem\n\x85R" TEXT("\x01", "t") TENSOR("1"))),
         "os.system"},
        {P(FILE_OF("cos\nsystem\nK\x01" TEXT("\x01", "t") TENSOR("1"))), "os.system"},
        {P(FILE_OF(TEXT("\x01", "e") "]ccollections\nCounter\n)Rcos\nsystem\nba" TEXT("\x01", "t") TENSOR("1"))),
         "os.system"},
        {P(FILE_OF(TEXT("\x01", "e") "cbuiltins\ngetattr\ncos\nos\n" TEXT("\x06", "system") "\x86R" TEXT(
             "\x02", "ls") "\x85R" TEXT("\x01", "t") TENSOR("1"))),
         "the outcome of a call, builtins.getattr, os.os"},
        /* familiar packages have dangerous names too */
        {P(FILE_OF(TEXT("\x01", "e") "ctorch.hub\nload\n" TEXT("\x01", "x") "\x85R" TEXT("\x01", "t") TENSOR("1"))),
         "torch.hub.load"},
        {P(FILE_OF(TEXT("\x01", "e") "ctorch.storage\n_load_from_bytes\n" TEXT("\x01", "x") "\x85R" TEXT("\x01", "t")
                       TENSOR("1"))),
         "torch.storage._load_from_bytes"},
        {P(FILE_OF(TEXT("\x01", "e") "cargparse\n_os.system\n" TEXT("\x01", "x") "\x85R" TEXT("\x01", "t")
                       TENSOR("1"))),
         "argparse._os.system"},
        {P(FILE_OF(TEXT("\x01", "e") "ccollections\nnamedtuple\n" TEXT("\x01", "x") "\x85R" TEXT("\x01", "t")
                       TENSOR("1"))),
         "collections.namedtuple"},
        {P(FILE_OF(TEXT("\x01", "e") "clightning.pytorch.cli\nLightningCLI\nK\x01K\x02\x86R" TEXT("\x01", "t")
                       TENSOR("1"))),
         "lightning.pytorch.cli.LightningCLI"},
        {P(FILE_OF(TEXT("\x01", "e") "cbuiltins\ngetattr\nctorch.optim.lr_scheduler\nOneCycleLR\n" TEXT(
             "\x0b", "__globals__") "\x86R" TEXT("\x01", "t") TENSOR("1"))),
         "builtins.getattr"},
        /* what contains itself is as bad as what it contains */
        {P(FILE_OF(TEXT("\x01", "e") "]q\x05(h\x05"
                                     "cos\nsystem\ne" TEXT("\x01", "f") "]h\x05"
                                                                        "a" TEXT("\x01", "t") TENSOR("1"))),
         "a value that contains itself, os.system"},
    };
    remove("run-x");
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        IoTensors *t = made(CASES[i].pickle, CASES[i].size), *again;
        assert_non_null(t->strange);
        assert_string_equal(t->strange, CASES[i].names);
        assert_ok(io_tensors_write(t, support_at("out.pt")));
        assert_false(pickle_has(support_at("out.pt"), "system"));
        assert_false(pickle_has(support_at("out.pt"), "Thing"));
        assert_false(pickle_has(support_at("out.pt"), "builtins"));
        assert_true(has_record(support_at("out.pt"), "a/data/0") && has_record(support_at("out.pt"), "a/data/1"));
        assert_false(has_record(support_at("out.pt"), "a/data/2"));
        assert_ok(io_tensors_read(support_at("out.pt"), &again));
        assert_null(again->strange);
        assert_int_equal(again->count, 1);
        io_tensors_free(again);
        t->keep_strange = true;
        assert_ok(io_tensors_write(t, support_at("kept.pt")));
        assert_pickle(support_at("kept.pt"), CASES[i].pickle, CASES[i].size);
        assert_true(has_record(support_at("kept.pt"), "a/data/2"));
        io_tensors_free(t);
    }
    assert_int_not_equal(access("run-x", F_OK), 0);
    assert_int_equal(base_memory_live(), 0);
}

/* The weights themselves may not hang on a strange name. */
static void strange_weights(void **state)
{
    (void)state;
    static const char HELD[] =
        "\x80\x02}" TEXT("\x08", "a.weight") TENSOR_WITH("0", "cos\nsystem\n" TEXT("\x02", "ls") "\x85R") "s.";
    static const char OUTSIDE[] = "\x80\x02"
                                  "cmy\nModel\n)\x81}" TEXT("\x08", "a.weight") TENSOR("0") "sb.";
    IoTensors *t;
    make(support_at("held.pt"), P(HELD));
    assert_fails(io_tensors_read(support_at("held.pt"), &t), BASE_EFORMAT, "tensor 'a.weight' is made with");
    make(support_at("outside.pt"), P(OUTSIDE));
    assert_fails(io_tensors_read(support_at("outside.pt"), &t), BASE_EFORMAT, "an object of 'my.Model'");
}

/* Copies under other prefixes, in other dicts, of some tensors only; and what is none. */
static void copies(void **state)
{
    (void)state;
    static const char EMA[] =
        FILE_OF(TEXT("\x03", "ema") "}" TEXT("\x06", "shadow") "}(" TEXT("\x0f", "module.a.weight") TENSOR("1")
                    TEXT("\x0a", "n_averaged") COUNT
                "us" TEXT("\x03", "opt") "}" TEXT("\x05", "state") "}K\0}" TEXT("\x07", "exp_avg")
                    TENSOR("2") "sss" TEXT("\x03", "not") "}(" TEXT("\x08", "a.weight") TENSOR("2") TEXT("\x01", "b")
                        TENSOR("2") "u");
    IoTensors *t = made(P(EMA)), *again;
    assert_int_equal(t->copy_count, 1);
    assert_string_equal(t->copies[0].where, "ema.shadow");
    IoTensors *copy = t->copies[0].tensors;
    assert_int_equal(copy->count, 1);
    assert_string_equal(copy->items[0].name, "a.weight");
    assert_memory_equal(copy->items[0].data, VALUES[1], sizeof VALUES[1]);
    assert_string_equal(t->stale, "opt (exp_avg, 1 tensor), not (a.weight, 1 tensor), not (b, 1 tensor)");
    /* a changed copy changes its own storage, and nothing else */
    ((float *)copy->items[0].data)[0] = 50;
    assert_ok(io_tensors_write(t, support_at("out.pt")));
    assert_pickle(support_at("out.pt"), P(EMA));
    assert_ok(io_tensors_read(support_at("out.pt"), &again));
    assert_memory_equal(again->items[0].data, VALUES[0], sizeof VALUES[0]);
    assert_true(((float *)again->copies[0].tensors->items[0].data)[0] == 50);
    io_tensors_free(again);
    /* a dropped one is gone, with its storage */
    t->copies[0].dropped = true;
    assert_ok(io_tensors_write(t, support_at("less.pt")));
    assert_false(pickle_has(support_at("less.pt"), "shadow"));
    assert_false(has_record(support_at("less.pt"), "a/data/1"));
    assert_true(pickle_has(support_at("less.pt"), "exp_avg") && has_record(support_at("less.pt"), "a/data/2"));
    io_tensors_free(t);
}

/* A copy in the storage of the weights: what one has unlearned and the other has not ends in two storages; a dropped
 * one leaves nothing of its values. */
static void shared_storage(void **state)
{
    (void)state;
    static const char SHARED[] = FILE_OF(TEXT("\x03", "ema") WEIGHTS("0", ""));
    IoTensors *t = made(P(SHARED)), *again;
    assert_int_equal(t->copy_count, 1);
    ((float *)t->items[0].data)[0] = 100;
    assert_ok(io_tensors_write(t, support_at("two.pt")));
    assert_ok(io_tensors_read(support_at("two.pt"), &again));
    assert_true(((float *)again->items[0].data)[0] == 100);
    assert_true(((float *)again->copies[0].tensors->items[0].data)[0] == 1);
    io_tensors_free(again);
    t->copies[0].dropped = true;
    assert_ok(io_tensors_write(t, support_at("one.pt")));
    assert_ok(io_tensors_read(support_at("one.pt"), &again));
    assert_true(((float *)again->items[0].data)[0] == 100);
    assert_int_equal(again->copy_count, 0);
    io_tensors_free(again);
    io_tensors_free(t);
}

/* Inputs that cost the square of their size where each dict is looked into from each place that holds it. */
static void linear(void **state)
{
    (void)state;
    enum { WIDE = 60000, DEEP = 900 };
    BaseText p = {0};
    IoTensors *t;
    double start = base_clock_wall();
    /* one dict of 60000 entries under 60000 keys, each with the state's keys in it */
    base_text_append(&p, P("\x80\x02}(" TEXT("\x0a", "state_dict") WEIGHTS("0", "") "K\x07}q\x05("));
    for (int i = 0; i < WIDE; i++) base_text_append(&p, P("J\0\0\0\0N"));
    base_text_append(&p, P("u"));
    for (int i = 0; i < WIDE; i++) base_text_append(&p, P("J\0\0\0\0h\x05"));
    base_text_append(&p, P("u."));
    make(support_at("wide.pt"), p.data, p.size);
    assert_ok(io_tensors_read(support_at("wide.pt"), &t));
    assert_ok(io_tensors_write(t, support_at("out.pt")));
    io_tensors_free(t);
    base_text_free(&p);
    /* dicts in dicts under "model", and beside them in a list that holds itself */
    p = (BaseText){0};
    base_text_append(&p, P("\x80\x02}(" TEXT("\x0a", "state_dict") WEIGHTS("0", "") "K\x01]q\x06h\x06"
                                                                                    "aK\x02"));
    for (int i = 0; i < DEEP; i++) base_text_append(&p, P("}" TEXT("\x05", "model")));
    base_text_append(&p, P("N"));
    for (int i = 0; i < DEEP; i++) base_text_append(&p, P("s"));
    base_text_append(&p, P("u."));
    make(support_at("deep.pt"), p.data, p.size);
    assert_ok(io_tensors_read(support_at("deep.pt"), &t));
    assert_ok(io_tensors_write(t, support_at("out.pt")));
    io_tensors_free(t);
    base_text_free(&p);
    /* and the state's own keys in a dict that holds itself under all of them */
    static const char ROUND[] = "\x80\x02}q\x01(" TEXT("\x05", "model") "h\x01" TEXT("\x03", "net") "h\x01" TEXT(
        "\x0a", "state_dict") "h\x01" TEXT("\x08", "a.weight") TENSOR("0") "u.";
    t = made(P(ROUND));
    assert_ok(io_tensors_write(t, support_at("out.pt")));
    io_tensors_free(t);
    assert_true(base_clock_wall() - start < 10); /* 60000 x 60000 is minutes */
}

/* ---- the format from before 1.6 ---- */

#define MAGIC    "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19."
#define PROTOCOL "\x80\x02M\xe9\x03."
#define SYSTEM   "\x80\x02}(" TEXT("\x0d", "little_endian") "\x88u."
#define OLD_STORAGE(key, view)                                                                                         \
    "(" TEXT("\x07", "storage") "ctorch\nFloatStorage\n" TEXT("\x01", key) TEXT("\x03", "cpu") "K\x04" view "tQ"
#define OLD_TENSOR(key, view)                                                                                          \
    "ctorch._utils\n_rebuild_tensor_v2\n(" OLD_STORAGE(key, view) "K\x00K\x02K\x02\x86K\x02K\x01\x86\x89" ORDERED "tR"
#define OBJECT(view)                                                                                                   \
    "\x80\x02}(" TEXT("\x0a", "state_dict") "}" TEXT("\x08", "a.weight") OLD_TENSOR("7", view) "s" TEXT("\x01", "o")   \
        OLD_TENSOR("4", view) TEXT("\x01", "e") "K\x03u."
#define KEYS   "\x80\x02](" TEXT("\x01", "4") TEXT("\x01", "7") "e."
#define COUNT4 "\x04\0\0\0\0\0\0\0"

static BaseStatus read_legacy(const char *text, size_t size, int storages, IoTensors **out)
{
    BaseText file = {0};
    base_text_append(&file, text, size);
    for (int i = 0; i < storages; i++) {
        base_text_append(&file, COUNT4, 8);
        base_text_append(&file, (const char *)VALUES[1 - i], sizeof VALUES[0]);
    }
    assert_ok(io_file_write(support_at("old.pth"), file.data, file.size));
    base_text_free(&file);
    return io_tensors_read(support_at("old.pth"), out);
}

static void legacy(void **state)
{
    (void)state;
    static const char GOOD[] = MAGIC PROTOCOL SYSTEM OBJECT("N") KEYS;
    IoTensors *t, *again;
    assert_ok(read_legacy(P(GOOD), 2, &t));
    assert_int_equal(t->count, 1);
    assert_string_equal(t->items[0].name, "a.weight");
    assert_memory_equal(t->items[0].data, VALUES[0], sizeof VALUES[0]);
    assert_string_equal(t->stale, "o (1 tensor)");
    ((float *)t->items[0].data)[3] = 44;
    assert_ok(io_tensors_set_meta(t, "k", "v"));
    assert_ok(io_tensors_write(t, support_at("new.pth"))); /* as a zip, with what was beside */
    assert_ok(io_tensors_read(support_at("new.pth"), &again));
    assert_true(((float *)again->items[0].data)[3] == 44 && ((float *)again->items[0].data)[0] == 1);
    assert_string_equal(again->stale, "o (1 tensor)");
    assert_string_equal(io_tensors_meta(again, "k"), "v");
    io_tensors_free(again);
    io_tensors_free(t);
    static const struct {
        const char *text;
        size_t size;
        int storages;
        const char *part;
    } CASES[] = {
        {P(GOOD), 1, "cut short"},
        {P(MAGIC PROTOCOL SYSTEM), 0, "cut short"},
        {P(MAGIC "\x80\x02K\x05." SYSTEM OBJECT("N") KEYS), 2, "not its protocol"},
        {P(MAGIC PROTOCOL "\x80\x02}(" TEXT("\x0d", "little_endian") "\x89u." OBJECT("N") KEYS), 2, "big-endian"},
        {P(MAGIC PROTOCOL SYSTEM OBJECT("(K\x01tq\x01") KEYS), 2, "parts of others"},
        {P(MAGIC PROTOCOL SYSTEM OBJECT("N") "\x80\x02](" TEXT("\x01", "4") "e."), 2, "no record"},
        {P(MAGIC PROTOCOL SYSTEM OBJECT("N") "\x80\x02](" TEXT("\x01", "4") TEXT("\x01", "4") "e."), 2, "two records"},
        {P(MAGIC PROTOCOL SYSTEM OBJECT("N") "\x80\x02](" TEXT("\x01", "9") "e."), 2, "nothing refers to"},
        {P(MAGIC PROTOCOL SYSTEM OBJECT("N") "\x80\x02K\x01."), 2, "not a list"},
        {P(MAGIC PROTOCOL SYSTEM OBJECT("N") KEYS "\xff\xff\xff\xff\xff\xff\xff\x7f"), 0, "impossible size"},
        {P(MAGIC PROTOCOL SYSTEM OBJECT("N") KEYS "\xff\xff\xff\xff\xff\xff\xff\x07"), 0, "are not within the file"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        assert_fails(read_legacy(CASES[i].text, CASES[i].size, CASES[i].storages, &t), BASE_EFORMAT, CASES[i].part);
    size_t size;
    char *bytes;
    assert_ok(read_legacy(P(GOOD), 2, &t));
    io_tensors_free(t);
    assert_ok(io_file_read(support_at("old.pth"), 0, &bytes, &size));
    for (size_t n = 0; n < size; n++) {
        assert_ok(io_file_write(support_at("cut.pth"), bytes, n));
        assert_fails(io_tensors_read(support_at("cut.pth"), &t), BASE_EFORMAT, "cut.pth");
    }
    base_free(bytes);
    assert_int_equal(base_memory_live(), 0);
}

/* Files that PyTorch 2.13 wrote (tests/fixtures/make_pytorch.py). */
static void from_pytorch(void **state)
{
    (void)state;
    IoTensors *t, *again;
    assert_ok(io_tensors_read(support_fixture("pytorch_legacy.pth"), &t));
    assert_int_equal(t->count, 30);
    assert_string_equal(t->items[0].name, "model.layers.0.weight");
    assert_ok(io_tensors_write(t, support_at("new.pth")));
    assert_ok(io_tensors_read(support_at("new.pth"), &again));
    for (size_t i = 0; i < t->count; i++)
        assert_memory_equal(t->items[i].data, again->items[i].data,
                            (size_t)t->items[i].count * io_dtype_size(t->items[i].dtype));
    io_tensors_free(again);
    io_tensors_free(t);
    assert_ok(io_tensors_read(support_fixture("pytorch_beside.pt"), &t));
    assert_string_equal(t->strange, "posix.system");
    assert_string_equal(t->copies[0].where, "model_ema");
    assert_string_equal(t->stale, "optimizer (momentum_buffer, 5 tensors)");
    assert_ok(io_tensors_write(t, support_at("out.pt")));
    io_tensors_free(t);
    static const char *const KEPT[] = {"Counter",     "Namespace",     "PurePosixPath",   "scalar",    "_reconstruct",
                                       "defaultdict", "AttributeDict", "momentum_buffer", "n_averaged"};
    size_t size;
    char *bytes = record(support_at("out.pt"), "pytorch_beside/data.pkl", &size);
    for (size_t i = 0; i < sizeof KEPT / sizeof KEPT[0]; i++)
        assert_non_null(memmem(bytes, size, KEPT[i], strlen(KEPT[i])));
    assert_null(memmem(bytes, size, "system", 6));
    base_free(bytes);
}

static BaseStatus round_trip(void *user)
{
    static const char EMA[] = FILE_OF(TEXT("\x03", "ema") WEIGHTS("0", "") TEXT("\x01", "e") "cos\nsystem\n)R");
    static bool is_made;
    IoTensors *tensors = NULL;
    const char *path = user;
    if (!is_made) make(path, P(EMA));
    is_made = true;
    BaseStatus st = io_tensors_read(path, &tensors);
    if (st == BASE_OK) ((float *)tensors->items[0].data)[0] = 5;
    if (st == BASE_OK) st = io_tensors_write(tensors, support_at("memory-out.pt"));
    io_tensors_free(tensors);
    return st;
}

static void no_memory(void **state)
{
    (void)state;
    char path[4200];
    snprintf(path, sizeof path, "%s", support_at("memory.pt"));
    assert_ok(round_trip(path));
    support_fail_allocations(round_trip, path, 2000);
}

static BaseStatus old_trip(void *user) { return support_rewrite(user, support_at("memory-out.pt")); }

static void no_memory_legacy(void **state)
{
    (void)state;
    char path[4200];
    IoTensors *t;
    static const char GOOD[] = MAGIC PROTOCOL SYSTEM OBJECT("N") KEYS;
    assert_ok(read_legacy(P(GOOD), 2, &t));
    io_tensors_free(t);
    snprintf(path, sizeof path, "%s", support_at("old.pth"));
    support_fail_allocations(old_trip, path, 2000);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(familiar),         cmocka_unit_test(strange),        cmocka_unit_test(strange_weights),
    cmocka_unit_test(copies),           cmocka_unit_test(shared_storage), cmocka_unit_test(linear),
    cmocka_unit_test(legacy),           cmocka_unit_test(from_pytorch),   cmocka_unit_test(no_memory),
    cmocka_unit_test(no_memory_legacy),
};
SUPPORT_MAIN(tests)
