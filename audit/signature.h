/* audit/signature.h - who made an audit: a signature of its manifest.json by `ssh-keygen -Y sign -n expunge`. */
#ifndef AUDIT_SIGNATURE_H
#define AUDIT_SIGNATURE_H

#include "base/status.h"

/** Whether the manifest of @p folder is signed by @p identity, whose keys the file @p signers lists (ssh-keygen's
 *  ALLOWED SIGNERS). BASE_EFORMAT where the signature is missing or none of theirs; BASE_EIO where there is no
 *  ssh-keygen, or no such file. */
BaseStatus audit_signature_check(const char *folder, const char *signers, const char *identity);

#endif
