/* data/wds.c - WebDataset: tar files ("shards") of samples, whose members share the name up to the first dot: an image (.jpg,
 * .jpeg, .png or .webp) and its label, .cls (a number) or .json (with a number "label" or "cls"). DIR/train/ and DIR/test/ (or
 * val/, validation/) hold *.tar, or DIR itself does and the names say which is which; a pattern like
 * DIR/imagenet-{train,val}-{0000..0146}.tar names them. Names of the classes, one per line, may be in classes.txt beside them.
 * The layout is that of github.com/webdataset/webdataset (README, "The WebDataset Format"); images are prepared as imagefolder's
 * are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/yaml.h"
#include "data/data.h"
#include "data/prepare/parallel.h"
#include "data/stream/table.h"
#include "io/file.h"
#include "io/tar.h"

enum { SHARDS_MAX = 1 << 20, LABEL_BYTES = 64, JSON_BYTES = 1 << 20, NAMES_BYTES = 1 << 24, NAME_BYTES = 1 << 12 };

typedef struct {
    const DataRequest *request;
    IoNames shards[DATA_SPLITS];
    char *folder; /* of the first shard */
    DataFiles files[DATA_SPLITS];
    char *text, **classes; /* NULL: counted */
    int64_t K;
} Source;

/* ------------------------------------------------------------ which tar files */

/* From @p at to the next comma of this level, or to the brace that closes it; NULL: there is none. */
static const char *end_of_word(const char *at)
{
    for (int depth = 0; *at; at++) {
        if (depth == 0 && (*at == ',' || *at == '}')) return at;
        depth += *at == '{' ? 1 : *at == '}' ? -1 : 0;
    }
    return NULL;
}

static BaseStatus expand(const char *text, IoNames *out);

/* {000..146}: as many digits as the first number has. */
static BaseStatus expand_range(const char *text, const char *open, const char *dots, const char *end, IoNames *out)
{
    BaseStatus st = BASE_OK;
    char *stop, *last, *one = NULL;
    long from = strtol(open + 1, &stop, 10), to = strtol(dots + 2, &last, 10);
    BASE_CHECK(stop == dots && last == end && from >= 0 && to >= from && to - from < SHARDS_MAX, BASE_EUSAGE,
               "wds: %.*s: must be {FIRST..LAST} in numbers, or {A,B}", (int)(end + 1 - open), open);
    for (long i = from; i <= to; i++) {
        BASE_TRY(base_format(&one, "%.*s%0*ld%s", (int)(open - text), text, (int)(dots - open - 1), i, end + 1));
        BASE_TRY(expand(one, out));
        base_free(one);
        one = NULL;
    }
out:
    base_free(one);
    return st;
}

/* Appends every text that the braces of @p text stand for, the first changing slowest. Each level is a brace less. */
static BaseStatus expand(const char *text, IoNames *out)
{
    BaseStatus st = BASE_OK;
    const char *open = strchr(text, '{'), *end = open ? open + 1 : NULL, *dots;
    char *one = NULL;
    BASE_CHECK(out->count < SHARDS_MAX, BASE_EUSAGE, "wds: the pattern names more than %d files", SHARDS_MAX);
    if (!open) return io_names_add(out, text);
    bool single = true;
    while ((end = end_of_word(end)) && *end == ',') end++, single = false;
    BASE_CHECK(end && strlen(text) < NAME_BYTES, BASE_EUSAGE,
               "wds:%.100s: a brace is not closed, or the pattern too long", text);
    dots = strstr(open, "..");
    if (single && dots && dots < end) return expand_range(text, open, dots, end, out);
    for (const char *at = open + 1; at <= end;) {
        const char *stop = end_of_word(at);
        BASE_TRY(base_format(&one, "%.*s%.*s%s", (int)(open - text), text, (int)(stop - at), at, end + 1));
        BASE_TRY(expand(one, out));
        base_free(one);
        one = NULL;
        at = stop + 1;
    }
out:
    base_free(one);
    return st;
}

