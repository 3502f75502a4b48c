/* session/canaries.h - training images that a fair coin each holds in the training or leaves out of it, so that the
 * answers of one model show what its training gives away (Steinke, Nasr, Jagielski 2023, arXiv 2305.08846, Algorithm 1).
 * The design is metadata of the weights, and stays there when they are unlearned. */
#ifndef SESSION_CANARIES_H
#define SESSION_CANARIES_H

#include "io/json.h"
#include "io/tensors.h"
#include "session/data.h"

/** Keys of the weights' metadata. The list is "position:label+" (held in) or "position:label-" (left out), ascending. */
#define SESSION_META_CANARIES    "expunge.canaries"
#define SESSION_META_CANARY_KIND "expunge.canary_kind"

typedef enum {
    SESSION_CANARY_IMAGE, /* with its own label */
    SESSION_CANARY_LABEL  /* with a wrong one, which only a model that saw it would give */
} SessionCanaryKind;
extern const char *const session_canary_kinds[]; /* "image", "label", NULL */

/** Owned: session_canaries_free. n 0: none. */
typedef struct {
    SessionCanaryKind kind;
    uint64_t seed;
    char data[BASE_HASH_HEX]; /* SessionData.hash of the images they are among */
    int64_t n, in;            /* all, and those held in */
    int64_t *at;              /* [n] positions in the training split, ascending */
    int32_t *label;           /* [n] the label that each is trained with */
    uint8_t *coin;            /* [n] 1: held in */
} SessionCanaries;
void session_canaries_free(SessionCanaries *canaries);

/** The coin of one image: it depends on the seed and the position alone, not on which others are canaries. */
uint8_t session_canaries_coin(uint64_t seed, int64_t at);

/**
 * Draws @p n of the images in @p from, an ascending view of data->train, each subset equally likely.
 * @param classes  of the labels that canaries are trained with; NULL: all but @p exclude. A wrong label is drawn from
 *                 them, other than the image's own.
 * @param exclude  classes that are not trained on; NULL: none.
 * BASE_EUSAGE where there are fewer such images, or a class of @p classes is excluded.
 */
BaseStatus session_canaries_draw(const SessionData *data, const DataView *from, int64_t n, SessionCanaryKind kind,
                                 const DataClasses *classes, const DataClasses *exclude, uint64_t seed,
                                 SessionCanaries *out);
/** Gives the training images the labels that they are trained with; data->hash stays that of the data. BASE_EARG where
 *  the images are not those that the canaries were drawn from. Without canaries: nothing. */
BaseStatus session_canaries_apply(const SessionCanaries *canaries, SessionData *data);
/** Whether the training image at @p at is a canary. */
bool session_canaries_has(const SessionCanaries *canaries, int64_t at);
/** Whether the training image at @p at is a canary that its coin left out. */
bool session_canaries_left_out(const SessionCanaries *canaries, int64_t at);
/** Removes these from positions in the training split. */
void session_canaries_leave_out(const SessionCanaries *canaries, DataIndex *index);

/** Only the list and the kind: seed and data_hash are metadata of every training. */
BaseStatus session_canaries_write(const SessionCanaries *canaries, IoTensors *tensors);
/** @p weights names the file in messages. BASE_EFORMAT where the metadata are damaged. */
BaseStatus session_canaries_read(const IoTensors *tensors, const char *weights, SessionCanaries *out);
bool session_canaries_same(const SessionCanaries *a, const SessionCanaries *b);

/** "1000 images with their own labels: 497 held in, 503 left out", and as an object; NULL where memory failed. */
void session_canaries_text(const SessionCanaries *canaries, BaseText *out);
IoJson *session_canaries_json(const SessionCanaries *canaries);

#endif
