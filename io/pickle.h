/* io/pickle.h - Python pickles read as data: a tree of values, never a running program.
 *
 * The interpreter knows the opcodes of protocols 2 to 5 that build numbers, text, bytes, tuples, lists and dicts, and
 * the names that its caller lists. A call of a listed name (REDUCE) becomes an inert IO_PICKLE_CALL for the caller to
 * interpret. Any other name, any other callable and any other opcode is refused in one line that says what the file
 * asked for; or, where the caller's rules say `inert`, becomes a node of the tree that is as inert: which name it was,
 * what it was called with, what was put into it. Protocols 0 and 1 are refused. */
#ifndef IO_PICKLE_H
#define IO_PICKLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

typedef enum {
    IO_PICKLE_NONE,
    IO_PICKLE_BOOL,
    IO_PICKLE_INT,
    IO_PICKLE_LONG, /* beyond 64 bits: bytes, little-endian two's complement */
    IO_PICKLE_FLOAT,
    IO_PICKLE_TEXT,   /* UTF-8 as the file has it, unchecked */
    IO_PICKLE_STRING, /* a str of Python 2: bytes of unknown encoding */
    IO_PICKLE_BYTES,
    IO_PICKLE_TUPLE,
    IO_PICKLE_LIST,
    IO_PICKLE_DICT,
    IO_PICKLE_SET,       /* under inert rules */
    IO_PICKLE_GLOBAL,    /* a name by itself: a class given as an argument */
    IO_PICKLE_CALL,      /* name(args), then perhaps items set and a state given */
    IO_PICKLE_PERSISTENT /* a reference to what lies outside the pickle: args */
} IoPickleKind;

/* How a CALL was asked for. */
typedef enum {
    IO_PICKLE_REDUCE,    /* name(*args) */
    IO_PICKLE_NEWOBJ,    /* name.__new__(name, *args) */
    IO_PICKLE_NEWOBJ_EX, /* the same with keywords; args is (args, keywords) */
    IO_PICKLE_APPLY      /* what is called is itself the outcome of a call; args is (callable, args) */
} IoPickleHow;

typedef struct IoPickleValue IoPickleValue;
struct IoPickleValue {
    IoPickleKind kind;
    bool owned : 1;  /* bytes is the tree's own block, not a part of the source */
    bool inert : 1;  /* GLOBAL, CALL: none of the rules' names, or not a plain call of one */
    bool listed : 1; /* CALL: items are values that were appended, not keys and values */
    uint8_t how;     /* CALL: IoPickleHow; 1: a SET that is frozen, BYTES that are a bytearray */
    uint16_t split;  /* GLOBAL, CALL: characters of the module's name; 0: up to the last dot */
    int height;      /* of the tree below */
    uint32_t memo;   /* a mark of whoever walks the tree: io_pickle_unmark first */
    union {
        bool truth;
        int64_t whole;
        double real;
        const char *name; /* GLOBAL, CALL: one of the rules' strings; inert: the tree's own, fit for a terminal */
    };
    union {
        const char *bytes;     /* [count] LONG, TEXT, STRING, BYTES: borrowed from the source, no NUL at the end */
        IoPickleValue **items; /* [count] TUPLE, LIST, SET; of DICT and CALL (an OrderedDict) key, value, key, ... */
    };
    size_t count, room;
    IoPickleValue *args;  /* CALL: a TUPLE; PERSISTENT: any value */
    IoPickleValue *state; /* CALL: what BUILD gave, or NULL */
};

typedef struct {
    const char *const *names; /* NULL-ended, "module.name"; compared as strings, matched by exact spelling */
    const char *hint;         /* what would be right, for the text that refuses a name */
    bool persistent;          /* BINPERSID is allowed */
    bool bytes;               /* bytes objects (Python 3) are allowed */
    bool inert;               /* whatever else is named or called becomes an inert node */
    size_t operations;        /* at most; a value costs at most one, and about 80 bytes */
    int depth;                /* of nesting, at most; a value that contains itself is refused, if not inert */
} IoPickleRules;

typedef struct IoPickle IoPickle;
/** Interprets a whole pickle. @p bytes is borrowed and must outlive the tree; @p where: for messages.
 *  @return BASE_OK; BASE_EFORMAT (refused or damaged, what and at which byte), BASE_ELIMIT, BASE_ENOMEM. */
