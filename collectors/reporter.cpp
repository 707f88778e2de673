#include "collectors/reporter.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <utility>

#include "collectors/scrape_page.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

constexpr std::size_t kHeadBytes = 64;

/// Of the resource manager and of the dispatcher, which a standby JobManager does not run.
bool is_of_leader(std::string_view family) {
  return family == "flink_jobmanager_numRegisteredTaskManagers" ||
         family == "flink_jobmanager_numRunningJobs";
}

}  // namespace

ReporterScrape::ReporterScrape(SourceId source, const Selection& selection, const Limits& limits,
                               const EntityTable& entities, SeriesIndex& known)
    : source_(source),
      selection_(selection),
      limits_(limits),
      known_(known),
      places_(limits.name_bytes_max),
      reader_(*this, limits.reporter_line_bytes_max) {
  known_.begin(entities);
}

Status ReporterScrape::feed(std::span<const char> window) {
  if (head_.size() < kHeadBytes) {
    head_.append(window.data(), std::min(window.size(), kHeadBytes - head_.size()));
  }
  reader_.feed(window);
  return Done{};
}

Result<Scrape> ReporterScrape::finish(TimestampMs at, EntityTable& entities) {
  reader_.finish();
  if (!saw_job_manager_ && !saw_task_manager_) {
    return Error{ErrorCode::not_flink, what_was_seen()};
  }
  Scrape scrape;
  scrape.stats = reader_.stats();
  scrape.series_dropped = dropped_;
  scrape.series_unlabelled = unlabelled_;
  scrape.leads = saw_leader_;
  // Over the cap old series stay.
  const std::size_t room =
      limits_.series_per_source_max - std::min(limits_.series_per_source_max, known_.seen());
  if (staged_.size() > room) {
    scrape.series_dropped += staged_.size() - room;
    staged_.resize(room);
  }
  const EntityId own_process = process(entities);
  std::vector<SeriesIndex::Sighting> placed = newcomers(entities);
  scrape.series_dropped += staged_.size() - placed.size();
  SeriesIndex::Commit done = known_.commit(source_, at, own_process, std::move(placed), entities);
  scrape.series_duplicate = done.duplicate;
  scrape.batch = std::move(done.batch);
  return scrape;
}

/// What the entity table has room for.
std::vector<SeriesIndex::Sighting> ReporterScrape::newcomers(EntityTable& entities) const {
  ReporterPlaces::Entities find(places_, entities);
  std::vector<SeriesIndex::Sighting> placed;
  placed.reserve(staged_.size());
  for (const Staged& staged : staged_) {
    const EntityId process = find.named_process(staged.place);
    const EntityId id = find.of(staged.place);
    if (id == kNoEntity) continue;
    placed.push_back({staged.raw, SeriesKey{staged.place.metric, id}, process, staged.place.attempt,
                      staged.order, staged.bytes, staged.value});
  }
  return placed;
}

bool ReporterScrape::wants(std::string_view family) {
  metric_.reset();
  from_job_manager_ = family.starts_with(kJobManagerPrefix);
  const bool from_task_manager = family.starts_with(kTaskManagerPrefix);
  saw_job_manager_ |= from_job_manager_;
  saw_task_manager_ |= from_task_manager;
  saw_leader_ |= is_of_leader(family);
  if (!from_job_manager_ && !from_task_manager) {
    if (other_family_.empty()) other_family_ = family.substr(0, limits_.name_bytes_max);
    return false;
  }
  if (const auto match = selection_.match(family)) {
    metric_ = match->metric;
    star_ = match->star;
  }
  return metric_.has_value();
}

bool ReporterScrape::known(std::string_view series, double value) {
  raw_.reset();
  if (series.size() > RawHash::kTextBytesMax) return false;
  raw_ = hash_(series);
  raw_bytes_ = static_cast<std::uint32_t>(series.size());
  return known_.stage(*raw_, value);
}

void ReporterScrape::sample(std::string_view /*family*/, std::span<const exposition::Label> labels,
                            double value) {
  // Lines that get no place leave names behind, too.
  const bool full = staged_.size() >= limits_.series_per_source_max ||
                    places_.bytes() >= limits_.new_series_names_bytes_max;
  if (full || !raw_) {
    ++dropped_;
    return;
  }
  const auto metric = selection_.of_series(*metric_, exposition::value_of(labels, "quantile"));
  if (!metric) return;
  Staged staged{*raw_, value, raw_bytes_, known_.next_order(), {*metric}};
  const bool placed = places_.fill(staged.place, star_, from_job_manager_, labels);
  if (task_manager_ == ReporterPlaces::kNoText) task_manager_ = staged.place.named_process;
  if (placed) {
    staged_.push_back(staged);
  } else {
    ++unlabelled_;
  }
}

/// The process that answered. A local cluster has both roles in one JVM: then the TaskManager,
/// which the tasks belong to.
EntityId ReporterScrape::process(EntityTable& entities) const {
  if (task_manager_ != ReporterPlaces::kNoText) {
    return entities.intern(Level::process, kClusterEntity, places_.text(task_manager_));
  }
  if (!saw_job_manager_) return kNoEntity;
  return entities.intern(Level::process, kClusterEntity, "jobmanager");
}

std::string ReporterScrape::what_was_seen() const {
  const std::size_t first = head_.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return "the answer is empty, not metrics of Flink";
  const auto is_binary = [](char c) {
    return std::iscntrl(static_cast<unsigned char>(c)) != 0 && std::strchr("\t\r\n", c) == nullptr;
  };
  if (std::any_of(head_.begin(), head_.end(), [&](char c) { return c == '\0' || is_binary(c); })) {
    return "the answer is binary, not metrics of Flink";
  }
  if (head_[first] == '<') return "the answer is HTML or XML, not metrics of Flink";
  if (head_[first] == '{' || head_[first] == '[') {
    return "the answer is JSON, not metrics of Flink";
  }
  if (!other_family_.empty()) {
    return "metrics of another program, such as " + printable(other_family_, 80) +
           ", and none of Flink";
  }
  return "the answer is text without metrics of Flink: " + printable(head_.substr(first), 40);
}

// --- get

boost::asio::awaitable<Result<Scrape>> scrape_reporter(Http& http, Endpoint endpoint,
                                                       SourceId source, const Selection& selection,
                                                       const Limits& limits, EntityTable& entities,
                                                       SeriesIndex& known, TimestampMs (*clock)()) {
  ReporterScrape parse(source, selection, limits, entities, known);
  const Result<HttpReply> reply = co_await get_page(http, std::move(endpoint), parse, limits);
  if (!reply) co_return reply.error();
  Result<Scrape> scrape = parse.finish(clock(), entities);
  if (scrape.ok()) scrape->reply = *reply;
  co_return scrape;
}

}  // namespace doctor
