/* data/stream/files.c - one list for files and for members of tar files. */
#include "data/stream/files.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "io/file.h"

void data_files_free(DataFiles *files)
{
    for (int64_t i = 0; i < files->shard_count; i++) base_free(files->shards[i]);
    base_texts_free(&files->paths);
    base_free(files->member);
    base_free(files->shards);
    base_free(files->class);
    base_free(files->first_foreign);
    *files = (DataFiles){0};
}

/* Both splits have one list of tar files (data/wds.c): an index may name images of either. */
static BaseStatus copy_shards(const DataFiles *from, DataFiles *out)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(BASE_ALLOC(from->shard_count, &out->shards));
    for (; out->shard_count < from->shard_count; out->shard_count++)
        BASE_TRY(base_strdup(from->shards[out->shard_count], &out->shards[out->shard_count]));
out:
    return st;
}

static BaseStatus pick(const DataFiles files[DATA_SPLITS], const DataPicks *picks, DataFiles *out)
{
    BaseStatus st = BASE_OK;
    if (files->member) BASE_TRY(copy_shards(files, out));
    if (files->member) BASE_TRY(BASE_ALLOC(picks->count, &out->member));
    BASE_TRY(BASE_ALLOC_RAW(picks->count, &out->class));
    for (const DataRange *r = picks->ranges; r < picks->ranges + picks->range_count; r++) {
        const DataFiles *from = &files[r->test ? DATA_TEST : DATA_TRAIN];
        for (int64_t at = r->first; at <= r->last; at++) {
            if (from->member)
                out->member[out->n] = from->member[at];
            else
                BASE_TRY(base_texts_add(&out->paths, base_texts_at(&from->paths, at)));
            out->class[out->n++] = from->class[at];
        }
    }
out:
    return st;
}

BaseStatus data_files_pick(const DataRequest *request, DataFiles files[DATA_SPLITS])
{
    BaseStatus st = BASE_OK;
    const DataPicks *picks = request->picks;
    DataFiles picked[DATA_SPLITS] = {{.n = 0}};
    if (!picks[DATA_TRAIN].file && !picks[DATA_TEST].file) return BASE_OK;
    BASE_TRY(data_picks_check(request, (int64_t[]){files[DATA_TRAIN].n, files[DATA_TEST].n}));
    for (int i = 0; i < DATA_SPLITS; i++)
        if (picks[i].file) BASE_TRY(pick(files, &picks[i], &picked[i]));
    for (int i = 0; i < DATA_SPLITS; i++) {
        if (!picks[i].file) continue;
        data_files_free(&files[i]);
        files[i] = picked[i];
        picked[i] = (DataFiles){0};
    }
out:
    for (int i = 0; i < DATA_SPLITS; i++) data_files_free(&picked[i]);
    return st;
}

const char *data_files_name(const DataFiles *files, int64_t i, char room[DATA_FILE_NAME])
{
    if (!files->member) return base_texts_at(&files->paths, i);
    const DataMember *m = &files->member[i];
    snprintf(room, DATA_FILE_NAME, "%.4000s, the image at byte %lld", files->shards[m->shard], (long long)m->offset);
    return room;
}

BaseStatus data_files_image(const DataFiles *files, int64_t i, IoImage *out)
{
    char name[DATA_FILE_NAME], *bytes;
    if (!files->member) {
        const char *path = base_texts_at(&files->paths, i);
        BaseStatus st =
            io_image_read(path, out); /* a disk that fails is no broken image, or it would choose the data */
        return st == BASE_EIO && io_path_is_no_file(path) ? BASE_EFORMAT : st;
    }
    const DataMember *m = &files->member[i];
    *out = (IoImage){0};
    data_files_name(files, i, name);
    if (m->size > IO_IMAGE_BYTES)
        return base_error_set(BASE_ELIMIT, "%s: %lld bytes; at most %d are read", name, (long long)m->size,
                              IO_IMAGE_BYTES);
    BaseStatus st = io_file_read_part(files->shards[m->shard], m->offset, (size_t)m->size, &bytes);
    if (st != BASE_OK) return st;
    st = io_image_decode(bytes, (size_t)m->size, name, IO_IMAGE_PIXELS, out);
    base_free(bytes);
    return st;
}

void data_files_move(DataFiles *files, int64_t from, int64_t to)
{
    if (files->member)
        files->member[to] = files->member[from];
    else
        files->paths.at[to] = files->paths.at[from];
    files->class[to] = files->class[from];
}

BaseStatus data_files_digests(const DataFiles *files, const char *root, uint8_t (*out)[DATA_DIGEST])
{
    BaseStatus st = BASE_OK;
    uint8_t(*shards)[DATA_DIGEST] = NULL;
    BaseHash *hash = NULL;
    BaseTexts paths = {0};
    if (!files->member) return data_hashes(root, &files->paths, files->n, out);
    BASE_TRY(BASE_ALLOC(files->shard_count, &shards));
    for (int64_t i = 0; i < files->shard_count; i++) BASE_TRY(base_texts_add(&paths, files->shards[i]));
    BASE_TRY(data_hashes(root, &paths, files->shard_count, shards));
    for (int64_t i = 0; i < files->n; i++) {
        const DataMember *m = &files->member[i];
        char hex[BASE_HASH_HEX], text[64];
        snprintf(text, sizeof text, "%lld %lld", (long long)m->offset, (long long)m->size);
        BASE_TRY(base_hash_create(&hash));
        base_hash_add(hash, shards[m->shard], DATA_DIGEST);
        base_hash_add_text(hash, text);
        base_hash_finish(hash, hex);
        base_hash_free(hash);
        hash = NULL;
        data_digest_from_hex(hex, out[i]);
    }
out:
    base_hash_free(hash);
    base_texts_free(&paths);
    base_free(shards);
    return st;
}