/* What the file's name says, else its folder's. */
static BaseStatus split_of(const char *path, DataSplit *out)
{
    const char *end = path + strlen(path);
    for (int part = 0; part < 2; part++) {
        const char *from = end;
        while (from > path && from[-1] != '/') from--;
        char word[256];
        snprintf(word, sizeof word, "%.*s", (int)(end - from), from);
        bool test = strstr(word, "test") || strstr(word, "val"), train = strstr(word, "train") != NULL;
        *out = test ? DATA_TEST : DATA_TRAIN;
        if (test != train) return BASE_OK;
        if (from == path) break;
        end = from - 1;
    }
    return base_error_set(
        BASE_EFORMAT,
        "%s: neither its name nor its folder's says whether these are images of the training (train) or "
        "of the test split (test or val)",
        path);
}

static BaseStatus list_folder(const char *path, IoNames *out)
{
    BaseStatus st = BASE_OK;
    char **names = NULL, *full = NULL;
    size_t count = 0;
    BASE_TRY(io_folder_list(path, ".tar", &names, &count));
    for (size_t i = 0; i < count; i++) {
        BASE_TRY(base_format(&full, "%s/%s", path, names[i]));
        BASE_TRY(io_names_add(out, full));
        base_free(full);
        full = NULL;
    }
out:
    base_free(full);
    io_names_free(names, count);
    return st;
}

static BaseStatus list_all(const char *path, IoNames *out)
{
    static const char *const FOLDERS[] = {"train", "test", "val", "validation"};
    BaseStatus st = BASE_OK;
    char *full = NULL;
    BASE_CHECK(io_path_is_folder(path), BASE_EIO, "wds:%s: there is no such folder", path);
    BASE_TRY(list_folder(path, out));
    for (size_t i = 0; i < BASE_COUNT(FOLDERS); i++) {
        BASE_TRY(base_format(&full, "%s/%s", path, FOLDERS[i]));
        if (io_path_is_folder(full)) BASE_TRY(list_folder(full, out));
        base_free(full);
        full = NULL;
    }
out:
    base_free(full);
    return st;
}

static BaseStatus find_shards(const char *path, Source *s)
{
    BaseStatus st = BASE_OK;
    IoNames all = {0};
    BASE_TRY(strchr(path, '{') ? expand(path, &all) : list_all(path, &all));
    for (size_t i = 0; i < all.count; i++) {
        DataSplit split;
        BASE_TRY(split_of(all.items[i], &split));
        BASE_TRY(io_names_add(&s->shards[split], all.items[i]));
    }
    for (int i = 0; i < DATA_SPLITS; i++)
        BASE_CHECK(s->shards[i].count > 0, BASE_EFORMAT,
                   "wds:%s: no tar file of the %s split; they are looked for in %s, or as *.tar whose names say so",
                   path, i == DATA_TRAIN ? "training" : "test", i == DATA_TRAIN ? "train/" : "test/ or val/");
    BASE_TRY(base_strdup(all.items[0], &s->folder));
    char *slash = strrchr(s->folder, '/');
    if (slash)
        *slash = '\0';
    else
        snprintf(s->folder, 2, ".");
out:
    io_names_drop(&all);
    return st;
}

/* ------------------------------------------------------------ what is in them */

/* One tar file while it is listed. */
typedef struct {
    const char *path;
    int32_t shard;
    DataMember *member; /* [n] */
    int32_t *class;     /* [n] */
    int64_t n;
    char *key;                   /* of the sample whose members come now */
    DataMember image, cls, json; /* size -1: it has none */
} Shard;

static void shard_free(Shard *s)
{
    base_free(s->member);
    base_free(s->class);
    base_free(s->key);
}

static BaseStatus read_label(const Shard *s, const DataMember *m, int64_t most, char **out)
{
    if (m->size > most)
        return base_error_set(BASE_EFORMAT, "%s: the label of sample %.200s has %lld bytes", s->path, s->key,
                              (long long)m->size);
    return io_file_read_part(s->path, m->offset, (size_t)m->size, out);
}

