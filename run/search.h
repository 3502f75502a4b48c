/* run/search.h - a method's parameters chosen by ACC_r (1 - ACC_f) on the validation split (Kodge, Saha, Roy 2024,
 * section 4): on images that no model was trained on, never on the test set. */
#ifndef RUN_SEARCH_H
#define RUN_SEARCH_H

#include "run/config.h"

typedef struct {
    size_t axis_count, points;
    double *value; /* [axis_count, points] the parameter's number; where it is no number, its place in the list */
    double *score; /* [points] NaN where the method failed */
    double *acc_retain, *acc_forget; /* [points] percent */
    int64_t chosen;                  /* the first of the best */
    int64_t n;                       /* validation images */
    double seconds;
} RunSearch;
void run_search_free(RunSearch *search);

/** Tries the whole grid and leaves the best values in @p params (a block of the method's size). One prepare() serves
 * all points that differ in tunable parameters alone. BASE_EUSAGE where @p validation lacks retained or forgotten
 * images, BASE_ENUMERIC where every point failed. */
BaseStatus run_search(const RunMethod *method, const UnlearnContext *context, const DataView *validation, void *params,
                      RunSearch *out);

#endif
