/* tests/api/world.h - made-up logits: a difficulty for each point, noise for each model, and a rise of the label's logit for
 * points that a model was trained on; as arrays of the public interface, and as an HDF5 file. */
#ifndef TESTS_API_WORLD_H
#define TESTS_API_WORLD_H

#include "tests/api/api.h"

enum { EACH = 60, CLASSES = 4, POINTS = 4 * EACH, RETRAINED = 3, CANARIES = 40 };

typedef struct {
    double unlearned[POINTS][CLASSES], original[POINTS][CLASSES], retrained[RETRAINED][POINTS][CLASSES];
    int32_t labels[POINTS];
    uint8_t group[POINTS], role[POINTS];
    double canaries[CANARIES][CLASSES]; /* the unlearned model's logits of them */
    int32_t canary_labels[CANARIES];
    uint8_t coin[CANARIES];
} World;

static inline void world_fill(const World *w, const double *difficulty, double rise, uint64_t stream,
                              double z[POINTS][CLASSES])
{
    BaseRandom random = base_random_make(1, "world_model", stream);
    for (int i = 0; i < POINTS; i++) {
        for (int k = 0; k < CLASSES; k++) z[i][k] = 0.7 * base_random_normal(&random);
        z[i][w->labels[i]] += difficulty[i] + (w->group[i] == 0 ? rise : 0);
    }
}

static inline void world_make(World *w)
{
    BaseRandom random = base_random_make(1, "world", 0);
    double difficulty[POINTS];
    for (int i = 0; i < POINTS; i++) {
        w->group[i] = (uint8_t)(i / EACH); /* forgotten: trained on, held out; kept: trained on, held out */
        w->role[i] = w->group[i] == 0 ? 1 : w->group[i] == 1 ? 0 : 2;
        w->labels[i] = i < 2 * EACH ? 2 : i % 2;
        difficulty[i] = 1 + base_random_normal(&random);
    }
    for (int i = 0; i < CANARIES; i++) {
        w->canary_labels[i] = 2;
        w->coin[i] = (uint8_t)base_random_below(&random, 2);
        for (int k = 0; k < CLASSES; k++) w->canaries[i][k] = base_random_normal(&random) + (k == 2) * w->coin[i];
    }
    world_fill(w, difficulty, 0.5, 0, w->unlearned);
    world_fill(w, difficulty, 3, 1, w->original);
    for (int r = 0; r < RETRAINED; r++) world_fill(w, difficulty, 0, 2 + (uint64_t)r, w->retrained[r]);
}

/** For expunge_attack: the original's logits. */
static inline expunge_signals *world_target(const World *w)
{
    expunge_signals *s;
    assert_done(expunge_signals_create(&s));
    assert_done(
        expunge_signals_set(s, "target/logits", w->original, EXPUNGE_F64, 2, (int64_t[]){POINTS, CLASSES}, NULL));
    assert_done(expunge_signals_set(s, "target/labels", w->labels, EXPUNGE_I32, 1, (int64_t[]){POINTS}, NULL));
    assert_done(expunge_signals_set(s, "target/role", w->role, EXPUNGE_U8, 1, (int64_t[]){POINTS}, NULL));
    return s;
}

/** For expunge_audit. */
static inline expunge_signals *world_models(const World *w)
{
    const int64_t flat[] = {POINTS, CLASSES}, all[] = {RETRAINED, POINTS, CLASSES};
    expunge_signals *s;
    assert_done(expunge_signals_create(&s));
    assert_done(expunge_signals_set(s, "points/labels", w->labels, EXPUNGE_I32, 1, flat, NULL));
    assert_done(expunge_signals_set(s, "points/group", w->group, EXPUNGE_U8, 1, flat, NULL));
    assert_done(expunge_signals_set(s, "unlearned/logits", w->unlearned, EXPUNGE_F64, 2, flat, NULL));
    assert_done(expunge_signals_set(s, "original/logits", w->original, EXPUNGE_F64, 2, flat, NULL));
    assert_done(expunge_signals_set(s, "retrained/logits", w->retrained, EXPUNGE_F64, 3, all, NULL));
    const int64_t canaries[] = {CANARIES, CLASSES};
    assert_done(expunge_signals_set(s, "canaries/labels", w->canary_labels, EXPUNGE_I32, 1, canaries, NULL));
    assert_done(expunge_signals_set(s, "canaries/coin", w->coin, EXPUNGE_U8, 1, canaries, NULL));
    assert_done(expunge_signals_set(s, "canaries/unlearned_logits", w->canaries, EXPUNGE_F64, 2, canaries, NULL));
    return s;
}

