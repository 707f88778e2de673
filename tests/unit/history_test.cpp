#include "agent/history/history.hpp"

#include <fstream>

#include "agent/cli/history_verb.hpp"
#include "agent/clock.hpp"
#include "agent/history/catch_up.hpp"
#include "agent/history/image.hpp"
#include "agent/history/series_names.hpp"
#include "history_kit.hpp"

namespace doctor {
namespace {

Verdict nothing(const Window&, const Params&) { return {}; }

constexpr Read kReads[] = {{Metric::jvm_metaspace_used, Feature::plateaus, true},
                           {Metric::jvm_metaspace_used, Feature::floors, false},
                           {Metric::jvm_heap_used, Feature::floors, true}};
const Detector kReader{"reader", "", Lane::page, 1000, 0, 0, kReads, {}, nothing};

TEST(SeriesNamesTest, HoldWhateverAClusterCallsThings) {
  EntityTable entities(1000);
  const EntityId job = entities.intern(Level::job, kClusterEntity, "a/b=c %\n\x01 \xC3\xBC");
  const EntityId vertex = entities.intern(Level::vertex, job, "");
  const EntityId subtask = entities.intern(Level::subtask, vertex, "", 17);
  const EntityId family = entities.intern(Level::column_family, subtask, "%2F");
  EntityTable later(1000);
  for (const EntityId entity : {kClusterEntity, job, vertex, subtask, family}) {
    const std::string path = entity_path(entities, entity);
    EXPECT_EQ(path.find('\n'), std::string::npos);
    const EntityId again = intern_path(later, path);
    ASSERT_NE(again, kNoEntity) << path;
    EXPECT_EQ(entity_path(later, again), path);
    EXPECT_EQ(later.name(again), entities.name(entity));
    EXPECT_EQ(later.at(again).index, entities.at(entity).index);
  }
  for (const char* bad : {"nonsense", "job", "subtask=x", "job=a//", "subtask=", "planet=x"}) {
    EXPECT_EQ(intern_path(later, bad), kNoEntity) << bad;
  }
  EXPECT_FALSE(intern_series(later, "no_such_metric process=tm"));
  EXPECT_FALSE(intern_series(later, ""));
}

TEST(HistoryVerbTest, PrintsNamesAsDataAndLeavesOutWhatIsNotThere) {
  HistoryAnswer answer;
  answer.series.push_back({"=cmd()", "jvm_heap_used", "process=a\"b\n", {}});
  answer.series[0].points.push_back({1000, 0.5, std::nullopt, false});
  answer.series[0].points.push_back({300'000, 3, HistoryRange{1, 4, 2.5}, true});
  EXPECT_EQ(history_csv(answer),
            "cluster,entity,time,value,least,most,mean\n"
            "\"'=cmd()\",\"process=a\"\"b \",1970-01-01T00:00:01.000Z,0.5,,,\n"
            "\"'=cmd()\",\"process=a\"\"b \",1970-01-01T00:05:00.000Z,3,1,4,2.5\n");
  EXPECT_NE(history_json(answer).find(R"("bin_seconds":300,"least":1.0)"), std::string::npos);
}

class HistoryThread : public HistoryTest {
 protected:
  std::unique_ptr<History> start(std::int64_t seq = 0) {
    auto history = History::start(std::make_shared<DataDirectory>(directory), {}, seq);
    EXPECT_TRUE(history);
    return std::move(*history);
  }
  Batch batch(TimestampMs at, std::vector<SeriesKey> keys, std::vector<double> values) {
    auto layout = std::make_shared<Layout>();
    layout->source = 4;
    layout->keys = std::move(keys);
    return {4, at, std::move(layout), std::move(values)};
  }
  EntityTable entities{1000};
  EntityId process = entities.intern(Level::process, kClusterEntity, "tm");
  SeriesKey heap{Metric::jvm_heap_used, process};
  SeriesKey threads{Metric::jvm_threads, process};
  SeriesKey metaspace{Metric::jvm_metaspace_used, process};
};

TEST_F(HistoryThread, ASourceThatTellsNowThisNowThatKeepsItsColumns) {
  const TimestampMs now = now_ms();
  {
    const auto history = start();
    for (int i = 0; i < 50; ++i) {
      const bool is_even = i % 2 == 0;
      history->append("orders", batch(now + i, {is_even ? heap : threads}, {1.0 * i}), entities);
    }
    history->append("orders", batch(now + 60, {threads, heap}, {5, 6}), entities);
  }
  const std::vector<HistoryPoint> found = points("jvm_heap_used");
  ASSERT_EQ(found.size(), 26U);
  EXPECT_EQ(found[1].value, 2);
  EXPECT_EQ(found.back().value, 6);
  const Result<Tail> tail = read_tail(directory);
  ASSERT_TRUE(tail);
  ASSERT_EQ(tail->rows.size(), 51U);
  EXPECT_EQ(tail->rows[0].source, tail->rows[50].source);
  EXPECT_EQ(tail->rows[50].source->names.size(), 2U);
}

TEST_F(HistoryThread, AnEntityThatTookThePlaceOfAnotherHasItsOwnHistory) {
  const TimestampMs now = now_ms();
  {
    const auto history = start();
    history->append("orders", batch(now, {heap}, {1}), entities);
    entities.release(process);
    const EntityId other = entities.intern(Level::process, kClusterEntity, "tm-2");
    ASSERT_EQ(other, process);
    history->append("orders", batch(now + 1, {heap}, {2}), entities);
  }
  HistoryQuestion question;
  question.metric = "jvm_heap_used";
  question.to = now + kHourMs;
  const auto answer = query_history(directory, question);
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->series.size(), 2U);
  EXPECT_EQ(answer->series[0].entity, "process=tm");
  EXPECT_EQ(answer->series[0].points.size(), 1U);
  EXPECT_EQ(answer->series[1].points.at(0).value, 2);
}

TEST_F(HistoryThread, WhatCameAfterTheImageIsLearnedFromTheJournal) {
  const Limits limits;
  const Detector* const detectors[] = {&kReader};
  const FeaturePlan kept{detectors};
  FeatureStore features(kept, entities, limits);
  const TimestampMs now = now_ms();
  Image image;
  {
    const auto history = start(50);
    for (int i = 0; i < 60; ++i) {
      const Batch next = batch(now + i * 15 * kSecondMs, {heap, metaspace}, {100.0 + i, 7.0 * i});
      features.absorb(next);
      history->append("orders", next, entities);
      if (i == 30) image = {features_image(features), history->seq()};
      if (i != 40) continue;
      features.submitted(next.at + 1);
      history->append_submission("orders", next.at + 1);
    }
  }
  const Result<Tail> tail = read_tail(directory);
  ASSERT_TRUE(tail);
  EXPECT_EQ(tail->rows.size(), 41U + 1U);  // of ten minutes
  EXPECT_EQ(catch_up(image, "orders", *tail, kept, limits), features_image(features));
  EXPECT_EQ(catch_up(image, "others", *tail, kept, limits), image.body);
  EXPECT_NE(image.body, features_image(features));
  const auto again = start(tail->last_seq);
  EXPECT_GT(again->seq(), image.mark);
}

TEST_F(HistoryThread, TasksAreRememberedOverARestart) {
  constexpr Read kRaw[] = {{Metric::task_accumulated_busy, Feature::raw, true},
                           {Metric::jvm_cpu_time, Feature::raw, true}};
  const Detector reader{"reader", "", Lane::page, 1000, 0, 0, kRaw, {}, nothing};
  const Detector* const detectors[] = {&reader};
  const FeaturePlan kept{detectors};
  const Limits limits;
  const EntityId job = entities.intern(Level::job, kClusterEntity, "a");
  const EntityId vertex = entities.intern(Level::vertex, job, "b");
  const SeriesKey busy{Metric::task_accumulated_busy,
                       entities.intern(Level::subtask, vertex, "", 3)};
  const SeriesKey cpu{Metric::jvm_cpu_time, process};
  FeatureStore features(kept, entities, limits);
  const TimestampMs now = now_ms();
  {
    const auto history = start();
    for (int i = 80; i > 0; --i) {
      const Batch next = batch(now - i * 15 * kSecondMs, {busy, cpu}, {1e6 - 15e3 * i, 1e9 - i});
      features.absorb(next);
      history->append("orders", next, entities);
    }
  }
  const Result<Tail> tail = read_tail(directory);
  ASSERT_TRUE(tail);
  EntityTable later(1000);
  FeatureStore again(kept, later, limits);
  for (const Batch& past : samples_of_tasks("orders", *tail, now, later)) {
    EXPECT_TRUE(is_history(past.source));
    again.absorb(past);
  }
  const std::optional<SeriesKey> key = intern_series(later, series_name(entities, busy));
  ASSERT_TRUE(key);
  const RawRing* before = features.raw(busy.metric, busy.entity);
  const RawRing* after = again.raw(key->metric, key->entity);
  ASSERT_NE(after, nullptr);
  ASSERT_EQ(after->size(), before->size());
  for (std::size_t i = 0; i < after->size(); ++i) {
    EXPECT_EQ(after->at(i).at, before->at(i).at);
    EXPECT_EQ(after->at(i).value, before->at(i).value);
  }
  // A process has its image, and an older sample of a counter there would look like another JVM.
  EXPECT_EQ(again.series(), 1U);
  EXPECT_TRUE(samples_of_tasks("others", *tail, now, later).empty());
  EXPECT_TRUE(samples_of_tasks("orders", *tail, now + kHourMs, later).empty());
  EXPECT_TRUE(samples_of_tasks("orders", *tail, now - kHourMs, later).empty());
}

TEST_F(HistoryThread, GoesOnWhereTheDirectoryCannotBeUsed) {
  std::ofstream(directory + "/file") << "not a directory";
  auto history = History::start(std::make_shared<DataDirectory>(directory + "/file/below"), {}, 0);
  ASSERT_TRUE(history);
  for (int i = 0; i < 200; ++i) {
    (*history)->append("orders", batch(kDayBegin + i, {heap}, std::vector<double>{1}), entities);
  }
}

TEST_F(HistoryThread, ADiskThatDoesNotKeepUpCostsScrapesNotMemory) {
  const auto history = start();
  std::vector<SeriesKey> keys;
  for (std::uint32_t i = 0; i < 500; ++i) {
    keys.push_back(
        {Metric::jvm_threads, entities.intern(Level::process, kClusterEntity, std::to_string(i))});
  }
  const Batch wide = batch(now_ms(), keys, std::vector<double>(keys.size(), 1));
  for (int i = 0; i < 5000; ++i) history->append("orders", wide, entities);
  const HistoryHealth health = history->health();
  EXPECT_GT(health.lost, 1000U);
  EXPECT_EQ(health.state, "the disk does not keep up: scrapes are not written");
}

}  // namespace
}  // namespace doctor
