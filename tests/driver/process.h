// gradc as a process of its own, in a folder with a small model.
#pragma once

#include "tests/support/runtime_fake_model.h"

#include <catch2/catch.hpp>

#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

namespace gradc::tests {

/// line.json and its data, 8 rows in 2 batches. Commands of a shell run in the folder.
class DriverFolder {
public:
  DriverFolder() {
    runtime::write_text(folder_ / "line.csv", "a,b,y\n1,2,3\n2,3,5\n3,1,4\n4,4,8\n0,1,1\n1,0,1\n2,2,4\n3,3,6\n");
    runtime::write_text(folder_ / "line.json", R"({
      "inputs": {"x": {"shape": [2]}, "y": {"shape": [1]}},
      "layers": [{"name": "out", "type": "dense", "units": 1, "input": "x"}],
      "loss": {"type": "mse", "prediction": "out", "target": "y"},
      "train": {"batch_size": 4, "epochs": 2, "seed": 1,
                "data": {"path": "line.csv", "x": {"columns": [0, 1]}, "y": {"column": 2}}}})");
  }

  std::string path(const std::string &name) const { return folder_ / name; }
  bool has(const std::string &name) const { return std::filesystem::exists(path(name)); }
  std::string read(const std::string &name) const { return runtime::read_text(path(name)); }

  /// Starts gradc with these words as arguments, after `setting` of the environment (NAME=value ...).
  pid_t start(const std::string &arguments, const std::string &setting = "") const {
    const std::string command = "cd '" + folder_.path() + "' && " + setting +
                                " GRADC_CACHE_DIR=\"$PWD/.cache\" exec " GRADC_BINARY " " + arguments + " 2>messages";
    const pid_t process = fork();
    if (process == 0) {
      for (int signal : {SIGINT, SIGTERM, SIGHUP})
        std::signal(signal, SIG_DFL); // whatever the tests run under
      execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
      _exit(127);
    }
    REQUIRE(process > 0);
    return process;
  }

  /// The exit status, or 1000 + the signal that killed it.
  static int wait(pid_t process) {
    int status = 0;
    REQUIRE(waitpid(process, &status, 0) == process);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }

  int run(const std::string &arguments, const std::string &setting = "") const { return wait(start(arguments, setting)); }

private:
  runtime::TemporaryFolder folder_;
};

} // namespace gradc::tests
