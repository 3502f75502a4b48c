/* session/signals.h - a signals file: logits, labels and roles from any framework, as docs/signals.md describes them. */
#ifndef SESSION_SIGNALS_H
#define SESSION_SIGNALS_H

#include "base/hash.h"
#include "mia/mia.h"

/** What the file holds. Owned, the arrays of `input` too: session_signals_free. */
typedef struct {
    MiaInput input;
    char hash[BASE_HASH_HEX]; /* SHA-256 of the file */
    char note[512];           /* of arrays whose rows look like probabilities; empty where none does */
} SessionSignals;

/** Reads a foreign file, through the child process of io/hdf5.h. What is absent stays NULL and 0. Names that no signals
 *  file has are a warning, and so is `note`. BASE_EIO, BASE_EFORMAT (missing, no numbers), BASE_ESHAPE; values are mia_input_check's. */
BaseStatus session_signals_read(const char *path, SessionSignals *out);
void session_signals_free(SessionSignals *signals);

#endif
