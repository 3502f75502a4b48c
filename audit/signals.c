/* audit/signals.c - HDF5 arrays named as `expunge attack` reads them, each checked when it is read back. */
#include "audit/signals.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "audit/whole.h"
#include "base/memory.h"
#include "base/random.h"
#include "io/file.h"
#include "io/hdf5.h"
#include "session/params.h"

const double audit_grades[AUDIT_GRADES] = {0.25, 0.1};

static const char FORMAT[] = "expunge audit signals 1";

const char *audit_group_name(AuditGroup group)
{
    static const char *const NAMES[] = {"forgotten, trained on", "forgotten, held out", "kept, trained on",
                                        "kept, held out", "population"};
    return NAMES[group];
}

void audit_signals_free(AuditSignals *s)
{
    audit_choice_free(s->choice, s->choice_count);
    if (s->class_name) io_names_free(s->class_name, (size_t)s->K);
    base_free(s->subgroup);
    base_free(s->labels);
    base_free(s->group);
    base_free(s->cluster);
    base_free(s->point);
    base_free(s->unlearned);
    base_free(s->original);
    base_free(s->retrained);
    base_free(s->graded);
    model_shadow_arrays_free(&s->shadow);
    audit_canaries_free(&s->canaries);
    *s = (AuditSignals){0};
}

bool audit_is_right(const AuditSignals *s, const double *logits, int64_t i)
{
    const double *z = logits + i * s->K;
    int64_t top = 0;
    for (int64_t k = 1; k < s->K; k++)
        if (z[k] > z[top]) top = k;
    return top == s->labels[i];
}

void audit_class_words(const AuditSignals *s, int64_t label, BaseText *out)
{
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)label);
    base_text_add(out, "%s", number);
    if (s->class_name && strcmp(s->class_name[label], number) != 0)
        base_text_add(out, " (%.80s)", s->class_name[label]);
}

static bool trained_a_shadow(const AuditSignals *s, int64_t i)
{
    for (int64_t m = 0; m < s->shadow.S; m++)
        if (s->shadow.shadow_keep[m * s->N + i]) return true;
    return false;
}

void audit_set_population_apart(AuditSignals *s)
{
    bool wanted = false;
    for (size_t i = 0; i < s->choice_count; i++) wanted |= (s->choice[i].attack->needs & MIA_NEEDS_POPULATION) != 0;
    for (int g = AUDIT_FORGET_TEST; wanted && g <= AUDIT_RETAIN_TEST; g += 2) {
        BaseRandom random = base_random_make(s->seed, "population", (uint64_t)g);
        int64_t all = 0, left = 0;
        for (int64_t i = 0; i < s->N; i++) {
            all += s->group[i] == g;
            left += s->group[i] == g && !trained_a_shadow(s, i);
        }
        int64_t take = left == all ? left / 4 : left;
        for (int64_t i = 0; i < s->N && take > 0; i++) { /* Knuth 3.4.2 S */
            if (s->group[i] != g || trained_a_shadow(s, i)) continue;
            if ((int64_t)base_random_below(&random, (uint64_t)left--) >= take) continue;
            s->group[i] = AUDIT_POPULATION;
            take--;
        }
    }
}

/* The attacks and their parameters as two lists of texts. */
static BaseStatus write_choice(const AuditSignals *s, IoHdf5 *file)
{
    BaseStatus st = BASE_OK;
    const char **names = NULL, **params = NULL;
    BaseText *text = NULL;
    BASE_TRY(BASE_ALLOC(s->choice_count, &names));
    BASE_TRY(BASE_ALLOC(s->choice_count, &params));
    BASE_TRY(BASE_ALLOC(s->choice_count, &text));
    for (size_t i = 0; i < s->choice_count; i++) {
        const BaseEntry *entry = &s->choice[i].attack->entry;
        session_params_text(entry->params, entry->param_count, s->choice[i].params, &text[i]);
        BASE_TRY(text[i].st);
        names[i] = entry->name;
        params[i] = text[i].data;
    }
    BASE_TRY(io_hdf5_write_texts(file, "/attacks/name", names, s->choice_count));
    BASE_TRY(io_hdf5_write_texts(file, "/attacks/params", params, s->choice_count));
out:
    for (size_t i = 0; text && i < s->choice_count; i++) base_text_free(&text[i]);
    base_free(text);
    base_free(names);
    base_free(params);
    return st;
}

