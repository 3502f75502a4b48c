/* Data and models of the public interface beside the program ($EXPUNGE): logits, evaluations, unlearned files and their reports
 * are the same, bit for bit, from a file of images and from the same arrays; handles live apart; what is wrong is one sentence; and
 * what takes long can be cancelled. */
#include <omp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "io/file.h"
#include "tests/api/world.h"

enum { IMAGES = 90, TESTS = 45, KINDS = 3, SIDE = 12, PIXELS = SIDE * SIDE };

/* Squares at a place that says the class, in noise. */
static uint8_t train_images[IMAGES][PIXELS], test_images[TESTS][PIXELS];
static int32_t train_labels[IMAGES], test_labels[TESTS];
static const int64_t SHAPE[] = {1, SIDE, SIDE};
static const char *const NAMES[KINDS] = {"left", "middle", "right"}, *const PREPARED[] = {"mean=0.5", "std=0.25"};
static const expunge_split TRAIN = {train_images, train_labels, IMAGES}, TEST = {test_images, test_labels, TESTS};
static char images[1024], weights[1024], drawn[1024], spec[1100]; /* drawn: weights with canaries */

static void draw(uint8_t (*x)[PIXELS], int32_t *labels, int n, uint64_t stream)
{
    BaseRandom random = base_random_make(7, "test_models", stream);
    for (int i = 0; i < n; i++) {
        labels[i] = i % KINDS;
        for (int p = 0; p < PIXELS; p++)
            x[i][p] = (uint8_t)(base_random_below(&random, 120) +
                                (p % SIDE / 4 == labels[i] && p / SIDE % 8 < 5 ? 100u : 0u));
    }
}

/* Runs the program with these words, its standard output into the file @p out of the scratch folder. */
static void program(const char *out, const char *words, ...) __attribute__((format(printf, 2, 3)));
static void program(const char *out, const char *words, ...)
{
    BaseText command = {0};
    char line[16384];
    va_list arguments;
    va_start(arguments, words);
    vsnprintf(line, sizeof line, words, arguments);
    va_end(arguments);
    base_text_add(&command, "\"$EXPUNGE\" %s >'%s' 2>/dev/null", line, support_at(out));
    assert_ok(command.st);
    const int code = system(command.data);
    if (code && strncmp(words, "audit", 5) != 0) fail_msg("%s", command.data); /* its verdict may be "invalid" */
    base_text_free(&command);
}

static char *text_of(const char *path)
{
    char *text;
    size_t size;
    assert_ok(io_file_read(path, (size_t)1 << 26, &text, &size));
    return text;
}

/* What the program printed, without its last line end. */
static char *printed(const char *name)
{
    char *text = text_of(support_at(name));
    size_t size = strlen(text);
    assert_true(size > 0 && text[size - 1] == '\n');
    text[size - 1] = '\0';
    return text;
}

static void assert_same_file(const char *a, const char *b)
{
    char *text[2];
    size_t size[2];
    assert_ok(io_file_read(a, (size_t)1 << 26, &text[0], &size[0]));
    assert_ok(io_file_read(b, (size_t)1 << 26, &text[1], &size[1]));
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(text[0], text[1], size[0]);
    base_free(text[0]), base_free(text[1]);
}

static void make_files(void)
{
    IoHdf5 *file;
    draw(train_images, train_labels, IMAGES, 0);
    draw(test_images, test_labels, TESTS, 1);
    snprintf(images, sizeof images, "%s", support_at("images.h5"));
    snprintf(weights, sizeof weights, "%s", support_at("weights.safetensors"));
    snprintf(drawn, sizeof drawn, "%s", support_at("canaries.safetensors"));
    snprintf(spec, sizeof spec, "hdf5:%s", images);
    assert_ok(io_hdf5_create(&file));
    assert_ok(
        io_hdf5_write(file, "/train/images", IO_H5_U8, 4, (int64_t[]){IMAGES, 1, SIDE, SIDE}, (void *)train_images));
    assert_ok(io_hdf5_write(file, "/train/labels", IO_H5_I32, 1, (int64_t[]){IMAGES}, train_labels));
    assert_ok(io_hdf5_write(file, "/test/images", IO_H5_U8, 4, (int64_t[]){TESTS, 1, SIDE, SIDE}, (void *)test_images));
    assert_ok(io_hdf5_write(file, "/test/labels", IO_H5_I32, 1, (int64_t[]){TESTS}, test_labels));
    assert_ok(io_hdf5_save_take(file, images));
    for (int canaries = 0; canaries < 2; canaries++)
        program("train.out",
                "train --arch convnet --data '%s' --mean 0.5 --std 0.25 --set epochs=3 --set batch_size=16 %s -o '%s'",
                spec, canaries ? "--canaries 30 --canary-kind label" : "", canaries ? drawn : weights);
}

