// The daemon's judgement of real clusters' recorded answers, with nothing but REST to read: what
// the capability matrix promises of that, each detector keeps.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>

#include "agent/capability.hpp"
#include "agent/judge.hpp"
#include "collectors/rest/source.hpp"
#include "detectors/registry.hpp"
#include "tests/unit/rest_fixtures.hpp"

namespace doctor {
namespace {

/// RocksDB's metrics were recorded from the page that a single look reads: see check_test.cpp.
const std::string kNotRecorded = "native_overrun";

class RestAlone : public testing::TestWithParam<std::string> {
 protected:
  /// The same answers every 5 s for a while; only the processes' clocks go on.
  ClusterView watched() {
    RecordedCluster{GetParam()}.play(http_);
    // Which metrics there are, and their values, are one page here.
    const auto recorded = http_.script;
    for (const auto& [target, replies] : recorded) {
      http_.script[target.substr(0, target.find('?'))] = replies;
    }
    const FeaturePlan plan(all_detectors());
    JudgeConfig config;
    config.cluster = "prod";
    config.url = "http://jm-a:8081";
    Judge judge(config, all_detectors(), plan, limits_);
    RestSource source(
        {0, 0, "prod", {Endpoint{"jm-b", 8081, ""}}, false, plan.metrics()}, http_,
        judge.entities(), limits_, [this] { return now_; },
        [&](StreamItem item) { judge.absorb(item); });
    for (int i = 0; i < 60; ++i) {
      tick(i);
      boost::asio::io_context loop;
      std::exception_ptr thrown;
      boost::asio::co_spawn(loop, source.poll(),
                            [&](std::exception_ptr error) { thrown = std::move(error); });
      loop.run();
      EXPECT_FALSE(thrown);
      now_ += 5 * kSecondMs;
      judge.judge(now_);
    }
    return judge.view();
  }

 private:
  /// A process whose CPU time stands still hangs, and what it tells is no news.
  void tick(int seconds) {
    static const std::string kClock = R"("Status.JVM.CPU.Time","value":")";
    for (auto& [target, replies] : http_.script) {
      std::string& body = replies.back().body;
      const std::size_t at = body.find(kClock);
      if (at == std::string::npos) continue;
      const std::size_t value = at + kClock.size();
      body.replace(value, body.find('"', value) - value,
                   std::to_string(50'000'000'000 + seconds * 1'000'000'000LL));
    }
  }

  FakeHttp http_;
  Limits limits_;
  TimestampMs now_{1'795'250'000'000};  // 2026-11-21, about when they were recorded
};

TEST_P(RestAlone, WhatTheMatrixPromisesIsTrue) {
  const ClusterView cluster = watched();
  ASSERT_EQ(cluster.status, ClusterStatus::ok);
  EXPECT_EQ(cluster.url, "http://jm-b:8081") << "who answered, not who was named first";
  ASSERT_EQ(cluster.detectors.size(), all_detectors().size());
  std::size_t blind = 0;
  for (const DetectorReport& report : cluster.detectors) {
    SCOPED_TRACE(report.detector + " is " + std::string(to_string(report.state)) + ": " +
                 report.why);
    const Capability promised = capability(*find_detector(report.detector), Sources::rest);
    const bool is_blind = report.state == DetectorState::blind;
    const bool has_data = report.detector != kNotRecorded;
    EXPECT_FALSE(is_blind && has_data && promised == Capability::judges);
    EXPECT_FALSE(is_blind && report.why.empty());
    if (promised != Capability::blind) continue;
    ++blind;
    EXPECT_TRUE(is_blind);
    EXPECT_FALSE(report.enable.empty());
  }
  EXPECT_GE(blind, 1U) << "native_leak needs the kernel's word";
}

INSTANTIATE_TEST_SUITE_P(Versions, RestAlone, testing::Values("1.20", "2.2"));

}  // namespace
}  // namespace doctor
