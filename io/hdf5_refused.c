/* io/hdf5_refused.c - fixed tables, since nobody is there to free them: the oldest entry makes room. */
#include "io/hdf5_refused.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { FILES = 512, FOLDERS = 32 };

typedef struct {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
    char text[IO_HDF5_REFUSED_TEXT];
} Refused;

typedef struct {
    dev_t device;
    ino_t inode;
    double seconds;
} Folder;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static Refused refused[FILES];
static Folder folders[FOLDERS];
static size_t next_file, next_folder;

static bool same_time(struct timespec a, struct timespec b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

static bool is_it(const Refused *r, const struct stat *info)
{
    return *r->text && r->device == info->st_dev && r->inode == info->st_ino && r->size == info->st_size &&
           same_time(r->modified, info->st_mtim) && same_time(r->changed, info->st_ctim);
}

bool io_hdf5_refused(const char *path, char text[IO_HDF5_REFUSED_TEXT])
{
    struct stat info;
    bool found = false;
    if (stat(path, &info) != 0) return false;
    pthread_mutex_lock(&mutex);
    for (size_t i = 0; i < FILES && !found; i++) {
        found = is_it(&refused[i], &info);
        if (found) memcpy(text, refused[i].text, IO_HDF5_REFUSED_TEXT);
    }
    pthread_mutex_unlock(&mutex);
    return found;
}

/* The folder's entry, made where @p make; NULL: there is none. Called with the mutex. */
static Folder *folder_of(const char *path, bool make)
{
    char folder[4096];
    struct stat info;
    const char *slash = strrchr(path, '/');
    int length = slash ? (int)(slash - path) + 1 : 0;
    if (length >= (int)sizeof folder) return NULL;
    snprintf(folder, sizeof folder, "%.*s", slash ? length : 1, slash ? path : ".");
    if (stat(folder, &info) != 0) return NULL;
    for (size_t i = 0; i < FOLDERS; i++)
        if (folders[i].seconds > 0 && folders[i].device == info.st_dev && folders[i].inode == info.st_ino)
            return &folders[i];
    if (!make) return NULL;
    Folder *fresh = &folders[next_folder++ % FOLDERS];
    *fresh = (Folder){.device = info.st_dev, .inode = info.st_ino};
    return fresh;
}

void io_hdf5_refuse(const char *path, double seconds, const char *text)
{
    struct stat info;
    if (stat(path, &info) != 0) return;
    pthread_mutex_lock(&mutex);
    Refused *r = &refused[next_file++ % FILES];
    *r = (Refused){info.st_dev, info.st_ino, info.st_size, info.st_mtim, info.st_ctim, ""};
    snprintf(r->text, sizeof r->text, "%s", text);
    Folder *folder = folder_of(path, true);
    if (folder) folder->seconds += seconds;
    pthread_mutex_unlock(&mutex);
}

bool io_hdf5_folder_spent(const char *path)
{
    pthread_mutex_lock(&mutex);
    const Folder *folder = folder_of(path, false);
    bool spent = folder && folder->seconds >= IO_HDF5_FOLDER_SECONDS;
    pthread_mutex_unlock(&mutex);
    return spent;
}
