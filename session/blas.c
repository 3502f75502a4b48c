/* session/blas.c - chooses from what was tried so far; answers are kept in a file per CPU and core type. */
#include "session/blas.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"
#include "io/file.h"

enum { WRONG_SIZE = SESSION_BLAS_TRIED * (SESSION_BLAS_NAME + 2) };

/* ------------------------------------------------------------ what was answered before */

typedef enum { UNKNOWN, RIGHT, WRONG } Answer;

/* The file of the answer, and what it holds for either. Without a cache folder, or without a name for this CPU, there
 * is none; *path owned. */
static BaseStatus answer_file(const char *core, char **path, char right[160], char wrong[160])
{
    BaseStatus st = BASE_OK;
    char hash[BASE_HASH_HEX], *key = NULL, *folder = NULL;
    const char *cpu = math_blas_cpu_key();
    const char *version = math_blas_version(),
               *running = strstr(version, math_blas_core()); /* what was built precedes it */
    *path = NULL;
    BASE_TRY(io_folder_cache(&folder));
    BASE_CHECK(*cpu && folder, BASE_ENOTFOUND, "no cache folder");
    BASE_TRY(base_format(&key, "%s|%.*s|%s", cpu, (int)(running ? running - version : 0), version, core));
    base_hash_bytes(key, strlen(key), hash);
    snprintf(right, 160, "expunge blas 1 %s right\n", hash);
    snprintf(wrong, 160, "expunge blas 1 %s wrong\n", hash);
    BASE_TRY(base_format(path, "%s/blas-%s-%.16s", folder, core, hash));
out:
    base_free(folder);
    base_free(key);
    return st;
}

/* Anything but the two texts is no answer. */
static Answer answer_read(const char *core)
{
    Answer answer = UNKNOWN;
    char right[160], wrong[160], *path = NULL, *text = NULL;
    size_t size;
    if (answer_file(core, &path, right, wrong) == BASE_OK &&
        io_file_read(path, sizeof right, &text, &size) == BASE_OK) {
        if (strcmp(text, right) == 0) answer = RIGHT;
        if (strcmp(text, wrong) == 0) answer = WRONG;
    }
    base_free(text);
    base_free(path);
    base_error_clear(); /* it is asked again, where memory was short too */
    return answer;
}

static void answer_write(const char *core, bool is_right)
{
    char right[160], wrong[160], *path = NULL;
    if (answer_file(core, &path, right, wrong) == BASE_OK) {
        const char *text = is_right ? right : wrong;
        char *slash = strrchr(path, '/');
        *slash = '\0';
        BaseStatus st = io_folder_make(path);
        *slash = '/';
        if (st == BASE_OK) (void)io_file_write(path, text, strlen(text));
    }
    base_free(path);
    base_error_clear(); /* the next process finds out by itself */
}

/* ------------------------------------------------------------ the choice */

static void add_tried(SessionBlas *b, const char *name, bool wrong)
{
    if (b->tried_count == SESSION_BLAS_TRIED) return;
    snprintf(b->tried[b->tried_count].name, SESSION_BLAS_NAME, "%s", name);
    b->tried[b->tried_count++].wrong = wrong;
}

/* SESSION_BLAS_CHAIN's value, whose last core must be @p asked; false, and nothing tried, where it is anything else. */
static bool read_chain(SessionBlas *b, const char *text, const char *asked)
{
    char name[SESSION_BLAS_NAME];
    for (size_t length; text && *text; text += *text == '>') {
        for (length = 0; isalnum((unsigned char)text[length]) || text[length] == '_'; length++) continue;
        if (length == 0 || length >= SESSION_BLAS_NAME || b->tried_count == SESSION_BLAS_TRIED) break;
        snprintf(name, sizeof name, "%.*s", (int)length, text);
        text += length;
        add_tried(b, name, *text == '!');
        if (*text == '!') text++;
        if (*text != '>' && *text != '\0') break;
    }
    if (text && !*text && b->tried_count > 1 && strcmp(b->tried[b->tried_count - 1].name, asked) == 0) return true;
    b->tried_count = 0;
    return false;
}

/* OpenBLAS's own choice may be asked for later, unless it is wrong; any other once. */
static bool may_try(const SessionBlas *b, const char *name)
{
    for (int i = 0; i < b->tried_count; i++)
        if (strcmp(b->tried[i].name, name) == 0 && (i > 0 || b->tried[i].wrong)) return false;
    return true;
}

