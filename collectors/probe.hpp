// One of flink-doctor's own probes: GET /metrics of the host's view of Flink processes. A probe
// sees every Flink process of its machine, also those of other clusters: only processes that REST
// has told of are taken.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/exposition/reader.hpp"
#include "collectors/reporter.hpp"

namespace doctor {

/// Pure: takes the probe's exposition, gives a batch of what `selection` wants of the host.
class ProbeScrape final : public BodySink, private exposition::Sink {
 public:
  /// `selection` and `limits` must outlive it.
  ProbeScrape(SourceId source, const Selection& selection, const Limits& limits);

  Status feed(std::span<const char> window) override;
  /// Error not_flink when it was no probe's page. series_unlabelled counts what belongs to
  /// processes that are not told apart or not of this cluster.
  Result<Scrape> finish(TimestampMs at, EntityTable& entities,
                        const std::shared_ptr<const Layout>& previous);

 private:
  struct Staged {
    Metric metric;
    double value;
    std::string task_manager;  // empty: the JobManager
    std::string pid, directory;
  };

  bool wants(std::string_view family) override;
  void sample(std::string_view family, std::span<const exposition::Label> labels,
              double value) override;
  EntityId entity(const Staged& staged, EntityTable& entities) const;
  bool one_job_manager() const;

  SourceId source_;
  const Limits& limits_;
  std::multimap<std::string, const MetricInfo*, std::less<>> families_;
  bool saw_probe_{false};
  std::vector<Staged> staged_;
  std::uint64_t dropped_{0};
  std::uint64_t unlabelled_{0};
  exposition::Reader reader_;
};

/// One GET and its parse, as scrape_reporter().
boost::asio::awaitable<Result<Scrape>> scrape_probe(Http& http, Endpoint endpoint, SourceId source,
                                                    const Selection& selection,
                                                    const Limits& limits, EntityTable& entities,
                                                    std::shared_ptr<const Layout> previous,
                                                    TimestampMs (*clock)());

}  // namespace doctor
