/* nn/arch/vit.c - vision transformers (arXiv 2010.11929), torchvision's names and maths: a class token, learned positions,
 * pre-norm blocks, the classifier on the normed class token. DeiT's distillation token (arXiv 2012.12877) follows the
 * class token; its output is read by nobody, or by a classifier of its own, and the logits are the mean of both (its section 3). */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/hub.h"
#include "nn/arch/arch.h"

typedef struct {
    int64_t patch; /* side of the square patches */
    int64_t features, heads, blocks, hidden;
    double epsilon; /* of the layer norms; 0: torchvision's */
    int64_t tokens; /* in front of the patches; 0: one */
    bool relu;      /* in place of GELU */
    bool teacher;   /* a classifier on the distillation token too, the second */
} Form;

static const char POSITIONS[] = "encoder.pos_embedding";

static NnNode draw_norm(NnGraph *g, NnNode x, const char *name, const Form *form)
{
    return nn_layer_norm(g, x, name, form->epsilon > 0 ? form->epsilon : NN_LAYER_NORM_EPSILON);
}

static NnNode draw_block(NnGraph *g, NnNode x, const char *block, const Form *form)
{
    NnNode y = draw_norm(g, x, nn_name(g, "%s.ln_1", block), form);
    x = nn_add(g, nn_attention(g, y, nn_name(g, "%s.self_attention", block), form->heads), x);
    y = draw_norm(g, x, nn_name(g, "%s.ln_2", block), form);
    y = nn_token_linear(g, y, nn_name(g, "%s.mlp.0", block), form->hidden);
    y = form->relu ? nn_relu(g, y) : nn_activation(g, y, NN_GELU);
    return nn_add(g, nn_token_linear(g, y, nn_name(g, "%s.mlp.3", block), form->features), x);
}

static NnNode build(NnGraph *g, const void *of, int64_t K)
{
    const Form *form = of;
    NnNode token = nn_class_token(g, "class_token", form->tokens ? form->tokens : 1, form->features);
    NnNode x = nn_conv(g, nn_input(g), "conv_proj", form->features, form->patch, form->patch, 0, true);
    x = nn_tokens(g, x, token, POSITIONS);
    for (int64_t i = 0; i < form->blocks; i++)
        x = draw_block(g, x, nn_name(g, "encoder.layers.encoder_layer_%lld", (long long)i), form);
    if (!form->teacher) {
        x = draw_norm(g, nn_first_token(g, x), "encoder.ln", form); /* of the one token that is read */
        return nn_linear(g, x, "heads.head", K, true);
    }
    x = draw_norm(g, x, "encoder.ln", form);
    NnNode y = nn_linear(g, nn_first_token(g, x), "heads.head", K, true);
    return nn_activation(g, nn_add(g, y, nn_linear(g, nn_token(g, x, 1), "heads.head_dist", K, true)), NN_HALF);
}

/* Patches along a side of a square of @p count; 0: it is no square. */
static int64_t side_of(int64_t count)
{
    int64_t across = 1;
    while (across < 1024 && across * across < count) across++;
    return across * across == count ? across : 0;
}

static int64_t side(const void *of, const IoTensors *tensors)
{
    const Form *form = of;
    const IoTensor *positions = io_tensors_find(tensors, POSITIONS);
    if (!positions || positions->ndim != 3) return 0;
    return side_of(positions->shape[1] - 1) * form->patch;
}

static BaseStatus named(const char *name, const NnArch **out);
static BaseStatus of(const IoTensors *tensors, const NnArch **out);
static const NnArchFamily FAMILY = {named, of};

#define ROW(label, title, ...)                                                                                         \
    {                                                                                                                  \
        .entry = BASE_ENTRY_PLAIN(label, title ", 224x224 form; other sizes by the checkpoint's positions",            \
                                  "An Image is Worth 16x16 Words, arXiv 2010.11929"),                                  \
        .C = 3, .H = 224, .W = 224, .form = &(const Form){__VA_ARGS__}, .build = build, .side = side,                  \
        .family = &FAMILY                                                                                              \
    }

static const NnArch TABLE[] = {
    ROW("vit_ti_16", "ViT-Ti/16", .patch = 16, .features = 192, .heads = 3, .blocks = 12, .hidden = 768),
    ROW("vit_s_16", "ViT-S/16", .patch = 16, .features = 384, .heads = 6, .blocks = 12, .hidden = 1536),
    ROW("vit_b_16", "ViT-B/16", .patch = 16, .features = 768, .heads = 12, .blocks = 12, .hidden = 3072),
    ROW("vit_b_32", "ViT-B/32", .patch = 32, .features = 768, .heads = 12, .blocks = 12, .hidden = 3072),
    ROW("vit_l_16", "ViT-L/16", .patch = 16, .features = 1024, .heads = 16, .blocks = 24, .hidden = 4096),
};
const BaseRows nn_arch_vit = BASE_ROWS(TABLE);

