// A model in a shared object, opened in this process.
#pragma once

#include "runtime/gradc.h"

#include <string>

namespace gradc {

/// Opens `path` and finds the one function <name>_model it exports. The table is valid as long as this lives. Throws
/// Error when the file is no such object or was built for another version of the ABI or another processor.
class SharedModel {
public:
  explicit SharedModel(const std::string &path);
  ~SharedModel();
  SharedModel(const SharedModel &) = delete;
  SharedModel &operator=(const SharedModel &) = delete;
  const gradc_model *table() const { return table_; }

private:
  void *handle_ = nullptr;
  const gradc_model *table_ = nullptr;
};

} // namespace gradc