static BaseStatus write_head(const AuditSignals *s, IoHdf5 *file)
{
    BaseStatus st = BASE_OK;
    BaseText options = {0};
    char seed[32];
    session_params_text(audit_params, audit_param_count, &s->options, &options);
    BASE_TRY(options.st);
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)s->seed);
    BASE_TRY(io_hdf5_set_text(file, "/", "format", FORMAT));
    BASE_TRY(io_hdf5_set_text(file, "/", "options", options.data));
    BASE_TRY(io_hdf5_set_text(file, "/", "seed", seed));
    BASE_TRY(write_choice(s, file));
out:
    base_text_free(&options);
    return st;
}

static BaseStatus write_points(const AuditSignals *s, IoHdf5 *file)
{
    BaseStatus st = BASE_OK;
    int64_t *at = NULL;
    uint8_t *test = NULL;
    BASE_TRY(BASE_ALLOC(s->N, &at));
    BASE_TRY(BASE_ALLOC(s->N, &test));
    for (int64_t i = 0; i < s->N; i++) {
        at[i] = s->point[i].at;
        test[i] = s->point[i].test;
    }
    BASE_TRY(io_hdf5_write(file, "/points/labels", IO_H5_I32, 1, &s->N, s->labels));
    BASE_TRY(io_hdf5_write(file, "/points/group", IO_H5_U8, 1, &s->N, s->group));
    if (s->cluster) BASE_TRY(io_hdf5_write(file, "/points/cluster", IO_H5_I32, 1, &s->N, s->cluster));
    if (s->subgroup) BASE_TRY(io_hdf5_write(file, "/points/subgroup", IO_H5_I32, 1, &s->N, s->subgroup));
    if (s->class_name)
        BASE_TRY(io_hdf5_write_texts(file, "/class_names", (const char *const *)s->class_name, (size_t)s->K));
    BASE_TRY(io_hdf5_write(file, "/points/position", IO_H5_I64, 1, &s->N, at));
    BASE_TRY(io_hdf5_write(file, "/points/test", IO_H5_U8, 1, &s->N, test));
out:
    base_free(at);
    base_free(test);
    return st;
}

/* One row per array of several models; absent ones are left out of the file. */
typedef struct {
    const char *path;
    int64_t *models;
    double **logits;
    uint8_t **keep; /* "<path>/keep" instead, where not NULL */
    int64_t **pair; /* "<path>/pair", where known */
} Part;
enum { PARTS = 6 };
static void parts_of(AuditSignals *s, Part part[PARTS])
{
    part[0] = (Part){"/retrained/logits", &s->R, &s->retrained, NULL, NULL};
    part[1] = (Part){"/shadow/logits", &s->shadow.S, &s->shadow.shadow_logits, &s->shadow.shadow_keep, NULL};
    part[2] = (Part){"/shadow_unlearned/logits", &s->shadow.U, &s->shadow.unlearned_logits, &s->shadow.unlearned_keep,
                     &s->shadow.unlearned_pair};
    part[3] =
        (Part){"/shadow_retrained/logits", &s->shadow.R, &s->shadow.retrained_logits, NULL, &s->shadow.retrained_pair};
    part[4] = (Part){"/graded/logits", &s->G, &s->graded, NULL, NULL};
    part[5] = (Part){NULL, NULL, NULL, NULL, NULL};
}

static void beside(const Part *part, const char *what, char path[64])
{
    snprintf(path, 64, "%.*s/%s", (int)(strrchr(part->path, '/') - part->path), part->path, what);
}

BaseStatus audit_signals_write(const AuditSignals *s, const char *path)
{
    BaseStatus st = BASE_OK;
    IoHdf5 *file = NULL;
    Part part[PARTS];
    AuditSignals view = *s; /* parts_of points into it; nothing is changed */
    int64_t flat[2] = {s->N, s->K};
    char name[64];
    BASE_TRY(io_hdf5_create(&file));
    BASE_TRY(write_head(s, file));
    BASE_TRY(write_points(s, file));
    BASE_TRY(io_hdf5_write(file, "/unlearned/logits", IO_H5_F64, 2, flat, s->unlearned));
    if (s->original) BASE_TRY(io_hdf5_write(file, "/original/logits", IO_H5_F64, 2, flat, s->original));
    parts_of(&view, part);
    for (Part *p = part; p->path; p++) {
        int64_t shape[3] = {*p->models, s->N, s->K};
        if (!*p->logits) continue;
        BASE_TRY(io_hdf5_write(file, p->path, IO_H5_F64, 3, shape, *p->logits));
        beside(p, "keep", name);
        if (p->keep) BASE_TRY(io_hdf5_write(file, name, IO_H5_U8, 2, shape, *p->keep));
        beside(p, "pair", name);
        if (p->pair && *p->pair) BASE_TRY(io_hdf5_write(file, name, IO_H5_I64, 1, shape, *p->pair));
    }
    BASE_TRY(audit_canaries_write(&s->canaries, s->K, file));
    io_hdf5_private(file);
    IoHdf5 *taken = file;
    file = NULL;
    BASE_TRY(io_hdf5_save_take(taken, path));
out:
    io_hdf5_close(file);
    return st;
}

