/* eval/probe/nearest.h - classes by nearest neighbours: what knn_forget counts. */
#ifndef EVAL_PROBE_NEAREST_H
#define EVAL_PROBE_NEAREST_H

#include <stdint.h>

#include "base/status.h"

enum { EVAL_NEIGHBOURS = 5 };

/** Of each row of @p judged [m, width] the class that most of its EVAL_NEIGHBOURS nearest rows of @p known [n, width]
 * have, by the cosine between rows (0 with a row of zeros); of classes with as many, that of the nearest neighbour. So
 * the answer does not depend on how classes are numbered. @p labels [n], @p out [m]; n, m, width >= 1. */
BaseStatus eval_probe_nearest(const float *known, const int32_t *labels, int64_t n, const float *judged, int64_t m,
                              int64_t width, int32_t *out);

#endif
