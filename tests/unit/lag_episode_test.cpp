#include "detectors/statistics/lag_episode.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <vector>

#include "tests/unit/fake_features.hpp"

namespace doctor {
namespace {

constexpr TimestampMs kStart = 480'000 * kHourMs;  // begins a bin of every scale
constexpr double kGoneMs = 60.0 * kSecondMs;
constexpr FloorScale kFine = FloorScale::five_minutes;

/// As the history keeps them: of a counter that is kept by the minute, floors are of its rate. Here
/// no hour of it is known, so the pace of the last minutes is the highest.
class RatedFeatures : public FakeFeatures {
 public:
  const Floors* floors(Metric metric, EntityId entity) const override {
    return metric == Metric::task_records_out ? nullptr : FakeFeatures::floors(metric, entity);
  }
};

/// A source of one subtask; hours and minutes count from the start.
class LagEpisodes : public testing::Test {
 protected:
  LagEpisodes() : job_(fake_.job("j1", "orders", "RUNNING", kStart)) {
    VertexFacts& vertex = job_.vertices.emplace_back();
    vertex.id = vertex.name = "source";
    vertex.parallelism = 1;
    subtask_ = fake_.subtask("j1", "source", 0);
    op_ = fake_.entities.intern(Level::operator_, subtask_, "reader");
    fake_.now = kStart;
  }
  using Value = std::function<double(double hour)>;
  /// Told every minute of [from, to), and at the moment after.
  void wait(double from, double to, const Value& backlog,
            Metric metric = Metric::source_pending_records) {
    const auto end = static_cast<std::int64_t>(to * 60);
    const EntityId entity = metric == Metric::source_pending_records
                                ? op_
                                : fake_.entities.intern(Level::split, op_, "shard");
    for (auto minute = static_cast<std::int64_t>(from * 60); minute <= end; ++minute) {
      const double value = backlog(static_cast<double>(minute) / 60);
      features_.put(metric, entity, kStart + minute * kMinuteMs, value);
    }
    fake_.now = std::max(fake_.now, kStart + end * kMinuteMs);
  }
  /// A pace of a hundred records a second in the last half hour: kGoneMs are 6,000 of them.
  void read() {
    for (TimestampMs at = fake_.now - 30 * kMinuteMs; at <= fake_.now; at += kMinuteMs) {
      const auto sent = static_cast<double>(at - kStart) / 10 + 1e6;
      features_.put(Metric::task_records_out, subtask_, at, sent);
    }
  }
  std::optional<LagEpisode> episode() {
    Window window = fake_.window();
    window.features = &features_;
    const auto course = LagCourse::of(window, job_, kHourMs);
    return course ? lag_episode(window, job_, *course, kGoneMs) : std::nullopt;
  }
  static TimestampMs hour(double at) { return kStart + static_cast<TimestampMs>(at * kHourMs); }

