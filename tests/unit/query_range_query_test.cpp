// What stores are asked: selectors of PromQL and targets of requests.
#include "collectors/query_range/query.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace doctor::query_range {
namespace {

using ::testing::HasSubstr;

TEST(QueryRange, MatchersAreThoseOfPromQl) {
  EXPECT_EQ(*parse_matcher("cluster=orders"), (Matcher{"cluster", "=", "orders"}));
  EXPECT_EQ(*parse_matcher("pod=~orders-.*"), (Matcher{"pod", "=~", "orders-.*"}));
  EXPECT_EQ(*parse_matcher("env!=test"), (Matcher{"env", "!=", "test"}));
  EXPECT_EQ(*parse_matcher("env!~a|b"), (Matcher{"env", "!~", "a|b"}));
  EXPECT_EQ(*parse_matcher("cluster", "orders"), (Matcher{"cluster", "=", "orders"}));
  EXPECT_EQ(*parse_matcher("pod", "=~x"), (Matcher{"pod", "=~", "x"}));
  for (const char* wrong : {"", "cluster", "=x", "clu ster=x", "1a=x", "a=b\nc", "a{b=c"}) {
    EXPECT_FALSE(parse_matcher(wrong)) << wrong;
  }
}

TEST(QueryRange, ASelectorTakesWhatReportersCallTheMetric) {
  const std::vector<Metric> metrics{Metric::jvm_heap_used, Metric::gc_count};
  const std::vector<Matcher> matchers{{"cluster", "=", R"(a"b\c)"}, {"pod", "=~", "x.*"}};
  const auto all = selectors(metrics, matchers, 10'000);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0], R"({__name__=~"flink_jobmanager_Status_JVM_Memory_Heap_Used|)"
                    R"(flink_taskmanager_Status_JVM_Memory_Heap_Used|)"
                    R"(flink_jobmanager_Status_JVM_GarbageCollector_.+_Count|)"
                    R"(flink_taskmanager_Status_JVM_GarbageCollector_.+_Count",)"
                    R"(cluster="a\"b\\c",pod=~"x.*"})");
  EXPECT_EQ(selectors(metrics, matchers, 1).size(), 2U);
  const std::vector<Metric> of_probes{Metric::host_resident, Metric::log_size, Metric::out_size};
  EXPECT_EQ(selectors(of_probes, {}, 10'000).at(0),
            R"({__name__=~"flink_doctor_probe_process_resident_memory_bytes|)"
            R"(flink_doctor_probe_log_bytes"})");
  EXPECT_TRUE(selectors({}, matchers, 100).empty());
}

TEST(QueryRange, ATargetIsEncoded) {
  EXPECT_EQ(range_target(R"({a="b c"})", 1'500'000, 3'600'250, 60'000),
            "/api/v1/query_range?query=%7Ba%3D%22b%20c%22%7D&start=1500&end=3600.250&step=60");
}

}  // namespace
}  // namespace doctor::query_range
