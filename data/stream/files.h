/* data/stream/files.h - the images of a split before they are read: a file each, or a place in a tar file, and a class. */
#ifndef DATA_STREAM_FILES_H
#define DATA_STREAM_FILES_H

#include "data/prepare/prepare.h"
#include "data/stream/hashes.h"
#include "io/image.h"

/** Where in a tar file. */
typedef struct {
    int32_t shard;
    int64_t offset, size;
} DataMember;

typedef struct {
    BaseTexts paths;    /* [n], or none: members */
    DataMember *member; /* [n], or NULL */
    char **shards;      /* [shard_count] tar files */
    int64_t shard_count;
    int32_t *class; /* [n] */
    int64_t n;
    int64_t foreign;     /* images in formats that are not read, left out */
    char *first_foreign; /* one of them, or NULL */
} DataFiles;
void data_files_free(DataFiles *files);

/** In place of both splits what the request's index files name of them, in that order. */
BaseStatus data_files_pick(const DataRequest *request, DataFiles files[DATA_SPLITS]);
enum { DATA_FILE_NAME = 4200 };
/** What image @p i is called in messages. */
const char *data_files_name(const DataFiles *files, int64_t i, char room[DATA_FILE_NAME]);
/** Reads and decodes it. A link to nothing is a broken image like others (BASE_EFORMAT). */
BaseStatus data_files_image(const DataFiles *files, int64_t i, IoImage *out);
/** Moves entry @p from to the place @p to, whose own is dropped. */
void data_files_move(DataFiles *files, int64_t from, int64_t to);
/** Of what each image's bytes are: @p out [n]. A member's is over its tar file's and its place. */
BaseStatus data_files_digests(const DataFiles *files, const char *root, uint8_t (*out)[DATA_DIGEST]);

#endif
