/* sweep/spawn.c - processes of this program itself, since libgomp does not survive fork. What they say comes through a
 * pipe, one message per line: 'N' a notice, 'W' a warning, 'E' the number of a status and its text; any other line is a
 * library's. */
#include "sweep/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/system.h"
#include "base/text.h"

enum { LINE = 2048, RESPAWNS = 8, POLL_MS = 300 };

typedef struct {
    pid_t pid; /* 0: none */
    int fd;    /* of its messages; -1: at their end */
    char line[LINE];
    size_t used;
} Process;

typedef struct {
    Sweep *sweep;
    Process *at; /* [count] */
    int count, respawned, died;
    BaseStatus st; /* first error that a worker ended with */
    char reason[LINE];
    double started;
    char **argv, **environment, parent[24], threads[40];
} Pool;

/* ------------------------------------------------------------ starting */

/* Places in a worker's argv; behind them what the caller gives it. */
enum { ARG_PROGRAM, ARG_MARK, ARG_PARENT, ARGS };

static BaseStatus make_argv(Pool *p, const SweepWorkers *workers)
{
    BaseStatus st = BASE_OK;
    static char name[4096], mark[] = SWEEP_WORKER;
    BASE_TRY(BASE_ALLOC(ARGS + workers->argument_count + 1, &p->argv));
    BASE_TRY(base_system_program_path(name, sizeof name)); /* a worker starts this program, too */
    snprintf(p->parent, sizeof p->parent, "%ld", (long)getpid());
    p->argv[ARG_PROGRAM] = name;
    p->argv[ARG_MARK] = mark;
    p->argv[ARG_PARENT] = p->parent;
    for (size_t i = 0; i < workers->argument_count; i++)
        p->argv[ARGS + i] = (char *)workers->arguments[i]; /* posix_spawn writes to none of them */
    snprintf(p->threads, sizeof p->threads, "OMP_NUM_THREADS=%d", workers->threads);
out:
    return st;
}

/* The environment with the workers' thread count. */
static BaseStatus make_environment(Pool *p)
{
    size_t n = 0, kept = 0;
    while (environ[n]) n++;
    BaseStatus st = BASE_ALLOC(n + 2, &p->environment);
    if (st != BASE_OK) return st;
    for (size_t i = 0; i < n; i++)
        if (strncmp(environ[i], "OMP_NUM_THREADS=", 16) != 0) p->environment[kept++] = environ[i];
    p->environment[kept] = p->threads;
    return BASE_OK;
}

static BaseStatus start(Pool *p, Process *process)
{
    BaseStatus st = BASE_OK;
    int ends[2] = {-1, -1};
    posix_spawn_file_actions_t actions;
    const char *program;
    BASE_TRY(base_system_program(&program));
    BASE_CHECK(base_system_pipe(ends) == 0, BASE_EIO, "no pipe can be made for a worker: %s", strerror(errno));
    int rc = posix_spawn_file_actions_init(&actions);
    BASE_CHECK(rc == 0, BASE_ENOMEM, "a worker cannot be started: %s", strerror(rc));
    rc = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!rc) rc = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (!rc) rc = posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    if (!rc) rc = posix_spawn(&process->pid, program, &actions, NULL, p->argv, p->environment);
    posix_spawn_file_actions_destroy(&actions);
    if (rc) process->pid = 0;
    BASE_CHECK(rc == 0, BASE_EIO, "a worker cannot be started: %s", strerror(rc));
    process->fd = ends[0];
    process->used = 0;
    ends[0] = -1;
out:
    for (int i = 0; i < 2; i++)
        if (ends[i] >= 0) close(ends[i]);
    return st;
}

/* ------------------------------------------------------------ listening */

static void hear(Pool *p, char *line)
{
    long code = 0;
    if (line[0] == 'N' && line[1] == ' ') {
        base_notice("%s", line + 2);
    } else if (line[0] == 'W' && line[1] == ' ') {
        base_warning("%s", line + 2);
    } else if (line[0] == 'E' && line[1] == ' ') {
        char *text;
        code = strtol(line + 2, &text, 10);
        if (p->st == BASE_OK) {
            p->st = code > BASE_OK && code < BASE_STATUS_COUNT ? (BaseStatus)code : BASE_EBACKEND;
            snprintf(p->reason, sizeof p->reason, "%s", *text ? text + 1 : "");
        }
    } else if (line[0]) {
        base_warning("%s", line);
    }
}

/* Reads what is there; at the end of the messages the pipe is closed. */
static void listen_to(Pool *p, Process *process)
{
    ssize_t got = read(process->fd, process->line + process->used, LINE - 1 - process->used);
    if (got < 0 && errno == EINTR) return;
    if (got <= 0) {
        close(process->fd);
        process->fd = -1;
        process->line[process->used] = '\0';
        if (process->used) hear(p, process->line);
        return;
    }
    process->used += (size_t)got;
    char *from = process->line, *end = from + process->used, *newline;
    while ((newline = memchr(from, '\n', (size_t)(end - from)))) {
        *newline = '\0';
        hear(p, from);
        from = newline + 1;
    }
    process->used = (size_t)(end - from);
    memmove(process->line, from, process->used);
    if (process->used == LINE - 1) { /* longer than any of ours */
        process->line[process->used] = '\0';
        hear(p, process->line);
        process->used = 0;
    }
}