  FakeCluster fake_;
  RatedFeatures features_;
  JobFacts& job_;
  EntityId subtask_{}, op_{};
};

TEST_F(LagEpisodes, BeginWhenTheBacklogWasAsGoodAsGone) {
  wait(0, 4, [](double h) { return h < 1 ? 5000 : h < 3 ? 1000 : 10'000 + 600 * (h - 3); });
  read();
  const auto episode = this->episode();
  ASSERT_TRUE(episode);
  EXPECT_EQ(episode->to, hour(4));
  EXPECT_NEAR(episode->level, 10'000 + 600 * 55.0 / 60, 1) << "the least of the last five minutes";
  EXPECT_TRUE(episode->was_gone);
  EXPECT_EQ(episode->since, hour(3));
  EXPECT_EQ(episode->lasts_ms(), 1.0 * kHourMs);
  EXPECT_NEAR(episode->past_peak, 5000, 4);
  ASSERT_TRUE(episode->pace);
  EXPECT_NEAR(episode->pace->highest_s, 100, 1e-3);
  EXPECT_NEAR(episode->behind_ms(5000).value(), 50'000, 1);
}

TEST_F(LagEpisodes, ThatWereNeverSeenGoneBeginWhereTheyWereFirstSeen) {
  wait(0, 2, [](double) { return 7000; });
  read();
  EXPECT_FALSE(episode()->was_gone);
  EXPECT_EQ(episode()->since, kStart);
  EXPECT_EQ(episode()->past_peak, 0);
  wait(2, 12, [](double) { return 7000; });
  read();
  EXPECT_EQ(episode()->since, kStart) << "hours reach further back than five minutes do";
  EXPECT_FALSE(episode()->was_gone);
}

TEST_F(LagEpisodes, LongOnesBeginWithTheHourAfterTheBacklogWasGone) {
  wait(0, 12, [](double h) { return h < 2 ? 5000 : h < 3 ? 100 : 9000; });
  read();
  const auto episode = this->episode();
  EXPECT_TRUE(episode->was_gone);
  EXPECT_EQ(episode->since, hour(3));
  EXPECT_NEAR(episode->past_peak, 5000, 4);
}

TEST_F(LagEpisodes, WithoutAPaceATwentiethOfTheBacklogIsAsGoodAsGone) {
  wait(0, 3, [](double h) { return h < 2 ? 500 : 10'000; });
  EXPECT_TRUE(episode()->was_gone);
  EXPECT_EQ(episode()->since, hour(2));
  EXPECT_FALSE(episode()->behind_ms(1));
  features_ = RatedFeatures{};
  wait(0, 3, [](double h) { return h < 2 ? 502 : 10'000; });
  EXPECT_FALSE(episode()->was_gone);
  EXPECT_EQ(episode()->since, kStart);
}

TEST_F(LagEpisodes, OfTimesTheGivenTimeIsAsGoodAsGone) {
  wait(
      0, 3, [](double h) { return h < 1 ? kGoneMs : kGoneMs + 1; }, Metric::kinesis_millis_behind);
  const auto episode = this->episode();
  ASSERT_TRUE(episode);
  EXPECT_TRUE(episode->was_gone);
  EXPECT_EQ(episode->since, hour(1));
  EXPECT_EQ(episode->behind_ms(1234), 1234) << "it is a time already";
}

TEST_F(LagEpisodes, WithoutAPresentThereIsNone) {
  wait(0, 2, [](double) { return 7000; });
  fake_.now = hour(2) + 5 * kMinuteMs;
  EXPECT_TRUE(episode());
  // The source is told again after a pause: its newest bins are a gap.
  wait(2.5, 2.5, [](double) { return 7000; });
  EXPECT_FALSE(episode());
}

TEST_F(LagEpisodes, StayWhenEveryHourHadAShareOfIt) {
  wait(0, 8, [](double h) { return h < 1 ? 0 : h < 4 ? 8000 : 10'000; });
  read();
  ASSERT_EQ(episode()->since, hour(1));
  EXPECT_TRUE(episode()->stays(7 * kHourMs, 0.79));
  EXPECT_FALSE(episode()->stays(7 * kHourMs, 0.81)) << "8,000 of 10,000";
  EXPECT_TRUE(episode()->stays(4 * kHourMs, 0.99));
  EXPECT_FALSE(episode()->stays(8 * kHourMs, 0.5)) << "it is younger";
}

TEST_F(LagEpisodes, DoNotStayWhereTheBacklogIsWorkedOff) {
  wait(0, 6, [](double h) { return h < 3 ? 12'000 : 10'700; });
  read();
  EXPECT_FALSE(episode()->stays(4 * kHourMs, 0.5)) << "10,700 of the 12,000 four hours ago";
  EXPECT_TRUE(episode()->stays(3 * kHourMs, 0.5));
}

TEST_F(LagEpisodes, StayOverAQuarterOfGaps) {
  for (const double gap : {2.0, 3.0}) {  // of eight hours
    features_ = RatedFeatures{};
    wait(0, 4, [](double) { return 9000; });
    wait(4 + gap, 8, [](double) { return 9000; });
    read();
    ASSERT_EQ(episode()->since, kStart);
    EXPECT_EQ(episode()->stays(8 * kHourMs, 0.5), gap == 2.0);
  }
}

TEST_F(LagEpisodes, PointsAreTheFloorsSinceThen) {
  wait(0, 2, [](double h) { return h < 1 ? 0 : 10'000 * h; });
  read();
  const LagPoints points = points_of(episode().value(), kFine);
  ASSERT_EQ(points.x.size(), 12U);
  ASSERT_EQ(points.t.size(), 12U);
  EXPECT_EQ(points.from, hour(1));
  EXPECT_EQ(points.to, hour(2));
  EXPECT_EQ(points.t.front(), -55.0 * kMinuteMs);
  EXPECT_EQ(points.t.back(), 0);
  EXPECT_NEAR(points.x.front(), 10'000, 1);
  EXPECT_NEAR(points.x.back(), 10'000 * (2 - 5.0 / 60), 1);
  EXPECT_EQ(points_of(episode().value(), FloorScale::quarter_hour).x.size(), 4U);
  EXPECT_TRUE(points_of(episode().value(), FloorScale::three_hours).x.empty());
}

LagPoints course(const std::vector<double>& x) {
  LagPoints points;
  points.x = x;
  for (std::size_t i = 0; i < x.size(); ++i) {
    points.t.push_back(10 * (static_cast<double>(i) - static_cast<double>(x.size()) + 1));
  }
  return points;
}

TEST(LagDrain, IsTheFallSinceTheBacklogWasHighest) {
  const auto drain = drain_of(course({10, 60, 100, 97, 94, 91, 88, 85, 82}));
  ASSERT_TRUE(drain);
  EXPECT_NEAR(drain->value, -0.3, 1e-12);
  EXPECT_NEAR(drain->high, -0.3, 1e-12);
}

TEST(LagDrain, IsNoneOfFewPointsOrOfAFallThatEnded) {
  EXPECT_FALSE(drain_of({}));
  EXPECT_FALSE(drain_of(course({10, 60, 100, 97, 94, 91, 88}))) << "five";
  EXPECT_TRUE(drain_of(course({10, 60, 100, 97, 94, 91, 88, 85})));
  EXPECT_FALSE(drain_of(course({100, 90, 80, 70, 60, 50, 50, 50, 50, 50})));
  EXPECT_FALSE(drain_of(course({100, 90, 80, 70, 60, 50, 55, 60, 65, 70})));
  EXPECT_FALSE(drain_of(course({100, 80, 99, 81, 98, 82, 97, 83}))) << "beyond doubt";
  EXPECT_FALSE(drain_of(course(std::vector<double>(12, 50.0))));
}

TEST(LagGrowth, IsASignificantRiseThatGoesOn) {
  std::vector<double> line;
  for (int i = 0; i < 12; ++i) line.push_back(100 + 20 * i);
  const auto growth = growth_of(course(line), 0.01);
  ASSERT_TRUE(growth);
  EXPECT_NEAR(growth->value, 2, 1e-12);
  line.erase(line.begin());
  EXPECT_FALSE(growth_of(course(line), 0.01)) << "eleven points";
  EXPECT_FALSE(growth_of({}, 0.01));
  EXPECT_FALSE(growth_of(course(std::vector<double>(12, 50.0)), 0.01));
  std::reverse(line.begin(), line.end());
  line.push_back(0);
  EXPECT_FALSE(growth_of(course(line), 0.01)) << "a fall";
}

TEST(LagGrowth, IsAsSignificantAsAskedFor) {
  std::vector<double> bent{1, 5, 2, 6, 3, 7, 4, 8, 9, 10, 11, 12};
  const double p = rising_test(bent).p;
  ASSERT_GT(p, 1e-6);
  EXPECT_TRUE(growth_of(course(bent), p));
  EXPECT_FALSE(growth_of(course(bent), 0.99 * p));
}

TEST(LagGrowth, ThatSlowsDownIsNone) {
  // The last four rise by 1 a step, which is less than three tenths of the whole's 7, or by 4.
  const std::vector<double> slowing{0, 10, 20, 30, 40, 50, 60, 70, 72, 73, 74, 75};
  EXPECT_FALSE(growth_of(course(slowing), 0.01));
  const std::vector<double> bending{0, 10, 20, 30, 40, 50, 60, 70, 72, 76, 80, 84};
  EXPECT_TRUE(growth_of(course(bending), 0.01));
}

}  // namespace
}  // namespace doctor
