/* cli/unlearn.c - `expunge unlearn`: what the options name is opened, unlearned and written; the layers as a table. */
#include "models/unlearning.h"

#include <string.h>

#include "cli/commands.h"
#include "cli/visible.h"
#include "session/forget.h"
#include "sweep/ranks.h"

/* The images are divided among the ranks of mpirun. */
static BaseStatus share(const CliOptions *o, ModelUnlearning *u)
{
    BaseStatus st = BASE_OK;
    BASE_CHECK(o->share || sweep_ranks_count() == 1, BASE_EUSAGE,
               "unlearn under MPI: each of the %d ranks would do the same work; --share divides the images among them",
               sweep_ranks_count());
    if (!o->share) goto out;
    BASE_CHECK(u->method->needs & UNLEARN_SHARES, BASE_EUSAGE,
               "--share: the work of %s cannot be shared; `expunge list methods` says which methods can share "
               "theirs",
               u->method->entry.name);
    u->context.reduce = sweep_ranks_sum;
    sweep_ranks_part(UNLEARN_BLOCKS, &u->context.first_block, &u->context.block_count);
out:
    return st;
}

/* At most 95 columns; a name that is too long for its column has a line of its own. The traces are in the JSON. */
static void add_layers(const UnlearnReport *r, BaseText *text)
{
    enum { SHORTEST = 5, LONGEST = 30 };
    int width = SHORTEST;
    for (int i = 0; i < r->layer_count; i++) {
        int length = (int)strlen(r->layers[i].name);
        if (length <= LONGEST && length > width) width = length;
    }
    base_text_add(text, "%-*s %8s %8s %8s %6s %6s %9s %9s %7s\n", width, "layer", "features", "n_retain", "n_forget",
                  "rank_r", "rank_f", "removed_r", "removed_f", "change");
    for (int i = 0; i < r->layer_count; i++) {
        const UnlearnLayer *l = &r->layers[i];
        bool wide = (int)strlen(l->name) > width;
        if (wide) base_text_add(text, "%s\n", l->name);
        base_text_add(text, "%-*s %8lld %8lld %8lld %6.4g %6.4g %9.4f %9.4f %7.4f\n", width, wide ? "" : l->name,
                      (long long)l->features, (long long)l->n_retain, (long long)l->n_forget, l->rank_retain,
                      l->rank_forget, l->retain_removed, l->forget_removed, l->weight_change);
    }
}

static BaseStatus print_table(const CliOptions *o, const ModelUnlearning *u)
{
    BaseText text = {0};
    const UnlearnReport *r = &u->report;
    const SessionTally *b = &u->before, *a = &u->after;
    if (r->layer_count > 0) add_layers(r, &text);
    base_text_add(&text, "\n%-17s %24s %24s\n", "test split", "before", "after");
    char before[48], after[48];
    session_percent_interval_text(b->right_retain, b->n_retain, before);
    session_percent_interval_text(a->right_retain, a->n_retain, after);
    base_text_add(&text, "ACC_r (n = %5lld) %24s %24s\n", (long long)a->n_retain, before, after);
    session_percent_interval_text(b->right_forget, b->n_forget, before);
    session_percent_interval_text(a->right_forget, a->n_forget, after);
    base_text_add(&text, "ACC_f (n = %5lld) %24s %24s\nBrackets: 95%% intervals.\n", (long long)a->n_forget, before,
                  after);
    if (data_forget_by_image(&u->forget))
        base_text_add(&text, "ACC_f is that on the forgotten training images; a model that never saw them would answer "
                             "about as many right as of\nthe test split.\n");
    base_text_add(&text, "forgotten: ");
    session_forget_both(&u->forget, u->data->train, &text);
    base_text_add(&text, "\n");
    base_text_add(&text,
                  "%.2f s (prepare %.2f s, apply %.2f s) on %lld retained and %lld forgotten images\nweights in %s\n",
                  r->prepare_seconds + r->apply_seconds, r->prepare_seconds, r->apply_seconds,
                  (long long)r->samples_retain, (long long)r->samples_forget, o->out);
    for (size_t i = 0; i < u->model->tensors->copy_count; i++) {
        base_text_add(&text, "beside them: ");
        cli_visible_add(&text, u->model->tensors->copies[i].where);
        base_text_add(&text, ", a copy of %zu tensors: %s\n", u->model->tensors->copies[i].tensors->count,
                      model_unlearning_done(u));
    }
    return cli_print_text_take(&text);
}

static BaseStatus run(const CliOptions *o)
{
    BaseStatus st = BASE_OK;
    ModelUnlearning u = {0};
    SessionData data = {0};
    SessionModel model = {0};
    bool first = sweep_ranks_number() == 0; /* the others have the same network, and nothing to say */
    const DataForgetWish forget = {.classes = o->forget, .index = o->forget_index};
    bool any;
    BASE_TRY(data_forget_wish_check(&forget, &any));
    BASE_CHECK(any, BASE_EUSAGE,
               "unlearn: what is to be forgotten is missing: --forget names classes, --forget-index a "
               "file of training images; see `expunge unlearn --help`");
    BASE_TRY(model_unlearning_choose(o->method, o->set.at, o->set.count, o->beside, &u));
    BASE_TRY(io_tensors_writable(o->out, o->weights));
    const char *dot = strrchr(o->out, '.');
    BASE_CHECK(!o->image_size || (dot && strcmp(dot, ".safetensors") == 0 && !io_tensors_folder(o->out, o->weights)),
               BASE_EUSAGE,
               "--image-size gives a tensor another shape, which the structure of the input cannot hold: -o "
               "must be a .safetensors file");
    BASE_TRY(session_output_check(o->out, o->data, o->weights));
    BASE_TRY(cli_open(o, &data, &model));
    BASE_TRY(model_unlearning_prepare(&u, &data, &model, o->weights, &forget, &o->prepare, o->use, (uint64_t)o->seed));
    BASE_TRY(share(o, &u));
    BASE_TRY(model_unlearning_check(&u));
    BASE_TRY(model_unlearning_run(&u, o->out, first));
    if (!first) goto out;
    BASE_TRY(model_unlearning_keep(&u, model.tensors));
    BASE_TRY(io_tensors_write(model.tensors, o->out));
    BASE_TRY(o->json ? cli_print_json_take(model_unlearning_json(&u)) : print_table(o, &u));
    BASE_TRY(model_unlearning_warn(&u));
out:
    model_unlearning_free(&u);
    session_model_free(&model);
    session_data_free(&data);
    return st;
}

const CliCommand cli_unlearn = {
    .name = "unlearn",
    .summary = "remove classes or images from a trained network",
    .purpose =
        {
#include "cli/help/unlearn.txt.inc"
        },
    .usage =
        {"--arch A --weights F --data D --forget 3[,7] | --forget-index FILE --method M [--set k=v]... [--share] [--beside B] -o FILE"},
    .takes =
        "arch! weights! override image-size data! forget forget-index method! set beside share precision tuning memory json out!",
    .ranks = true,
    .set_common = true,
    .examples = {"expunge unlearn --arch convnet --weights original.safetensors --data fashion-mnist --forget 3 "
                 "--method svd -o out.safetensors",
                 "expunge unlearn --arch vgg11_bn --weights w.safetensors --data fashion-mnist --forget 3,7 --method "
                 "svd --set alpha_r=100 --set alpha_f=3 -o out.safetensors"},
    .run = run,
};
