/* mia/fit/classes.h - an order of the classes that does not depend on their numbers, so that what is fitted to one
 * column a class, or draws class by class, gives the same bits however the classes are numbered. */
#ifndef MIA_FIT_CLASSES_H
#define MIA_FIT_CLASSES_H

#include "mia/mia.h"

/** @p order [K]: the class at each place. Classes come as the points' labels first name them; those that no point has
 *  come last, by their logits point by point (of the target, the population, the unlearned and the retrained models).
 *  BASE_ENOMEM. O(N + K log K) and what it takes to tell columns apart. */
BaseStatus mia_classes_order(const MiaInput *input, int64_t *order);

#endif
