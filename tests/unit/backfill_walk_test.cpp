// Asking a store for the past: in order of time, in slices, smaller ones where a question is too
// much, again where that may help, and never for ever. And what a judge makes of it.
#include "agent/backfill/walk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <map>

#include "agent/backfill/backfill.hpp"
#include "agent/judge.hpp"
#include "detectors/registry.hpp"

namespace doctor {
namespace {

using ::testing::HasSubstr;

constexpr TimestampMs kNow = 1'795'000'030'000;  // not on a full minute
TimestampMs now_of_test() { return kNow; }

/// Answers by computing: one heap for `tm_1` that grows by a byte a second.
class FakeStore final : public Http {
 public:
  struct Question {
    std::string query;
    TimestampMs from{}, to{}, step{};
    DurationMs span() const { return to - from + step; }
  };
  std::vector<Question> questions;
  /// Status and body instead of an answer; 0: answers.
  std::function<std::pair<int, std::string>(const Question&, std::size_t number)> spoils;
  std::function<double(TimestampMs)> heap = [](TimestampMs at) {
    return static_cast<double>(at / kSecondMs);
  };

  boost::asio::awaitable<Result<HttpReply>> exchange(HttpRequest request, BodySink& sink,
                                                     HttpCaps /*caps*/) override {
    const Question question = read(request.target);
    questions.push_back(question);
    HttpReply head;
    head.status = 200;
    std::string body = answer(question);
    if (spoils) {
      const auto [status, text] = spoils(question, questions.size());
      if (status < 0) co_return Error{ErrorCode::reset, "reset by the test"};
      if (status > 0) {
        head.status = status;
        body = text;
      }
    }
    const Status fed = sink.feed(body);
    if (!fed) co_return fed.error();
    co_return head;
  }

 private:
  static Question read(const std::string& target) {
    const auto number = [&](const std::string& name) {
      const std::size_t at = target.find("&" + name + "=");
      EXPECT_NE(at, std::string::npos) << target;
      const double seconds = std::strtod(target.c_str() + at + name.size() + 2, nullptr);
      return static_cast<TimestampMs>(std::llround(seconds * 1000));
    };
    return {target.substr(0, target.find("&start")), number("start"), number("end"),
            number("step")};
  }
  std::string answer(const Question& question) const {
    std::string result;
    if (question.query.find("Memory_Heap_Used") != std::string::npos) {
      std::string values;
      for (TimestampMs at = question.from; at <= question.to; at += question.step) {
        values += (values.empty() ? "[" : ",[") + std::to_string(at / 1000) + ",\"" +
                  std::to_string(heap(at)) + "\"]";
      }
      result =
          R"({"metric":{"__name__":"flink_taskmanager_Status_JVM_Memory_Heap_Used","tm_id":"tm_1"},)"
          R"("values":[)" +
          values + "]}";
    }
    return R"({"status":"success","data":{"resultType":"matrix","result":[)" + result + "]}}";
  }
};

struct Walker {
  FakeStore store;
  BackfillSettings settings;
  Limits limits;
  EntityTable entities{1000};
  FeaturePlan plan{all_detectors()};
  Selection selection{plan.metrics()};
  std::vector<TimestampMs> told_at;
  std::vector<double> shares;
  TimestampMs (*clock)() = now_of_test;

  Walker() { settings.store = *parse_url("http://store:9090", 9090); }

