// What scenarios cannot draw: looks that come seldom, as through REST on a cluster of many jobs.
#include <gtest/gtest.h>

#include "tests/unit/fake_features.hpp"

namespace doctor {

namespace detectors {
extern const Detector watermark_stalled;
}

namespace {

constexpr DurationMs kPace = 2 * kMinuteMs;

class WatermarkStalledTest : public testing::Test {
 protected:
  WatermarkStalledTest() {
    JobFacts& job = fake.job("1", "orders", "RUNNING", fake.now - kHourMs);
    job.all_tasks_running_since = fake.now - kHourMs;
    job.vertices = {{"a", "source", 2, 128, "RUNNING", {}, {}},
                    {"b", "window", 2, 128, "RUNNING", {{"a", "HASH"}}, {}}};
  }
  /// Looks at both vertices every two minutes until `last_look`; `still_from`: all stand.
  void look_until(TimestampMs last_look, TimestampMs still_from) {
    const TimestampMs begin = fake.now - 40 * kMinuteMs;
    for (TimestampMs at = begin; at <= fake.now; at += 10 * kSecondMs) {
      const bool looks = (at - begin) % kPace == 0 && at <= last_look;
      for (std::uint32_t s = 0; s < 2; ++s) {
        const EntityId source = fake.subtask("1", "a", s);
        fake.features.put(Metric::task_records_out, source, at, 10.0 * static_cast<double>(at));
        if (!looks) continue;
        const auto watermark =
            static_cast<double>(std::min<TimestampMs>(at, still_from) - 5 * kSecondMs);
        const EntityId op = fake.entities.intern(Level::operator_, source, "Source");
        fake.features.put(Metric::operator_output_watermark, op, at, watermark);
        fake.features.put(Metric::task_input_watermark, fake.subtask("1", "b", s), at, watermark);
      }
    }
  }
  std::size_t findings() {
    Window window = fake.window();
    window.pace_ms = kPace;
    const Detector& detector = detectors::watermark_stalled;
    return detector.detect(window, Params(detector.params, nullptr)).findings.size();
  }

  FakeCluster fake;
};

TEST_F(WatermarkStalledTest, WhatNobodyLookedAtDoesNotStandStill) {
  look_until(fake.now - 7 * kPace / 4, fake.now);
  EXPECT_EQ(findings(), 0U);
}

TEST_F(WatermarkStalledTest, WhatStoodStillOverSeveralLooksDoes) {
  look_until(fake.now, fake.now - 10 * kMinuteMs);
  EXPECT_EQ(findings(), 1U);
}

}  // namespace
}  // namespace doctor
