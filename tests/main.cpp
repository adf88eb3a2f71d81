// Runs the tests. Besides the options of Catch2: --bless rewrites the expectations of the text tests to what they get, --whole
// prints failures at full length.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include "tests/support/difference.h"
#include "tests/support/text_file.h"

namespace {

/// The console reporter, with every message of a failure cut to a length that a reader can take in: a wrong lane of a vector
/// must not print a hundred thousand lines.
class BoundedReporter : public Catch::ConsoleReporter {
public:
  using ConsoleReporter::ConsoleReporter;
  static std::string getDescription() { return "Reports to the console, long messages clipped"; }

  bool assertionEnded(const Catch::AssertionStats &stats) override {
    const Catch::AssertionResult &full = stats.assertionResult;
    if (full.isOk())
      return ConsoleReporter::assertionEnded(stats);
    Catch::AssertionResultData data(full.getResultType(), Catch::LazyExpression(false));
    data.reconstructedExpression = gradc::tests::clipped(full.getExpandedExpression());
    const std::string expression = full.getExpression();
    const Catch::AssertionInfo info{full.getTestMacroName(), full.getSourceInfo(), expression,
                                    Catch::ResultDisposition::Normal};
    std::vector<Catch::MessageInfo> messages = stats.infoMessages;
    for (Catch::MessageInfo &message : messages)
      message.message = gradc::tests::clipped(message.message);
    return ConsoleReporter::assertionEnded({Catch::AssertionResult(info, data), messages, stats.totals});
  }
};
CATCH_REGISTER_REPORTER("bounded", BoundedReporter)

} // namespace

int main(int argc, char **argv) {
  Catch::Session session;
  bool bless = false, whole = false;
  session.cli(session.cli() | Catch::clara::Opt(bless)["--bless"]("rewrite the expectations of the text tests") |
              Catch::clara::Opt(whole)["--whole"]("print failures at full length"));
  session.configData().reporterName = "bounded";
  if (int status = session.applyCommandLine(argc, argv))
    return status;
  if (whole && session.configData().reporterName == "bounded")
    session.configData().reporterName = "console";
  gradc::set_blessing(bless);
  return session.run();
}
