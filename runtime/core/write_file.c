/* A temporary file beside the target, fsync, rename, fsync of the folder. */
#define _GNU_SOURCE /* faccessat with AT_EACCESS, F_DUPFD_CLOEXEC */
#include "runtime/core/write_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

int gradc_core_write_all(int file, const void *data, size_t bytes) {
  const char *rest = data;
  while (bytes > 0) {
    ssize_t written = write(file, rest, bytes);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0 && errno == EAGAIN) { /* a terminal or pipe that another process made non-blocking */
      struct pollfd ready = {.fd = file, .events = POLLOUT};
      poll(&ready, 1, -1);
      continue;
    }
    if (written <= 0)
      return written < 0 ? errno : EIO; /* nothing written and no reason given: it would go on forever */
    rest += written;
    bytes -= (size_t)written;
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
    error = gradc_core_write_all(file, parts[i].data, parts[i].bytes);
  if (!error && durable)
    error = sync_file(file);
  if (close(file) != 0 && !error && errno != EINTR) /* the descriptor is gone then too */
    error = errno;
  return error;
}

static int same_file(const struct stat *a, const struct stat *b) {
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Opens what standard output or standard error is, where it is this file: behind what they have written, while opening
 * the file by its name would write over it. -1 where neither is. */
static int open_standard_stream(const struct stat *info) {
  for (int stream = STDOUT_FILENO; stream <= STDERR_FILENO; ++stream) {
    struct stat open;
    if (fstat(stream, &open) == 0 && same_file(&open, info) && (fcntl(stream, F_GETFL) & O_ACCMODE) != O_RDONLY)
      return fcntl(stream, F_DUPFD_CLOEXEC, 0);
  }
  return -1;
}

static int open_again(const char *path, int flags) {
  int file = -1;
  do /* a pipe waits for its reader */
    file = open(path, flags | O_WRONLY | O_CLOEXEC, 0666);
  while (file < 0 && errno == EINTR);
  return file;
}

/* Length of the part of `path` before its last name. */
static size_t folder_length(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? (size_t)(slash - path) + 1 : 0;
}

/* The name behind symbolic links, also where the last one leads to nothing yet; to be freed. Null and errno. */
static char *follow(const char *path) {
  enum { kMostLinks = 40 }; /* as the system has it */
  char *name = strdup(path);
  for (int links = 0; name; ++links) {
    struct stat info;
    char link[PATH_MAX];
    if (lstat(name, &info) != 0 || !S_ISLNK(info.st_mode))
      return name;
    ssize_t length = links < kMostLinks ? readlink(name, link, sizeof link) : (errno = ELOOP, -1);
    size_t folder = length > 0 && link[0] != '/' ? folder_length(name) : 0;
    char *next = length < 0 ? NULL : malloc(folder + (size_t)length + 1);
    if (next) {
      memcpy(next, name, folder);
      memcpy(next + folder, link, (size_t)length);
      next[folder + (size_t)length] = 0;
    }
    free(name);
    name = next;
  }
  return NULL;
}

/* Removes a temporary file that its writer has left: it would hold a lock on it if it were alive. */
static void remove_abandoned(const char *name) {
  int file = open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0)
    return;
  struct stat opened, named;
  if (fstat(file, &opened) == 0 && S_ISREG(opened.st_mode) && flock(file, LOCK_EX | LOCK_NB) == 0 &&
      lstat(name, &named) == 0 && same_file(&opened, &named))
    unlink(name);
  close(file);
}