BaseStatus io_pickle_read(const void *bytes, size_t size, const IoPickleRules *rules, const char *where,
                          IoPickle **out);
/** The same for the first of several pickles in a row. @p used: its bytes. */
BaseStatus io_pickle_read_first(const void *bytes, size_t size, const IoPickleRules *rules, const char *where,
                                size_t *used, IoPickle **out);
void io_pickle_free(IoPickle *pickle); /* NULL is fine */
IoPickleValue *io_pickle_root(const IoPickle *pickle);

/* Trees made or edited here, to be written: values live as long as the tree; text in them is borrowed. */
BaseStatus io_pickle_create(IoPickle **out);
void io_pickle_set_root(IoPickle *pickle, IoPickleValue *root);
BaseStatus io_pickle_new(IoPickle *pickle, IoPickleKind kind, IoPickleValue **out);
/** Appends to a TUPLE or LIST, or to a DICT or CALL (keys and values in turn). */
BaseStatus io_pickle_append(IoPickleValue *to, IoPickleValue *const *items, size_t count);
/** "module.name" as the tree's own text; the same names give the same text. What no terminal should see becomes '?'.
 *  BASE_ELIMIT: too long, or too many different ones. */
BaseStatus io_pickle_intern(IoPickle *pickle, const char *module, size_t module_size, const char *name,
                            size_t name_size, const char **out);
/** Values in the tree and entries in its containers: what a walk that takes each once may cost. */
size_t io_pickle_weight(const IoPickle *pickle);
/** Appends the tree as a pickle of protocol 2, or of a later one where a value needs it (bytes objects, sets). A value
 *  that stands in two places is written once. BASE_EARG for a name that no pickle can hold, BASE_ELIMIT for a tree that
 *  contains itself in too many ways. */
BaseStatus io_pickle_write(IoPickle *pickle, BaseText *out);
void io_pickle_unmark(IoPickle *pickle); /* memo = 0 in every value */

/** Text, a Python 2 string or bytes that spell @p text. NULL is none. */
bool io_pickle_spells(const IoPickleValue *value, const char *text);
/** The last value under @p key (text, string or bytes) of a DICT or an OrderedDict; NULL where there is none. */
IoPickleValue *io_pickle_get(const IoPickleValue *dict, const char *key);
/** A plain CALL of "module.name", one of the rules' names. */
bool io_pickle_calls(const IoPickleValue *value, const char *name);
bool io_pickle_is_dict(const IoPickleValue *value); /* DICT or a call of collections.OrderedDict */

/* ---- numpy arrays, as data sets hold them ---- */

/** Rules for plain data with numpy arrays and bytes: no persistent references. */
extern const IoPickleRules io_pickle_numpy;

enum { IO_PICKLE_DIMS = 8 };
typedef struct {
    char kind;      /* numpy's: 'u' unsigned, 'i' signed, 'f' float, 'b' boolean */
    int item_bytes; /* 1, 2, 4 or 8; little-endian */
    int ndim;
    int64_t shape[IO_PICKLE_DIMS];
    int64_t stride[IO_PICKLE_DIMS]; /* in items; of an array without any, 0 */
    int64_t count;
    const void *data; /* borrowed, not aligned */
} IoPickleArray;
/** Reads the ndarray that @p value is, in row-major order or another. BASE_EFORMAT, @p where in front: no array,
 *  big-endian, another dtype, or a size that its bytes do not have. */
BaseStatus io_pickle_array(const IoPickleValue *value, const char *where, IoPickleArray *out);
/** The whole number at place @p at of the data; false for floats, and above 63 bits. */
bool io_pickle_array_whole(const IoPickleArray *array, int64_t at, int64_t *out);
/** An INT, or a scalar of numpy that is a whole number. */
bool io_pickle_whole(const IoPickleValue *value, int64_t *out);

/** Before io_pickle_read: what protocols 0, 1 and 5 write, in opcodes that it knows; changed in place, or *bytes
 * (owned) replaced. What is no pickle stays as it is. BASE_EFORMAT, @p where in front: cut off, or no text that Python
 * writes. */
BaseStatus io_pickle_modern(char **bytes, size_t *size, const char *where);

#endif
