// One of flink-doctor's own probes: GET /metrics of the host's view of Flink processes. A probe
// sees every Flink process of its machine, also those of other clusters: only processes that REST
// has told of are taken.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/exposition/reader.hpp"
#include "collectors/reporter.hpp"

namespace doctor {

/// The process a probe's series is of, and the directory when it is of one.
struct ProbePlace {
  std::string task_manager;  // empty: the JobManager
  std::string pid;
  std::string directory;  // "role:path", or empty
};

/// What the series of a probe are, by name and labels: on its page, and in a store that scraped it.
class ProbeFamilies {
 public:
  static constexpr std::string_view kPrefix = "flink_doctor_probe_";
  explicit ProbeFamilies(const Selection& selection);

  bool contains(std::string_view family) const { return metrics_.contains(family); }
  /// Null: nothing that is wanted.
  const MetricInfo* metric(std::string_view family,
                           std::span<const exposition::Label> labels) const;
  /// Nothing when the labels name no process.
  static std::optional<ProbePlace> place(const MetricInfo& about,
                                         std::span<const exposition::Label> labels,
                                         const Limits& limits);
  /// kNoEntity for TaskManagers that nobody else has told of.
  static EntityId entity(const ProbePlace& place, EntityTable& entities);

 private:
  std::multimap<std::string, const MetricInfo*, std::less<>> metrics_;
};

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
    ProbePlace place;
  };

  bool wants(std::string_view family) override;
  void sample(std::string_view family, std::span<const exposition::Label> labels,
              double value) override;
  bool one_job_manager() const;

  SourceId source_;
  const Limits& limits_;
  ProbeFamilies families_;
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
