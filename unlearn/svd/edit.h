/* unlearn/svd/edit.h - the edit D = W (I - P_r) P_f of one weight matrix, W' = W - D (Kodge, Saha, Roy 2024),
 * for one pair of alphas or a grid of them, in blocks of W's rows so that W may be edited in place.
 *
 * It works in two halves: W (I - P_r) in the coordinates of the forget space, which depends on alpha_r alone, then the
 * way back, which depends on alpha_f. A grid keeps the first half of each alpha_r and the factorisation of the last
 * alpha_f, so that with alpha_r varying fastest a further pair costs one solve with W's rows.
 */
#ifndef UNLEARN_SVD_EDIT_H
#define UNLEARN_SVD_EDIT_H

#include "unlearn/svd/space.h"

typedef struct UnlearnEdit UnlearnEdit;

/** What D takes out of a layer's response: tr(D G D^T) / tr(W G W^T), on retained and on forgotten inputs. NaN where
 *  the layer does not respond at all. */
typedef struct {
    double retain, forget;
} UnlearnShares;

/** @p retain, @p forget: borrowed, finished. @p rows: of W. @p grid: many pairs will follow. BASE_ESHAPE where the two
 *  sides differ in features. Memory: a half is rows x (n or f) floats, kept for each alpha_r of a grid; a factorisation
 *  f^2 (dual: n^2). */
BaseStatus unlearn_edit_create(const UnlearnSpace *retain, const UnlearnSpace *forget, int64_t rows, bool grid,
                               UnlearnEdit **out);
void unlearn_edit_free(UnlearnEdit *edit);

/** Chooses alpha_r. *wanted: all rows of W must now be fed, in blocks and any order. */
BaseStatus unlearn_edit_retain(UnlearnEdit *edit, double alpha_r, bool *wanted);
/** W's rows first .. first + rows - 1; w [rows, f]. */
BaseStatus unlearn_edit_feed(UnlearnEdit *edit, const float *w, int64_t first, int64_t rows);
/** Chooses alpha_f, once everything is fed. */
BaseStatus unlearn_edit_forget(UnlearnEdit *edit, double alpha_f);
/** out = these rows of D, [rows, f]. BASE_ENUMERIC where one is not finite. */
BaseStatus unlearn_edit_take(UnlearnEdit *edit, int64_t first, int64_t rows, float *out);
/** Adds what these rows of D (from unlearn_edit_take, in the same order) and of W say about the shares; costs two
 *  products of half size. */
BaseStatus unlearn_edit_weigh(UnlearnEdit *edit, const float *w, const float *d, int64_t rows);
/** Of all rows weighed since unlearn_edit_forget. */
UnlearnShares unlearn_edit_shares(const UnlearnEdit *edit);

/** The same for one pair and all rows at once: w, out [rows, f], apart; @p shares or NULL. */
BaseStatus unlearn_edit_once(const UnlearnSpace *retain, const UnlearnSpace *forget, double alpha_r, double alpha_f,
                             const float *w, int64_t rows, float *out, UnlearnShares *shares);

#endif
