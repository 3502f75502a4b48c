/* session/signals.c - every array is read with the shape it must have; probabilities in place of logits are pointed out. */
#include "session/signals.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/file.h"
#include "io/hdf5.h"

enum { ANY = -1 };

/* "[4,60,10]" */
static const char *shape_text(int ndim, const int64_t *shape, char text[128])
{
    size_t used = (size_t)snprintf(text, 128, "[");
    for (int d = 0; d < ndim && used < 120; d++)
        used += (size_t)snprintf(text + used, 128 - used, "%s%lld", d ? "," : "", (long long)shape[d]);
    snprintf(text + used, 128 - used, "]");
    return text;
}

/* Reads one array as @p type; its dimensions must be @p want (ANY: any of at least 1), in words @p words. The first
 * dimension goes to *rows where not NULL. */
static BaseStatus read_array(const SessionSource *from, const char *file_name, const char *path, IoH5Type type,
                             int ndim, const int64_t *want, const char *words, int64_t *rows, void **out)
{
    BaseStatus st = BASE_OK;
    IoH5Info info;
    char have[128], need[128];
    BASE_CHECK(session_source_has(from, path), BASE_EFORMAT, "%s: %s %s is missing", file_name, path, words);
    BASE_TRY(session_source_info(from, path, &info));
    bool right = info.ndim == ndim, real = type == IO_H5_F64;
    for (int d = 0; right && d < ndim; d++) right = want[d] == ANY ? info.shape[d] >= 1 : info.shape[d] == want[d];
    if (!right) {
        bool open = false; /* some dimension is not settled yet: say it in words */
        for (int d = 0; d < ndim; d++) open |= want[d] == ANY;
        st = base_error_set(BASE_ESHAPE, "%s: %s is %s; it must be %s, no dimension being 0%s%s", file_name, path,
                            shape_text(info.ndim, info.shape, have), words, open ? "" : ", here ",
                            open ? "" : shape_text(ndim, want, need));
        goto out;
    }
    BASE_CHECK(info.is_float == real, BASE_EFORMAT, "%s: %s holds %s; it must hold %s", file_name, path,
               info.is_float ? "floating-point numbers" : "whole numbers",
               real ? "float32 or float64" : "whole numbers");
    BASE_TRY(base_alloc_raw((size_t)info.count, type == IO_H5_I32 ? sizeof(int32_t) : 8, out));
    BASE_TRY(session_source_read(from, path, type, *out));
    if (rows) *rows = info.shape[0];
out:
    return st;
}

/* Flags and roles: read as int32, so that a 256 does not become a 0 on its way to a byte. */
static BaseStatus read_bytes(const SessionSource *from, const char *file_name, const char *path, int ndim,
                             const int64_t *want, const char *words, int32_t most, const uint8_t **out)
{
    BaseStatus st = BASE_OK;
    int32_t *values = NULL;
    uint8_t *bytes = NULL;
    int64_t count = 1;
    BASE_TRY(read_array(from, file_name, path, IO_H5_I32, ndim, want, words, NULL, (void **)&values));
    for (int d = 0; d < ndim; d++) count *= want[d];
    BASE_TRY(BASE_ALLOC_RAW(count, &bytes));
    *out = bytes;
    for (int64_t i = 0; i < count; i++) {
        BASE_CHECK(values[i] >= 0 && values[i] <= most, BASE_EARG, "%s: %s holds %d at place %lld; it must be 0%s 1%s",
                   file_name, path, values[i], (long long)i, most > 1 ? " (non-member)," : " or",
                   most > 1 ? " (member) or 2 (audited)" : "");
        bytes[i] = (uint8_t)values[i];
    }
out:
    base_free(values);
    return st;
}

static BaseStatus read_target(const SessionSource *from, const char *name, MiaInput *in)
{
    BaseStatus st = BASE_OK;
    IoH5Info info;
    BASE_TRY(read_array(from, name, "/target/logits", IO_H5_F64, 2, (int64_t[]){ANY, ANY}, "[N,K]", &in->N,
                        (void **)&in->logits));
    BASE_TRY(session_source_info(from, "/target/logits", &info));
    in->K = info.shape[1];
    BASE_TRY(read_array(from, name, "/target/labels", IO_H5_I32, 1, &in->N, "[N]", NULL, (void **)&in->labels));
    BASE_TRY(read_bytes(from, name, "/target/role", 1, &in->N, "[N]", MIA_AUDITED, &in->role));
out:
    return st;
}

/* [rows, points, K] of several models, where it is there. */
static BaseStatus read_models(const SessionSource *from, const char *name, const char *path, int64_t models,
                              int64_t points, int64_t K, const char *words, int64_t *rows, const double **out)
{
    if (!session_source_has(from, path)) return BASE_OK;
    return read_array(from, name, path, IO_H5_F64, 3, (int64_t[]){models, points, K}, words, rows, (void **)out);
}

