/* math/importance_edit.h - the edit D = W (I - P_r) P_f of one weight matrix, W' = W - D (Kodge, Saha, Roy 2024),
 * for one pair of alphas or a grid of them, in blocks of W's rows so that W may be edited in place.
 *
 * It works in two halves: W (I - P_r) as the forgotten inputs see it, which depends on alpha_r alone, then the way
 * back, which depends on alpha_f. A grid keeps the first half of each alpha_r and the factorisation of the last
 * alpha_f, so that with alpha_r varying fastest a further pair costs one solve with W's rows.
 */
#ifndef MATH_IMPORTANCE_EDIT_H
#define MATH_IMPORTANCE_EDIT_H

#include "math/importance.h"

typedef struct MathEdit MathEdit;

/** What D takes out of a layer's response: tr(D G D^T) / tr(W G W^T), on retained and on forgotten inputs. NaN where
 *  the layer does not respond at all. */
typedef struct {
    double retain, forget;
} MathShares;

/** @p retain, @p forget: borrowed, finished. @p rows: of W. @p grid: many pairs will follow. BASE_ESHAPE where the two
 *  sides differ in features. Memory: a half is rows x (n or f) floats, kept for each alpha_r of a grid; a factorisation
 *  f^2 (dual: n^2). */
BaseStatus math_edit_create(const MathImportance *retain, const MathImportance *forget, int64_t rows, bool grid,
                            MathEdit **out);
void math_edit_free(MathEdit *edit);

/** Chooses alpha_r. *wanted: all rows of W must now be fed, in blocks and any order. */
BaseStatus math_edit_retain(MathEdit *edit, double alpha_r, bool *wanted);
/** W's rows first .. first + rows - 1; w [rows, f]. */
BaseStatus math_edit_feed(MathEdit *edit, const float *w, int64_t first, int64_t rows);
/** Chooses alpha_f, once everything is fed. */
BaseStatus math_edit_forget(MathEdit *edit, double alpha_f);
/** out = these rows of D, [rows, f]. BASE_ENUMERIC where one is not finite. */
BaseStatus math_edit_take(MathEdit *edit, int64_t first, int64_t rows, float *out);
/** Adds what these rows of D (from math_edit_take, in the same order) and of W say about the shares; costs two products
 *  of half size. */
BaseStatus math_edit_weigh(MathEdit *edit, const float *w, const float *d, int64_t rows);
/** Of all rows weighed since math_edit_forget. */
MathShares math_edit_shares(const MathEdit *edit);

/** The same for one pair and all rows at once: w, out [rows, f], apart; @p shares or NULL. */
BaseStatus math_importance_edit(const MathImportance *retain, const MathImportance *forget, double alpha_r,
                                double alpha_f, const float *w, int64_t rows, float *out, MathShares *shares);

#endif