/* As arrays, which are not looked at again, or as a file. */
static expunge_data *data_of(bool arrays)
{
    expunge_data *data;
    if (arrays)
        assert_done(expunge_data_create(&TRAIN, &TEST, EXPUNGE_U8, SHAPE, KINDS, NAMES, PREPARED, 2, &data));
    else
        assert_done(expunge_data_open(spec, PREPARED, 2, &data));
    return data;
}

static expunge_data *ready[2]; /* of the file, of arrays */

static expunge_model *model_from(const char *file, bool arrays)
{
    expunge_model *model;
    assert_done(expunge_model_open(file, arrays ? "auto" : "convnet", ready[arrays], NULL, 0, &model));
    return model;
}

static int make_all(void **state)
{
    (void)state;
    make_files();
    for (int arrays = 0; arrays < 2; arrays++) ready[arrays] = data_of(arrays);
    return 0;
}

static int free_data(void **state)
{
    (void)state;
    expunge_data_free(ready[0]), expunge_data_free(ready[1]);
    return 0;
}

static expunge_model *model_of(bool arrays) { return model_from(weights, arrays); }

static void test_data(void **state)
{
    (void)state;
    int32_t labels[IMAGES];
    for (int arrays = 0; arrays < 2; arrays++) {
        expunge_data *data = data_of(arrays);
        assert_int_equal(expunge_data_count(data, "train"), IMAGES);
        assert_int_equal(expunge_data_count(data, "test"), TESTS);
        assert_int_equal(expunge_data_count(data, "tset"), 0);
        assert_int_equal(expunge_data_classes(data), KINDS);
        assert_done(expunge_data_labels(data, "train", labels, IMAGES));
        assert_memory_equal(labels, train_labels, sizeof labels);
        assert_refused(expunge_data_labels(data, "test", labels, IMAGES), ESHAPE, "count = 90: the split test has 45");
        expunge_data_free(data);
    }
    assert_int_equal(expunge_data_count(NULL, "train") + expunge_data_classes(NULL), 0);
    expunge_data_free(NULL);
}

static void test_answers(void **state)
{
    (void)state;
    static float logits[TESTS * KINDS];
    char predicted[1024], *want, *json;
    int64_t n;
    IoHdf5 *file;
    snprintf(predicted, sizeof predicted, "%s", support_at("test.h5"));
    program("predict.out",
            "predict --arch convnet --weights '%s' --data '%s' --mean 0.5 --std 0.25 --split test -o '%s'", weights,
            spec, predicted);
    program("eval.json",
            "eval --arch auto --weights '%s' --data '%s' --mean 0.5 --std 0.25 --split train --forget 2 --json",
            weights, spec);
    want = printed("eval.json");
    assert_ok(io_hdf5_open(predicted, &file));
    float *theirs = support_read_f32(file, "/logits", &n);
    io_hdf5_close(file);
    assert_int_equal(n, TESTS * KINDS);
    for (int arrays = 0; arrays < 2; arrays++) {
        expunge_model *model = model_of(arrays);
        assert_string_equal(expunge_model_arch(model), "convnet");
        assert_int_equal(expunge_model_classes(model), KINDS);
        assert_done(expunge_model_logits(model, "test", logits, TESTS, KINDS));
        assert_memory_equal(logits, theirs, sizeof logits);
        assert_done(expunge_model_evaluate(model, "train", arrays ? "right" : "2", &json));
        if (arrays)
            assert_non_null(strstr(json, "\"right\""));
        else
            assert_string_equal(json, want);
        expunge_free(json);
        expunge_model_free(model);
    }
    base_free(want), base_free(theirs);
}

