// What a target's series are known by from scrape to scrape: staged, committed or forgotten, never
// more than the last good body held, and never another entity's after a release.
#include "collectors/series_index.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace doctor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Metric kMetric = Metric::task_records_in;

class SeriesIndexTest : public testing::Test {
 protected:
  struct Line {
    std::uint64_t raw;
    EntityId entity;
    double value;
    std::int32_t attempt{0};
    EntityId process{kNoEntity};
  };
  /// One body: known lines are staged, others are newcomers.
  SeriesIndex::Commit scrape(const std::vector<Line>& lines) {
    index_.begin(entities_);
    return finish(lines);
  }
  SeriesIndex::Commit finish(const std::vector<Line>& lines) {
    std::vector<SeriesIndex::Sighting> newcomers;
    for (const Line& line : lines) {
      const RawKey raw{line.raw, ~line.raw};
      if (index_.stage(raw, line.value)) continue;
      newcomers.push_back({raw,
                           {kMetric, line.entity},
                           line.process,
                           line.attempt,
                           index_.next_order(),
                           100,
                           line.value});
    }
    newcomers_ = newcomers.size();
    return index_.commit(1, 1000, kNoEntity, std::move(newcomers), entities_);
  }
  EntityId job(const std::string& name) {
    return entities_.intern(Level::job, kClusterEntity, name);
  }
  SeriesIndex index_;
  EntityTable entities_{1000};
  std::size_t newcomers_{0};
  EntityId a_{job("a")}, b_{job("b")}, c_{job("c")};
};

TEST_F(SeriesIndexTest, KnowsWhatItCommitted) {
  const SeriesIndex::Commit first = scrape({{1, b_, 10}, {2, a_, 20}});
  EXPECT_EQ(newcomers_, 2U);
  EXPECT_THAT(first.batch.layout->keys,
              ElementsAre(SeriesKey{kMetric, a_}, SeriesKey{kMetric, b_}));
  EXPECT_THAT(first.batch.values, ElementsAre(20, 10));
  const SeriesIndex::Commit second = scrape({{2, kNoEntity, 21}, {1, kNoEntity, 11}});
  EXPECT_EQ(newcomers_, 0U);
  EXPECT_EQ(second.batch.layout, first.batch.layout);
  EXPECT_THAT(second.batch.values, ElementsAre(21, 11));
}

TEST_F(SeriesIndexTest, ForgetsWhatWasNotCommitted) {
  const SeriesIndex::Commit first = scrape({{1, a_, 10}});
  index_.begin(entities_);
  EXPECT_TRUE(index_.stage({1, ~1ULL}, 99));
  EXPECT_FALSE(index_.stage({2, ~2ULL}, 99));
  // No commit: the body broke off.
  const SeriesIndex::Commit next = scrape({{1, a_, 11}});
  EXPECT_EQ(next.duplicate, 0U);
  EXPECT_EQ(next.batch.layout, first.batch.layout);
  EXPECT_THAT(next.batch.values, ElementsAre(11));
  EXPECT_EQ(index_.size(), 1U);
}

TEST_F(SeriesIndexTest, ForgetsWhatIsGoneAndTakesItBack) {
  scrape({{1, a_, 10}, {2, b_, 20}});
  const SeriesIndex::Commit fewer = scrape({{2, b_, 21}});
  EXPECT_THAT(fewer.batch.values, ElementsAre(21));
  EXPECT_EQ(fewer.batch.layout->version, 2U);
  EXPECT_EQ(index_.size(), 1U);
  const SeriesIndex::Commit back = scrape({{1, a_, 12}, {2, b_, 22}});
  EXPECT_EQ(newcomers_, 1U);
  EXPECT_THAT(back.batch.values, ElementsAre(12, 22));
}

TEST_F(SeriesIndexTest, ANewAttemptKeepsTheLayout) {
  const SeriesIndex::Commit first = scrape({{1, a_, 10, 0}, {2, b_, 20, 0}});
  const SeriesIndex::Commit second = scrape({{3, a_, 11, 1}, {2, b_, 21, 0}});
  EXPECT_EQ(second.batch.layout, first.batch.layout);
  EXPECT_THAT(second.batch.values, ElementsAre(11, 21));
}