static void write_chain(SessionBlas *b)
{
    size_t used = 0;
    b->chain[0] = '\0';
    for (int i = 0; i < b->tried_count; i++)
        used += (size_t)snprintf(b->chain + used, sizeof b->chain - used, "%s%s%s", i ? ">" : "", b->tried[i].name,
                                 b->tried[i].wrong ? "!" : "");
}

/* The best core type that this CPU runs, of that class and more, and that is not known to be wrong. */
static void choose(SessionBlas *b, MathBlasClass least)
{
    for (const char *const *c = math_blas_choices(); *c && !*b->next; c++) {
        MathBlasClass is = math_blas_core_class(*c);
        if (is < least || is > math_blas_cpu_class() || !may_try(b, *c)) continue;
        bool wrong = answer_read(*c) == WRONG;
        if (!wrong) snprintf(b->next, sizeof b->next, "%s", *c);
        add_tried(b, *c, wrong);
    }
    write_chain(b);
}

void session_blas_look(SessionBlas *b)
{
    const char *asked = getenv(SESSION_BLAS_CORE);
    *b = (SessionBlas){.core = math_blas_core()};
    b->older = math_blas_core_class(b->core) < math_blas_cpu_class();
    if (!asked || !*asked)
        add_tried(b, b->core, false);
    else
        b->chooser = read_chain(b, getenv(SESSION_BLAS_CHAIN), asked) ? SESSION_BLAS_PROGRAM : SESSION_BLAS_USER;
    b->running = b->tried_count - 1;
    write_chain(b);
    if (b->older && b->chooser != SESSION_BLAS_USER) choose(b, math_blas_core_class(b->core) + 1);
}

static void wrong_names(const SessionBlas *b, char out[WRONG_SIZE])
{
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0; i < b->tried_count; i++)
        if (b->tried[i].wrong && used < WRONG_SIZE)
            used += (size_t)snprintf(out + used, WRONG_SIZE - used, "%s%s", used ? ", " : "", b->tried[i].name);
}

BaseStatus session_blas_check(SessionBlas *b)
{
    BaseStatus st = BASE_OK;
    const char *wrong = NULL;
    char all[WRONG_SIZE];
    Answer answer = answer_read(b->core);
    if (math_blas_cpu_class() == MATH_BLAS_ANY || answer == RIGHT) return BASE_OK;
    if (answer == UNKNOWN) {
        BASE_TRY(math_blas_check(&wrong));
        answer_write(b->core, !wrong);
        if (!wrong) return BASE_OK;
    }
    BASE_CHECK(
        b->chooser != SESSION_BLAS_USER, BASE_EBACKEND,
        "OpenBLAS's %s kernels, which %s=%s asks for, give wrong results on this CPU: unset it, or name another core "
        "type",
        b->core, SESSION_BLAS_CORE, getenv(SESSION_BLAS_CORE));
    b->tried[b->running].wrong = true;
    b->tried_count = b->running + 1; /* what look wanted in its place does not run */
    choose(b, MATH_BLAS_ANY);
    wrong_names(b, all);
    BASE_CHECK(*b->next, BASE_EBACKEND,
               "OpenBLAS gives wrong results on this CPU with every core type (%s): install another version than %.16s",
               all, math_blas_version());
out:
    return st;
}

/* ------------------------------------------------------------ in words */

void session_blas_text(const SessionBlas *b, BaseText *out)
{
    base_text_add(out, "%s (%s)", b->core, math_blas_class_name(math_blas_core_class(b->core)));
    if (b->chooser == SESSION_BLAS_OPENBLAS) base_text_add(out, ", chosen by OpenBLAS");
    if (b->chooser == SESSION_BLAS_USER) base_text_add(out, ", chosen by the user (%s)", SESSION_BLAS_CORE);
    if (b->chooser == SESSION_BLAS_PROGRAM)
        base_text_add(out, ", chosen by expunge: OpenBLAS chose %s%s", b->tried[0].name,
                      b->tried[0].wrong ? ", which gives wrong results on this CPU" : "");
    if (b->older) base_text_add(out, "; this CPU has %s", math_blas_class_name(math_blas_cpu_class()));
}

void session_blas_say(const SessionBlas *b)
{
    char wrong[WRONG_SIZE];
    wrong_names(b, wrong);
    if (*wrong)
        base_warning("OpenBLAS's %s kernels give wrong results on this CPU; its %s kernels are used", wrong, b->core);
    if (b->older)
        base_notice("OpenBLAS uses its %s kernels (%s)%s; this CPU has %s", b->core,
                    math_blas_class_name(math_blas_core_class(b->core)),
                    b->chooser == SESSION_BLAS_USER ? ", as " SESSION_BLAS_CORE " asks" : "",
                    math_blas_class_name(math_blas_cpu_class()));
}