/** The same as files. */
static inline void world_write_target(const World *w, const char *path)
{
    const int64_t flat[] = {POINTS, CLASSES};
    IoHdf5 *file;
    assert_ok(io_hdf5_create(&file));
    assert_ok(io_hdf5_write(file, "/target/logits", IO_H5_F64, 2, flat, w->original));
    assert_ok(io_hdf5_write(file, "/target/labels", IO_H5_I32, 1, flat, w->labels));
    assert_ok(io_hdf5_write(file, "/target/role", IO_H5_U8, 1, flat, w->role));
    assert_ok(io_hdf5_write(file, "/strange", IO_H5_U8, 1, flat, w->role));
    assert_ok(io_hdf5_save_take(file, path));
}

static inline void world_write_models(const World *w, const char *path)
{
    const int64_t flat[] = {POINTS, CLASSES}, all[] = {RETRAINED, POINTS, CLASSES};
    IoHdf5 *file;
    assert_ok(io_hdf5_create(&file));
    assert_ok(io_hdf5_write(file, "/points/labels", IO_H5_I32, 1, flat, w->labels));
    assert_ok(io_hdf5_write(file, "/points/group", IO_H5_U8, 1, flat, w->group));
    assert_ok(io_hdf5_write(file, "/unlearned/logits", IO_H5_F64, 2, flat, w->unlearned));
    assert_ok(io_hdf5_write(file, "/original/logits", IO_H5_F64, 2, flat, w->original));
    assert_ok(io_hdf5_write(file, "/retrained/logits", IO_H5_F64, 3, all, w->retrained));
    const int64_t canaries[] = {CANARIES, CLASSES};
    assert_ok(io_hdf5_write(file, "/canaries/labels", IO_H5_I32, 1, canaries, w->canary_labels));
    assert_ok(io_hdf5_write(file, "/canaries/coin", IO_H5_U8, 1, canaries, w->coin));
    assert_ok(io_hdf5_write(file, "/canaries/unlearned_logits", IO_H5_F64, 2, canaries, w->canaries));
    assert_ok(io_hdf5_save_take(file, path));
}

/** An edit of weights that are the first rows of @p x [EDIT_ROWS, EDIT_FEATURES]. */
enum { EDIT_FEATURES = 40, EDIT_ROWS = 600, EDIT_OUTPUTS = 30 };
static inline void world_edit(const float *x, float *out)
{
    expunge_space *retain, *forget;
    assert_done(expunge_space_create(EDIT_FEATURES, 0, NULL, &retain));
    assert_done(expunge_space_create(EDIT_FEATURES, EDIT_ROWS / 2, "eigen", &forget));
    assert_done(expunge_space_add(retain, x, EDIT_ROWS, EDIT_FEATURES, EXPUNGE_F32));
    assert_done(
        expunge_space_add(forget, x + EDIT_ROWS / 2 * EDIT_FEATURES, EDIT_ROWS / 2, EDIT_FEATURES, EXPUNGE_F32));
    assert_done(expunge_space_finish(retain));
    assert_done(expunge_space_finish(forget));
    assert_done(
        expunge_edit(retain, forget, x, EDIT_OUTPUTS, EDIT_FEATURES, EXPUNGE_F32, 100, 3, out, EDIT_FEATURES, NULL));
    expunge_space_free(retain), expunge_space_free(forget);
}

/** Both texts without the lines that hold one of these words, and they must be equal then. */
static inline void assert_same_but(const char *a, const char *b, const char *const *words)
{
    for (int side = 0;;) {
        const char **at = side ? &b : &a;
        size_t length = strcspn(*at, "\n");
        bool skip = false;
        for (size_t w = 0; words[w]; w++) {
            const char *hit = strstr(*at, words[w]);
            skip |= hit && hit < *at + length;
        }
        if (skip) {
            *at += length + ((*at)[length] == '\n');
            continue;
        }
        if (!side) {
            side = 1;
            continue;
        }
        size_t other = strcspn(a, "\n");
        if (other != length || memcmp(a, b, length) != 0)
            fail_msg("'%.*s' is not '%.*s'", (int)other, a, (int)length, b);
        if (!a[other] || !b[length]) break;
        a += other + 1, b += length + 1, side = 0;
    }
    assert_true(strchr(a, '\n') == NULL && strchr(b, '\n') == NULL);
}

#endif
