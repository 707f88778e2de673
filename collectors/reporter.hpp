// One Prometheus reporter of one Flink process: GET /metrics, keep the selected series, tell the
// process's role by content (flink_jobmanager_… or flink_taskmanager_…), never by port.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "collectors/exposition/reader.hpp"
#include "collectors/http.hpp"
#include "model/batch.hpp"
#include "model/entity.hpp"
#include "model/limits.hpp"
#include "model/source.hpp"

namespace doctor {

/// Lets maps keyed by std::string be asked with a std::string_view.
struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};

/// Which metrics to keep: compiled once from what detectors read and what is re-exported.
class Selection {
 public:
  explicit Selection(std::vector<Metric> metrics);
  struct Match {
    Metric metric;
    std::string_view star;  // what '*' stood for: collector or column family; views into `family`
  };
  /// `family` as exposed ("flink_taskmanager_job_task_numRecordsIn"). The pseudo-collector "All"
  /// (Flink ≥ 1.19), the sum of the others, never matches: sums over collectors would count twice.
  std::optional<Match> match(std::string_view family) const;
  bool contains(Metric metric) const;
  std::vector<Metric> metrics() const;

 private:
  struct Pattern {
    std::string prefix, suffix;
    Metric metric;
  };
  void add(Metric metric, std::string_view scope);

  std::vector<bool> selected_;                                                  // by metric
  std::unordered_map<std::string, Metric, StringHash, std::equal_to<>> exact_;  // by family
  std::vector<Pattern> patterns_;
};

struct Scrape {
  Batch batch;
  exposition::ReaderStats stats;
  std::uint64_t series_dropped{};  // over the cap on series or entities
  std::uint64_t
      series_duplicate{};  // one series more than once: the newest attempt, else the first
  std::uint64_t series_unlabelled{};  // a label that places it is missing or malformed
  HttpReply reply;
};

/// Pure: takes exposition text, gives a batch. Stages everything; nothing is registered in the
/// entity table and no batch is made unless finish() is reached. Names in the entity table are
/// filtered as the reporter filters them, also when the reporter was told not to.
class ReporterScrape final : public BodySink, private exposition::Sink {
 public:
  /// `selection` and `limits` must outlive it.
  ReporterScrape(SourceId source, const Selection& selection, const Limits& limits);

  Status feed(std::span<const char> window) override;
  /// Error not_flink when nothing in the body was a Flink family. `previous` is reused as the
  /// layout when the keys are the same.
  Result<Scrape> finish(TimestampMs at, EntityTable& entities,
                        const std::shared_ptr<const Layout>& previous);

 private:
  static constexpr std::uint32_t kNoText = 0xFFFFFFFFU;
  /// A sample before its entities exist: 48 bytes, names by their place in texts_.
  struct Staged {
    double value;
    std::int32_t attempt;
    std::uint32_t subtask;
    std::uint32_t process, job, vertex, operator_;
    std::uint32_t last;  // the collector or the column family
    Metric metric;
  };
  struct Labels;
  class Places;

  bool wants(std::string_view family) override;
  void sample(std::string_view family, std::span<const exposition::Label> labels,
              double value) override;
  bool place(Staged& staged, const Labels& labels);
  std::uint32_t text(std::string_view label);
  EntityId entity(const Staged& staged, Places& places) const;
  EntityId process(EntityTable& entities) const;
  std::string what_was_seen() const;

  SourceId source_;
  const Selection& selection_;
  const Limits& limits_;
  std::optional<Metric> metric_;  // of the family that wants() was asked about last
  std::string star_;
  bool from_job_manager_{false};
  bool saw_job_manager_{false};
  bool saw_task_manager_{false};
  std::uint32_t task_manager_{kNoText};  // the first tm_id seen
  std::string head_;                     // the body's first bytes, to say what it was
  std::string other_family_;             // the first that is not Flink's
  std::vector<Staged> staged_;
  std::vector<std::string> texts_;
  std::unordered_map<std::string, std::uint32_t, StringHash, std::equal_to<>> text_index_;
  std::uint64_t dropped_{0};
  std::uint64_t unlabelled_{0};
  exposition::Reader reader_;
};

/// One GET and its parse. `selection`, `limits` and `entities` must outlive the coroutine.
boost::asio::awaitable<Result<Scrape>> scrape_reporter(Http& http, Endpoint endpoint,
                                                       SourceId source, const Selection& selection,
                                                       const Limits& limits, EntityTable& entities,
                                                       std::shared_ptr<const Layout> previous,
                                                       TimestampMs (*clock)());

}  // namespace doctor