static BaseStatus read_pairs(const SessionSource *from, const char *name, const char *path, int64_t models,
                             const char *words, const int64_t **out)
{
    if (!session_source_has(from, path)) return BASE_OK;
    if (models == 0)
        return base_error_set(BASE_EFORMAT, "%s: there is %s %s, but its models have no logits", name, path, words);
    return read_array(from, name, path, IO_H5_I64, 1, &models, words, NULL, (void **)out);
}

static BaseStatus read_others(const SessionSource *from, const char *name, MiaInput *in)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(read_models(from, name, "/shadow/logits", ANY, in->N, in->K, "[S,N,K]", &in->S, &in->shadow_logits));
    if (in->shadow_logits || session_source_has(from, "/shadow/keep")) {
        BASE_CHECK(in->shadow_logits, BASE_EFORMAT, "%s: there is /shadow/keep, but /shadow/logits [S,N,K] is missing",
                   name);
        BASE_TRY(read_bytes(from, name, "/shadow/keep", 2, (int64_t[]){in->S, in->N}, "[S,N]", 1, &in->shadow_keep));
    }
    bool population = session_source_has(from, "/population/logits") || session_source_has(from, "/population/labels");
    if (population) {
        BASE_TRY(read_array(from, name, "/population/logits", IO_H5_F64, 2, (int64_t[]){ANY, in->K}, "[Z,K]", &in->Z,
                            (void **)&in->population_logits));
        BASE_TRY(read_array(from, name, "/population/labels", IO_H5_I32, 1, &in->Z, "[Z]", NULL,
                            (void **)&in->population_labels));
    }
    if (session_source_has(from, "/shadow/population_logits")) {
        BASE_CHECK(in->shadow_logits && population, BASE_EFORMAT,
                   "%s: /shadow/population_logits [S,Z,K] needs /shadow/logits and /population/logits beside it", name);
        BASE_TRY(read_models(from, name, "/shadow/population_logits", in->S, in->Z, in->K, "[S,Z,K]", NULL,
                             &in->shadow_population_logits));
    }
    BASE_TRY(read_models(from, name, "/unlearned/logits", ANY, in->N, in->K, "[U,N,K]", &in->U, &in->unlearned_logits));
    if (session_source_has(from, "/unlearned/keep")) {
        BASE_CHECK(in->unlearned_logits, BASE_EFORMAT,
                   "%s: there is /unlearned/keep, but /unlearned/logits [U,N,K] is missing", name);
        BASE_TRY(
            read_bytes(from, name, "/unlearned/keep", 2, (int64_t[]){in->U, in->N}, "[U,N]", 1, &in->unlearned_keep));
    }
    BASE_TRY(read_models(from, name, "/retrained/logits", ANY, in->N, in->K, "[R,N,K]", &in->R, &in->retrained_logits));
    if (session_source_has(from, "/original/logits"))
        BASE_TRY(read_array(from, name, "/original/logits", IO_H5_F64, 2, (int64_t[]){in->N, in->K}, "[N,K]", NULL,
                            (void **)&in->original_logits));
    BASE_TRY(read_pairs(from, name, "/unlearned/pair", in->U, "[U]", &in->unlearned_pair));
    BASE_TRY(read_pairs(from, name, "/retrained/pair", in->R, "[R]", &in->retrained_pair));
out:
    return st;
}

const char *const session_signals_names[] = {"/target/logits",     "/target/labels",     "/target/role",
                                             "/shadow/logits",     "/shadow/keep",       "/shadow/population_logits",
                                             "/population/logits", "/population/labels", "/unlearned/logits",
                                             "/unlearned/keep",    "/unlearned/pair",    "/retrained/logits",
                                             "/retrained/pair",    "/original/logits",   NULL};

enum { NAMES = sizeof session_signals_names / sizeof *session_signals_names - 1 };

static BaseStatus warn_of_strangers(IoHdf5 *file, const char *name)
{
    static const char *const GROUPS[] = {"/",          "/target",    "/shadow",  "/population",
                                         "/unlearned", "/retrained", "/original"};
    const char *known_names[NAMES + BASE_COUNT(GROUPS) - 1];
    size_t all = 0;
    for (size_t g = 1; g < BASE_COUNT(GROUPS); g++) known_names[all++] = GROUPS[g] + 1;
    for (size_t k = 0; k < NAMES; k++) known_names[all++] = session_signals_names[k] + 1;
    for (size_t g = 0; g < BASE_COUNT(GROUPS); g++) {
        char **names = NULL, path[256];
        size_t count = 0;
        BaseStatus st = io_hdf5_has(file, GROUPS[g]) ? io_hdf5_list(file, GROUPS[g], &names, &count) : BASE_OK;
        if (st == BASE_ENOTFOUND) st = BASE_OK; /* an array of that name: what is below it is found missing */
        if (st != BASE_OK) return st;
        for (size_t i = 0; i < count; i++) {
            bool known = false;
            snprintf(path, sizeof path, "%s%s%.200s", GROUPS[g] + 1, g ? "/" : "", names[i]);
            for (size_t k = 0; k < all; k++) known |= strcmp(path, known_names[k]) == 0;
            const char *near = known ? NULL : base_text_nearest(path, known_names, all);
            if (!known)
                base_warning("%s: /%s is not part of a signals file and is ignored%s%s%s", name, path,
                             near ? "; did you mean /" : "", near ? near : "", near ? "?" : "");
        }
        io_names_free(names, count);
    }
    return BASE_OK;
}

