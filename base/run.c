/* base/run.c - posix_spawn, since libgomp does not survive fork. */
#include "base/run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/system.h"

static double seconds_of(struct timeval time) { return (double)time.tv_sec + 1e-6 * (double)time.tv_usec; }

/* To its end, or to where it is killed. */
static BaseStatus await(pid_t pid, const BaseRunPlan *plan, double start, BaseRunEnd *end)
{
    static const struct timespec PAUSE = {0, 20000000};
    BaseStatus st = BASE_OK;
    struct rusage used = {0};
    pid_t ended;
    int status = 0;
    while ((ended = wait4(pid, &status, WNOHANG, &used)) == 0 || (ended < 0 && errno == EINTR)) {
        /* not ru_maxrss, which begins with what this process had when it started the other */
        int64_t peak = base_system_peak_memory_of(pid);
        if (peak > end->peak_memory) end->peak_memory = peak;
        end->timed_out = base_clock_wall() - start > plan->limit;
        if (st == BASE_OK) st = base_cancel_check();
        if (end->timed_out || st != BASE_OK) base_system_kill_tree(pid);
        nanosleep(&PAUSE, NULL);
    }
    end->code = ended == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 128;
    end->timed_out = end->timed_out && end->code == 128;
    end->wall_seconds = base_clock_wall() - start;
    end->cpu_seconds = seconds_of(used.ru_utime) + seconds_of(used.ru_stime);
    return st;
}

BaseStatus base_run_plan(char *const argv[], const BaseRunPlan *plan, BaseRunEnd *end)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    double start = base_clock_wall();
    *end = (BaseRunEnd){.code = 127};
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, plan->input ? plan->input : "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, plan->output ? plan->output : "/dev/null",
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    int rc = base_system_spawn_in(plan->folder, &actions, argv, &pid);
    posix_spawn_file_actions_destroy(&actions);
    if (rc == ENOENT) return BASE_OK;
    if (rc) return base_error_set(BASE_EIO, "%s cannot be started: %s", argv[0], strerror(rc));
    return await(pid, plan, start, end);
}

BaseStatus base_run(char *const argv[], const char *input, double limit, int *code)
{
    BaseRunEnd end;
    const BaseRunPlan plan = {.folder = ".", .input = input, .limit = limit};
    BaseStatus st = base_run_plan(argv, &plan, &end);
    *code = end.code;
    return st;
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
