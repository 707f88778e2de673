// The answer of a range query: as a real Prometheus and a real VictoriaMetrics give it, cut short
// anywhere, and as an enemy would write it.
#include "collectors/query_range/matrix.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <map>

namespace doctor::query_range {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Told final : MatrixSink {
  struct Series {
    std::map<std::string, std::string> labels;
    std::vector<std::pair<TimestampMs, double>> samples;
  };
  std::vector<Series> all;

  Status series(std::span<const exposition::Label> labels) override {
    all.emplace_back();
    for (const auto& [name, value] : labels) all.back().labels.emplace(name, value);
    return Done{};
  }
  void sample(TimestampMs at, double value) override { all.back().samples.emplace_back(at, value); }
};

Result<Answer> read(std::string_view body, Told& told) {
  static const Limits limits;
  return read_matrix(body, told, limits);
}

Result<Answer> read(std::string_view body) {
  Told told;
  return read(body, told);
}

std::string recorded(const std::string& name) {
  std::ifstream file(DOCTOR_SOURCE_DIR "/tests/fixtures/query_range/" + name, std::ios::binary);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string matrix_of(const std::string& result) {
  return R"({"status":"success","data":{"resultType":"matrix","result":)" + result + "}}";
}

class OfRealStores : public testing::TestWithParam<std::string> {};

TEST_P(OfRealStores, IsReadInFull) {
  Told told;
  const Result<Answer> answer = read(recorded(GetParam() + ".json"), told);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_TRUE(answer->warnings.empty());
  ASSERT_EQ(told.all.size(), 5U);
  std::map<std::string, Told::Series> by_name;
  for (const auto& series : told.all) by_name[series.labels.at("__name__")] = series;
  const auto& heap = by_name.at("flink_taskmanager_Status_JVM_Memory_Heap_Used");
  EXPECT_EQ(heap.labels.at("tm_id"), "10_0_1_2:34567_ab12cd");
  EXPECT_EQ(heap.labels.at("cluster"), "leaking");
  ASSERT_GE(heap.samples.size(), 20U);
  EXPECT_EQ(heap.samples[1].first - heap.samples[0].first, kMinuteMs);
  EXPECT_GT(heap.samples[0].second, 800e6);
  EXPECT_LT(heap.samples[0].second, 1100e6);
}

TEST_P(OfRealStores, CutShortAnywhereIsAnErrorAndNothingWorse) {
  const std::string body = recorded(GetParam() + ".json");
  for (std::size_t size = 0; size + 1 < body.find_last_of('}'); size += 5) {
    const Result<Answer> answer = read(std::string_view(body).substr(0, size));
    ASSERT_FALSE(answer) << size;
    ASSERT_EQ(answer.error().code, ErrorCode::malformed) << size;
  }
}

TEST_P(OfRealStores, AnErrorIsTheirsInTheirWords) {
  const Result<Answer> answer = read(recorded(GetParam() + "-error.json"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::http_status);
  EXPECT_THAT(answer.error().message, HasSubstr("unexpected"));
}

INSTANTIATE_TEST_SUITE_P(Matrix, OfRealStores, testing::Values("prometheus", "victoria-metrics"),
                         [](const auto& given) { return given.param.substr(0, 8); });

TEST(Matrix, ValuesThatAreNoneStayNone) {
  Told told;
  ASSERT_TRUE(read(
      matrix_of(
          R"([{"metric":{"__name__":"a"},"values":[[1.5,"NaN"],[2,"+Inf"],[3,"-Inf"],[4,"1e999"],[5,"-2.5e3"]]}])"),
      told));
  const auto& samples = told.all.at(0).samples;
  ASSERT_EQ(samples.size(), 5U);
  EXPECT_EQ(samples[0].first, 1500);
  EXPECT_TRUE(std::isnan(samples[0].second));
  EXPECT_TRUE(std::isinf(samples[1].second));
  EXPECT_TRUE(std::isinf(samples[2].second));
  EXPECT_FALSE(std::isfinite(samples[3].second));
  EXPECT_EQ(samples[4].second, -2500);
}

TEST(Matrix, WhatNobodyAskedForIsSkipped) {
  Told told;
  const auto answer = read(
      R"({"data":{"stats":{"a":[1,{"metric":{"x":"y"},"values":[[1,"2"]]}]},"resultType":"matrix","result":[)"
      R"({"metric":{"__name__":"a"},"histograms":[[1,{"count":"3"}]],"values":[[1,"2"]]}]},)"
      R"("warnings":["one replica is down"],"infos":["x"],"status":"success","isPartial":true})",
      told);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_THAT(answer->warnings, ElementsAre("one replica is down", "the answer is partial"));
  ASSERT_EQ(told.all.size(), 1U);
  EXPECT_EQ(told.all[0].samples.size(), 1U);
}

TEST(Matrix, WhatIsNoSuchAnswerIsRefused) {
  for (const char* body : {"", "null", "[]", "{}", "<html>", R"({"status":"success"})",
                           R"({"status":"success","data":{"resultType":"vector","result":[]}})",
                           R"({"status":"success","data":[{"resultType":"matrix"}]})",
                           R"({"data":{"resultType":"matrix","result":[]}})"}) {
    const Result<Answer> answer = read(body);
    ASSERT_FALSE(answer) << body;
    EXPECT_EQ(answer.error().code, ErrorCode::malformed) << body;
  }
}

TEST(Matrix, SeriesAndSamplesOfAnotherShapeAreRefused) {
  for (const char* result :
       {R"([{"values":[[1,"2"]],"metric":{"__name__":"a"}}])",
        R"([{"metric":{"__name__":["a"]},"values":[]}])", R"([{"metric":{},"values":[["1","2"]]}])",
        R"([{"metric":{},"values":[[1,2]]}])", R"([{"metric":{},"values":[[1]]}])",
        R"([{"metric":{},"values":[[1,"2","3"]]}])", R"([{"metric":{},"values":[[1,"two"]]}])",
        R"([{"metric":{},"values":[[1,""]]}])", R"([{"metric":{},"values":[[1e300,"2"]]}])",
        R"([{"metric":{},"values":[[null,"2"]]}])", R"([{"metric":{},"values":[[1,[2]]]}])",
        R"([{"metric":{},"values":[[]]}])"}) {
    const Result<Answer> answer = read(matrix_of(result));
    ASSERT_FALSE(answer) << result;
    EXPECT_EQ(answer.error().code, ErrorCode::malformed) << result;
  }
}

TEST(Matrix, DepthAndLabelsHaveBounds) {
  const Result<Answer> deep = read(R"({"x":)" + std::string(100'000, '['));
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().code, ErrorCode::too_large);

  const Result<Answer> large =
      read(matrix_of(R"([{"metric":{"a":")" + std::string(20'000, 'x') + R"("},"values":[]}])"));
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, ErrorCode::too_large);

  std::string many;
  for (int i = 0; i < 65; ++i) many += (i == 0 ? "\"l" : ",\"l") + std::to_string(i) + R"(":"x")";
  const Result<Answer> labels = read(matrix_of(R"([{"metric":{)" + many + R"(},"values":[]}])"));
  ASSERT_FALSE(labels);
  EXPECT_EQ(labels.error().code, ErrorCode::too_large);
}

}  // namespace
}  // namespace doctor::query_range
