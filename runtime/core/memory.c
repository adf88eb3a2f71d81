/* Memory for arenas. Large blocks are advised to be of huge pages, as a step walks all of its parameters: 3% of a step
 * that does little else (784-512-512-10, Adam, batch 1, on Zen 3), nothing where arithmetic prevails. */
#define _GNU_SOURCE
#include "runtime/core/core.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { kAlignment = 64 };
static const size_t kHugePage = (size_t)2 << 20;

static size_t rounded(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

void *gradc_core_memory_create(int64_t bytes) {
  if (bytes < 0 || (uint64_t)bytes > SIZE_MAX / 2)
    return NULL;
  if ((size_t)bytes < kHugePage) {
    size_t size = rounded(bytes ? (size_t)bytes : 1, kAlignment);
    void *memory = aligned_alloc(kAlignment, size);
    return memory ? memset(memory, 0, size) : NULL;
  }
  size_t size = rounded((size_t)bytes, kHugePage);
  char *mapped = mmap(NULL, size + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED)
    return NULL;
  char *memory = (char *)rounded((size_t)mapped, kHugePage);
  size_t before = (size_t)(memory - mapped);
  if (before > 0)
    munmap(mapped, before);
  if (kHugePage - before > 0)
    munmap(memory + size, kHugePage - before);
  madvise(memory, size, MADV_HUGEPAGE); /* advice: its failure changes nothing */
  return memory;
}

void gradc_core_memory_destroy(void *memory, int64_t bytes) {
  if (!memory)
    return;
  if ((size_t)bytes < kHugePage)
    free(memory);
  else
    munmap(memory, rounded((size_t)bytes, kHugePage));
}
