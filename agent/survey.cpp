#include "agent/survey.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <exception>
#include <nlohmann/json.hpp>
#include <set>

#include "agent/collection.hpp"
#include "agent/delivery/terminal.hpp"
#include "agent/net/asio_http.hpp"

namespace doctor {
namespace {

namespace asio = boost::asio;

constexpr int kNameColumn = 32;
constexpr int kUnitColumn = 20;
constexpr int kCountColumn = 10;

std::vector<Metric> all_metrics() {
  std::vector<Metric> metrics;
  for (const MetricInfo& about : metric_catalogue()) metrics.push_back(about.metric);
  return metrics;
}

/// What one collection of the cluster has shown so far.
class Sight {
 public:
  Sight(ClusterConfig cluster, const Config& config, Http& http, Resolver& resolver,
        const Selection& selection)
      : cluster_(std::move(cluster)),
        entities_(config.limits.entities_per_cluster_max),
        collection_(0, cluster_, config, http, resolver, selection, entities_, true,
                    [this](const StreamItem& item) { take(item); }) {}

  asio::awaitable<void> poll() { co_await collection_.poll_once(); }
  std::size_t series(Metric metric) const { return seen_[static_cast<std::size_t>(metric)].size(); }
  const std::optional<FlinkVersion>& version() const { return version_; }
  const std::optional<Error>& failure() const { return failure_; }

 private:
  void take(const StreamItem& item) {
    if (const auto* batch = std::get_if<Batch>(&item.what)) {
      for (std::size_t i = 0; i < batch->values.size(); ++i) {
        const SeriesKey& key = batch->layout->keys[i];
        if (is_present(batch->values[i])) {
          seen_[static_cast<std::size_t>(key.metric)].insert(key.entity);
        }
      }
    } else if (const auto* facts = std::get_if<ClusterFactsPtr>(&item.what)) {
      version_ = (*facts)->version;
    } else if (const auto* health = std::get_if<SourceHealth>(&item.what)) {
      if (health->kind == SourceKind::rest && !health->up) failure_ = health->last_error;
      if (health->kind == SourceKind::rest && health->up) failure_.reset();
    }
  }

  ClusterConfig cluster_;
  EntityTable entities_;
  std::vector<std::set<EntityId>> seen_{metric_catalogue().size()};
  std::optional<FlinkVersion> version_;
  std::optional<Error> failure_;
  Collection collection_;
};

ClusterConfig without_reporters(ClusterConfig cluster) {
  cluster.reporters.clear();
  return cluster;
}

asio::awaitable<void> look_twice(Sight& by_reporter, Sight& by_rest, DurationMs wait_ms) {
  co_await by_rest.poll();
  if (by_rest.failure()) co_return;
  co_await by_reporter.poll();
  asio::steady_timer timer(co_await asio::this_coro::executor);
  timer.expires_after(std::chrono::milliseconds(wait_ms));
  co_await timer.async_wait(asio::use_awaitable);
  co_await by_reporter.poll();
  co_await by_rest.poll();
}

std::string column(std::string_view text, int width) { return padded(text, width - 1) + " "; }

}  // namespace

Result<Survey> survey(const Config& config, DurationMs wait_ms) {
  const Selection selection(all_metrics());
  const ClusterConfig& cluster = config.clusters.front();
  asio::io_context io(1);
  Resolver resolver(config.limits);
  const std::unique_ptr<Http> http = make_asio_http(resolver, config.limits);
  Sight by_reporter(cluster, config, *http, resolver, selection);
  Sight by_rest(without_reporters(cluster), config, *http, resolver, selection);
  std::exception_ptr bug;
  asio::co_spawn(io, look_twice(by_reporter, by_rest, wait_ms),
                 [&](std::exception_ptr fault) { bug = fault; });
  io.run();
  if (bug) std::rethrow_exception(bug);
  if (by_rest.failure()) return *by_rest.failure();
  Survey found;
  found.version = by_rest.version();
  found.reporters_asked = !cluster.reporters.empty();
  for (const MetricInfo& about : metric_catalogue()) {
    SurveyRow row;
    row.metric = &about;
    if (found.version) {
      row.in_version = is_in_version(about, found.version->major, found.version->minor);
    }
    if (found.reporters_asked) row.reporter_series = by_reporter.series(about.metric);
    row.rest_series = by_rest.series(about.metric);
    found.rows.push_back(row);
  }
  return found;
}

std::string survey_text(const Survey& survey) {
  std::string text = column("metric", kNameColumn) + column("unit", kUnitColumn) +
                     column("reporter", kCountColumn) + column("REST", kCountColumn) + "meaning\n";
  const auto count = [](std::size_t series, bool there) {
    return there ? std::to_string(series) : std::string("-");
  };
  for (const SurveyRow& row : survey.rows) {
    const MetricInfo& about = *row.metric;
    const bool by_reporter = survey.reporters_asked && !about.reporter_name.empty();
    text += column(about.name, kNameColumn) + column(to_string(about.unit), kUnitColumn) +
            column(count(row.reporter_series, by_reporter), kCountColumn) +
            column(count(row.rest_series, !about.rest_id.empty()), kCountColumn) +
            std::string(about.help) + (row.in_version ? "" : " (not in this version)") + "\n";
  }
  return text;
}

std::string survey_json(const Survey& survey) {
  nlohmann::json rows = nlohmann::json::array();
  for (const SurveyRow& row : survey.rows) {
    rows.push_back({{"metric", row.metric->name},
                    {"unit", to_string(row.metric->unit)},
                    {"level", to_string(row.metric->level)},
                    {"in_version", row.in_version},
                    {"by_reporter", !row.metric->reporter_name.empty()},
                    {"by_rest", !row.metric->rest_id.empty()},
                    {"reporter_series", row.reporter_series},
                    {"rest_series", row.rest_series}});
  }
  nlohmann::json document{{"version", 1}, {"metrics", std::move(rows)}};
  if (survey.version) document["flink_version"] = survey.version->text;
  return document.dump(1) + "\n";
}

}  // namespace doctor
