// Two agents on one shard: whatever their pasts and their clocks, Alertmanager sees one alert.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/delivery/alert.hpp"
#include "agent/judge.hpp"
#include "detectors/registry.hpp"

namespace doctor {
namespace {

constexpr TimestampMs kFailed = 1'795'000'000'000;

struct Replica {
  Limits limits;
  FeaturePlan plan{all_detectors()};
  Judge judge;

  Replica() : judge(config(), all_detectors(), plan, limits) {}
  static JudgeConfig config() {
    JudgeConfig config;
    config.cluster = "orders";
    config.namespace_ = "streaming";
    config.labels = {{"team", "payments"}};
    return config;
  }
  /// Sees for the first time at `at` that a job has failed.
  std::vector<Alert> look(TimestampMs at, const std::string& job_id) {
    SourceHealth rest;
    rest.kind = SourceKind::rest;
    rest.address = "jobmanager:8081";
    rest.up = rest.ever_up = true;
    rest.since = at;
    judge.absorb({0, at, rest});
    auto facts = std::make_shared<ClusterFacts>();
    facts->name = "orders";
    facts->jobs_known = true;
    JobSummary job;
    job.id = job_id;
    job.name = "payments";
    job.state = "FAILED";
    job.start = kFailed - kHourMs;
    job.last_modification = kFailed;
    job.end = kFailed;
    facts->jobs.push_back(job);
    judge.absorb({0, at, ClusterFactsPtr(facts)});
    judge.absorb({0, at, Tick{at}});
    View view;
    view.generated_at = at;
    show(judge, view);
    return alerts_of(view, 20);
  }
};

TEST(HaPair, MakesOneAlert) {
  Replica first, second;
  const std::vector<Alert> of_first =
      first.look(kFailed + 2 * kSecondMs, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
  const std::vector<Alert> of_second =
      second.look(kFailed + 9 * kMinuteMs, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
  ASSERT_EQ(of_first.size(), 1U);
  ASSERT_EQ(of_second.size(), 1U);
  EXPECT_EQ(of_first[0].labels, of_second[0].labels);
  EXPECT_EQ(of_first[0].labels.at("cluster"), "orders");
  EXPECT_EQ(of_first[0].labels.at("team"), "payments");
  EXPECT_NE(of_first[0].starts_at, of_second[0].starts_at) << "Alertmanager takes the earlier";
}

}  // namespace
}  // namespace doctor
