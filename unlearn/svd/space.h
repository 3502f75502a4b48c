/* unlearn/svd/space.h - the space that a layer's inputs span, each direction weighted by its importance (Kodge, Saha
 * and Roy, "Deep Unlearning", TMLR 2024).
 *
 * X [n, f] holds the inputs as rows, t = ||X||_F^2, and X^T = U S V^T. With s_i = S_i^2 / t:
 *
 *     lambda_i = alpha s_i / ((alpha - 1) s_i + 1)        P(alpha) = U diag(lambda) U^T
 *
 * Rows are streamed in; after unlearn_space_finish, W P can be had for any alpha. Routes differ in how
 * they get there, and their answers in rounding: unlearn/svd/route.h. Zero trace (no input at all) means P = 0.
 *
 * Memory, in floats: closed and eigen f^2, or where n < f n f (less where rows have few columns, half in bf16) + n^2;
 * svd n f + min(n, f) f; reference n f and in float64 f^2. Applying the closed form takes one more f^2 (n^2).
 */
#ifndef UNLEARN_SVD_SPACE_H
#define UNLEARN_SVD_SPACE_H

#include "nn/backend.h"

typedef enum {
    UNLEARN_ROUTE_AUTO,
    UNLEARN_ROUTE_SVD,
    UNLEARN_ROUTE_EIGEN,
    UNLEARN_ROUTE_CLOSED,
    UNLEARN_ROUTE_REFERENCE
} UnlearnRouteChoice;
/** NULL-ended names by value, for parameter tables. */
extern const char *const unlearn_route_names[];

/** X that the routes svd and reference may store, in bytes: they cannot stream. */
#define UNLEARN_STORE_LIMIT ((int64_t)4 << 30)

typedef struct UnlearnSpace UnlearnSpace;
/** Those of a layer's groups, which the method edits each by itself, with its rows of W and its columns of X (NnLayer);
 *  a layer without groups has one. */
typedef struct {
    UnlearnSpace **of;
    int64_t count; /* 0: the layer is not wanted */
} UnlearnSpaces;

/** Rows whose number is not known beforehand: as many as come. Always the Gram matrix of features. */
#define UNLEARN_ROWS_OPEN (-1)

/**
 * @param n, f   rows that will be added in total (where @p shared by this process, which may have none), and their
 *               length; UNLEARN_ROWS_OPEN.
 * @param route  auto is closed.
 * @param shared several processes add rows: always the Gram matrix of features, since stored rows cannot be summed.
 * @return BASE_OK; BASE_EARG; BASE_EUSAGE, BASE_ELIMIT (a route that stores X, beyond one process or
 *         UNLEARN_STORE_LIMIT); BASE_ENOMEM.
 */
BaseStatus unlearn_space_create(int64_t n, int64_t f, UnlearnRouteChoice route, bool shared, UnlearnSpace **out);
void unlearn_space_free(UnlearnSpace *space);
/** Bytes that such a space holds once it is finished, and *bf16 whether it would take rows as bf16. */
int64_t unlearn_space_bytes(int64_t n, int64_t f, UnlearnRouteChoice route, bool shared, bool *bf16);
/** Bytes beside those while it is finished or W is projected, W's rows apart. */
int64_t unlearn_space_work_bytes(int64_t n, int64_t f, UnlearnRouteChoice route, bool shared);
/** Streams @p rows further rows in; x [rows, f]. BASE_EARG beyond n. */
BaseStatus unlearn_space_add(UnlearnSpace *space, const float *x, int64_t rows);

/** Runs of columns, ascending and apart. */
typedef struct {
    int64_t from, width;
} UnlearnSpan;
enum { UNLEARN_SPANS = 16 };
typedef struct {
    UnlearnSpan at[UNLEARN_SPANS];
    int count;
} UnlearnColumns;
/** The same for rows that are 0 outside of @p columns and hold only those: x [rows, sum of widths], float, or bf16 (as
 *  uint16_t) after unlearn_space_use_bf16. Costs the squares of the widths and not f^2. */
BaseStatus unlearn_space_add_columns(UnlearnSpace *space, const void *x, int64_t rows, const UnlearnColumns *columns);

/** From the first row on, rows come as bf16 and @p products (borrowed until finish) multiplies them; nothing is rounded
 *  on the way. Rows stay float32 where X is stored whole or the work is in float64: ask takes_bf16. */
BaseStatus unlearn_space_use_bf16(UnlearnSpace *space, NnGram *products);
bool unlearn_space_takes_bf16(const UnlearnSpace *space);
/** Adds the rows that @p part was given, as if given to @p space after its own; both shared and not finished. The sums
 *  are made of the two Gram matrices, so that the order of all additions is the caller's. */
BaseStatus unlearn_space_absorb(UnlearnSpace *space, const UnlearnSpace *part);
/** Sums n floats, or doubles where wide, over processes, in place. */
typedef BaseStatus (*UnlearnReduce)(void *user, void *x, int64_t n, bool wide);
/** Adds @p rows rows by their finished X^T X [f, f], float64 where @p wide, of which it reads the lower triangle; @p stride:
 *  values from one row of it to the next. Only routes that keep no rows can: BASE_EUSAGE else. */
BaseStatus unlearn_space_add_gram(UnlearnSpace *space, const void *gram, bool wide, int64_t stride, int64_t rows);
/** Ends the stream. @p reduce (NULL: none; shared spaces only) sums over processes.
 *  BASE_ENUMERIC where an input was not finite or the decomposition failed, BASE_EARG where rows are missing. */
BaseStatus unlearn_space_finish(UnlearnSpace *space, UnlearnReduce reduce, void *user);

/* After finish. W, out [rows, f], apart. Many alphas may follow each other; the space does not change. */
/** out = W P(alpha). alpha > 0. */
BaseStatus unlearn_space_project(const UnlearnSpace *space, double alpha, const float *w, int64_t rows, float *out);
/** ||W X^T||_F^2 / t: the layer's response to these inputs. */
BaseStatus unlearn_space_response(const UnlearnSpace *space, const float *w, int64_t rows, double *out);

int64_t unlearn_space_rows(const UnlearnSpace *space); /* over all processes */
double unlearn_space_trace(const UnlearnSpace *space); /* t */
double unlearn_space_rank(const UnlearnSpace *space);  /* effective rank 1 / sum s^2; 0 for zero trace */
/** s, descending, [*count = min(n, f) or f]: owned by @p space. NULL on the closed route. */
const double *unlearn_space_spectrum(const UnlearnSpace *space, int64_t *count);
/** Whether the work is done on K [n, n] in place of G [f, f]. */
bool unlearn_space_is_dual(const UnlearnSpace *space);

#endif
