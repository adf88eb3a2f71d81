// A place to train the hand-written model in: data, options, and what a run leaves behind.
#pragma once

#include "runtime/train/error.h"
#include "runtime/train/instance.h"
#include "runtime/train/trainer.h"
#include "tests/support/runtime_fake_model.h"

namespace gradc::runtime {

/// Fifty rows of line.csv and everything that a run writes, in a folder of its own.
struct Workbench {
  Workbench() {
    write_text(folder / "line.csv", line_csv(50));
    options.base_folder = folder.path();
    options.progress = ProgressMode::none;
  }

  TrainResult run(const std::vector<int64_t> &batches = {4, 2, 1, 3, 5, 7, 35, 10}) {
    const FakeModel model(batches);
    return train(model.table, signature, load_training_data(signature, options), options);
  }

  std::string error() {
    try {
      run();
    } catch (const Error &problem) {
      return problem.what();
    }
    return "no error";
  }

  std::vector<nlohmann::json> log() const {
    std::vector<nlohmann::json> lines;
    std::istringstream text(read_text(options.log));
    for (std::string line; std::getline(text, line);)
      lines.push_back(nlohmann::json::parse(line));
    return lines;
  }

  TemporaryFolder folder;
  Signature signature = parse_signature(FakeModel::kSignature);
  TrainOptions options;
};

/// Those of the events of a log that are of this kind.
inline std::vector<nlohmann::json> events(const std::vector<nlohmann::json> &log, const std::string &kind) {
  std::vector<nlohmann::json> found;
  for (const nlohmann::json &line : log)
    if (line["event"] == kind)
      found.push_back(line);
  return found;
}

/// "init:0 evaluate:1 "
inline std::string joined(const std::vector<EntryKey> &entries) {
  std::string text;
  for (const EntryKey &entry : entries)
    text += std::string(entry_name(entry.kind)) + ":" + std::to_string(entry.batch) + " ";
  return text;
}

} // namespace gradc::runtime
