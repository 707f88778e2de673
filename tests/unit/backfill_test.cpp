// What a store knows and what Flink lists, as one past.
#include "agent/backfill/backfill.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <string>
#include <vector>

#include "detectors/registry.hpp"

namespace doctor {
namespace {

constexpr TimestampMs kNow = 1'795'000'020'000;
TimestampMs now_of_test() { return kNow; }

/// Knows one thing: the metaspace of `tm_1`, a value at each step.
class OneSeries final : public Http {
 public:
  boost::asio::awaitable<Result<HttpReply>> exchange(HttpRequest request, BodySink& sink,
                                                     HttpCaps /*caps*/) override {
    std::string result;
    if (request.target.find("Memory_Metaspace_Used") != std::string::npos) {
      const long end = number(request.target, "&end="), step = number(request.target, "&step=");
      for (long at = number(request.target, "&start="); at <= end; at += step) {
        result += (result.empty() ? "[" : ",[") + std::to_string(at) + ",\"5\"]";
      }
      result =
          R"({"metric":{"__name__":"flink_taskmanager_Status_JVM_Memory_Metaspace_Used","tm_id":)"
          R"("tm_1"},"values":[)" +
          result + "]}";
    }
    const Status fed = sink.feed(R"({"status":"success","data":{"resultType":"matrix","result":[)" +
                                 result + "]}}");
    if (!fed) co_return fed.error();
    HttpReply head;
    head.status = 200;
    co_return head;
  }

 private:
  static long number(const std::string& target, const std::string& name) {
    return std::strtol(target.c_str() + target.find(name) + name.size(), nullptr, 10);
  }
};

JobSummary job(const std::string& id, DurationMs ago) {
  JobSummary summary;
  summary.id = id;
  summary.name = "rules";
  summary.start = kNow - ago;
  return summary;
}

std::vector<StreamItem> told(std::vector<JobSummary> listed) {
  OneSeries store;
  BackfillSettings settings;
  settings.store = *parse_url("http://store:9090", 9090);
  settings.window_ms = kHourMs;
  const Limits limits;
  EntityTable entities{100};
  const FeaturePlan plan{all_detectors()};
  const Selection selection{plan.metrics()};
  std::vector<StreamItem> items;
  Backfill backfill(
      0, "orders", settings, WalkPorts{&store, &selection, &limits, &entities, now_of_test},
      [&](const StreamItem& item) { items.push_back(item); }, [](const std::string&) {});
  boost::asio::io_context io;
  boost::asio::co_spawn(io, backfill.run(0, std::move(listed)),
                        [](std::exception_ptr bug) { EXPECT_FALSE(bug); });
  io.run();
  return items;
}

TEST(Backfill, TellsWhenListedJobsWereSubmittedAmongTheSamplesOfThen) {
  const std::vector<StreamItem> items =
      told({job("now", 5 * kSecondMs), job("long ago", 2 * kHourMs), job("b", 10 * kMinuteMs),
            job("a", 20 * kMinuteMs)});
  std::vector<std::string> submitted;
  TimestampMs before = 0;
  std::size_t samples = 0;
  for (const StreamItem& item : items) {
    EXPECT_GE(item.at, before) << "the judge's time never runs backwards";
    before = item.at;
    samples += std::holds_alternative<Batch>(item.what) ? 1 : 0;
    const auto* event = std::get_if<Event>(&item.what);
    if (event == nullptr) continue;
    EXPECT_EQ(event->kind, EventKind::job_submitted);
    EXPECT_LE(event->at, item.at);
    EXPECT_LE(item.at - event->at, kMinuteMs);
    submitted.push_back(event->subject);
  }
  EXPECT_THAT(submitted, testing::ElementsAre("a", "b", "now"));
  EXPECT_GT(samples, 50U);
}

TEST(Backfill, WithoutAListTellsSamplesAlone) {
  for (const StreamItem& item : told({})) EXPECT_TRUE(std::holds_alternative<Batch>(item.what));
}

}  // namespace
}  // namespace doctor
