/* unlearn/svd/measure.h - a layer's row of the report: its two spaces, what they share, and what an edit took. */
#ifndef UNLEARN_SVD_MEASURE_H
#define UNLEARN_SVD_MEASURE_H

#include "unlearn/svd/space.h"
#include "unlearn/unlearn.h"

/** Name, sizes, traces, ranks and, where the route has them, spectra (owned by @p row); the rest of it NaN. Of groups:
 *  the sum of their traces, the mean of ranks and spectra. */
BaseStatus unlearn_measure_spaces(const NnLayer *layer, const UnlearnSpaces *retain, const UnlearnSpaces *forget,
                                  UnlearnLayer *row);
/** tr(P_r P_f) / tr(P_f) over f features; NaN where the forget space is empty. Four products with f rows. */
BaseStatus unlearn_measure_shared(const UnlearnSpaces *retain, const UnlearnSpaces *forget, int64_t f, double alpha_r,
                                  double alpha_f, double *out);
/** What part of all inputs' squares group @p group has: the weight of its response in the layer's. */
double unlearn_measure_weight(const UnlearnSpaces *spaces, int64_t group);
/** What taking @p delta from the layer's W [K, f] does: the shares of its response, and the size of the change. */
BaseStatus unlearn_measure_edit(const NnLayer *layer, const UnlearnSpaces *retain, const UnlearnSpaces *forget,
                                const float *w, const float *delta, UnlearnLayer *row);

#endif
