/* unlearn/svd/stream.c - the stream of rows, its end, and the calls that every route answers. */
#include "unlearn/svd/space.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/order.h"
#include "math/linalg.h"
#include "unlearn/svd/route.h"

const char *const unlearn_route_names[] = {"auto", "svd", "eigen", "closed", "reference", NULL};

/* Up to this side the symmetric matrix is kept in float64: with alpha = 1000 the curve lambda(s) turns float32's
 * rounding of G into errors of 1e-5 to 1e-4 in P, and at this size double costs nothing that matters. Larger ones are
 * float32. */
enum { F64_SIDE = 1024 };

static const UnlearnRoute *choose(int64_t n, int64_t f, UnlearnRouteChoice route, bool shared)
{
    bool dual = !shared && n < f;
    switch (route) {
    case UNLEARN_ROUTE_REFERENCE: return &unlearn_route_reference;
    case UNLEARN_ROUTE_SVD: return &unlearn_route_svd;
    case UNLEARN_ROUTE_EIGEN: return dual ? &unlearn_route_eigen_dual : &unlearn_route_eigen;
    default: return dual ? &unlearn_route_dual : &unlearn_route_closed;
    }
}

static bool is_dual(const UnlearnRoute *route) { return route->making == UNLEARN_MAKES_K; }

int64_t unlearn_space_bytes(int64_t n, int64_t f, UnlearnRouteChoice route, bool shared, bool *bf16)
{
    const UnlearnRoute *r = choose(n, f, route, shared);
    int64_t side = is_dual(r) ? n : f, real = side <= F64_SIDE ? sizeof(double) : sizeof(float);
    bool keeps = r->making == UNLEARN_KEEPS_X;
    *bf16 = !keeps && side > F64_SIDE;
    if (keeps)
        return n * f * (int64_t)sizeof(float) +
               base_smaller(n, f) * f * (int64_t)(r == &unlearn_route_reference ? sizeof(double) : sizeof(float));
    return side * side * real + (is_dual(r) ? n * f * (int64_t)sizeof(float) : 0);
}

int64_t unlearn_space_work_bytes(int64_t n, int64_t f, UnlearnRouteChoice route, bool shared)
{
    const UnlearnRoute *r = choose(n, f, route, shared);
    int64_t side = is_dual(r) ? n : f, real = side <= F64_SIDE ? sizeof(double) : sizeof(float);
    int64_t least = base_smaller(n, f);
    if (r == &unlearn_route_reference) return (2 * least * f + n * f + 2 * f * f) * (int64_t)sizeof(double);
    if (r->making == UNLEARN_KEEPS_X) return (4 * least * least + n * f) * (int64_t)sizeof(float); /* LAPACK's gesdd */
    return 2 * side * side * real; /* two factors, or LAPACK's syevd */
}

BaseStatus unlearn_space_create(int64_t n, int64_t f, UnlearnRouteChoice route, bool shared, UnlearnSpace **out)
{
    BaseStatus st = BASE_OK;
    UnlearnSpace *space = NULL;
    const bool open = n == UNLEARN_ROWS_OPEN;
    *out = NULL;
    if (open) n = 0;
    shared |= open; /* no row may be kept that nobody announced */
    BASE_CHECK(n >= !shared && f >= 1 && f <= INT32_MAX, BASE_EARG,
               "inputs of shape [%lld, %lld]: need at least one row and column", (long long)n, (long long)f);
    BASE_TRY(BASE_ALLOC(1, &space));
    *space = (UnlearnSpace){.n = n, .f = f, .open = open, .scale = 1, .route = choose(n, f, route, shared)};
    const UnlearnRoute *r = space->route;
    if (r->making == UNLEARN_KEEPS_X) {
        BASE_CHECK(!open, BASE_EUSAGE, "route %s keeps all rows and must know their number: use route eigen", r->name);
        BASE_CHECK(!shared, BASE_EUSAGE, "route %s needs all rows in one process: use route eigen", r->name);
        BASE_CHECK(n <= UNLEARN_STORE_LIMIT / (f * (int64_t)sizeof *space->x), BASE_ELIMIT,
                   "route %s would store [%lld, %lld] inputs, over its limit of %lld MiB: use route eigen", r->name,
                   (long long)n, (long long)f, (long long)(UNLEARN_STORE_LIMIT >> 20));
    } else {
        space->side = r->making == UNLEARN_MAKES_K ? n : f;
        if (space->side <= F64_SIDE)
            BASE_TRY(BASE_ALLOC(space->side * space->side, &space->matrix_f64));
        else
            BASE_TRY(BASE_ALLOC(space->side * space->side, &space->matrix));
    }
    if (r->making != UNLEARN_MAKES_G) BASE_TRY(BASE_ALLOC_RAW(n * f, &space->x));
    *out = space;
    space = NULL;
out:
    unlearn_space_free(space);
    return st;
}