/* What each of these leaves, in a file and in the report. */
static void test_unlearning(void **state)
{
    (void)state;
    static const struct {
        const char *weights, *method, *forget, *words;
        const char *const options[4];
        size_t count;
        const char *extension;
    } CASES[] = {{weights, "svd", "1", "--set alpha_r=30 --seed 3", {"alpha_r=30", "seed=3"}, 2, "safetensors"},
                 {weights,
                  "finetune",
                  "0,2",
                  "--set epochs=2 --set batch_size=16 --set val_fraction=0.2 --seed 5",
                  {"epochs=2", "batch_size=16", "val_fraction=0.2", "seed=5"},
                  4,
                  "safetensors"},
                 {drawn, "neggrad_plus", "1", "", {NULL}, 0, "safetensors"},
                 {weights, "retrain", "2", "", {NULL}, 0, "pt"}};
    static const char *const OTHERWISE[] = {"seconds\"", NULL};
    char out[2][1024], name[64], *want, *json, *before, *after;
    for (size_t c = 0; c < BASE_COUNT(CASES); c++) {
        for (int i = 0; i < 2; i++) {
            snprintf(name, sizeof name, "%s%d.%s", CASES[c].method, i, CASES[c].extension);
            snprintf(out[i], sizeof out[i], "%s", support_at(name));
        }
        program("unlearn.json",
                "unlearn --arch convnet --weights '%s' --data '%s' --mean 0.5 --std 0.25 --forget %s --method %s %s "
                "--json -o '%s'",
                CASES[c].weights, spec, CASES[c].forget, CASES[c].method, CASES[c].words, out[0]);
        want = printed("unlearn.json");
        expunge_model *original = model_from(CASES[c].weights, false), *unlearned, *silent = NULL;
        assert_done(expunge_model_evaluate(original, "test", NULL, &before));
        assert_done(expunge_unlearn(original, CASES[c].method, CASES[c].forget, CASES[c].options, CASES[c].count,
                                    &unlearned, &json));
        assert_same_but(json, want, OTHERWISE);
        if (c == 0)
            assert_done(expunge_unlearn(original, CASES[c].method, CASES[c].forget, CASES[c].options, CASES[c].count,
                                        &silent, NULL));
        assert_done(expunge_model_evaluate(original, "test", NULL, &after)); /* it is as it was */
        assert_string_equal(before, after);
        expunge_model_free(original);
        base_free(want), expunge_free(json), expunge_free(before), expunge_free(after);
        expunge_model *both[] = {unlearned, silent};
        for (int i = 0; i < 2 && both[i]; i++) {
            assert_done(expunge_model_save(both[i], out[1]));
            assert_same_file(out[0], out[1]);
        }
        program("eval.json",
                "eval --arch convnet --weights '%s' --data '%s' --mean 0.5 --std 0.25 --split train --json", out[0],
                spec);
        want = printed("eval.json");
        assert_done(expunge_model_evaluate(unlearned, "train", NULL, &json));
        assert_string_equal(json, want);
        base_free(want), expunge_free(json);
        expunge_model_free(unlearned), expunge_model_free(silent);
    }
}