/* ---- any other size ---- */

enum { NAME_SIZE = 128, SIZE_MOST = 1 << 16, MADE_MOST = 64 };

/* All of this process, which nobody frees: architectures are borrowed for as long as it lives. */
typedef struct {
    NnArch arch;
    Form form;
    char name[NAME_SIZE];
} Made;
static Made made[MADE_MOST];
static int made_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* "vit_patch16_224_w192_d12_h3_m768": patch, image, width, depth, heads, width of the MLP; then what is not usual:
 * "_eps1e-12", "_relu", "_dist" or "_teacher". */
static void name_of(const Form *form, int64_t H, int64_t W, char out[NAME_SIZE])
{
    char image[48], epsilon[40] = "";
    snprintf(image, sizeof image, H == W ? "%lld" : "%lldx%lld", (long long)H, (long long)W);
    if (form->epsilon > 0 && form->epsilon != NN_LAYER_NORM_EPSILON)
        snprintf(epsilon, sizeof epsilon, "_eps%.9g", form->epsilon);
    snprintf(out, NAME_SIZE, "vit_patch%lld_%s_w%lld_d%lld_h%lld_m%lld%s%s%s", (long long)form->patch, image,
             (long long)form->features, (long long)form->blocks, (long long)form->heads, (long long)form->hidden,
             epsilon, form->relu ? "_relu" : "",
             form->teacher       ? "_teacher"
             : form->tokens == 2 ? "_dist"
                                 : "");
}

static BaseStatus make(const Form *form, int64_t H, int64_t W, const NnArch **out)
{
    char name[NAME_SIZE];
    int i = 0;
    name_of(form, H, W, name);
    pthread_mutex_lock(&lock);
    while (i < made_count && strcmp(made[i].name, name) != 0) i++;
    if (i == made_count && i < MADE_MOST) {
        Made *fresh = &made[made_count++];
        fresh->form = *form;
        strcpy(fresh->name, name);
        fresh->arch = (NnArch){.entry = BASE_ENTRY_PLAIN(fresh->name, "a vision transformer", TABLE[0].entry.source),
                               .C = 3,
                               .H = H,
                               .W = W,
                               .form = &fresh->form,
                               .build = build,
                               .family = &FAMILY};
    }
    pthread_mutex_unlock(&lock);
    *out = i < MADE_MOST ? &made[i].arch : NULL;
    if (*out) return BASE_OK;
    return base_error_set(BASE_ELIMIT, "%s: more than %d different vision transformers in one process", name,
                          MADE_MOST);
}

/* A number after @p mark, which moves *at behind both. */
static bool take(const char **at, const char *mark, int64_t *out)
{
    size_t size = strlen(mark);
    if (strncmp(*at, mark, size) != 0 || (*at)[size] < '1' || (*at)[size] > '9') return false;
    char *end;
    long long value = strtoll(*at + size, &end, 10);
    *at = end;
    *out = value;
    return value <= SIZE_MOST;
}

static bool take_word(const char **at, const char *word)
{
    size_t size = strlen(word);
    bool there = strncmp(*at, word, size) == 0;
    if (there) *at += size;
    return there;
}

static BaseStatus named(const char *name, const NnArch **out)
{
    static const char START[] = "vit_patch";
    const char *at = name;
    Form form = {0};
    int64_t H = 0, W = 0;
    *out = NULL;
    if (strncmp(name, START, strlen(START)) != 0) return BASE_OK;
    bool good = take(&at, START, &form.patch) && take(&at, "_", &H);
    W = H;
    if (good && *at == 'x') good = take(&at, "x", &W);
    good = good && take(&at, "_w", &form.features) && take(&at, "_d", &form.blocks) && take(&at, "_h", &form.heads) &&
           take(&at, "_m", &form.hidden);
    if (good && take_word(&at, "_eps")) {
        char *end;
        form.epsilon = strtod(at, &end);
        good = end != at && form.epsilon > 0 && form.epsilon < 1;
        at = end;
    }
    form.relu = take_word(&at, "_relu");
    form.teacher = take_word(&at, "_teacher");
    form.tokens = form.teacher || take_word(&at, "_dist") ? 2 : 1;
    if (!good || *at || H % form.patch != 0 || W % form.patch != 0 || form.features % form.heads != 0)
        return base_error_set(BASE_EUSAGE,
                              "architecture '%.100s': must be like vit_patch16_224_w384_d12_h6_m1536 (patch, image, "
                              "features, blocks, heads, features of the MLP), patches filling the image and heads the "
                              "features, perhaps with _eps1e-12, _relu, _dist or _teacher at the end",
                              name);
    return make(&form, H, W, out);
}

