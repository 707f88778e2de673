#include "detectors/statistics/bottleneck.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace doctor {
namespace {

using Windows = std::vector<std::optional<double>>;
constexpr std::nullopt_t kUnseen = std::nullopt;

/// Vertices in their order, each with the same share in all windows or with one for each.
class Graph {
 public:
  Graph& add(const std::string& id, const std::vector<std::string>& from, const Windows& busy,
             const Windows& backpressured) {
    VertexFacts& vertex = facts_.emplace_back();
    vertex.id = id;
    for (const std::string& input : from) vertex.inputs.push_back({input, "HASH"});
    VertexLoad& load = loads.emplace_back();
    load.vertex = &vertex;
    load.busy_max = busy;
    load.backpressured_max = backpressured;
    return *this;
  }
  Graph& add(const std::string& id, const std::vector<std::string>& from, double busy,
             double backpressured) {
    return add(id, from, Windows(5, busy), Windows(5, backpressured));
  }
  std::vector<VertexLoad> loads;

 private:
  std::deque<VertexFacts> facts_;  // stay where they are
};

using Indexes = std::vector<std::size_t>;

TEST(HeldUp, InEnoughWindowsByEnough) {
  Graph graph;
  graph.add("a", {}, Windows(5), {0.1, 0.1, 0.1, 0, 0});
  graph.add("b", {}, Windows(5), {0.1, 0.1, 0.099, 0, 0});
  graph.add("c", {}, Windows(5), {0.9, 0.9, kUnseen, kUnseen, kUnseen});
  graph.add("d", {}, Windows(5), {kUnseen, 0.5, 0.5, 0.5, kUnseen});
  EXPECT_EQ(held_up(graph.loads, {}), (Indexes{0, 3}));
  EXPECT_EQ(held_up(graph.loads, {0.5, 2}), (Indexes{2, 3}));
  EXPECT_TRUE(held_up({}, {}).empty());
}

bool is_long(const Windows& held, std::size_t lasts) {
  Graph graph;
  graph.add("a", {}, Windows(held.size()), held);
  return held_up_for_long(Indexes{0}, graph.loads, 0.1, lasts) == Indexes{0};
}

TEST(HeldUpForLong, FromTheFirstToTheLastOrAgainAfterAPause) {
  EXPECT_TRUE(is_long({0.5, 0.5, 0.5, 0.5}, 4));
  EXPECT_FALSE(is_long({0, 0.5, 0.5, 0.5}, 4));
  EXPECT_TRUE(is_long({0.5, 0, 0.5, 0.5}, 4)) << "one calm window is within it";
  EXPECT_TRUE(is_long({0.5, 0, 0, 0.5}, 9)) << "it came again";
  EXPECT_FALSE(is_long({0.5, 0, 0.5, 0}, 9));
  EXPECT_FALSE(is_long({0.5, kUnseen, kUnseen, 0.5}, 9)) << "what is not seen is no pause";
  EXPECT_TRUE(is_long({0.5, 0, kUnseen, 0, 0.5}, 9));
  EXPECT_FALSE(is_long({0, 0, 0, 0.5}, 9)) << "calm before the first is no pause";
  EXPECT_FALSE(is_long({}, 1));
  EXPECT_FALSE(is_long({0, 0}, 1));
  EXPECT_TRUE(is_long({0, 0.1}, 1));
}

TEST(HeldUpForLong, OfAVertexWithoutFineWindowsNothingIsSaid) {
  Graph graph;
  graph.add("a", {}, Windows(2), {0.5, 0.5});
  EXPECT_EQ(held_up_for_long(Indexes{0, 1}, graph.loads, 0.1, 2), Indexes{0});
}

bool is_soon(const Windows& held, std::size_t lasts, std::size_t more = 1) {
  Graph graph;
  graph.add("a", {}, Windows(held.size()), held);
  return soon_held_up_for_long(graph.loads.front(), 0.1, lasts, more);
}

TEST(HeldUpForLong, SoonWhenOneOrTwoWindowsMoreMakeItSo) {
  EXPECT_TRUE(is_soon({0, 0.5, 0.5, 0.5}, 4));
  EXPECT_FALSE(is_soon({0, 0, 0.5, 0.5}, 4));
  EXPECT_TRUE(is_soon({0, 0, 0.5, 0.5}, 4, 2));
  EXPECT_FALSE(is_soon({0, 0, 0, 0.5}, 4, 2));
  EXPECT_TRUE(is_soon({0.5, 0, 0, kUnseen}, 9)) << "after a pause";
  EXPECT_FALSE(is_soon({0.5, 0, kUnseen}, 9));
  EXPECT_TRUE(is_soon({0.5, 0.5, 0.5, 0.5, 0}, 4)) << "it is already";
  EXPECT_TRUE(is_soon({0.5, 0, 0, 0.5, 0}, 9)) << "it is already";
  EXPECT_FALSE(is_soon({0, 0, 0}, 1)) << "never was";
  EXPECT_FALSE(is_soon({}, 1));
}

TEST(Bottlenecks, IsTheVertexBehindWhichItEnds) {
  Graph graph;
  graph.add("source", {}, 0.1, 0.9).add("parse", {"source"}, 0.2, 0.8);
  graph.add("enrich", {"parse"}, 1.0, 0).add("sink", {"enrich"}, 0.3, 0);
  const auto found = bottlenecks(graph.loads, {}, Indexes{0, 1});
  ASSERT_EQ(found.size(), 1U) << "parse is held up itself, nobody waits for the sink";
  EXPECT_EQ(found[0].vertex, 2U);
  EXPECT_EQ(found[0].victim, 1U);
  EXPECT_DOUBLE_EQ(found[0].busy, 1);
  EXPECT_DOUBLE_EQ(found[0].victim_backpressured, 0.8);
  EXPECT_DOUBLE_EQ(found[0].score, 1);
  EXPECT_TRUE(found[0].while_held.empty()) << "without fine windows";
}

TEST(Bottlenecks, AreSoughtBelowWhatIsHeldUpOnly) {
  Graph graph;
  graph.add("source", {}, 0.1, 0.9).add("work", {"source"}, 1.0, 0);
  graph.add("other", {}, 0.1, 0.9).add("far", {"other"}, 1.0, 0);
  EXPECT_EQ(bottlenecks(graph.loads, {}, Indexes{0}).size(), 1U);
  EXPECT_EQ(bottlenecks(graph.loads, {}, Indexes{0, 2}).size(), 2U);
  EXPECT_TRUE(bottlenecks(graph.loads, {}, {}).empty());
}

TEST(Bottlenecks, IsHeldUpItselfByHalfAsMuchAtMost) {
  const auto count = [](double victim, double own) {
    Graph graph;
    graph.add("source", {}, Windows{0.1}, Windows{victim});
    graph.add("work", {"source"}, Windows{0.5}, Windows{own});
    return bottlenecks(graph.loads, {}, Indexes{0}).size();
  };
  EXPECT_EQ(count(0.8, 0.4), 1U);
  EXPECT_EQ(count(0.8, 0.41), 0U);
  EXPECT_EQ(count(0.1, 0.06), 1U) << "hardly anything";
  EXPECT_EQ(count(0.1, 0.061), 0U);
  EXPECT_EQ(count(0.05, 0), 1U);
  EXPECT_EQ(count(0.049, 0), 0U) << "nobody waits";
}

TEST(Bottlenecks, TheVictimIsTheMostBackpressuredPredecessor) {
  Graph graph;
  graph.add("a", {}, 0.1, 0.4).add("b", {}, 0.1, 0.7).add("c", {}, 0.1, 0.95);
  graph.add("join", {"a", "b", "gone"}, 0.9, 0);
  EXPECT_EQ(bottlenecks(graph.loads, {}, Indexes{0, 1, 2}).at(0).victim, 1U);
  EXPECT_EQ(bottlenecks(graph.loads, {}, Indexes{0}).at(0).victim, 0U) << "of those that count";
}

TEST(Bottlenecks, WithoutSightOfItsTimesItIsNoCandidate) {
  Graph graph;
  graph.add("source", {}, 0.1, 0.9);
  graph.add("legacy", {"source"}, Windows(5), Windows(5, 0.0));
  graph.add("unseen", {"source"}, Windows(5, 1.0), Windows(5));
  EXPECT_TRUE(bottlenecks(graph.loads, {}, Indexes{0}).empty());
}

TEST(Bottlenecks, WhoIsBusyWhenOthersWaitComesFirst) {
  Graph coarse, fine;
  coarse.add("source", {}, 0.1, 0.5).add("steady", {"source"}, 0.6, 0);
  coarse.add("limit", {"source"}, 0.6, 0);
  const Windows held{0.9, 0.1, 0.9, 0.1, 0.9, 0.1};
  fine.add("source", {}, Windows(6, 0.1), held);
  fine.add("steady", {"source"}, Windows(6, 0.6), Windows(6, 0.0));
  fine.add("limit", {"source"}, {1, 0.2, 1, 0.2, 1, 0.2}, Windows(6, 0.0));
  const auto found = bottlenecks(coarse.loads, fine.loads, Indexes{0});
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].vertex, 2U);
  EXPECT_NEAR(found[0].co_movement, 1, 1e-12);
  EXPECT_NEAR(found[0].score, 1.6, 1e-12);
  EXPECT_EQ(found[0].while_held, (Windows{1, kUnseen, 1, kUnseen, 1, kUnseen}));
  EXPECT_EQ(found[1].co_movement, 0) << "what does not vary moves with nothing";
}

