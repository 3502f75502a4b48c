/* base/status.h - status codes, the thread's error text, and the macros that pass errors up.
 *
 * Every function that can fail returns a BaseStatus; 0 is success. The sentence a person will read is in a
 * thread-local buffer: say what is wrong, where, and what would be right, with the values in it. Only cli/ prints it.
 */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include <stdarg.h>
#include <stdbool.h>

/* X(code, what a caller may conclude) */
#define BASE_STATUS_LIST(X)                                                                                            \
    X(OK, "success")                                                                                                   \
    X(EUSAGE, "wrong usage: command line or configuration")                                                            \
    X(EARG, "an argument is outside its range")                                                                        \
    X(ESHAPE, "shapes do not match")                                                                                   \
    X(EFORMAT, "a file does not hold what it should")                                                                  \
    X(EIO, "the operating system refused a read or write")                                                             \
    X(ENOMEM, "not enough memory")                                                                                     \
    X(ENUMERIC, "a result is not finite, or a decomposition failed")                                                   \
    X(EBACKEND, "a library reported an error")                                                                         \
    X(ENOTFOUND, "no such name")                                                                                       \
    X(ELIMIT, "refused: over a stated limit")                                                                          \
    X(ECANCEL, "stopped, as was asked for")

typedef enum {
#define X(code, text) BASE_##code,
    BASE_STATUS_LIST(X)
#undef X
        BASE_STATUS_COUNT
} BaseStatus;

/** The code's name without the prefix, e.g. "ESHAPE"; "?" for a number that is not a status. Static storage. */
const char *base_status_name(BaseStatus st);

/** Text of this thread's last error, without a newline; "" if none. Valid until the next error on this thread. */
const char *base_error_text(void);
void base_error_clear(void);

/** Sets this thread's error text and returns @p st, so that `return base_error_set(...)` reads well. */
BaseStatus base_error_set(BaseStatus st, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Puts "context: " in front of the present text, unless @p st is BASE_OK, and returns @p st: callers add where, callees
 *  say what. */
BaseStatus base_error_prefix(BaseStatus st, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* All three expect `BaseStatus st = BASE_OK;` and a label `out:` that releases the locals and returns st. */
#define BASE_TRY(call)                                                                                                 \
    do {                                                                                                               \
        st = (call);                                                                                                   \
        if (st != BASE_OK) goto out;                                                                                   \
    } while (0)
#define BASE_FAIL(code, ...)                                                                                           \
    do {                                                                                                               \
        st = base_error_set((code), __VA_ARGS__);                                                                      \
        goto out;                                                                                                      \
    } while (0)
#define BASE_CHECK(condition, code, ...)                                                                               \
    do {                                                                                                               \
        if (!(condition)) BASE_FAIL((code), __VA_ARGS__);                                                              \
    } while (0)

#endif