void unlearn_space_free(UnlearnSpace *space)
{
    if (!space) return;
    base_free(space->x);
    base_free(space->x_bf16);
    base_free(space->groups);
    base_free(space->matrix);
    base_free(space->matrix_f64);
    base_free(space->s);
    base_free(space->descending);
    base_free(space);
}

/* ---- the stream ---- */

static BaseStatus check_columns(const UnlearnSpace *space, const UnlearnColumns *c)
{
    BaseStatus st = BASE_OK;
    int64_t end = 0;
    BASE_CHECK(c->count >= 0 && c->count <= UNLEARN_SPANS, BASE_EARG, "%d runs of columns: 0 to %d", c->count,
               UNLEARN_SPANS);
    for (int i = 0; i < c->count; i++) {
        BASE_CHECK(c->at[i].from >= end && c->at[i].width > 0 && c->at[i].width <= space->f - c->at[i].from, BASE_EARG,
                   "columns %lld to %lld of %lld: runs must ascend, apart and within", (long long)c->at[i].from,
                   (long long)(c->at[i].from + c->at[i].width), (long long)space->f);
        end = c->at[i].from + c->at[i].width;
    }
out:
    return st;
}

BaseStatus unlearn_space_add_columns(UnlearnSpace *space, const void *x, int64_t rows, const UnlearnColumns *columns)
{
    BaseStatus st = BASE_OK;
    if (space->open && !space->finished && rows > 0) space->n = space->seen + rows;
    BASE_CHECK(!space->finished && rows >= 0 && rows <= space->n - space->seen, BASE_EARG,
               "%lld rows more than the %lld announced", (long long)(space->seen + rows - space->n),
               (long long)space->n);
    BASE_TRY(check_columns(space, columns));
    if (space->route->making == UNLEARN_MAKES_G)
        BASE_TRY(unlearn_gram_add(space, x, rows, columns));
    else
        BASE_TRY(unlearn_rows_keep(space, x, rows, columns));
    space->seen += rows;
out:
    return st;
}

BaseStatus unlearn_space_add(UnlearnSpace *space, const float *x, int64_t rows)
{
    const UnlearnColumns all = {.at = {{0, space->f}}, .count = 1};
    if (space->products) return base_error_set(BASE_EARG, "rows were announced as bf16");
    return unlearn_space_add_columns(space, x, rows, &all);
}

BaseStatus unlearn_space_use_bf16(UnlearnSpace *space, NnGram *products)
{
    BaseStatus st = BASE_OK;
    BASE_CHECK(space->seen == 0 && !space->products, BASE_EARG, "the type of the rows is chosen before the first one");
    if (!space->matrix) goto out; /* X itself, and what is small enough for float64 */
    if (space->x) {
        base_free(space->x);
        space->x = NULL;
        BASE_TRY(BASE_ALLOC_RAW(space->n * space->f, &space->x_bf16));
    }
    space->products = products;
out:
    return st;
}

bool unlearn_space_takes_bf16(const UnlearnSpace *space) { return space->products != NULL; }

BaseStatus unlearn_space_absorb(UnlearnSpace *space, const UnlearnSpace *part)
{
    BaseStatus st = BASE_OK;
    bool sums = space->route->making == UNLEARN_MAKES_G && part->route == space->route && space->f == part->f;
    BASE_CHECK(sums && !space->finished && !part->finished && part->seen == part->n, BASE_EARG,
               "only Gram matrices of the same features, all of whose rows have come, can be added");
    for (int64_t i = 0; space->matrix && i < space->side * space->side; i++) space->matrix[i] += part->matrix[i];
    for (int64_t i = 0; space->matrix_f64 && i < space->side * space->side; i++)
        space->matrix_f64[i] += part->matrix_f64[i];
    space->n += part->n;
    space->seen += part->seen;
out:
    return st;
}

BaseStatus unlearn_space_add_gram(UnlearnSpace *space, const void *gram, bool wide, int64_t stride, int64_t rows)
{
    BaseStatus st = BASE_OK;
    const float *narrow = gram;
    const double *full = gram;
    BASE_CHECK(space->route->making == UNLEARN_MAKES_G, BASE_EUSAGE,
               "route %s with %lld rows of %lld features works on the rows themselves: a Gram matrix cannot be added",
               space->route->name, (long long)space->n, (long long)space->f);
    if (space->open && !space->finished && rows > 0) space->n = space->seen + rows;
    BASE_CHECK(!space->finished && rows >= 0 && rows <= space->n - space->seen, BASE_EARG,
               "%lld rows more than the %lld announced", (long long)(space->seen + rows - space->n),
               (long long)space->n);
    for (int64_t i = 0; i < space->f; i++) {
        for (int64_t j = 0; j <= i; j++) {
            double value = wide ? full[i * stride + j] : (double)narrow[i * stride + j];
            if (space->matrix)
                space->matrix[i * space->f + j] += (float)value;
            else
                space->matrix_f64[i * space->f + j] += value;
        }
    }
    space->seen += rows;
out:
    return st;
}

