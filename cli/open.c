/* cli/open.c - the network and the images that a command works on. */
#include "cli/commands.h"

BaseStatus cli_open(const CliOptions *o, SessionData *data, SessionModel *model)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(session_weights_check(o->arch, o->weights));
    BASE_TRY(session_data_open(o->data, &o->prepare, data));
    BASE_TRY(session_data_images(data, o->image_size));
    BASE_TRY(session_model_open(o->arch, o->weights, data, model));
    BASE_TRY(session_model_tune(model, o->tuning));
out:
    return st;
}
