/* unlearn/svd/edit.h - the edit D = W (I - P_r) P_f of one weight matrix, W' = W - D (Kodge, Saha, Roy 2024),
 * for one pair of alphas or a grid of them, in blocks of W's rows so that W may be edited in place.
 *
 * It works in two halves: W (I - P_r) in the coordinates of the forget space, which depends on alpha_r alone, then the
 * way back, which depends on alpha_f. A grid keeps the first half of each alpha_r and the factorisation of the last
 * alpha_f, so that with alpha_r varying fastest a further pair costs one solve with W's rows.
 */
#ifndef UNLEARN_SVD_EDIT_H
#define UNLEARN_SVD_EDIT_H

#include "nn/net.h"
#include "unlearn/svd/space.h"

typedef struct UnlearnEdit UnlearnEdit;

/** What D takes out of a layer's response: tr(D G D^T) / tr(W G W^T), on retained and on forgotten inputs. NaN where
 *  the layer does not respond at all. */
typedef struct {
    double retain, forget;
    double of_d[2], of_w[2]; /* the traces themselves: retained, forgotten */
} UnlearnShares;

/** Bytes of an edit of W [rows, f] while it is made, and of what a grid keeps of it at most, factors apart. */
int64_t unlearn_edit_work_bytes(int64_t rows, int64_t f);
int64_t unlearn_edit_kept_bytes(int64_t rows, int64_t f);

/** @p retain, @p forget: borrowed, finished. @p rows: of W; @p block: rows worked on at once, 0: about 16 MB of them.
 *  @p grid: many pairs will follow. BASE_ESHAPE where the two sides differ in features. Memory: a half is rows x (n or
 *  f) floats, kept for each alpha_r of a grid; a factorisation f^2 (dual: n^2). */
BaseStatus unlearn_edit_create(const UnlearnSpace *retain, const UnlearnSpace *forget, int64_t rows, int64_t block,
                               bool grid, UnlearnEdit **out);
void unlearn_edit_free(UnlearnEdit *edit);

/**
 * out = D, or with @p subtract W - D, which may stand in w's place; w, out [rows, f]. Of a grid w is the same each time.
 * @param layer   whose order the columns of w and out have (unlearn_patches_order); NULL: X's own.
 * @param shares  or NULL; costs two products of half size.
 * @param changed ||D||^2, or NULL.
 * @return BASE_ENUMERIC where D is not finite.
 */
BaseStatus unlearn_edit_make(UnlearnEdit *edit, const NnLayer *layer, double alpha_r, double alpha_f, const float *w,
                             bool subtract, float *out, UnlearnShares *shares, double *changed);

#endif
