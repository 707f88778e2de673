// Who holds event time back, on progress that is written down by hand; and how that is read from
// what tasks tell.
#include "detectors/statistics/event_time.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/fake_features.hpp"

namespace doctor {
namespace {

constexpr TimestampMs kNow = 1'700'000'000'000;
constexpr TimeRules kRules{3 * kMinuteMs, kNow - kHourMs, 3, false};
constexpr double kWatermark = 1.6e12;

/// One that gets on, last seen to at this moment.
SubtaskTime moving(double watermark = kWatermark + 60'000) {
  SubtaskTime time;
  time.progress = Progress::moving;
  time.watermark = watermark;
  time.still_since = time.seen_at = kNow;
  time.moves = 100;
  time.records = 1000;
  return time;
}

SubtaskTime still(std::int64_t minutes, double watermark = kWatermark) {
  SubtaskTime time = moving(watermark);
  time.progress = Progress::still;
  time.still_since = kNow - minutes * kMinuteMs;
  time.records = 0;
  return time;
}

SubtaskTime of(Progress progress) {
  SubtaskTime time;
  time.progress = progress;
  time.records = 0;
  return time;
}

/// source → window, and whatever is added to them.
class Times {
 public:
  Times() { add("source", {}, true); }
  VertexTime& add(const std::string& id, const std::vector<std::string>& from, bool makes = false) {
    VertexFacts& vertex = facts_.emplace_back();
    vertex.id = id;
    for (const std::string& input : from) vertex.inputs.push_back({input, "HASH"});
    VertexTime& time = times.emplace_back();
    time.vertex = &vertex;
    time.makes_watermarks = makes;
    return time;
  }
  /// The source's subtasks, and the one of a vertex that receives from it.
  Times& with(std::vector<SubtaskTime> source, const SubtaskTime& window) {
    for (std::size_t i = 0; i < source.size(); ++i) source[i].index = static_cast<int>(i);
    times[0].subtasks = std::move(source);
    add("window", {"source"}).subtasks = {window};
    return *this;
  }
  std::vector<Stall> stalls(const TimeRules& rules = kRules) const {
    return stalls_of(times, rules, kNow);
  }
  std::vector<VertexTime> times;

