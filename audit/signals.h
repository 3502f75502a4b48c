/* audit/signals.h - all that an audit's numbers are made of: logits of every model on every point, and the options.
 * It is kept as signals.h5, so that the numbers can be made again without models or images. */
#ifndef AUDIT_SIGNALS_H
#define AUDIT_SIGNALS_H

#include "audit/canaries.h"
#include "audit/choose.h"
#include "mia/verdict/verdict.h"
#include "models/shadows/shadows.h"
#include "session/source.h"

/** The kinds of points. Population: held-out points set aside for attacks that need some beside those they judge. */
typedef enum {
    AUDIT_FORGET_TRAIN,
    AUDIT_FORGET_TEST,
    AUDIT_RETAIN_TRAIN,
    AUDIT_RETAIN_TEST,
    AUDIT_POPULATION,
    AUDIT_GROUPS
} AuditGroup;
const char *audit_group_name(AuditGroup group); /* "forgotten, trained on", .. */

/** Owned: audit_signals_free. */
typedef struct {
    AuditOptions options;
    uint64_t seed;
    AuditChoice *choice; /* [choice_count] */
    size_t choice_count;
    int64_t N, K;
    char **class_name;            /* [K]; NULL: numbers are all that is known */
    int32_t *labels;              /* [N] */
    uint8_t *group;               /* [N] AuditGroup */
    int32_t *cluster;             /* [N] points of one number depend on each other; NULL: none do */
    int32_t *subgroup;            /* [N] any parts that people care about, as hospitals; NULL: none */
    ModelPoint *point;            /* [N] where the images are */
    double *unlearned, *original; /* [N, K]; original NULL: not given */
    int64_t R;
    double *retrained; /* [R, N, K] */
    int64_t G;         /* 0 or AUDIT_GRADES */
    double *graded;    /* [G, N, K] networks on the line between the unlearned (0) and the original weights (1) */
    ModelShadowArrays shadow; /* over the same N points; its population arrays are not used */
    AuditCanaries canaries;   /* points of their own */
} AuditSignals;
void audit_signals_free(AuditSignals *signals);
/** Whether the largest of point @p i's logits [N, K] is its label's; of equals the first counts, as in every accuracy. */
bool audit_is_right(const AuditSignals *signals, const double *logits, int64_t i);
/** "3 (Dress)", or "3" where it has no name of its own. Appended. */
void audit_class_words(const AuditSignals *signals, int64_t label, BaseText *out);

/** Graded models, for the control "original against retrained": what part of them is the original. Of weights the rest is
 *  the unlearned model's (AuditSignals.graded); without such networks, of logits, and the rest is the first retrained model's. */
enum { AUDIT_GRADES = 2 };
extern const double audit_grades[AUDIT_GRADES]; /* 0.25, 0.1 */

/** Turns held-out points into the population where an attack of the choice needs one: those that trained no shadow
 *  model. Where others did, all of them (an online attack could not judge them anyway); where it is all, a seeded
 *  quarter. */
void audit_set_population_apart(AuditSignals *signals);

BaseStatus audit_signals_write(const AuditSignals *signals, const char *path);
/** Reads what audit_signals_write wrote; a foreign or damaged file is one line. */
BaseStatus audit_signals_read(const char *path, AuditSignals *out);

/** The arrays of a file that any program may have written (docs/audit.md): /points/{labels,group}, /unlearned/logits, and
 *  what else there is. *out has neither options nor attacks. BASE_EFORMAT in one line. */
BaseStatus audit_signals_open(const char *path, AuditSignals *out);
/** The same of arrays in memory. @p name: what messages call them. */
BaseStatus audit_signals_of(const SessionSource *source, const char *name, AuditSignals *out);
/** "/points/labels", ..: what such a file may hold; NULL-ended. */
extern const char *const audit_signals_names[];

#endif
