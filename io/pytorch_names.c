/* io/pytorch_names.c - which names a checkpoint's neighbours are made with. Names, not packages: torch.hub.load and
 * numpy's runstring are those packages' too. A class (a capital first) is let through where it is only made again and
 * given its state, or called with one word or number, as enumerations are. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/param.h"
#include "io/pytorch.h"

/* Sorted by strcmp: bsearch. */
static const char *const PLAIN[] = {
    "__builtin__.bool",
    "__builtin__.bytearray",
    "__builtin__.bytes",
    "__builtin__.complex",
    "__builtin__.dict",
    "__builtin__.float",
    "__builtin__.frozenset",
    "__builtin__.int",
    "__builtin__.list",
    "__builtin__.long",
    "__builtin__.object",
    "__builtin__.range",
    "__builtin__.set",
    "__builtin__.slice",
    "__builtin__.str",
    "__builtin__.tuple",
    "__builtin__.unicode",
    "__builtin__.xrange",
    "_codecs.encode",
    "argparse.Namespace",
    "builtins.bool",
    "builtins.bytearray",
    "builtins.bytes",
    "builtins.complex",
    "builtins.dict",
    "builtins.float",
    "builtins.frozenset",
    "builtins.int",
    "builtins.list",
    "builtins.object",
    "builtins.range",
    "builtins.set",
    "builtins.slice",
    "builtins.str",
    "builtins.tuple",
    "collections.Counter",
    "collections.OrderedDict",
    "collections.defaultdict",
    "collections.deque",
    "copy_reg._reconstructor",
    "copyreg._reconstructor",
    "datetime.date",
    "datetime.datetime",
    "datetime.time",
    "datetime.timedelta",
    "datetime.timezone",
    "numpy._core.multiarray._reconstruct",
    "numpy._core.multiarray.scalar",
    "numpy._core.numeric._frombuffer",
    "numpy.bool",
    "numpy.bool_",
    "numpy.bytes_",
    "numpy.complex128",
    "numpy.complex64",
    "numpy.core.multiarray._reconstruct",
    "numpy.core.multiarray.scalar",
    "numpy.core.numeric._frombuffer",
    "numpy.datetime64",
    "numpy.dtype",
    "numpy.float16",
    "numpy.float32",
    "numpy.float64",
    "numpy.int16",
    "numpy.int32",
    "numpy.int64",
    "numpy.int8",
    "numpy.longdouble",
    "numpy.ndarray",
    "numpy.random._pickle.__bit_generator_ctor",
    "numpy.random._pickle.__generator_ctor",
    "numpy.random._pickle.__randomstate_ctor",
    "numpy.str_",
    "numpy.timedelta64",
    "numpy.uint16",
    "numpy.uint32",
    "numpy.uint64",
    "numpy.uint8",
    "pathlib.Path",
    "pathlib.PosixPath",
    "pathlib.PurePath",
    "pathlib.PurePosixPath",
    "pathlib.PureWindowsPath",
    "pathlib.WindowsPath",
    "pathlib._local.Path",
    "pathlib._local.PosixPath",
    "pathlib._local.PurePath",
    "pathlib._local.PurePosixPath",
    "pathlib._local.PureWindowsPath",
    "pathlib._local.WindowsPath",
    "torch.BFloat16Storage",
    "torch.BoolStorage",
    "torch.ByteStorage",
    "torch.CharStorage",
    "torch.ComplexDoubleStorage",
    "torch.ComplexFloatStorage",
    "torch.DoubleStorage",
    "torch.FloatStorage",
    "torch.HalfStorage",
    "torch.IntStorage",
    "torch.LongStorage",
    "torch.QInt32Storage",
    "torch.QInt8Storage",
    "torch.QUInt8Storage",
    "torch.ShortStorage",
    "torch.Size",
    "torch.Tensor",
    "torch._tensor._rebuild_from_type_v2",
    "torch._utils._rebuild_device_tensor_from_numpy",
    "torch._utils._rebuild_meta_tensor_no_storage",
    "torch._utils._rebuild_nested_tensor",
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
    "torch._utils._rebuild_qtensor",
    "torch._utils._rebuild_sparse_csr_tensor",
    "torch._utils._rebuild_sparse_tensor",
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_tensor_v3",
    "torch._utils._rebuild_wrapper_subclass",
    "torch.bfloat16",
    "torch.bool",
    "torch.complex128",
    "torch.complex64",
    "torch.device",
    "torch.float16",
    "torch.float32",
    "torch.float64",
    "torch.int16",
    "torch.int32",
    "torch.int64",
    "torch.int8",
    "torch.nn.parameter.Parameter",
    "torch.per_channel_affine",
    "torch.per_tensor_affine",
    "torch.qint32",
    "torch.qint8",
    "torch.quint8",
    "torch.serialization._get_layout",
    "torch.storage.TypedStorage",
    "torch.storage.UntypedStorage",
    "torch.torch_version.TorchVersion",
    "torch.uint8",
};

/* Where classes are let through, here and in modules below. */
static const char *const FAMILIES[] = {"torch.nn",         "torch.optim",       "torch.amp",          "torch.cuda.amp",
                                       "numpy.dtypes",     "numpy.random",      "torch.utils.data",   "lightning",
                                       "lightning_fabric", "pytorch_lightning", "lightning_utilities"};

