// The driver: exit status 0 when all went well, 1 for a mistake in a file or value, 2 for a wrong command line, 3 for a
// fault of gradc itself.
#include "compiler/driver/common.h"

#include "ir/error.h"
#include "passes/runner.h"
#include "runtime/train/error.h"

#include <fmt/format.h>
#include <fstream>
#include <llvm/Config/llvm-config.h>
#include <unistd.h>

namespace {

constexpr int kUserError = 1, kUsageError = 2, kInternalFault = 3;

int internal_fault(const std::string &what, const std::string &reproducer, int argc, char **argv) {
  fmt::print(stderr, "gradc: internal fault: {}\n", what);
  std::string path = fmt::format("gradc-fault-{}.txt", getpid());
  std::ofstream file(path);
  file << "# gradc " GRADC_VERSION "\n# " << what << "\n#";
  for (int i = 0; i < argc; ++i)
    file << ' ' << argv[i];
  file << "\n" << reproducer;
  file.close();
  if (file)
    fmt::print(stderr, "This is a bug in gradc. A reproducer is in {}; please report it.\n", path);
  return kInternalFault;
}

} // namespace

int main(int argc, char **argv) {
  CLI::App app{"gradc compiles the training of neural networks: a JSON model in, native code out."};
  app.name("gradc");
  app.footer("Start here:\n"
             "  gradc train examples/digits/model.json                 train, watch the loss\n"
             "  gradc compile examples/digits/model.json -o digits.so  a library that trains\n"
             "  gradc inspect examples/digits/model.json --emit=fused  what the compiler made of it\n"
             "'gradc COMMAND --help' has examples for each command.");
  app.set_version_flag("--version", "gradc " GRADC_VERSION " (LLVM " LLVM_VERSION_STRING ")");
  app.require_subcommand(1);
  using namespace gradc::driver;
  for (AddCommand add : {add_train, add_compile, add_inspect, add_predict, add_check, add_opt, add_schema, add_ops})
    add(app);
  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError &e) {
    return app.exit(e) == 0 ? 0 : kUsageError;
  } catch (const Reported &) {
    return kUserError;
  } catch (const gradc::Error &e) {
    fmt::print(stderr, "gradc: error: {}\n", e.what());
    return kUserError;
  } catch (const gradc::runtime::Error &e) {
    fmt::print(stderr, "gradc: error: {}\n", e.what());
    return kUserError;
  } catch (const gradc::PassFault &e) {
    return internal_fault(e.what(), e.reproducer, argc, argv);
  } catch (const std::bad_alloc &) {
    fmt::print(stderr, "gradc: error: out of memory\n");
    return kUserError;
  } catch (const std::exception &e) {
    return internal_fault(e.what(), "", argc, argv);
  }
}
