#include "detectors/statistics/lag_course.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>

#include "tests/unit/fake_features.hpp"

namespace doctor {
namespace {

constexpr TimestampMs kStart = 480'000 * kHourMs;  // begins a bin of every scale
constexpr FloorScale kFine = FloorScale::five_minutes;
constexpr std::int64_t kBin = kStart / (5 * kMinuteMs);

/// As the history keeps them: of a counter that is kept by the minute, floors are of its rate.
class RatedFeatures : public FakeFeatures {
 public:
  const Floors* floors(Metric metric, EntityId entity) const override {
    if (metric != Metric::task_records_out) return FakeFeatures::floors(metric, entity);
    const auto found = rates.find(entity);
    return found == rates.end() ? nullptr : &found->second;
  }
  std::map<EntityId, Floors> rates;  // per second
};

/// A source of two subtasks before a vertex that reads from it.
class LagCourses : public testing::Test {
 protected:
  LagCourses() : job_(fake_.job("j1", "orders", "RUNNING", kStart)) {
    for (const char* name : {"source", "work"}) {
      VertexFacts& vertex = job_.vertices.emplace_back();
      vertex.id = vertex.name = name;
      vertex.parallelism = 2;
    }
    job_.vertices[1].inputs = {{"source", "HASH"}};
    fake_.now = kStart;
  }
  EntityId op(std::uint32_t subtask, const char* vertex = "source") {
    return fake_.entities.intern(Level::operator_, fake_.subtask("j1", vertex, subtask), "reader");
  }
  EntityId shard(std::uint32_t subtask, const char* name) {
    return fake_.entities.intern(Level::split, op(subtask), name);
  }
  using Value = std::function<double(std::int64_t)>;
  /// Told every minute of the hours [from, to), and at the moment after them.
  void tell(Metric metric, EntityId entity, double from, double to, const Value& by_minute) {
    const auto end = static_cast<std::int64_t>(to * 60);
    for (auto minute = static_cast<std::int64_t>(from * 60); minute <= end; ++minute) {
      features_.put(metric, entity, kStart + minute * kMinuteMs, by_minute(minute));
    }
    fake_.now = std::max(fake_.now, kStart + end * kMinuteMs);
  }
  Window window() {
    Window window = fake_.window();
    window.features = &features_;
    return window;
  }
  std::optional<LagCourse> course(DurationMs watched_ms = kHourMs) {
    return LagCourse::of(window(), job_, watched_ms);
  }