 private:
  std::deque<VertexFacts> facts_;  // stay where they are
};

TEST(StillFor, CountsFromTheLastMoveToTheLastLook) {
  SubtaskTime time = still(10);
  time.seen_at = kNow - kMinuteMs;
  EXPECT_EQ(still_for(time, kRules, kNow), 9 * kMinuteMs) << "what nobody saw is not counted";
  EXPECT_EQ(still_for(of(Progress::none), kRules, kNow), kHourMs) << "since the tasks run";
}

TEST(Stalls, TheOneThatStandsWhileItsSiblingsGetOnHoldsThem) {
  Times times;
  times.with({moving(), still(10), moving(kWatermark + 90'000)}, still(10));
  const auto stalls = times.stalls();
  ASSERT_EQ(stalls.size(), 1U);
  EXPECT_EQ(stalls[0].receiver, 1U);
  EXPECT_EQ(stalls[0].receiver_subtask, 0U);
  ASSERT_EQ(stalls[0].holders.size(), 1U);
  EXPECT_EQ(stalls[0].holders[0].vertex, 0U);
  EXPECT_EQ(stalls[0].holders[0].subtask, 1U);
  EXPECT_EQ(stalls[0].movers, 2U);
  EXPECT_EQ(stalls[0].still, 1U);
  EXPECT_EQ(stalls[0].ahead, kWatermark + 90'000);
}

TEST(Stalls, WhereTheReceiverGetsOnThereIsNone) {
  Times times;
  EXPECT_TRUE(times.with({moving(), still(10)}, moving()).stalls().empty());
  EXPECT_TRUE(Times().stalls().empty()) << "a source alone holds nobody";
  EXPECT_TRUE(stalls_of({}, kRules, kNow).empty());
  for (const Progress progress : {Progress::unseen, Progress::ended}) {
    Times unseen;
    EXPECT_TRUE(unseen.with({moving(), still(10)}, of(progress)).stalls().empty());
  }
}

TEST(Stalls, AtNightNobodyHoldsTheOthers) {
  Times night;
  EXPECT_TRUE(night.with({still(61), still(60)}, still(60)).stalls().empty())
      << "the last record came a little earlier to one";
  Times morning;
  SubtaskTime first = moving();
  first.flowed_before = false;
  EXPECT_TRUE(morning.with({first, still(60)}, still(60)).stalls().empty())
      << "its first record may come a little later to one";
  first.flowed_before = true;
  EXPECT_EQ(Times().with({first, still(60)}, still(60)).stalls().size(), 1U);
}

TEST(Stalls, ASiblingMustHaveGotOnLongAfter) {
  const auto count = [](DurationMs after) {
    SubtaskTime mover = moving();
    const SubtaskTime holder = still(10);
    mover.still_since = holder.still_since + after;
    return Times().with({mover, holder}, still(10)).stalls().size();
  };
  EXPECT_EQ(count(3 * kMinuteMs), 1U);
  EXPECT_EQ(count(3 * kMinuteMs - 1), 0U);
}

TEST(Stalls, WhoseWatermarkIsHigherHoldsNobody) {
  EXPECT_EQ(Times().with({moving(), still(10, kWatermark + 1)}, still(10)).stalls().size(), 1U)
      << "a millisecond is the watermark's own";
  EXPECT_TRUE(Times().with({moving(), still(10, kWatermark + 1.5)}, still(10)).stalls().empty());
}

TEST(Stalls, HoldersComeWithTheLeastFirst) {
  const auto stalls =
      Times()
          .with({moving(), still(10), still(10, kWatermark - 5000), still(10)}, still(10))
          .stalls();
  ASSERT_EQ(stalls.size(), 1U);
  ASSERT_EQ(stalls[0].holders.size(), 3U);
  EXPECT_EQ(stalls[0].holders[0].subtask, 2U);
  EXPECT_EQ(stalls[0].holders[1].subtask, 1U);
  EXPECT_EQ(stalls[0].holders[2].subtask, 3U);
}

TEST(Stalls, WhoNeverHadAWatermarkHoldsThoseWhoHaveNone) {
  const auto stalls = Times().with({moving(), of(Progress::none)}, of(Progress::none)).stalls();
  ASSERT_EQ(stalls.size(), 1U);
  EXPECT_EQ(stalls[0].holders.at(0).subtask, 1U);
  EXPECT_TRUE(
      Times().with({of(Progress::none), of(Progress::none)}, of(Progress::none)).stalls().empty())
      << "a job without watermarks";
  TimeRules young = kRules;
  young.since = kNow - 2 * kMinuteMs;
  EXPECT_TRUE(
      Times().with({moving(), of(Progress::none)}, of(Progress::none)).stalls(young).empty());
}

TEST(Stalls, WhoIsHeldUpOrAtWorkIsNotToBlame) {
  const auto count = [](double busy, double backpressured, double records) {
    SubtaskTime holder = still(10);
    holder.shares = TaskShares{busy, backpressured};
    holder.records = records;
    return Times().with({moving(), holder}, still(10)).stalls().size();
  };
  EXPECT_EQ(count(0.1, 0, 0), 1U);
  EXPECT_EQ(count(0.1, 0.5, 0), 0U);
  EXPECT_EQ(count(0.1, 0.49, 0), 1U);
  EXPECT_EQ(count(0.9, 0, 0), 0U) << "a record that takes long";
  EXPECT_EQ(count(0.9, 0, 5), 1U) << "it sends records, but no later times";
  EXPECT_EQ(count(0.1, 0.5, 5), 0U);
}

TEST(Stalls, WithoutSharesTheSourcesOwnClockTells) {
  const auto count = [](double idle_ms) {
    SubtaskTime holder = still(10);
    holder.idle_ms = idle_ms;
    return Times().with({moving(), holder}, still(10)).stalls().size();
  };
  EXPECT_EQ(count(90'000), 1U) << "no record for half of the limit";
  EXPECT_EQ(count(89'999), 0U);
}

TEST(Stalls, OneLookNeedsTheSourcesOwnClock) {
  TimeRules look = kRules;
  look.one_look = true;
  SubtaskTime holder = still(0);
  EXPECT_TRUE(Times().with({moving(), holder}, still(0)).stalls(look).empty());
  holder.idle_ms = 179'999;
  EXPECT_TRUE(Times().with({moving(), holder}, still(0)).stalls(look).empty());
  holder.idle_ms = 180'000;
  EXPECT_EQ(Times().with({moving(), holder}, still(0)).stalls(look).size(), 1U);
}

TEST(Stalls, APauseIsLongerThanThoseOfTheSiblings) {
  const auto count = [](std::int64_t pause_minutes) {
    SubtaskTime slow = moving(), quick = moving();
    slow.usual_pause_ms = 4 * kMinuteMs;
    quick.usual_pause_ms = 2 * kMinuteMs;  // the middle of both is 3: thrice that is 9
    return Times().with({slow, quick, still(pause_minutes)}, still(pause_minutes)).stalls().size();
  };
  EXPECT_EQ(count(8), 0U);
  EXPECT_EQ(count(9), 1U);
}

TEST(Stalls, AFewMovesAreNoPace) {
  SubtaskTime fresh = moving();
  fresh.moves = 2;
  EXPECT_TRUE(Times().with({fresh, still(10)}, still(10)).stalls().empty());
  fresh.moves = 3;
  EXPECT_EQ(Times().with({fresh, still(10)}, still(10)).stalls().size(), 1U);
}

TEST(Stalls, WhereAllThatAreSeenGetOnTheUnseenMayHold) {
  Times times;
  times.with({moving()}, still(10));
  EXPECT_TRUE(times.stalls().empty()) << "something in between is slow";
  times.times[0].unseen = 2;
  const auto stalls = times.stalls();
  ASSERT_EQ(stalls.size(), 1U);
  EXPECT_TRUE(stalls[0].holders.empty());
  EXPECT_EQ(stalls[0].unseen, 2U);
  times.times[0].subtasks[0].shares = TaskShares{0.1, 0.5};
  EXPECT_TRUE(times.stalls().empty()) << "they are held up";
}

TEST(Stalls, AMakerIsBlamedOnceAtTheFirstWhoWaits) {
  Times times;
  times.with({moving(), still(10)}, still(10));
  times.add("sink", {"window"}).subtasks = {still(10)};
  ASSERT_EQ(times.stalls().size(), 1U);
  EXPECT_EQ(times.stalls()[0].receiver, 1U);
  times.add("other", {}, true).subtasks = {moving(), still(20)};
  times.add("join", {"other"}).subtasks = {still(20)};
  ASSERT_EQ(times.stalls().size(), 2U);
  EXPECT_EQ(times.stalls()[1].holders[0].vertex, 3U);
}

TEST(Stalls, WhatMakesItsOwnWatermarksHidesWhatIsAboveIt) {
  Times times;
  times.times[0].subtasks = {moving(), still(30)};
  times.add("assign", {"source"}, true).subtasks = {moving(), still(10)};
  times.add("window", {"assign"}).subtasks = {still(10)};
  const auto stalls = times.stalls();
  ASSERT_EQ(stalls.size(), 1U);
  EXPECT_EQ(stalls[0].holders.at(0).vertex, 1U);
  EXPECT_EQ(stalls[0].still, 1U) << "the source's are not counted";
}

TEST(Stalls, AGraphThatGoesInCirclesComesToAnEnd) {
  Times times;
  times.add("head", {"tail", "source"}).subtasks = {still(10)};
  times.add("tail", {"head"}).subtasks = {still(10)};
  times.times[0].subtasks = {moving(), still(10)};
  EXPECT_EQ(times.stalls().size(), 1U);
}

/// source → window, two subtasks each, told every 30 s.
class TimesOf : public testing::Test {
 protected:
  TimesOf() : job_(fake_.job("j1", "orders", "RUNNING", kNow - kHourMs)) {
    for (const char* name : {"source", "window"}) {
      VertexFacts& vertex = job_.vertices.emplace_back();
      vertex.id = name;
      vertex.parallelism = 2;
    }
    job_.vertices[1].inputs = {{"source", "HASH"}};
    fake_.now = kNow;
  }
  /// At so many minutes before now, down to the last of them.
  template <class Value>
  void tell(Metric metric, EntityId entity, double from, double to, Value value) {
    for (double ago = from; ago >= to; ago -= 0.5) {
      const auto at = kNow - static_cast<DurationMs>(ago * kMinuteMs);
      fake_.features.put(metric, entity, at, value(static_cast<double>(at)));
    }
  }
  EntityId subtask(const char* vertex, std::uint32_t index) {
    return fake_.subtask("j1", vertex, index);
  }
  EntityId op(const char* vertex, std::uint32_t index, const char* name = "op") {
    return fake_.entities.intern(Level::operator_, subtask(vertex, index), name);
  }
  void emit(std::uint32_t index, double behind_ms) {
    tell(Metric::operator_output_watermark, op("source", index), 10, 0,
         [=](double at) { return at - behind_ms; });
  }
  std::vector<VertexTime> times() { return times_of(fake_.window(), job_, kRules); }

  FakeCluster fake_;
  JobFacts& job_;
};

double standing(double) { return kWatermark; }
double sent(double at) { return (at - kNow) / 100 + 1e6; }  // ten a second

TEST_F(TimesOf, SourcesEmitAndOthersReceive) {
  emit(0, 5000);
  emit(1, 7000);
  tell(Metric::task_input_watermark, subtask("window", 0), 10, 0, [](double at) { return at - 1; });
  const auto times = this->times();
  ASSERT_EQ(times.size(), 2U);
  EXPECT_TRUE(times[0].makes_watermarks);
  ASSERT_EQ(times[0].subtasks.size(), 2U);
  EXPECT_EQ(times[0].subtasks[1].progress, Progress::moving);
  EXPECT_EQ(times[0].subtasks[1].watermark, kNow - 7000);
  EXPECT_EQ(times[0].subtasks[1].moves, 20U);
  EXPECT_EQ(times[0].unseen, 0U);
  EXPECT_FALSE(times[1].makes_watermarks);
  EXPECT_EQ(times[1].subtasks.at(0).watermark, kNow - 1);
  EXPECT_EQ(times[1].unseen, 1U) << "of two, one is told";
}

TEST_F(TimesOf, WhatDoesNotMoveForThreeMinutesStands) {
  tell(Metric::operator_output_watermark, op("source", 0), 3, 0, standing);
  tell(Metric::operator_output_watermark, op("source", 1), 2.5, 0, standing);
  const auto times = this->times();
  EXPECT_EQ(times[0].subtasks.at(0).progress, Progress::still);
  EXPECT_EQ(times[0].subtasks.at(0).still_since, kNow - 3 * kMinuteMs);
  EXPECT_EQ(times[0].subtasks.at(1).progress, Progress::moving);
}

TEST_F(TimesOf, StandingCountsFromWhereTheTasksRun) {
  tell(Metric::operator_output_watermark, op("source", 0), 20, 0, standing);
  TimeRules young = kRules;
  young.since = kNow - 4 * kMinuteMs;
  EXPECT_EQ(times_of(fake_.window(), job_, young)[0].subtasks.at(0).still_since, young.since);
}

TEST_F(TimesOf, OfAChainTheLeastCounts) {
  emit(0, 5000);
  tell(Metric::operator_output_watermark, op("source", 0, "late"), 10, 0,
       [](double at) { return at - 90'000; });
  tell(Metric::operator_output_watermark, op("source", 0, "quick"), 10, 0,
       [](double at) { return at - 10; });
  EXPECT_EQ(times()[0].subtasks.at(0).watermark, kNow - 90'000);
}

TEST_F(TimesOf, WithoutAWatermarkThereIsNoneOrItHasEnded) {
  tell(Metric::task_records_out, subtask("source", 0), 10, 0, sent);
  tell(Metric::task_records_out, subtask("source", 1), 10, 0, sent);
  tell(Metric::operator_output_watermark, op("source", 1), 20, 5, sent);
  const auto times = this->times();
  EXPECT_EQ(times[0].subtasks.at(0).progress, Progress::none);
  EXPECT_EQ(times[0].subtasks.at(1).progress, Progress::ended);
  EXPECT_FALSE(times[0].makes_watermarks);
  TimeRules again = kRules;
  again.since = kNow - 2 * kMinuteMs;
  EXPECT_EQ(times_of(fake_.window(), job_, again)[0].subtasks.at(1).progress, Progress::none)
      << "that was another attempt's";
}

TEST_F(TimesOf, WhatNobodyTellsIsUnseenUnlessItHasFinished) {
  EXPECT_EQ(times()[0].unseen, 2U);
  job_.vertices[0].status = "FINISHED";
  EXPECT_EQ(times()[0].unseen, 0U);
  EXPECT_FALSE(sees_watermarks(fake_.window(), job_));
  emit(0, 5000);
  EXPECT_TRUE(sees_watermarks(fake_.window(), job_));
}

TEST_F(TimesOf, AVertexThatReceivesNoneAndEmitsSomeMakesThem) {
  tell(Metric::task_records_out, subtask("source", 0), 10, 0, sent);
  tell(Metric::operator_output_watermark, op("window", 0), 10, 0, [](double at) { return at; });
  EXPECT_FALSE(times()[0].makes_watermarks);
  EXPECT_TRUE(times()[1].makes_watermarks);
  EXPECT_EQ(times()[1].subtasks.at(0).watermark, kNow);
}

TEST_F(TimesOf, OnlyWhereSomebodyWaitsItMattersWhatMakersDo) {
  emit(0, 5000);
  tell(Metric::task_records_out, subtask("source", 0), 16, 0, sent);
  tell(Metric::task_input_watermark, subtask("window", 0), 10, 0, [](double at) { return at; });
  EXPECT_FALSE(times()[0].subtasks.at(0).records);
  tell(Metric::task_input_watermark, subtask("window", 1), 10, 0, standing);
  ASSERT_TRUE(times()[0].subtasks.at(0).records);
  EXPECT_NEAR(*times()[0].subtasks.at(0).records, 1200, 0.1) << "ten a second, for two minutes";
  EXPECT_TRUE(times()[0].subtasks.at(0).flowed_before);
}

}  // namespace
}  // namespace doctor