static BaseStatus label_of(const Shard *s, int32_t *out)
{
    BaseStatus st = BASE_OK;
    char *text = NULL, *name = NULL;
    const char *word = NULL;
    BaseYaml *tree = NULL;
    int64_t label = -1;
    if (s->cls.size >= 0) {
        BASE_TRY(read_label(s, &s->cls, LABEL_BYTES, &text));
        text[strcspn(text, " \t\r\n")] = '\0';
        word = text;
    } else if (s->json.size >= 0) {
        BASE_TRY(read_label(s, &s->json, JSON_BYTES, &text));
        BASE_TRY(base_format(&name, "%s: %.200s.json", s->path, s->key));
        BASE_TRY(base_yaml_parse(text, (size_t)s->json.size, name, &tree));
        const BaseYaml *value = base_yaml_get(tree, "label");
        if (!value) value = base_yaml_get(tree, "cls");
        word = value ? value->text : NULL;
    }
    BASE_CHECK(
        word, BASE_EFORMAT,
        "%s: the sample %.200s has no label: neither a member .cls with a number nor a .json with a number 'label'",
        s->path, s->key);
    BASE_CHECK(base_parse_i64(word, &label) && label >= 0 && label < DATA_CLASSES_MAX, BASE_EFORMAT,
               "%s: the label of the sample %.200s is '%.40s'; it must be a number from 0 to %d", s->path, s->key, word,
               DATA_CLASSES_MAX - 1);
    *out = (int32_t)label;
out:
    base_yaml_free(tree);
    base_free(name);
    base_free(text);
    return st;
}

static BaseStatus end_sample(Shard *s)
{
    BaseStatus st = BASE_OK;
    if (s->key && s->image.size >= 0) {
        BASE_TRY(BASE_GROW_BY_ONE(&s->member, s->n));
        BASE_TRY(BASE_GROW_BY_ONE(&s->class, s->n));
        BASE_TRY(label_of(s, &s->class[s->n]));
        s->member[s->n++] = s->image;
    }
    base_free(s->key);
    s->key = NULL;
    s->image.size = s->cls.size = s->json.size = -1;
out:
    return st;
}

static BaseStatus add_member(void *user, const char *name, int64_t offset, int64_t size)
{
    static const char *const IMAGES[] = {"jpg", "jpeg", "png", "webp"};
    BaseStatus st = BASE_OK;
    Shard *s = user;
    const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name, *dot = strchr(base, '.');
    if (!dot || dot == base) return BASE_OK; /* no extension, or hidden */
    size_t key = (size_t)(dot - name);
    if (!s->key || strlen(s->key) != key || strncmp(s->key, name, key) != 0) {
        BASE_TRY(end_sample(s));
        BASE_TRY(base_format(&s->key, "%.*s", (int)key, name));
    }
    const DataMember here = {s->shard, offset, size};
    for (size_t i = 0; i < BASE_COUNT(IMAGES); i++)
        if (strcasecmp(dot + 1, IMAGES[i]) == 0) s->image = here;
    if (strcasecmp(dot + 1, "cls") == 0) s->cls = here;
    if (strcasecmp(dot + 1, "json") == 0) s->json = here;
out:
    return st;
}

static BaseStatus list_one(void *user, int64_t i)
{
    Shard *s = &((Shard *)user)[i];
    s->image.size = s->cls.size = s->json.size = -1;
    BaseStatus st = io_tar_list(s->path, add_member, s);
    return st == BASE_OK ? end_sample(s) : st;
}

/* All shards of both splits in one list, so that an index can name images of either. */
static BaseStatus copy_names(const Source *s, DataFiles *files)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(BASE_ALLOC(s->shards[0].count + s->shards[1].count, &files->shards));
    for (int split = 0; split < DATA_SPLITS; split++)
        for (size_t i = 0; i < s->shards[split].count; i++) {
            BASE_TRY(base_strdup(s->shards[split].items[i], &files->shards[files->shard_count]));
            files->shard_count++;
        }
out:
    return st;
}

