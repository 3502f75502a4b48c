/* report/figure/draw.c - writes a script and data for each figure, and runs gnuplot in a child with a time limit. */
#include "report/figure/draw.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/system.h"
#include "io/file.h"
#include "report/escape.h"
#include "report/write.h"

enum { DRAW_SECONDS = 120, FULL_RUNS = 16 };

BaseStatus report_figures_open(const ReportExperiment *e, const char *folder, const char *prefix, bool *gnuplot,
                               ReportFigures *out)
{
    BaseStatus st = BASE_OK;
    ReportFigures f = {.e = e, .folder = folder, .prefix = prefix, .gnuplot = gnuplot, .featured = report_featured(e)};
    const ReportRun *shown = report_first_ok(f.featured);
    *out = (ReportFigures){0};
    BASE_TRY(BASE_ALLOC(e->label_count, &f.job));
    BASE_TRY(BASE_ALLOC(e->label_count, &f.full));
    for (size_t l = 0; l < e->label_count; l++) {
        f.job[l] = shown ? report_same_job(&e->labels[l], shown) : report_first_ok(&e->labels[l]);
        bool first = l == 0 || e->labels[l].rank != e->labels[l - 1].rank;
        if (!f.job[l] || (l >= FULL_RUNS && !first && &e->labels[l] != f.featured)) continue;
        st = store_run_read(f.job[l]->file, &f.full[l]);
        if (st == BASE_ENOMEM) goto out;
        if (st != BASE_OK) base_warning("figures leave out %s", base_error_text()); /* gone since it was listed */
        st = BASE_OK;
    }
    *out = f;
    f = (ReportFigures){0};
out:
    if (st != BASE_OK) report_figures_close(&f);
    return st;
}

static void figure_free(ReportFigure *figure)
{
    base_free(figure->stem);
    base_free(figure->title);
    base_free(figure->caption);
    base_free(figure->svg);
    base_free(figure->csv);
}

static void texts_free(ReportFigures *f)
{
    base_text_free(&f->stem);
    base_text_free(&f->csv);
    base_text_free(&f->gp);
    base_text_free(&f->caption);
    base_text_free(&f->title);
}

void report_figures_close(ReportFigures *f)
{
    texts_free(f);
    for (size_t l = 0; f->full && l < f->e->label_count; l++) store_run_free(f->full[l]);
    for (size_t i = 0; i < f->count; i++) figure_free(&f->items[i]);
    base_free(f->job);
    base_free(f->full);
    base_free(f->items);
    *f = (ReportFigures){0};
}

int report_figures_rank(const ReportFigures *f, ReportRank rank)
{
    for (size_t l = 0; l < f->e->label_count; l++) {
        if (f->e->labels[l].rank == rank && f->full[l]) return (int)l;
    }
    return -1;
}

int report_figures_featured(const ReportFigures *f)
{
    int at = f->featured ? (int)(f->featured - f->e->labels) : -1;
    return at >= 0 && f->full[at] ? at : -1;
}

void report_figure_preamble(BaseText *script)
{
    static const char *const COLOURS[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                          "#E69F00", "#56B4E9", "#000000", "#7F7F7F"};
    base_text_add(script, "set encoding utf8\nset datafile separator comma\nset datafile missing ''\n"
                          "set border 3 lc rgb '#555555'\nset tics nomirror out textcolor rgb '#222222'\n"
                          "set grid back lt 1 lw 0.6 lc rgb '#dddddd'\n");
    for (int i = 0; i < 8; i++) {
        base_text_add(script, "set linetype %d lc rgb '%s' lw 2 pt 7 ps 0.8\n", i + 1, COLOURS[i]);
    }
}

bool report_figure_visible(double x, double y, double last_x, double last_y)
{
    if (fabs(x - last_x) > 0.004 || fabs(y - last_y) > 0.004) return true;
    bool log_x = x > 0 && x < 0.2 && (last_x <= 0 || x / last_x > 1.04);
    bool log_y = y > 0 && y < 0.2 && (last_y <= 0 || y / last_y > 1.04);
    return log_x || log_y;
}

void report_figure_begin(ReportFigures *f, const char *stem, const char *of, const char *head)
{
    texts_free(f);
    base_text_add(&f->stem, "%s%s%s", f->prefix, stem, of ? "-" : "");
    if (of) report_escape_slug(&f->stem, of);
    f->csv.st = f->stem.st; /* looked at where there is nothing to draw */
    base_text_add(&f->csv, "%s", head);
}

