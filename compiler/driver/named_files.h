// The files that a command line names. What is written must be no other file of the command, and must be writable, before
// any work is done.
#pragma once

#include "runtime/train/io/file.h"

#include <string>
#include <vector>

namespace gradc::driver {

class NamedFiles {
public:
  /// `role`: an option or, for files without one, what they are: "the model". No path is no file.
  void input(const std::string &role, const std::string &path) { add({role, path, "", false, {}}); }
  /// One that the output of another option may take the place of: how a run goes on.
  void input(const std::string &role, const std::string &path, const std::string &successor) {
    add({role, path, successor, false, {}});
  }
  void input(const std::string &role, const std::vector<std::string> &paths) {
    for (const std::string &path : paths)
      input(role, path);
  }
  void output(const std::string &option, const std::string &path, runtime::Writing how = runtime::Writing::whole) {
    add({option, path, "", true, how});
  }

  /// Throws CLI::ValidationError where an output is an input or another output, whatever it is called: ./a and a, links.
  void check_distinct() const;
  /// Throws Error where an output cannot be written.
  void check_writable() const;

private:
  struct File {
    std::string role, path, successor;
    bool is_output;
    runtime::Writing how;
  };
  void add(File file) {
    if (!file.path.empty())
      files_.push_back(std::move(file));
  }
  static bool clash(const File &output, const File &other);

  std::vector<File> files_;
};

} // namespace gradc::driver
