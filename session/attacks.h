/* session/attacks.h - several attacks on one set of signals: chosen by name, given parameters, made, and told as JSON; of
 * those that cannot be made the reason. */
#ifndef SESSION_ATTACKS_H
#define SESSION_ATTACKS_H

#include "io/json.h"
#include "session/signals.h"

/** One attack with its parameters, and what it found. */
typedef struct {
    const MiaAttack *attack;
    void *params;
    MiaResult result;
    char *reason; /* why it could not be made; NULL: it was */
} SessionAttack;

/** Owned: session_attacks_free. */
typedef struct {
    SessionAttack *row; /* [count] */
    size_t count;
} SessionAttacks;
void session_attacks_free(SessionAttacks *attacks);

/** What messages call the list of names and one assignment: {"--name", "--set"}. */
typedef struct {
    const char *names, *set;
} SessionAttackWords;

/** @p list: "loss,svc", or "all"; @p set [set_count]: "svc.C=10". BASE_EUSAGE, BASE_ENOTFOUND. */
BaseStatus session_attacks_choose(const char *list, const char *const *set, size_t set_count,
                                  const SessionAttackWords *words, SessionAttacks *out);
/** Makes them all. One alone fails with its reason; of several those are left out, with a warning, that the signals
 *  have no arrays for. BASE_EARG where none is left. */
BaseStatus session_attacks_make(SessionAttacks *attacks, const MiaInput *input);

void session_attacks_count_roles(const MiaInput *input, int64_t count[3]);
/** What `expunge attack --json` prints. @p path: of the file of signals; NULL: there is none. */
IoJson *session_attacks_json(const SessionAttacks *attacks, const SessionSignals *signals, const char *path);

#endif
