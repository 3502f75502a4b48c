/* tests/unlearn/ways.h - the importance projection on each of its routes: the reference first, and what to project. */
#ifndef TESTS_UNLEARN_WAYS_H
#define TESTS_UNLEARN_WAYS_H

#include "base/random.h"
#include "tests/support/support.h"
#include "unlearn/svd/edit.h"
#include "unlearn/svd/route.h"

typedef struct {
    UnlearnRouteChoice route;
    bool primal; /* never the dual */
} Way;
static const Way WAYS[] = {{UNLEARN_ROUTE_REFERENCE, false}, {UNLEARN_ROUTE_SVD, false},
                           {UNLEARN_ROUTE_EIGEN, true},      {UNLEARN_ROUTE_EIGEN, false},
                           {UNLEARN_ROUTE_CLOSED, true},     {UNLEARN_ROUTE_CLOSED, false},
                           {UNLEARN_ROUTE_AUTO, false}};
enum { WAY_COUNT = sizeof WAYS / sizeof *WAYS };

static inline BaseStatus importance_of(Way way, const float *x, int64_t n, int64_t f, int64_t chunk, UnlearnSpace **out)
{
    BaseStatus st = BASE_OK;
    UnlearnSpace *m = NULL;
    BASE_TRY(unlearn_space_create(n, f, way.route, way.primal, &m));
    for (int64_t at = 0; at < n; at += chunk)
        BASE_TRY(unlearn_space_add(m, x + at * f, n - at < chunk ? n - at : chunk));
    BASE_TRY(unlearn_space_finish(m, NULL, NULL));
    *out = m;
    m = NULL;
out:
    unlearn_space_free(m);
    return st;
}

/* out = W (I - P(alpha)) */
static inline BaseStatus remove_space(const UnlearnSpace *space, double alpha, const float *w, int64_t rows, float *out)
{
    BaseStatus st = BASE_OK;
    UnlearnFactor factor = {0};
    uint8_t *z = NULL;
    BASE_TRY(unlearn_factor_make(space, alpha, &factor));
    BASE_TRY(BASE_ALLOC_RAW(unlearn_space_coordinate_bytes(space, rows), &z));
    BASE_TRY(unlearn_space_coordinates(space, w, rows, z));
    BASE_TRY(unlearn_factor_remove(&factor, w, z, rows, out));
out:
    unlearn_factor_drop(&factor);
    base_free(z);
    return st;
}

/* D of one pair: w, out [rows, f], apart; shares or NULL. */
static inline BaseStatus edit_once(const UnlearnSpace *retain, const UnlearnSpace *forget, double alpha_r,
                                   double alpha_f, const float *w, int64_t rows, float *out, UnlearnShares *shares)
{
    BaseStatus st = BASE_OK;
    UnlearnEdit *e = NULL;
    BASE_TRY(unlearn_edit_create(retain, forget, rows, 0, false, &e));
    BASE_TRY(unlearn_edit_make(e, NULL, alpha_r, alpha_f, w, false, out, shares, NULL));
out:
    unlearn_edit_free(e);
    return st;
}

static inline float *identity(int64_t f)
{
    float *eye;
    assert_ok(BASE_ALLOC(f * f, &eye));
    for (int64_t i = 0; i < f; i++) eye[i * f + i] = 1;
    return eye;
}

static inline float *normals(int64_t n, uint64_t seed, double scale)
{
    float *x;
    BaseRandom r = base_random_make(seed, "test", 0);
    assert_ok(BASE_ALLOC(n, &x));
    for (int64_t i = 0; i < n; i++) x[i] = (float)(scale * base_random_normal(&r));
    return x;
}

#endif
