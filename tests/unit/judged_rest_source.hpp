// A RestSource without reporters whose stream a Judge takes, against scripted answers, on a clock
// that the test moves.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <string_view>

#include "agent/judge.hpp"
#include "collectors/rest/source.hpp"
#include "detectors/registry.hpp"
#include "tests/unit/fake_http.hpp"

namespace doctor {

class JudgedRestSource : public testing::Test {
 protected:
  static constexpr DurationMs kPollMs = 5 * kSecondMs;
  static constexpr TimestampMs kStart = 1'790'000'000'000;

  /// One poll and a tick, now; judging is the test's.
  void poll() {
    boost::asio::io_context loop;
    boost::asio::co_spawn(loop, source.poll(), [](const std::exception_ptr& thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
    loop.run();
    judge.absorb({0, now, Tick{}});
  }
  DetectorReport report_of(std::string_view detector) {
    for (const DetectorReport& report : judge.view().detectors) {
      if (report.detector == detector) return report;
    }
    return {};
  }

  Limits limits;
  FakeHttp http;
  TimestampMs now{kStart};
  FeaturePlan plan{all_detectors()};
  Judge judge{[] {
                JudgeConfig config;
                config.cluster = "many";
                return config;
              }(),
              all_detectors(), plan, limits};
  RestSource source{[this] {
                      RestSourceConfig config;
                      config.source = 7;
                      config.name = "many";
                      config.candidates = {Endpoint{"jm", 8081, ""}};
                      config.metrics = plan.metrics();
                      return config;
                    }(),
                    http,
                    judge.entities(),
                    limits,
                    [this] { return now; },
                    [this](const StreamItem& item) { judge.absorb(item); }};
};

}  // namespace doctor