/* ---- its end ---- */

/* Sum over processes, in the precision of the matrix. */
static BaseStatus reduce_gram(UnlearnSpace *space, UnlearnReduce reduce, void *user)
{
    BaseStatus st = BASE_OK;
    double rows = (double)space->n;
    BASE_CHECK(space->route->making == UNLEARN_MAKES_G, BASE_EARG,
               "only a Gram matrix of features can be summed over processes");
    if (space->matrix_f64)
        BASE_TRY(reduce(user, space->matrix_f64, space->side * space->side, true));
    else
        BASE_TRY(reduce(user, space->matrix, space->side * space->side, false));
    BASE_TRY(reduce(user, &rows, 1, true));
    space->total = (int64_t)rows;
out:
    return st;
}

/* G or K from here on is of inputs divided by sqrt(t), and so is X where it is kept in float32. */
static BaseStatus normalise(UnlearnSpace *space)
{
    BaseStatus st = BASE_OK;
    double root = 1 / sqrt(space->trace);
    if (space->route == &unlearn_route_reference) return BASE_OK; /* its equations say X */
    if (space->x_bf16) space->scale = root;
    if (space->x) math_scale(space->x, space->stored, (float)root);
    if (space->route->making == UNLEARN_MAKES_K) BASE_TRY(unlearn_gram_dual(space));
    if (space->side) BASE_TRY(unlearn_gram_divide(space, space->x ? 1 : space->trace));
out:
    return st;
}

/* s, to be filled by the route: zeros where there is no input */
static BaseStatus begin_spectrum(UnlearnSpace *space)
{
    BaseStatus st = BASE_OK;
    space->count = space->side ? space->side : base_smaller(space->n, space->f);
    BASE_TRY(BASE_ALLOC(space->count, &space->s));
    BASE_TRY(BASE_ALLOC(space->count, &space->descending));
out:
    return st;
}

static void end_spectrum(UnlearnSpace *space)
{
    double squares = 0;
    bool ascending = space->side > 0; /* LAPACK's order of eigenvalues; singular values descend */
    for (int64_t i = 0; i < space->count; i++) {
        space->descending[ascending ? space->count - 1 - i : i] = space->s[i];
        squares += space->s[i] * space->s[i];
    }
    if (!space->side && space->trace > 0) space->rank = 1 / squares;
}

BaseStatus unlearn_space_finish(UnlearnSpace *space, UnlearnReduce reduce, void *user)
{
    BaseStatus st = BASE_OK;
    const UnlearnRoute *route = space->route;
    BASE_CHECK(!space->finished && space->seen == space->n, BASE_EARG, "%lld of the %lld rows announced have come",
               (long long)space->seen, (long long)space->n);
    space->total = space->n;
    if (reduce) BASE_TRY(reduce_gram(space, reduce, user));
    if (route->making != UNLEARN_MAKES_G) space->trace = unlearn_rows_squares(space);
    for (int64_t i = 0; route->making == UNLEARN_MAKES_G && i < space->f; i++)
        space->trace += space->matrix ? (double)space->matrix[i * space->f + i] : space->matrix_f64[i * space->f + i];
    BASE_CHECK(isfinite(space->trace), BASE_ENUMERIC,
               "a layer's inputs are not finite, or so large that their squares overflow");
    if (space->trace > 0) BASE_TRY(normalise(space));
    if (route->spectral) BASE_TRY(begin_spectrum(space));
    if (space->trace > 0 && route->build) BASE_TRY(route->build(space));
    if (route->spectral) end_spectrum(space);
    space->finished = true;
out:
    return st;
}

/* ---- routes behind one set of calls ---- */

static int64_t coordinate_width(const UnlearnSpace *space)
{
    if (!(space->trace > 0)) return 0;
    return space->route == &unlearn_route_reference ? space->f : space->s ? space->count : space->side;
}

static const UnlearnCalls *calls_of(const UnlearnSpace *space)
{
    return space->matrix_f64 ? space->route->f64 : space->route->f32;
}

int64_t unlearn_space_coordinate_bytes(const UnlearnSpace *space, int64_t rows)
{
    return rows * coordinate_width(space) * (int64_t)(space->matrix_f64 ? sizeof(double) : sizeof(float));
}

