// What signals do to a training run: the step under way is finished and the run is saved.
#include "tests/driver/process.h"

#include <chrono>
#include <sys/stat.h>
#include <thread>

namespace gradc {
namespace {

using tests::DriverFolder;

const std::string kLong = "train line.json --engine interpreter --progress none --epochs 100000000 --log log --save ";

/// A run without end, in its steps.
pid_t running(const DriverFolder &folder, const std::string &save, const std::string &setting = "") {
  const pid_t process = folder.start(kLong + save, setting);
  while (!folder.has("log") || folder.read("log").empty())
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return process;
}

} // namespace

TEST_CASE("signals: SIGINT, SIGTERM and SIGHUP end a run after its step; it is saved and goes on", "[driver]") {
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) {
    INFO("signal " << signal);
    const DriverFolder folder;
    const pid_t process = running(folder, "w.st");
    kill(process, signal);
    kill(process, signal); // as `timeout` and closing terminals do
    CHECK(DriverFolder::wait(process) == 128 + signal);
    REQUIRE(folder.has("w.st"));
    const std::string log = folder.read("log");
    CHECK(log.find("\"event\":\"end\"") != log.npos);
    CHECK(log.find("\"stopped\":true") != log.npos);
    std::filesystem::remove(folder.path("log"));
    const pid_t again = running(folder, "w.st --load w.st");
    kill(again, SIGTERM);
    CHECK(DriverFolder::wait(again) == 128 + SIGTERM);
    CHECK(folder.read("log").find("\"step\":0,") == std::string::npos);
  }
}

// The run waits for a reader of its checkpoint.
TEST_CASE("signals: a second SIGINT ends a run at once, if it is no echo of the first; others change nothing", "[driver]") {
  const DriverFolder one, other;
  for (const DriverFolder *folder : {&one, &other})
    REQUIRE(mkfifo(folder->path("pipe").c_str(), 0600) == 0);
  const auto wait_apart = [] { std::this_thread::sleep_for(std::chrono::milliseconds(600)); };
  const pid_t impatient = running(one, "pipe"), patient = running(other, "pipe");
  kill(impatient, SIGTERM);
  kill(patient, SIGTERM);
  wait_apart();
  kill(impatient, SIGINT);
  for (int signal : {SIGTERM, SIGHUP})
    kill(patient, signal);
  CHECK(DriverFolder::wait(impatient) == 1000 + SIGINT);
  CHECK(waitpid(patient, nullptr, WNOHANG) == 0);
  const std::string checkpoint = other.read("pipe");
  CHECK(checkpoint.find("out.weight") != checkpoint.npos);
  CHECK(DriverFolder::wait(patient) == 128 + SIGTERM);
}

TEST_CASE("signals: what is ignored from the start, as under nohup, stays ignored", "[driver]") {
  const DriverFolder folder;
  const pid_t process = running(folder, "w.st", "trap '' HUP;");
  kill(process, SIGHUP);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  CHECK(waitpid(process, nullptr, WNOHANG) == 0);
  kill(process, SIGTERM);
  CHECK(DriverFolder::wait(process) == 128 + SIGTERM);
}

} // namespace gradc
