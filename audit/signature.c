/* audit/signature.c - runs ssh-keygen with the file of signers, and reads its exit status and answer. */
#include "audit/signature.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/manifest.h"
#include "base/memory.h"
#include "base/system.h"
#include "io/file.h"

/* *code: its exit status; 127 where there is no ssh-keygen. */
static BaseStatus ask(char *const argv[], const char *manifest, int *code)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status = 0;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, manifest, O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    int rc = base_system_spawn_in(".", &actions, argv, &pid);
    posix_spawn_file_actions_destroy(&actions);
    *code = 127;
    if (rc == ENOENT) return BASE_OK;
    if (rc) return base_error_set(BASE_EIO, "ssh-keygen cannot be started: %s", strerror(rc));
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    *code = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
    return BASE_OK;
}

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
    BASE_TRY(ask(argv, manifest, &code));
    BASE_CHECK(code != 127, BASE_EIO,
               "signatures are checked by ssh-keygen, which is missing (Debian: openssh-client)");
    BASE_CHECK(code == 0, BASE_EFORMAT, "is not a signature of manifest.json by %s that %s allows", identity, signers);
out:
    base_free(manifest);
    base_free(signature);
    return st;
}
