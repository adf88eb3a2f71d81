// NumPy's .npz: a zip archive of .npy files, each an array with a name.
#pragma once

#include "runtime/train/data/npy.h"

#include <memory>

struct zip;

namespace gradc::runtime {

/// Is it the path of such a file? Its name says so: it ends in ".npz".
bool is_npz(std::string_view path);

class NpzArchive {
public:
  /// Takes the bytes of the file; its path is for messages. Throws Error when it is no zip archive or its directory is damaged.
  NpzArchive(std::string path, std::string bytes);

  /// In the order of the file, without ".npy".
  std::vector<std::string> names() const;

  /// Throws Error when there is no such array, or it is damaged, encrypted, or said to be larger than its compressed bytes can be.
  NpyArray array(const std::string &name) const;

private:
  struct Close {
    void operator()(zip *archive) const;
  };

  std::string path_, bytes_; // the archive reads from these bytes
  std::unique_ptr<zip, Close> archive_;
};

/// An array as a whole .npy file, and its name.
struct NpzMember {
  std::string name, npy;
};

/// The bytes of an archive of these arrays, as numpy.savez writes one; equal arrays give equal bytes.
std::string npz_file(const std::vector<NpzMember> &arrays);

} // namespace gradc::runtime
