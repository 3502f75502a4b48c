/* audit/again.c - everything is made in a temporary folder and compared there; drawings need the same gnuplot. */
#include "audit/again.h"

#include <stdio.h>
#include <string.h>

#include "audit/manifest.h"
#include "audit/report.h"
#include "base/memory.h"
#include "io/file.h"

static const size_t MOST = (size_t)64 << 20;

typedef struct {
    const char *folder, *made; /* as it lies there; made now */
    const BaseYaml *results;   /* of the manifest: others were told of already */
    BaseText *lines;
    AuditAgain *out;
} Again;

static void differ(Again *a, const char *name, const char *how)
{
    a->out->differences++;
    base_text_add(a->lines, "%s: %s\n", name, how);
}

/* A picture that shows who knows what. */
static void doubt(Again *a, const char *name, const char *why)
{
    a->out->pictures++;
    base_text_add(a->lines, "%s: %s, and cannot be checked here\n", name, why);
}

static void leave(Again *a, const char *name, const char *why)
{
    a->out->unchecked++;
    base_text_add(a->lines, "note: %s %s, and was not checked\n", name, why);
}

static bool ends_in(const char *name, const char *suffix)
{
    size_t n = strlen(name), m = strlen(suffix);
    return n >= m && strcmp(name + n - m, suffix) == 0;
}

/* *out NULL where it cannot be read. */
static BaseStatus read_in(const char *folder, const char *name, char **out, size_t *size)
{
    char *path = NULL;
    *out = NULL;
    BaseStatus st = base_format(&path, "%s/%s", folder, name);
    if (st == BASE_OK) st = io_file_read(path, MOST, out, size);
    base_free(path);
    if (st == BASE_ENOMEM) return st;
    if (st != BASE_OK) base_error_clear();
    return BASE_OK;
}

/* gnuplot says its version in a <desc>: the same version draws the same, on every machine. */
static bool same_gnuplot(const char *a, const char *b)
{
    const char *x = strstr(a, "<desc>"), *y = strstr(b, "<desc>");
    size_t n = x ? strcspn(x + 6, "<") : 0;
    return x && y && n == strcspn(y + 6, "<") && strncmp(x + 6, y + 6, n) == 0;
}

/* A file that was made now. */
static BaseStatus compare(Again *a, const char *name)
{
    BaseStatus st = BASE_OK;
    char *then = NULL, *now = NULL;
    size_t then_size = 0, now_size = 0;
    BASE_TRY(read_in(a->made, name, &now, &now_size));
    BASE_TRY(read_in(a->folder, name, &then, &then_size));
    bool drawing = ends_in(name, ".svg");
    if (now && then && now_size == then_size && memcmp(now, then, now_size) == 0) goto out;
    if (!then && drawing && !audit_manifest_lists(a->results, name))
        leave(a, name, "is missing (there was no gnuplot)"); /* nor on the page: nothing is shown that is wrong */
    else if (!then)
        differ(a, name, "is missing, but an audit of these signals writes it");
    else if (!drawing)
        differ(a, name, "is not what follows from the signals and the manifest");
    else if (now && same_gnuplot(now, then))
        differ(a, name, "is not what follows from its numbers");
    else
        doubt(a, name, "says that it was drawn by another version of gnuplot");
out:
    base_free(then);
    base_free(now);
    return st;
}

static bool contains(char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

static BaseStatus compare_all(Again *a)
{
    static const char *const OTHERS[] = {AUDIT_MANIFEST, AUDIT_SIGNATURE, "report.json", "signals.h5"};
    BaseStatus st = BASE_OK;
    char **made = NULL, **there = NULL;
    size_t made_count = 0, there_count = 0;
    BASE_TRY(audit_files(a->made, &made, &made_count));
    BASE_TRY(audit_files(a->folder, &there, &there_count));
    for (size_t i = 0; i < made_count; i++) BASE_TRY(compare(a, made[i]));
    for (size_t i = 0; i < there_count; i++) {
        const char *name = there[i];
        if (!audit_manifest_lists(a->results, name) || contains(made, made_count, name) ||
            contains((char *const *)OTHERS, BASE_COUNT(OTHERS), name))
            continue;
        bool drawing = ends_in(name, ".svg");
        char *numbers = NULL; /* a drawing belongs to a script */
        BASE_TRY(base_format(&numbers, "%.*s.gp", (int)(strlen(name) - (drawing ? 4 : 0)), name));
        if (drawing && contains(made, made_count, numbers))
            doubt(a, name, "needs gnuplot to be drawn again");
        else
            differ(a, name, "is not one of the files that an audit of these signals writes");
        base_free(numbers);
    }
out:
    io_names_free(made, made_count);
    io_names_free(there, there_count);
    return st;
}

/* Pictures of images, which signals.h5 does not hold: what was made now is a copy of what lies there. */
static BaseStatus doubt_pictures(Again *a)
{
    BaseStatus st = BASE_OK;
    char **made = NULL;
    size_t count = 0;
    BASE_TRY(audit_files(a->made, &made, &count));
    for (size_t i = 0; i < count; i++)
        if (ends_in(made[i], ".png")) doubt(a, made[i], "shows an image that is missing");
out:
    io_names_free(made, count);
    return st;
}

BaseStatus audit_again(AuditPage *page, const char *folder, const BaseYaml *results, BaseText *lines, AuditAgain *out)
{
    BaseStatus st = BASE_OK;
    char *made = NULL, *figures = NULL;
    *out = (AuditAgain){0};
    BASE_TRY(io_folder_temporary("verify", &made));
    BASE_TRY(base_format(&figures, "%s/figures", made));
    BASE_TRY(io_folder_make(figures));
    page->drawn = folder;
    BASE_TRY(audit_page(page, made));
    Again a = {folder, made, results, lines, out};
    if (!page->collected->data.train) BASE_TRY(doubt_pictures(&a));
    BASE_TRY(compare_all(&a));
out:
    page->drawn = NULL;
    if (made) io_folder_remove(made);
    base_free(made);
    base_free(figures);
    return st;
}

BaseStatus audit_again_keep(AuditPage *page, const char *out)
{
    BaseStatus st = BASE_OK;
    char *figures = NULL;
    bool pictures = page->has_pictures, made = false;
    BASE_TRY(base_format(&figures, "%s/figures", out));
    BASE_TRY(io_folder_make(out));
    made = true;
    BASE_TRY(io_folder_make(figures));
    if (!page->collected->data.train) page->has_pictures = false; /* no pictures of images that are not there */
    BASE_TRY(audit_page(page, out));
out:
    page->has_pictures = pictures;
    if (st != BASE_OK && made) io_folder_remove(out);
    base_free(figures);
    return st;
}
