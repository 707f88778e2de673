// The scorer of the detection benchmark, on cases small enough to score by hand; its exact bounds,
// against tables; its ranges.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/detection/controls.hpp"
#include "tests/detection/exact_bounds.hpp"
#include "tests/detection/ranges.hpp"
#include "tests/detection/scoring.hpp"

namespace doctor::detection {
namespace {

constexpr TimestampMs kOnset = kCaseStart + kHourMs;

Truth one_goal() {
  Truth truth;
  Goal goal;
  goal.name = goal.detector = "backpressure";
  goal.entity = "orders";
  goal.onset = kOnset;
  goal.deadline = kOnset + 5 * kMinuteMs;
  goal.culprit = "Join";
  truth.goals.push_back(goal);
  return truth;
}

Alarm alarm(TimestampMs at, const std::string& job = "orders", const std::string& vertex = "Join",
            const std::string& detector = "backpressure") {
  Alarm made;
  made.at = at;
  made.id = detector + "/" + job + "/" + vertex;
  made.detector = detector;
  made.subject.job_name = job;
  made.subject.vertex = vertex;
  made.severity = Severity::warning;
  made.confidence = Confidence::confirmed;
  return made;
}

TEST(DetectionScoring, AHitHasItsDelayAndItsCulprit) {
  const CaseScore scored = score(one_goal(), {alarm(kOnset + kMinuteMs)});
  ASSERT_EQ(scored.goals.size(), 1U);
  EXPECT_TRUE(scored.goals[0].hit);
  EXPECT_EQ(scored.goals[0].delay_ms, kMinuteMs);
  EXPECT_EQ(scored.goals[0].named, 1.0);
  EXPECT_TRUE(scored.false_alarms.empty());
}

TEST(DetectionScoring, TwoVerticesNamedAtOnceAreHalfAName) {
  const CaseScore scored =
      score(one_goal(), {alarm(kOnset + kMinuteMs, "orders", "Sink"), alarm(kOnset + kMinuteMs)});
  EXPECT_EQ(scored.goals[0].named, 0.5);
  const CaseScore wrong = score(one_goal(), {alarm(kOnset + kMinuteMs, "orders", "Sink")});
  EXPECT_EQ(wrong.goals[0].named, 0.0);
}

TEST(DetectionScoring, WhereTwoAreTheCauseEitherNameIsRight) {
  Truth truth = one_goal();
  truth.goals[0].as_true = {"Sink"};
  const std::vector<Alarm> both{alarm(kOnset + kMinuteMs, "orders", "Sink"),
                                alarm(kOnset + kMinuteMs)};
  EXPECT_EQ(score(truth, both).goals[0].named, 1.0);
  EXPECT_EQ(score(truth, {both[0]}).goals[0].named, 1.0);
  EXPECT_EQ(score(truth, {both[0], alarm(kOnset + kMinuteMs, "orders", "Map")}).goals[0].named,
            0.5);
}

TEST(DetectionScoring, EarlyIsFalseAndAMiss) {
  const CaseScore scored = score(one_goal(), {alarm(kOnset - 1)});
  EXPECT_FALSE(scored.goals[0].hit);
  EXPECT_EQ(scored.false_alarms.size(), 1U);
}

TEST(DetectionScoring, LateIsAMissButNotFalse) {
  const CaseScore scored = score(one_goal(), {alarm(kOnset + 5 * kMinuteMs + 1)});
  EXPECT_FALSE(scored.goals[0].hit);
  EXPECT_TRUE(scored.false_alarms.empty());
}

TEST(DetectionScoring, AnotherEntityOrKindIsFalseAndAMiss) {
  EXPECT_EQ(score(one_goal(), {alarm(kOnset + 1, "payments")}).false_alarms.size(), 1U);
  const CaseScore other = score(one_goal(), {alarm(kOnset + 1, "orders", "Join", "restart_loop")});
  EXPECT_FALSE(other.goals[0].hit);
  EXPECT_EQ(other.false_alarms.size(), 1U);
  Truth entailing = one_goal();
  entailing.entailed = {"restart_loop"};
  EXPECT_TRUE(
      score(entailing, {alarm(kOnset + 1, "orders", "Join", "restart_loop")}).false_alarms.empty());
  EXPECT_EQ(
      score(entailing, {alarm(kOnset - 1, "orders", "Join", "restart_loop")}).false_alarms.size(),
      1U);
  entailing.goals.clear();
  EXPECT_TRUE(
      score(entailing, {alarm(kCaseStart, "orders", "Join", "restart_loop")}).false_alarms.empty());
  EXPECT_EQ(score(entailing, {alarm(kCaseStart, "orders", "Join")}).false_alarms.size(), 1U);
}

TEST(DetectionScoring, OneIncidentIsFalseOnceADay) {
  const Alarm first = alarm(kCaseStart, "payments");
  Alarm again = first;
  again.at += 23 * kHourMs;
  Alarm next_day = first;
  next_day.at += 25 * kHourMs;
  EXPECT_EQ(score({}, {first, again}).false_alarms.size(), 1U);
  EXPECT_EQ(score({}, {first, again, next_day}).false_alarms.size(), 2U);
}

TEST(DetectionScoring, AdviceIsNeverFalseAndHitsOnlyWhatAsksForNoMore) {
  Alarm advice = alarm(kOnset + kMinuteMs);
  advice.severity = Severity::info;
  EXPECT_FALSE(score(one_goal(), {advice}).goals[0].hit);
  EXPECT_TRUE(score({}, {advice}).false_alarms.empty());
  Truth modest = one_goal();
  modest.goals[0].severity = Severity::info;
  EXPECT_TRUE(score(modest, {advice}).goals[0].hit);
}

TEST(DetectionScoring, LabelledTimesAreNotScored) {
  Truth truth;
  truth.unscored = {{kCaseStart, kCaseStart + kHourMs}};
  EXPECT_TRUE(score(truth, {alarm(kCaseStart + 1)}).false_alarms.empty());
  EXPECT_EQ(score(truth, {alarm(kCaseStart + kHourMs + 1)}).false_alarms.size(), 1U);
}

TEST(DetectionScoring, AForecastHoldsOnlyWithTheEndInside) {
  Truth truth = one_goal();
  truth.goals[0].exhausted_at = kOnset + 10 * kHourMs;
  Alarm said = alarm(kOnset + kMinuteMs);
  said.forecast = Forecast{kOnset + 9 * kHourMs, kOnset + 8 * kHourMs, kOnset + 11 * kHourMs};
  EXPECT_EQ(score(truth, {said}).goals[0].forecast_holds, true);
  EXPECT_NEAR(*score(truth, {said}).goals[0].forecast_width, 3 / (10 - 1.0 / 60), 1e-9);
  said.forecast->high = kOnset + 9 * kHourMs;
  EXPECT_EQ(score(truth, {said}).goals[0].forecast_holds, false);
  said.forecast->high.reset();  // unbounded
  EXPECT_EQ(score(truth, {said}).goals[0].forecast_holds, true);
  EXPECT_TRUE(std::isinf(*score(truth, {said}).goals[0].forecast_width));
  EXPECT_NEAR(*score(truth, {said}).goals[0].life_share, 1.0 / 600, 1e-9);
}

TEST(DetectionScoring, PrecisionCountsAllFalseAlarmsOfTheDetector) {
  Tally tally;
  tally.add(score(one_goal(), {alarm(kOnset + 1)}));
  tally.add(score({}, {alarm(kOnset, "payments")}));
  tally.add(score(one_goal(), {}));
  const GoalTally& goal = tally.goals.at("backpressure");
  EXPECT_EQ(goal.n, 2U);
  EXPECT_EQ(goal.hits, 1U);
  EXPECT_DOUBLE_EQ(tally.precision(goal), 0.5);
  EXPECT_DOUBLE_EQ(tally.f1(goal), 0.5);
}

TEST(DetectionControls, TheOracleIsPerfectAndNeverIsBlind) {
  std::vector<PlayedCase> cases(3);
  for (PlayedCase& played : cases) {
    played.truth = one_goal();
    played.end = kOnset + kDayMs;
    played.product = {alarm(kOnset + 1)};
  }
  const auto tallies = control_tallies(cases);
  EXPECT_DOUBLE_EQ(tallies.at("control: oracle").macro_f1(), 1);
  EXPECT_DOUBLE_EQ(tallies.at("control: never").macro_f1(), 0);
  EXPECT_GT(tallies.at("control: always").false_pushed(), 0U);
  EXPECT_LT(tallies.at("control: random").macro_f1(), 1);
}

// Clopper-Pearson: 196 of 200, one-sided 95 %; Garwood: 12 events ≤ 19.44, none ≤ 3.00.
TEST(DetectionBounds, AgreeWithTables) {
  EXPECT_NEAR(share_low(196, 200), 0.9548, 5e-4);
  EXPECT_NEAR(share_low(10, 10), std::pow(0.05, 0.1), 1e-6);
  EXPECT_EQ(share_low(0, 10), 0);
  EXPECT_NEAR(mean_high(12), 19.44, 0.01);
  EXPECT_NEAR(mean_high(0), 2.996, 0.001);
}

TEST(DetectionRanges, WidenStretchesTheWidthAndOverridesWin) {
  static constexpr Range kTable[] = {{"a", 10, 20, Scale::linear, ""},
                                     {"b", 1, 100, Scale::log, ""},
                                     {"share", 0.5, 1, Scale::linear, "", 0, 1}};
  const Ranges wide("f", kTable, {}, 0.25);
  EXPECT_DOUBLE_EQ(wide.low("a"), 8.75);
  EXPECT_DOUBLE_EQ(wide.high("a"), 21.25);
  EXPECT_NEAR(wide.low("b") * wide.high("b"), 100, 1e-9);
  EXPECT_GT(wide.high("b"), 100);
  EXPECT_EQ(wide.high("share"), 1);
  const Ranges set("f", kTable, {{"f", {{"a", {3, 4}}}}}, 0.25);
  EXPECT_EQ(set.low("a"), 3);
  EXPECT_EQ(set.high("a"), 4);
}

TEST(DetectionRandom, IsTheSameEverywhere) {
  Random random(1);
  EXPECT_EQ(random.bits(), 0x910a2dec89025cc1ULL);  // SplitMix64's published first value for 1
}

}  // namespace
}  // namespace doctor::detection