/* Creates <path>.<n>.gradc-tmp for writing and locks it; its name goes to `name`. A long name is cut. */
static int open_temporary(const char *path, char *name, size_t room, mode_t mode) {
  enum { kSuffix = 20, kMostWriters = 1000 };
  size_t folder = folder_length(path), base = strlen(path + folder);
  int kept = (int)(folder + (base > NAME_MAX - kSuffix ? NAME_MAX - kSuffix : base));
  for (int n = 0; n < kMostWriters; ++n) {
    snprintf(name, room, "%.*s.%d.gradc-tmp", kept, path, n);
    remove_abandoned(name);
    int file = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (file < 0 && errno != EEXIST && errno != EINTR)
      return -1;
    if (file < 0)
      continue; /* somebody else is writing it */
    /* Before it was locked it could be taken for abandoned; then it is locked by somebody else or has no name. */
    struct stat info;
    int locked = flock(file, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK; /* some file systems have no locks */
    if (locked && fstat(file, &info) == 0 && info.st_nlink > 0)
      return file;
    close(file);
  }
  errno = EEXIST;
  return -1;
}

/* Gives a new file the owner, group and permissions of the one it replaces. Where the group cannot be given, members of
 * another group get no more than everybody. */
static int resemble(int file, const struct stat *old) {
  struct stat now;
  if (fstat(file, &now) != 0)
    return errno;
  mode_t mode = old->st_mode & 0777;
  if ((now.st_uid != old->st_uid || now.st_gid != old->st_gid) && fchown(file, old->st_uid, old->st_gid) != 0 &&
      now.st_gid != old->st_gid && fchown(file, (uid_t)-1, old->st_gid) != 0)
    mode = (mode & ~(mode_t)070) | (mode & 007) << 3;
  return fchmod(file, mode) == 0 ? 0 : errno; /* the umask took from what it was created with */
}

/* What remains is empty where the folder is the current one. */
static void cut_to_folder(char *path) {
  size_t length = folder_length(path);
  path[length > 1 ? length - 1 : length] = 0;
}

/* Makes the rename itself durable. A failure is not reported: the file is complete and in its place. Cuts `path`. */
static void sync_folder(char *path) {
  cut_to_folder(path);
  int file = open(*path ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0)
    return;
  fsync(file);
  close(file);
}

static int fill_in_place(const char *path, const gradc_part *parts, size_t count, int durable) {
  int file = open_again(path, O_TRUNC);
  return file < 0 ? errno : fill(file, parts, count, durable);
}

/* `old`: what is replaced; null where nothing is there yet. `parts`: null for trying only whether it could be done. */
static int replace(const char *path, const struct stat *old, const gradc_part *parts, size_t count, int durable) {
  size_t room = strlen(path) + 64;
  char *temporary = malloc(room);
  if (!temporary)
    return ENOMEM;
  int file = open_temporary(path, temporary, room, old ? old->st_mode & 0777 : 0666);
  int error = file < 0 ? errno : 0;
  if (file >= 0) {
    int lock = fcntl(file, F_DUPFD_CLOEXEC, 0); /* holds the lock until the file has its name */
    error = lock < 0 ? errno : 0;
    if (!error && old)
      error = resemble(file, old);
    int filled = fill(file, parts, error || !parts ? 0 : count, durable && parts);
    error = error ? error : filled;
    int renamed = !error && parts && rename(temporary, path) == 0;
    if (!error && parts && !renamed)
      error = errno == EBUSY ? fill_in_place(path, parts, count, durable) : errno; /* a mount point, as in containers */
    if (!renamed)
      unlink(temporary);
    else if (durable)
      sync_folder(temporary); /* in the same folder as `path` */
    if (lock >= 0)
      close(lock);
  }
  free(temporary);
  return error;
}

/* Directly: pipes and devices. */
static int write_through(const char *path, const struct stat *info, const gradc_part *parts, size_t count, int durable) {
  int file = open_standard_stream(info);
  return file < 0 ? fill_in_place(path, parts, count, durable) : fill(file, parts, count, durable);
}

static int check_in_place(const char *path, const struct stat *info) {
  int stream = open_standard_stream(info);
  if (stream >= 0)
    return close(stream);
  if (S_ISDIR(info->st_mode))
    return EISDIR;
  if (S_ISSOCK(info->st_mode))
    return ENXIO;
  return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0 ? 0 : errno;
}

/* Is it standard output or error, or nothing that a file could take the place of? `behind`: the name that `path` leads
 * to; where links of /proc lead to a file that has lost its name, another one or none stands there. */
static int is_written_in_place(const struct stat *info, const char *behind) {
  struct stat found;
  int stream = open_standard_stream(info);
  if (stream >= 0)
    close(stream);
  return stream >= 0 || !S_ISREG(info->st_mode) || lstat(behind, &found) != 0 || !same_file(&found, info);
}

/* `parts`: as for replace. */
static int write_or_check(const char *path, const gradc_part *parts, size_t count, int durable) {
  struct stat info;
  const int exists = stat(path, &info) == 0;
  if (!exists && (errno != ENOENT || !*path)) /* nothing there is fine, also behind a link */
    return errno;
  char *behind = follow(path);
  if (!behind)
    return errno;
  int error = 0;
  if (!exists || !is_written_in_place(&info, behind))
    error = replace(behind, exists ? &info : NULL, parts, count, durable);
  else
    error = parts ? write_through(path, &info, parts, count, durable) : check_in_place(path, &info);
  free(behind);
  return error;
}

int gradc_core_write_file(const char *path, const gradc_part *parts, size_t count, int durable) {
  return write_or_check(path, parts, count, durable);
}

/* May files be made in the folder of `path`, where nothing is yet? */
static int check_folder(const char *path) {
  char *behind = follow(path);
  if (!behind)
    return errno;
  int error = *behind ? 0 : ENOENT;
  cut_to_folder(behind);
  if (!error && faccessat(AT_FDCWD, *behind ? behind : ".", W_OK | X_OK, AT_EACCESS) != 0)
    error = errno;
  free(behind);
  return error;
}

int gradc_core_check_write(const char *path, int in_place) {
  struct stat info;
  if (!in_place)
    return write_or_check(path, NULL, 0, 0);
  if (stat(path, &info) == 0)
    return check_in_place(path, &info);
  return errno == ENOENT ? check_folder(path) : errno;
}

int gradc_core_open_stream(const char *path, int keep) {
  struct stat info;
  int file = stat(path, &info) == 0 ? open_standard_stream(&info) : -1;
  return file >= 0 ? file : open_again(path, O_CREAT | O_APPEND | (keep ? 0 : O_TRUNC));
}