TEST(Bottlenecks, FewPairsOrASteadyVictimShowNoCoMovement) {
  const auto co_movement = [](const Windows& busy, const Windows& held) {
    Graph coarse, fine;
    coarse.add("source", {}, 0.1, 0.5).add("work", {"source"}, 0.6, 0);
    fine.add("source", {}, Windows(held.size()), held);
    fine.add("work", {"source"}, busy, Windows(busy.size()));
    return bottlenecks(coarse.loads, fine.loads, Indexes{0}).at(0).co_movement;
  };
  EXPECT_NEAR(co_movement({1, 0, 1, 0, 1, 0}, {0, 1, 0, 1, 0, 1}), -1, 1e-12);
  EXPECT_EQ(co_movement({1, 0, 1, 0, 1}, {0, 1, 0, 1, 0}), 0) << "five pairs";
  EXPECT_EQ(co_movement({1, 0, 1, kUnseen, 1, 0}, {0, 1, 0, 1, 0, 1}), 0);
  EXPECT_EQ(co_movement({1, 0, 1, 0, 1, 0}, {0.5, 0.52, 0.5, 0.52, 0.5, 0.52}), 0);
}

TEST(Bottlenecks, AmongEqualScoresTheBusierTakesThePlace) {
  Graph coarse, fine;
  coarse.add("source", {}, 0.1, 0.9).add("a", {"source"}, 0.96, 0).add("b", {"source"}, 0.95, 0);
  fine.add("source", {}, Windows(6, 0.1), Windows(6, 0.9));
  fine.add("a", {"source"}, Windows(6, 0.9), Windows(6, 0.0));
  fine.add("b", {"source"}, Windows(6, 0.99), Windows(6, 0.0));
  EXPECT_EQ(bottlenecks(coarse.loads, fine.loads, Indexes{0}, 0.05).at(0).vertex, 2U);
  EXPECT_EQ(bottlenecks(coarse.loads, fine.loads, Indexes{0}, 0.005).at(0).vertex, 1U);
  EXPECT_EQ(bottlenecks(coarse.loads, fine.loads, Indexes{0}).at(0).vertex, 1U);
}