/* Rows within 0..1 whose sum is 1 to the third digit, which survives rounding to three digits. */
static int64_t count_probabilities(const double *z, int64_t rows, int64_t K)
{
    int64_t count = 0;
    for (int64_t i = 0; i < rows; i++, z += K) {
        double sum = 0;
        bool inside = true;
        for (int64_t j = 0; j < K && inside; j++) {
            inside = z[j] >= 0 && z[j] <= 1;
            sum += z[j];
        }
        count += inside && fabs(sum - 1) <= 5e-4 * (double)(K < 20 ? K : 20);
    }
    return count;
}

/* Said where at least half of an array's rows are such: logits are not, and nothing is changed. */
static void note_probabilities(SessionSignals *s)
{
    const MiaInput *in = &s->input;
    const struct {
        const char *path;
        const double *z;
        int64_t rows;
    } ARRAYS[] = {{"/target/logits", in->logits, in->N},
                  {"/shadow/logits", in->shadow_logits, in->S * in->N},
                  {"/population/logits", in->population_logits, in->Z},
                  {"/shadow/population_logits", in->shadow_population_logits, in->S * in->Z},
                  {"/unlearned/logits", in->unlearned_logits, in->U * in->N},
                  {"/retrained/logits", in->retrained_logits, in->R * in->N},
                  {"/original/logits", in->original_logits, in->N}};
    char list[384] = "";
    for (size_t i = 0; i < BASE_COUNT(ARRAYS); i++) {
        int64_t rows = ARRAYS[i].z ? ARRAYS[i].rows : 0, count = count_probabilities(ARRAYS[i].z, rows, in->K);
        size_t used = strlen(list);
        if (count == 0 || 2 * count < rows) continue;
        snprintf(list + used, sizeof list - used, "%s%lld of %lld rows of %s", used ? ", " : "", (long long)count,
                 (long long)rows, ARRAYS[i].path);
    }
    if (*list)
        snprintf(s->note, sizeof s->note,
                 "%s are in 0..1 and sum to 1: they look like probabilities, but are taken as logits; pass log p",
                 list);
}

BaseStatus session_signals_of(const SessionSource *from, const char *name, SessionSignals *out)
{
    BaseStatus st = BASE_OK;
    SessionSignals s = {0};
    *out = (SessionSignals){0};
    BASE_TRY(read_target(from, name, &s.input));
    BASE_TRY(read_others(from, name, &s.input));
    note_probabilities(&s);
    if (*s.note) base_warning("%s: %s", name, s.note);
    *out = s;
    s = (SessionSignals){0};
out:
    session_signals_free(&s);
    return st;
}

BaseStatus session_signals_read(const char *path, SessionSignals *out)
{
    BaseStatus st = BASE_OK;
    IoHdf5 *file = NULL;
    char hash[BASE_HASH_HEX];
    *out = (SessionSignals){0};
    BASE_TRY(io_hdf5_open(path, &file));
    BASE_TRY(base_hash_file(path, hash));
    BASE_TRY(warn_of_strangers(file, path));
    BASE_TRY(session_signals_of(&(SessionSource){.file = file}, path, out));
    memcpy(out->hash, hash, sizeof out->hash);
out:
    io_hdf5_close(file);
    return st;
}

void session_signals_free(SessionSignals *s)
{
    if (!s) return;
    const MiaInput *in = &s->input;
    const void *const ARRAYS[] = {in->logits,
                                  in->labels,
                                  in->role,
                                  in->shadow_logits,
                                  in->shadow_keep,
                                  in->population_logits,
                                  in->population_labels,
                                  in->shadow_population_logits,
                                  in->unlearned_logits,
                                  in->unlearned_keep,
                                  in->retrained_logits,
                                  in->original_logits,
                                  in->unlearned_pair,
                                  in->retrained_pair};
    for (size_t i = 0; i < BASE_COUNT(ARRAYS); i++) base_free((void *)ARRAYS[i]);
    *s = (SessionSignals){0};
}
