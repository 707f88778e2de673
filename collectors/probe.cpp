#include "collectors/probe.hpp"

#include <algorithm>
#include <set>

#include "collectors/batch_of.hpp"
#include "collectors/scrape_page.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

constexpr std::string_view kPrefix = "flink_doctor_probe_";

}  // namespace

ProbeScrape::ProbeScrape(SourceId source, const Selection& selection, const Limits& limits)
    : source_(source), limits_(limits), reader_(*this, limits.reporter_line_bytes_max) {
  for (const MetricInfo& about : metric_catalogue()) {
    if (about.probe_family.empty() || !selection.contains(about.metric)) continue;
    families_.emplace(std::string(kPrefix).append(about.probe_family), &about);
  }
}

Status ProbeScrape::feed(std::span<const char> window) {
  reader_.feed(window);
  return Done{};
}

Result<Scrape> ProbeScrape::finish(TimestampMs at, EntityTable& entities,
                                   const std::shared_ptr<const Layout>& previous) {
  reader_.finish();
  if (!saw_probe_) {
    return Error{ErrorCode::not_flink, "the answer is no page of `flink-doctor probe`"};
  }
  Scrape scrape;
  scrape.stats = reader_.stats();
  scrape.series_dropped = dropped_;
  scrape.series_unlabelled = unlabelled_;
  const bool one_jm = one_job_manager();
  std::vector<std::pair<SeriesKey, double>> series;
  for (const Staged& staged : staged_) {
    const bool ambiguous = staged.task_manager.empty() && !one_jm;
    const EntityId id = ambiguous ? kNoEntity : entity(staged, entities);
    if (id == kNoEntity) {
      ++scrape.series_unlabelled;
    } else {
      series.emplace_back(SeriesKey{staged.metric, id}, staged.value);
    }
  }
  std::stable_sort(series.begin(), series.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  const auto end = std::unique(series.begin(), series.end(),
                               [](const auto& a, const auto& b) { return a.first == b.first; });
  scrape.series_duplicate = static_cast<std::uint64_t>(series.end() - end);
  series.erase(end, series.end());
  scrape.batch = batch_of(source_, at, kNoEntity, series, previous);
  return scrape;
}

bool ProbeScrape::wants(std::string_view family) {
  saw_probe_ |= family.starts_with(kPrefix);
  return families_.contains(family);
}

void ProbeScrape::sample(std::string_view family, std::span<const exposition::Label> labels,
                         double value) {
  const auto [from, to] = families_.equal_range(family);
  for (auto it = from; it != to; ++it) {
    const MetricInfo& about = *it->second;
    if (!about.probe_label.empty() &&
        exposition::value_of(labels, about.probe_label) != about.probe_label_value) {
      continue;
    }
    const std::string_view process = exposition::value_of(labels, "process");
    const std::string_view task_manager = exposition::value_of(labels, "tm_id");
    if (process != "jobmanager" && task_manager.empty()) {
      ++unlabelled_;
      continue;
    }
    if (staged_.size() >= limits_.series_per_source_max) {
      ++dropped_;
      continue;
    }
    Staged staged{about.metric, canonical(about.metric, value), {}, {}, {}};
    if (process != "jobmanager")
      staged.task_manager = task_manager.substr(0, limits_.name_bytes_max);
    staged.pid = exposition::value_of(labels, "pid").substr(0, 20);
    if (about.level == Level::directory) {
      staged.directory =
          std::string(exposition::value_of(labels, "role"))
              .append(":")
              .append(exposition::value_of(labels, "path").substr(0, limits_.name_bytes_max));
    }
    staged_.push_back(std::move(staged));
  }
}

/// Two JobManagers on one machine: nothing tells which of them is ours.
bool ProbeScrape::one_job_manager() const {
  std::set<std::string> pids;
  for (const Staged& staged : staged_) {
    if (staged.task_manager.empty()) pids.insert(staged.pid);
  }
  return pids.size() <= 1;
}

EntityId ProbeScrape::entity(const Staged& staged, EntityTable& entities) const {
  const EntityId process =
      staged.task_manager.empty()
          ? entities.intern(Level::process, kClusterEntity, "jobmanager")
          : entities.find(Level::process, kClusterEntity, reporter_filtered(staged.task_manager));
  if (process == kNoEntity || staged.directory.empty()) return process;
  return entities.intern(Level::directory, process, printable(staged.directory));
}

boost::asio::awaitable<Result<Scrape>> scrape_probe(Http& http, Endpoint endpoint, SourceId source,
                                                    const Selection& selection,
                                                    const Limits& limits, EntityTable& entities,
                                                    std::shared_ptr<const Layout> previous,
                                                    TimestampMs (*clock)()) {
  ProbeScrape parse(source, selection, limits);
  const Result<HttpReply> reply = co_await get_page(http, std::move(endpoint), parse, limits);
  if (!reply) co_return reply.error();
  Result<Scrape> scrape = parse.finish(clock(), entities, previous);
  if (scrape.ok()) scrape->reply = *reply;
  co_return scrape;
}

}  // namespace doctor
