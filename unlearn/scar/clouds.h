/* unlearn/scar/clouds.h - where the classes are among a network's features, as scar measures it: unlearn/scar.c has
 * the formulas. */
#ifndef UNLEARN_SCAR_CLOUDS_H
#define UNLEARN_SCAR_CLOUDS_H

#include "unlearn/scar/surrogates.h"

typedef struct {
    double power, diagonal, rest; /* of Tukey's transformation; the two gammas of the shrinkage */
} UnlearnCloudShape;

typedef struct {
    int64_t d, count; /* d: features, filled by the caller */
    int32_t *class;   /* [count] */
    float *mean;      /* [count, d] */
    float *inverse;   /* [count, d, d] P, symmetric */
} UnlearnClouds;

enum { UNLEARN_CLOUD_BLOCK = 128 };

/** What comes into the original's classifier, [n, d], for all images in eval mode, and the class that the original takes each for
 *  ([n], or NULL). */
BaseStatus unlearn_clouds_look(const UnlearnImages *images, int64_t d, float *features, int32_t *answers);
/** A cloud for each class with two images or more that is not forgotten whole; @p clouds by unlearn_clouds_free, also on failure. */
BaseStatus unlearn_clouds_make(const UnlearnContext *context, const UnlearnCloudShape *shape, const float *features,
                               const int32_t *labels, int64_t n, UnlearnClouds *clouds);
void unlearn_clouds_free(UnlearnClouds *clouds);
/** v of features @p f [d], which may be @p v itself; returns the norm ||u||, 0 where there is no direction. */
double unlearn_clouds_direction(double power, const float *f, int64_t d, float *v);
/** (v - mu)^T P (v - mu) of the rows of @p v [n, d] to cloud @p m, @p out [n]. @p diff [n, d] is room, @p product [n, d] gets
 *  (v - mu)^T P. */
BaseStatus unlearn_clouds_distances(const UnlearnClouds *clouds, int64_t m, int64_t n, const float *v, float *diff,
                                    float *product, double *out);
/** The nearest cloud of each image of @p forget that is not of its own class, to @p nearest by position in the set. @p
 *  features [n, d] become directions. BASE_EUSAGE where there is no such cloud. */
BaseStatus unlearn_clouds_nearest(const UnlearnCloudShape *shape, const DataView *forget, float *features,
                                  const UnlearnClouds *clouds, int32_t *nearest);

#endif
