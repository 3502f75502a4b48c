/* audit/audit.h - `expunge audit`: from a user's models and data to a folder with a report that can be checked. */
#ifndef AUDIT_AUDIT_H
#define AUDIT_AUDIT_H

#include "audit/judge.h"

/** What is audited; everything borrowed. */
typedef struct {
    const char *arch, *weights, *data, *forget;
    const DataOptions *prepare;
    const char *original;         /* NULL: not given */
    const char *const *retrained; /* [retrained_count] */
    size_t retrained_count;
    int64_t make_retrained;        /* so many more are trained, from the seed */
    const NnTrainConfig *training; /* of these */
    const char *shadow;            /* folder of shadow models; NULL: none */
    const char *attacks;           /* "auto", "all" or names with commas; NULL: auto */
    const char *const *set;        /* [set_count] "attack.key=value" */
    size_t set_count;
    AuditOptions options;
    NnPrecision precision;
    NnTuning *tuning; /* NULL: none */
    uint64_t seed;
    const char *out, *command;
} AuditTask;

/** A file that went into the audit. */
typedef struct {
    char *role, *path;           /* "unlearned", "retrained", "shadows"; owned */
    char file[BASE_HASH_HEX];    /* SHA-256 of the file */
    char weights[BASE_HASH_HEX]; /* of the network's numbers; "" for what is no network */
} AuditInput;

/** What was collected: the signals, and where they come from. Owned: audit_collected_free. */
typedef struct {
    AuditSignals signals;
    SessionData data;
    DataClasses forget;
    AuditInput *input; /* [input_count] */
    size_t input_count;
    char *arch; /* as recognised */
    char *forget_numbers, *forget_names;
    char **forget_name; /* [forget_count]: the same names, each by itself */
    size_t forget_count;
    size_t shadows;         /* networks in the shadow folder */
    double made_seconds;    /* training of retrained models */
    bool unlearned_nothing; /* the audited weights are the original's */
} AuditCollected;
void audit_collected_free(AuditCollected *collected);
BaseStatus audit_collect(const AuditTask *task, AuditCollected *out);

/** The whole audit: collects, judges, writes task->out, all of it or nothing. What stood there is replaced only where
 * it is an audit too (BASE_EUSAGE else). *json owned: report.json's text. *terminal: appended. */
BaseStatus audit_run(const AuditTask *task, char **json, BaseText *terminal);

/** Who must have signed an audit's manifest (audit/signature.h); both NULL: nobody. */
typedef struct {
    const char *signers, *identity;
} AuditSigner;

/** How many things differ from what the audit wrote, and how many pictures may show anything, since they are drawn by
 *  another gnuplot or show images that are gone: an audit is verified where both are 0. */
typedef struct {
    int64_t differences, pictures;
} AuditVerdict;

/** Checks a folder that audit_run wrote: files, inputs that still exist, that numbers, pages and figures follow from
 *  signals.h5 and the manifest, and the signature.
 *  @p out: a new folder, into which the pages are written as this machine makes them, where nothing differs; NULL:
 * none.
 *  @p lines: one line for each difference, then one that ends with "signed by .." or "unsigned". BASE_EUSAGE. */
BaseStatus audit_verify(const char *folder, const AuditSigner *signer, const char *out, BaseText *lines,
                        AuditVerdict *verdict);

#endif
