/* experiment/each.h - one row of a config's methods that stands for several: `each: {retain_per_class: [10, 100, 0]}` is one
 * method per value (of several keys: per combination), labelled "<label>, retain_per_class=10". */
#ifndef EXPERIMENT_EACH_H
#define EXPERIMENT_EACH_H

#include "experiment/config.h"

/** How many methods @p row stands for; 1 without `each`. BASE_EUSAGE where that is not a map of lists. */
BaseStatus experiment_each_points(const BaseYaml *row, size_t *points);
/** Sets the values of combination @p point in @p m, whose method and parameters are read already; its label becomes the
 *  family and gets the values after it. The first key varies slowest. */
BaseStatus experiment_each_apply(const BaseYaml *row, size_t point, ExperimentMethod *m);

#endif
