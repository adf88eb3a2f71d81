/* A temporary file beside the target, fsync, rename, fsync of the folder. */
#include "runtime/core/write_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_part(int file, const gradc_part *part) {
  const char *data = part->data;
  for (size_t left = part->bytes; left > 0;) {
    ssize_t written = write(file, data, left);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return written < 0 ? errno : EIO; /* nothing written and no reason given: it would go on forever */
    data += written;
    left -= (size_t)written;
  }
  return 0;
}

static int sync_file(int file) {
  while (fsync(file) != 0)
    if (errno != EINTR)
      return errno == EINVAL || errno == EROFS ? 0 : errno; /* pipes and the like have nothing to sync */
  return 0;
}

/* Writes and closes. */
static int fill(int file, const gradc_part *parts, size_t count, int durable) {
  int error = 0;
  for (size_t i = 0; i < count && !error; ++i)
    error = write_part(file, &parts[i]);
  if (!error && durable)
    error = sync_file(file);
  if (close(file) != 0 && !error && errno != EINTR) /* the descriptor is gone then too */
    error = errno;
  return error;
}

/* Makes the rename itself durable. A failure is not reported: the file is complete and in its place. Cuts `path`. */
static void sync_folder(char *path) {
  char *slash = strrchr(path, '/');
  const char *folder = !slash ? "." : slash == path ? "/" : path;
  if (slash && slash != path)
    *slash = 0;
  int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0)
    return;
  fsync(file);
  close(file);
}

/* Creates <path>.<process>-<n>.tmp, which nobody else has, for writing; its name goes to `name`. A long name is cut. */
static int open_temporary(const char *path, char *name, size_t room, mode_t mode) {
  enum { kSuffix = 40 };
  const char *slash = strrchr(path, '/');
  size_t folder = slash ? (size_t)(slash - path) + 1 : 0, base = strlen(path + folder);
  int kept = (int)(folder + (base > NAME_MAX - kSuffix ? NAME_MAX - kSuffix : base));
  for (int n = 0; n < 1000; ++n) {
    snprintf(name, room, "%.*s.%ld-%d.tmp", kept, path, (long)getpid(), n);
    int file = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (file >= 0 || (errno != EEXIST && errno != EINTR))
      return file;
  }
  return -1;
}

/* `mode`: the permissions of the file that is replaced; null where there is none. */
static int replace(const char *path, const mode_t *mode, const gradc_part *parts, size_t count, int durable) {
  size_t room = strlen(path) + 64;
  char *temporary = malloc(room);
  if (!temporary)
    return ENOMEM;
  int file = open_temporary(path, temporary, room, mode ? *mode : 0666);
  int error = errno;
  if (file >= 0) {
    int allowed = !mode || fchmod(file, *mode) == 0; /* the umask took from what it was created with */
    error = allowed ? 0 : errno;
    int filled = fill(file, parts, allowed ? count : 0, durable);
    error = error ? error : filled;
    if (!error && rename(temporary, path) != 0)
      error = errno;
    if (error)
      unlink(temporary);
    else if (durable)
      sync_folder(temporary); /* in the same folder as `path` */
  }
  free(temporary);
  return error;
}

static int write_through(const char *path, const gradc_part *parts, size_t count, int durable) {
  int file = -1;
  do /* a pipe waits for its reader */
    file = open(path, O_WRONLY | O_CLOEXEC);
  while (file < 0 && errno == EINTR);
  return file < 0 ? errno : fill(file, parts, count, durable);
}

/* Through symbolic links, also where they lead to nothing yet: then a file is made there first. */
static int replace_linked(const char *path, const mode_t *mode, const gradc_part *parts, size_t count, int durable) {
  if (!mode) {
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0)
      return errno;
    close(file);
  }
  char *target = realpath(path, NULL);
  int error = target ? replace(target, mode, parts, count, durable) : errno;
  if (error && !mode && target)
    unlink(target);
  free(target);
  return error;
}

int gradc_core_write_file(const char *path, const gradc_part *parts, size_t count, int durable) {
  struct stat info;
  const int exists = stat(path, &info) == 0;
  if (exists && !S_ISREG(info.st_mode)) /* opening a folder is the error that it should be */
    return write_through(path, parts, count, durable);
  const mode_t mode = exists ? info.st_mode & 0777 : 0;
  const int linked = lstat(path, &info) == 0 && S_ISLNK(info.st_mode);
  return (linked ? replace_linked : replace)(path, exists ? &mode : NULL, parts, count, durable);
}