static BaseStatus read_logits(const SessionSource *from, const char *file_name, const char *path, int ndim,
                              const int64_t *shape, double **out)
{
    BaseStatus st = BASE_OK;
    IoH5Info info;
    BASE_TRY(audit_whole_shape(from, file_name, path, ndim, shape, &info));
    BASE_TRY(BASE_ALLOC_RAW(info.count, out));
    BASE_TRY(session_source_read(from, path, IO_H5_F64, *out));
out:
    return st;
}

static BaseStatus read_whole(const SessionSource *from, const char *file_name, const char *path, const int64_t *shape,
                             int64_t **out)
{
    BaseStatus st = BASE_OK;
    IoH5Info info;
    BASE_TRY(audit_whole_shape(from, file_name, path, 1, shape, &info));
    BASE_TRY(BASE_ALLOC_RAW(info.count, out));
    BASE_TRY(session_source_whole(from, path, *out));
out:
    return st;
}

static BaseStatus read_flags(const SessionSource *from, const char *file_name, const char *path, int ndim,
                             const int64_t *shape, uint8_t **out)
{
    BaseStatus st = BASE_OK;
    IoH5Info info;
    BASE_TRY(audit_whole_shape(from, file_name, path, ndim, shape, &info));
    BASE_TRY(audit_whole_u8(from, file_name, path, 0, 1, "it must be 0 or 1", out));
out:
    return st;
}

static BaseStatus read_choice(IoHdf5 *file, const char *name, AuditSignals *s)
{
    BaseStatus st = BASE_OK;
    char **names = NULL, **params = NULL, owner[96];
    size_t count = 0, params_count = 0;
    BASE_TRY(io_hdf5_read_texts(file, "/attacks/name", &names, &count));
    BASE_TRY(io_hdf5_read_texts(file, "/attacks/params", &params, &params_count));
    BASE_CHECK(count == params_count, BASE_EFORMAT, "%s: /attacks has %zu names and %zu parameters", name, count,
               params_count);
    BASE_TRY(BASE_ALLOC(count, &s->choice));
    for (size_t i = 0; i < count; i++) {
        AuditChoice *c = &s->choice[i];
        BASE_TRY(mia_find(names[i], &c->attack));
        BASE_TRY(session_params_defaults(&c->attack->entry, &c->params));
        s->choice_count = i + 1;
        snprintf(owner, sizeof owner, "attack %.60s", names[i]);
        BASE_TRY(session_params_read(c->attack->entry.params, c->attack->entry.param_count, c->params, params[i], owner,
                                     name));
    }
out:
    io_names_free(names, count);
    io_names_free(params, params_count);
    return st;
}

static BaseStatus read_head(IoHdf5 *file, const char *name, AuditSignals *s)
{
    BaseStatus st = BASE_OK;
    char *format = NULL, *options = NULL, *seed = NULL;
    st = io_hdf5_get_text(file, "/", "format", &format);
    if (st == BASE_ENOMEM) goto out;
    BASE_CHECK(st == BASE_OK && strcmp(format, FORMAT) == 0, BASE_EFORMAT, "%s: not a '%s' file", name, FORMAT);
    BASE_TRY(io_hdf5_get_text(file, "/", "options", &options));
    BASE_TRY(io_hdf5_get_text(file, "/", "seed", &seed));
    BASE_CHECK(base_parse_u64(seed, &s->seed), BASE_EFORMAT, "%s: seed '%.40s' is not a number", name, seed);
    base_param_defaults(audit_params, audit_param_count, &s->options);
    BASE_TRY(session_params_read(audit_params, audit_param_count, &s->options, options, "audit", name));
    BASE_TRY(read_choice(file, name, s));
out:
    base_free(format);
    base_free(options);
    base_free(seed);
    return st;
}