void report_figure_data(ReportFigures *f, bool further)
{
    BaseText name = {0};
    base_text_add(&name, "%s.csv", base_text_of(&f->stem, &f->gp.st));
    if (further) base_text_add(&f->gp, ", \\\n  ");
    report_escape_gnuplot(&f->gp, base_text_of(&name, &f->gp.st));
    base_text_free(&name);
}

void report_figure_names(BaseText *script, const char *axis, const char *const *names, size_t count, bool slanted)
{
    base_text_add(script, "set %stics %s(", axis, slanted ? "rotate by 30 right " : "norotate ");
    for (size_t i = 0; i < count; i++) {
        BaseText name = {0}; /* tic labels are formats: a percent sign is doubled */
        for (const char *c = names[i]; *c; c++) base_text_append(&name, *c == '%' ? "%%" : c, *c == '%' ? 2 : 1);
        base_text_add(script, i ? ", " : "");
        report_escape_gnuplot(script, base_text_of(&name, &script->st));
        base_text_add(script, " %zu", i);
        base_text_free(&name);
    }
    base_text_add(script, ") scale 0\n");
}

void report_figure_columns(BaseText *csv, const ReportQuantity *q)
{
    static const char *const ENDS[] = {"", "_lo", "_hi"};
    for (int i = 0; i < 3; i++) {
        char name[512];
        snprintf(name, sizeof name, "%s%s", q->name, ENDS[i]);
        base_text_add(csv, ",");
        report_escape_csv(csv, name);
    }
}

void report_figure_estimate(BaseText *csv, MathEstimate v)
{
    const double values[] = {v.value, v.lo, v.hi};
    for (int i = 0; i < 3; i++) {
        base_text_add(csv, ",");
        if (!isnan(values[i])) base_text_add(csv, "%.10g", values[i]);
    }
}

void report_figure_legend(BaseText *script, const char *const *titles, const char *const *styles, int count,
                          double share)
{
    base_text_add(
        script,
        "unset border\nunset tics\nunset grid\nunset title\nunset xlabel\nunset ylabel\nunset logscale\n"
        "unset format\nset xrange [0:1]\nset yrange [0:1]\nset lmargin at screen 0.02\nset rmargin at screen 0.98\n"
        "set tmargin at screen 0.995\nset bmargin at screen %.4f\n"
        "set key center center horizontal Left reverse samplen 2 width 1\nplot ",
        1 - share);
    for (int i = 0; i < count; i++) {
        base_text_add(script, "%sNaN with lines %s title ", i ? ", \\\n  " : "", styles[i]);
        report_escape_gnuplot(script, titles[i]);
    }
    base_text_add(script, "\n");
}

void report_figure_job(const ReportRun *run, BaseText *out)
{
    if (*run->forget) {
        base_text_add(out, report_run_images(run) ? "" : "class ");
        report_run_classes(run, out);
        base_text_add(out, ", ");
    }
    base_text_add(out, "seed %.0f", run->seed);
}

/* Reads what the child says on stderr until it closes it or time is over; keeps its message. */
static void read_message(int fd, pid_t pid, char *line, size_t size)
{
    char buffer[4096];
    size_t used = 0;
    int waited = 0;
    while (waited < DRAW_SECONDS * 10) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int ready = poll(&p, 1, 100);
        if (ready == 0) waited++;
        if (ready <= 0) continue;
        ssize_t got = read(fd, buffer + used, sizeof buffer - 1 - used);
        if (got <= 0) break;
        if (used < sizeof buffer / 2) used += (size_t)got; /* the rest is read and dropped */
    }
    if (waited >= DRAW_SECONDS * 10) kill(pid, SIGKILL);
    buffer[used] = '\0';
    *line = '\0';
    for (char *at = buffer; *at;) { /* gnuplot says the command, a caret, then its message: the last line is the one */
        at += strspn(at, " \t\n^");
        size_t length = strcspn(at, "\n");
        if (length > 0) snprintf(line, size, "%.*s", (int)length, at);
        at += length;
    }
}

/* posix_spawn, since libgomp does not survive fork. @p png NULL: none. *code: errno where there is no gnuplot, else its
 * exit status. */
