/* cli/inspect.c - `expunge inspect`: tells weights, runs and other HDF5 files apart by content and prints each. */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/visible.h"
#include "io/file.h"
#include "io/hdf5.h"
#include "io/hub.h"
#include "io/tensors.h"
#include "nn/recognise.h"
#include "nn/weights.h"
#include "session/canaries.h"
#include "store/store.h"

enum { LABELS_SHOWN = 20 };

static bool is_hdf5(const char *path)
{
    static const unsigned char SIGNATURE[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
    unsigned char head[8] = {0};
    FILE *file = fopen(path, "rb");
    bool same = file && fread(head, 1, sizeof head, file) == sizeof head && memcmp(head, SIGNATURE, sizeof head) == 0;
    if (file) fclose(file);
    return same;
}

static void add_shape(BaseText *text, const int64_t *shape, int ndim)
{
    base_text_add(text, "[");
    for (int i = 0; i < ndim; i++) base_text_add(text, "%s%lld", i ? "," : "", (long long)shape[i]);
    base_text_add(text, "]");
}

static IoJson *shape_json(const int64_t *shape, int ndim)
{
    IoJson *array = io_json_array();
    for (int i = 0; i < ndim; i++) io_json_add_take(array, io_json_integer(shape[i]));
    return array;
}

/* ------------------------------------------------------------ weights */

/* What is known of a weights file. */
typedef struct {
    NnRecognised r; /* r.arch NULL where the tensors are none that fixes its own input */
    char *why;      /* how they differ from the nearest; NULL: they are those of an architecture, of whatever input */
    SessionCanaries canaries;
    char hash[BASE_HASH_HEX];
} Known;

/* Whether an architecture that takes the data's input has all of the names. */
static BaseStatus fits_any_input(const IoTensors *tensors, bool *fits)
{
    BaseStatus st = BASE_OK;
    *fits = io_tensors_meta(tensors, "expunge.arch") != NULL;
    for (size_t i = 0; i < base_registry_count(&nn_arch_registry) && !*fits; i++) {
        const NnArch *arch = base_registry_at(&nn_arch_registry, i);
        NnNet *net = NULL;
        if (arch->C) continue;
        st = nn_recognise_outline(arch, tensors, &net);
        if (st == BASE_OK) st = nn_weights_named(net, tensors, fits);
        nn_net_free(net);
        if (st == BASE_ENOMEM) return st;
    }
    return BASE_OK;
}

static BaseStatus recognise(IoTensors *tensors, Known *k)
{
    BaseStatus st = nn_recognise_names(tensors, NULL, NULL);
    bool fits = false;
    k->r = (NnRecognised){0};
    if (st == BASE_OK) st = nn_recognise(tensors, NULL, "none", &k->r);
    if (st == BASE_OK) return BASE_OK;
    k->r.arch = NULL;
    char text[2048];
    snprintf(text, sizeof text, "%s", base_error_text());
    if (st != BASE_ENOMEM) st = fits_any_input(tensors, &fits);
    if (st != BASE_OK || fits) return st;
    return base_strdup(text + strlen("none: "), &k->why);
}

static IoJson *folder_json(const IoHub *hub)
{
    IoJson *json = io_json_object(), *labels = io_json_array(), *prepared = io_json_object();
    const struct {
        const char *key, *value;
    } ROWS[] = {{"mean", hub->mean},
                {"std", hub->std},
                {"resize", hub->resize},
                {"crop", hub->crop},
                {"interpolation", hub->interpolation},
                {"crop-start", hub->crop_start},
                {"unknown", hub->unknown}};
    for (size_t i = 0; i < hub->label_count; i++) io_json_add_take(labels, io_json_text_value(hub->labels[i]));
    for (size_t i = 0; i < BASE_COUNT(ROWS); i++)
        io_json_set_take(prepared, ROWS[i].key, io_json_text_value(ROWS[i].value));
    io_json_set_take(json, "written_by", io_json_text_value(hub->timm ? "timm" : "transformers"));
    io_json_set_take(json, "model", io_json_text_value(hub->model));
    io_json_set_take(json, "weights", io_json_text_value(hub->weights));
    io_json_set_take(json, "labels", labels);
    io_json_set_take(json, "preparation", prepared);
    return json;
}

static BaseStatus weights_json(const IoTensors *tensors, const Known *k)
{
    const NnRecognised *r = &k->r;
    const SessionCanaries *canaries = &k->canaries;
    const char *hash = k->hash;
    IoJson *json = io_json_object(), *meta = io_json_object(), *list = io_json_array();
    io_json_set_take(json, "kind", io_json_text_value("weights"));
    io_json_set_take(json, "container", io_json_text_value(io_tensors_container(tensors)));
    io_json_set_take(json, "prefix", io_json_text_value(tensors->prefix));
    io_json_set_take(json, "sha256", io_json_text_value(hash));
    io_json_set_take(json, "arch", io_json_text_value(r->arch ? r->arch->entry.name : NULL));
    if (k->why) {
        io_json_set_take(json, "nearest", io_json_text_value(r->nearest ? r->nearest->entry.name : NULL));
        io_json_set_take(json, "difference", io_json_text_value(k->why));
    }
    if (tensors->hub) io_json_set_take(json, "folder", folder_json(tensors->hub));
    for (size_t i = 0; i < tensors->meta_count; i++)
        io_json_set_take(meta, tensors->meta[2 * i], io_json_text_value(tensors->meta[2 * i + 1]));
    io_json_set_take(json, "metadata", meta);
    if (canaries->n) io_json_set_take(json, "canaries", session_canaries_json(canaries));
    IoJson *copies = io_json_array();
    for (size_t i = 0; i < tensors->copy_count; i++) {
        IoJson *row = io_json_object();
        io_json_set_take(row, "name", io_json_text_value(tensors->copies[i].where));
        io_json_set_take(row, "tensors", io_json_integer((int64_t)tensors->copies[i].tensors->count));
        io_json_add_take(copies, row);
    }
    io_json_set_take(json, "copies", copies);
    io_json_set_take(json, "stale", io_json_text_value(tensors->stale));
    io_json_set_take(json, "strange", io_json_text_value(tensors->strange));
    for (size_t i = 0; i < tensors->count; i++) {
        IoJson *row = io_json_object();
        io_json_set_take(row, "name", io_json_text_value(tensors->items[i].name));
        io_json_set_take(row, "dtype", io_json_text_value(io_dtype_name(tensors->items[i].dtype)));
        io_json_set_take(row, "shape", shape_json(tensors->items[i].shape, tensors->items[i].ndim));
        io_json_add_take(list, row);
    }
    io_json_set_take(json, "tensors", list);
    return cli_print_json_take(json);
}

/* A foreign file's own words, a line. */
static void add_named(BaseText *text, const char *name, const char *value)
{
    base_text_add(text, "  ");
    cli_visible_add(text, name);
    base_text_add(text, ": ");
    cli_visible_add(text, value);
    base_text_add(text, "\n");
}

/* What the file holds around the tensors' own names, and beside them. */
static void add_beside(BaseText *text, const IoTensors *tensors)
{
    if (tensors->prefix) {
        base_text_add(text, "  every name in the file starts with ");
        cli_visible_add(text, tensors->prefix);
        base_text_add(text, "\n");
    }
    for (size_t i = 0; i < tensors->copy_count; i++) {
        base_text_add(text, "  beside them: ");
        cli_visible_add(text, tensors->copies[i].where);
        base_text_add(text, ", a copy of %zu of the tensors\n", tensors->copies[i].tensors->count);
    }
    if (tensors->stale) add_named(text, "other tensors of their shapes", tensors->stale);
    if (tensors->strange) add_named(text, "objects of names that no checkpoint needs", tensors->strange);
}

/* What the folder says beside its tensors. */
static void add_folder(BaseText *text, const IoHub *hub)
{
    base_text_add(text, "  folder: written by %s, model ", hub->timm ? "timm" : "transformers");
    cli_visible_add(text, hub->model);
    base_text_add(text, ", weights in %s\n", strrchr(hub->weights, '/') + 1);
    for (size_t i = 0; i < hub->label_count && i < LABELS_SHOWN; i++) {
        base_text_add(text, i ? ", " : "  classes: ");
        cli_visible_add(text, hub->labels[i]);
    }
    if (hub->label_count > LABELS_SHOWN) base_text_add(text, " and %zu more", hub->label_count - LABELS_SHOWN);
    if (hub->label_count) base_text_add(text, "\n");
    if (hub->unknown) {
        add_named(text, "preparation of images that is not known here", hub->unknown);
        return;
    }
    if (hub->preparation)
        base_text_add(text, "  images: --mean %s --std %s --resize %s --crop %s --interpolation %s --crop-start %s\n",
                      hub->mean, hub->std, hub->resize, hub->crop, hub->interpolation, hub->crop_start);
}

static BaseStatus weights_table(const char *path, const IoTensors *tensors, const Known *k)
{
    BaseText text = {0};
    const NnRecognised *r = &k->r;
    const SessionCanaries *canaries = &k->canaries;
    const char *hash = k->hash;
    int64_t values = 0;
    for (size_t i = 0; i < tensors->count; i++) values += tensors->items[i].count;
    base_text_add(&text, "%s: weights (%s), %zu tensors, %lld values, SHA-256 %s\n", path,
                  io_tensors_container(tensors), tensors->count, (long long)values, hash);
    if (tensors->hub) add_folder(&text, tensors->hub);
    add_beside(&text, tensors);
    if (k->why) add_named(&text, "architecture", k->why);
    if (r->arch)
        base_text_add(&text, "  architecture: %s, %lld classes, images of %lldx%lldx%lld\n", r->arch->entry.name,
                      (long long)r->K, (long long)r->shape[0], (long long)r->shape[1], (long long)r->shape[2]);
    if (canaries->n) {
        base_text_add(&text, "  canaries: ");
        session_canaries_text(canaries, &text);
        base_text_add(&text, "\n");
    }
    for (size_t i = 0; i < tensors->meta_count; i++) /* the list is in the JSON: it may be long */
        if (!canaries->n || strcmp(tensors->meta[2 * i], SESSION_META_CANARIES) != 0)
            add_named(&text, tensors->meta[2 * i], tensors->meta[2 * i + 1]);
    for (size_t i = 0; i < tensors->count; i++) {
        size_t start = text.size;
        cli_visible_add(&text, tensors->items[i].name);
        int pad = text.size - start < 40 ? (int)(40 - (text.size - start)) : 0;
        base_text_add(&text, "%*s %-5s ", pad, "", io_dtype_name(tensors->items[i].dtype));
        add_shape(&text, tensors->items[i].shape, tensors->items[i].ndim);
        base_text_add(&text, "\n");
    }
    if (k->why)
        base_text_add(
            &text,
            "No command takes these weights under --arch auto. Three ways on for a network that is not in the list: a graph "
            "file says what it is (`expunge.torch.export_graph` writes one, `expunge inspect --graph %s` prints one to "
            "edit), and every command takes it as --arch graph:FILE.json (docs/graph.md); from Python, any torch module "
            "can be unlearned (docs/python.md); and `expunge attack` and `expunge audit --signals` judge the logits of any "
            "network (docs/signals.md).\n",
            r->nearest ? r->nearest->entry.name : "resnet18");
    return cli_print_text_take(&text);
}

static BaseStatus inspect_weights(const char *path, bool json)
{
    IoTensors *tensors = NULL;
    Known k = {0};
    char *file = NULL;
    BaseStatus st = io_tensors_read(path, &tensors);
    if (st == BASE_OK) st = session_canaries_read(tensors, path, &k.canaries);
    if (st == BASE_EFORMAT && tensors) { /* damaged ones are shown as any other text */
        base_error_clear();
        st = BASE_OK;
    }
    if (st == BASE_OK) st = io_hub_weights(path, &file);
    if (st == BASE_OK) st = base_hash_file(file, k.hash);
    if (st == BASE_OK) st = recognise(tensors, &k); /* which finds more of the prefix */
    if (st == BASE_OK) st = json ? weights_json(tensors, &k) : weights_table(path, tensors, &k);
    session_canaries_free(&k.canaries);
    base_free(k.why);
    base_free(file);
    io_tensors_free(tensors);
    return st;
}

/* ------------------------------------------------------------ runs */

/* A group's, as an object and as lines of @p text. */
static IoJson *attributes(const StoreRun *run, const char *group, BaseText *text)
{
    const char *const *names;
    size_t count;
    IoJson *json = io_json_object();
    if (!store_run_names(run, group, &names, &count)) return json;
    for (size_t i = 0; i < count; i++) {
        const char *value = store_run_text(run, group, names[i]);
        double number = store_run_f64(run, group, names[i]);
        io_json_set_take(json, names[i], value ? io_json_text_value(value) : io_json_number(number));
        base_text_add(text, "  %-16s ", names[i]);
        if (value)
            base_text_add(text, "%.*s\n", (int)strcspn(value, "\n"), value);
        else
            base_text_add(text, "%.10g\n", number);
    }
    return json;
}

static IoJson *metrics(const StoreRun *run, BaseText *text)
{
    StoreMetric m;
    MathEstimate e;
    IoJson *json = io_json_array();
    for (size_t i = 0; store_run_metric_at(run, i, &m); i++) {
        if (!store_run_metric(run, m.name, m.split, &e)) continue;
        base_text_add(text, "  %-18s %-11s %12.6g %-5s [%.6g, %.6g] n = %lld\n", m.name, m.split, e.value, m.unit, e.lo,
                      e.hi, (long long)e.n);
        IoJson *row = io_json_object();
        io_json_set_take(row, "name", io_json_text_value(m.name));
        io_json_set_take(row, "split", io_json_text_value(m.split));
        io_json_set_take(row, "unit", io_json_text_value(m.unit));
        io_json_set_take(row, "value", io_json_number(e.value));
        io_json_set_take(row, "lo", io_json_number(e.lo));
        io_json_set_take(row, "hi", io_json_number(e.hi));
        io_json_set_take(row, "n", io_json_integer(e.n));
        io_json_add_take(json, row);
    }
    return json;
}

static BaseStatus run_print(const char *path, const StoreRun *run, bool as_json)
{
    BaseText text = {0};
    IoJson *json = io_json_object();
    io_json_set_take(json, "kind", io_json_text_value("run"));
    base_text_add(&text, "%s: a run\n", path);
    io_json_set_take(json, "attributes", attributes(run, "/", &text));
    base_text_add(&text, "made by\n");
    io_json_set_take(json, "meta", attributes(run, "/meta", &text));
    base_text_add(&text, "parameters\n");
    io_json_set_take(json, "params", attributes(run, "/params", &text));
    base_text_add(&text, "metrics\n");
    io_json_set_take(json, "metrics", metrics(run, &text));
    if (!as_json) {
        io_json_free(json);
        return cli_print_text_take(&text);
    }
    base_text_free(&text);
    return cli_print_json_take(json);
}

/* ------------------------------------------------------------ any other HDF5 file */

/* As io_tensors_write makes it: arrays with the names of parameters at the root. */
static BaseStatus holds_weights(IoHdf5 *file, bool *out)
{
    char **names;
    size_t count;
    BaseStatus st = io_hdf5_list(file, "/", &names, &count);
    *out = false;
    for (size_t i = 0; st == BASE_OK && i < count; i++) {
        size_t n = strlen(names[i]);
        *out = *out || (n > 7 && strcmp(names[i] + n - 7, ".weight") == 0);
    }
    if (st == BASE_OK) io_names_free(names, count);
    return st;
}

/* Arrays below @p group, depth first; @p json NULL: as lines. */
static BaseStatus walk(IoHdf5 *file, const char *group, int depth, BaseText *text, IoJson *json)
{
    BaseStatus st = BASE_OK;
    char **names = NULL, *path = NULL;
    size_t count = 0;
    bool first;
    if (depth > 16) return BASE_OK;
    st = io_hdf5_list(file, group, &names, &count);
    if (st != BASE_OK) return st == BASE_ENOMEM ? st : BASE_OK;
    BASE_TRY(io_hdf5_first(file, group, &first));
    if (!first) goto out; /* a link to what is listed elsewhere, perhaps to a group that this one is in */
    for (size_t i = 0; i < count; i++) {
        IoH5Info info;
        base_free(path);
        path = NULL;
        BASE_TRY(base_format(&path, "%s%s%s", group, group[1] ? "/" : "", names[i]));
        st = io_hdf5_info(file, path, &info);
        if (st == BASE_ENOMEM) goto out;
        if (st != BASE_OK) {
            BASE_TRY(walk(file, path, depth + 1, text, json));
            continue;
        }
        static const char *const TYPES[] = {"float32", "float64", "int64", "int32", "uint8"};
        base_text_add(text, "%-40s %-8s ", path, TYPES[info.stored]);
        add_shape(text, info.shape, info.ndim);
        base_text_add(text, "\n");
        if (!json) continue;
        IoJson *row = io_json_object();
        io_json_set_take(row, "path", io_json_text_value(path));
        io_json_set_take(row, "dtype", io_json_text_value(TYPES[info.stored]));
        io_json_set_take(row, "shape", shape_json(info.shape, info.ndim));
        io_json_add_take(json, row);
    }
out:
    base_free(path);
    io_names_free(names, count);
    return st;
}

enum { SHOWN = 8 }; /* values of an attribute, as text */

/* A root attribute: numbers ("mean"), texts ("classes") or one text; others are left out. */
static BaseStatus attribute(IoHdf5 *file, const char *name, BaseText *text, IoJson *json)
{
    double *numbers = NULL;
    char **texts = NULL, *one = NULL;
    size_t count = 0;
    BaseStatus st = io_hdf5_get_f64s(file, "/", name, &numbers, &count);
    if (st != BASE_OK && st != BASE_ENOMEM) st = io_hdf5_get_texts(file, "/", name, &texts, &count);
    if (st != BASE_OK && st != BASE_ENOMEM) {
        st = io_hdf5_get_text(file, "/", name, &one);
        count = 1;
    }
    if (st != BASE_OK) return st == BASE_ENOMEM ? st : BASE_OK;
    IoJson *list = json ? io_json_array() : NULL;
    base_text_add(text, "  %s:", name);
    for (size_t i = 0; i < count; i++) {
        const char *value = texts ? texts[i] : one;
        if (i < SHOWN && numbers) base_text_add(text, "%s %.9g", i ? "," : "", numbers[i]);
        if (i < SHOWN && !numbers) base_text_add(text, "%s %.*s", i ? "," : "", (int)strcspn(value, "\n"), value);
        if (json) io_json_add_take(list, numbers ? io_json_number(numbers[i]) : io_json_text_value(value));
    }
    if (count > SHOWN) base_text_add(text, " and %zu more", count - SHOWN);
    base_text_add(text, "\n");
    if (json) io_json_set_take(json, name, list);
    base_free(numbers);
    base_free(one);
    if (texts) io_names_free(texts, count);
    return BASE_OK;
}

static BaseStatus inspect_hdf5(const char *path, bool as_json)
{
    BaseStatus st = BASE_OK;
    IoHdf5 *file = NULL;
    StoreRun *run = NULL;
    BaseText text = {0};
    IoJson *arrays = NULL, *values = NULL;
    char **attributes = NULL, hash[BASE_HASH_HEX];
    size_t count = 0;
    bool is_run = false, is_weights;
    BASE_TRY(io_hdf5_open(path, &file));
    BASE_TRY(io_hdf5_attributes(file, "/", &attributes, &count));
    for (size_t i = 0; i < count; i++) is_run = is_run || strcmp(attributes[i], "schema") == 0;
    if (is_run) {
        BASE_TRY(store_run_read(path, &run));
        BASE_TRY(run_print(path, run, as_json));
        goto out;
    }
    BASE_TRY(holds_weights(file, &is_weights));
    if (is_weights) {
        BASE_TRY(inspect_weights(path, as_json));
        goto out;
    }
    BASE_TRY(base_hash_file(path, hash));
    bool is_data = io_hdf5_has(file, "/train/images") || io_hdf5_has(file, "/x_train");
    base_text_add(&text, "%s: %s, SHA-256 %s\n", path, is_data ? "a data set (hdf5:FILE)" : "an HDF5 file", hash);
    arrays = as_json ? io_json_array() : NULL;
    values = as_json ? io_json_object() : NULL;
    for (size_t i = 0; i < count; i++) BASE_TRY(attribute(file, attributes[i], &text, values));
    BASE_TRY(walk(file, "/", 0, &text, arrays));
    if (as_json) {
        IoJson *json = io_json_object();
        io_json_set_take(json, "kind", io_json_text_value(io_hdf5_has(file, "/train/images") ? "data" : "hdf5"));
        io_json_set_take(json, "sha256", io_json_text_value(hash));
        io_json_set_take(json, "attributes", values);
        io_json_set_take(json, "arrays", arrays);
        values = arrays = NULL;
        BASE_TRY(cli_print_json_take(json));
    } else {
        BASE_TRY(cli_print_text_take(&text));
    }
out:
    io_json_free(arrays);
    io_json_free(values);
    base_text_free(&text);
    io_names_free(attributes, count);
    store_run_free(run);
    io_hdf5_close(file);
    return st;
}

static BaseStatus run(const CliOptions *o)
{
    const char *path = o->operands.at[0];
    int64_t size;
    if (o->graph) return cli_graph(o);
    if (!o->operands.count || o->classes || o->image_size)
        return base_error_set(BASE_EUSAGE, o->operands.count
                                               ? "inspect: --classes and --image-size go with --graph ARCH"
                                               : "inspect: FILE or --graph ARCH is missing; see `expunge "
                                                 "inspect --help`");
    if (io_path_is_folder(path)) return inspect_weights(path, o->json);
    BaseStatus st = io_file_size(path, &size); /* a pipe would wait for ever */
    if (st != BASE_OK) return st;
    return is_hdf5(path) ? inspect_hdf5(path, o->json) : inspect_weights(path, o->json);
}

const CliCommand cli_inspect = {
    .name = "inspect",
    .summary = "show what a weights, run or data file holds",
    .purpose =
        {
#include "cli/help/inspect.txt.inc"
        },
    .usage = {"FILE|DIR", "--graph ARCH [--classes K] [--image-size N]"},
    .takes = "json graph classes image-size",
    .operands_min = 0,
    .operands_max = 1,
    .operand = "FILE",
    .examples = {"expunge inspect original.safetensors",
                 "expunge inspect results/demo/original-s0-0123456789ab.h5 --json"},
    .run = run,
};
