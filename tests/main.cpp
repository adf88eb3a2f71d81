// Runs the tests. Besides the options of Catch2: --bless rewrites the expectations of the text tests to what they get.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include "tests/support/text_file.h"

int main(int argc, char **argv) {
  Catch::Session session;
  bool bless = false;
  session.cli(session.cli() | Catch::clara::Opt(bless)["--bless"]("rewrite the expectations of the text tests"));
  if (int status = session.applyCommandLine(argc, argv))
    return status;
  gradc::set_blessing(bless);
  return session.run();
}