/* Where the images are; a file of others may not say. */
static BaseStatus read_places(const SessionSource *from, const char *name, AuditSignals *s)
{
    BaseStatus st = BASE_OK;
    const char *const where = session_source_has(from, "/points/position") ? "/points/position" : "/points/image";
    int64_t *at = NULL;
    uint8_t *test = NULL;
    if (session_source_has(from, where)) BASE_TRY(read_whole(from, name, where, &s->N, &at));
    if (session_source_has(from, "/points/test")) BASE_TRY(read_flags(from, name, "/points/test", 1, &s->N, &test));
    BASE_TRY(BASE_ALLOC(s->N, &s->point));
    for (int64_t i = 0; i < s->N; i++) {
        bool held_out = s->group[i] == AUDIT_FORGET_TEST || s->group[i] >= AUDIT_RETAIN_TEST;
        s->point[i] = (ModelPoint){at ? at[i] : i, test ? test[i] != 0 : held_out};
    }
out:
    base_free(at);
    base_free(test);
    return st;
}

static BaseStatus read_class_names(const SessionSource *from, const char *name, AuditSignals *s)
{
    BaseStatus st = BASE_OK;
    char **names = NULL;
    size_t count = 0;
    if (!session_source_has(from, "/class_names")) return BASE_OK;
    BASE_TRY(session_source_texts(from, "/class_names", &names, &count));
    BASE_CHECK((int64_t)count == s->K, BASE_EFORMAT, "%s: /class_names has %zu names; the logits have %lld classes",
               name, count, (long long)s->K);
    s->class_name = names;
    names = NULL;
out:
    io_names_free(names, count);
    return st;
}

static BaseStatus read_points(const SessionSource *from, const char *name, AuditSignals *s)
{
    static const char *const GROUPS = "groups are 0 (forgotten, trained on), 1 (forgotten, held out), 2 (kept, trained "
                                      "on), 3 (kept, held out) and 4 (population)";
    BaseStatus st = BASE_OK;
    IoH5Info info;
    char classes[64];
    snprintf(classes, sizeof classes, "the logits have %lld classes", (long long)s->K);
    BASE_TRY(audit_whole_shape(from, name, "/points/labels", 1, &s->N, &info));
    BASE_TRY(audit_whole_shape(from, name, "/points/group", 1, &s->N, &info));
    BASE_TRY(audit_whole_u8(from, name, "/points/group", 0, AUDIT_GROUPS - 1, GROUPS, &s->group));
    BASE_TRY(audit_whole_i32(from, name, "/points/labels", 0, s->K - 1, classes, &s->labels));
    if (session_source_has(from, "/points/cluster")) {
        BASE_TRY(audit_whole_shape(from, name, "/points/cluster", 1, &s->N, &info));
        BASE_TRY(audit_whole_ids(from, "/points/cluster", &s->cluster));
    }
    if (session_source_has(from, "/points/subgroup")) {
        BASE_TRY(audit_whole_shape(from, name, "/points/subgroup", 1, &s->N, &info));
        BASE_TRY(audit_whole_i32(from, name, "/points/subgroup", INT32_MIN, INT32_MAX,
                                 "the report prints these numbers, and they must lie between -2147483648 and "
                                 "2147483647",
                                 &s->subgroup));
    }
    BASE_TRY(read_class_names(from, name, s));
    BASE_TRY(read_places(from, name, s));
out:
    return st;
}

static BaseStatus read_parts(const SessionSource *from, const char *name, AuditSignals *s)
{
    BaseStatus st = BASE_OK;
    Part part[PARTS];
    IoH5Info info;
    char beside_it[64];
    parts_of(s, part);
    for (Part *p = part; p->path; p++) {
        if (!session_source_has(from, p->path)) continue;
        int64_t shape[3] = {-1, s->N, s->K};
        BASE_TRY(read_logits(from, name, p->path, 3, shape, p->logits));
        BASE_TRY(session_source_info(from, p->path, &info));
        *p->models = shape[0] = info.shape[0];
        beside(p, "keep", beside_it);
        if (p->keep) BASE_TRY(read_flags(from, name, beside_it, 2, shape, p->keep));
        beside(p, "pair", beside_it);
        if (p->pair && session_source_has(from, beside_it)) BASE_TRY(read_whole(from, name, beside_it, shape, p->pair));
    }
out:
    return st;
}