TEST_F(SeriesIndexTest, HoldsOneBodyHoweverManyAttemptsComeAndGo) {
  for (std::uint64_t attempt = 0; attempt < 500; ++attempt) {
    scrape({{1000 + attempt, a_, 1, static_cast<std::int32_t>(attempt)}, {1, b_, 2}});
    ASSERT_EQ(index_.size(), 2U);
  }
  EXPECT_EQ(index_.layout()->version, 1U);
}

TEST_F(SeriesIndexTest, OfOneSeriesTheNewestAttemptCountsThenTheFirst) {
  const std::vector<Line> lines{{1, a_, 10, 0}, {2, a_, 20, 3}, {3, a_, 30, 3}, {4, b_, 40}};
  for (int round = 0; round < 2; ++round) {  // as newcomers, then as known
    const SeriesIndex::Commit done = scrape(lines);
    EXPECT_THAT(done.batch.values, ElementsAre(20, 40));
    EXPECT_EQ(done.duplicate, 2U);
    EXPECT_EQ(newcomers_, round == 0 ? 4U : 0U);
  }
  const SeriesIndex::Commit swapped =
      scrape({{3, a_, 31, 3}, {2, a_, 21, 3}, {1, a_, 11, 0}, {4, b_, 41}});
  EXPECT_THAT(swapped.batch.values, ElementsAre(31, 41));
}

TEST_F(SeriesIndexTest, OfARepeatedLineTheFirstCounts) {
  for (int round = 0; round < 3; ++round) {
    const SeriesIndex::Commit done = scrape({{1, a_, 10}, {2, b_, 20}, {1, a_, 11}, {1, a_, 12}});
    EXPECT_THAT(done.batch.values, ElementsAre(10, 20));
    EXPECT_EQ(done.duplicate, 2U);
    EXPECT_EQ(index_.size(), 2U);
    EXPECT_EQ(done.batch.layout->version, 1U);
  }
}

TEST_F(SeriesIndexTest, TheFirstSampleThatNamesItTellsTheProcess) {
  const EntityId one = entities_.intern(Level::process, kClusterEntity, "tm-1");
  const EntityId two = entities_.intern(Level::process, kClusterEntity, "tm-2");
  EXPECT_EQ(scrape({{1, a_, 1}, {2, b_, 1, 0, one}, {3, c_, 1, 0, two}}).batch.layout->process,
            one);
  EXPECT_EQ(scrape({{1, a_, 1}, {2, b_, 1}, {3, c_, 1}}).batch.layout->process, one);
  EXPECT_EQ(scrape({{3, c_, 1}, {2, b_, 1}, {1, a_, 1}}).batch.layout->process, two);
  EXPECT_EQ(scrape({{4, a_, 1, 0, one}, {3, c_, 1}}).batch.layout->process, one);
  EXPECT_EQ(scrape({{1, a_, 1}}).batch.layout->process, kNoEntity);
}

TEST_F(SeriesIndexTest, WhatWasReleasedIsNewAgain) {
  scrape({{1, a_, 10}, {2, b_, 20}});
  entities_.release(a_);
  const EntityId other = job("other");
  ASSERT_EQ(other, a_) << "the number is in use again, which is the danger";
  const EntityId again = job("a");
  const SeriesIndex::Commit done = scrape({{1, again, 11}, {2, b_, 21}});
  EXPECT_EQ(newcomers_, 1U);
  EXPECT_THAT(done.batch.layout->keys,
              ElementsAre(SeriesKey{kMetric, b_}, SeriesKey{kMetric, again}));
  EXPECT_THAT(done.batch.values, ElementsAre(21, 11));
}

TEST_F(SeriesIndexTest, WhatIsReleasedWhileItsBodyArrivesIsLeftOut) {
  scrape({{1, a_, 10}, {2, b_, 20}});
  index_.begin(entities_);
  ASSERT_TRUE(index_.stage({1, ~1ULL}, 11));
  ASSERT_TRUE(index_.stage({2, ~2ULL}, 21));
  entities_.release(a_);
  const SeriesIndex::Commit done = index_.commit(1, 1000, kNoEntity, {}, entities_);
  EXPECT_THAT(done.batch.layout->keys, ElementsAre(SeriesKey{kMetric, b_}));
  EXPECT_THAT(done.batch.values, ElementsAre(21));
  entities_.release(b_);
  EXPECT_THAT(scrape({}).batch.values, IsEmpty());
}

}  // namespace
}  // namespace doctor
