// Feeds a judge with what the collectors would emit about a drawn cluster at each poll.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/judge.hpp"
#include "tests/scenarios/scenario.hpp"
#include "tests/scenarios/world.hpp"

namespace doctor::scenario {

class ClusterFeed {
 public:
  /// `metrics`: those that are selected; others are not scraped.
  ClusterFeed(const Case& scenario, const World& world, const std::vector<Metric>& metrics,
              Judge& judge);
  /// Who sees every item before the judge does.
  void tell(std::function<void(const StreamItem&)> seen) { seen_ = std::move(seen); }
  /// Everything once.
  void poll(DurationMs at);
  void tick(DurationMs at);

 private:
  using Values = std::map<SeriesKey, double>;
  struct Source {
    std::string process;  // empty: REST
    SourceHealth health;
    std::shared_ptr<const Layout> layout;
  };

  void poll_rest(DurationMs at);
  void poll_reporter(const ReporterLine& line, Source& source, DurationMs at);
  void send_facts(DurationMs at);
  void send_batch(Source& source, Values values, DurationMs at);
  void report(Source& source, bool up, ErrorCode reason, DurationMs at);
  void send(DurationMs at, decltype(StreamItem::what) what);

  Values values_of(const std::string& process, DurationMs at);
  void add_series(const SeriesLine& line, std::size_t number, const std::string& process,
                  DurationMs at, Values& values);
  void add_restarts(DurationMs at, Values& values);
  EntityId process_entity(const std::string& name);
  EntityId subtask_entity(const JobInstance& job, std::size_t vertex, int subtask);
  bool has_reporter(const std::string& process) const;
  bool selected(Metric metric) const;

  const Case& scenario_;
  const World& world_;
  const std::vector<Metric>& metrics_;
  Judge& judge_;
  std::function<void(const StreamItem&)> seen_;
  Source rest_;
  std::vector<Source> reporters_;  // as the case's lines
  std::optional<ClusterFacts> before_;
  std::map<std::string, JobFactsPtr> published_;
};

}  // namespace doctor::scenario