  Walked walk(TimestampMs from, TimestampMs to, std::vector<MetricDepth> depths,
              TimestampMs give_up_at = kNow + 1) {
    WalkPorts ports{&store, &selection, &limits, &entities, clock};
    ports.told = [&](const query_range::Past& past, double share) {
      shares.push_back(share);
      for (std::size_t step = 0; step < past.span().steps; ++step) {
        for (const Batch& batch : past.batches(step)) told_at.push_back(batch.at);
      }
    };
    Walk walk(settings, std::move(depths), std::move(ports), {1, 3, 0});
    boost::asio::io_context io;
    Walked walked;
    boost::asio::co_spawn(io, walk.run(from, to, give_up_at),
                          [&](std::exception_ptr bug, Walked result) {
                            EXPECT_FALSE(bug);
                            walked = std::move(result);
                          });
    io.run();
    return walked;
  }
};

const std::vector<MetricDepth> kHeap{{Metric::jvm_heap_used, 7 * kDayMs}};

void expect_every_minute(const std::vector<TimestampMs>& told, TimestampMs from, TimestampMs to) {
  TimestampMs wanted = from + kMinuteMs - 1 - (from + kMinuteMs - 1) % kMinuteMs;
  for (const TimestampMs at : told) {
    ASSERT_EQ(at, wanted);
    wanted += kMinuteMs;
  }
  EXPECT_EQ(wanted, to - to % kMinuteMs);
}

TEST(BackfillWalk, TellsTheWholeStretchOnceAndInOrder) {
  Walker walker;
  const Walked walked = walker.walk(kNow - kDayMs, kNow, kHeap);
  ASSERT_TRUE(walked.status) << walked.status.error().message;
  expect_every_minute(walker.told_at, kNow - kDayMs, kNow);
  EXPECT_EQ(walked.samples, walker.told_at.size());
  EXPECT_EQ(walker.shares.back(), 1);
  EXPECT_GE(walker.store.questions.size(), 4U) << "a day is asked in slices";
  EXPECT_THAT(walker.store.questions[0].query, HasSubstr("Heap_Used"));
}

TEST(BackfillWalk, AsksOnlyForWhatIsRememberedThatLong) {
  Walker walker;
  const std::vector<MetricDepth> depths{{Metric::jvm_heap_used, 7 * kDayMs},
                                        {Metric::task_records_in, 20 * kMinuteMs}};
  ASSERT_TRUE(walker.walk(kNow - 3 * kHourMs, kNow, depths).status);
  DurationMs records_ms = 0;
  for (const auto& question : walker.store.questions) {
    if (question.query.find("numRecordsIn") != std::string::npos) records_ms += question.span();
  }
  EXPECT_EQ(records_ms, 20 * kMinuteMs);
  expect_every_minute(walker.told_at, kNow - 3 * kHourMs, kNow);
}

TEST(BackfillWalk, WhatIsTooMuchIsAskedAgainForHalfOfTheTime) {
  Walker walker;
  walker.store.spoils = [](const auto& question, std::size_t) -> std::pair<int, std::string> {
    if (question.span() <= kHourMs) return {0, ""};
    return {422, R"({"status":"error","errorType":"execution","error":"too many samples"})"};
  };
  ASSERT_TRUE(walker.walk(kNow - 8 * kHourMs, kNow, kHeap).status);
  expect_every_minute(walker.told_at, kNow - 8 * kHourMs, kNow);
}

TEST(BackfillWalk, TooMuchEvenForFiveMinutesEndsIt) {
  Walker walker;
  walker.store.spoils = [](const auto&, std::size_t) -> std::pair<int, std::string> {
    return {422, R"({"status":"error","error":"too many series"})"};
  };
  const Walked walked = walker.walk(kNow - 8 * kHourMs, kNow, kHeap);
  ASSERT_FALSE(walked.status);
  EXPECT_THAT(walked.status.error().message, HasSubstr("too many series"));
  EXPECT_LT(walker.store.questions.size(), 12U);
}

TEST(BackfillWalk, AStoreThatIsBusyIsAskedAgainAndNotForEver) {
  Walker walker;
  walker.store.spoils = [](const auto&, std::size_t number) -> std::pair<int, std::string> {
    return number == 1 ? std::pair{503, std::string("busy")}
                       : std::pair{number == 2 ? -1 : 0, std::string()};
  };
  ASSERT_TRUE(walker.walk(kNow - kHourMs, kNow, kHeap).status);
  expect_every_minute(walker.told_at, kNow - kHourMs, kNow);

  Walker never;
  never.store.spoils = [](const auto&, std::size_t) { return std::pair{503, std::string("busy")}; };
  const Walked walked = never.walk(kNow - kHourMs, kNow, kHeap);
  ASSERT_FALSE(walked.status);
  EXPECT_EQ(never.store.questions.size(), 3U);
}

TEST(BackfillWalk, WhatCannotGetBetterIsNotAskedAgain) {
  for (const int status : {400, 404}) {
    Walker walker;
    walker.store.spoils = [&](const auto&, std::size_t) {
      return std::pair{status, std::string(R"({"status":"error","error":"bad"})")};
    };
    ASSERT_FALSE(walker.walk(kNow - kHourMs, kNow, kHeap).status);
    EXPECT_EQ(walker.store.questions.size(), 1U);
  }
}

TEST(BackfillWalk, ATenantThatIsNotToldIsNamed) {
  Walker walker;
  walker.store.spoils = [&](const auto&, std::size_t) {
    return std::pair{401, std::string("no org id\n")};  // Mimir's words
  };
  const Status status = walker.walk(kNow - kHourMs, kNow, kHeap).status;
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("X-Scope-OrgID"));
  EXPECT_EQ(walker.store.questions.size(), 1U);
}

/// Thanos answers so while one of its stores is away and partial responses are allowed.
TEST(BackfillWalk, WhatAStoreWarnsOfIsToldOnceAndTheRestIsRead) {
  Walker walker;
  walker.store.spoils = [](const auto&, std::size_t) -> std::pair<int, std::string> {
    return {200, R"({"status":"success","data":{"resultType":"matrix","result":[]},"warnings":[)"
                 R"("receive series from Addr: 10.0.0.3:10901: rpc error: code = Unavailable"]})"};
  };
  const Walked walked = walker.walk(kNow - 13 * kHourMs, kNow, kHeap);
  ASSERT_TRUE(walked.status);
  EXPECT_GT(walker.store.questions.size(), 1U);
  ASSERT_EQ(walked.warnings.size(), 1U);
  EXPECT_THAT(walked.warnings.front(), HasSubstr("10.0.0.3:10901"));
  EXPECT_TRUE(walker.told_at.empty());  // missing is not zero
}

/// Where partial responses are off, Thanos refuses; Mimir does when a query takes too much.
TEST(BackfillWalk, ARefusalIsToldInTheWordsOfTheStore) {
  for (const std::string words :
       {"expanding series: proxy Series(): rpc error: code = Aborted desc = fetch series for {}",
        "the query exceeded the maximum number of chunks (err-mimir-max-chunks-per-query)"}) {
    Walker walker;
    walker.store.spoils = [&](const auto&, std::size_t) -> std::pair<int, std::string> {
      return {422, R"({"status":"error","errorType":"execution","error":")" + words + "\"}"};
    };
    const Walked walked = walker.walk(kNow - 8 * kHourMs, kNow, kHeap);
    ASSERT_FALSE(walked.status);
    EXPECT_THAT(walked.status.error().message, HasSubstr(words));
    EXPECT_LT(walker.store.questions.size(), 12U);
  }
}