static BaseStatus show(Pool *p, SweepProgress *progress)
{
    char text[160];
    BaseStatus st = sweep_progress(p->sweep, progress);
    if (st != BASE_OK) return st;
    sweep_progress_text(p->sweep, progress, text);
    char *comma = strstr(text, ", about "); /* the bar says that itself */
    if (comma) *comma = '\0';
    int64_t spent = (int64_t)(1000 * (base_clock_wall() - p->started)), left = (int64_t)(1000 * progress->left);
    bool known = !isnan(progress->left) && spent > 0 && left > 0;
    base_progress("sweep", known ? spent : 0, known ? spent + left : 1, text);
    return BASE_OK;
}

/* One that died by itself is started anew, some times: its step is taken again, by whomever. */
static BaseStatus bury(Pool *p, Process *process, size_t open_rows)
{
    int status = 0;
    while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR) continue;
    process->pid = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return BASE_OK;
    if (WIFEXITED(status)) {
        if (p->st == BASE_OK) {
            p->st = BASE_EBACKEND;
            snprintf(p->reason, sizeof p->reason, "a worker ended with exit status %d", WEXITSTATUS(status));
        }
        return BASE_OK;
    }
    p->died++;
    base_warning("a worker was killed by signal %d (%s); its job is run again", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    if (open_rows == 0 || p->respawned == RESPAWNS) return BASE_OK;
    p->respawned++;
    return start(p, process);
}

static size_t open_rows(const Sweep *s, const SweepProgress *p)
{
    return s->steps->row_count - (size_t)(p->done + p->failed + p->skipped);
}

static BaseStatus watch(Pool *p)
{
    BaseStatus st = BASE_OK;
    struct pollfd *want = NULL;
    SweepProgress progress;
    BASE_TRY(BASE_ALLOC(p->count, &want));
    for (;;) {
        int alive = 0;
        for (int i = 0; i < p->count; i++) {
            want[i] = (struct pollfd){.fd = p->at[i].pid ? p->at[i].fd : -1, .events = POLLIN};
            alive += p->at[i].pid != 0;
        }
        if (!alive) break;
        int ready = poll(want, (nfds_t)p->count, POLL_MS);
        BASE_CHECK(ready >= 0 || errno == EINTR, BASE_EIO, "the pipes from the workers cannot be read: %s",
                   strerror(errno));
        for (int i = 0; i < p->count && ready > 0; i++)
            if (want[i].fd >= 0 && want[i].revents) listen_to(p, &p->at[i]);
        BASE_TRY(show(p, &progress));
        for (int i = 0; i < p->count; i++)
            if (p->at[i].pid && p->at[i].fd < 0) BASE_TRY(bury(p, &p->at[i], open_rows(p->sweep, &progress)));
    }
    base_progress("sweep", 1, 1, NULL);
    BASE_TRY(sweep_progress(p->sweep, &progress));
    BASE_CHECK(p->st == BASE_OK, p->st, "%s", p->reason);
    BASE_CHECK(open_rows(p->sweep, &progress) == 0, BASE_EBACKEND,
               "%zu jobs are not done: %d workers died; the same command continues from here",
               open_rows(p->sweep, &progress), p->died);
out:
    base_free(want);
    return st;
}

BaseStatus sweep_spawn(Sweep *sweep, const SweepWorkers *workers)
{
    BaseStatus st = BASE_OK;
    Pool p = {.sweep = sweep, .count = workers->count, .started = base_clock_wall()};
    BASE_TRY(BASE_ALLOC(p.count, &p.at));
    for (int i = 0; i < p.count; i++) p.at[i].fd = -1;
    BASE_TRY(make_argv(&p, workers));
    BASE_TRY(make_environment(&p));
    for (int i = 0; i < p.count; i++) BASE_TRY(start(&p, &p.at[i]));
    BASE_TRY(watch(&p));
out:
    for (int i = 0; p.at && i < p.count; i++) { /* after an error of this process */
        if (p.at[i].pid) {
            kill(p.at[i].pid, SIGKILL);
            waitpid(p.at[i].pid, NULL, 0);
        }
        if (p.at[i].fd >= 0) close(p.at[i].fd);
    }
    base_free(p.at);
    base_free(p.argv);
    base_free(p.environment);
    return st;
}

/* ------------------------------------------------------------ the worker's side */

static void say(void *user, BaseLogLevel level, const char *text)
{
    (void)user;
    char line[LINE];
    int length = snprintf(line, sizeof line - 1, "%c %s", level == BASE_LOG_WARNING ? 'W' : 'N', text);
    if (length > LINE - 2) length = LINE - 2;
    for (char *c = line; *c; c++)
        if (*c == '\n') *c = ' ';
    line[length++] = '\n';
    if (write(STDERR_FILENO, line, (size_t)length) < 0) return; /* nobody listens: work goes on */
}

int sweep_worker_main(int argc, char **argv, BaseStatus (*work)(int argc, char **argv))
{
    BaseStatus st = BASE_OK;
    int64_t parent;
    base_log_sink(&(BaseLogSink){.message = say});
    BASE_CHECK(argc > ARGS && base_parse_i64(argv[ARG_PARENT], &parent), BASE_EUSAGE,
               "%s is not for users: it is how `expunge run --jobs` starts its workers", SWEEP_WORKER);
    BASE_TRY(base_system_follow((pid_t)parent)); /* who stops the sweep stops its workers, kill -9 included */
    signal(SIGXFSZ, SIG_IGN);
    BASE_TRY(work(argc - ARGS, argv + ARGS));
out:
    if (st == BASE_OK) return 0;
    char line[LINE];
    int length = snprintf(line, sizeof line, "E %d %s\n", (int)st, base_error_text());
    if (length > LINE - 1) length = LINE - 1;
    return write(STDERR_FILENO, line, (size_t)length) == length ? 1 : 2;
}
