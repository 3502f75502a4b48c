/* cli/sink.c - a bar redrawn in place on a terminal; in a file, a plain line per minute. */
#include "cli/sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/visible.h"

/* The bar now on the screen. */
typedef struct {
    bool quiet, terminal, drawn;
    char label[64];
    double started, last;
    int64_t from; /* done when the label appeared: what the estimate rests on */
} Sink;
static Sink sink;

static int columns_of(int fd, int otherwise)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    const char *text = getenv("COLUMNS");
    int64_t columns;
    return text && base_parse_i64(text, &columns) && columns > 0 && columns < 10000 ? (int)columns : otherwise;
}

static void wipe(Sink *s)
{
    if (s->drawn) fputs("\r\033[K", stderr);
    s->drawn = false;
}

static void message(void *user, BaseLogLevel level, const char *text)
{
    Sink *s = user;
    if (s->quiet && level == BASE_LOG_NOTICE) return;
    wipe(s);
    if (level == BASE_LOG_WARNING) fputs("expunge: warning: ", stderr);
    cli_visible_put(text, false, stderr);
    fputc('\n', stderr);
    fflush(stderr);
}

static void format_time(double seconds, char *out, size_t size)
{
    long t = (long)(seconds + 0.5);
    if (t >= 3600)
        snprintf(out, size, "%ld:%02ld:%02ld", t / 3600, t / 60 % 60, t % 60);
    else
        snprintf(out, size, "%ld:%02ld", t / 60, t % 60);
}

/* A bar that is redrawn on a terminal; in a file, a plain line per minute, so that a run in the background can be
 * followed. */
static void progress(void *user, const char *label, int64_t done, int64_t total, const char *detail)
{
    enum { WIDTH = 24 };
    Sink *s = user;
    if (s->quiet || !label || total <= 0) return;
    double now = base_clock_wall(), pause = s->terminal ? 0.1 : 60;
    if (strncmp(label, s->label, sizeof s->label - 1) != 0) {
        snprintf(s->label, sizeof s->label, "%s", label);
        s->started = now, s->from = done, s->last = s->terminal ? 0 : now;
    }
    if (done >= total) {
        wipe(s);
        s->label[0] = '\0';
        return;
    }
    if (now - s->last < pause) return;
    s->last = now;
    char bar[WIDTH + 1], left[32] = "--", line[512];
    int full = (int)(WIDTH * done / total);
    for (int i = 0; i < WIDTH; i++) bar[i] = i < full ? '#' : '.';
    bar[WIDTH] = '\0';
    if (done > s->from)
        format_time((now - s->started) * (double)(total - done) / (double)(done - s->from), left, sizeof left);
    snprintf(line, sizeof line, "%s [%s] %3d%%, %s to go%s%s", s->label, bar, (int)(100 * done / total), left,
             detail ? ", " : "", detail ? detail : "");
    BaseText shown = {0};
    cli_visible_add(&shown, line);
    if (s->terminal) /* a wrapped line could not be wiped */
        fprintf(stderr, "\r\033[K%.*s", columns_of(STDERR_FILENO, 100) - 1, shown.data ? shown.data : "");
    else
        fprintf(stderr, "%s\n", shown.data ? shown.data : "");
    base_text_free(&shown);
    fflush(stderr);
    s->drawn = s->terminal;
}

void cli_sink_open(bool quiet)
{
    sink = (Sink){.quiet = quiet, .terminal = isatty(STDERR_FILENO) == 1};
    base_log_sink(&(BaseLogSink){message, progress, &sink});
}

void cli_sink_close(void) { wipe(&sink); }

int cli_sink_columns(int otherwise) { return columns_of(STDOUT_FILENO, otherwise); }