/// Mimir's and Thanos' query frontends, when a tenant has too many questions under way.
TEST(BackfillWalk, TooManyQuestionsAreAskedAgainLater) {
  Walker walker;
  walker.store.spoils = [](const auto&, std::size_t number) -> std::pair<int, std::string> {
    if (number > 2) return {0, ""};
    return {429, R"({"status":"error","errorType":"too_many_requests",)"
                 R"("error":"too many outstanding requests"})"};
  };
  ASSERT_TRUE(walker.walk(kNow - kHourMs, kNow, kHeap).status);
  expect_every_minute(walker.told_at, kNow - kHourMs, kNow);
}

TEST(BackfillWalk, MoreSeriesThanFitAreReadInSmallerSlices) {
  Walker walker;
  walker.limits.history_samples_max = 50;
  ASSERT_TRUE(walker.walk(kNow - 5 * kHourMs, kNow, kHeap).status);
  expect_every_minute(walker.told_at, kNow - 5 * kHourMs, kNow);
}

TEST(BackfillWalk, GivesUpWhenItsTimeHasPassed) {
  Walker walker;
  const Walked walked = walker.walk(kNow - kDayMs, kNow, kHeap, kNow - 1);
  ASSERT_FALSE(walked.status);
  EXPECT_EQ(walked.status.error().code, ErrorCode::timeout);
  EXPECT_TRUE(walker.told_at.empty());
}

TEST(BackfillWalk, ASlowStoreIsAskedForTheNewestInTime) {
  static TimestampMs clock;
  clock = kNow;
  Walker walker;
  walker.clock = [] { return clock; };
  walker.store.spoils = [](const auto&, std::size_t) -> std::pair<int, std::string> {
    clock += 10 * kSecondMs;
    return {0, ""};
  };
  const Walked walked = walker.walk(kNow - 7 * kDayMs, kNow, kHeap, kNow + kMinuteMs);
  ASSERT_TRUE(walked.status) << walked.status.error().message;
  EXPECT_LE(clock, kNow + kMinuteMs);
  EXPECT_GT(walked.skipped_ms, 5 * kDayMs);
  EXPECT_EQ(walker.told_at.back(), kNow - kNow % kMinuteMs - kMinuteMs);
  EXPECT_EQ(static_cast<DurationMs>(walker.told_at.size()) * kMinuteMs + walked.skipped_ms,
            7 * kDayMs - kMinuteMs)
      << "between full minutes";
  EXPECT_EQ(walker.shares.back(), 1);
}

TEST(BackfillWalk, NothingToAskEndsAtOnce) {
  Walker walker;
  EXPECT_TRUE(walker.walk(kNow, kNow, kHeap).status);
  EXPECT_TRUE(walker.walk(kNow + kHourMs, kNow, kHeap).status);
  EXPECT_TRUE(walker.store.questions.empty());
}

