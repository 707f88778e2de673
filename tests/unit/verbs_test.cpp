#include "agent/cli/commands.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "detectors/registry.hpp"

namespace doctor {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

struct Told {
  int code{};
  std::string out, err;
};

Told tell(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "flink-doctor");
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Told told;
  told.code = run_command_line(static_cast<int>(arguments.size()), arguments.data());
  told.out = testing::internal::GetCapturedStdout();
  told.err = testing::internal::GetCapturedStderr();
  return told;
}

TEST(Verbs, EveryVerbExplainsItself) {
  for (const char* verb : {"check", "run", "probe", "record", "replay", "diff", "backtest",
                           "history", "metrics", "detectors", "explain", "config"}) {
    const Told told = tell({verb, "--help"});
    EXPECT_EQ(told.code, 0) << verb;
    EXPECT_THAT(told.out, HasSubstr("Usage: ")) << verb;
    EXPECT_THAT(tell({"--help"}).out, HasSubstr(std::string("\n  ") + verb)) << verb;
  }
}

TEST(Verbs, AClusterMayBeNamedAsRunNamesIt) {
  for (const char* verb : {"check", "metrics"}) {
    const Told plain = tell({verb, "gopher://flink:70"});
    const Told named = tell({verb, "--flink", "gopher://flink:70"});
    EXPECT_THAT(plain.err, HasSubstr("unknown scheme \"gopher\"")) << verb;
    EXPECT_EQ(named.err, plain.err) << verb;
    EXPECT_EQ(named.code, plain.code) << verb;
    EXPECT_NE(named.code, 0) << verb;
  }
}

TEST(Verbs, CheckTakesTheClustersOfAFile) {
  const std::string file = testing::TempDir() + "verbs-check.yaml";
  std::ofstream(file) << "clusters:\n"
                         "  - {name: orders, flink: [\"http://127.0.0.1:1\"]}\n"
                         "  - {name: bills, flink: [\"http://127.0.0.1:1\"]}\n";
  const Told both = tell({"check", "--config", file.c_str(), "--quiet"});
  EXPECT_EQ(both.code, 3);
  EXPECT_THAT(both.out, AllOf(HasSubstr("orders  http://"), HasSubstr("bills  http://")));
  EXPECT_THAT(both.err, HasSubstr("orders: cannot judge: refused"));
  const Told one = tell({"check", "--config", file.c_str(), "--cluster", "bills", "--quiet"});
  EXPECT_EQ(one.code, 3);
  EXPECT_THAT(one.out, AllOf(HasSubstr("bills  http://"), Not(HasSubstr("orders"))));
  const Told none = tell({"check", "--config", file.c_str(), "--cluster", "bill"});
  EXPECT_EQ(none.code, 3);
  EXPECT_THAT(none.err, HasSubstr("no such cluster in the file; it has orders, bills"));
  EXPECT_THAT(tell({"check", "--config", file.c_str(), "http://a"}).err,
              HasSubstr("one of the two"));
  EXPECT_NE(tell({"check", "http://127.0.0.1:1", "--cluster", "bills"}).code, 0);
}

TEST(Verbs, WhatItDoesNotKnowEndsWithAHint) {
  for (const std::vector<const char*>& arguments :
       {std::vector<const char*>{"chekc"}, {"check"}, {"check", "http://a", "http://b"}, {}}) {
    const Told told = tell(arguments);
    EXPECT_NE(told.code, 0);
    EXPECT_THAT(told.err, HasSubstr("--help"));
  }
}

TEST(Verbs, EveryDetectorIsListedAndHasARunbook) {
  const Told list = tell({"detectors"});
  EXPECT_EQ(list.code, 0);
  for (const Detector* detector : all_detectors()) {
    const std::string name(detector->name);
    EXPECT_THAT(list.out, HasSubstr(name));
    const Told runbook = tell({"explain", name.c_str()});
    EXPECT_EQ(runbook.code, 0) << name;
    EXPECT_THAT(runbook.out, StartsWith("# ")) << name;
  }
  EXPECT_NE(tell({"explain", "no_such_detector"}).code, 0);
}

}  // namespace
}  // namespace doctor
