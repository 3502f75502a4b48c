/* unlearn/gradient/watch.h - when to stop driving a network away from the forgotten images: ascent has no lower end,
 * and each step beyond the point where they are forgotten only costs retained accuracy. */
#ifndef UNLEARN_GRADIENT_WATCH_H
#define UNLEARN_GRADIENT_WATCH_H

#include "unlearn/unlearn.h"

/** How many images of @p view @p net recognises, in eval mode. Cost: a forward pass of them. */
BaseStatus unlearn_count_known(const UnlearnContext *context, NnNet *net, const DataView *view, const char *label,
                               int64_t *right);
/** Whether nothing is kept of any class that images are forgotten of: a list of images that are whole classes, too. */
BaseStatus unlearn_keeps_none(const UnlearnContext *context, bool *none);
/** What a network that was trained without the listed images is to know of them, by what @p net knows of held-out images
 *  of their classes, about UNLEARN_UNSEEN at most: each class weighs as many images as the list has of it. 0 for a
 *  class of which nothing is kept, which such a network does not know; without a class that has images to keep but none
 *  held out, and NaN where nothing is left. They are of the context's validation part, never test images. Adds their
 *  number to *passes. */
BaseStatus unlearn_unseen_share(const UnlearnContext *context, NnNet *net, double *share, double *passes);

typedef struct UnlearnWatch UnlearnWatch;
#define UNLEARN_STOP 0.01       /* the default: whole classes are forgotten */
enum { UNLEARN_UNSEEN = 1024 }; /* held-out images that its place is taken by, at most about */
enum { UNLEARN_WATCHED = 128 }; /* images, about: the same number of each forgotten class */

/** Watches @p net (borrowed; its present numbers count, in eval mode) on a fixed sample of @p forget. @p stop: share of
 *  right answers at or below which it is done; below 0: never, and *out is NULL. Of listed images, which a retrained
 *  network knows as well as any others, UNLEARN_STOP stands for unlearn_unseen_share of @p net, where that is more, and each
 *  class counts as often as it is listed; without such images it is taken as it is, with a warning. */
BaseStatus unlearn_watch_create(const UnlearnContext *context, NnNet *net, const DataView *forget, double stop,
                                UnlearnWatch **out);
void unlearn_watch_free(UnlearnWatch *watch);
/** A NULL @p watch is never done. Cost: a forward pass of the sample. */
BaseStatus unlearn_watch_done(UnlearnWatch *watch, bool *done);
double unlearn_watch_passes(const UnlearnWatch *watch); /* images passed so far; NULL: 0 */

#endif