TEST(BackfillDepth, IsAsFarAsFeaturesRemember) {
  std::map<Metric, DurationMs> by_metric;
  for (const auto& [metric, depth] : depths(FeaturePlan(all_detectors())))
    by_metric[metric] = depth;
  EXPECT_EQ(by_metric.at(Metric::jvm_heap_used), 7 * kDayMs);
  EXPECT_EQ(by_metric.at(Metric::jvm_metaspace_used), 7 * kDayMs);
  EXPECT_EQ(by_metric.at(Metric::job_restarts), 7 * kDayMs);
  EXPECT_EQ(by_metric.at(Metric::task_input_watermark), 2 * kHourMs);
  EXPECT_EQ(by_metric.at(Metric::task_records_in), 20 * kMinuteMs);
  EXPECT_FALSE(by_metric.contains(Metric::task_mailbox_queue)) << "no detector reads it";
  EXPECT_EQ(by_metric.at(Metric::host_resident_anonymous), 7 * kDayMs) << "probes have it";
}

// --- the judge

struct Judged {
  Limits limits;
  FeaturePlan plan{all_detectors()};
  Judge judge;

  explicit Judged(bool metrics_alone)
      : judge(config(metrics_alone), all_detectors(), plan, limits) {}
  static JudgeConfig config(bool metrics_alone) {
    JudgeConfig config;
    config.cluster = "orders";
    config.metrics_alone = metrics_alone;
    return config;
  }
  Batch batch(SourceId source, TimestampMs at, double cpu) {
    const EntityId tm = judge.entities().intern(Level::process, kClusterEntity, "tm_1");
    const auto layout = std::make_shared<const Layout>(
        Layout{source, 1, tm, {SeriesKey{Metric::jvm_cpu_time, tm}}});
    return {source, at, layout, {cpu}};
  }
  void take(SourceId source, TimestampMs at, double cpu) {
    judge.absorb({0, at, batch(source, at, cpu)});
  }
  EntityId tm() { return judge.entities().find(Level::process, kClusterEntity, "tm_1"); }
};

TEST(JudgeOfThePast, DoesNotTakeItForItsOwnWatching) {
  Judged judged(false);
  judged.take(history_source(1), kNow - kDayMs, 5);
  EXPECT_EQ(judged.judge.window(kNow).watched_since, 0);
  judged.take(3, kNow, 6);
  EXPECT_EQ(judged.judge.window(kNow).watched_since, kNow);
}

TEST(JudgeOfThePast, AJvmThatBeganAnewAfterItIsSeen) {
  Judged judged(false);
  judged.take(history_source(1), kNow - kMinuteMs, 500);
  judged.take(3, kNow, 7);  // from the reporter: less CPU time than before
  EXPECT_EQ(judged.judge.features().latest(Metric::jvm_cpu_time, judged.tm())->value, 7);
  EXPECT_EQ(judged.judge.features().epoch_start(judged.tm()), kNow);
}

TEST(JudgeOfThePast, WithMetricsAloneSaysWhoIsBlindAndNames) {
  Judged judged(true);
  judged.take(history_source(1), kNow, 5);
  judged.judge.judge(kNow);
  const ClusterView view = judged.judge.view();
  EXPECT_EQ(view.name, "orders");
  EXPECT_EQ(view.status, ClusterStatus::partial);
  std::map<std::string, DetectorReport> reports;
  for (const DetectorReport& report : view.detectors) reports[report.detector] = report;
  for (const char* blind : {"job_down", "restart_loop", "checkpoint_absent", "backpressure",
                            "data_skew", "slow_instance", "watermark_stalled", "native_overrun"}) {
    EXPECT_EQ(reports.at(blind).state, DetectorState::blind) << blind;
    EXPECT_THAT(reports.at(blind).why, HasSubstr("REST")) << blind;
  }
  EXPECT_THAT(reports.at("heap_leak").why, HasSubstr("no process tells its heap"));
}

TEST(JudgeOfThePast, WithMetricsAloneForgetsSeriesAndNoJobThatIsStillToCome) {
  Judged judged(true);
  judged.take(history_source(1), kNow - kDayMs, 5);
  const EntityId job = judged.judge.entities().intern(Level::job, kClusterEntity, "later");
  judged.judge.judge(kNow);
  EXPECT_EQ(judged.judge.features().series(), 0U);
  EXPECT_EQ(judged.judge.entities().find(Level::job, kClusterEntity, "later"), job);
}

TEST(JudgeOfThePast, KnowsWhoNeedsNothingButMetrics) {
  std::vector<std::string> alone;
  for (const Detector* detector : all_detectors()) {
    if (judges_metrics_alone(*detector)) alone.emplace_back(detector->name);
  }
  EXPECT_THAT(alone, testing::UnorderedElementsAre("heap_leak", "metaspace_leak", "native_leak",
                                                   "resource_leak"));
}

}  // namespace
}  // namespace doctor