/* Images by their positions in memory are those of an index file. */
static void test_listed(void **state)
{
    (void)state;
    static const int64_t LISTED[] = {17, 3, 4, 5, 11};
    static const char *const OTHERWISE[] = {"seconds\"", NULL};
    char list[1024], out[2][1024], *want, *json;
    expunge_model *original = model_from(weights, false), *unlearned = NULL;
    snprintf(list, sizeof list, "%s", support_at("list.txt"));
    snprintf(out[0], sizeof out[0], "%s", support_at("images0.safetensors"));
    snprintf(out[1], sizeof out[1], "%s", support_at("images1.safetensors"));
    assert_ok(io_file_write(list, "3-5\n11\n17\n", 10));
    program("images.json",
            "unlearn --arch convnet --weights '%s' --data '%s' --mean 0.5 --std 0.25 --forget-index '%s' --method svd "
            "--seed 3 --json -o '%s'",
            weights, spec, list, out[0]);
    want = printed("images.json");
    assert_done(expunge_unlearn_images(original, "svd", LISTED, BASE_COUNT(LISTED), (const char *[]){"seed=3"}, 1,
                                       &unlearned, &json));
    assert_same_but(json, want, OTHERWISE);
    base_free(want), expunge_free(json);
    assert_done(expunge_model_save(unlearned, out[1]));
    assert_same_file(out[0], out[1]);
    program("eval.json",
            "eval --arch convnet --weights '%s' --data '%s' --mean 0.5 --std 0.25 --forget-index '%s' --json", out[0],
            spec, list);
    want = printed("eval.json");
    assert_done(expunge_model_evaluate_images(unlearned, LISTED, BASE_COUNT(LISTED), &json));
    assert_string_equal(json, want);
    base_free(want), expunge_free(json);
    expunge_model_free(unlearned);
    assert_refused(expunge_unlearn_images(original, "svd", (const int64_t[]){1, 1}, 2, NULL, 0, &unlearned, NULL),
                   EUSAGE, "image 1 is to be forgotten twice");
    assert_refused(expunge_unlearn_images(original, "mask_logit", LISTED, 5, NULL, 0, &unlearned, NULL), EUSAGE,
                   "whole classes only");
    assert_refused(expunge_unlearn_images(original, "svd", LISTED, 0, NULL, 0, &unlearned, NULL), EUSAGE,
                   "no image is to be forgotten");
    assert_refused(expunge_unlearn_images(original, "svd", LISTED, -1, NULL, 0, &unlearned, NULL), EARG, "count = -1");
    assert_refused(expunge_unlearn_images(original, "svd", NULL, 1, NULL, 0, &unlearned, NULL), EARG, "images is NULL");
    assert_null(unlearned);
    assert_refused(expunge_model_evaluate_images(original, (const int64_t[]){1 << 20}, 1, &json), EUSAGE,
                   "has no image 1048576");
    assert_null(json);
    expunge_model_free(original);
}

/* The table of algorithms is the model's, and that of what is unlearned from it, whichever is freed first. */
static void test_tuning(void **state)
{
    (void)state;
    static const char EMPTY[] = "expunge-tuning 1\n";
    char table[1024], option[1100], *want, *json;
    expunge_model *model, *unlearned;
    snprintf(table, sizeof table, "%s", support_at("table"));
    snprintf(option, sizeof option, "tuning=%s", table);
    assert_ok(io_file_write(table, EMPTY, strlen(EMPTY)));
    const char *const options[] = {option, "precision=f32"};
    program("eval.json", "eval --arch convnet --weights '%s' --data '%s' --mean 0.5 --std 0.25 --tuning '%s' --json",
            weights, spec, table);
    want = printed("eval.json");
    assert_null(strstr(want, "\"tuning_hash\": null"));
    assert_done(expunge_model_open(weights, "convnet", ready[0], options, 2, &model));
    assert_done(expunge_unlearn(model, "none", "1", NULL, 0, &unlearned, NULL));
    expunge_model_free(model);
    assert_done(expunge_model_evaluate(unlearned, "test", NULL, &json));
    assert_string_equal(json, want);
    expunge_free(json), base_free(want);
    expunge_model_free(unlearned);
}

/* Of a PyTorch file with an average of the weights, and of an HDF5 file: its structure goes into what is written, from two models
 * that share where it came from. */
