/* tests/math/ways.h - the importance projection on each of its routes, and what to project. */
#ifndef TESTS_MATH_WAYS_H
#define TESTS_MATH_WAYS_H

#include "base/random.h"
#include "math/importance_edit.h"
#include "tests/support/support.h"

typedef struct {
    MathRoute route;
    bool primal; /* never the dual */
} Way;
static const Way WAYS[] = {{MATH_ROUTE_SVD, false},   {MATH_ROUTE_EIGEN, true},   {MATH_ROUTE_EIGEN, false},
                           {MATH_ROUTE_CLOSED, true}, {MATH_ROUTE_CLOSED, false}, {MATH_ROUTE_AUTO, false}};
enum { WAY_COUNT = sizeof WAYS / sizeof *WAYS };

static inline BaseStatus importance_of(Way way, const float *x, int64_t n, int64_t f, int64_t chunk,
                                       MathImportance **out)
{
    BaseStatus st = BASE_OK;
    MathImportance *m = NULL;
    BASE_TRY(math_importance_create(n, f, way.route, way.primal, &m));
    for (int64_t at = 0; at < n; at += chunk)
        BASE_TRY(math_importance_add(m, x + at * f, n - at < chunk ? n - at : chunk));
    BASE_TRY(math_importance_finish(m, NULL, NULL));
    *out = m;
    m = NULL;
out:
    math_importance_free(m);
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