TEST(Bottlenecks, ACycleComesToAnEnd) {
  Graph graph;
  graph.add("head", {"tail"}, 0.1, 0.9).add("tail", {"head"}, 1.0, 0);
  EXPECT_EQ(bottlenecks(graph.loads, {}, Indexes{0}).size(), 1U);
}

Candidate candidate(double score, double busy, const Windows& while_held = {}) {
  Candidate of;
  of.score = score;
  of.busy = busy;
  of.while_held = while_held;
  return of;
}

TEST(IsTie, WhoHasThreeTimesTheIdleTimeIsNoRival) {
  EXPECT_TRUE(is_tie(candidate(0.9, 0.9), candidate(0.85, 0.75), 0.1));
  EXPECT_FALSE(is_tie(candidate(0.9, 0.9), candidate(0.85, 0.65), 0.1)) << ".35 to .1";
  EXPECT_FALSE(is_tie(candidate(0.9, 0.9), candidate(0.75, 0.9), 0.1)) << "a clear score";
  // Less than a hundredth idle cannot be told from it.
  EXPECT_TRUE(is_tie(candidate(1, 1), candidate(1, 0.975), 0.1));
  EXPECT_FALSE(is_tie(candidate(1, 1), candidate(1, 0.965), 0.1));
}

TEST(IsTie, TwoStandardErrorsInTheSameWindowsDecide) {
  // Differences .04, 0, .04, 0, .04, 0 have the mean .02 and the deviation .0219: t = 2.236.
  const Windows first(6, 0.94), often{0.9, 0.94, 0.9, 0.94, 0.9, 0.94};
  EXPECT_FALSE(is_tie(candidate(0.9, 0.9, first), candidate(0.9, 0.9, often), 0.1));
  // Without the last two: t = .02 / .0231 · 2 = 1.732.
  const Windows fewer{0.9, 0.94, 0.9, 0.94, kUnseen, kUnseen};
  EXPECT_TRUE(is_tie(candidate(0.9, 0.9, first), candidate(0.9, 0.9, fewer), 0.1));
  const Windows three{0.1, 0.1, 0.1, kUnseen, kUnseen, kUnseen};
  EXPECT_TRUE(is_tie(candidate(0.9, 0.9, first), candidate(0.9, 0.9, three), 0.1)) << "too few";
}

}  // namespace
}  // namespace doctor