static void test_origins(void **state)
{
    (void)state;
    static const char *const EXTENSIONS[] = {"pt", "h5"}, *const DROP[] = {"beside=drop"};
    char from[4096], out[2][1024], name[64];
    expunge_data *data;
    expunge_model *original, *unlearned[2];
    assert_done(expunge_data_open("gaussians", NULL, 0, &data));
    snprintf(from, sizeof from, "%s", support_fixture("pytorch_beside.pt"));
    for (int e = 0; e < 2; e++) {
        for (int i = 0; i < 2; i++) {
            snprintf(name, sizeof name, "beside%d.%s", i, EXTENSIONS[e]);
            snprintf(out[i], sizeof out[i], "%s", support_at(name));
        }
        assert_done(expunge_model_open(from, "mlp", data, NULL, 0, &original));
        assert_done(expunge_unlearn(original, "svd", "3", NULL, 0, &unlearned[0], NULL));
        if (e == 0) assert_non_null(strstr(expunge_notices(), "go into the unlearned model"));
        assert_done(expunge_unlearn(original, "svd", "3", DROP, 1, &unlearned[1], NULL));
        for (int i = 0; i < 2; i++) {
            program("unlearn.out",
                    "unlearn --arch mlp --weights '%s' --data gaussians --forget 3 --method svd %s -o '%s'", from,
                    i ? "--beside drop" : "", out[0]);
            assert_done(expunge_model_save(unlearned[i], out[1]));
            assert_same_file(out[0], out[1]);
            expunge_model_free(unlearned[i]);
        }
        if (e == 0) { /* the same weights in the other container, for the next turn */
            snprintf(from, sizeof from, "%s", support_at("weights.h5"));
            assert_done(expunge_model_save(original, from));
        }
        expunge_model_free(original);
    }
    expunge_data_free(data);
}

static void test_refusals(void **state)
{
    (void)state;
    static const int64_t FLAT[] = {PIXELS, 1, 1};
    static float logits[TESTS * KINDS];
    expunge_data *data = ready[1], *none;
    expunge_model *model = model_of(true), *unlearned;
    expunge_split wrong = TRAIN;
    int32_t labels[IMAGES] = {[5] = KINDS};
    char *json;
    wrong.labels = labels;
    assert_refused(expunge_data_open("gaussian", NULL, 0, &none), ENOTFOUND, "did you mean 'gaussians'");
    assert_refused(expunge_data_open(spec, (const char *[]){"maen=0.5"}, 1, &none), EUSAGE, "did you mean 'mean'");
    assert_refused(expunge_data_open(spec, (const char *[]){"mean"}, 1, &none), EUSAGE, "must be key=value");
    assert_refused(expunge_data_open(spec, NULL, 1, &none), EARG, "options is NULL");
    assert_null(none);
    assert_refused(expunge_data_create(&wrong, &TEST, EXPUNGE_U8, SHAPE, KINDS, NAMES, NULL, 0, &none), EFORMAT,
                   "label 5 is 3");
    assert_refused(expunge_data_create(&TRAIN, &TEST, EXPUNGE_F64, SHAPE, KINDS, NAMES, NULL, 0, &none), EARG,
                   "must be EXPUNGE_F32 or EXPUNGE_U8");
    assert_refused(expunge_data_create(&TRAIN, &TEST, EXPUNGE_U8, FLAT, KINDS, NAMES, NULL, 0, &none), EFORMAT,
                   "1 to 16 channels");
    wrong.count = 0;
    assert_refused(expunge_data_create(&TRAIN, &wrong, EXPUNGE_U8, SHAPE, KINDS, NULL, NULL, 0, &none), EARG,
                   "test: count = 0");
    assert_refused(expunge_data_create(&TRAIN, &TEST, EXPUNGE_U8, SHAPE, 0, NAMES, NULL, 0, &none), EARG,
                   "classes = 0");
    assert_refused(expunge_model_open(weights, "convent", data, NULL, 0, &unlearned), ENOTFOUND, "did you mean");
    assert_refused(expunge_model_open(weights, "mlp", data, NULL, 0, &unlearned), ESHAPE, "those of convnet");
    assert_refused(expunge_model_open(weights, NULL, data, (const char *[]){"precison=f32"}, 1, &unlearned), EUSAGE,
                   "did you mean 'precision'");
    assert_refused(expunge_model_open(images, NULL, data, NULL, 0, &unlearned), ESHAPE, "images.h5");
    assert_null(unlearned);
    assert_refused(expunge_model_logits(model, "valid", logits, TESTS, KINDS), EUSAGE, "must be train or test");
    assert_refused(expunge_model_logits(model, "test", logits, TESTS, 10), ESHAPE, "has 3 classes");
    assert_refused(expunge_model_evaluate(model, "test", "9", &json), EUSAGE, "9");
    assert_null(json);
    assert_refused(expunge_unlearn(model, "svdd", "1", NULL, 0, &unlearned, &json), ENOTFOUND, "did you mean 'svd'");
    assert_refused(expunge_unlearn(model, "svd", "1", (const char *[]){"alpha=1"}, 1, &unlearned, &json), EUSAGE,
                   "did you mean");
    assert_refused(expunge_unlearn(model, "svd", "1", (const char *[]){"seed=-1"}, 1, &unlearned, NULL), EUSAGE,
                   "seed=-1: must be a whole number");
    assert_refused(expunge_unlearn(model, "svd", "0,1,2", NULL, 0, &unlearned, NULL), EUSAGE, "");
    assert_null(unlearned);
    assert_refused(expunge_model_save(model, weights), EUSAGE, "is the input");
    assert_refused(expunge_model_save(model, support_at("model.txt")), EUSAGE, "model.txt");
    expunge_model_free(model), expunge_model_free(NULL);
}

