// Memory that notices misuse: it ends at a page that cannot be touched, the bytes before it must not change, and its own
// start out as NaNs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace gradc::tests {

class GuardedBlock {
public:
  /// `bytes` of memory aligned to `alignment`, a power of two of at most a page.
  GuardedBlock(int64_t bytes, int64_t alignment) {
    const int64_t page = sysconf(_SC_PAGESIZE), used = (bytes + alignment - 1) / alignment * alignment;
    const int64_t body = (used + kMargin + page - 1) / page * page;
    size_ = static_cast<size_t>(body + page);
    void *memory = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
      throw std::bad_alloc();
    memory_ = static_cast<std::byte *>(memory);
    mprotect(memory_ + body, static_cast<size_t>(page), PROT_NONE);
    std::memset(memory_, kFill, static_cast<size_t>(body));
    data_ = memory_ + body - used;
    end_ = data_ + bytes;
    guard_ = memory_ + body;
  }
  ~GuardedBlock() {
    if (memory_)
      munmap(memory_, size_);
  }
  GuardedBlock(GuardedBlock &&other) noexcept
      : memory_(std::exchange(other.memory_, nullptr)), data_(other.data_), end_(other.end_), guard_(other.guard_),
        size_(other.size_) {}
  GuardedBlock &operator=(GuardedBlock &&) = delete;

  std::byte *data() const { return data_; }
  /// Whether the bytes around the block still are what they were.
  bool intact() const {
    const auto is_fill = [](std::byte b) { return b == std::byte{kFill}; };
    for (const std::byte *p = data_ - kMargin; p < data_; ++p)
      if (!is_fill(*p))
        return false;
    for (const std::byte *p = end_; p < guard_; ++p)
      if (!is_fill(*p))
        return false;
    return true;
  }

private:
  static constexpr int64_t kMargin = 128;
  static constexpr unsigned char kFill = 0xFF; // NaN in every float type
  std::byte *memory_ = nullptr, *data_ = nullptr, *end_ = nullptr, *guard_ = nullptr;
  size_t size_ = 0;
};

} // namespace gradc::tests
