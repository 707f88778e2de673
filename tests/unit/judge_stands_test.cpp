// A judge does not ask a detector again while nothing new is told and what it said still stands. It
// must say what a judge says that asks at every look.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/recording_fixture.hpp"

namespace doctor {
namespace {

constexpr DurationMs kTick = 5 * kSecondMs;

/// Nobody knows this source, and it is none any more: that changes nothing, but it is news.
StreamItem news(TimestampMs at) {
  SourceHealth health;
  health.id = 60'000;
  health.kind = SourceKind::reporter;
  health.retired = true;
  return {0, at, health};
}

/// One judge over a drawn cluster.
class Watch {
 public:
  Watch(const scenario::Case& drawn, bool asks_always) : drawn_(drawn), asks_always_(asks_always) {
    JudgeConfig config;
    config.cluster = "test";
    config.expected_jobs = drawn.expected_jobs;
    judges_.push_back(std::make_unique<Judge>(config, all_detectors(), plan_, limits_));
    feed_ = std::make_unique<scenario::ClusterFeed>(drawn, world_, metrics_, *judges_.front());
  }

  void poll(DurationMs at) { feed_->poll(at); }
  void tick(DurationMs at) {
    const TimestampMs now = scenario::kCaseStart + at;
    if (asks_always_) judges_.front()->absorb(news(now));
    judges_.front()->absorb({0, now, Tick{now}});
  }
  std::string says(DurationMs at) const {
    return test::document(judges_, scenario::kCaseStart + at);
  }

 private:
  const scenario::Case& drawn_;
  bool asks_always_;
  scenario::World world_{drawn_};
  FeaturePlan plan_{all_detectors()};
  std::vector<Metric> metrics_{plan_.metrics()};
  Limits limits_;
  std::vector<std::unique_ptr<Judge>> judges_;
  std::unique_ptr<scenario::ClusterFeed> feed_;
};

class JudgeStands : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Files, JudgeStands, testing::ValuesIn(test::scenario_files()),
                         [](const auto& param) { return param.param; });

/// Every so often nothing is polled for minutes, so that what was fresh ceases to be.
bool is_silent(DurationMs at) { return at % (20 * kMinuteMs) >= 15 * kMinuteMs; }

TEST_P(JudgeStands, SaysWhatOneSaysThatAsksAtEveryLook) {
  for (const scenario::Case& drawn : test::watched_cases(GetParam(), 3 * kHourMs)) {
    SCOPED_TRACE(drawn.file + ": " + drawn.name);
    Watch plain(drawn, false);
    Watch always(drawn, true);
    std::size_t ticks = 0;
    for (DurationMs at = 0; at <= std::min(drawn.length, 12 * kHourMs); at += kTick) {
      const bool polls = at % drawn.every == 0 && !is_silent(at);
      for (Watch* watch : {&plain, &always}) {
        if (polls) watch->poll(at);
        watch->tick(at);
      }
      if (++ticks % 11 != 0) continue;
      ASSERT_EQ(plain.says(at), always.says(at)) << "after " << at / kSecondMs << " s";
    }
  }
}

}  // namespace
}  // namespace doctor