  FakeCluster fake_;
  RatedFeatures features_;
  JobFacts& job_;
};

double of_minute(std::int64_t minute) { return static_cast<double>(100 + minute); }

TEST_F(LagCourses, RecordsOfAllSourcesAddUp) {
  tell(Metric::source_pending_records, op(0), 0, 3, of_minute);
  tell(Metric::source_pending_records, op(1), 0, 3, [](auto) { return 7; });
  const auto course = this->course();
  ASSERT_TRUE(course);
  EXPECT_EQ(course->metric(), Metric::source_pending_records);
  EXPECT_FALSE(course->is_time());
  EXPECT_EQ(course->tellers(), 2U);
  EXPECT_EQ(course->newest(kFine), kBin + 35);
  EXPECT_EQ(course->at(kFine, kBin + 35), 100 + 175 + 7) << "the least of its five minutes";
  EXPECT_FALSE(course->at(kFine, kBin + 36)) << "it is open";
  EXPECT_EQ(course->newest_hour(), kStart / kHourMs + 2);
  EXPECT_NEAR(course->hour(kStart / kHourMs + 1).value(), 160 + 7, 0.2);
}

TEST_F(LagCourses, OfTimesTheLongestCounts) {
  tell(Metric::kinesis_millis_behind, shard(0, "s-0"), 0, 2, [](auto) { return 5000; });
  tell(Metric::kinesis_millis_behind, shard(0, "s-1"), 0, 2, [](auto) { return 800; });
  tell(Metric::kinesis_millis_behind, shard(1, "s-2"), 0, 2, [](auto) { return 9000; });
  const auto course = this->course();
  ASSERT_TRUE(course);
  EXPECT_TRUE(course->is_time());
  EXPECT_EQ(course->tellers(), 3U);
  EXPECT_EQ(course->at(kFine, kBin + 20), 9000);
}

TEST_F(LagCourses, WhereOneDoesNotTellNothingIsSaidOfThatTime) {
  tell(Metric::source_pending_records, op(0), 0, 3, of_minute);
  tell(Metric::source_pending_records, op(1), 0, 1, of_minute);
  tell(Metric::source_pending_records, op(1), 1.5, 3, of_minute);
  const auto course = this->course();
  ASSERT_TRUE(course);
  EXPECT_TRUE(course->at(kFine, kBin + 11));
  EXPECT_FALSE(course->at(kFine, kBin + 15)) << "in the gap of half an hour";
  EXPECT_TRUE(course->at(kFine, kBin + 20));
}

TEST_F(LagCourses, TheFirstMetricThatTellsIsTaken) {
  tell(Metric::kafka_legacy_records_lag_max, op(0), 0, 2, [](auto) { return 3; });
  EXPECT_EQ(course()->metric(), Metric::kafka_legacy_records_lag_max);
  tell(Metric::kafka_records_lag_max, op(0), 0, 2, [](auto) { return 2; });
  EXPECT_EQ(course()->metric(), Metric::kafka_records_lag_max);
  tell(Metric::source_pending_records, op(0), 0, 2, [](auto) { return 1; });
  EXPECT_EQ(course()->metric(), Metric::source_pending_records);
}

TEST_F(LagCourses, WhatWasNotWatchedForLongOrIsNotToldNowIsNone) {
  EXPECT_FALSE(course());
  EXPECT_FALSE(tells_lag(window(), job_));
  tell(Metric::source_pending_records, op(0), 0, 2, of_minute);
  EXPECT_TRUE(course(2 * kHourMs));
  EXPECT_FALSE(course(2 * kHourMs + 1));
  EXPECT_TRUE(tells_lag(window(), job_));
  fake_.now += 5 * kMinuteMs;
  EXPECT_TRUE(course());
  fake_.now += 1;
  EXPECT_FALSE(course()) << "the present is five minutes old at most";
  EXPECT_FALSE(tells_lag(window(), job_));
}

TEST_F(LagCourses, TheYoungAmongOldOnesIsLeftOut) {
  tell(Metric::source_pending_records, op(0), 0, 4, of_minute);
  tell(Metric::source_pending_records, op(1), 3, 4, of_minute);
  EXPECT_EQ(course(2 * kHourMs)->tellers(), 1U);
  EXPECT_EQ(course(kHourMs)->tellers(), 2U);
}

TEST_F(LagCourses, OnlySourcesAndTheSubtasksOfNowTell) {
  tell(Metric::source_pending_records, op(0, "work"), 0, 2, of_minute);
  tell(Metric::source_pending_records, op(5), 0, 2, of_minute);
  EXPECT_FALSE(course());
  EXPECT_FALSE(tells_lag(window(), job_));
}

TEST_F(LagCourses, TheNewestBinIsThatOfTheSlowest) {
  tell(Metric::source_pending_records, op(0), 0, 2.084, of_minute);
  tell(Metric::source_pending_records, op(1), 0, 2, of_minute);
  EXPECT_EQ(course()->newest(kFine), kBin + 23);
}

TEST_F(LagCourses, APaceIsOfTheLastMinutesAndOfTheBestHourOfADay) {
  const EntityId subtask = fake_.subtask("j1", "source", 0);
  tell(Metric::task_records_out, subtask, 29.5, 30,
       [](std::int64_t minute) { return 60.0 * static_cast<double>(minute); });
  EXPECT_NEAR(read_pace(window(), job_)->highest_s, 1, 1e-6) << "no hour is known";
  for (std::int64_t minute = 0; minute <= 30 * 60; ++minute) {
    const double rate = minute < 6 * 60 ? 500 : minute < 7 * 60 ? 100 : 10;
    features_.rates[subtask].add({kStart + minute * kMinuteMs, rate});
  }
  const auto pace = read_pace(window(), job_);
  ASSERT_TRUE(pace);
  EXPECT_NEAR(pace->now_s, 1, 1e-6);
  EXPECT_NEAR(pace->highest_s, 100, 0.1) << "of the last 24 hours, which begin with the seventh";
}

TEST_F(LagCourses, WhoSendsNothingHasNoPace) {
  EXPECT_FALSE(read_pace(window(), job_));
  tell(Metric::task_records_out, fake_.subtask("j1", "source", 0), 0, 1, [](auto) { return 42; });
  EXPECT_FALSE(read_pace(window(), job_)) << "chained to all that comes after it";
  tell(Metric::task_records_out, fake_.subtask("j1", "work", 0), 0, 1, of_minute);
  EXPECT_FALSE(read_pace(window(), job_)) << "what others send is none of it";
}

TEST_F(LagCourses, PacesOfAllSubtasksAddUp) {
  for (const std::uint32_t i : {0, 1}) {
    tell(Metric::task_records_out, fake_.subtask("j1", "source", i), 0, 0.5,
         [&](std::int64_t minute) { return 600.0 * (i + 1) * static_cast<double>(minute); });
  }
  const auto pace = read_pace(window(), job_);
  ASSERT_TRUE(pace);
  EXPECT_NEAR(pace->now_s, 30, 1e-3);
  EXPECT_NEAR(pace->highest_s, 30, 1e-3) << "no hour has ended";
}

}  // namespace
}  // namespace doctor