static BaseStatus check_logits(const AuditSignals *s, const char *name, const char *path, const double *logits,
                               int64_t models)
{
    for (int64_t i = 0; logits && i < models * s->N * s->K; i++)
        if (!isfinite(logits[i]))
            return base_error_set(BASE_EFORMAT, "%s: %s of point %lld is %g; logits must be finite numbers", name, path,
                                  (long long)(i / s->K % s->N), logits[i]);
    return BASE_OK;
}

static BaseStatus read_canaries(const SessionSource *from, const char *path, AuditSignals *s)
{
    BaseStatus st = BASE_OK;
    bool *forgotten = NULL;
    BASE_TRY(BASE_ALLOC(s->K, &forgotten));
    for (int64_t i = 0; i < s->N; i++) forgotten[s->labels[i]] |= s->group[i] <= AUDIT_FORGET_TEST;
    BASE_TRY(audit_canaries_read(from, path, s->K, forgotten, &s->canaries));
out:
    base_free(forgotten);
    return st;
}

static BaseStatus read_arrays(const SessionSource *from, const char *path, AuditSignals *s)
{
    BaseStatus st = BASE_OK;
    IoH5Info info;
    BASE_TRY(session_source_info(from, "/unlearned/logits", &info));
    BASE_CHECK(info.ndim == 2 && info.count > 0, BASE_EFORMAT, "%s: /unlearned/logits must be [N,K]", path);
    s->N = info.shape[0];
    s->K = info.shape[1];
    BASE_TRY(read_logits(from, path, "/unlearned/logits", 2, info.shape, &s->unlearned));
    if (session_source_has(from, "/original/logits"))
        BASE_TRY(read_logits(from, path, "/original/logits", 2, info.shape, &s->original));
    BASE_TRY(read_points(from, path, s));
    BASE_TRY(read_parts(from, path, s));
    BASE_CHECK(s->G == 0 || (s->G == AUDIT_GRADES && s->original), BASE_EFORMAT,
               "%s: /graded/logits must hold %d models, and goes with /original/logits", path, AUDIT_GRADES);
    BASE_TRY(check_logits(s, path, "/graded/logits", s->graded, s->G));
    BASE_TRY(read_canaries(from, path, s));
    BASE_TRY(check_logits(s, path, "/unlearned/logits", s->unlearned, 1));
    BASE_TRY(check_logits(s, path, "/original/logits", s->original, 1));
    BASE_TRY(check_logits(s, path, "/retrained/logits", s->retrained, s->R));
out:
    return st;
}

static BaseStatus read_file(const char *path, bool own, AuditSignals *out)
{
    BaseStatus st = BASE_OK;
    IoHdf5 *file = NULL;
    AuditSignals s = {0};
    *out = (AuditSignals){0};
    BASE_TRY(io_hdf5_open(path, &file));
    if (own) BASE_TRY(read_head(file, path, &s));
    BASE_TRY(read_arrays(&(SessionSource){.file = file}, path, &s));
    *out = s;
    s = (AuditSignals){0};
out:
    io_hdf5_close(file);
    audit_signals_free(&s);
    return st;
}

BaseStatus audit_signals_read(const char *path, AuditSignals *out) { return read_file(path, true, out); }

BaseStatus audit_signals_open(const char *path, AuditSignals *out) { return read_file(path, false, out); }

const char *const audit_signals_names[] = {"/points/labels",
                                           "/points/group",
                                           "/points/position",
                                           "/points/image",
                                           "/points/test",
                                           "/points/cluster",
                                           "/points/subgroup",
                                           "/class_names",
                                           "/unlearned/logits",
                                           "/original/logits",
                                           "/retrained/logits",
                                           "/graded/logits",
                                           "/shadow/logits",
                                           "/shadow/keep",
                                           "/shadow_unlearned/logits",
                                           "/shadow_unlearned/keep",
                                           "/shadow_unlearned/pair",
                                           "/shadow_retrained/logits",
                                           "/shadow_retrained/pair",
                                           "/canaries/labels",
                                           "/canaries/coin",
                                           "/canaries/forgotten",
                                           "/canaries/position",
                                           "/canaries/unlearned_logits",
                                           "/canaries/original_logits",
                                           NULL};

BaseStatus audit_signals_of(const SessionSource *source, const char *name, AuditSignals *out)
{
    BaseStatus st = BASE_OK;
    AuditSignals s = {0};
    *out = (AuditSignals){0};
    BASE_TRY(read_arrays(source, name, &s));
    *out = s;
    s = (AuditSignals){0};
out:
    audit_signals_free(&s);
    return st;
}