BaseStatus unlearn_space_coordinates(const UnlearnSpace *space, const float *w, int64_t rows, void *z)
{
    return space->trace > 0 ? calls_of(space)->coordinates(space, w, rows, z) : BASE_OK;
}

double unlearn_space_response_of(const UnlearnSpace *space, const float *w, const void *z, int64_t rows)
{
    return space->trace > 0 ? calls_of(space)->response(space, w, z, rows) : 0;
}

BaseStatus unlearn_factor_make(const UnlearnSpace *space, double alpha, UnlearnFactor *out)
{
    *out = (UnlearnFactor){.space = space, .alpha = alpha};
    if (!(alpha > 0 && alpha <= 1e30)) return base_error_set(BASE_EARG, "alpha = %g: must be above 0", alpha);
    return space->trace > 0 && calls_of(space)->factor ? calls_of(space)->factor(space, alpha, out) : BASE_OK;
}

void unlearn_factor_drop(UnlearnFactor *factor)
{
    base_free(factor->matrix);
    base_free(factor->matrix_f64);
    *factor = (UnlearnFactor){0};
}

BaseStatus unlearn_factor_project(const UnlearnFactor *factor, const void *z, int64_t rows, float *out,
                                  double *response)
{
    const UnlearnSpace *space = factor->space;
    *response = 0;
    if (space->trace > 0) return calls_of(space)->back(factor, NULL, z, rows, out, response);
    memset(out, 0, (size_t)(rows * space->f) * sizeof *out);
    return BASE_OK;
}

BaseStatus unlearn_factor_remove(const UnlearnFactor *factor, const float *w, const void *z, int64_t rows, float *out)
{
    BaseStatus st = BASE_OK;
    const UnlearnSpace *space = factor->space;
    double unused;
    bool partial = coordinate_width(space) < space->f; /* its vectors span less than W's rows */
    if (space->trace > 0 && space->route->removes && !partial)
        return calls_of(space)->back(factor, w, z, rows, out, &unused);
    BASE_TRY(unlearn_factor_project(factor, z, rows, out, &unused));
    for (int64_t i = 0; i < rows * space->f; i++) out[i] = w[i] - out[i];
out:
    return st;
}

/* ---- what is asked of a space ---- */

static BaseStatus check_use(const UnlearnSpace *space, int64_t rows)
{
    if (!space->finished) return base_error_set(BASE_EARG, "the stream of inputs has not ended");
    if (rows < 0) return base_error_set(BASE_EARG, "rows = %lld", (long long)rows);
    return BASE_OK;
}

BaseStatus unlearn_space_project(const UnlearnSpace *space, double alpha, const float *w, int64_t rows, float *out)
{
    BaseStatus st = BASE_OK;
    UnlearnFactor factor = {0};
    uint8_t *z = NULL;
    double unused;
    BASE_TRY(check_use(space, rows));
    BASE_TRY(unlearn_factor_make(space, alpha, &factor));
    BASE_TRY(BASE_ALLOC_RAW(unlearn_space_coordinate_bytes(space, rows), &z));
    BASE_TRY(unlearn_space_coordinates(space, w, rows, z));
    BASE_TRY(unlearn_factor_project(&factor, z, rows, out, &unused));
out:
    unlearn_factor_drop(&factor);
    base_free(z);
    return st;
}

BaseStatus unlearn_space_response(const UnlearnSpace *space, const float *w, int64_t rows, double *out)
{
    BaseStatus st = BASE_OK;
    uint8_t *z = NULL;
    *out = 0;
    BASE_TRY(check_use(space, rows));
    if (!(space->trace > 0)) goto out;
    if (calls_of(space)->quadratic && space->route->making == UNLEARN_MAKES_G)
        return calls_of(space)->quadratic(space, w, rows, out);
    BASE_TRY(BASE_ALLOC_RAW(unlearn_space_coordinate_bytes(space, rows), &z));
    BASE_TRY(unlearn_space_coordinates(space, w, rows, z));
    *out = unlearn_space_response_of(space, w, z, rows);
out:
    base_free(z);
    return st;
}

int64_t unlearn_space_rows(const UnlearnSpace *space) { return space->total; }
double unlearn_space_trace(const UnlearnSpace *space) { return space->trace; }
double unlearn_space_rank(const UnlearnSpace *space) { return space->rank; }
bool unlearn_space_is_dual(const UnlearnSpace *space) { return is_dual(space->route); }

const double *unlearn_space_spectrum(const UnlearnSpace *space, int64_t *count)
{
    *count = space->count;
    return space->descending;
}
