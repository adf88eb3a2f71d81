// Transcripts of the driver, text/cli/*.txt: what a shell shows for each command line is what the file says. The format is
// told in tests/README.md, under "Transcripts".
#include "tests/support/difference.h"
#include "tests/support/runtime_fake_model.h"
#include "tests/support/text_file.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <regex>
#include <sys/wait.h>

namespace gradc {
namespace {

const std::filesystem::path kTranscripts = std::filesystem::path(GRADC_SOURCE_DIR) / "tests" / "text" / "cli";

std::string replaced(std::string text, const std::string &from, const std::string &to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

/// Without what differs from run to run: folders, times, process ids.
std::string normalized(std::string text, const std::string &folder) {
  static const std::regex kTime(R"(\b[0-9.]+ (ns|us|ms|s|min)\b)"), kFault(R"(gradc-fault-[0-9]+)");
  text = replaced(replaced(std::move(text), folder, "$FOLDER"), GRADC_SOURCE_DIR, "$SOURCE");
  text = std::regex_replace(text, kTime, "<time>");
  return std::regex_replace(text, kFault, "gradc-fault-<pid>");
}

/// Runs one command line in `folder`; what it says on both streams, and its exit status unless that is 0.
std::string run(const std::string &command, const std::string &folder) {
  const std::string line = "cd '" + folder + "' && export GRADC_CACHE_DIR=\"$PWD/.cache\" && { " + command + "\n} 2>&1";
  std::FILE *pipe = popen(line.c_str(), "r");
  REQUIRE(pipe);
  std::string output;
  char buffer[4096];
  while (size_t n = std::fread(buffer, 1, sizeof buffer, pipe))
    output.append(buffer, n);
  const int status = pclose(pipe);
  if (!output.empty() && output.back() != '\n')
    output += '\n';
  if (!WIFEXITED(status))
    output += "[killed by signal " + std::to_string(WTERMSIG(status)) + "]\n";
  else if (WEXITSTATUS(status) != 0)
    output += "[exit status " + std::to_string(WEXITSTATUS(status)) + "]\n";
  return normalized(std::move(output), folder);
}

/// The transcript with every answer replaced by the one given now.
std::string replayed(const std::string &transcript) {
  runtime::TemporaryFolder folder;
  std::filesystem::create_symlink(GRADC_BINARY, folder / "gradc");
  std::istringstream lines(transcript);
  std::string result, line;
  while (std::getline(lines, line)) {
    if (line.starts_with("$ ")) {
      result += line + "\n" + run(line.substr(2), folder.path());
    } else if (line.starts_with("file ")) {
      const std::string name = line.substr(5);
      result += line + "\n";
      std::string content;
      while (std::getline(lines, line) && line != "end")
        content += line + "\n";
      runtime::write_text(folder / name, content);
      result += content + "end\n";
    } else if (line.starts_with("# ")) {
      result += line + "\n";
    } // else: an old answer
  }
  return result;
}

std::vector<std::filesystem::path> transcripts() {
  std::vector<std::filesystem::path> paths;
  for (const auto &entry : std::filesystem::directory_iterator(kTranscripts))
    if (entry.path().extension() == ".txt")
      paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  return paths;
}

TEST_CASE("transcripts of the driver", "[cli]") {
  const char *old_path = std::getenv("PATH");
  setenv("PATH", (std::string(".:") + (old_path ? old_path : "")).c_str(), 1);
  setenv("EXAMPLES", GRADC_SOURCE_DIR "/examples", 1);
  for (const std::filesystem::path &path : transcripts()) {
    DYNAMIC_SECTION(path.filename().string()) {
      const std::string expected = runtime::read_text(path), actual = replayed(expected);
      if (blessing())
        runtime::write_text(path, actual);
      else
        tests::check_same_text(expected, actual);
    }
  }
  setenv("PATH", old_path ? old_path : "", 1);
}

} // namespace
} // namespace gradc
