#include "tests/scenarios/runner.hpp"

#include <algorithm>
#include <memory>

#include "agent/judge.hpp"
#include "tests/scenarios/cluster_feed.hpp"
#include "tests/scenarios/expectation.hpp"
#include "tests/scenarios/world.hpp"

namespace doctor::scenario {
namespace {

/// A judge and what it is fed with.
class Agent {
 public:
  Agent(const Case& scenario, const World& world, std::span<const Detector* const> detectors,
        const FeaturePlan& plan)
      : metrics_(plan.metrics()),
        judge_(config_of(scenario), detectors, plan, limits_),
        feed_(scenario, world, metrics_, judge_) {}

  void poll(DurationMs at) { feed_.poll(at); }
  Observation judge(DurationMs at) {
    feed_.tick(at);
    return {at, judge_.incidents().report(), judge_.view().detectors};
  }

 private:
  static JudgeConfig config_of(const Case& scenario) {
    JudgeConfig config;
    config.cluster = "test";
    config.url = "http://jobmanager:8081";
    config.namespace_ = scenario.namespace_;
    config.expected_jobs = scenario.expected_jobs;
    config.one_shot = scenario.one_shot;
    return config;
  }

  Limits limits_;
  std::vector<Metric> metrics_;
  Judge judge_;
  ClusterFeed feed_;
};

std::vector<std::string> unknown_detectors(const Case& scenario,
                                           std::span<const Detector* const> detectors) {
  std::vector<std::string> errors;
  for (const Expectation& expected : scenario.expectations) {
    const auto is_named = [&](const Detector* d) { return d->name == expected.detector; };
    if (expected.detector.empty() || std::any_of(detectors.begin(), detectors.end(), is_named)) {
      continue;
    }
    errors.push_back(scenario.file + ":" + std::to_string(expected.line) +
                     ": there is no detector \"" + expected.detector + "\"");
  }
  return errors;
}

}  // namespace

std::vector<std::string> run(const Case& scenario, std::span<const Detector* const> detectors) {
  std::vector<std::string> errors = unknown_detectors(scenario, detectors);
  if (!errors.empty()) return errors;
  const World world(scenario);
  const FeaturePlan plan(detectors);
  Checker checker(scenario);
  auto agent = std::make_unique<Agent>(scenario, world, detectors, plan);
  for (DurationMs at = 0; at <= scenario.length; at += scenario.every) {
    if (scenario.one_shot) {
      if (at < scenario.every) continue;
      agent = std::make_unique<Agent>(scenario, world, detectors, plan);
      agent->poll(at - scenario.every);
    }
    agent->poll(at);
    checker.observe(agent->judge(at));
  }
  checker.finish();
  return checker.failures();
}

}  // namespace doctor::scenario