static BaseStatus run_gnuplot(const char *folder, const char *svg, const char *png, int *code, char *line, size_t size)
{
    BaseStatus st = BASE_OK;
    posix_spawn_file_actions_t actions;
    int ends[2], status = 0;
    pid_t pid;
    char *argv[] = {"gnuplot", "-d", "-e", (char *)svg, "-e", "reset session", "-e", (char *)png, NULL};
    if (!png) argv[4] = NULL;
    *line = '\0';
    BASE_CHECK(base_system_pipe(ends) == 0, BASE_EIO, "no pipe can be made for gnuplot: %s", strerror(errno));
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
    *code = base_system_spawn_in(folder, &actions, argv, &pid);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (*code == 0) {
        read_message(ends[0], pid, line, size);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
        *code = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
        if (*code == 127) *code = ENOENT; /* a libc, or a shell, that only finds out in the child */
    } else {
        *code = ENOENT;
    }
    close(ends[0]);
out:
    return st;
}

static BaseStatus draw(ReportFigures *f, ReportFigure *figure, int height)
{
    BaseStatus st = BASE_OK;
    const char *stem = figure->stem;
    int width = figure->width;
    BaseText vector = {0}, raster = {0}, name = {0}; /* name: of the drawing's ids, unique on the page */
    char line[256], *path = NULL, *old = NULL;
    int code = 0;
    size_t size;
    for (const char *c = stem; *c; c++) base_text_append(&name, *c == '-' ? "_" : c, 1);
    BASE_TRY(name.st);
    base_text_add(&vector,
                  "set terminal svg size %d,%d dynamic noenhanced standalone name '%s' font 'DejaVu Sans,13' "
                  "background '#ffffff'; set output '%s.svg'; load '%s.gp'; unset output",
                  width, height, name.data, stem, stem);
    base_text_add(&raster,
                  "set terminal pngcairo size %d,%d noenhanced font 'DejaVu Sans,11' background '#ffffff'; "
                  "set output '%s.png'; load '%s.gp'; unset output",
                  width, height, stem, stem);
    BASE_TRY(vector.st);
    BASE_TRY(raster.st);
    BASE_TRY(base_format(&path, "%s/%s.svg", f->folder, stem));
    BASE_TRY(base_format(&old, "%s/%s.png", f->folder, stem));
    unlink(path); /* a figure of an earlier report must not stand for one that cannot be drawn now */
    unlink(old);
    if (!*f->gnuplot) goto out;
    BASE_TRY(run_gnuplot(f->folder, vector.data, f->vector ? NULL : raster.data, &code, line, sizeof line));
    if (code == ENOENT && !*line) {
        *f->gnuplot = false;
        base_warning(
            "gnuplot is not installed (Debian: gnuplot-nox): tables are written without figures; the figures' data and "
            "scripts are in %s",
            f->folder);
    } else if (code != 0) {
        base_warning("figure %s: gnuplot ended with %d: %s", stem, code, *line ? line : "no message");
    } else {
        if (figure->natural && (chmod(path, 0600) != 0 || (!f->vector && chmod(old, 0600) != 0)))
            base_warning("figure %s: access by others cannot be removed: %s", stem, strerror(errno));
        st = io_file_read(path, (size_t)64 << 20, &figure->svg, &size);
        if (st != BASE_OK && st != BASE_ENOMEM) {
            base_warning("figure %s: gnuplot wrote nothing: %s", stem, *line ? line : base_error_text());
            st = BASE_OK;
        }
    }
out:
    base_text_free(&vector);
    base_text_free(&raster);
    base_text_free(&name);
    base_free(path);
    base_free(old);
    return st;
}

BaseStatus report_figure_add(ReportFigures *f, const char *title, int width, int height)
{
    BaseStatus st = BASE_OK;
    ReportFigure item = {.width = width, .natural = f->natural, .vector = f->vector};
    BaseStatus (*write)(const char *, const char *, const char *, const BaseText *) =
        f->natural ? report_write_private : report_write_text;
    f->natural = false;
    BASE_TRY(f->stem.st);
    BASE_TRY(f->caption.st);
    BASE_TRY(base_strdup(f->stem.data, &item.stem));
    BASE_TRY(base_strdup(title, &item.title));
    BASE_TRY(base_strdup(f->caption.data, &item.caption));
    BASE_TRY(write(f->folder, item.stem, ".csv", &f->csv));
    BASE_TRY(base_strdup(f->csv.data, &item.csv));
    BASE_TRY(write(f->folder, item.stem, ".gp", &f->gp));
    BASE_TRY(draw(f, &item, height));
    BASE_TRY(BASE_GROW(&f->items, f->count, f->count + 1));
    f->items[f->count++] = item;
    item = (ReportFigure){0};
out:
    figure_free(&item);
    return st;
}