static const IoTensor *find_matrix(const IoTensors *tensors, const char *name, int ndim)
{
    const IoTensor *tensor = io_tensors_find(tensors, name);
    return tensor && tensor->ndim == ndim ? tensor : NULL;
}

/* Heads of the widths in use, all of 64 features but ViT-H's: that many in arXiv 2010.11929 (table 1) and 2012.12877
 * (table 1). */
static int64_t usual_heads(int64_t features)
{
    static const int64_t WIDTHS[][2] = {{192, 3}, {384, 6}, {768, 12}, {1024, 16}, {1280, 16}};
    for (size_t i = 0; i < BASE_COUNT(WIDTHS); i++)
        if (WIDTHS[i][0] == features) return WIDTHS[i][1];
    return 0;
}

static bool same_form(const Form *a, const Form *b)
{
    double x = a->epsilon > 0 ? a->epsilon : NN_LAYER_NORM_EPSILON,
           y = b->epsilon > 0 ? b->epsilon : NN_LAYER_NORM_EPSILON;
    return a->patch == b->patch && a->features == b->features && a->heads == b->heads && a->blocks == b->blocks &&
           a->hidden == b->hidden && x == y && (a->tokens == 2) == (b->tokens == 2) && a->relu == b->relu &&
           a->teacher == b->teacher;
}

/* Its heads, epsilon and activation, which no tensor tells. */
static BaseStatus take_config(const IoTensors *tensors, Form *form)
{
    BaseStatus st = BASE_OK;
    const IoHub *hub = tensors->hub;
    form->heads = hub && hub->heads ? hub->heads : usual_heads(form->features);
    BASE_CHECK(form->heads > 0 && form->features % form->heads == 0, BASE_ESHAPE,
               hub && hub->heads
                   ? "a vision transformer of %lld features in %lld heads, which do not divide them"
                   : "a vision transformer of %lld features, and nothing says in how many heads: name it as --arch "
                     "vit_patch%lld_<image>_w%lld_d%lld_h<heads>_m%lld",
               (long long)form->features, hub && hub->heads ? (long long)hub->heads : (long long)form->patch,
               (long long)form->features, (long long)form->blocks, (long long)form->hidden);
    if (!hub) goto out;
    form->epsilon = hub->epsilon;
    form->relu = hub->activation && strcmp(hub->activation, "relu") == 0;
    BASE_CHECK(!hub->activation || form->relu || strcmp(hub->activation, "gelu") == 0, BASE_ESHAPE,
               "%s: the activation is %.60s; a vision transformer can have gelu or relu here", hub->config,
               hub->activation);
out:
    return st;
}

static BaseStatus of(const IoTensors *tensors, const NnArch **out)
{
    BaseStatus st = BASE_OK;
    Form form = {.tokens = io_tensors_find(tensors, ":1:class_token") ? 2 : 1};
    const IoTensor *patches = find_matrix(tensors, "conv_proj.weight", 4),
                   *positions = find_matrix(tensors, POSITIONS, 3),
                   *mlp = find_matrix(tensors, "encoder.layers.encoder_layer_0.mlp.0.weight", 2);
    const IoHub *hub = tensors->hub;
    char name[64];
    *out = NULL;
    form.teacher = form.tokens == 2 && io_tensors_find(tensors, "heads.head_dist.weight");
    if (!patches || !positions || !mlp || patches->shape[2] < 1 || patches->shape[2] != patches->shape[3])
        return BASE_OK;
    form.patch = patches->shape[2], form.features = patches->shape[0], form.hidden = mlp->shape[0];
    if (form.patch > SIZE_MOST || form.features < 1 || form.features > SIZE_MOST || form.hidden < 1 ||
        form.hidden > SIZE_MOST)
        return BASE_OK;
    do {
        snprintf(name, sizeof name, "encoder.layers.encoder_layer_%lld.ln_1.weight", (long long)++form.blocks);
    } while (form.blocks < SIZE_MOST && io_tensors_find(tensors, name));
    int64_t across = side_of(positions->shape[1] - form.tokens), H = across * form.patch, W = H;
    if (hub && hub->height) H = hub->height, W = hub->width;
    if (H < 1 || W < 1 || H % form.patch != 0 || W % form.patch != 0) return BASE_OK;
    BASE_TRY(take_config(tensors, &form));
    for (size_t i = 0; i < BASE_COUNT(TABLE); i++)
        if (H == W && same_form(TABLE[i].form, &form)) *out = &TABLE[i];
    if (!*out) BASE_TRY(make(&form, H, W, out));
out:
    return st;
}
