/* base/run.c - posix_spawn, since libgomp does not survive fork. */
#include "base/run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/system.h"

BaseStatus base_run(char *const argv[], const char *input, double limit, int *code)
{
    static const struct timespec PAUSE = {0, 20000000};
    posix_spawn_file_actions_t actions;
    pid_t pid, ended;
    int status = 0;
    double start = base_clock_wall();
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, input ? input : "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    int rc = base_system_spawn_in(".", &actions, argv, &pid);
    posix_spawn_file_actions_destroy(&actions);
    *code = 127;
    if (rc == ENOENT) return BASE_OK;
    if (rc) return base_error_set(BASE_EIO, "%s cannot be started: %s", argv[0], strerror(rc));
    while ((ended = waitpid(pid, &status, WNOHANG)) == 0 || (ended < 0 && errno == EINTR)) {
        if (base_clock_wall() - start > limit) kill(pid, SIGKILL);
        nanosleep(&PAUSE, NULL);
    }
    *code = ended == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 128;
    return BASE_OK;
}

bool base_run_finds(const char *name)
{
    const char *path = getenv("PATH");
    char file[4096];
    for (const char *at = path; at && *at;) {
        size_t length = strcspn(at, ":");
        snprintf(file, sizeof file, "%.*s/%s", (int)length, at, name);
        if (length && access(file, X_OK) == 0) return true;
        at += length + (at[length] == ':');
    }
    return false;
}
