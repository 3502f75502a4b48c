/* audit/collect.h - what is audited, and the signals of its models on its images. */
#ifndef AUDIT_COLLECT_H
#define AUDIT_COLLECT_H

#include "audit/signals.h"
#include "nn/train.h"
#include "session/data.h"

/** What is audited; everything borrowed. */
typedef struct {
    const char *signals;         /* a file of logits, in place of models and data; NULL: none */
    const SessionSource *arrays; /* logits in memory in place of that file; `signals` is what messages call them */
    const char *arch, *weights, *data, *forget; /* forget: classes */
    const char *forget_index;                   /* a file of images in its place; NULL: none */
    const DataOptions *prepare;
    const char *original;         /* NULL: not given */
    const char *const *retrained; /* [retrained_count] */
    size_t retrained_count;
    int64_t make_retrained;        /* number of further ones that are trained, from the seed */
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
    const char *date;        /* "2026-11-30 14:05 UTC" */
    const char *const *meta; /* [meta_count] "key=value": who audits, for whom, why */
    size_t meta_count;
} AuditTask;

/** The role of a file that lists what was to be forgotten. */
#define AUDIT_ROLE_IMAGES "forgotten images"
/** A file that went into the audit. */
typedef struct {
    char *role, *path;           /* "unlearned", "retrained", "shadows"; owned */
    char file[BASE_HASH_HEX];    /* SHA-256 of the file */
    char weights[BASE_HASH_HEX]; /* of the network's numbers; "" for what is not a network */
    char *training;              /* what its file says of its training (audit/settings.h); "": nothing; owned */
} AuditInput;

/** What was collected: the signals, and where they come from. Owned: audit_collected_free. */
typedef struct {
    AuditSignals signals;
    SessionData data;
    DataForget forget;
    AuditInput *input; /* [input_count] */
    size_t input_count;
    char *arch; /* as recognised */
    char *forget_numbers, *forget_names;
    const char **meta;  /* of a page that is made again: its texts, the manifest's; else NULL */
    char **forget_name; /* [forget_count]: the same names, each by itself */
    size_t forget_count;
    size_t shadows;         /* networks in the shadow folder */
    double made_seconds;    /* training of retrained models */
    bool unlearned_nothing; /* audit_unlearned_nothing */
} AuditCollected;
void audit_collected_free(AuditCollected *collected);
/** Whether single images were to be forgotten, and what was: "class 3 (Dress)", "600 images of 10 classes". */
bool audit_of_images(const AuditCollected *collected);
void audit_forget_words(const AuditCollected *collected, BaseText *out);
/** Whether the audited model is the original: by the hashes of their weights, or in an audit of logits, which has none, by
 *  the logits. Of inputs and signals alone, so that --verify finds what the audit found. */
bool audit_unlearned_nothing(const AuditCollected *collected);
BaseStatus audit_collect(const AuditTask *task, AuditCollected *out);

#endif
