/* cli/predict.c - `expunge predict`: logits and labels of one split, with all that identifies them as attributes. */
#include <string.h>

#include "base/memory.h"
#include "cli/commands.h"
#include "io/file.h"
#include "io/hdf5.h"
#include "session/answers.h"
#include "session/data.h"
#include "session/model.h"

static BaseStatus save(const CliOptions *o, const SessionPredictions *predictions, const SessionData *data,
                       const SessionModel *model)
{
    BaseStatus st = BASE_OK;
    IoHdf5 *file = NULL;
    int64_t *labels = NULL, n = predictions->p.n, shape[2] = {n, predictions->p.K};
    BASE_TRY(BASE_ALLOC_RAW(n, &labels));
    for (int64_t i = 0; i < n; i++) labels[i] = predictions->labels[i];
    BASE_TRY(io_hdf5_create(&file));
    BASE_TRY(io_hdf5_write(file, "/logits", IO_H5_F32, 2, shape, predictions->logits));
    BASE_TRY(io_hdf5_write(file, "/labels", IO_H5_I64, 1, shape, labels));
    BASE_TRY(io_hdf5_set_text(file, "/", "arch", model->arch->entry.name));
    BASE_TRY(io_hdf5_set_text(file, "/", "data", o->data));
    BASE_TRY(io_hdf5_set_text(file, "/", "data_hash", data->hash));
    BASE_TRY(io_hdf5_set_text(file, "/", "preprocessing", data->prep));
    BASE_TRY(
        io_hdf5_write_texts(file, "/classes", (const char *const *)data->train->class_names, (size_t)data->train->K));
    BASE_TRY(io_hdf5_set_text(file, "/", "split", o->split));
    BASE_TRY(io_hdf5_set_text(file, "/", "weights_hash", model->hash));
    BASE_TRY(io_hdf5_set_text(file, "/", "tuning_hash", session_model_tuning(model)));
    BASE_TRY(io_hdf5_set_text(file, "/", "command", o->command));
    io_hdf5_private(file);
    st = io_hdf5_save_take(file, o->out);
    file = NULL;
out:
    io_hdf5_close(file);
    base_free(labels);
    return st;
}

static BaseStatus run(const CliOptions *o)
{
    BaseStatus st = BASE_OK;
    SessionData data = {0};
    SessionModel model = {0};
    SessionPredictions predictions = {0};
    BaseText text = {0};
    DataView view;
    const char *split, *dot = strrchr(o->out, '.');
    BASE_CHECK(dot && (strcmp(dot, ".h5") == 0 || strcmp(dot, ".hdf5") == 0), BASE_EUSAGE,
               "--out %s: an HDF5 file is written, so its name must end in .h5", o->out);
    BASE_TRY(session_output_check(o->out, o->data, o->weights));
    BASE_TRY(cli_open(o, &data, &model));
    BASE_TRY(session_data_view(&data, o->split, &view, &split));
    BASE_TRY(session_predict(model.net, &view, nn_precision_available(o->use), "predict", &predictions));
    BASE_TRY(save(o, &predictions, &data, &model));
    BASE_TRY(session_chance_warn(&predictions, &data));
    base_text_add(&text, "%s: /logits [%lld, %lld] float32, /labels [%lld] of the %s split\n", o->out,
                  (long long)predictions.p.n, (long long)predictions.p.K, (long long)predictions.p.n, o->split);
    BASE_TRY(cli_print_text_take(&text));
out:
    session_predictions_free(&predictions);
    session_model_free(&model);
    session_data_free(&data);
    return st;
}

const CliCommand cli_predict = {
    .name = "predict",
    .summary = "write a network's logits to an HDF5 file",
    .purpose =
        {
#include "cli/help/predict.txt.inc"
        },
    .usage = {"--arch A --weights F --data D --split train|test -o FILE.h5"},
    .takes = "arch! weights! override image-size data! split! precision tuning memory out!",
    .examples = {"expunge predict --arch convnet --weights w.safetensors --data fashion-mnist --split test -o test.h5",
                 "expunge predict --arch convnet --weights w.safetensors --data fashion-mnist --split train "
                 "--precision bf16 -o train.h5"},
    .run = run,
};