static void put_image(const char *name)
{
    char *bytes, path[1100];
    size_t size;
    assert_ok(io_file_read(support_fixture("images/rgb.png"), 0, &bytes, &size));
    snprintf(path, sizeof path, "%s", support_at(name));
    *strrchr(path, '/') = '\0';
    assert_ok(io_folder_make(path));
    assert_ok(io_file_write(support_at(name), bytes, size));
    base_free(bytes);
}

/* Images in a folder: no weights are written among them, and "memory" decides what stays. */
static void test_folder(void **state)
{
    (void)state;
    static const char *const SMALL[] = {"resize=12", "crop=12", "memory=1G"}, *const WRONG[] = {"memory=-1", "memory=0",
                                                                                                "memory=many"};
    expunge_data *data, *none;
    expunge_model *model;
    char folder[1100], small[1100];
    put_image("pets/train/cat/1.png"), put_image("pets/train/dog/1.png");
    put_image("pets/test/cat/2.png"), put_image("pets/test/dog/2.png");
    snprintf(folder, sizeof folder, "imagefolder:%s", support_at("pets"));
    snprintf(small, sizeof small, "%s", support_at("pets.safetensors"));
    program("pets.out", "train --arch mlp --data '%s' --resize 12 --crop 12 --set epochs=1 -o '%s'", folder, small);
    for (size_t i = 0; i < BASE_COUNT(WRONG); i++)
        assert_refused(expunge_data_open(folder, &WRONG[i], 1, &none), EUSAGE, "must be bytes, or a number");
    assert_refused(expunge_data_open(folder, (const char *[]){"memry=1G"}, 1, &none), EUSAGE, "did you mean 'memory'");
    assert_refused(expunge_data_create(&TRAIN, &TEST, EXPUNGE_U8, SHAPE, KINDS, NAMES, &SMALL[2], 1, &none), EUSAGE,
                   "there is no such option");
    const int64_t before = base_memory_budget();
    assert_refused(expunge_data_open("imagefolder:/nowhere", SMALL, 3, &none), EIO, "/nowhere");
    assert_int_equal(base_memory_budget(), before);
    assert_done(expunge_data_open(folder, SMALL, 3, &data));
    assert_int_equal(base_memory_budget(), (int64_t)1 << 30);
    base_memory_set_budget(0);
    assert_done(expunge_model_open(small, NULL, data, NULL, 0, &model));
    assert_refused(expunge_model_save(model, support_at("pets/train/dog/w.safetensors")), EUSAGE, "image folder");
    assert_refused(expunge_model_save(model, support_at("pets/test/w.pt")), EUSAGE, "image folder");
    assert_done(expunge_model_save(model, support_at("pets/w.safetensors")));
    expunge_model_free(model);
    expunge_data_free(data);
}

