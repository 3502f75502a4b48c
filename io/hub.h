/* io/hub.h - a folder as Hugging Face's hub has them: weights, config.json, and how images are prepared. Read are those of
 * transformers (preprocessor_config.json beside config.json) and of timm (pretrained_cfg in config.json). */
#ifndef IO_HUB_H
#define IO_HUB_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { IO_HUB_TEXT_MOST = 16 << 20 }; /* bytes of a text in it */

/* Every text is owned. */
typedef struct IoHub {
    char *folder;
    char *weights;         /* path of the file with the tensors */
    char *config;          /* path of config.json */
    char *model;           /* model_type of transformers, architecture of timm: "vit", "resnet18" */
    bool timm;             /* written by timm; else by transformers */
    int64_t heads;         /* of the attention; 0: not said */
    double epsilon;        /* of the layer norms; 0: not said */
    char *activation;      /* "gelu"; NULL: not said */
    int64_t height, width; /* of the network's images; 0: not said */
    char **labels;         /* [label_count], in the classifier's order; names that were made up ("LABEL_3") are none */
    size_t label_count;

    /* How images are prepared, as the options of a data set write it (data/prepare/prepare.h). */
    char *preparation; /* path of the file that says so; NULL: none does, and what follows is NULL */
    char *unknown;     /* what in it is not known here, as the end of a sentence; NULL: nothing, and the rest is set */
    char *mean, *std, *resize, *crop, *interpolation, *crop_start;
} IoHub;

void io_hub_free(IoHub *hub); /* NULL is fine */
/** Path of the weights in a folder; a copy of @p path where it is none. *out owned. BASE_EFORMAT. */
BaseStatus io_hub_weights(const char *path, char **out);
/** The name that its weights have in a folder that is written: that of those that were read, but shards become safetensors. */
const char *io_hub_written(const IoHub *hub);
/** Copies what a folder holds beside the weights (texts: .json, .txt, .md, .py, LICENSE) to the folder @p to, and says what
 *  it leaves out. */
BaseStatus io_hub_copy(const IoHub *hub, const char *to);

#endif
