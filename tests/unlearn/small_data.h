/* tests/unlearn/small_data.h - the small network of tests/fixtures/network.h5 with its 48 images as a data set in
 * memory. */
#ifndef TESTS_UNLEARN_SMALL_DATA_H
#define TESTS_UNLEARN_SMALL_DATA_H

#include "tests/nn/small.h"
#include "unlearn/unlearn.h"

typedef struct {
    IoHdf5 *file;
    NnNet *net;
    DataSet set;
    DataForget forget;
    UnlearnContext context;
} Small;

static inline void small_forget(Small *s, const char *text)
{
    data_forget_free(&s->forget);
    assert_ok(data_forget_classes(&s->set, text, &s->forget));
}

static inline Small *small_open(const char *forget)
{
    static char *names[] = {"0", "1", "2", "3", "4"};
    Small *s = NULL;
    assert_ok(BASE_ALLOC(1, &s));
    assert_ok(io_hdf5_open(support_fixture("network.h5"), &s->file));
    s->net = small_net();
    small_set(s->file, "params", s->net);
    s->set =
        (DataSet){.name = "small", .N = 48, .C = 3, .H = 12, .W = 12, .K = 5, .type = DATA_F32, .class_names = names};
    s->set.images = support_read_f32(s->file, "x", NULL);
    s->set.labels = support_read_i32(s->file, "y", NULL);
    small_forget(s, forget);
    s->context = (UnlearnContext){
        .original = s->net, .train = data_view_all(&s->set), .forget = &s->forget, .precision = NN_F32, .seed = 11};
    return s;
}

static inline void small_close(Small *s)
{
    io_hdf5_close(s->file);
    nn_net_free(s->net);
    data_forget_free(&s->forget);
    base_free(s->set.images);
    base_free(s->set.labels);
    base_free(s);
}

/** Moves the network's last bias so that it answers class 0 for some of the images and class 1 for the others; as it is it
 *  answers the same for all. */
static inline void small_two_answers(Small *s)
{
    int count;
    double apart = 0;
    float logits[48 * 5];
    DataView all = data_view_all(&s->set);
    const NnSlice *bias = nn_net_param_slices(s->net, &count) + count - 1;
    float *b = nn_net_edit_params(s->net) + bias->offset;
    assert_ok(nn_predict(s->net, &all, NN_F32, "test", logits));
    for (int i = 0; i < 48; i++) apart += (double)(logits[i * 5] - logits[i * 5 + 1]) / 48;
    b[1] += (float)apart;
    for (int k = 2; k < 5; k++) b[k] -= 100;
}

/** A method's default parameters with "key=value" settings (NULL-ended) on top; *out by base_free. */
static inline void *small_params_of(const UnlearnMethod *method, const char *const *settings)
{
    const BaseEntry *entry = &method->entry;
    void *values = NULL;
    assert_ok(base_alloc_bytes(1, entry->params_size ? entry->params_size : 1, &values));
    base_param_defaults(entry->params, entry->param_count, values);
    for (; settings && *settings; settings++) {
        char key[256];
        const char *equals = strchr(*settings, '=');
        snprintf(key, sizeof key, "%.*s", (int)(equals - *settings), *settings);
        assert_ok(base_param_set(entry->params, entry->param_count, values, entry->name, key, equals + 1, "test"));
    }
    return values;
}

/** Runs a method by name on a fresh copy of the original: *out by nn_net_free. */
static inline BaseStatus small_run(const Small *s, const char *name, const char *const *settings, NnNet **out,
                                   UnlearnReport *report)
{
    const UnlearnMethod *method = NULL;
    UnlearnReport local = {0};
    assert_ok(unlearn_find(name, &method));
    void *params = small_params_of(method, settings);
    assert_ok(nn_net_clone(s->net, out));
    BaseStatus st = unlearn_run(method, &s->context, params, *out, report ? report : &local);
    unlearn_report_free(&local);
    base_free(params);
    return st;
}
#define SETTINGS(...) ((const char *const[]){__VA_ARGS__, NULL})

/** max|got - want| / max|want - original| of one parameter slice: tests compare edits, not weights. */
static inline double small_edit_error(const NnSlice *slice, const float *got, const double *want, const float *original)
{
    double off = 0, edit = 0;
    for (int64_t i = slice->offset; i < slice->offset + slice->count; i++) {
        double d = (double)got[i] - want[i], e = want[i] - (double)original[i];
        if (!(d * d <= off)) off = d * d;
        if (e * e > edit) edit = e * e;
    }
    return edit > 0 ? __builtin_sqrt(off / edit) : off > 0 ? 1e30 : 0;
}

#endif
