// A fault at every system call with which a training run writes: whatever happens, the checkpoint is a whole one, old or
// new, and the run goes on from it to the same bits.
#include "tests/driver/process.h"

#include <map>
#include <set>

namespace gradc {
namespace {

using tests::DriverFolder;
namespace fs = std::filesystem;

constexpr int kKilled = 1000 + SIGKILL;
const std::string kTrain = "train line.json --engine interpreter --progress none --save w.st ";
const std::string kGoOn = kTrain + "--load w.st --save-every-steps 1";

/// A run of two epochs whose first is done; and what it must end with.
class FaultyRun {
public:
  FaultyRun() {
    REQUIRE(folder_.run(kTrain + "--max-steps 2") == 0);
    old_ = folder_.read("w.st");
    REQUIRE(folder_.run(kGoOn) == 0);
    final_ = folder_.read("w.st");
    REQUIRE(old_ != final_);
    // Where gradc is built with sanitizers, they want no library to be loaded before theirs.
    shim_ = "LD_PRELOAD=" GRADC_FAULTS " ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0";
  }

  /// How many calls there are without a fault.
  int count() {
    restore();
    REQUIRE(folder_.run(kGoOn + " --log log", shim_ + " GRADC_FAULT_COUNT=count") == 0);
    return std::stoi(folder_.read("count"));
  }

  /// Runs with a fault and checks what is left. Returns the exit status.
  int check(const std::string &fault, int at) {
    restore();
    const std::string setting = shim_ + " GRADC_FAULT=" + fault + " GRADC_FAULT_AT=" + std::to_string(at);
    const int status = folder_.run(kGoOn + " --log log", setting);
    INFO("fault '" << fault << "' at call " << at << ", exit status " << status << "\n" << folder_.read("messages"));
    const std::string left = folder_.read("w.st");
    CHECK((status != 0 || left == final_));
    CHECK(goes_on());
    CHECK(temporary_files() == 0);
    contents_.insert(left);
    return status;
  }

  size_t contents() const { return contents_.size(); }

private:
  void restore() const {
    for (const auto &entry : fs::directory_iterator(folder_.path("")))
      if (entry.path().filename().string().find("gradc-tmp") != std::string::npos)
        fs::remove(entry.path());
    fs::remove(folder_.path("log"));
    runtime::write_text(folder_.path("w.st"), old_);
  }

  int64_t temporary_files() const {
    return std::count_if(fs::directory_iterator(folder_.path("")), fs::directory_iterator(), [](const auto &entry) {
      return entry.path().filename().string().find("gradc-tmp") != std::string::npos;
    });
  }

  /// Is it the end, or does the run reach it from here? Each state that a run can be left in is tried once.
  bool goes_on() {
    const std::string left = folder_.read("w.st");
    if (left == final_ && temporary_files() == 0)
      return true;
    const auto [known, is_new] = goes_on_.try_emplace({left, temporary_files() > 0}, false);
    if (!is_new) {
      restore(); // to tidy up, as the run did that was tried
      return known->second;
    }
    const bool at_end = left == final_; // then it goes on beyond
    const bool ends_well = folder_.run(kGoOn + (at_end ? " --set train.epochs=3" : "")) == 0;
    return known->second = ends_well && (at_end || folder_.read("w.st") == final_) && temporary_files() == 0;
  }

  DriverFolder folder_;
  std::string old_, final_, shim_;
  std::map<std::pair<std::string, bool>, bool> goes_on_;
  std::set<std::string> contents_;
};

TEST_CASE("faults: whatever system call kills a run, its checkpoint is whole and it goes on", "[driver]") {
  FaultyRun run;
  const int calls = run.count();
  CHECK(calls > 30);
  for (int at = 1; at <= calls; ++at)
    for (const char *fault : {"before", "after"})
      CHECK(run.check(fault, at) == kKilled);
  CHECK(run.contents() == 3); // the old one, that of the third step and that of the fourth
}

TEST_CASE("faults: whatever system call fails, the checkpoint is whole, the run goes on, nothing is left over", "[driver]") {
  FaultyRun run;
  const int calls = run.count();
  for (int at = 1; at <= calls; ++at) {
    const int status = run.check("fail", at);
    CHECK((status == 0 || status == 1));
  }
  CHECK(run.check("short", 0) == 0);
  CHECK(run.contents() == 3);
}

TEST_CASE("faults: a write that writes nothing ends with an error", "[driver]") {
  FaultyRun run;
  const int calls = run.count();
  std::set<int> statuses;
  for (int at = calls / 2; at <= calls; ++at)
    statuses.insert(run.check("nothing", at));
  CHECK(statuses == std::set<int>{0, 1});
}

} // namespace
} // namespace gradc
