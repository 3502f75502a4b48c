/* audit/canaries.h - the canaries of an audit: which coin each had, and what the models say of them. They are part of
 * the signals, in the file's group /canaries. */
#ifndef AUDIT_CANARIES_H
#define AUDIT_CANARIES_H

#include "data/data.h"
#include "data/forget/forget.h"
#include "io/hdf5.h"
#include "session/canaries.h"
#include "session/source.h"

/** Owned: audit_canaries_free. n 0: none. */
typedef struct {
    int64_t n;
    int32_t *label;               /* [n] that each is trained with */
    uint8_t *coin, *forgotten;    /* [n] 1: held in; 1: of a class that is to be forgotten */
    int64_t *at;                  /* [n] positions in the training split; NULL: not known */
    double *unlearned, *original; /* [n, K]; original NULL: not given, or trained without these canaries */
    char *kind, *seed;            /* as `expunge train` drew them; NULL: others did */
} AuditCanaries;
void audit_canaries_free(AuditCanaries *canaries);

/** All but the logits. */
BaseStatus audit_canaries_take(const SessionCanaries *from, const DataForget *forget, AuditCanaries *out);
BaseStatus audit_canaries_write(const AuditCanaries *canaries, int64_t K, IoHdf5 *file);
/** @p file_name for messages. /canaries/{labels,coin} [n] and /canaries/unlearned_logits [n, K], else BASE_EFORMAT; the
 *  rest may be missing: without /canaries/forgotten, a canary is forgotten whose class is among those of @p forgotten
 *  [K]. Where the seed is known, coins must be those it gives. No /canaries: none. */
BaseStatus audit_canaries_read(const SessionSource *source, const char *file_name, int64_t K, const bool *forgotten,
                               AuditCanaries *out);

#endif