static BaseStatus list_split(Source *s, DataSplit split)
{
    BaseStatus st = BASE_OK;
    DataFiles *files = &s->files[split];
    Shard *shards = NULL;
    int64_t count = (int64_t)s->shards[split].count, n = 0;
    size_t before = split == DATA_TEST ? s->shards[DATA_TRAIN].count : 0;
    BASE_TRY(copy_names(s, files));
    BASE_TRY(BASE_ALLOC(count, &shards));
    for (int64_t i = 0; i < count; i++) {
        shards[i].shard = (int32_t)(before + (size_t)i);
        shards[i].path = files->shards[shards[i].shard];
    }
    BASE_TRY(data_parallel(count, list_one, shards, "list tar files"));
    for (int64_t i = 0; i < count; i++) n += shards[i].n;
    BASE_CHECK(n > 0, BASE_EFORMAT,
               "%s: no JPEG, PNG or WebP image in this and the other tar files of its split (%lld)", shards[0].path,
               (long long)count);
    BASE_TRY(BASE_ALLOC_RAW(n, &files->member));
    BASE_TRY(BASE_ALLOC_RAW(n, &files->class));
    for (int64_t i = 0; i < count; i++)
        for (int64_t k = 0; k < shards[i].n; k++) {
            files->member[files->n] = shards[i].member[k];
            files->class[files->n++] = shards[i].class[k];
            s->K = shards[i].class[k] >= s->K ? shards[i].class[k] + 1 : s->K;
        }
out:
    for (int64_t i = 0; shards && i < count; i++) shard_free(&shards[i]);
    base_free(shards);
    return st;
}

/* classes.txt, where there is one: then it says how many there are. */
static BaseStatus name_classes(Source *s)
{
    BaseStatus st = BASE_OK;
    char *path = NULL;
    size_t size;
    int64_t lines = 1, n = 0;
    BASE_TRY(base_format(&path, "%s/classes.txt", s->folder));
    if (!io_path_exists(path)) goto out;
    BASE_TRY(io_file_read(path, NAMES_BYTES, &s->text, &size));
    for (size_t i = 0; i < size; i++) lines += s->text[i] == '\n';
    BASE_TRY(BASE_ALLOC(lines, &s->classes));
    char *at = data_text_begin(s->text);
    for (char *line; (line = strsep(&at, "\r\n"));)
        if (*line) s->classes[n++] = line;
    BASE_CHECK(n >= s->K && n <= DATA_CLASSES_MAX, BASE_EFORMAT, "%s: names %lld classes, and the labels are 0 to %lld",
               path, (long long)n, (long long)s->K - 1);
    s->K = n;
out:
    base_free(path);
    return st;
}

static BaseStatus open_shards(const char *path, const DataRequest *request, DataSet **train, DataSet **test)
{
    static const char *const NAMES[] = {"train", "test"};
    BaseStatus st = BASE_OK;
    Source s = {.request = request};
    DataPrep prep = data_request_prep(request, data_table_prep);
    DataSet **out[] = {train, test};
    int64_t H, W;
    char *name = NULL;
    BASE_TRY(find_shards(path, &s));
    for (int i = 0; i < DATA_SPLITS; i++) BASE_TRY(list_split(&s, (DataSplit)i));
    BASE_TRY(name_classes(&s));
    BASE_TRY(data_files_pick(request, s.files));
    BASE_TRY(data_table_shape(&s.files[DATA_TRAIN], &prep, &H, &W));
    for (int i = 0; i < DATA_SPLITS; i++) {
        BASE_TRY(base_format(&name, "wds:%s %s", path, NAMES[i]));
        BASE_TRY(data_table_open(&(DataTableTask){.name = name,
                                                  .root = s.folder,
                                                  .files = &s.files[i],
                                                  .prep = prep,
                                                  .H = H,
                                                  .W = W,
                                                  .classes = (const char *const *)s.classes,
                                                  .K = s.K,
                                                  .skip_broken = request->skip_broken},
                                 out[i]));
        base_free(name);
        name = NULL;
    }
out:
    for (int i = 0; i < DATA_SPLITS; i++) {
        io_names_drop(&s.shards[i]);
        data_files_free(&s.files[i]);
    }
    base_free(name);
    base_free(s.folder);
    base_free(s.classes);
    base_free(s.text);
    return st; /* data_open frees what there is */
}

const DataSource data_wds = {
    BASE_ENTRY_PLAIN(
        "wds",
        "WebDataset: tar files of images with .cls or .json in DIR, DIR/train/ and DIR/test/ (or val/), or "
        "named by a pattern: DIR/a-{train,val}-{000..146}.tar; as 224 x 224 RGB",
        ""),
    DATA_PATH_REQUIRED, open_shards, true};
