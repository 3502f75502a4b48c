/* audit/signature.c - runs ssh-keygen with the file of signers, and reads its exit status and answer. */
#include "audit/signature.h"

#include "audit/manifest.h"
#include "base/memory.h"
#include "base/run.h"
#include "io/file.h"

BaseStatus audit_signature_check(const char *folder, const char *signers, const char *identity)
{
    BaseStatus st = BASE_OK;
    char *manifest = NULL, *signature = NULL;
    int64_t size;
    int code;
    BASE_TRY(base_format(&manifest, "%s/" AUDIT_MANIFEST, folder));
    BASE_TRY(base_format(&signature, "%s/" AUDIT_SIGNATURE, folder));
    BASE_TRY(io_file_size(signers, &size));
    BASE_CHECK(io_path_exists(signature), BASE_EFORMAT, "is missing: the audit is not signed");
    char *const argv[] = {"ssh-keygen",     "-Y", "verify",  "-f", (char *)signers, "-I",
                          (char *)identity, "-n", "expunge", "-s", signature,       NULL}; /* it writes to none */
    BASE_TRY(base_run(argv, manifest, 60, &code));
    BASE_CHECK(code != 127, BASE_EIO,
               "signatures are checked by ssh-keygen, which is missing (Debian: openssh-client)");
    BASE_CHECK(code == 0, BASE_EFORMAT, "is not a signature of manifest.json by %s that %s allows", identity, signers);
out:
    base_free(manifest);
    base_free(signature);
    return st;
}