static int compare(const void *a, const void *b) { return strcmp(a, *(const char *const *)b); }

static bool within(const char *name, size_t size, const char *family)
{
    size_t n = strlen(family);
    return size >= n && memcmp(name, family, n) == 0 && (size == n || name[n] == '.');
}

static size_t module_size(const IoPickleValue *value)
{
    return value->split ? value->split : (size_t)(strrchr(value->name, '.') - value->name);
}

static bool is_plain(const IoPickleValue *value)
{
    /* protocol 4 asks for attributes: argparse, _os.system */
    return !strchr(value->name + module_size(value) + 1, '.') &&
           bsearch(value->name, PLAIN, BASE_COUNT(PLAIN), sizeof *PLAIN, compare);
}

static bool is_class(const IoPickleValue *value)
{
    size_t size = module_size(value);
    const char *name = value->name + size + 1;
    if (!isupper((unsigned char)*name)) return false;
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '_') return false;
    for (size_t i = 0; i < BASE_COUNT(FAMILIES); i++)
        if (within(value->name, size, FAMILIES[i])) return true;
    return false;
}

/* One word or number, or nothing: Stage('fit'). */
static bool is_short(const IoPickleValue *args)
{
    return !args->count || (args->count == 1 && args->items[0]->kind <= IO_PICKLE_STRING);
}

/* getattr(torch.optim.lr_scheduler.OneCycleLR, '_annealing_cos'), which its state holds */
static bool is_annealing(const IoPickleValue *value)
{
    if (strcmp(value->name, "builtins.getattr") != 0 && strcmp(value->name, "__builtin__.getattr") != 0) return false;
    const IoPickleValue *args = value->args;
    return value->how == IO_PICKLE_REDUCE && args->count == 2 && args->items[0]->kind == IO_PICKLE_GLOBAL &&
           strcmp(args->items[0]->name, "torch.optim.lr_scheduler.OneCycleLR") == 0 && is_class(args->items[0]) &&
           (io_pickle_spells(args->items[1], "_annealing_cos") ||
            io_pickle_spells(args->items[1], "_annealing_linear"));
}

bool io_pytorch_familiar(const IoPickleValue *value)
{
    if (value->kind == IO_PICKLE_GLOBAL) return is_plain(value) || is_class(value);
    if (value->kind != IO_PICKLE_CALL) return true;
    if (value->how == IO_PICKLE_APPLY) return false;
    if (is_plain(value) || is_annealing(value)) return true;
    return is_class(value) && (value->how != IO_PICKLE_REDUCE || is_short(value->args));
}

/* ---- what a state dict needs: the names that torch.load(weights_only=True) knows ---- */

static const struct {
    const char *name;
    IoDtype dtype;
} STORAGES[] = {{"torch.FloatStorage", IO_F32},     {"torch.DoubleStorage", IO_F64}, {"torch.HalfStorage", IO_F16},
                {"torch.BFloat16Storage", IO_BF16}, {"torch.LongStorage", IO_I64},   {"torch.IntStorage", IO_I32},
                {"torch.ShortStorage", IO_I16},     {"torch.CharStorage", IO_I8},    {"torch.ByteStorage", IO_U8},
                {"torch.BoolStorage", IO_BOOL}};
enum { STORAGE_COUNT = sizeof STORAGES / sizeof STORAGES[0] };

/* What a state dict is made of. Whatever else a checkpoint asks for is an inert node of the tree. */
static const char *const NAMES[] = {"collections.OrderedDict",
                                    "torch._utils._rebuild_tensor_v2",
                                    "torch._utils._rebuild_parameter",
                                    "torch.Size",
                                    "torch.device",
                                    "torch.float32",
                                    "torch.float64",
                                    "torch.float16",
                                    "torch.bfloat16",
                                    "torch.int64",
                                    "torch.int32",
                                    "torch.int16",
                                    "torch.int8",
                                    "torch.uint8",
                                    "torch.bool",
                                    "torch.FloatStorage",
                                    "torch.DoubleStorage",
                                    "torch.HalfStorage",
                                    "torch.BFloat16Storage",
                                    "torch.LongStorage",
                                    "torch.IntStorage",
                                    "torch.ShortStorage",
                                    "torch.CharStorage",
                                    "torch.ByteStorage",
                                    "torch.BoolStorage",
                                    NULL};
const IoPickleRules io_pytorch_rules = {.names = NAMES,
                                        .hint = "save model.state_dict() with torch.save",
                                        .persistent = true,
                                        .bytes = true,
                                        .inert = true,
                                        .operations = 4u << 20,
                                        .depth = 1000};

const char *io_pytorch_storage_name(IoDtype dtype)
{
    for (int i = 0; i < STORAGE_COUNT; i++)
        if (STORAGES[i].dtype == dtype) return STORAGES[i].name;
    return NULL;
}

bool io_pytorch_storage_dtype(const char *name, IoDtype *out)
{
    for (int i = 0; i < STORAGE_COUNT; i++)
        if (strcmp(STORAGES[i].name, name) == 0) return *out = STORAGES[i].dtype, true;
    return false;
}
