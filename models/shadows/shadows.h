/* models/shadows/shadows.h - a folder of shadow models and the shadows.json that describes it (docs/shadows.md): reading,
 * checking, and the arrays that attacks want. `expunge run` writes such a folder; one may be written by hand for
 * networks trained elsewhere. */
#ifndef MODELS_SHADOWS_SHADOWS_H
#define MODELS_SHADOWS_SHADOWS_H

#include "base/yaml.h"
#include "mia/mia.h"
#include "models/logits.h"

/** The file of a folder of shadow models, and the version of its form. */
#define MODEL_SHADOWS_FILE "shadows.json"
enum { MODEL_SHADOWS_FORMAT = 1 };

typedef enum { MODEL_ROLE_ORIGINAL, MODEL_ROLE_UNLEARNED, MODEL_ROLE_RETRAINED, MODEL_ROLES } ModelRole;
extern const char *const model_role_names[]; /* "original", "unlearned", "retrained", NULL */

/** One network of the folder. Owned by its ModelShadows. */
typedef struct {
    ModelRole role;
    int64_t pair;               /* which half it was trained on: an original and what was made of it share it */
    char *file;                 /* path, folder included */
    char sha256[BASE_HASH_HEX]; /* of the file, as it was found on reading */
    char *members;      /* path of the index file of what trained it; of an unlearned one: what trained it first */
    const char *forget; /* classes, "6"; "" for an original, and where images are listed */
    char *forget_index; /* path of the index file of listed images; NULL: none */
    const char *method; /* "" where not said */
    const char *where;  /* "file:line" */
    ModelPoint *member; /* [member_count] positions in the SOURCE's splits, ascending: training split first */
    int64_t member_count;
    ModelPoint *listed; /* [listed_count] of forget_index, in the same form */
    int64_t listed_count;
} ModelShadow;

typedef struct {
    char *folder, *path;            /* path: of shadows.json */
    char sha256[BASE_HASH_HEX];     /* of shadows.json */
    BaseYaml *root;                 /* what the texts that are not owned are borrowed from */
    const char *arch, *data, *prep; /* prep: data_prep_text of the training; "" where not said */
    NnPrecision precision;
    ModelShadow *model; /* [count], in the file's order */
    size_t count;
    size_t originals, unlearned, retrained; /* among them */
    ModelShadow *target; /* [target_count]: what `run` trained for an audit beside the shadows; none by hand */
    size_t target_count;
} ModelShadows;

/**
 * Reads "<folder>/shadows.json", every index file and the SHA-256 of every weights file. One line each, with file and
 * line, for: a file that is missing, a hash that differs, a key or role that does not exist, an index file with a
 * position twice, a weights file named twice, two originals of one pair, networks of one pair with different members,
 * an unlearned or retrained network without `forget`, exactly one original (attacks need two). BASE_EIO, BASE_EFORMAT,
 * BASE_EUSAGE. *out owned: model_shadows_free.
 */
BaseStatus model_shadows_read(const char *folder, ModelShadows **out);
void model_shadows_free(ModelShadows *shadows);

/** What arrays are made of; borrowed. */
typedef struct {
    const ModelShadows *shadows;
    SessionData *data;  /* the audit's; class count and preparation must be the shadows' */
    const char *arch;   /* the audit's, must be the shadows' too; NULL: not compared */
    const char *method; /* of the unlearned networks; NULL: the one there is, BASE_EUSAGE where there are several */
    const DataOptions *options; /* that @p data was opened with: its index files say which source image is which */
    const ModelPoints *points;
    const DataForget *forget; /* unlearned and retrained networks of just this set are taken; NULL: none is. Of listed
                                 images, what counts is which of @p data's training images are among them */
    ModelQueries queries;
    NnPrecision precision;  /* of the audit */
    const NnTuning *tuning; /* as ModelLogitsTask */
    const char *cache;      /* as ModelLogitsTask */
    const char *const
        *targets; /* [target_count] nn_net_hash of networks under audit: a shadow that equals one is refused */
    size_t target_count;
    const ModelPoints *population; /* or NULL: points for shadow_population */
} ModelShadowTask;

/** Arrays of MiaInput, owned: model_shadow_arrays_free. Rows are ordered by pair. Absent: NULL and 0. */
typedef struct {
    int64_t S, U, R;
    double *shadow_logits;                                  /* [S, N, K] originals */
    uint8_t *shadow_keep;                                   /* [S, N] */
    double *shadow_population_logits;                       /* [S, Z, K] */
    double *unlearned_logits;                               /* [U, N, K] */
    uint8_t *unlearned_keep;                                /* [U, N] trained it before it unlearned */
    double *retrained_logits;                               /* [R, N, K] */
    int64_t *shadow_pair, *unlearned_pair, *retrained_pair; /* [S], [U], [R] */
    double seconds;                                         /* of making or reading them */
} ModelShadowArrays;
/** BASE_EARG where a shadow's weights are a target's; BASE_EUSAGE where data, architecture or preparation do not fit,
 * or the data was opened with `broken: skip` (positions would move); the index files' and networks' own. */
BaseStatus model_shadows_gather(const ModelShadowTask *task, ModelShadowArrays *out);
void model_shadow_arrays_free(ModelShadowArrays *arrays);

#endif
