// The driver: exit status 0 when all went well, 1 for a mistake in a file or value, 2 for a wrong command line, 3 for a
// fault of gradc itself, 128 + signal for a run that a signal has ended.
#include "compiler/driver/common.h"
#include "compiler/driver/stop_signals.h"

#include "ir/error.h"
#include "passes/runner.h"
#include "runtime/train/error.h"
#include "runtime/train/io/console.h"
#include "runtime/train/io/file.h"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <llvm/Config/llvm-config.h>
#include <sstream>
#include <system_error>
#include <unistd.h>

namespace {

constexpr int kUserError = 1, kUsageError = 2, kInternalFault = 3, kSignal = 128;

using gradc::runtime::tell;

int internal_fault(const std::string &what, const std::string &reproducer, int argc, char **argv) {
  tell(fmt::format("gradc: internal fault: {}\n", what));
  const std::string path = fmt::format("gradc-fault-{}.txt", getpid());
  std::string text = "# gradc " GRADC_VERSION "\n# " + what + "\n#";
  for (int i = 0; i < argc; ++i)
    text += std::string(" ") + argv[i];
  try {
    gradc::runtime::write_file(path, text + "\n" + reproducer);
    tell(fmt::format("This is a bug in gradc. A reproducer is in {}; please report it.\n", path));
  } catch (const gradc::runtime::Error &) {
    tell("This is a bug in gradc; please report it.\n");
  }
  return kInternalFault;
}

int user_error(const std::string &what) {
  tell(fmt::format("gradc: error: {}\n", what));
  return kUserError;
}

// Help and versions are results, mistakes are messages.
int command_line_end(CLI::App &app, const CLI::ParseError &end) {
  std::ostringstream results, messages;
  const int status = app.exit(end, results, messages);
  gradc::runtime::print(results.str());
  tell(messages.str());
  return status == 0 ? 0 : kUsageError;
}

// Runs the command and tells what went wrong.
int run(CLI::App &app, int argc, char **argv) {
  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError &e) {
    return command_line_end(app, e);
  } catch (const gradc::driver::Reported &) {
    return kUserError;
  } catch (const gradc::driver::Interrupted &e) {
    return kSignal + e.signal;
  } catch (const gradc::Error &e) {
    return user_error(e.what());
  } catch (const gradc::runtime::Error &e) {
    return user_error(e.what());
  } catch (const std::system_error &e) { // the environment: a folder that has gone, no more threads
    return user_error(e.what());
  } catch (const gradc::PassFault &e) {
    return internal_fault(e.what(), e.reproducer, argc, argv);
  } catch (const std::bad_alloc &) {
    return user_error("out of memory");
  } catch (const std::exception &e) {
    return internal_fault(e.what(), "", argc, argv);
  }
}

} // namespace

int main(int argc, char **argv) {
  gradc::runtime::secure_standard_streams();
  CLI::App app{"gradc compiles the training of neural networks: a JSON model in, native code out."};
  app.name("gradc");
  app.footer("Start here:\n"
             "  gradc train examples/digits/model.json                 # train, watch the loss\n"
             "  gradc compile examples/digits/model.json -o digits.so  # a library that trains\n"
             "  gradc inspect examples/digits/model.json --emit=fused  # what the compiler made of it\n"
             "'gradc COMMAND --help' has examples for each command.");
  app.set_version_flag("--version", "gradc " GRADC_VERSION " (LLVM " LLVM_VERSION_STRING ")");
  app.require_subcommand(1);
  using namespace gradc::driver;
  for (AddCommand add : {add_train, add_compile, add_inspect, add_predict, add_evaluate, add_check, add_gradcheck, add_opt,
                         add_schema, add_ops})
    add(app);
  const int status = run(app, argc, argv);
  const int lost = gradc::runtime::lost_output();
  if (lost == 0)
    return status;
  if (lost != EPIPE) // a reader who has seen enough knows
    tell(fmt::format("gradc: error: cannot write to standard output: {}\n", std::strerror(lost)));
  return status == 0 ? kUserError : status;
}