/* A network with more classes than the images show, and its own normalisation, leave the data as they were. */
static void test_apart(void **state)
{
    (void)state;
    expunge_data *data;
    expunge_model *model[2];
    char *json[2];
    static int32_t two[IMAGES];
    expunge_split some = {train_images, two, IMAGES};
    for (int i = 0; i < IMAGES; i++) two[i] = i % 2;
    assert_done(expunge_data_create(&some, &some, EXPUNGE_U8, SHAPE, 0, NULL, PREPARED, 2, &data));
    assert_int_equal(expunge_data_classes(data), 2);
    for (int i = 0; i < 2; i++) {
        assert_done(expunge_model_open(weights, NULL, data, NULL, 0, &model[i]));
        assert_int_equal(expunge_data_classes(data), 2);
        assert_done(expunge_model_evaluate(model[i], "test", NULL, &json[i]));
    }
    expunge_data_free(data);
    assert_string_equal(json[0], json[1]);
    assert_non_null(strstr(json[0], "\"n\": 90"));
    for (int i = 0; i < 2; i++) expunge_model_free(model[i]), expunge_free(json[i]);
}

/* What one thread makes of data that it shares. */
typedef struct {
    const expunge_data *data;
    char out[1024];
    float logits[TESTS * KINDS];
} Job;

static void *work(void *user)
{
    Job *job = user;
    expunge_model *model, *unlearned;
    char *json;
    omp_set_num_threads(1);
    assert_done(expunge_model_open(weights, NULL, job->data, NULL, 0, &model));
    assert_done(expunge_unlearn(model, "svd", "1", NULL, 0, &unlearned, NULL));
    expunge_model_free(model);
    assert_done(expunge_model_evaluate(unlearned, "train", "1", &json));
    expunge_free(json);
    assert_done(expunge_model_logits(unlearned, "test", job->logits, TESTS, KINDS));
    assert_done(expunge_model_save(unlearned, job->out));
    expunge_model_free(unlearned);
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    static Job job[THREADS + 1]; /* the last one alone */
    const int threads = omp_get_max_threads();
    pthread_t thread[THREADS];
    for (int i = 0; i <= THREADS; i++) {
        char name[64];
        snprintf(name, sizeof name, "thread%d.safetensors", i);
        job[i].data = ready[0];
        snprintf(job[i].out, sizeof job[i].out, "%s", support_at(name));
    }
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&thread[i], NULL, work, &job[i]), 0);
    for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
    work(&job[THREADS]);
    omp_set_num_threads(threads);
    for (int i = 0; i < THREADS; i++) {
        assert_memory_equal(job[i].logits, job[THREADS].logits, sizeof job->logits);
        assert_same_file(job[i].out, job[THREADS].out);
    }
}

static atomic_bool started, over;

static void *cancel_often(void *user)
{
    (void)user;
    while (!atomic_load(&started)) usleep(1000);
    while (!atomic_load(&over)) {
        usleep(20000);
        expunge_cancel();
    }
    return NULL;
}

static void test_cancel(void **state)
{
    (void)state;
    static const char *const LONG[] = {"epochs=100000"};
    static const char *const METHODS[] = {"retrain", "finetune"};
    static float before[TESTS * KINDS], after[TESTS * KINDS];
    expunge_model *model = model_of(true), *unlearned = NULL;
    pthread_t thread;
    char *json;
    expunge_cancel(); /* nothing is at work: it concerns nobody */
    assert_done(expunge_model_logits(model, "test", before, TESTS, KINDS));
    assert_int_equal(pthread_create(&thread, NULL, cancel_often, NULL), 0);
    atomic_store(&started, true);
    for (size_t i = 0; i < BASE_COUNT(METHODS); i++) { /* hours, but for that */
        assert_refused(expunge_unlearn(model, METHODS[i], "1", LONG, 1, &unlearned, &json), ECANCEL,
                       "stopped, as was asked for");
        assert_true(!unlearned && !json);
    }
    atomic_store(&over, true);
    pthread_join(thread, NULL);
    assert_done(expunge_model_logits(model, "test", after, TESTS, KINDS));
    assert_memory_equal(before, after, sizeof before);
    expunge_model_free(model);
}

