/* session/signals.h - a signals file: logits, labels and roles from any framework, as docs/signals.md describes them. */
#ifndef SESSION_SIGNALS_H
#define SESSION_SIGNALS_H

#include "mia/mia.h"
#include "session/source.h"

/** What the file holds. Owned, the arrays of `input` too: session_signals_free. */
typedef struct {
    MiaInput input;
    char hash[BASE_HASH_HEX]; /* SHA-256 of the file; "" of arrays */
    char note[512];           /* of arrays whose rows look like probabilities; empty where none does */
} SessionSignals;

/** Reads a foreign file, through the child process of io/hdf5.h. What is absent stays NULL and 0. Names that no signals
 *  file has are a warning, and so is `note`. BASE_EIO, BASE_EFORMAT (missing, no numbers), BASE_ESHAPE; values are mia_input_check's. */
BaseStatus session_signals_read(const char *path, SessionSignals *out);
/** The same of arrays in memory, or of a file that is open. @p name: what messages call it. */
BaseStatus session_signals_of(const SessionSource *source, const char *name, SessionSignals *out);
/** "/target/logits", ..: what a signals file may hold; NULL-ended. */
extern const char *const session_signals_names[];
void session_signals_free(SessionSignals *signals);

#endif
