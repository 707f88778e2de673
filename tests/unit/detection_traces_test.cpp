// Recorded JVMs: how a trace is read, and that all that are in the tree can be.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "model/batch.hpp"
#include "tests/detection/traces/trace.hpp"

namespace doctor::detection {
namespace {

const std::string kHeader =
    "flink-doctor jvm trace 1\n"
    "jvm OpenJDK\n"
    "flags -Xmx128m -XX:MaxMetaspaceSize=64m\n"
    "compression 2000\n"
    "truth metaspace_leak onset_s=120 end_s=240 culprit=job-0\n"
    "columns at_s heap_used_kib metaspace_max_kib cpu_ms gc:G1_Old_Generation\n";

TEST(DetectionTraces, WhatIsNotWrittenAgainIsAsItWas) {
  const auto trace = parse_trace(
      "t", kHeader + "60 1000 -1 5 0\n! 100 submit job-0\n120 . . 7\n! 130 end job-0\n180 2000\n");
  ASSERT_TRUE(trace) << trace.error().message;
  ASSERT_EQ(trace->rows.size(), 3U);
  EXPECT_EQ(trace->rows[1].at, 2 * kMinuteMs);
  EXPECT_EQ(trace->rows[1].values[0], 1000 * 1024.0);
  EXPECT_FALSE(is_present(trace->rows[1].values[1]));
  EXPECT_EQ(trace->rows[2].values[2], 7e6);
  EXPECT_EQ(trace->rows[2].values[3], 0);
  EXPECT_EQ(trace->columns[3].collector, "G1_Old_Generation");
  ASSERT_EQ(trace->events.size(), 2U);
  EXPECT_TRUE(trace->events[0].submits);
  EXPECT_EQ(trace->events[1].job, "job-0");
}

TEST(DetectionTraces, TruthAndCompressionAreTold) {
  const auto trace = parse_trace("t", kHeader + "60 1 2 3 4\n120\n");
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_EQ(trace->detector, "metaspace_leak");
  EXPECT_EQ(trace->onset, 2 * kMinuteMs);
  EXPECT_EQ(trace->died, 4 * kMinuteMs);
  EXPECT_EQ(trace->culprit, "job-0");
  EXPECT_EQ(trace->compression, 2000);
  EXPECT_EQ(trace->flags.size(), 2U);
}

TEST(DetectionTraces, WhatIsBrokenIsRefusedByItsLine) {
  const auto refused = [](const std::string& text) {
    const auto trace = parse_trace("t", text);
    return trace ? std::string() : trace.error().message;
  };
  EXPECT_NE(refused("something else\n").find("line 1"), std::string::npos);
  EXPECT_NE(refused(kHeader + "60 1 2 3 4 5\n").find("line 7"), std::string::npos);
  EXPECT_NE(refused(kHeader + "60 1 2 3 x\n").find("line 7"), std::string::npos);
  EXPECT_NE(refused(kHeader + "60 1 2 3 4\n60 1\n").find("line 8"), std::string::npos);
  EXPECT_NE(refused(kHeader + "60 1 2 3 4\n! 70 submit\n").find("line 8"), std::string::npos);
  EXPECT_NE(refused("flink-doctor jvm trace 1\ncolumns at_s shoe_size\n").find("line 2"),
            std::string::npos);
  EXPECT_NE(refused(kHeader + "60 1 2 3 4\n").find("cut short"), std::string::npos);
  EXPECT_NE(refused("flink-doctor jvm trace 1\ncolumns at_s threads\n60 1\n120 1\n").find("truth"),
            std::string::npos);
}

TEST(DetectionTraces, ThoseOfTheTreeAreOfFourCollectorsAndOfEitherTruth) {
  const auto traces =
      read_traces(std::string(DOCTOR_SOURCE_DIR) + "/tests/detection/traces/recorded");
  ASSERT_TRUE(traces) << traces.error().message;
  EXPECT_GE(traces->size(), 12U);
  std::set<std::string> collectors, truths;
  for (const Trace& trace : *traces) {
    truths.insert(trace.detector);
    for (const std::string& flag : trace.flags) {
      if (flag.ends_with("GC")) collectors.insert(flag);
    }
    EXPECT_GT(trace.rows.size(), 500U) << trace.name;
  }
  EXPECT_EQ(collectors.size(), 4U);
  EXPECT_EQ(truths, (std::set<std::string>{"", "heap_leak", "metaspace_leak", "resource_leak"}));
}

TEST(DetectionTraces, ADirectoryWithoutAnyIsAnError) {
  EXPECT_FALSE(read_traces(std::string(DOCTOR_SOURCE_DIR) + "/model"));
}

}  // namespace
}  // namespace doctor::detection