static const char *const AUDIT[] = {"attacks=loss", "draws=100",    "mean=0.5",      "std=0.25",     "make-retrained=2",
                                    "epochs=1",     "command=none", "meta.owner=me", "arch=convnet", "memory=3G"};

/* The folder is the program's, but for what says how it was called and how long it took. */
static void test_audit(void **state)
{
    (void)state;
    static const char *const OTHERWISE[] = {"\"command\"", "\"date\"", "seconds\"", NULL};
    char out[1024], *want, *json;
    snprintf(out, sizeof out, "%s", support_at("audit"));
    program("audit.json",
            "audit --arch convnet --weights '%s' --data '%s' --mean 0.5 --std 0.25 --forget 1 --attacks loss "
            "--set draws=100 --set epochs=1 --make-retrained 2 --meta owner=me --json -o '%s'",
            weights, spec, out);
    want = text_of(support_at("audit/report.json"));
    assert_done(expunge_audit_models(weights, spec, "1", out, AUDIT, BASE_COUNT(AUDIT), &json));
    assert_same_but(json, want, OTHERWISE);
    assert_int_not_equal(base_memory_budget(), (int64_t)3 << 30);
    base_free(want), expunge_free(json);
    assert_refused(expunge_audit_models(weights, spec, "1", out, (const char *[]){"epochs=1"}, 1, &json), EUSAGE,
                   "only --make-retrained trains");
    assert_refused(expunge_audit_models(weights, spec, "1", out, (const char *[]){"retraind=x"}, 1, &json), EUSAGE,
                   "retraind");
    assert_refused(expunge_audit_models(weights, "hdf5:/nowhere", "1", out, NULL, 0, &json), EIO, "/nowhere");
    assert_refused(expunge_audit_models(weights, spec, NULL, out, NULL, 0, &json), EARG, "forget is NULL");
    assert_refused(expunge_audit_models(weights, spec, NULL, out,
                                        (const char *[]){"forget-index=/nowhere", "arch=convnet"}, 2, &json),
                   EIO, "/nowhere");
    assert_null(json);
}

/* All of it, where one allocation fails. */
static BaseStatus whole_round(void *user)
{
    (void)user;
    BaseStatus st;
    expunge_data *data = NULL;
    expunge_model *model = NULL, *unlearned = NULL;
    char *json = NULL;
    st = (BaseStatus)expunge_data_create(&TRAIN, &TEST, EXPUNGE_U8, SHAPE, KINDS, NAMES, PREPARED, 2, &data);
    if (st == BASE_OK) st = (BaseStatus)expunge_model_open(weights, "convnet", data, NULL, 0, &model);
    if (st == BASE_OK) st = (BaseStatus)expunge_unlearn(model, "mask_logit", "1", NULL, 0, &unlearned, NULL);
    if (st == BASE_OK) st = (BaseStatus)expunge_model_save(unlearned, support_at("round.safetensors"));
    if (st == BASE_OK) st = (BaseStatus)expunge_model_evaluate(unlearned, "test", NULL, &json);
    expunge_free(json);
    expunge_model_free(unlearned), expunge_model_free(model);
    expunge_data_free(data);
    return st;
}

static void test_no_memory(void **state)
{
    (void)state;
    support_fail_some_allocations(whole_round, NULL, 17, 4000);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest ALL[] = {
        cmocka_unit_test(test_data),     cmocka_unit_test(test_answers),  cmocka_unit_test(test_unlearning),
        cmocka_unit_test(test_listed),   cmocka_unit_test(test_tuning),   cmocka_unit_test(test_origins),
        cmocka_unit_test(test_apart),    cmocka_unit_test(test_refusals), cmocka_unit_test(test_threads),
        cmocka_unit_test(test_cancel),   cmocka_unit_test(test_audit),    cmocka_unit_test(test_folder),
        cmocka_unit_test(test_no_memory)};
    (void)argv;
    if (argc > 1) return 3; /* the library starts its helper, never the host */
    return support_end(cmocka_run_group_tests(ALL, make_all, free_data));
}
